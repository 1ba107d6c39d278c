//! The chains against `DATA/heads`: what was recorded beside the database must still be in it.

use super::{Invariant, Report};
use crate::heads::{gaps, read};
use database::{Broken, Connection};
use std::path::Path;

/// Adds a finding for each chain that has lost events, and for each head that cannot be read.
pub fn check(connection: &mut Connection, folder: &Path, report: &mut Report) -> Result<(), Broken> {
    // Before the rows: a server that runs meanwhile only adds to both.
    let (recorded, unreadable) = read(folder);
    report.heads = recorded.len();
    for cause in unreadable {
        report.found(Invariant::AuditUnbroken, cause.to_string());
    }
    for gap in gaps(&mut connection.begin_read()?, &recorded)? {
        report.found(Invariant::AcknowledgedIsStored, gap.to_string());
    }
    Ok(())
}
