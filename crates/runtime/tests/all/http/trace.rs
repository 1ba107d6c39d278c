//! A request has a trace id, a panic becomes an answer, and templates are counted, never paths.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use base::limit::Settings;
use http_body_util::BodyExt;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::http::listener::REQUEST_TIME;
use runtime::http::metrics::Metrics;
use runtime::http::problem::Problem;
use runtime::http::trace::{LOGGED_READS, Trace, current, linked_trace, record};
use tower::ServiceExt;

async fn body(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn router(metrics: &Metrics) -> Router {
    routed(&Clock::real(), &Settings::default(), metrics)
}

fn routed(clock: &Clock, settings: &Settings, metrics: &Metrics) -> Router {
    let trace = Trace::new(clock.clone(), Entropy::seeded(1), settings, metrics);
    let sleeper = clock.clone();
    Router::new()
        .route("/hold/{id}/{token}", get(|| async { current().unwrap().to_string() }))
        .route(
            "/refused",
            get(|| async { Problem::new(StatusCode::CONFLICT, "slot-full", "Full") }),
        )
        .route(
            "/broken",
            get(|| async {
                assert!(current().is_none(), "on purpose");
            }),
        )
        .route(
            "/slow/{token}",
            get(|| async move {
                sleeper.shift(Duration::from_secs(1)).unwrap();
            }),
        )
        .route("/never", get(std::future::pending::<()>))
        .layer(from_fn_with_state(trace, record))
}

#[tokio::test]
async fn a_slow_request_is_counted_by_its_route() {
    let (clock, metrics) = (Clock::shiftable(), Metrics::new(&Clock::real()));
    let router = routed(&clock, &Settings::default(), &metrics);
    body(&router, "/refused").await;
    body(&router, "/slow/SECRET").await;
    let text = metrics.openmetrics();
    assert!(
        text.contains(r#"evenkeel_http_slow_requests_total{method="GET",route="/slow/{token}"} 1"#),
        "{text}"
    );
    assert!(
        !text.contains("SECRET") && text.matches("evenkeel_http_slow_requests_total{").count() == 1,
        "{text}"
    );
}

#[tokio::test]
async fn a_request_whose_time_is_over_is_answered_with_its_reference() {
    let metrics = Metrics::new(&Clock::real());
    let mut settings = Settings::default();
    settings.set(&REQUEST_TIME, REQUEST_TIME.min).unwrap();
    let (status, problem) = body(&routed(&Clock::real(), &settings, &metrics), "/never").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        problem.contains(r#""code":"timed-out""#) && problem.contains(r#""trace_id":""#),
        "{problem}"
    );
}

#[tokio::test]
async fn in_a_crowd_what_went_wrong_is_logged_and_of_the_rest_so_many_a_second() {
    let (clock, metrics) = (Clock::shiftable(), Metrics::new(&Clock::real()));
    let mut settings = Settings::default();
    settings.set(&LOGGED_READS, 3).unwrap();
    let router = routed(&clock, &settings, &metrics);
    let unlogged = || {
        let text = metrics.openmetrics();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("evenkeel_http_unlogged_requests_total "));
        line.unwrap().parse::<u64>().unwrap()
    };
    for _ in 0..10 {
        body(&router, "/hold/1/SECRET").await;
    }
    // A second may end among them.
    let some = unlogged();
    assert!((4..=7).contains(&some), "{some}");
    for _ in 0..10 {
        body(&router, "/refused").await;
    }
    assert_eq!(unlogged(), some);
    clock.shift(Duration::from_secs(1)).unwrap();
    body(&router, "/hold/1/SECRET").await;
    assert_eq!(unlogged(), some);
    let text = metrics.openmetrics();
    assert!(
        text.contains(r#"route="/hold/{id}/{token}",status="2xx"} 11"#),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_that_leaves_is_counted() {
    let metrics = Metrics::new(&Clock::real());
    let router = router(&metrics);
    let left = tokio::time::timeout(Duration::from_millis(1), body(&router, "/never")).await;
    assert!(left.is_err());
    let text = metrics.openmetrics();
    assert!(
        text.contains(r#"evenkeel_http_unanswered_requests_total{method="GET",route="/never"} 1"#),
        "{text}"
    );
    assert!(text.contains("evenkeel_http_requests_in_flight 0"), "{text}");
}

#[tokio::test]
async fn every_request_has_an_id_which_problems_carry() {
    let metrics = Metrics::new(&Clock::real());
    let router = router(&metrics);
    let (status, id) = body(&router, "/hold/1/SECRET").await;
    assert_eq!((status, id.len()), (StatusCode::OK, 32));
    let (status, problem) = body(&router, "/refused").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(
        problem.contains(r#""trace_id":""#) && !problem.contains(&id),
        "{problem}"
    );
    let (status, problem) = body(&router, "/broken").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(
        problem.contains(r#""code":"bug""#) && !problem.contains("purpose"),
        "{problem}"
    );
    body(&router, "/nowhere/SECRET").await;
    let text = metrics.openmetrics();
    assert!(!text.contains("SECRET"), "{text}");
    assert!(
        text.contains(r#"method="GET",route="/hold/{id}/{token}",status="2xx"} 1"#),
        "{text}"
    );
    assert!(text.contains(r#"route="(none)",status="4xx"} 1"#), "{text}");
    assert!(text.contains("evenkeel_http_requests_in_flight 0"), "{text}");
}

#[test]
fn only_a_whole_traceparent_is_linked() {
    let read = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", value.parse().unwrap());
        linked_trace(&headers)
    };
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    assert_eq!(read(&format!("00-{id}-00f067aa0ba902b7-01")).unwrap().to_string(), id);
    for wrong in [
        "",
        "00-x-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}
