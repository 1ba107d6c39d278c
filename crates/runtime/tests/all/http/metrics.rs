//! The older text form says the same as the newer.

use expect_test::expect;
use runtime::clock::Clock;
use runtime::http::metrics::{Metrics, prometheus_text};

#[test]
fn openmetrics_becomes_prometheus_text() {
    let newer = r#"# HELP x_requests Answered.
# TYPE x_requests counter
# UNIT x_requests things
x_requests_total{route="/a # {b}\" c"} 3 # {trace_id="ab"} 1.0
# HELP x_build Which.
# TYPE x_build info
x_build_info{version="1"} 1
# HELP x_odd Odd.
# TYPE x_odd unknown
x_odd 2
# HELP x_time_seconds Time.
# TYPE x_time_seconds histogram
x_time_seconds_sum 0.5
x_time_seconds_count 1
x_time_seconds_bucket{le="+Inf"} 1 # {} 0.5
# EOF
"#;
    expect![[r#"
        # HELP x_requests_total Answered.
        # TYPE x_requests_total counter
        x_requests_total{route="/a # {b}\" c"} 3
        # HELP x_build_info Which.
        # TYPE x_build_info gauge
        x_build_info{version="1"} 1
        # HELP x_odd Odd.
        # TYPE x_odd untyped
        x_odd 2
        # HELP x_time_seconds Time.
        # TYPE x_time_seconds histogram
        x_time_seconds_sum 0.5
        x_time_seconds_count 1
        x_time_seconds_bucket{le="+Inf"} 1
    "#]]
    .assert_eq(&prometheus_text(newer));
}

#[test]
fn a_scrape_gets_the_form_it_asks_for_and_the_process_is_in_it() {
    let metrics = Metrics::new(&Clock::real());
    let asked = |accept: &str| {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("accept", accept.parse().unwrap());
        metrics.answer(&headers).headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert!(asked("text/plain").starts_with("text/plain; version=0.0.4"));
    assert!(
        asked("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
            .starts_with("application/openmetrics-text")
    );
    let text = prometheus_text(&metrics.openmetrics());
    for name in [
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_open_fds ",
        "evenkeel_panics_total ",
    ] {
        assert!(text.contains(&format!("\n{name}")), "{name} in {text}");
    }
}
