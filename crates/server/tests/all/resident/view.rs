//! Views that are hard to reach through the router: faults, states of knowledge, the last minutes of a hold.

use base::answer::Fault;
use base::id::SlotId;
use base::time::{Timestamp, Zone};
use html::locale::Locale;
use server::resident::typed::Typed;
use server::resident::view::appointment::{AppointmentPage, MailGoes, Moment, view};
use server::resident::view::hold::{AppointmentTime, Bar, bar};
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

fn confirmed(mail: MailGoes, sees_mail: bool) -> String {
    let model = AppointmentPage {
        is_own: true,
        moment: Moment::Booked,
        status: "booked",
        time: AppointmentTime {
            slot: SlotId::from_bits(1),
            starts_at: at("2026-12-01T14:20:00Z"),
            ends_at: at("2026-12-01T14:40:00Z"),
            zone: eastern(),
            clinic: "Town Hall".into(),
            street: "1 Main St".into(),
            town: "Worcester, MA 01602".into(),
            vaccine: "Influenza".into(),
            clinic_href: "/clinics/c".into(),
        },
        code: "7KXM-2QRD-9J".into(),
        given_name: Some("Ana".into()),
        link: "https://vax.example.org/appointment/a/t".into(),
        base: "/appointment/a/t".into(),
        can_change: true,
        mail,
        sees_mail,
        search: "/".into(),
        phone: None,
        now: at("2026-11-24T14:00:00Z"),
    };
    view(&model, &Locale::english()).into_string()
}

#[test]
fn a_mail_is_promised_only_where_one_goes_out() {
    let to = confirmed(MailGoes::To("a•••@example.org".into()), false);
    assert!(
        to.contains("also goes to") && to.contains("a•••@example.org") && !to.contains("/demo/mail"),
        "{to}"
    );
    let without = confirmed(MailGoes::NoAddress, true);
    assert!(
        without.contains("You gave no e-mail") && !without.contains("/demo/mail"),
        "{without}"
    );
    let nowhere = confirmed(MailGoes::Nowhere, false);
    assert!(
        !nowhere.to_lowercase().contains("e-mail") && nowhere.contains("write down your code"),
        "{nowhere}"
    );
    let shown = confirmed(MailGoes::To("a•••@example.org".into()), true);
    assert!(shown.contains("href=\"/demo/mail\""), "{shown}");
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
