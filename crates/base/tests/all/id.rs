//! Ids print, read back, and refuse other kinds and second spellings.
use base::id::{AppointmentId, SlotId};
use proptest::prelude::*;

proptest! {
    #[test]
    fn an_id_reads_back_as_itself(bits: u128) {
        let id = SlotId::from_bits(bits);
        prop_assert_eq!(SlotId::parse(&id.to_string()), Ok(id));
        prop_assert!(id.to_string().len() <= 64);
        prop_assert_eq!(SlotId::from_bytes(&id.to_bytes()), Some(id));
    }

    #[test]
    fn stored_order_is_the_order_of_the_bits(a: u128, b: u128) {
        let (a, b) = (SlotId::from_bits(a), SlotId::from_bits(b));
        prop_assert_eq!(a.cmp(&b), a.to_bytes().cmp(&b.to_bytes()));
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }
}

#[test]
fn another_kind_is_refused_naming_what_was_expected() {
    let slot = SlotId::from_bits(7).to_string();
    let error = AppointmentId::parse(&slot).unwrap_err().to_string();
    assert_eq!(error, "the id of an appointment, such as apt-01jd3v…");
}

#[test]
fn a_second_spelling_is_refused() {
    for text in [
        "slt-80000000000000000000000000",
        "slt-0000000000000000000000000I",
        "SLT-00000000000000000000000000",
        "slt-",
        "",
        "slt-000000000000000000000000000",
    ] {
        assert!(SlotId::parse(text).is_err(), "{text}");
    }
}
