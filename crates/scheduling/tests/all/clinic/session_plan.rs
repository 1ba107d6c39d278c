//! The made sessions of a demonstration: the same for ever, within opening hours, something for everybody.

use crate::demo;
use base::id::ClinicId;
use base::time::{Date, Weekday, Zone, add_days, parse_date};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use scheduling::clinic::location::clinic_id;
use scheduling::clinic::session::session_id;
use scheduling::clinic::session_plan::{Offer, PlannedSession, opening_hours_text, phone, plan, plan_of};
use scheduling::clinic::split_mix::SplitMix64;
use scheduling::rules::Rules;
use scheduling::rules::product::Cvx;
use std::collections::BTreeSet;

fn date(text: &str) -> Date {
    parse_date(text).unwrap()
}

fn zone() -> Zone {
    Zone::named("America/New_York").unwrap()
}

fn offer() -> Offer {
    let codes = |codes: &[i64]| codes.iter().map(|code| Cvx::from_number(*code)).collect();
    Offer {
        for_any_adult: codes(&[140, 3, 309]),
        for_some: codes(&[187, 303]),
    }
}

fn line(planned: &PlannedSession) -> String {
    let (first, last) = (&planned.slots[0], &planned.slots[planned.slots.len() - 1]);
    let capacities: String = planned.slots.iter().map(|slot| slot.capacity.to_string()).collect();
    let (from, until) = (first.starts_at.rfc3339_in(&zone()), last.ends_at.rfc3339_in(&zone()));
    format!(
        "{} {from} {until} {capacities} {}",
        planned.session.product, planned.session.id
    )
}

