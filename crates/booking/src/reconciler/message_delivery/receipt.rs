//! What is written after an attempt: delivered, given up, or when again. Written until the database takes it; a second
//! time it has no effect, since the claim is over.

use super::{Claimed, Sender, not_committed};
use crate::limit;
use crate::records::outbox;
use base::time::Timestamp;
use database::Broken;
use messaging::receipt::Receipt;
use messaging::retry;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The pause after the first time that nobody was there; doubled each time.
const AWAY_FIRST: Duration = Duration::from_secs(1);
/// No pause is shorter: chance may draw next to nothing.
const AWAY_LEAST: Duration = Duration::from_millis(100);

impl Sender {
    /// Takes a receipt and writes it, now or with the next turn.
    pub(super) fn receive(&mut self, done: (Claimed, Receipt)) {
        let (claimed, receipt) = &done;
        let messages = &self.engine.counters().messages;
        let counter = match receipt {
            Receipt::Delivered => &messages.delivered,
            Receipt::Unknown => &messages.unknown,
            Receipt::Rejected { .. } => &messages.rejected,
        };
        counter.fetch_add(1, Ordering::Relaxed);
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
        tracing::info!(message = %claimed.row.id, attempt = claimed.row.attempts, %receipt, "a message was tried");
        self.unwritten.push(done);
        let written = self.write_receipts();
        self.note(written.as_ref().err());
    }

    /// Writes what is not written yet.
    pub(super) fn write_receipts(&mut self) -> Result<(), Broken> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let now = self.engine.clock().now();
        let (settings, entropy, away_until) = (self.engine.settings(), self.engine.entropy(), self.away_until);
        let give_up = settings.duration(&limit::MAIL_GIVE_UP);
        let (first, most) = (
            settings.duration(&limit::MAIL_RETRY_FIRST),
            settings.duration(&limit::MAIL_RETRY_MOST),
        );
        let mut tx = self.connection.begin()?;
        for (claimed, receipt) in &self.unwritten {
            let (row, claim, last) = (&claimed.row, &claimed.claim, receipt.to_string());
            if !receipt.may_have_arrived() {
                outbox::unnote_copy(&mut tx, &row.address, claimed.at, row.id)?;
            }
            let permanent = match receipt {
                Receipt::Delivered => {
                    outbox::delivered(&mut tx, row.id, claim, now)?;
                    continue;
                }
                Receipt::Rejected { permanent, .. } => *permanent,
                Receipt::Unknown => false,
            };
            let tried_for = row.tried_at.map_or(Duration::ZERO, |tried_at| now.since(tried_at));
            if permanent || tried_for >= give_up {
                outbox::give_up(&mut tx, row.id, claim, now, &last)?;
                tracing::warn!(message = %row.id, last, "a message was given up; see `evenkeel messages list`");
                continue;
            }
            let is_away = receipt.is_outlet_away();
            let due_at = if is_away {
                away_until.max(now)
            } else {
                now + retry::wait(row.attempts, first, most, |end| entropy.below(end))
            };
            if outbox::try_again(&mut tx, row.id, claim, due_at, &last, is_away)? {
                outbox::defer_address(&mut tx, &row.address, due_at, None)?;
            }
        }
        tx.commit().map_err(not_committed)?;
        self.unwritten.clear();
        Ok(())
    }
}
