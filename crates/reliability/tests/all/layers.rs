//! The smaller rules, a table each: client address, caps, framing, paths, body pace, deadlines, retries.

use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;
use reliability::overload::client_address::Networks;
use reliability::overload::connection_limit::{PerNetwork, cap};
use reliability::overload::deadline::{BodyPace, Deadline};
use reliability::overload::request_hygiene::{framing, path};
use reliability::overload::retry_budget::{RetryBudget, Tried, may_go_again};

#[test]
fn the_rightmost_who_is_no_proxy_of_ours() {
    let ours = Networks::parse("10.0.0.0/8, 2001:db8::/32").unwrap();
    let client = |connection: &str, lines: &[&str]| ours.client(connection.parse().unwrap(), lines).to_string();
    assert_eq!(client("192.0.2.1", &["203.0.113.9"]), "192.0.2.1");
    assert_eq!(client("10.0.0.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
    assert_eq!(client("10.0.0.1", &["203.0.113.9", "10.9.9.9"]), "203.0.113.9");
    assert_eq!(client("10.0.0.1", &["unknown"]), "10.0.0.1");
    assert_eq!(client("2001:db8::1", &["[2001:db9::7]:443"]), "2001:db9::7");
    assert!(Networks::parse("10.0.0.0/33").is_err());
}

#[test]
fn connections_of_all_and_of_one_network() {
    assert_eq!(cap(10_000, 1_024), 400);
    assert_eq!(cap(10_000, 1_048_576), 10_000);
    let mut open = PerNetwork::default();
    let at = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(open.enter(at("2001:db8:1:2::1"), 2) && open.enter(at("2001:db8:1:2:ffff::9"), 2));
    assert!(!open.enter(at("2001:db8:1:2::3"), 2) && open.enter(at("2001:db8:1:3::3"), 2));
    open.leave(at("2001:db8:1:2::9"));
    assert!(open.enter(at("2001:db8:1:2::3"), 2));
    open.leave(at("2001:db8:1:3::3"));
    assert_eq!(open.networks(), 1);
}

#[test]
fn framing_that_can_be_read_in_one_way() {
    for (lengths, encodings, is_clean) in [
        (vec![], vec![], true),
        (vec!["5"], vec![], true),
        (vec![], vec!["chunked"], true),
        (vec!["5"], vec!["chunked"], false),
        (vec!["5", "5"], vec![], false),
        (vec!["5, 5"], vec![], false),
        (vec!["+5"], vec![], false),
        (vec![], vec!["gzip, chunked"], false),
        (vec![], vec!["chunked", "chunked"], false),
        (vec![], vec!["xchunked"], false),
    ] {
        assert_eq!(
            framing(&lengths, &encodings).is_ok(),
            is_clean,
            "{lengths:?} {encodings:?}"
        );
    }
}

#[test]
fn paths_said_in_one_way() {
    for (said, wanted) in [
        ("/", Some("/")),
        ("//a///b", Some("/a/b")),
        ("/a/./b/../c", Some("/a/c")),
        ("/a/%2e%2E/b/", Some("/b/")),
        ("/a/..", Some("/")),
        ("/a%2Fb", Some("/a%2Fb")),
        ("/..", None),
        ("a", None),
    ] {
        assert_eq!(path(said).ok().as_deref(), wanted, "{said}");
    }
}

#[test]
fn what_may_go_again() {
    let s = Duration::from_secs(1);
    assert!(may_go_again(Tried::NotSent, false, s) && may_go_again(Tried::Sent, true, s));
    assert!(!may_go_again(Tried::Sent, false, s) && !may_go_again(Tried::NotSent, true, Duration::ZERO));
}

#[test]
fn bodies_have_a_pace_and_requests_an_end() {
    let pace = BodyPace {
        whole: Duration::from_secs(30),
        grace: Duration::from_secs(5),
        least_rate: 500,
    };
    assert_eq!(pace.next_by(0), Duration::from_secs(5));
    assert_eq!(pace.next_by(5_000), Duration::from_secs(10));
    assert_eq!(pace.next_by(1 << 40), Duration::from_secs(30));
    let end = Deadline::after(Duration::from_secs(3), Duration::from_secs(2));
    assert_eq!(end.left(Duration::from_secs(4)), Duration::from_secs(1));
    assert_eq!(end.left(Duration::from_secs(9)), Duration::ZERO);
}

proptest! {
    #[test]
    fn a_path_is_normal_after_once(said in "/[a./%2eE]{0,24}") {
        if let Ok(once) = path(&said) {
            prop_assert_eq!(path(&once), Ok(once.clone()));
            prop_assert!(!once.contains("//"));
        }
    }

    #[test]
    fn retries_stay_within_their_share(requests in 0..2_000u64) {
        let mut budget = RetryBudget::new(20, 10, Duration::ZERO);
        let mut allowed = 0;
        for _ in 0..requests {
            budget.deposit(Duration::ZERO);
            allowed += u64::from(budget.withdraw());
        }
        prop_assert!(allowed <= 100 + requests / 5);
    }
}
