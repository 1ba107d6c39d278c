//! The API over the wire: each call of `/holds`, with every status the contract names for it.

use serde_json::json;

use crate::site::Site;

const HOLDS: &str = "/api/v1/holds";

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_one_place() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let held = site
        .ask("POST", HOLDS)
        .json(&json!({"slot": slot.id}))
        .send()
        .await
        .is(201);
    let hold = held.json();
    let names: Vec<&str> = hold
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, ["expires_at", "extensions_left", "id", "slots", "token"]);
    assert_eq!(hold["slots"], json!([slot.shown()]));
    assert!(
        hold["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("hld-") && id.len() <= 64)
    );
    assert!(
        hold["expires_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z') && at.len() == 20)
    );
    assert!(
        hold["token"].as_str().is_some_and(|token| token.len() >= 22),
        "128 bits at least"
    );
    assert_eq!(held.header("cache-control"), "no-store");
    assert_eq!(site.free(&slot).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_of_several_is_all_or_none() {
    let site = Site::start();
    let (wide, narrow) = (site.slot("03", 3).await, site.slot("03", 1).await);
    let slots = json!({"slots": [wide.id, narrow.id, wide.id]});
    let held = site.ask("POST", HOLDS).json(&slots).send().await.is(201).json();
    assert_eq!(
        held["slots"],
        json!([wide.shown(), narrow.shown(), wide.shown()]),
        "in the order asked for"
    );
    assert_eq!((site.free(&wide).await, site.free(&narrow).await), (1, 0));

    let refused = site
        .ask("POST", HOLDS)
        .json(&json!({"slots": [wide.id, narrow.id]}))
        .send()
        .await;
    refused.problem(409, "slot-full");
    assert_eq!(site.free(&wide).await, 1, "nothing was held of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_fits_into_a_slot_as_far_as_there_are_places() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let family = |people: usize| json!({"slots": vec![slot.id.clone(); people]});
    site.ask("POST", HOLDS)
        .json(&family(4))
        .send()
        .await
        .problem(409, "slot-full");
    assert_eq!(site.free(&slot).await, 3);
    site.ask("POST", HOLDS).json(&family(3)).send().await.is(201);
    assert_eq!(site.free(&slot).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_slot_offers_the_three_nearest() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    site.ask("POST", HOLDS)
        .json(&json!({"slot": slot.id}))
        .send()
        .await
        .is(201);
    let refused = site.ask("POST", HOLDS).json(&json!({"slot": slot.id})).send().await;
    refused.problem(409, "slot-full");
    let problem = refused.json();
    let nearest = problem["nearest"].as_array().expect("the nearest open times");
    assert_eq!(nearest.len(), 3, "{problem}");
    for other in nearest {
        assert_eq!(
            (&other["clinic"], &other["vaccine"]),
            (&slot.shown()["clinic"], &slot.shown()["vaccine"])
        );
        assert_ne!(other["id"], slot.id.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_is_none_is_invalid_where_it_stands() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let unknown = "slt-00000000000000000000000000";
    for wrong in [
        json!(unknown),
        json!("slt-x"),
        json!(""),
        json!("apt-00000000000000000000000000"),
        json!(7),
        json!(null),
    ] {
        let answer = site.ask("POST", HOLDS).json(&json!({"slot": wrong})).send().await;
        assert_eq!(answer.problem(422, "invalid"), "/slot", "{wrong}");
        let answer = site
            .ask("POST", HOLDS)
            .json(&json!({"slots": [slot.id, slot.id, wrong]}))
            .send()
            .await;
        assert_eq!(answer.problem(422, "invalid"), "/slots/2", "{wrong}");
    }
    assert_eq!(site.free(&slot).await, 3, "nothing was held");
    let same = |answer: crate::site::Answered| answer.json()["errors"].clone();
    let of_unknown = same(site.ask("POST", HOLDS).json(&json!({"slot": unknown})).send().await);
    let of_garbage = same(site.ask("POST", HOLDS).json(&json!({"slot": "garbage"})).send().await);
    assert_eq!(of_unknown, of_garbage, "the answer does not tell which ids exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_right() {
    let site = Site::start();
    let slot = site.slot("03", 3).await.id;
    let many = json!({"slots": vec![slot.clone(); 13]}).to_string();
    let table: &[(&str, u16, &str, &str)] = &[
        ("", 400, "malformed", ""),
        ("{", 400, "malformed", ""),
        ("{}", 422, "invalid", "/slot"),
        ("[]", 422, "invalid", ""),
        ("null", 422, "invalid", ""),
        (r#"{"slots":[]}"#, 422, "invalid", "/slots"),
        (r#"{"slots":"x"}"#, 422, "invalid", "/slots"),
        (r#"{"slot":["x"]}"#, 422, "invalid", "/slot"),
        (r#"{"slot":"x","slots":["x"]}"#, 422, "invalid", "/slots"),
        (&many, 422, "invalid", "/slots"),
        (r#"{"slot":"x","person":1}"#, 400, "malformed", "/person"),
        (r#"{"slot":"x","slot":"y"}"#, 400, "malformed", "/slot"),
    ];
    for (body, status, code, fields) in table {
        let answer = site.ask("POST", HOLDS).text((*body).to_owned()).send().await;
        assert_eq!(answer.problem(*status, code), *fields, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_extended_and_given_back_by_its_token_alone() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let hold = site.hold(&slot).await;
    let other = site.hold(&site.slot("03", 3).await).await;
    let extend = format!("{HOLDS}/{}/extend", hold.id);
    let this = format!("{HOLDS}/{}", hold.id);

    let bare = site.ask("POST", &extend).send().await;
    bare.problem(401, "unauthorized");
    assert_eq!(bare.header("www-authenticate"), "Bearer");
    site.ask("POST", &extend)
        .bearer(&other.token)
        .send()
        .await
        .problem(404, "not-found");
    site.ask("DELETE", &this).send().await.problem(401, "unauthorized");
    site.ask("DELETE", &this)
        .bearer(&other.token)
        .send()
        .await
        .problem(404, "not-found");
    let unknown = format!("{HOLDS}/hld-00000000000000000000000000");
    site.ask("DELETE", &unknown)
        .bearer(&hold.token)
        .send()
        .await
        .problem(404, "not-found");
    assert_eq!(site.free(&slot).await, 0);

    let extended = site
        .ask("POST", &extend)
        .bearer(&hold.token)
        .text("{}")
        .send()
        .await
        .is(200)
        .json();
    assert_eq!(
        (extended["id"].as_str(), extended["token"].as_str()),
        (Some(&*hold.id), Some(&*hold.token))
    );
    assert!(extended["extensions_left"].as_u64() < hold.json["extensions_left"].as_u64());
    assert!(extended["expires_at"].as_str() >= hold.json["expires_at"].as_str());

    for _ in 0..2 {
        let given = site.ask("DELETE", &this).bearer(&hold.token).send().await.is(204);
        assert!(given.body.is_empty());
    }
    assert_eq!(site.free(&slot).await, 1, "given back once");
    site.ask("POST", &extend)
        .bearer(&hold.token)
        .send()
        .await
        .problem(409, "hold-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_run_out() {
    let site = Site::start();
    let hold = site.hold(&site.slot("03", 3).await).await;
    let extend = format!("{HOLDS}/{}/extend", hold.id);
    let mut left = hold.json["extensions_left"].as_u64().expect("a number");
    while left > 0 {
        let extended = site
            .ask("POST", &extend)
            .bearer(&hold.token)
            .send()
            .await
            .is(200)
            .json();
        assert_eq!(extended["extensions_left"].as_u64(), Some(left - 1));
        left -= 1;
    }
    site.ask("POST", &extend)
        .bearer(&hold.token)
        .send()
        .await
        .problem(409, "no-extensions-left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_hold_says_so_and_offers_other_times() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let hold = site.hold(&slot).await;
    site.shift_minutes(60);
    site.until_free(&slot, 1).await;
    let extend = format!("{HOLDS}/{}/extend", hold.id);
    let refused = site.ask("POST", &extend).bearer(&hold.token).send().await;
    refused.problem(409, "hold-expired");
    assert!(
        refused.json()["nearest"]
            .as_array()
            .is_some_and(|nearest| !nearest.is_empty())
    );
    let refused = site.book(&hold, "Ana").send().await;
    refused.problem(409, "hold-expired");
}
