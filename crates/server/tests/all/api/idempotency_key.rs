//! A request repeated with its key has one effect and the same answer.

use serde_json::json;

use crate::site::{Site, fresh_key, resident};

const HOLDS: &str = "/api/v1/holds";
const APPOINTMENTS: &str = "/api/v1/appointments";

#[tokio::test(flavor = "multi_thread")]
async fn a_post_without_a_usable_key_is_refused() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let body = json!({"slot": slot.id});
    site.ask("POST", HOLDS)
        .json(&body)
        .send_as_is()
        .await
        .problem(400, "idempotency-key-missing");
    for key in [
        "",
        "short",
        "fifteen-letters",
        "with a blank inside it",
        &"x".repeat(256),
    ] {
        site.ask("POST", HOLDS)
            .json(&body)
            .key(key)
            .send_as_is()
            .await
            .problem(400, "idempotency-key-missing");
    }
    let bytes = site
        .ask("POST", HOLDS)
        .json(&body)
        .raw_header("idempotency-key", "sixteen-letters-é".as_bytes());
    bytes.send_as_is().await.problem(400, "idempotency-key-missing");
    assert_eq!(site.free(&slot).await, 3);
    for key in ["sixteen-letters!", &"~".repeat(255)] {
        site.ask("POST", HOLDS).json(&body).key(key).send_as_is().await.is(201);
    }
    let hold = site.hold(&slot).await;
    let this = format!("{HOLDS}/{}", hold.id);
    site.ask("DELETE", &this)
        .bearer(&hold.token)
        .key("short")
        .send()
        .await
        .problem(400, "idempotency-key-missing");
    site.ask("DELETE", &this)
        .bearer(&hold.token)
        .key(&fresh_key())
        .send()
        .await
        .is(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_is_replayed_byte_for_byte() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let key = fresh_key();
    let asking = site.ask("POST", HOLDS).json(&json!({"slot": slot.id})).key(&key);
    let first = asking.clone().send().await.is(201);
    let second = asking.clone().send().await.is(201);
    assert_eq!(first.body, second.body);
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            second.header("idempotency-replayed")
        ),
        (String::new(), "true".into())
    );
    assert_eq!(second.header("content-type"), "application/json");
    assert_eq!(site.free(&slot).await, 2, "one effect");

    // Another spelling of the same JSON is another body.
    let other = site
        .ask("POST", HOLDS)
        .text(format!(r#"{{ "slot": "{}" }}"#, slot.id))
        .key(&key)
        .send()
        .await;
    other.problem(422, "idempotency-key-reused");
    assert_eq!(asking.send().await.body, first.body, "the first outcome still stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_replayed_even_when_it_would_be_a_yes_by_now() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let hold = site.hold(&slot).await;
    let asking = site
        .ask("POST", HOLDS)
        .json(&json!({"slot": slot.id}))
        .key(&fresh_key());
    let first = asking.clone().send().await;
    first.problem(409, "slot-full");
    site.ask("DELETE", &format!("{HOLDS}/{}", hold.id))
        .bearer(&hold.token)
        .send()
        .await
        .is(204);
    let second = asking.send().await;
    second.problem(409, "slot-full");
    assert_eq!(first.body, second.body);
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(site.free(&slot).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_decided_is_not_kept() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let hold = site.hold(&slot).await;
    let key = fresh_key();
    let body = |token: &str| json!({"hold": hold.id, "token": token, "resident": resident("Ana"), "answers": {}});
    let ask = |body: &serde_json::Value| site.ask("POST", APPOINTMENTS).json(body).key(&key);
    ask(&json!({})).send().await.problem(422, "invalid");
    ask(&body("AAAAAAAAAAAAAAAAAAAAAAAA"))
        .send()
        .await
        .problem(422, "invalid");
    site.ask("POST", APPOINTMENTS)
        .text("{")
        .key(&key)
        .send()
        .await
        .problem(400, "malformed");
    ask(&body(&hold.token)).send().await.is(201);
    ask(&body("AAAAAAAAAAAAAAAAAAAAAAAA"))
        .send()
        .await
        .problem(422, "idempotency-key-reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_have_one_effect() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let asking = site
        .ask("POST", HOLDS)
        .json(&json!({"slot": slot.id}))
        .key(&fresh_key());
    let answers = tokio::join!(
        asking.clone().send(),
        asking.clone().send(),
        asking.clone().send(),
        asking.clone().send(),
    );
    let answers = [
        answers.0.is(201),
        answers.1.is(201),
        answers.2.is(201),
        answers.3.is(201),
    ];
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    let replayed = answers
        .iter()
        .filter(|answer| answer.header("idempotency-replayed") == "true")
        .count();
    assert_eq!(replayed, 3);
    assert_eq!(site.free(&slot).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_counts_where_it_was_used() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let (one, two) = (site.hold(&slot).await, site.hold(&slot).await);
    let key = fresh_key();
    for hold in [&one, &two] {
        let extend = format!("{HOLDS}/{}/extend", hold.id);
        let answer = site
            .ask("POST", &extend)
            .bearer(&hold.token)
            .key(&key)
            .send()
            .await
            .is(200);
        assert_eq!(answer.string("/id"), hold.id);
        assert_eq!(answer.header("idempotency-replayed"), "");
    }
    for hold in [&one, &two] {
        let this = format!("{HOLDS}/{}", hold.id);
        site.ask("DELETE", &this)
            .bearer(&hold.token)
            .key(&key)
            .send()
            .await
            .is(204);
        let again = site
            .ask("DELETE", &this)
            .bearer(&hold.token)
            .key(&key)
            .send()
            .await
            .is(204);
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    // With the key and a credential that does not fit, nothing of the outcome is shown.
    let extend = format!("{HOLDS}/{}/extend", one.id);
    site.ask("POST", &extend)
        .bearer(&two.token)
        .key(&key)
        .send()
        .await
        .problem(404, "not-found");
    site.ask("POST", &extend)
        .key(&key)
        .send()
        .await
        .problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_and_reschedule_are_replayed() {
    let site = Site::start();
    let (old, new) = (site.slot("03", 2).await, site.slot("03", 3).await);
    let booked = site.book(&site.hold(&old).await, "Ana").send().await.is(201);
    let token = booked.string("/manage_token");
    let hold = site.hold(&new).await;
    let move_to = format!("{APPOINTMENTS}/{}/reschedule", booked.string("/id"));
    let asking = site
        .ask("POST", &move_to)
        .bearer(&token)
        .json(&json!({"hold": hold.id, "token": hold.token}));
    let asking = asking.key(&fresh_key());
    let first = asking.clone().send().await.is(200);
    let second = asking.send().await.is(200);
    assert_eq!(
        (first.body, second.header("idempotency-replayed")),
        (second.body.clone(), "true".to_owned())
    );

    let cancel = format!("{APPOINTMENTS}/{}/cancel", booked.string("/id"));
    let asking = site.ask("POST", &cancel).bearer(&token).key(&fresh_key());
    let first = asking.clone().send().await.is(200);
    let second = asking.clone().send().await.is(200);
    assert_eq!(
        (first.body, second.header("idempotency-replayed")),
        (second.body.clone(), "true".to_owned())
    );
    asking.text("{}").send().await.problem(422, "idempotency-key-reused");
}
