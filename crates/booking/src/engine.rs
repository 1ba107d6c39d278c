//! The engine of one server process: start it, ask it, stop it. Doors hold a cheap clone.

use crate::availability::change_feed::ChangeFeed;
use crate::availability::snapshot::Snapshot;
use crate::committer::{self, Committer, Queue, Task, Waiting};
use crate::reader::Reader;
use crate::reconciler::{checkpoint, hold_expiry, housekeeping, slot_horizon};
use crate::records::zip::Zip;
use crate::{limit, records};
use base::answer::Fault;
use base::id::{AppointmentId, ClinicId, HoldId, SlotId};
use base::limit::Settings;
use base::time::Timestamp;
use bytes::Bytes;
use database::{Connection, Database, OpenError};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::task::Owner;
use scheduling::refusal::Refusal;
use scheduling::resident::appointment::Status;
use scheduling::resident::eligibility::Answers;
use scheduling::resident::hold::HoldStatus;
use scheduling::resident::person::Person;
use scheduling::rules::Rules;
use scheduling::rules::product::Cvx;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What an engine needs to start.
pub struct Start {
    /// Where the rows are.
    pub database: Database,
    /// Secrets.
    pub keys: KeyRing,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub entropy: Entropy,
    /// Numbers in force.
    pub settings: Settings,
    /// The server's name: names its audit chain, one live owner at a time.
    pub name: String,
    /// Owns every thread of the engine; asked to stop, all stop.
    pub owner: Owner,
}

/// The engine could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not answer, or its rows are not ours.
    #[error("the database does not answer as it should: {0}")]
    Broken(#[from] database::Broken),
    /// The machine gives no thread.
    #[error("no thread could be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The engine.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) feed: Arc<ChangeFeed>,
    pub(crate) queue: Queue,
    pub(crate) reader: Reader,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) settings: Settings,
    pub(crate) counters: Arc<Counters>,
    owner: Owner,
}

/// What the engine counts, for metrics.
#[derive(Debug, Default)]
pub struct Counters {
    /// Transactions committed.
    pub commits: AtomicU64,
    /// Commands in them.
    pub commands: AtomicU64,
    /// Batches decided again because a constraint met another writer.
    pub violations: AtomicU64,
    /// Commands that panicked while being decided.
    pub panics: AtomicU64,
    /// Commands dropped because their deadline had passed.
    pub timed_out: AtomicU64,
    /// Commands turned away because the queue was full.
    pub turned_away: AtomicU64,
    /// Commits whose answer was lost.
    pub in_doubt: AtomicU64,
    /// Holds freed because their time was over.
    pub expired_holds: AtomicU64,
}

/// An engine before it has threads.
pub(crate) struct Opened {
    pub feed: Arc<ChangeFeed>,
    pub counters: Arc<Counters>,
    pub queue: Queue,
    pub waiting: Waiting,
    pub committer: Committer,
}

/// Opens the database, brings its schema up to date, and reads what is to be offered.
pub(crate) fn open(start: &Start) -> Result<Opened, StartError> {
    let mut writer = start.database.connect()?;
    database::migration::migrate(&mut writer, records::MIGRATIONS, start.clock.now())?;
    let feed = Arc::new(ChangeFeed::load(&mut writer, start.clock.clone())?);
    let counters = Arc::new(Counters::default());
    let most = start.settings.get(&limit::QUEUE) as usize;
    let (queue, waiting) = committer::queue(most, Arc::clone(&counters));
    let parts = committer::Parts {
        database: start.database.clone(),
        keys: start.keys.clone(),
        clock: start.clock.clone(),
        entropy: start.entropy.clone(),
        settings: start.settings.clone(),
        chain: start.name.clone(),
        feed: Arc::clone(&feed),
        counters: Arc::clone(&counters),
    };
    let committer = Committer::new(parts, writer)?;
    Ok(Opened {
        feed,
        counters,
        queue,
        waiting,
        committer,
    })
}

impl Engine {
    /// Opens the database, brings its schema up to date, reads what is to be offered, and starts the engine's threads.
    pub fn start(start: Start) -> Result<Self, StartError> {
        let Opened {
            feed,
            counters,
            queue,
            waiting,
            committer,
        } = open(&start)?;
        let Start {
            database,
            keys,
            clock,
            entropy,
            settings,
            owner,
            ..
        } = start;
        let shutdown = owner.shutdown().clone();
        owner.thread("committer", move || committer.run(&waiting, &shutdown))?;
        let (follower, following, shutdown) = (database.connect_beside()?, Arc::clone(&feed), owner.shutdown().clone());
        let every = settings.duration(&limit::FOLLOW);
        owner.thread("change-feed", move || following.follow(follower, every, &shutdown))?;
        checkpoint::start(&database, &settings, &clock, &owner)?;
        let reader = Reader::start(&database, &owner)?;
        let engine = Self(Arc::new(Inner {
            feed,
            queue,
            reader,
            keys,
            clock,
            entropy,
            settings,
            counters,
            owner,
        }));
        hold_expiry::start(&engine, &database)?;
        housekeeping::start(&engine, &database)?;
        slot_horizon::start(&engine, &database)?;
        Ok(engine)
    }

