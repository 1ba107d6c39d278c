//! Which hosts are ours.

use server::public_url::PublicUrl;

#[track_caller]
fn check(public_url: &str, host: &str, ours: bool) {
    let url = PublicUrl::parse(public_url).expect("a public address");
    assert_eq!(url.answers_to(host), ours, "{host} at {public_url}");
}

#[test]
fn a_public_name_answers_to_itself_alone() {
    check("https://vaccines.example.org", "vaccines.example.org", true);
    check("https://vaccines.example.org", "Vaccines.Example.ORG:443", true);
    check("https://vaccines.example.org", "vaccines.example.org:80", false);
    check("https://vaccines.example.org", "vaccines.example.org.evil.test", false);
    check("https://vaccines.example.org", "127.0.0.1:443", false);
    check("https://vaccines.example.org", "user@vaccines.example.org", false);
    check("https://vaccines.example.org", "vaccines.example.org:99999", false);
    check("https://vaccines.example.org", "vaccines.example.org:", false);
    check("https://vaccines.example.org", "", false);
}

#[test]
fn a_loopback_address_answers_to_every_loopback_name_with_its_port() {
    for host in [
        "127.0.0.1:8080",
        "localhost:8080",
        "LOCALHOST:8080",
        "[::1]:8080",
        "127.0.0.2:8080",
    ] {
        check("http://127.0.0.1:8080", host, true);
        check("http://localhost:8080/", host, true);
        check("http://[::1]:8080", host, true);
    }
    check("http://127.0.0.1:8080", "127.0.0.1:8081", false);
    check("http://127.0.0.1:8080", "localhost", false);
    check("http://127.0.0.1:8080", "example.org:8080", false);
    check("http://127.0.0.1:8080", "localhost.evil.test:8080", false);
}

#[test]
fn what_is_no_origin_is_refused() {
    for text in [
        "",
        "example.org",
        "ftp://example.org",
        "http://",
        "http://a/b",
        "https://a?b",
        "http://a:x",
        "https://u@a",
    ] {
        assert!(PublicUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn links_begin_with_the_origin() {
    let url = PublicUrl::parse("https://Vaccines.example.org/").expect("a public address");
    assert_eq!(url.link("/appointment/a"), "https://vaccines.example.org/appointment/a");
    assert!(url.is_https() && !url.is_loopback());
}
