//! Who asks: nobody can pass for somebody else, and nobody behind a named proxy is taken for it.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use server::request::client_network::{Proxies, check};

fn client(proxies: &str, connection: &str, lines: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("x-forwarded-for", HeaderValue::from_str(line).expect("a header"));
    }
    let connection: IpAddr = connection.parse().expect("an address");
    Proxies::new(proxies).client(connection, &headers).to_string()
}

#[test]
fn what_strangers_write_counts_for_nothing() {
    assert_eq!(client("", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    assert_eq!(client("", "127.0.0.1", &["198.51.100.7"]), "127.0.0.1");
    assert_eq!(client("10.0.0.1", "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    // What a visitor wrote stands left of what the proxy added.
    assert_eq!(
        client("127.0.0.1", "127.0.0.1", &["198.51.100.7, 192.0.2.9"]),
        "192.0.2.9"
    );
    assert_eq!(
        client("127.0.0.1", "127.0.0.1", &["198.51.100.7", "192.0.2.9"]),
        "192.0.2.9"
    );
}

#[test]
fn whoever_comes_by_named_proxies_is_told_apart() {
    assert_eq!(client("127.0.0.1", "127.0.0.1", &["192.0.2.9"]), "192.0.2.9");
    assert_eq!(
        client("127.0.0.1", "::ffff:127.0.0.1", &["192.0.2.9:4711"]),
        "192.0.2.9"
    );
    assert_eq!(client("::1", "::1", &["[2001:db8::9]"]), "2001:db8::9");
    let both = "127.0.0.1, 10.0.0.0/8";
    assert_eq!(client(both, "127.0.0.1", &["192.0.2.9, 10.1.2.3"]), "192.0.2.9");
    assert_eq!(client(both, "127.0.0.1", &["192.0.2.9, 11.1.2.3"]), "11.1.2.3");
    // Through proxies alone, or with something that is no address: the last one who is known.
    assert_eq!(client(both, "127.0.0.1", &["10.9.9.9"]), "10.9.9.9");
    assert_eq!(client(both, "127.0.0.1", &["192.0.2.9, unknown"]), "127.0.0.1");
    assert_eq!(client(both, "127.0.0.1", &[]), "127.0.0.1");
}

#[test]
fn a_list_that_does_not_read_is_refused() {
    for good in [
        "",
        "127.0.0.1",
        "10.0.0.0/8,fd00::/8",
        "0.0.0.0/0",
        "::/0",
        "192.0.2.1/32",
    ] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for wrong in ["localhost", "10.0.0.0/33", "10.0.0", "127.0.0.1/", "127.0.0.1 10.0.0.1"] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
    assert_eq!(
        client("::/0", "2001:db8::1", &["2001:db8::2, 2001:db8::3"]),
        "2001:db8::2"
    );
    assert_eq!(client("0.0.0.0/0", "192.0.2.1", &["192.0.2.2"]), "192.0.2.2");
}
