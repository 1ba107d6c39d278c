//! The engine of one server process: start it, ask it, stop it. Doors hold a cheap clone.

use crate::availability::beat::Beats;
use crate::availability::change_feed::ChangeFeed;
use crate::availability::replica::Following;
use crate::availability::snapshot::Snapshot;
use crate::committer::{self, Committer, Queue, Task, Waiting};
pub use crate::committer::{SaidCode, Whose};
use crate::cost;
use crate::move_pause::{self, NotServed};
use crate::pause::Pause;
use crate::reader::Reader;
use crate::reconciler::message_delivery::{self, Delivery, is_shown, sends_mail};
use crate::reconciler::{
    checkpoint, data_retention, heads, hold_expiry, housekeeping, read_audit, resealing, slot_horizon,
};
use crate::records::zip::Zip;
use crate::sealing::{self, WrongKeys};
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
    /// Mail cannot be sent as configured.
    #[error(transparent)]
    Mail(#[from] messaging::outlet::OutletError),
    /// The keys are not those of this data.
    #[error(transparent)]
    WrongKeys(#[from] WrongKeys),
    /// The jurisdiction moves, or has moved, to another database.
    #[error(transparent)]
    NotServed(#[from] NotServed),
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
    database: Database,
    pub(crate) heads: heads::Watch,
    pub(crate) reads: read_audit::Reads,
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
    /// Batches decided again because another writer was in the way: a deadlock, a row that moved.
    pub conflicts: AtomicU64,
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
    /// Values that were sealed anew with the key in force.
    pub resealed: AtomicU64,
    /// Values not yet looked at since that key was declared.
    pub to_reseal: AtomicU64,
    /// Reads written to the audit chain.
    pub reads_audited: AtomicU64,
    /// Reads that there was no room to note, because the database could not be written for long.
    pub reads_unaudited: AtomicU64,
    /// Residents erased because their retention was over.
    pub residents_erased: AtomicU64,
    /// Looks at the read replica that showed what is young enough.
    pub replica_current: AtomicU64,
    /// Looks at it that showed what is too old, or of which nobody knows how old it is.
    pub replica_behind: AtomicU64,
    /// Looks at it that failed.
    pub replica_failed: AtomicU64,
    /// Messages.
    pub messages: MessageCounters,
}

/// What is counted of messages: how many ended how since the start, and how many there are.
#[derive(Debug, Default)]
pub struct MessageCounters {
    /// Attempts after which the next one on the way had the message.
    pub delivered: AtomicU64,
    /// Attempts that certainly delivered nothing.
    pub rejected: AtomicU64,
    /// Attempts of which nobody knows.
    pub unknown: AtomicU64,
    /// Times that an address had to wait for its day's limit.
    pub deferred: AtomicU64,
    /// Messages that wait, when last counted.
    pub waiting: AtomicU64,
    /// Messages given up, when last counted.
    pub dead: AtomicU64,
    /// Age of the oldest that waits, in seconds, when last counted.
    pub oldest_s: AtomicU64,
}

/// An engine before it has threads.
pub(crate) struct Opened {
    pub feed: Arc<ChangeFeed>,
    pub counters: Arc<Counters>,
    pub queue: Queue,
    pub waiting: Waiting,
    pub committer: Committer,
    pub watch: heads::Watch,
    pub pause: Arc<Pause>,
    pub beats: Option<Arc<Beats>>,
}

/// Opens the database, brings its schema up to date, and reads what is to be offered.
/// Stepwise, nothing is answered because of what is known of the database: whoever takes the steps sees each fault itself.
pub(crate) fn open(start: &Start, is_stepwise: bool) -> Result<Opened, StartError> {
    let (clock, keys) = (&start.clock, &start.keys);
    let mut writer = start.database.connect()?;
    database::migration::migrate(&mut writer, records::MIGRATIONS, clock.now())?;
    // The process before may have ended between a failed sync and its settling. Before anything moves the log.
    committer::wait_for_former_owner(&mut writer, &start.name, clock.now())?;
    writer.settle()?;
    move_pause::is_served(&mut writer.begin_read()?)??;
    sealing::check(&mut writer.begin_read()?, keys)??;
    sealing::declare(&mut writer, keys, clock.now())?;
    crate::heads::name(&start.database, &mut writer, &start.entropy)?;
    let watch = heads::check(&start.database, &mut writer, clock)?;
    let told = start.database.is_shared() && !is_stepwise;
    let pause = Arc::new(Pause::new(clock.clone(), &start.settings, told));
    let beats = Following::needs_beats(&start.database).then(|| Arc::new(Beats::new(&start.name)));
    let feed = ChangeFeed::load(&mut writer, clock.clone(), Arc::clone(&pause))?;
    let feed = Arc::new(feed.dated_by(beats.clone()));
    let counters = Arc::new(Counters::default());
    let most = start.settings.get(&limit::QUEUE) as usize;
    let (queue, waiting) = committer::queue(most, Arc::clone(&counters), Arc::clone(&pause));
    let parts = committer::Parts {
        database: start.database.clone(),
        keys: keys.clone(),
        clock: clock.clone(),
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
        watch,
        pause,
        beats,
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
            watch,
            pause,
            beats,
        } = open(&start, false)?;
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
        look_out(&database, &clock, &owner)?;
        let following = Following {
            database: database.clone(),
            feed: Arc::clone(&feed),
            beats,
            counters: Arc::clone(&counters),
            pause,
            clock: clock.clone(),
        };
        following.start(&settings, &owner)?;
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
            database: database.clone(),
            heads: watch,
            reads: read_audit::Reads::default(),
            owner,
        }));
        if !cost::is_left_out(cost::Part::Heads) {
            heads::start(&engine, &database)?;
        }
        hold_expiry::start(&engine, &database)?;
        housekeeping::start(&engine, &database)?;
        resealing::start(&engine, &database)?;
        read_audit::start(&engine, &database)?;
        data_retention::start(&engine, &database)?;
        slot_horizon::start(&engine, &database)?;
        Ok(engine)
    }

    /// From now on messages go out: to the mail server that the settings name, or into a demonstration's folder.
    pub fn deliver(&self, delivery: Delivery) -> Result<(), StartError> {
        message_delivery::start(self, &self.0.database, delivery)
    }
    /// Whether whoever gives an address is written to.
    pub fn sends_mail(&self) -> bool {
        sends_mail(self.settings(), &self.rules())
    }
    /// Whether mail is shown instead of sent.
    pub fn shows_mail(&self) -> bool {
        is_shown(self.settings(), &self.rules())
    }

    /// The picture of what is free.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.0.feed.snapshot()
    }
    /// The picture, and an instant at which it was current. The instant is read first: a picture that is swapped in
    /// between is newer than it says, never older.
    pub fn current(&self) -> (Arc<Snapshot>, Timestamp) {
        let as_of = self.0.feed.as_of();
        (self.0.feed.snapshot(), as_of)
    }
    /// When the picture was last confirmed to be current.
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
    /// What is known of the recorded ends of the audit chains.
    pub fn heads(&self) -> &heads::Watch {
        &self.0.heads
    }
    /// Commands that wait for the committer.
    pub fn queue_len(&self) -> usize {
        self.0.queue.len()
    }
    /// Owner of its threads.
    pub fn owner(&self) -> &Owner {
        &self.0.owner
    }
    /// Whether nothing can be booked for now: the database does not take what is written. Finding goes on.
    pub fn is_paused(&self) -> bool {
        self.0.feed.pause().is_on()
    }
    /// Names of what is not well: nothing when all is.
    pub fn failing(&self) -> Vec<&'static str> {
        let mut failing = Vec::new();
        let now = self.0.clock.now();
        if now.since(self.as_of()) > Duration::from_secs(5) {
            failing.push("availability-stale");
        }
        if self.is_paused() {
            failing.push("booking-paused");
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
    /// Which version of it this is, as calendars count.
    pub sequence: u32,
    /// Whose link opened it; the resident's own where none was presented.
    pub opened_by: Whose,
    /// Links that its resident shared and has not stopped: for the resident alone.
    pub shared: Vec<SharedSeen>,
}

