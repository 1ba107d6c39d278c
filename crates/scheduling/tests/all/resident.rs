//! Codes, identities, and the table of appointment states.

use crate::world::person;
use base::time::Timestamp;
use proptest::prelude::*;
use scheduling::resident::appointment::{EDGES, Status};
use scheduling::resident::code::{Code, CodeNumber};
use scheduling::resident::identity::{contact_texts, person_text};
use std::collections::BTreeSet;

/// Not secret, and mixes well enough for a test (the finaliser of MurmurHash3).
fn keyed(key: u32, round: u8, half: u32) -> u32 {
    let mut mixed = half ^ key ^ u32::from(round).wrapping_mul(0x9E37_79B9);
    mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x85EB_CA6B);
    mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xC2B2_AE35);
    mixed ^ (mixed >> 16)
}

#[test]
fn numbers_follow_the_clock_and_their_codes_do_not() {
    let at = |seconds| CodeNumber::at(Timestamp::from_seconds(seconds));
    assert_eq!(at(0), CodeNumber::default(), "before the first year there is nothing");
    assert_eq!(at(1_767_225_601).stored(), 4096);
    let codes = (0..4096).map(|n| Code::of(at(1_800_000_000).after(n), |round, half| keyed(9, round, half)));
    let codes: Vec<String> = codes.map(|code| code.to_string()).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 4096, "each its own");
    let grows = codes.windows(2).filter(|pair| pair[0] < pair[1]).count();
    assert!(
        (1800..2300).contains(&grows),
        "about half are greater than the one before: {grows}"
    );
}

proptest! {
    #[test]
    fn a_code_leads_back_to_its_number(number in 0i64..1 << 45, key: u32) {
        let number = CodeNumber::from_stored(number);
        let code = Code::of(number, |round, half| keyed(key, round, half));
        prop_assert_eq!(code.number(|round, half| keyed(key, round, half)), number);
    }

    #[test]
    fn a_code_reads_back_and_one_wrong_character_is_noticed(bits in 0i64..1 << 45, place in 0usize..10, wrong in 0usize..32) {
        let code = Code::of(CodeNumber::from_stored(bits), |_, _| 0);
        let text = code.to_string();
        prop_assert_eq!(text.len(), 12);
        prop_assert_eq!(Code::parse(&text), Some(code));
        prop_assert_eq!(Code::parse(&text.to_lowercase().replace('-', " ")), Some(code));
        let mut letters: Vec<char> = text.replace('-', "").chars().collect();
        let other = char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[wrong]);
        // The check is modulo 31: a 0 for a Z in one place is the one slip it cannot see.
        let unseen = |a: char, b: char| matches!((a, b), ('0', 'Z') | ('Z', '0'));
        if letters[place] != other && !(place < 9 && unseen(letters[place], other)) {
            letters[place] = other;
            prop_assert_eq!(Code::parse(&letters.into_iter().collect::<String>()), None);
        }
    }
}

#[test]
fn every_status_is_in_the_table_and_ends_are_ends() {
    let reached: BTreeSet<_> = EDGES.iter().map(|(_, to, _)| *to).collect();
    assert_eq!(reached, Status::ALL.into_iter().collect());
    for end in [Status::Cancelled, Status::Fulfilled, Status::Noshow] {
        assert!(EDGES.iter().all(|(from, _, _)| *from != Some(end)), "{end:?}");
    }
    for status in Status::ALL {
        assert_eq!(Status::from_code(status.code()), Some(status));
    }
}

#[test]
fn spelling_does_not_make_another_person() {
    let mut one = person(1);
    (one.given_name, one.phone) = ("  Mary-Ann ".to_owned(), Some("+1 (617) 555-0101".to_owned()));
    let mut two = person(1);
    (two.given_name, two.phone) = ("mary ann".to_owned(), Some("617.555.0101".to_owned()));
    assert_eq!(person_text(&one), person_text(&two));
    assert_eq!(contact_texts(&one), contact_texts(&two));
    assert_eq!(contact_texts(&person(1)), Vec::<String>::new());
    assert_eq!(format!("{one:?}"), "Person(..)");
}
