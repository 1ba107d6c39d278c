//! Database and connection: where rows are kept, and one way to them. Keeps that a connection which met a fault is
//! replaced before it is used again.

use crate::fault::{Broken, CommitFailed, OpenError};
use crate::fault_injection::{Faults, Injected, Step};
use crate::postgres::{Cluster, Session};
use crate::transaction::Transaction;
use crate::{settle, sqlite};
use base::answer::Fault;
use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a writer waits for another process that has the database (DESIGN §5).
pub const WRITER_WAIT: Duration = Duration::from_secs(2);

/// Where a database is, and how durable it must be.
#[derive(Debug, Clone)]
pub struct Database {
    place: Place,
    durability: Durability,
    /// Servers that follow it, for whoever only looks.
    replica: Option<Arc<Cluster>>,
    /// The installation's own folder, where the database is on other machines.
    beside: Option<PathBuf>,
    /// Whether [`Connection::settle`] was done since this handle, or the one it was cloned from, was made.
    settled: Arc<AtomicBool>,
    faults: Injected,
}

#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Memory(String),
    Postgres(Arc<Cluster>),
}

/// Whether a commit waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Each commit is synced before it is answered: the only mode the product runs in.
    Full,
    /// Commits may be lost with the machine. Exists so that a test can prove that it would notice.
    UnsafeForRehearsal,
}

impl Database {
    fn at(place: Place) -> Self {
        Self {
            place,
            durability: Durability::Full,
            replica: None,
            beside: None,
            settled: Arc::default(),
            faults: Injected::default(),
        }
    }
    /// A file, made when it does not exist.
    pub fn file(path: &Path) -> Self {
        Self::at(Place::File(path.to_owned()))
    }
    /// A database in memory, shared by all connections that give the same name, gone with the last of them.
    pub fn memory(name: &str) -> Self {
        Self::at(Place::Memory(name.to_owned()))
    }
    /// PostgreSQL, as a URL names it: `postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE`. Nothing is connected yet.
    pub fn postgres(url: &str) -> Result<Self, OpenError> {
        Ok(Self::at(Place::Postgres(Arc::new(Cluster::read(url)?))))
    }
    /// The same, with a folder for what is to be kept on this machine, apart from a database that is elsewhere.
    #[must_use]
    pub fn with_folder(self, folder: &Path) -> Self {
        Self {
            beside: Some(folder.to_owned()),
            ..self
        }
    }
    /// That folder.
    pub fn folder(&self) -> Option<&Path> {
        self.beside.as_deref().filter(|_| self.path().is_none())
    }
    /// The same, with servers that follow it, for [`Database::connect_replica`] alone.
    pub fn with_replica(self, url: &str) -> Result<Self, OpenError> {
        Ok(Self {
            replica: Some(Arc::new(Cluster::read(url)?)),
            ..self
        })
    }
    /// As [`Database::memory`], with faults put between the engine and it: for simulation only.
    pub fn in_simulation(name: &str, faults: Arc<dyn Faults>) -> Self {
        Self {
            faults: Injected::from(faults),
            ..Self::memory(name)
        }
    }
    /// The same place with another durability.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }
    /// Opens a connection and reads back the settings that durability rests on.
    pub fn connect(&self) -> Result<Connection, OpenError> {
        self.open(Use::Committer)
    }
    /// Opens a connection for work beside the committer: the same durability, and little memory of its own.
    pub fn connect_beside(&self) -> Result<Connection, OpenError> {
        self.open(Use::Beside)
    }
    /// Opens a connection that cannot write.
    pub fn connect_read_only(&self) -> Result<Connection, OpenError> {
        self.open(Use::Reading)
    }
    /// Opens a connection that cannot write to a server that follows, or took over: what it shows may be of any age.
    pub fn connect_replica(&self) -> Result<Connection, OpenError> {
        let Some(cluster) = &self.replica else {
            return Err(OpenError::Cannot {
                path: "the read replica".to_owned(),
                cause: "none is named".to_owned(),
            });
        };
        let of_replica = Self {
            place: Place::Postgres(Arc::clone(cluster)),
            replica: None,
            ..self.clone()
        };
        of_replica.open(Use::Following)
    }
    /// Whether there are servers for whoever only looks.
    pub fn has_replica(&self) -> bool {
        self.replica.is_some()
    }
    fn open(&self, to: Use) -> Result<Connection, OpenError> {
        Ok(Connection {
            driver: self.driver(to)?,
            home: (self.clone(), to),
            suspect: Cell::new(false),
            patient: false,
        })
    }
    fn driver(&self, to: Use) -> Result<Driver, OpenError> {
        self.faults.before_connect()?;
        if let Place::Postgres(cluster) = &self.place {
            let session = match to {
                Use::Following => cluster.connect_any()?,
                _ => cluster.connect(to)?,
            };
            return Ok(Driver::Postgres(Box::new(RefCell::new(session))));
        }
        let driver = match to {
            Use::Committer => sqlite::open(&self.place, self.durability),
            Use::Beside => sqlite::open_beside(&self.place, self.durability),
            Use::Reading | Use::Following => sqlite::open_read_only(&self.place),
        }?;
        // The last to close moves the log into the file: not before it is certain what the log holds.
        if !self.settled.load(Ordering::Acquire) {
            sqlite::leave_log(&driver, &self.place)?;
        }
        Ok(Driver::Sqlite(driver))
    }
    /// Its file, when it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory(_) | Place::Postgres(_) => None,
        }
    }
    /// PostgreSQL, when it is that.
    pub fn cluster(&self) -> Option<&Cluster> {
        match &self.place {
            Place::Postgres(cluster) => Some(cluster),
            Place::File(_) | Place::Memory(_) => None,
        }
    }
    /// Whether several writers may be at work at once, each with its own rows locked. Where not, whoever writes is
    /// alone, and the order of commits is that of their numbers.
    pub fn is_shared(&self) -> bool {
        self.cluster().is_some() || self.faults.shared().is_some()
    }
    /// The same place, with nothing put between.
    pub(crate) fn without_faults(&self) -> Self {
        Self {
            faults: Injected::default(),
            ..self.clone()
        }
    }
    pub(crate) fn faults(&self) -> &Injected {
        &self.faults
    }
}

