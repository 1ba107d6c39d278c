//! Cursors come back as they went, and nothing else passes for one.

use base::id::{ClinicId, SlotId};
use base::time::Timestamp;
use server::request::cursor::{AfterClinic, AfterSlot};

#[test]
fn a_cursor_comes_back_as_it_went() {
    let slot = AfterSlot {
        starts_at: Timestamp::from_seconds(1_800_000_000),
        id: SlotId::from_bits(7),
    };
    assert_eq!(AfterSlot::open(&slot.seal()), Some(slot));
    let clinic = AfterClinic {
        tenths_km: 123,
        name: "Clínica Ñandú".into(),
        id: ClinicId::from_bits(9),
    };
    assert_eq!(AfterClinic::open(&clinic.seal()), Some(clinic.clone()));
    assert_eq!(AfterSlot::open(&clinic.seal()), None, "another list's cursor");
    assert_eq!(AfterClinic::open(&slot.seal()), None, "another list's cursor");
}

#[test]
fn what_is_no_cursor_is_none() {
    for text in ["", "x", "====", "c2xvdDE", "\u{e9}", &"A".repeat(5_000)] {
        assert_eq!(AfterSlot::open(text), None);
        assert_eq!(AfterClinic::open(text), None);
    }
}