/// A shared link as the one who shared it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSeen {
    /// Which of the appointment's links.
    pub number: u32,
    /// Its secret.
    pub token: String,
    /// When it was made.
    pub made_at: Timestamp,
}

/// What a code and a birth date found.
#[derive(Debug, Clone)]
pub struct FoundByCode {
    /// The appointment.
    pub seen: AppointmentSeen,
    /// What may be done with it now, for some minutes.
    pub said: SaidCode,
    /// When its link was last sent anew, if it was.
    pub link_sent_at: Option<Timestamp>,
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

/// Between two looks for another primary.
const LOOK_OUT: Duration = Duration::from_secs(1);

/// Where several servers may be the primary: looks for one that took over. The former may still answer whoever only
/// reads, and know nothing of it.
fn look_out(database: &Database, clock: &Clock, owner: &Owner) -> Result<(), StartError> {
    if !database.cluster().is_some_and(database::postgres::Cluster::has_several) {
        return Ok(());
    }
    let (database, clock, shutdown) = (database.clone(), clock.clone(), owner.shutdown().clone());
    owner.thread("look-out", move || {
        while !shutdown.requested() {
            clock.sleep_blocking(LOOK_OUT);
            database.cluster().inspect(|cluster| cluster.look_out());
        }
    })?;
    Ok(())
}
