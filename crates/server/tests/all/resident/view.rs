//! Views that are hard to reach through the router: faults, states of knowledge, the last minutes of a hold.

use base::answer::Fault;
use base::time::{Timestamp, Zone};
use html::locale::Locale;
use server::resident::typed::Typed;
use server::resident::view::hold::{Bar, bar};
use server::resident::view::results::{AsOf, Openings, age, openings_tag};
use server::resident::view::trouble::{FaultPage, fault};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("an instant")
}

fn eastern() -> Zone {
    Zone::named("America/New_York").expect("a zone")
}

#[test]
fn while_we_do_not_know_there_is_no_way_to_start_over() {
    let locale = Locale::english();
    for failed in Fault::ALL {
        let page = FaultPage {
            fault: failed,
            action: "/hold/h/t/book".into(),
            fields: vec![("key", "the-same-key-as-before".into())],
            typed: Typed {
                given_name: "Ana".into(),
                ..Typed::default()
            },
            phone: None,
        };
        let said = fault(&page, &locale).into_string();
        assert!(
            said.contains("Check again") && said.contains("value=\"the-same-key-as-before\""),
            "{said}"
        );
        assert!(said.contains("value=\"Ana\"") && !said.contains('⟦'), "{said}");
        assert_eq!(
            said.contains("Start a new search"),
            failed != Fault::OutcomeUnknown,
            "{failed}"
        );
    }
}

#[test]
fn unknown_is_a_state_of_its_own() {
    let locale = Locale::english();
    let said = |openings: &Openings| openings_tag(openings, &locale).into_string();
    let unknown = said(&Openings::CannotTell);
    assert!(unknown.contains("tag-unknown") && unknown.contains("Cannot tell") && !unknown.contains("None left"));
    assert!(said(&Openings::NoneLeft).contains("None left"));
    assert!(said(&Openings::MayBeGone { count: 38 }).contains("38 were open, may be gone"));
    let open = Openings::Open {
        count: 1_240,
        next: at("2026-12-01T14:20:00Z"),
    };
    assert!(said(&open).contains("1,240 times open"));
}

#[test]
fn numbers_say_when_they_were_true() {
    let locale = Locale::english();
    let said = |seconds: u64, is_old| {
        let now = at("2026-11-24T14:02:12Z");
        let age = age(
            &AsOf {
                at: now - std::time::Duration::from_secs(seconds),
                now,
                zone: eastern(),
                is_old,
            },
            &locale,
        );
        age.into_string()
    };
    assert!(
        said(12, false).contains("9:02 AM ET</time></strong>, 12 seconds ago"),
        "{}",
        said(12, false)
    );
    assert!(said(0, false).contains("just now"));
    assert!(said(1_860, true).contains("31 minutes ago. They may be gone.") && said(1_860, true).contains("age-old"));
}

#[test]
fn the_bar_counts_whole_minutes_and_warns_at_two() {
    let locale = Locale::english();
    let said = |now: &str, more: bool| {
        let model = Bar {
            now: at(now),
            expires_at: at("2026-11-24T14:12:00Z"),
            lifetime_s: 600,
            zone: eastern(),
            more_time: more.then(|| "/hold/h/t/more-time".into()),
            is_move: false,
        };
        bar(&model, &locale).into_string()
    };
    let early = said("2026-11-24T14:03:30Z", true);
    assert!(
        early.contains("8 minutes left") && early.contains("9:12 AM ET") && !early.contains("bar-low"),
        "{early}"
    );
    assert!(said("2026-11-24T14:10:00Z", true).contains("bar-low"));
    assert!(said("2026-11-24T14:11:30Z", true).contains("Less than 1 minute left"));
    let last = said("2026-11-24T14:11:00Z", false);
    assert!(last.contains("1 minute left") && !last.contains("More time"), "{last}");
}
