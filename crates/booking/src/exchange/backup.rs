//! A backup: one moment of the whole database, taken while booking goes on, in one file that says what it is and what it
//! takes to open it. Keeps that no half file is ever called a backup, that nobody's booking waits for one, and that it
//! holds no key. How the file is laid out: [`artefact`]. How it comes back: [`super::restore`].

pub mod artefact;
pub mod last;

use super::copy::{self, CopyFailed};
use crate::availability::change_feed::read_rules;
use crate::limit::backup as limit;
use crate::records::census;
use artefact::{HeadNote, Header, Written};
use base::limit::Settings;
use base::time::Timestamp;
use database::copy::CopyError;
use database::migration::Migration;
use database::{Broken, Connection, Database, OpenError, Transaction};
use runtime::clock::Clock;
use runtime::destination::{Destination, DestinationError};
use runtime::disk_space::free_bytes;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, TryLockError};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// What names of backups begin and end with.
pub const BEGINNING: &str = "evenkeel-backup-";
/// See [`BEGINNING`].
pub const ENDING: &str = ".ekb";
/// Left free on the data's disk whatever a backup needs, so that booking goes on: half a minute of the fastest log.
const ROOM_LEFT: u64 = 256 << 20;

/// Which part of the work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Pages are copied out of the live database.
    Copying,
    /// Rows are copied from one database to another. Counted in rows, as is the next.
    CopyingRows,
    /// Two databases are compared.
    Comparing,
    /// The copy is packed into one file.
    Packing,
    /// A file is read to the end to see whether it is whole.
    Checking,
    /// A file is unpacked.
    Unpacking,
}

impl Step {
    /// For a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Copying | Self::CopyingRows => "Copying",
            Self::Comparing => "Comparing",
            Self::Packing => "Packing",
            Self::Checking => "Checking",
            Self::Unpacking => "Unpacking",
        }
    }
}

/// Is told how many bytes of how many are done; ends the work by saying so.
pub type Watch<'w> = &'w mut dyn FnMut(Step, u64, u64) -> ControlFlow<()>;

/// A backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not answer.
    #[error("the database cannot be copied: {0}")]
    Database(#[from] Broken),
    /// The file system said no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// There is one process making one.
    #[error("another process makes a backup of this installation, or rehearses a restore, right now")]
    Busy,
    /// It would fill the disk that bookings need.
    #[error(
        "not enough room in {place}: {needed} MiB are needed for the work and so that booking goes on, {free} MiB are free",
        place = place.display()
    )]
    NoRoom {
        /// Where.
        place: PathBuf,
        /// MiB that are needed.
        needed: u64,
        /// MiB that are free.
        free: u64,
    },
    /// Its rows could not be copied.
    #[error(transparent)]
    Rows(CopyFailed),
    /// We were told to stop.
    #[error("stopped; nothing was kept of it")]
    Stopped,
    /// It could not be kept where it should be.
    #[error("the backup could not be kept: {0}")]
    Destination(#[from] DestinationError),
}

impl From<CopyError> for BackupError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Broken(broken) => Self::Database(broken),
            CopyError::Stopped => Self::Stopped,
        }
    }
}

impl From<CopyFailed> for BackupError {
    fn from(failed: CopyFailed) -> Self {
        match failed {
            CopyFailed::Stopped => Self::Stopped,
            other => Self::Rows(other),
        }
    }
}

pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> BackupError + '_ {
    |source| BackupError::Io {
        path: path.to_owned(),
        source,
    }
}

/// The folder that a backup, a restore or a drill works in: one process at a time, by a lock that the kernel gives up
/// when its holder dies. What a killed one left behind is removed; so is everything when this is dropped.
pub struct Workplace {
    folder: PathBuf,
    _lock: File,
}

impl Workplace {
    /// Takes the place in this data folder, which has a folder `run`.
    pub fn take(data: &Path) -> Result<Self, BackupError> {
        let path = data.join("run").join("backup.lock");
        let lock = File::create(&path).map_err(io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy),
            Err(TryLockError::Error(error)) => return Err(io(&path)(error)),
        }
        let folder = data.join("run").join("backup");
        clear(&folder).map_err(io(&folder))?;
        DirBuilder::new().mode(0o700).create(&folder).map_err(io(&folder))?;
        Ok(Self { folder, _lock: lock })
    }

    /// The folder: empty when it was taken.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        // What stays is removed by whoever comes next.
        let _ = clear(&self.folder);
    }
}

