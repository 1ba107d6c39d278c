//! Codes, identities, and the table of appointment states.

use crate::world::person;
use proptest::prelude::*;
use scheduling::resident::appointment::{EDGES, Status};
use scheduling::resident::code::Code;
use scheduling::resident::identity::{contact_texts, person_text};
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn a_code_reads_back_and_one_wrong_character_is_noticed(bits: u64, place in 0usize..10, wrong in 0usize..32) {
        let code = Code::from_random(bits);
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
