//! `GET /api/v1/clinics`.

use serde_json::{Value, json};

use crate::site::Site;

const CLINICS: &str = "/api/v1/clinics";

fn names(list: &Value) -> Vec<String> {
    let clinics = list["clinics"].as_array().expect("a list");
    clinics
        .iter()
        .map(|clinic| clinic["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_clinics_by_name_also_those_whose_place_is_not_known() {
    let site = Site::start();
    let list = site.ask("GET", CLINICS).send().await.is(200).json();
    assert_eq!(
        names(&list),
        [
            "Airport Clinic",
            "Boston Clinic",
            "Clinic Without Place",
            "Worcester Clinic"
        ]
    );
    assert_eq!(list["next"], json!(null));
    assert!(list["as_of"].as_str().is_some_and(|at| at.ends_with('Z')));
    for clinic in list["clinics"].as_array().expect("a list") {
        assert_eq!(clinic["distance_km"], json!(null));
    }
    let unplaced = &list["clinics"][2];
    assert_eq!(
        (&unplaced["latitude"], &unplaced["longitude"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(unplaced["address"]["zip"], json!(null));
    let fields: Vec<&str> = unplaced
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "address",
        "distance_km",
        "free",
        "id",
        "latitude",
        "longitude",
        "name",
        "next_available",
        "phone",
    ];
    assert_eq!(fields, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn near_a_zip_by_distance() {
    let site = Site::start();
    let near = |query: &str| site.ask("GET", &format!("{CLINICS}?{query}"));
    let list = near("near=01602&within_km=100").send().await.is(200).json();
    assert_eq!(names(&list)[0], "Worcester Clinic");
    let distances: Vec<f64> = list["clinics"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|clinic| clinic["distance_km"].as_f64())
        .collect();
    assert_eq!(distances.len(), 3, "those whose place is not known are not near");
    assert!(
        distances.is_sorted() && distances[0] < 10.0 && (50.0..80.0).contains(&distances[1]),
        "{distances:?}"
    );
    let list = near("near=01602").send().await.is(200).json();
    assert_eq!(names(&list), ["Worcester Clinic"], "40 km by default");
    let list = near("near=01602&within_km=1").send().await.is(200).json();
    assert!(names(&list).is_empty() || distances[0] <= 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_are_not_right() {
    let site = Site::start();
    let table = [
        ("near=00000", 422, "invalid", "near"),
        ("near=1602", 422, "invalid", "near"),
        ("near=", 422, "invalid", "near"),
        ("near=01602&within_km=0", 422, "invalid", "within_km"),
        ("near=01602&within_km=501", 422, "invalid", "within_km"),
        ("near=01602&within_km=-5", 422, "invalid", "within_km"),
        ("near=01602&within_km=NaN", 422, "invalid", "within_km"),
        ("near=01602&within_km=1e2", 422, "invalid", "within_km"),
        ("within_km=inf", 422, "invalid", "within_km"),
        ("vaccine=measles", 422, "invalid", "vaccine"),
        ("limit=0&cursor=x&near=x", 422, "invalid", "near limit cursor"),
        ("cursor=", 422, "invalid", "cursor"),
        ("cursor=AAAA", 422, "invalid", "cursor"),
        ("zip=01602", 400, "malformed", "zip"),
        ("near=01602&near=01602", 400, "malformed", "near"),
        ("near=%ff", 400, "malformed", ""),
    ];
    for (query, status, code, fields) in table {
        let answer = site.ask("GET", &format!("{CLINICS}?{query}")).send().await;
        assert_eq!(answer.problem(status, code), fields, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_goes_through_all_of_them_once() {
    let site = Site::start();
    for query in ["limit=1", "limit=1&near=01602&within_km=100", "limit=3"] {
        let whole = site.ask(
            "GET",
            &format!(
                "{CLINICS}?{}",
                query.replace("limit=1", "limit=200").replace("limit=3", "limit=200")
            ),
        );
        let whole = names(&whole.send().await.is(200).json());
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let list = site
                .ask("GET", &format!("{CLINICS}?{query}{cursor}"))
                .send()
                .await
                .is(200)
                .json();
            seen.extend(names(&list));
            match list["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen, whole, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_free_follows_what_is_held() {
    let site = Site::start();
    let slot = site.only_slot().await;
    let clinic = |query: &'static str| {
        let asking = site.ask("GET", &format!("{CLINICS}?{query}"));
        async move { asking.send().await.is(200).json()["clinics"].clone() }
    };
    let before = clinic("vaccine=141").await;
    assert_eq!(before.as_array().map(Vec::len), Some(1), "only clinics that offer it");
    assert_eq!(
        (&before[0]["free"], &before[0]["next_available"]),
        (&json!(1), &slot.shown()["start"])
    );
    site.hold(&slot).await;
    let after = clinic("vaccine=141").await;
    assert_eq!(
        (&after[0]["free"], &after[0]["next_available"]),
        (&json!(0), &json!(null)),
        "none, and we know it"
    );
    assert_eq!(clinic("vaccine=999").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_is_not_sent_twice() {
    let site = Site::start();
    let first = site.ask("GET", CLINICS).send().await.is(200);
    let etag = first.header("etag");
    assert!(etag.starts_with("W/\""), "{etag}");
    for tag in [
        etag.clone(),
        "*".into(),
        format!("\"other\", {etag}"),
        etag.trim_start_matches("W/").into(),
    ] {
        let again = site
            .ask("GET", CLINICS)
            .header("if-none-match", &tag)
            .send()
            .await
            .is(304);
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), etag);
    }
    site.ask("GET", CLINICS)
        .header("if-none-match", "W/\"other\"")
        .send()
        .await
        .is(200);
    site.shift_minutes(1);
    site.ask("GET", CLINICS)
        .header("if-none-match", &etag)
        .send()
        .await
        .is(304);
    site.hold(&site.slot("03", 3).await).await;
    let changed = site
        .ask("GET", CLINICS)
        .header("if-none-match", &etag)
        .send()
        .await
        .is(200);
    assert_ne!(changed.header("etag"), etag);
    let head = site.ask("HEAD", CLINICS).send().await.is(200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("etag"), changed.header("etag"));
}
