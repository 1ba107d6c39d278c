//! The smaller rules, a table each: client address, caps, framing, paths, body pace, deadlines, retries.

use std::net::IpAddr;
use std::time::Duration;

use proptest::prelude::*;
use reliability::overload::cache::{Heat, Terms, Worth, terms};
use reliability::overload::client_address::Networks;
use reliability::overload::connection_limit::{PerNetwork, cap};
use reliability::overload::deadline::{BodyPace, Deadline};
use reliability::overload::proxy_protocol;
use reliability::overload::request_framing::RequestFraming;
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

/// From which request on these bytes are in doubt, come as they may: whole, or one by one.
#[track_caller]
fn in_doubt(bytes: &str, from: Option<u64>) {
    let (mut whole, mut single) = (RequestFraming::default(), RequestFraming::default());
    whole.came(bytes.as_bytes());
    bytes.as_bytes().iter().for_each(|byte| single.came(&[*byte]));
    assert_eq!((whole.unclean_from(), single.unclean_from()), (from, from), "{bytes:?}");
}

#[test]
fn requests_are_followed_from_head_to_head() {
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nxx\r\n0\r\nT: u\r\n\r\n";
    let sized = "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\n\n\n";
    in_doubt(&format!("\r\n{get}{chunked}{sized}{get}"), None);
    in_doubt("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n", None);
    let both = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n";
    in_doubt(&format!("{get}{sized}{both}"), Some(2));
    // What would be a head inside a body is none.
    in_doubt(
        &format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{both}{get}", both.len()),
        None,
    );
    for doubtful in [
        "GET / HTTP/1.1\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length : 3\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxxx\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
    ] {
        in_doubt(doubtful, Some(0));
    }
}

#[test]
fn whom_a_proxy_speaks_for() {
    let fixed = |command: u8, family: u8, length: u16| {
        let mut fixed = *b"\r\n\r\n\0\r\nQUIT\n\0\0\0\0";
        (fixed[12], fixed[13]) = (command, family);
        fixed[14..].copy_from_slice(&length.to_be_bytes());
        fixed
    };
    let four = [203, 0, 113, 7, 192, 0, 2, 1, 0x30, 0x39, 0x01, 0xBB];
    let said = proxy_protocol::client(&fixed(0x21, 0x11, 12), &four);
    assert_eq!(said, Ok(Some("203.0.113.7:12345".parse().unwrap())));
    assert_eq!(proxy_protocol::client(&fixed(0x20, 0, 0), &[]), Ok(None));
    // Datagrams, local sockets, and less than it says.
    for (family, rest) in [
        (0x12, &four[..]),
        (0x31, &four[..]),
        (0x11, &four[..4]),
        (0x21, &four[..]),
    ] {
        assert!(proxy_protocol::client(&fixed(0x21, family, 0), rest).is_err());
    }
    assert_eq!(proxy_protocol::rest(&fixed(0x21, 0x11, 12)), Ok(12));
    for wrong in [
        fixed(0x11, 0x11, 12),
        fixed(0x22, 0x11, 12),
        fixed(0x21, 0x11, 2_049),
        *b"GET / HTTP/1.1\r\n",
    ] {
        assert!(proxy_protocol::rest(&wrong).is_err());
    }
}

proptest! {
    /// Whatever comes, in whatever parts: the same request is in doubt.
    #[test]
    fn parts_change_nothing(bytes in prop::collection::vec(prop::sample::select(b"\r\n: 03aGET HTTP/1.1chunkedTransfer-Encoding".to_vec()), 0..200), at in 0usize..200) {
        let (mut whole, mut parts) = (RequestFraming::default(), RequestFraming::default());
        whole.came(&bytes);
        let (first, second) = bytes.split_at(at.min(bytes.len()));
        parts.came(first);
        parts.came(second);
        prop_assert_eq!(whole.unclean_from(), parts.unclean_from());
    }
}

#[test]
fn a_kept_answer_is_worth_less_and_less() {
    let whole = terms("public, max-age=1, stale-while-revalidate=2, stale-if-error=60").unwrap();
    let worth = |terms: &Terms, millis| terms.worth(Duration::from_millis(millis));
    for (millis, wanted) in [
        (0, Worth::Fresh),
        (999, Worth::Fresh),
        (1_000, Worth::WhileRevalidating),
        (2_999, Worth::WhileRevalidating),
        (3_000, Worth::IfError),
        (60_999, Worth::IfError),
        (61_000, Worth::Nothing),
    ] {
        assert_eq!(worth(&whole, millis), wanted, "{millis}");
    }
    assert_eq!(worth(&terms("max-age=5").unwrap(), 5_000), Worth::Nothing);
    // What is not understood is not allowed.
    for not_kept in [
        "",
        "public",
        "max-age=0",
        "no-store",
        "private, max-age=5",
        "max-age=x",
        "max-age=5, must-revalidate",
    ] {
        assert_eq!(terms(not_kept), None, "{not_kept}");
    }
}

#[test]
fn hot_is_what_many_ask_for_within_a_second() {
    let at = Duration::from_millis;
    let mut heat = Heat::default();
    assert_eq!(
        [0, 300, 900].map(|millis| heat.asked(at(millis), 3)),
        [false, false, true]
    );
    // The second after it still is; then it is not, until many ask again.
    assert!(heat.asked(at(1_900), 3) && !heat.asked(at(2_000), 3));
    assert!(!heat.is_cold(at(3_900)) && heat.is_cold(at(4_000)));
    assert_eq!(
        [9_000, 9_001, 9_002].map(|millis| heat.asked(at(millis), 3)),
        [false, false, true]
    );
}
