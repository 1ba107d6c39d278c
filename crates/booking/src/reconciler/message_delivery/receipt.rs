//! What is written after an attempt: delivered, given up, or when again. Written until the database takes it; a second
//! time it has no effect, since the claim is over.

use super::{AT_ONCE, Claimed, GAP, Sender};
use crate::engine::{Engine, count};
use crate::limit;
use crate::records::outbox;
use base::time::Timestamp;
use database::{Broken, Transaction};
use messaging::receipt::Receipt;
use messaging::retry;
use std::time::Duration;

/// The pause after the first time that nobody was there; doubled each time.
const AWAY_FIRST: Duration = Duration::from_secs(1);
/// No pause is shorter: chance may draw next to nothing.
const AWAY_LEAST: Duration = Duration::from_millis(100);
/// A receipt waits this long for others to share its transaction: what is killed meanwhile is sent again.
const WAITS: Duration = GAP.saturating_mul(2);

/// How our time with a message ended.
pub(super) enum Ended {
    /// It was tried.
    Tried(Receipt),
    /// It never was: it waits as before.
    Untried,
}

impl Sender {
    /// Takes the receipt of an attempt.
    pub(super) fn receive(&mut self, (claimed, receipt): (Claimed, Receipt)) {
        let messages = &self.engine.counters().messages;
        let counter = match receipt {
            Receipt::Delivered => &messages.delivered,
            Receipt::Unknown => &messages.unknown,
            Receipt::Rejected { .. } => &messages.rejected,
        };
        count(counter, 1);
        if receipt.is_outlet_away() {
            if self.away == 0 {
                tracing::warn!(%receipt, "the mail server does not answer: messages wait");
            }
            self.away = self.away.saturating_add(1);
            let most = self.engine.settings().duration(&limit::MAIL_AWAY_PAUSE);
            let entropy = self.engine.entropy();
            let pause = retry::wait(self.away, AWAY_FIRST, most, |end| entropy.below(end));
            self.away_until = self.engine.clock().now() + pause.max(AWAY_LEAST);
        } else if self.away > 0 {
            tracing::info!("the mail server answers again");
            (self.away, self.away_until) = (0, Timestamp::default());
        }
        tracing::info!(id = %claimed.row.id, attempt = claimed.row.attempts, %receipt, "a message was tried");
        self.ended(claimed, Ended::Tried(receipt));
    }

    /// To be written.
    pub(super) fn ended(&mut self, claimed: Claimed, how: Ended) {
        if self.unwritten.is_empty() {
            self.unwritten_since = self.engine.clock().monotonic();
        }
        self.unwritten.push((claimed, how));
    }

    /// Whether what has ended should be written now: when nothing more will share its transaction soon.
    pub(super) fn receipts_are_due(&self, nothing_flies: bool, now: Duration) -> bool {
        let idle = nothing_flies && self.queue.is_empty();
        let many = self.unwritten.len() >= AT_ONCE as usize;
        !self.unwritten.is_empty() && (idle || many || now >= self.unwritten_since + WAITS)
    }
}

/// Writes how these ended.
pub(super) fn write(
    tx: &mut Transaction<'_>,
    engine: &Engine,
    ended: &[(Claimed, Ended)],
    away_until: Timestamp,
) -> Result<(), Broken> {
    let (now, settings, entropy) = (engine.clock().now(), engine.settings(), engine.entropy());
    let give_up = settings.duration(&limit::MAIL_GIVE_UP);
    let (first, most) = (
        settings.duration(&limit::MAIL_RETRY_FIRST),
        settings.duration(&limit::MAIL_RETRY_MOST),
    );
    for (claimed, how) in ended {
        let (row, claim) = (&claimed.row, &claimed.claim);
        let Ended::Tried(receipt) = how else {
            outbox::unnote_copy(tx, &row.address, claimed.at, row.id)?;
            outbox::try_again(tx, row.id, claim, away_until.max(now), None, true)?;
            continue;
        };
        let last = receipt.to_string();
        if !receipt.may_have_arrived() {
            outbox::unnote_copy(tx, &row.address, claimed.at, row.id)?;
        }
        let permanent = match receipt {
            Receipt::Delivered => {
                outbox::delivered(tx, row.id, claim, now)?;
                continue;
            }
            Receipt::Rejected { permanent, .. } => *permanent,
            Receipt::Unknown => false,
        };
        let tried_for = row.tried_at.map_or(Duration::ZERO, |tried_at| now.since(tried_at));
        if permanent || tried_for >= give_up {
            outbox::give_up(tx, row.id, claim, now, &last)?;
            tracing::warn!(id = %row.id, last, "a message was given up; see `evenkeel messages list`");
            continue;
        }
        let is_away = receipt.is_outlet_away();
        let due_at = if is_away {
            away_until.max(now)
        } else {
            now + retry::wait(row.attempts, first, most, |end| entropy.below(end))
        };
        if outbox::try_again(tx, row.id, claim, due_at, Some(&last), is_away)? {
            outbox::defer_address(tx, &row.address, due_at, None)?;
        }
    }
    Ok(())
}
