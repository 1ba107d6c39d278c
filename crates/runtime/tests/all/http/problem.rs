//! How problems look on the wire.

use axum::http::StatusCode;
use axum::response::IntoResponse;
use expect_test::expect;
use runtime::http::problem::Problem;
use runtime::http::trace::{Code, TraceId};

#[test]
fn a_refusal_has_the_members_of_the_contract() {
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request is not valid")
        .detail("One field is wrong.")
        .field("/resident/birth_date", "a date, YYYY-MM-DD")
        .with("queue", serde_json::json!({"ahead": 3}));
    let text = String::from_utf8(problem.body(Some(TraceId(0xab)))).unwrap();
    expect![[r#"{"type":"urn:problem-type:evenkeel:invalid","title":"The request is not valid","status":422,"detail":"One field is wrong.","code":"invalid","trace_id":"000000000000000000000000000000ab","errors":[{"field":"/resident/birth_date","expected":"a date, YYYY-MM-DD"}],"queue":{"ahead":3}}"#]].assert_eq(&text);
}

#[test]
fn a_fault_says_how_to_try_again_also_in_the_head() {
    let response = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timed-out", "Too slow")
        .retry(1, true)
        .into_response();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.extensions().get::<Code>().unwrap().0, "timed-out");
    let body = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timed-out", "Too slow")
        .retry(1, true)
        .body(None);
    assert!(
        String::from_utf8(body)
            .unwrap()
            .contains(r#""retry":{"after_s":1,"with_same_key":true}"#)
    );
}
