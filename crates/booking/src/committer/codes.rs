//! Numbers of codes. A writer that is alone goes on behind the last one there is; several writers would all do so and
//! meet at the index, so each takes many at once, and gives out its own.

use super::AttemptError;
use crate::{move_pause, records};
use base::time::Timestamp;
use database::{Broken, CommitFailed, Connection};
use scheduling::resident::code::CodeNumber;

/// Taken at once: what a second of the clock has.
const AT_ONCE: u32 = 4_096;

/// Numbers that are this server's.
#[derive(Default)]
pub(super) struct Codes {
    /// The one before the next.
    last: CodeNumber,
    left: u32,
}

impl Codes {
    /// The number before `wanted` ones that nobody else gives out; `None` where whoever decides asks the rows. Those of
    /// a batch that is not committed are lost.
    pub(super) fn take(
        &mut self,
        connection: &mut Connection,
        wanted: u32,
        now: Timestamp,
    ) -> Result<Option<CodeNumber>, AttemptError> {
        if wanted == 0 || !connection.is_shared() {
            return Ok(None);
        }
        if self.left < wanted {
            let many = AT_ONCE.max(wanted);
            let mut tx = move_pause::begin_or_say(connection)?.map_err(AttemptError::Moving)?;
            let last = records::appointment::take_codes(&mut tx, CodeNumber::at(now), many)?;
            tx.commit().map_err(|failed| match failed {
                CommitFailed::NotDone(broken) => broken,
                CommitFailed::InDoubt(cause) => Broken::Fault {
                    fault: base::answer::Fault::Unreachable,
                    cause,
                },
            })?;
            (self.last, self.left) = (last, many);
        }
        let last = self.last;
        (self.last, self.left) = (last.after(u64::from(wanted)), self.left - wanted);
        Ok(Some(last))
    }
}
