//! Liveness, then the end: nothing fails any more, and everything that was pending must come to rest.

use super::Simulation;
use crate::checker::{Checked, eventually, finally};

impl Simulation {
    /// Faults end, servers come up, what waits is decided.
    pub(super) fn calm_down(&mut self) -> Checked {
        self.end_of_faults();
        self.unended_is_over();
        eventually::servers_answer(self)?;
        eventually::unknowns_are_resolved(self)?;
        eventually::holds_end(self)?;
        eventually::snapshots_agree(self)?;
        eventually::books_again(self)
    }

    /// Everything there is, looked at once more.
    pub(super) fn end(&mut self) -> Checked {
        finally::rows_are_whole(self)?;
        finally::acknowledged_is_stored(self)?;
        finally::audit_unbroken(self)?;
        finally::holds_end(self)?;
        finally::links_are_personal(self)
    }
}
