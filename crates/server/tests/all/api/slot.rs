//! `GET /api/v1/slots`.

use base::time::{add_days, date_text};
use serde_json::{Value, json};

use crate::site::Site;

const SLOTS: &str = "/api/v1/slots";

#[tokio::test(flavor = "multi_thread")]
async fn a_clinics_times_by_start_full_ones_too() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    site.hold(&slot).await;
    let list = site.slots(&slot.clinic, "&vaccine=03&limit=200").await;
    let slots = list["slots"].as_array().expect("a list");
    assert!(
        slots
            .iter()
            .any(|other| other["id"] == slot.id.as_str() && other["free"] == 0 && other["capacity"] == 1)
    );
    let keys: Vec<(&str, &str)> = slots
        .iter()
        .map(|slot| {
            (
                slot["start"].as_str().expect("text"),
                slot["id"].as_str().expect("text"),
            )
        })
        .collect();
    assert!(keys.is_sorted());
    for slot in slots {
        let fields: Vec<&str> = slot
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(fields, ["capacity", "clinic", "end", "free", "id", "start", "vaccine"]);
        let start = slot["start"].as_str().expect("text");
        assert!(
            start.ends_with("-05:00") || start.ends_with("-04:00"),
            "the clinic's offset: {start}"
        );
        assert_eq!(slot["vaccine"], "03");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_the_clinics_and_both_ends_count() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let today = site.today();
    let (first, last) = (date_text(add_days(today, 2)), date_text(add_days(today, 3)));
    let list = site
        .slots(&slot.clinic, &format!("&from={first}&to={last}&limit=200"))
        .await;
    let days: Vec<String> = starts(&list).iter().map(|start| start[..10].to_owned()).collect();
    assert!(days.contains(&first) && days.contains(&last), "{days:?}");
    assert!(days.iter().all(|day| *day == first || *day == last), "{days:?}");

    let all = starts(&site.slots(&slot.clinic, "&limit=200").await);
    let end = date_text(add_days(today, 14));
    assert!(all.iter().all(|start| start[..10] <= *end.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_is_gone() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let before = starts(&site.slots(&slot.clinic, "&limit=200").await);
    site.shift_minutes(2 * 24 * 60);
    let after = starts(&site.slots(&slot.clinic, "&limit=200").await);
    assert!(!after.contains(&before[0]), "{} is over", before[0]);
    assert!(after.len() < before.len() || after.last() > before.last());
    let now = site.now_text();
    assert!(after.iter().all(|start| start[..10] >= now[..10]));
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_that_are_not_right() {
    let site = Site::start();
    let clinic = site.slot("03", 3).await.clinic;
    let table = [
        (String::new(), 422, "invalid", "clinic"),
        ("clinic=".into(), 422, "invalid", "clinic"),
        (format!("clinic={}", "a".repeat(65)), 422, "invalid", "clinic"),
        (format!("clinic={}", "a".repeat(64)), 404, "not-found", ""),
        (format!("clinic={clinic}&from=tomorrow"), 422, "invalid", "from"),
        (format!("clinic={clinic}&from=2026-02-30"), 422, "invalid", "from"),
        (
            format!("clinic={clinic}&from=2026-12-02&to=2026-12-01"),
            422,
            "invalid",
            "to",
        ),
        (
            format!("clinic={clinic}&from=2026-01-01&to=2027-01-02"),
            422,
            "invalid",
            "to",
        ),
        (format!("clinic={clinic}&vaccine=3"), 422, "invalid", "vaccine"),
        (
            format!("clinic={clinic}&limit=1000&from=x"),
            422,
            "invalid",
            "from limit",
        ),
        (format!("clinic={clinic}&cursor=nonsense"), 422, "invalid", "cursor"),
        (format!("clinic={clinic}&date=2026-01-01"), 400, "malformed", "date"),
        (format!("clinic={clinic}&clinic={clinic}"), 400, "malformed", "clinic"),
        ("clinic=cln-00000000000000000000000000".into(), 404, "not-found", ""),
        ("clinic=nonsense".into(), 404, "not-found", ""),
        ("clinic=slt-00000000000000000000000000".into(), 404, "not-found", ""),
    ];
    for (query, status, code, fields) in table {
        let answer = site.ask("GET", &format!("{SLOTS}?{query}")).send().await;
        assert_eq!(answer.problem(status, code), fields, "{query}");
    }
    site.ask("GET", &format!("{SLOTS}?clinic={clinic}&from=2026-01-01&to=2027-01-01"))
        .send()
        .await
        .is(200);
    site.ask("GET", &format!("{SLOTS}?clinic={clinic}&from=9999-12-31"))
        .send()
        .await
        .is(200);
    site.ask("GET", &format!("{SLOTS}?clinic={clinic}&from=0001-01-01"))
        .send()
        .await
        .is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_goes_through_all_of_them_once() {
    let site = Site::start();
    let clinic = site.slot("03", 3).await.clinic;
    let whole = ids(&site.slots(&clinic, "&limit=200").await);
    assert!(whole.len() > 8, "{}", whole.len());
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = site.slots(&clinic, &format!("&limit=4{cursor}")).await;
        seen.extend(ids(&list));
        assert!(list["slots"].as_array().is_some_and(|slots| slots.len() <= 4));
        match list["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_answer_is_not_sent_twice() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let path = format!("{SLOTS}?clinic={}", slot.clinic);
    let etag = site.ask("GET", &path).send().await.is(200).header("etag");
    site.ask("GET", &path)
        .header("if-none-match", &etag)
        .send()
        .await
        .is(304);
    site.hold(&slot).await;
    site.ask("GET", &path)
        .header("if-none-match", &etag)
        .send()
        .await
        .is(200);
}

fn starts(list: &Value) -> Vec<String> {
    let slots = list["slots"].as_array().expect("a list");
    slots
        .iter()
        .map(|slot| slot["start"].as_str().expect("text").to_owned())
        .collect()
}

fn ids(list: &Value) -> Vec<Value> {
    list["slots"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|slot| json!(slot["id"]))
        .collect()
}
