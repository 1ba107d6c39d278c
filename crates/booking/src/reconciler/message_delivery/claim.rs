//! Which messages are ours for a while: by compare-and-set, with an end, so that what a dead process had is sent by another.
//! An address that has had its day's mails waits until it has room.

use super::letter::{self, Letter, Unreadable};
use super::{CLAIM_SLACK, COPIES_COUNT, sender};
use crate::engine::{Engine, count};
use crate::limit;
use crate::records::outbox::{self, Claim, Stored};
use base::time::Timestamp;
use database::{Broken, Transaction};
use messaging::limit::SEND_TIME;
use messaging::receipt::{Class, Receipt};
use std::time::Duration;

/// More attempts than any backoff makes before a message is given up: one that takes the process down each time.
const ATTEMPTS_MAX: u32 = 1_000;

/// A message that is ours for a while.
pub(super) struct Claimed {
    /// As of now: this attempt counts.
    pub row: Stored,
    pub claim: Claim,
    /// When it was claimed: also names its copy.
    pub at: Timestamp,
    /// When others may have it.
    pub until: Timestamp,
}

/// A claimed message with its letter, or with why there is none.
pub(super) type Opened = (Claimed, Result<Letter, Receipt>);

/// Claims up to `room` messages.
pub(super) fn claim(tx: &mut Transaction<'_>, engine: &Engine, room: u32) -> Result<Vec<Opened>, Broken> {
    let (now, settings) = (engine.clock().now(), engine.settings());
    let until = now + settings.duration(&SEND_TIME) + CLAIM_SLACK;
    let most = settings.get(&limit::MAILS_PER_ADDRESS) as usize;
    let from = sender(settings);
    let mut opened = Vec::new();
    if room == 0 {
        return Ok(opened);
    }
    for row in outbox::due(tx, now, room)? {
        let copies = outbox::copies_since(tx, &row.address, now - COPIES_COUNT)?;
        if let Some(oldest) = copies.len().checked_sub(most).map(|n| copies[n]) {
            let free_at = oldest + COPIES_COUNT + Duration::from_millis(1);
            outbox::defer_address(tx, &row.address, free_at, Some("deferred"))?;
            count(&engine.counters().messages.deferred, 1);
            continue;
        }
        let claim = engine.entropy().bits128().to_be_bytes();
        if !outbox::claim(tx, &row, &claim, now, until)? {
            continue;
        }
        outbox::note_copy(tx, &row.address, now, row.id)?;
        let letter = match letter::open(tx, &row, engine.keys(), &from)? {
            Ok(letter) if row.attempts < ATTEMPTS_MAX => Ok(letter),
            Ok(_) | Err(Unreadable::Payload | Unreadable::Gone) => Err(Receipt::never(Class::Composing, None)),
        };
        let row = Stored {
            attempts: row.attempts + 1,
            tried_at: row.tried_at.or(Some(now)),
            ..row
        };
        let at = now;
        opened.push((Claimed { row, claim, at, until }, letter));
    }
    Ok(opened)
}
