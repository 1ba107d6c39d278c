//! A backup comes back: verified before anything is touched, unpacked beside its place, looked through as SQLite and
//! against what the backup says of itself, and only then put where a server finds it. Never over data that is there.

use super::backup::artefact::{Artefact, HeadNote, Unusable};
use super::backup::{BackupError, Watch, io};
use crate::records::audit::{self, Link};
use crate::records::{self, census};
use crate::verify::{self, Report};
use base::answer::Fault;
use base::time::Timestamp;
use database::{Broken, CommitFailed, Connection, Database, OpenError};
use runtime::secret::KeyRing;
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a server calls its database.
const DATABASE: &str = "evenkeel.sqlite";
/// The audit chain of restores.
const CHAIN: &str = "restore";
/// What must not be there: a database, what belongs to one, and notes about the chains of one.
const OCCUPIED: [&str; 4] = [DATABASE, "evenkeel.sqlite-wal", "evenkeel.sqlite-shm", "heads"];

/// Nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something is there already.
    #[error(
        "{0} is there already: a restore goes into an empty place only. Name another folder with --data, or move this one away"
    )]
    Occupied(String),
    /// The file is not used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The work could not be done.
    #[error(transparent)]
    Work(#[from] BackupError),
    /// What came out of it is not what went in.
    #[error("the backup holds something else than it says: {0}")]
    NotAsSaid(String),
}

impl From<Broken> for RestoreError {
    fn from(broken: Broken) -> Self {
        Self::Work(broken.into())
    }
}

impl From<OpenError> for RestoreError {
    fn from(error: OpenError) -> Self {
        Self::Work(error.into())
    }
}

/// Refuses a place where there is data.
pub fn refuse_occupied(data: &Path) -> Result<(), RestoreError> {
    for name in OCCUPIED {
        let path = data.join(name);
        let there = match path.symlink_metadata() {
            Ok(found) if found.is_dir() => path.read_dir().map_or(true, |mut entries| entries.next().is_some()),
            Ok(_) => true,
            Err(_) => false,
        };
        if there {
            return Err(RestoreError::Occupied(path.display().to_string()));
        }
    }
    Ok(())
}

/// A restored database that nobody uses yet.
pub struct Unpacked {
    /// Where it is.
    pub file: PathBuf,
    /// Its tables, as counted.
    pub rows: BTreeMap<String, u64>,
}

/// Unpacks into a folder and looks through what came out: the file as SQLite sees it, rows and chains' ends as the
/// backup says. Then brings its schema up to date.
pub fn unpack(artefact: &Artefact, folder: &Path, now: Timestamp, watch: Watch<'_>) -> Result<Unpacked, RestoreError> {
    let file = folder.join(DATABASE);
    artefact.unpack(&file, watch)?;
    let mut connection = Database::file(&file).connect_beside()?;
    if let Some(first) = connection.damage()?.first() {
        return Err(RestoreError::NotAsSaid(format!("its database is damaged: {first}")));
    }
    let header = &artefact.header;
    let mut tx = connection.begin_read()?;
    let rows = census::rows(&mut tx)?;
    if rows != header.rows {
        let table = rows
            .iter()
            .find(|(table, count)| header.rows.get(*table) != Some(count));
        let table = table.map_or_else(
            || "a table is missing".to_owned(),
            |(table, count)| format!("{count} rows of {table}"),
        );
        return Err(RestoreError::NotAsSaid(table));
    }
    for (chain, head) in census::heads(&mut tx)? {
        let said = header.heads.get(&chain);
        let found = HeadNote::new(head, Timestamp::default());
        if said.is_none_or(|said| (said.sequence, &said.hash) != (found.sequence, &found.hash)) {
            return Err(RestoreError::NotAsSaid(format!(
                "chain {chain} ends at {}",
                head.sequence
            )));
        }
    }
    drop(tx);
    database::migration::migrate(&mut connection, records::MIGRATIONS, now)?;
    into_one_file(connection, &file)?;
    Ok(Unpacked { file, rows })
}

/// Everything into the file itself: its log is left behind when it goes to its place.
fn into_one_file(mut connection: Connection, file: &Path) -> Result<(), RestoreError> {
    if !connection.empty_log()? {
        let cause = "somebody reads the database that is being restored".to_owned();
        let fault = Fault::Busy;
        return Err(Broken::Fault { fault, cause }.into());
    }
    drop(connection);
    Ok(File::open(file).and_then(|file| file.sync_all()).map_err(io(file))?)
}

/// Leaves a trace in the audit chains: since when what people were told may be missing, and when it was restored.
pub fn note(unpacked: &Unpacked, made_at: Timestamp, now: Timestamp) -> Result<(), RestoreError> {
    let mut connection = Database::file(&unpacked.file).connect_beside()?;
    let event = AuditEvent {
        kind: AuditKind::BackupRestored,
        subject: Subject::Jurisdiction,
        slot: None,
        at: now,
        count: u32::try_from(now.since(made_at).as_secs()).unwrap_or(u32::MAX),
    };
    let mut tx = connection.begin()?;
    let mut head = audit::head(&mut tx, CHAIN)?;
    audit::insert(&mut tx, [&Link::forge(CHAIN, &mut head, &event, None, 0, None)])?;
    tx.commit().map_err(|failed| match failed {
        CommitFailed::NotDone(broken) => RestoreError::from(broken),
        CommitFailed::InDoubt(cause) => RestoreError::from(Broken::Fault {
            fault: Fault::OutcomeUnknown,
            cause,
        }),
    })?;
    into_one_file(connection, &unpacked.file)
}

/// Puts a restored database where a server of this data folder finds it, in one step and never over another.
pub fn put_in_place(unpacked: &Unpacked, data: &Path) -> Result<(), RestoreError> {
    let place = data.join(DATABASE);
    match std::fs::hard_link(&unpacked.file, &place) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(RestoreError::Occupied(place.display().to_string()));
        }
        linked => linked.map_err(io(&place))?,
    }
    let sync = || -> std::io::Result<()> {
        std::fs::remove_file(&unpacked.file)?;
        File::open(data)?.sync_all()
    };
    Ok(sync().map_err(io(&place))?)
}

/// Looks whether a restored database keeps every promise.
pub fn verify(file: &Path, keys: &KeyRing, hold_grace: Duration) -> Result<Report, RestoreError> {
    let mut connection = Database::file(file).connect_read_only()?;
    Ok(verify::verify(&mut connection, Some(keys), &[], hold_grace)?)
}