    /// The picture of what is free.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.feed.snapshot()
    }
    /// When that picture was last confirmed to be current.
    pub fn as_of(&self) -> Timestamp {
        self.0.feed.as_of()
    }
    /// Rules in force.
    pub fn rules(&self) -> Arc<Rules> {
        self.0.feed.rules()
    }
    /// ZIP codes, sorted by ZIP.
    pub fn zips(&self) -> Arc<Vec<Zip>> {
        self.0.feed.zips()
    }
    /// Where a ZIP is, in degrees north and east; `None` when nobody knows it.
    pub fn zip(&self, zip: &str) -> Option<(f64, f64)> {
        let zips = self.zips();
        let place = zips.binary_search_by(|row| row.zip.as_str().cmp(zip)).ok()?;
        Some((zips[place].latitude, zips[place].longitude))
    }
    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }
    /// Randomness for ids and keys.
    pub fn entropy(&self) -> &Entropy {
        &self.0.entropy
    }
    /// Secrets.
    pub fn keys(&self) -> &KeyRing {
        &self.0.keys
    }
    /// Numbers in force.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }
    /// What is counted.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }
    /// Commands that wait for the committer.
    pub fn queue_len(&self) -> usize {
        self.0.queue.len()
    }
    /// Owner of its threads.
    pub fn owner(&self) -> &Owner {
        &self.0.owner
    }
    /// Names of what is not well: nothing when all is.
    pub fn failing(&self) -> Vec<&'static str> {
        let mut failing = Vec::new();
        let now = self.0.clock.now();
        if now.since(self.as_of()) > Duration::from_secs(5) {
            failing.push("availability-stale");
        }
        if self.0.queue.is_stopped() {
            failing.push("committer");
        }
        failing
    }
    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
    /// Queues a command and waits for its answer.
    pub(crate) async fn submit(&self, task: Task) -> Result<Reply, Fault> {
        self.0.queue.submit(task).await
    }
}

/// What comes with every command.
pub struct Ask {
    /// When the request arrived.
    pub arrived: Timestamp,
    /// How long after that an answer is worth something.
    pub deadline: Duration,
    /// Under which idempotency key.
    pub key: Option<KeyedRequest>,
    /// Turns the verdict into what is answered and kept.
    pub render: Render,
}

/// An idempotency key in its scope.
pub struct KeyedRequest {
    /// A hash of method, route, ids in the path, and credential.
    pub scope: Vec<u8>,
    /// The key as the client sent it.
    pub key: String,
    /// SHA-256 of the body.
    pub body_hash: [u8; 32],
}

impl KeyedRequest {
    /// The key as its outcome is stored under it.
    pub fn stored(&self) -> Vec<u8> {
        committer::stored_key(self)
    }
}

/// Turns a verdict into an answer. Called inside the batch: pure and quick. Its bytes are what a repeated request gets.
pub type Render = Arc<dyn Fn(&Verdict<'_>) -> Rendered + Send + Sync>;

/// An answer.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// HTTP status.
    pub status: u16,
    /// Body bytes.
    pub body: Vec<u8>,
}

/// What became of a command.
pub enum Verdict<'a> {
    /// It was done.
    Done(&'a Done),
    /// The rules say no.
    Refused(&'a Refusal),
    /// The body names something unknown, foreign or not fitting.
    Invalid {
        /// JSON pointer.
        field: &'a str,
        /// What is expected there.
        expected: &'a str,
    },
    /// What the URL names is unknown, or the credential does not open it.
    NotFound,
}

/// What was done, as its owner may see it.
pub enum Done {
    /// A hold, placed or extended.
    Held(HoldSeen),
    /// A hold was given back.
    GivenBack,
    /// Appointments were made, in the order asked.
    Booked(Vec<AppointmentSeen>),
    /// An appointment was cancelled or moved.
    Seen(Box<AppointmentSeen>),
    /// The engine's own work.
    Nothing,
}

/// An answer to a command.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body bytes.
    pub body: Bytes,
    /// Whether this was answered before, under the same key.
    pub replayed: bool,
    /// The code of a refusal.
    pub code: Option<&'static str>,
    /// Deciding panicked: nothing happened, and the body is empty.
    pub bug: bool,
}

/// A slot as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSeen {
    /// Its id.
    pub id: SlotId,
    /// Where.
    pub clinic: ClinicId,
    /// Start.
    pub starts_at: Timestamp,
    /// End.
    pub ends_at: Timestamp,
    /// What is given.
    pub vaccine: Cvx,
}

/// A hold as its owner sees it.
#[derive(Debug, Clone)]
pub struct HoldSeen {
    /// Its id.
    pub id: HoldId,
    /// Its secret.
    pub token: String,
    /// One per place, in the order asked.
    pub slots: Vec<SlotSeen>,
    /// Until when it lasts.
    pub expires_at: Timestamp,
    /// How often it can be extended still.
    pub extensions_left: u32,
    /// How it stands.
    pub status: HoldStatus,
}

/// An appointment as its owner sees it.
#[derive(Debug, Clone)]
pub struct AppointmentSeen {
    /// Its id.
    pub id: AppointmentId,
    /// To be said by telephone.
    pub code: String,
    /// How it stands.
    pub status: Status,
    /// Where and when.
    pub slot: SlotSeen,
    /// Number in the series.
    pub dose: u8,
    /// The vaccine group.
    pub series: String,
    /// Its secret.
    pub manage_token: String,
    /// Whose.
    pub resident: Option<Person>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// One person's booking, as asked.
pub struct BookingRequest {
    /// Which of the hold's slots; may be left out for a hold of one.
    pub slot: Option<SlotId>,
    /// Whom it is for.
    pub resident: Person,
    /// Answers to the screening questions.
    pub answers: Answers,
    /// Number in the series, from 1.
    pub dose: u8,
}

pub(crate) fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// A connection for work beside the committer, such as a reconciler's.
pub(crate) fn connection(database: &Database) -> Result<Connection, StartError> {
    Ok(database.connect_beside()?)
}
