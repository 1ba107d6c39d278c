//! What is left when the engine cannot do its work: finding goes on, and says what it no longer knows.

use serde_json::json;

use crate::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_null_and_never_none_left() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let full = site.only_slot().await;
    site.hold(&full).await;
    let clinics = "/api/v1/clinics?near=01602&within_km=100";
    let etag = site.ask("GET", clinics).send().await.is(200).header("etag");
    site.stop_engine().await;

    let known = site.ask("GET", clinics).send().await.is(200).json();
    assert!(
        known["clinics"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|clinic| clinic["free"].is_u64()),
        "{known}"
    );
    site.let_pass(11 * 60);
    let list = site
        .ask("GET", clinics)
        .header("if-none-match", &etag)
        .send()
        .await
        .is(200)
        .json();
    for clinic in list["clinics"].as_array().expect("a list") {
        assert_eq!(
            (&clinic["free"], &clinic["next_available"]),
            (&json!(null), &json!(null))
        );
        assert!(clinic["distance_km"].is_f64(), "what does not change is still known");
    }
    let slots = site.slots(&slot.clinic, "").await;
    assert!(slots["slots"].as_array().is_some_and(|slots| !slots.is_empty()));
    assert!(
        slots["slots"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|slot| slot["free"].is_null() && slot["capacity"].is_u64())
    );
    assert_eq!(list["as_of"], known["as_of"], "its age is said");
    site.ask("GET", "/readyz").send().await.is(503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_says_how_to_try_again() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    site.stop_engine().await;
    site.until_failing("committer").await;
    let answer = site
        .ask("POST", "/api/v1/holds")
        .json(&json!({"slot": slot.id}))
        .send()
        .await;
    answer.problem(503, "unreachable");
    assert_eq!(answer.json()["retry"], json!({"after_s": 5, "with_same_key": false}));
    assert_eq!(answer.header("retry-after"), "5");
    let ready = site.ask("GET", "/readyz").send().await.is(503).json();
    assert_eq!(ready, json!({"failing": ["committer"]}), "names, and nothing else");
    site.ask("GET", "/livez").send().await.is(503);
    site.ask("GET", &format!("/api/v1/slots?clinic={}", slot.clinic))
        .send()
        .await
        .is(200);
}
