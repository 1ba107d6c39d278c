//! A backup comes back: verified before anything is touched, unpacked beside its place, looked through as SQLite and
//! against what the backup says of itself, and only then put where a server finds it. Never over data that is there.

use super::backup::artefact::{Artefact, HeadNote, Unusable};
use super::backup::{BackupError, Step, Watch, io};
use super::copy;
use crate::records::audit::{self, Link};
use crate::records::relocation::{self, Relocation, State};
use crate::records::{self, census};
use crate::sealing::committed;
use crate::verify::{self, Report};
use base::answer::Fault;
use base::time::Timestamp;
use database::{Broken, Connection, Database, OpenError};
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

/// What a database that is being restored into is marked with, instead of the id of a move.
const RESTORE: [u8; 16] = [0; 16];

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
    // A backup of a database that was moving is one that stays.
    let mut tx = connection.begin()?;
    records::relocation::remove(&mut tx)?;
    committed(tx)?;
    into_one_file(connection, &file)?;
    Ok(Unpacked { file, rows })
}

/// Refuses a database that holds something, unless it is what a restore that did not end has left.
pub fn refuse_filled(database: &Database) -> Result<(), RestoreError> {
    let mut connection = database.connect_read_only()?.patient();
    if database::migration::schema_version(&mut connection)? == 0 || copy::is_empty(&mut connection)? {
        return Ok(());
    }
    let is_relocated = records::MIGRATIONS.len() as i64 == database::migration::schema_version(&mut connection)?;
    let row = if is_relocated {
        relocation::load(&mut connection.begin_read()?)?
    } else {
        None
    };
    if row.is_some_and(|row| row.state == State::Filling && row.id == RESTORE) {
        return Ok(());
    }
    let place = database.cluster().map_or_else(String::new, ToString::to_string);
    Err(RestoreError::Occupied(format!("data in {place}")))
}

/// Puts a restored database into an empty one on a server, row by row. Until all of it is there and compared nobody is
/// served from it; what an interrupted restore has left is removed first.
pub fn fill(unpacked: &Unpacked, database: &Database, now: Timestamp, watch: Watch<'_>) -> Result<(), RestoreError> {
    refuse_filled(database)?;
    let mut target = database.connect_beside()?.patient();
    database::migration::migrate(&mut target, records::MIGRATIONS, now)?;
    let mut tx = target.begin()?;
    relocation::lock(&mut tx)?;
    let (id, state, other) = (RESTORE, State::Filling, "a backup".to_owned());
    relocation::save(
        &mut tx,
        &Relocation {
            id,
            state,
            other,
            at: now,
        },
    )?;
    committed(tx)?;
    copy::empty(&mut target)?;
    let mut source = Database::file(&unpacked.file).connect_read_only()?;
    let copied = copy::bring(&mut source, &mut target, &mut |done, total| {
        watch(Step::CopyingRows, done, total)
    });
    let copied = copied.map_err(BackupError::from)?;
    copy::compare(&copied.content, &mut target, &mut |done, total| {
        watch(Step::Comparing, done, total)
    })
    .map_err(BackupError::from)?;
    let mut tx = target.begin()?;
    relocation::remove(&mut tx)?;
    Ok(committed(tx)?)
}

/// Everything into the file itself, down to the disk: its log is left behind when it goes to its place.
pub(super) fn into_one_file(mut connection: Connection, file: &Path) -> Result<(), BackupError> {
    if !connection.empty_log()? {
        let cause = "somebody reads the database that is being made".to_owned();
        let fault = Fault::Busy;
        return Err(Broken::Fault { fault, cause }.into());
    }
    drop(connection);
    File::open(file).and_then(|file| file.sync_all()).map_err(io(file))
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
    let mut head = audit::shared_head(&mut tx, CHAIN)?;
    audit::insert(&mut tx, [&Link::forge(CHAIN, &mut head, &event, None, 0, None)])?;
    committed(tx)?;
    Ok(into_one_file(connection, &unpacked.file)?)
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
pub fn verify(database: &Database, keys: &KeyRing, hold_grace: Duration) -> Result<Report, RestoreError> {
    let mut connection = database.connect_read_only()?.patient();
    Ok(verify::verify(&mut connection, Some(keys), &[], hold_grace)?)
}