fn clear(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What a backup is made of.
pub struct Making<'m> {
    /// The live database.
    pub database: &'m Database,
    /// Whose numbers are named.
    pub keys: &'m KeyRing,
    /// The clock.
    pub clock: &'m Clock,
    /// For the sample that is sealed.
    pub entropy: &'m Entropy,
    /// How fast.
    pub settings: &'m Settings,
    /// Where the work is done.
    pub workplace: &'m Workplace,
}

/// A backup that is whole, and not yet where it shall be kept.
#[derive(Debug)]
pub struct Made {
    /// What it shall be called.
    pub name: String,
    /// Where it is, in the workplace.
    pub file: PathBuf,
    /// What it says of itself.
    pub header: Header,
    /// Its length and checksum.
    pub written: Written,
    /// When its moment was.
    pub made_at: Timestamp,
}

impl Making<'_> {
    /// Copies, counts and packs. Everything acknowledged before this was called is in it.
    pub fn make(&self, watch: Watch<'_>) -> Result<Made, BackupError> {
        let made_at = self.clock.now();
        self.look_for_room()?;
        let copy = self.workplace.folder.join("copy.sqlite");
        let database_bytes = self.copy(&copy, watch)?;
        let mut connection = Database::file(&copy).connect_read_only()?;
        let header = self.header(&mut connection, made_at, database_bytes)?;
        drop(connection);
        let name = name_of(made_at);
        let file = self.workplace.folder.join(&name);
        let written = artefact::write(&header, &copy, &file, watch)?;
        std::fs::remove_file(&copy).map_err(io(&copy))?;
        Ok(Made {
            name,
            file,
            header,
            written,
            made_at,
        })
    }

    /// A copy and what it is packed into, which may be as long when everything in it is sealed.
    fn look_for_room(&self) -> Result<(), BackupError> {
        let length = |path: &Path| path.metadata().map(|data| data.len()).unwrap_or_default();
        let live = match self.database.path() {
            Some(live) => length(live) + length(&live.with_added_extension("wal")),
            None => self.database.connect_read_only()?.bytes()?,
        };
        let needed = 2 * live + ROOM_LEFT;
        match free_bytes(&self.workplace.folder) {
            Some(free) if free < needed => Err(BackupError::NoRoom {
                place: self.workplace.folder.clone(),
                needed: needed >> 20,
                free: free >> 20,
            }),
            _ => Ok(()),
        }
    }

    fn copy(&self, to: &Path, watch: Watch<'_>) -> Result<u64, BackupError> {
        if self.database.is_shared() {
            return self.copy_rows(to, watch);
        }
        let pages = self.settings.get(&limit::PAGES) as u16;
        let pause = self.settings.duration(&limit::PAUSE);
        let mut live = self.database.connect_read_only()?;
        let copied = live.copy_to(to, pages, |copied| {
            // Between two steps the disk and the processor are the bookings'.
            self.clock.sleep_blocking(pause);
            watch(Step::Copying, copied.done, copied.total)
        })?;
        Ok(copied)
    }

    /// Where there are no pages of ours: the rows, into a file of the same schema.
    fn copy_rows(&self, to: &Path, watch: Watch<'_>) -> Result<u64, BackupError> {
        let pause = self.settings.duration(&limit::PAUSE);
        let mut live = self.database.connect_read_only()?.patient();
        let schema = database::migration::schema_version(&mut live)?;
        let steps = known_steps(schema)?;
        let mut target = Database::file(to).connect_beside()?;
        database::migration::migrate(&mut target, steps, self.clock.now())?;
        let copied = copy::bring(&mut live, &mut target, &mut |done, total| {
            self.clock.sleep_blocking(pause);
            watch(Step::CopyingRows, done, total)
        })?;
        copy::compare(&copied.content, &mut target, &mut |done, total| {
            watch(Step::Comparing, done, total)
        })?;
        super::restore::into_one_file(target, to)?;
        Ok(to.metadata().map_err(io(to))?.len())
    }

    fn header(&self, copy: &mut Connection, made_at: Timestamp, database_bytes: u64) -> Result<Header, BackupError> {
        let schema = database::migration::schema_version(copy)?;
        known_steps(schema)?;
        let mut tx = copy.begin_read()?;
        let rows = census::rows(&mut tx)?;
        let heads = head_notes(&mut tx, made_at)?;
        let sample = artefact::seal_sample(self.keys, self.entropy, made_at);
        Ok(Header {
            product: env!("CARGO_PKG_VERSION").to_owned(),
            schema,
            made_at: made_at.to_string(),
            made_at_micros: made_at.micros(),
            jurisdiction: read_rules(&mut tx)?.jurisdiction().name.clone(),
            keys: self.keys.key_checks(),
            sample,
            heads,
            rows,
            database_bytes,
        })
    }
}

