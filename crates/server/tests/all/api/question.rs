//! `GET /api/v1/vaccines` and `GET /api/v1/questions`.

use serde_json::json;

use crate::site::{Site, resident};

#[tokio::test(flavor = "multi_thread")]
async fn vaccines_have_code_name_and_group() {
    let site = Site::start();
    let answer = site.ask("GET", "/api/v1/vaccines").send().await.is(200);
    let list = answer.json();
    let vaccines = list["vaccines"].as_array().expect("a list");
    assert!(vaccines.iter().any(|vaccine| vaccine["cvx"] == "03"));
    for vaccine in vaccines {
        let fields: Vec<&str> = vaccine
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(fields, ["cvx", "group", "name"]);
    }
    let again = site
        .ask("GET", "/api/v1/vaccines")
        .header("if-none-match", &answer.header("etag"));
    again.send().await.is(304);
    site.ask("GET", "/api/v1/vaccines?x=1")
        .send()
        .await
        .problem(400, "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_belong_to_a_slot() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let list = site
        .ask("GET", &format!("/api/v1/questions?slot={}", slot.id))
        .send()
        .await
        .is(200)
        .json();
    assert!(list["version"].as_str().is_some_and(|version| !version.is_empty()));
    for question in list["questions"].as_array().expect("a list") {
        let kind = question["kind"].as_str().expect("text");
        assert!(["yes_no", "choice", "date"].contains(&kind), "{question}");
        assert_eq!(kind == "choice", question["options"] != json!([]), "{question}");
        assert!(
            question["required"].is_boolean() && question["text"].is_string(),
            "{question}"
        );
    }
    let table = [
        (String::new(), 422, "invalid", "slot"),
        (format!("slot={}&dose=0", slot.id), 422, "invalid", "dose"),
        (format!("slot={}&dose=x", slot.id), 422, "invalid", "dose"),
        (format!("slot={}&dose=1&clinic=x", slot.id), 400, "malformed", "clinic"),
        ("slot=slt-00000000000000000000000000".into(), 404, "not-found", ""),
        ("slot=nonsense".into(), 404, "not-found", ""),
    ];
    for (query, status, code, fields) in table {
        let answer = site.ask("GET", &format!("/api/v1/questions?{query}")).send().await;
        assert_eq!(answer.problem(status, code), fields, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_name_a_version_that_was_published() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let asked = site.ask("GET", &format!("/api/v1/questions?slot={}", slot.id));
    let version = asked.send().await.is(200).string("/version");
    let hold = site.hold_all(&[&slot, &slot]).await;
    let booking = |name: &str, version: &str| json!({"slot": slot.id, "resident": resident(name), "answers": {"version": version, "pregnant": false}});
    let book = |second: &str| {
        let bookings = json!([booking("Ana", &version), booking("Bea", second)]);
        let body = json!({"hold": hold.id, "token": hold.token, "bookings": bookings});
        site.ask("POST", "/api/v1/appointments").json(&body).send()
    };
    let refused = book("yesterday's").await;
    assert_eq!(refused.problem(422, "invalid"), "/bookings/1/answers/version");
    let expected = refused.string("/errors/0/expected");
    assert!(expected.contains(&format!("{version:?}")), "{expected}");
    book(&version).await.is(201);
}