#[track_caller]
fn check(seed: u64, source_id: &str, on: &str, expected: &Expect) {
    let planned = plan_of(seed, clinic_id(source_id), date(on), &zone(), &offer());
    expected.assert_eq(&planned.iter().map(line).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_day_is_the_same_for_ever() {
    check(
        1,
        "a",
        "2026-12-01",
        &expect!["140 2026-12-01T10:00:00-05:00 2026-12-01T13:00:00-05:00 512136526 ses-7d5cfqtwww57ta286rynb72w7c"],
    );
    check(
        1,
        "b",
        "2026-12-03",
        &expect![[r"
        03 2026-12-03T13:00:00-05:00 2026-12-03T17:00:00-05:00 24461364 ses-4grfwvkq29fesw0xra64mc7qdt
        303 2026-12-03T15:00:00-05:00 2026-12-03T17:00:00-05:00 632255 ses-1dn42nkxyacy5s2vwxv2qmkq97
        140 2026-12-03T09:00:00-05:00 2026-12-03T12:00:00-05:00 653445546653 ses-5mkykw2yeaazmh6yqyf8mye3vb"]],
    );
    check(
        2,
        "a",
        "2026-12-01",
        &expect![[r"
        140 2026-12-01T15:00:00-05:00 2026-12-01T17:00:00-05:00 653551 ses-0yz5r5w5ndhqsbwwva6ffx5dbk
        187 2026-12-01T11:00:00-05:00 2026-12-01T13:00:00-05:00 2522 ses-72stbvfsjzq9t8n66myap8t08c
        03 2026-12-01T09:00:00-05:00 2026-12-01T11:00:00-05:00 44424231 ses-607yw793erryavp5cymmj98hat
        303 2026-12-01T14:00:00-05:00 2026-12-01T16:00:00-05:00 211624 ses-59ckk9yx0gw39fr7n3xyjjns78"]],
    );
    check(1, "c", "2026-12-06", &expect![[""]]);
}

#[test]
fn split_mix_is_the_published_one() {
    // The first numbers from seed 1234567, as other implementations print them.
    let mut numbers = SplitMix64::new(1_234_567);
    assert_eq!(numbers.next_u64(), 6_457_827_717_110_365_317);
    assert_eq!(numbers.next_u64(), 3_203_168_211_198_807_973);
}

#[test]
fn hours_and_phones_are_made_and_never_change() {
    let texts: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(clinic_id)
        .iter()
        .map(|clinic| format!("{} {}", phone(7, *clinic), opening_hours_text(7, *clinic)))
        .collect();
    expect![[r"
        617-555-0178 Monday to Friday 8 am to 7 pm, Saturday closed, Sunday closed
        617-555-0195 Monday to Friday 8 am to 4 pm, Saturday 10 am to 4 pm, Sunday 9 am to 1 pm
        617-555-0191 Monday to Friday 10 am to 5 pm, Saturday closed, Sunday closed
        617-555-0108 Monday to Friday 8 am to 5 pm, Saturday closed, Sunday closed
        617-555-0128 Monday to Friday 8 am to 5 pm, Saturday 9 am to 4 pm, Sunday closed
        617-555-0138 Monday to Friday 10 am to 4 pm, Saturday closed, Sunday closed"]]
    .assert_eq(&texts.join("\n"));
}

#[test]
fn all_clinics_have_about_a_hundred_thousand_slots_in_fourteen_days() {
    let (rules, today) = (demo::rules(), date("2026-11-24"));
    let seed = rules.jurisdiction().demonstration.as_ref().unwrap().seed;
    let lines = include_str!("../../../../../demo/clinics.csv").lines().skip(1);
    let clinics: Vec<_> = lines.map(|line| clinic_id(line.split(',').next().unwrap())).collect();
    assert_eq!(clinics.len(), 452);
    let mut ids = BTreeSet::new();
    for n in 0..14 {
        let on = add_days(today, n);
        let offer = Offer::of(&rules, on);
        for clinic in &clinics {
            for planned in plan_of(seed, *clinic, on, &zone(), &offer) {
                assert!(
                    planned.slots.iter().all(|slot| ids.insert(slot.id)),
                    "one id for two slots"
                );
            }
        }
    }
    assert!((90_000..=110_000).contains(&ids.len()), "{} slots", ids.len());
}

#[test]
fn the_whole_plan_is_the_plan_of_the_offer() {
    let (rules, on, clinic) = (demo::rules(), date("2026-12-01"), clinic_id("x"));
    let offer = Offer::of(&rules, on);
    assert!(!offer.for_any_adult.is_empty());
    assert_eq!(
        plan(3, clinic, on, &zone(), &rules),
        plan_of(3, clinic, on, &zone(), &offer)
    );
    assert_eq!(plan(3, clinic, on, &zone(), &Rules::default()), []);
}

#[test]
fn a_session_is_named_by_clinic_date_vaccine_and_start() {
    let (on, flu, nine) = (date("2026-12-01"), Cvx::from_number(140), "09:00".parse().unwrap());
    let ids = BTreeSet::from([
        session_id(clinic_id("a"), on, flu, nine),
        session_id(clinic_id("b"), on, flu, nine),
        session_id(clinic_id("a"), add_days(on, 1), flu, nine),
        session_id(clinic_id("a"), on, Cvx::from_number(3), nine),
        session_id(clinic_id("a"), on, flu, "09:01".parse().unwrap()),
    ]);
    assert_eq!(ids.len(), 5);
}

/// From when to when a text of opening hours says that it is open on a day: the last part that is about it.
fn hours_said(text: &str, day: Weekday) -> Option<(i8, i8)> {
    let name = format!("{day:?}");
    let weekend = matches!(day, Weekday::Saturday | Weekday::Sunday);
    let about = |part: &&str| part.starts_with(&name) || (!weekend && part.starts_with("Monday to Friday "));
    let words: Vec<_> = text.split(", ").filter(about).last()?.split(' ').collect();
    let first = words.iter().position(|word| *word == "am")?;
    let hour = |n: usize| words[n - 1].parse::<i8>().unwrap() % 12 + if words[n] == "pm" { 12 } else { 0 };
    Some((hour(first), hour(words.len() - 1)))
}

proptest! {
    #[test]
    fn each_open_day_has_something_for_any_adult(seed: u64, bits: u128, day in 0i64..1500) {
        let (clinic, on, offer) = (ClinicId::from_bits(bits), add_days(date("2026-01-01"), day), offer());
        let planned = plan_of(seed, clinic, on, &zone(), &offer);
        prop_assert_eq!(&planned, &plan_of(seed, clinic, on, &zone(), &offer), "asked again it is the same");
        let text = opening_hours_text(seed, clinic);
        let Some((open, close)) = hours_said(&text, on.weekday()) else {
            prop_assert!(planned.is_empty(), "{}", text);
            return Ok(());
        };
        prop_assert!((1..=4).contains(&planned.len()));
        prop_assert!(planned.iter().any(|one| offer.for_any_adult.contains(&one.session.product)));
        let products: BTreeSet<_> = planned.iter().map(|one| one.session.product).collect();
        prop_assert_eq!(products.len(), planned.len(), "a day of one vaccine is one session");
        for one in &planned {
            prop_assert!(!one.slots.is_empty());
            prop_assert!(one.slots.windows(2).all(|pair| pair[0].ends_at == pair[1].starts_at));
            for slot in &one.slots {
                let (from, until) = (slot.starts_at.in_zone(&zone()), slot.ends_at.in_zone(&zone()));
                prop_assert_eq!((from.date(), until.date(), slot.date), (on, on, on));
                prop_assert!(from.hour() >= open && until <= on.at(close, 0, 0, 0), "{} but {}", text, line(one));
                prop_assert!((1..=6).contains(&slot.capacity) && slot.held == 0 && slot.booked == 0);
                prop_assert_eq!((slot.clinic, slot.session, slot.product), (clinic, one.session.id, one.session.product));
            }
        }
    }
}
