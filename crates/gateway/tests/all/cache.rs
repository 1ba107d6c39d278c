//! What a crowd asks for: a handful of requests reach the server, everybody is told the age, and nothing personal is given
//! to anybody else.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway::limit::CACHE_HOT;

use crate::gate::{Gate, settings};
use crate::misbehaving_server::Manner;

const MAY_BE_KEPT: &str =
    "CDN-Cache-Control: public, max-age=1, stale-while-revalidate=1, stale-if-error=60\r\nETag: W/\"a\"\r\n";
const CROWD: u64 = 400;
const HOT: u64 = 10;

fn gate(manner: Manner) -> Gate {
    Gate::with(&[manner], settings(&[(&CACHE_HOT, HOT)]))
}

/// All ask the same, eight at a time; all are answered 200. How many were told an age.
fn crowd(gate: &Gate, headers: &str) -> u64 {
    let aged = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..CROWD / 8 {
                    let said = gate.say(&request(gate, headers));
                    assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("well"), "{said}");
                    assert!(!said.contains("cdn-cache-control"), "{said}");
                    aged.fetch_add(u64::from(said.contains("\r\nage: ")), Ordering::Relaxed);
                }
            });
        }
    });
    aged.into_inner()
}

fn request(gate: &Gate, headers: &str) -> String {
    let host = gate.public;
    format!("GET /api/v1/clinics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
}

#[test]
fn a_crowd_costs_a_handful_of_requests_a_second_and_is_told_the_age() {
    let gate = gate(Manner::Public(MAY_BE_KEPT, u64::MAX));
    let began = gate.clock.monotonic();
    let aged = crowd(&gate, "");
    let seconds = (gate.clock.monotonic().saturating_sub(began)).as_secs() + 1;
    // Until it is hot, and then one a second; some were on their way when it became so.
    assert!(
        gate.asked(0) <= HOT + 8 + 2 * seconds,
        "{} in {seconds} s",
        gate.asked(0)
    );
    assert!(aged >= CROWD - HOT - 8, "{aged}");
    let before = gate.asked(0);
    let said = gate.say(&request(&gate, "If-None-Match: W/\"b\", \"a\"\r\n"));
    assert!(
        said.starts_with("HTTP/1.1 304 ") && gate.asked(0) <= before + 1,
        "{said}"
    );
}

#[test]
fn what_is_personal_is_asked_for_every_time() {
    for (headers, sent) in [
        (MAY_BE_KEPT, "Authorization: Bearer x\r\n"),
        (MAY_BE_KEPT, "Cookie: a=b\r\n"),
        ("CDN-Cache-Control: public, max-age=1\r\nSet-Cookie: a=b\r\n", ""),
        ("CDN-Cache-Control: public, max-age=1\r\nVary: Accept\r\n", ""),
        ("CDN-Cache-Control: private, max-age=1\r\n", ""),
        ("Cache-Control: public, max-age=300\r\n", ""),
    ] {
        let gate = gate(Manner::Public(headers, u64::MAX));
        assert_eq!((crowd(&gate, sent), gate.asked(0)), (0, CROWD), "{headers}{sent}");
    }
}

#[test]
fn when_no_server_answers_a_hot_answer_is_given_with_its_age() {
    let gate = gate(Manner::Public(MAY_BE_KEPT, HOT + 20));
    crowd(&gate, "");
    // Old enough that a new one is asked for.
    gate.clock.sleep_blocking(Duration::from_millis(2_200));
    gate.until("the server hangs up, and the kept answer is given", || {
        // It must be hot again before it is kept again, and a server that is asked so often hangs up.
        let said = gate.say(&request(&gate, ""));
        said.contains("\r\nage: ") && gate.asked(0) > HOT + 20
    });
    let last = gate.say(&request(&gate, ""));
    assert!(last.starts_with("HTTP/1.1 200 ") && last.ends_with("well"), "{last}");
    // What was never hot is not: the minimal site speaks.
    assert_eq!(gate.ask("GET", "/api/v1/vaccines", "").0, 503);
}
