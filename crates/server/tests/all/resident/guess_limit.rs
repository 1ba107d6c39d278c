//! Tries at codes are slowed, and nobody is locked out.

use std::net::IpAddr;
use std::time::Duration;

use scheduling::resident::code::{Code, CodeNumber};
use server::resident::guess_limit::{GuessLimit, TooMany};

const FROM_ELSEWHERE: u64 = 3;

fn address(n: u32) -> IpAddr {
    IpAddr::from((0x0A00_0000 + n).to_be_bytes())
}

fn code(n: i64) -> Code {
    Code::of(CodeNumber::from_stored(n), |_, _| 0)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Tries one after the other, each wrong; how many seconds each waits.
fn in_turn(limit: &GuessLimit, tries: impl IntoIterator<Item = (u32, i64)>) -> Vec<u64> {
    let mut now = Duration::ZERO;
    let mut waits = Vec::new();
    for (network, number) in tries {
        let attempt = limit
            .arrives(address(network), code(number), now)
            .expect("room to wait");
        now += attempt.wait;
        waits.push(attempt.wait.as_secs());
    }
    waits
}

fn wait(limit: &GuessLimit, network: u32, number: i64, now: u64) -> u64 {
    limit
        .arrives(address(network), code(number), seconds(now))
        .expect("room to wait")
        .wait
        .as_secs()
}

#[test]
fn one_network_at_one_code_waits_twice_as_long_each_time() {
    let waits = in_turn(&GuessLimit::default(), [(1, 77); 8]);
    assert_eq!(waits, [0, 1, 2, 4, 8, 16, 16, 16]);
}

#[test]
fn one_network_at_many_codes_is_slowed_too() {
    let waits = in_turn(&GuessLimit::default(), (0..9).map(|number| (1, number)));
    assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8]);
}

#[test]
fn who_comes_from_elsewhere_waits_three_seconds_at_most() {
    let limit = GuessLimit::default();
    in_turn(&limit, (0..1000).map(|n| (n % 50, 77)));
    assert_eq!(wait(&limit, 999, 77, 20_000), FROM_ELSEWHERE);
    assert_eq!(wait(&limit, 998, 3, 20_000), 0, "another code");
}

#[test]
fn many_at_once_gain_nothing() {
    let limit = GuessLimit::default();
    let mut waiting: Vec<_> = (0..4)
        .map(|_| limit.arrives(address(1), code(77), seconds(1)).expect("room to wait"))
        .collect();
    let waits: Vec<_> = waiting.iter().map(|attempt| attempt.wait.as_secs()).collect();
    assert_eq!(waits, [0, 1, 3, 7]);
    assert_eq!(limit.arrives(address(1), code(77), seconds(1)).err(), Some(TooMany));
    // Somebody who shares the network with the guesser has a turn at her own code, though a late one.
    let hers = limit.arrives(address(1), code(78), seconds(1)).expect("a first try");
    assert!(hers.wait <= seconds(16));
    let others: Vec<_> = (0..100)
        .map(|n| limit.arrives(address(1), code(1_000 + n), seconds(1)))
        .collect();
    assert_eq!(
        others.iter().filter(|other| other.is_ok()).count(),
        59,
        "whatever the code"
    );
    drop((hers, others));
    assert_eq!(wait(&limit, 2, 77, 1), 0, "another network");
    waiting.pop();
    assert!(limit.arrives(address(1), code(77), seconds(2)).is_ok());
}

#[test]
fn a_right_one_forgives_and_a_day_forgets() {
    let limit = GuessLimit::default();
    in_turn(&limit, [(1, 77); 4]);
    limit
        .arrives(address(1), code(77), seconds(100))
        .expect("room to wait")
        .was_right();
    assert_eq!(wait(&limit, 1, 77, 200), 0);
    let limit = GuessLimit::default();
    in_turn(&limit, [(1, 77); 8]);
    assert_eq!(wait(&limit, 1, 77, 90_000), 0);
}

#[test]
fn memory_has_an_end() {
    let limit = GuessLimit::default();
    for n in 0..60_000 {
        drop(limit.arrives(address(n), code(i64::from(n)), Duration::from_micros(n.into())));
    }
    assert!(limit.remembered() <= 100_000, "{}", limit.remembered());
}

#[test]
fn a_household_is_one_network() {
    let second = |first: &str, second: &str| {
        let limit = GuessLimit::default();
        for address in [first, second] {
            let attempt = limit
                .arrives(address.parse().expect("room to wait"), code(1), Duration::ZERO)
                .expect("room to wait");
            if address == second {
                return attempt.wait.as_secs();
            }
        }
        unreachable!("the second is one of the two")
    };
    assert_eq!(second("2001:db8::1", "2001:db8::2"), 1);
    assert_eq!(second("2001:db8::1", "2001:db8:0:1::1"), 0);
    assert_eq!(second("192.0.2.1", "::ffff:192.0.2.1"), 1);
    assert_eq!(second("192.0.2.1", "192.0.2.2"), 0);
}