/// The log after a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log {
    /// Writers or readers were in the way for longer than the connection waits: a hard checkpoint was not one.
    pub busy: bool,
    /// Pages it holds.
    pub pages: i64,
    /// Of those, what is in the database file already.
    pub moved: i64,
}

impl Log {
    /// Pages that could not be moved: somebody still reads what was before them.
    pub fn left(self) -> i64 {
        self.pages - self.moved
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Committer,
    Beside,
    Reading,
    /// Reading what a follower has.
    Following,
}

pub(crate) enum Driver {
    Sqlite(rusqlite::Connection),
    Postgres(Box<RefCell<Session>>),
}

/// One connection; used by one thread at a time. One that met a fault of the disk is replaced before it is used again,
/// as soon as another can be had: its file may have been taken away and brought back.
pub struct Connection {
    driver: Driver,
    home: (Database, Use),
    /// A statement met a fault other than a busy database.
    suspect: Cell<bool>,
    /// Answers may take as long as they take.
    patient: bool,
}

impl Connection {
    fn mend(&mut self) {
        let outdated = match &self.driver {
            Driver::Sqlite(_) => false,
            Driver::Postgres(session) => session.borrow().is_outdated(),
        };
        if !self.suspect.replace(false) && !outdated {
            return;
        }
        let (database, to) = &self.home;
        // Where none can be had, the old one may still do, or says why not.
        if let Ok(fresh) = database.driver(*to) {
            self.driver = fresh;
            self.pass_patience_on();
        }
    }
    fn pass_patience_on(&mut self) {
        if let (Driver::Postgres(session), true) = (&self.driver, self.patient) {
            session.borrow_mut().be_patient();
        }
    }
    /// For whoever reads or writes whole tables: from now on no answer is given up because it takes long.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.patient = true;
        self.pass_patience_on();
        self
    }
    /// Begins a writing transaction. Where writers are alone: at once, after waiting at most [`WRITER_WAIT`]. Where they
    /// are not, it locks the rows that it reads `/* for update */`, and waits for each as long.
    pub fn begin(&mut self) -> Result<Transaction<'_>, Broken> {
        self.mend();
        self.before(Step::Begin)?;
        Transaction::start(self, true)
    }
    /// Begins a reading transaction: one unchanging view, beside any writer.
    pub fn begin_read(&mut self) -> Result<Transaction<'_>, Broken> {
        self.mend();
        self.before(Step::BeginRead)?;
        Transaction::start(self, false)
    }
    /// A number that changes when *another* connection has committed, where there is one: cheap enough to ask every few
    /// milliseconds. Says nothing beside a number from before a fault.
    pub fn data_version(&mut self) -> Result<Option<i64>, Broken> {
        self.mend();
        self.before(Step::Query)?;
        match &self.driver {
            Driver::Sqlite(_) if self.is_shared() => Ok(None),
            Driver::Sqlite(sqlite) => sqlite::data_version(sqlite).map(Some),
            Driver::Postgres(_) => Ok(None),
        }
        .inspect_err(|broken| self.doubt(broken))
    }
    /// Waits at most this long for others, instead of [`WRITER_WAIT`].
    pub fn wait_at_most(&mut self, wait: Duration) -> Result<(), Broken> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.busy_timeout(wait).map_err(sqlite::broken),
            Driver::Postgres(session) => session.borrow_mut().wait_at_most(wait),
        }
    }
    /// Moves committed pages from the log to the database file. `hard` also waits for readers so that the log starts
    /// again from its beginning. Elsewhere than in a file the engine does that by itself.
    pub fn checkpoint(&mut self, hard: bool) -> Result<Log, Broken> {
        self.mend();
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite::checkpoint(sqlite, hard).inspect_err(|broken| self.doubt(broken)),
            Driver::Postgres(_) => Ok(Log::default()),
        }
    }
    /// Makes certain what is in the database, after a commit in doubt or a start that may follow a crash: whatever can
    /// be read afterwards is on disk, and whatever cannot be read will not come back. An error leaves it uncertain. On
    /// PostgreSQL a commit in doubt may still wait for its standby, and is seen by nobody before that has ended: whoever
    /// looks for it adds a row of the same key first, which waits for it.
    pub fn settle(&mut self) -> Result<(), Broken> {
        self.mend();
        if self.is_shared() {
            self.before(Step::Settle)?;
        } else {
            self.before(Step::Begin)?;
            self.before(Step::Execute)?;
        }
        match &self.driver {
            // Its rows are in memory; a commit that has not ended is not among them.
            Driver::Sqlite(_) if self.is_shared() => Ok(()),
            Driver::Sqlite(sqlite) => settle::settle(sqlite, self.home.0.path()),
            Driver::Postgres(session) => session.borrow_mut().settle(),
        }
        .inspect_err(|broken| self.doubt(broken))?;
        self.home.0.settled.store(true, Ordering::Release);
        Ok(())
    }
    pub(crate) fn before(&self, step: Step) -> Result<(), Broken> {
        let faults = &self.home.0.faults;
        faults.before(step).inspect_err(|broken| self.doubt(broken))
    }
    pub(crate) fn doubt(&self, broken: &Broken) {
        let disk = matches!(broken, Broken::Fault { fault, .. } if *fault != Fault::Busy);
        self.suspect.set(self.suspect.get() || disk);
    }
    pub(crate) fn doubt_commit(&self, failed: &CommitFailed) {
        match failed {
            CommitFailed::NotDone(broken) => self.doubt(broken),
            CommitFailed::InDoubt(_) => self.suspect.set(true),
        }
    }
    /// Moves every committed page to the database file and cuts the log to nothing, so that no older page stays in it.
    /// Waits for readers for a moment only, since writers wait meanwhile; whether it was done.
    pub fn empty_log(&mut self) -> Result<bool, Broken> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite::empty_log(sqlite),
            Driver::Postgres(_) => Ok(true),
        }
    }
    /// How much room its rows and indexes take.
    pub fn bytes(&mut self) -> Result<u64, Broken> {
        self.mend();
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite::bytes(sqlite),
            Driver::Postgres(session) => session.borrow_mut().bytes(),
        }
    }
    /// What is wrong with the file itself, page by page and index by index; nothing when all is well. Reads everything.
    /// (PostgreSQL checks its pages itself, where it was made with checksums.)
    pub fn damage(&mut self) -> Result<Vec<String>, Broken> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite::damage(sqlite),
            Driver::Postgres(_) => Ok(Vec::new()),
        }
    }
    pub(crate) fn driver(&self) -> &Driver {
        &self.driver
    }
    pub(crate) fn driver_mut(&mut self) -> &mut Driver {
        &mut self.driver
    }
    pub(crate) fn faults(&self) -> &Injected {
        self.home.0.faults()
    }
    /// Whether several writers may be at work at once: see [`Database::is_shared`].
    pub fn is_shared(&self) -> bool {
        self.home.0.is_shared()
    }
    pub(crate) fn home(&self) -> &Database {
        &self.home.0
    }
    /// A view into a transaction that the caller began by hand and will end by hand.
    pub(crate) fn inside(&self) -> Transaction<'_> {
        Transaction::by_hand(self)
    }
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Broken> {
        match &self.driver {
            Driver::Sqlite(sqlite) => sqlite.execute_batch(sql).map_err(sqlite::broken),
            Driver::Postgres(session) => session.borrow_mut().batch(sql),
        }
    }
}