/// Where each audit chain ends, and when that was.
pub(super) fn head_notes(tx: &mut Transaction<'_>, now: Timestamp) -> Result<BTreeMap<String, HeadNote>, Broken> {
    let mut heads = BTreeMap::new();
    for (chain, head) in census::heads(tx)? {
        let at = census::event(tx, &chain, head.sequence)?.map_or(now, |(_, at)| at);
        heads.insert(chain, HeadNote::new(head, at));
    }
    Ok(heads)
}

/// The steps that lead to a schema, when this program knows it.
fn known_steps(schema: i64) -> Result<&'static [Migration], OpenError> {
    let all = crate::records::MIGRATIONS;
    let known = all.last().map_or(0, |migration| migration.version);
    let steps = all.get(..schema as usize);
    steps.ok_or(OpenError::NewerSchema { found: schema, known })
}

/// `evenkeel-backup-20261124T143000.123Z.ekb`.
pub fn name_of(made_at: Timestamp) -> String {
    let seconds: String = made_at.to_string().chars().filter(|c| !"-:Z".contains(*c)).collect();
    let millis = made_at.micros().rem_euclid(1_000_000) / 1_000;
    format!("{BEGINNING}{seconds}.{millis:03}Z{ENDING}")
}

/// When the backup of this name was made; `None` when it is no name of ours.
pub fn made_at_of(name: &str) -> Option<Timestamp> {
    let stamp = name.strip_prefix(BEGINNING)?.strip_suffix(ENDING)?.strip_suffix('Z')?;
    let (seconds, millis) = stamp.split_once('.')?;
    if seconds.len() != 15 || millis.len() != 3 || !stamp.is_ascii() {
        return None;
    }
    let (date, time) = seconds.split_once('T')?;
    let text = format!(
        "{}-{}-{}T{}:{}:{}.{millis}Z",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    );
    Timestamp::parse(&text)
}

/// A kept backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBackup {
    /// When it was made.
    pub made_at: Timestamp,
    /// Its name.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
}

/// The backups at a destination, oldest first; whatever else lies there is left alone.
pub fn kept(destination: &Destination) -> Result<Vec<KeptBackup>, DestinationError> {
    let mut kept: Vec<_> = destination
        .list()?
        .into_iter()
        .filter_map(|file| {
            Some(KeptBackup {
                made_at: made_at_of(&file.name)?,
                name: file.name,
                bytes: file.bytes,
            })
        })
        .collect();
    kept.sort_by_key(|backup| backup.made_at);
    Ok(kept)
}

/// Which of these (oldest first) have been kept for long enough; the last ones never.
pub fn outlived(kept: &[KeptBackup], settings: &Settings, now: Timestamp) -> Vec<String> {
    let before = now - settings.duration(&limit::KEPT_DAYS);
    let may_go = kept.len().saturating_sub(settings.get(&limit::KEPT_LAST) as usize);
    kept[..may_go]
        .iter()
        .filter(|backup| backup.made_at < before)
        .map(|backup| backup.name.clone())
        .collect()
}
