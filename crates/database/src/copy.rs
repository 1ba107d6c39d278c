//! Copies a database, page by page, while others go on writing to it. Keeps that the copy is one moment of it: all pages
//! are read inside one reading transaction, so that a write neither tears the copy nor makes it begin again. (SQLite's
//! online backup begins again at every write of another connection unless it reads inside one: under load it would
//! never end.) Nobody waits for the copy; what waits for its end is only the log's next beginning.

use crate::connection::{Connection, Driver};
use crate::fault::Broken;
use crate::sqlite;
use crate::transaction::Transaction;
use base::answer::Fault;
use rusqlite::backup::{Backup, StepResult};
use std::ops::ControlFlow;
use std::path::Path;

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Bytes copied.
    pub done: u64,
    /// Bytes there are.
    pub total: u64,
}

/// The copy was not made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A side of it failed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Whoever watches it said so.
    #[error("stopped before its end")]
    Stopped,
}

impl Connection {
    /// Copies everything into a new file at `path`, readable by its owner only, so many pages at once. `between` is told
    /// after each step and may wait, or end it. Answers the bytes of the copy. The file is not synced.
    pub fn copy_to(
        &mut self,
        path: &Path,
        pages_at_once: u16,
        mut between: impl FnMut(Copied) -> ControlFlow<()>,
    ) -> Result<u64, CopyError> {
        let _one_view = Transaction::start(self, false)?;
        let Driver::Sqlite(inner) = self.driver() else {
            let cause = "PostgreSQL has no pages of ours: its rows are copied".to_owned();
            let fault = Fault::Unreachable;
            return Err(CopyError::Broken(Broken::Fault { fault, cause }));
        };
        sqlite::take_view(inner)?;
        let page_bytes = sqlite::page_bytes(inner)?;
        let mut target = sqlite::open_target(path)?;
        let backup = Backup::new(inner, &mut target).map_err(sqlite::broken)?;
        loop {
            let step = backup.step(i32::from(pages_at_once.max(1))).map_err(sqlite::broken)?;
            let progress = backup.progress();
            let (total, left) = (progress.pagecount as u64, progress.remaining as u64);
            let copied = Copied {
                done: (total - left) * page_bytes,
                total: total * page_bytes,
            };
            if step == StepResult::Done {
                return Ok(copied.total);
            }
            if between(copied).is_break() {
                return Err(CopyError::Stopped);
            }
        }
    }
}
