//! Placing, extending, giving back and freeing holds: where places are taken and where they come back.

use super::{Circumstances, Decided, Done, No, SLOT_EXPECTED, event};
use crate::command::Proof;
use crate::jurisdiction::audit::{AuditKind, Subject};
use crate::planted;
use crate::refusal::Refusal;
use crate::resident::hold::{Hold, HoldStatus};
use crate::working_set::{Effect, WorkingSet};
use base::id::{HoldId, SlotId};
use std::collections::BTreeMap;

pub(super) fn place(id: HoldId, slots: &[SlotId], single: bool, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let mut wanted: BTreeMap<SlotId, u32> = BTreeMap::new();
    for (n, slot) in slots.iter().enumerate() {
        let field = || {
            if single {
                "/slot".to_owned()
            } else {
                format!("/slots/{n}")
            }
        };
        let row = set.slots.get(slot).ok_or_else(|| No::invalid(field(), SLOT_EXPECTED))?;
        if row.has_begun(at.now) {
            return Err(Refusal::TooLate.into());
        }
        *wanted.entry(*slot).or_default() += 1;
    }
    for (slot, places) in &wanted {
        if set.slots[slot].free() < *places {
            return Err(Refusal::SlotFull { slot: *slot }.into());
        }
    }
    let hold = Hold {
        id,
        status: HoldStatus::Held,
        entries: slots.to_vec(),
        placed_at: at.now,
        expires_at: at.now + at.limits.hold_lifetime,
        extensions_left: at.limits.hold_extensions,
    };
    let mut effects: Vec<Effect> = wanted
        .into_iter()
        .map(|(slot, places)| Effect::Places {
            slot,
            held: places as i32,
            booked: 0,
        })
        .collect();
    effects.push(event(
        AuditKind::HoldPlaced,
        Subject::Hold(id),
        slots.first().copied(),
        at.now,
    ));
    effects.push(Effect::HoldPlaced(hold));
    Ok((Done::Held(id), effects))
}

/// The hold that a token opens, or the same "no" for an unknown one and a foreign one.
pub(super) fn opened(id: HoldId, proof: Proof, set: &WorkingSet) -> Option<&Hold> {
    set.holds.get(&id).filter(|_| proof.hold)
}

/// A hold that can still be used: live by its row, and not over at the command's arrival.
pub(super) fn usable<'s>(hold: &'s Hold, at: &Circumstances<'_>) -> Result<&'s Hold, Refusal> {
    let expired = || Refusal::HoldExpired {
        slot: hold.entries[0],
        at: hold.expires_at,
    };
    match hold.status {
        HoldStatus::Held if planted::is("lax_deadline") && at.now == hold.expires_at => Ok(hold),
        HoldStatus::Held if at.now >= hold.expires_at => Err(expired()),
        HoldStatus::Held => Ok(hold),
        HoldStatus::Expired => Err(expired()),
        HoldStatus::Booked | HoldStatus::GivenBack => Err(Refusal::HoldEnded),
    }
}

pub(super) fn extend(id: HoldId, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let hold = usable(opened(id, proof, set).ok_or(No::NotFound)?, at)?;
    let Some(extensions_left) = hold.extensions_left.checked_sub(1) else {
        return Err(Refusal::NoExtensionsLeft.into());
    };
    // Never shorter than before: a clock that was set back must not take time away from somebody who asks for more.
    let expires_at = hold.expires_at.max(at.now + at.limits.hold_lifetime);
    let extended = Hold {
        expires_at,
        extensions_left,
        ..hold.clone()
    };
    let effects = vec![
        event(
            AuditKind::HoldExtended,
            Subject::Hold(id),
            hold.entries.first().copied(),
            at.now,
        ),
        Effect::HoldChanged(extended),
    ];
    Ok((Done::Held(id), effects))
}

pub(super) fn give_back(id: HoldId, proof: Proof, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let hold = opened(id, proof, set).ok_or(No::NotFound)?;
    match hold.status {
        HoldStatus::Held => Ok((
            Done::GivenBack(id),
            end(hold, HoldStatus::GivenBack, AuditKind::HoldGivenBack, at),
        )),
        HoldStatus::GivenBack | HoldStatus::Expired if planted::is("double_give_back") => Ok((
            Done::GivenBack(id),
            end(hold, HoldStatus::GivenBack, AuditKind::HoldGivenBack, at),
        )),
        HoldStatus::GivenBack | HoldStatus::Expired => Ok((Done::GivenBack(id), Vec::new())),
        HoldStatus::Booked => Err(Refusal::HoldEnded.into()),
    }
}

/// Frees a hold once its grace is over, too; before that, or when it has ended otherwise, nothing happens.
pub(super) fn expire(id: HoldId, set: &WorkingSet, at: &Circumstances<'_>) -> Decided {
    let hold = set.holds.get(&id).ok_or(No::NotFound)?;
    let due = at.now >= hold.expires_at + at.limits.hold_grace;
    if planted::is("expiry_frees_booked") && due && hold.status == HoldStatus::Booked {
        let freed = |slot: &SlotId| Effect::Places {
            slot: *slot,
            held: 0,
            booked: -1,
        };
        return Ok((Done::Expired(id), hold.entries.iter().map(freed).collect()));
    }
    let effects = if due && hold.status == HoldStatus::Held {
        end(hold, HoldStatus::Expired, AuditKind::HoldExpired, at)
    } else {
        Vec::new()
    };
    Ok((Done::Expired(id), effects))
}

fn end(hold: &Hold, status: HoldStatus, kind: AuditKind, at: &Circumstances<'_>) -> Vec<Effect> {
    let mut effects: Vec<Effect> = hold
        .entries
        .iter()
        .map(|slot| Effect::Places {
            slot: *slot,
            held: -1,
            booked: 0,
        })
        .collect();
    effects.push(event(
        kind,
        Subject::Hold(hold.id),
        hold.entries.first().copied(),
        at.now,
    ));
    effects.push(Effect::HoldChanged(Hold { status, ..hold.clone() }));
    effects
}

/// The effects that turn a hold into appointments: its places change hands and are never free in between.
pub(super) fn booked(hold: &Hold, at: &Circumstances<'_>) -> Vec<Effect> {
    let mut effects: Vec<Effect> = hold
        .entries
        .iter()
        .map(|slot| Effect::Places {
            slot: *slot,
            held: -1,
            booked: 1,
        })
        .collect();
    effects.push(event(
        AuditKind::HoldBooked,
        Subject::Hold(hold.id),
        hold.entries.first().copied(),
        at.now,
    ));
    effects.push(Effect::HoldChanged(Hold {
        status: HoldStatus::Booked,
        ..hold.clone()
    }));
    effects
}
