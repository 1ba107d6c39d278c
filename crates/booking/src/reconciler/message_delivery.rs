//! Sends what waits in the outbox. Claims rows by compare-and-set with an end, so that several servers share the work;
//! sends; writes the receipt. Stored before sent, the receipt after: what crashes in between is sent again, since twice is
//! better than not at all. Of one address only the first waits for the line, so that no message overtakes another.

pub mod letter;
mod receipt;

use crate::engine::{Engine, StartError, connection};
use crate::records::outbox::{self, Claim, Stored};
use crate::{limit, records};
use base::limit::Settings;
use base::time::Timestamp;
use database::{Broken, CommitFailed, Connection, Database};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use letter::{Compose, Letter, Unreadable};
use messaging::email::Email;
use messaging::limit::{CONNECTIONS, FROM, SEND_TIME, SMTP_URL};
use messaging::outlet::Outlet;
use messaging::receipt::{Class, Receipt};
use runtime::task;
use scheduling::rules::Rules;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a copy counts against an address: "a day".
pub const COPIES_COUNT: Duration = Duration::from_hours(24);
/// How often it looks: a confirmation is on its way within the second.
const TICK: Duration = Duration::from_millis(250);
/// How often it counts what waits.
const COUNT: Duration = Duration::from_secs(10);
/// A claim outlasts the longest send by this, for a receipt that has to wait for the database.
const CLAIM_SLACK: Duration = Duration::from_secs(15);
/// What is under way when the process stops gets this long: then the process is gone, and the message is sent again.
const LAST: Duration = Duration::from_millis(300);
/// More attempts than any backoff makes before a message is given up: one that takes the process down each time.
const ATTEMPTS_MAX: u32 = 1_000;
/// Whom a demonstration's mail is from: a name that is nobody's (RFC 2606).
const DEMO_SENDER: &str = "no-reply@demonstration.invalid";

/// Whether mail goes out here: to a server, or into a demonstration's folder. Where it does not, no message is written:
/// it would go out late, when nobody expects it any more.
pub fn sends_mail(settings: &Settings, rules: &Rules) -> bool {
    !settings.text(&SMTP_URL).is_empty() || is_shown(settings, rules)
}

/// Whether mail is shown instead of sent: in a demonstration without a mail server.
pub fn is_shown(settings: &Settings, rules: &Rules) -> bool {
    settings.text(&SMTP_URL).is_empty() && rules.jurisdiction().demonstration.is_some()
}

/// What a process gives so that messages go out.
pub struct Delivery {
    /// The folder of keys, with the mail server's password.
    pub keys: PathBuf,
    /// Where a demonstration's mail is written.
    pub demo_folder: PathBuf,
    /// The host of the public address: message ids are unique at it.
    pub host: String,
    /// Puts letters into words.
    pub compose: Compose,
}

/// Starts the thread.
pub(crate) fn start(engine: &Engine, database: &Database, delivery: Delivery) -> Result<(), StartError> {
    let outlet = Outlet::smtp(engine.settings(), &delivery.keys)?;
    let sender = Sender {
        connection: connection(database)?,
        outlet: outlet.map(Arc::new),
        delivery,
        engine: engine.clone(),
        away: 0,
        away_until: Timestamp::default(),
        count_at: Duration::ZERO,
        unwritten: Vec::new(),
        failing: false,
    };
    engine.owner().thread(
        "message-delivery",
        move || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(sender.run()),
            Err(error) => tracing::error!(%error, "no messages are sent: the machine gives no runtime"),
        },
    )?;
    Ok(())
}

struct Sender {
    connection: Connection,
    outlet: Option<Arc<Outlet>>,
    delivery: Delivery,
    engine: Engine,
    /// How often in a row nobody was there.
    away: u32,
    away_until: Timestamp,
    /// On the clock's monotone time.
    count_at: Duration,
    /// Receipts that the database did not take yet: nothing new is sent before they are written.
    unwritten: Vec<(Claimed, Receipt)>,
    failing: bool,
}

/// A message that is ours for a while.
struct Claimed {
    row: Stored,
    claim: Claim,
    /// When it was claimed: also names its copy.
    at: Timestamp,
}

/// A claimed message with its letter, or with why there is none.
type Opened = (Claimed, Result<Letter, Receipt>);

/// What comes of one message.
async fn attempt(outlet: Arc<Outlet>, claimed: Claimed, email: Result<Email, Receipt>) -> (Claimed, Receipt) {
    match email {
        Ok(email) => {
            let receipt = outlet.send(&email).await;
            (claimed, receipt)
        }
        Err(receipt) => (claimed, receipt),
    }
}

impl Sender {
    async fn run(mut self) {
        let most = self.engine.settings().get(&CONNECTIONS) as usize;
        let (clock, shutdown) = (self.engine.clock().clone(), self.engine.owner().shutdown().clone());
        let mut flying = FuturesUnordered::new();
        while !shutdown.requested() {
            let room = most - flying.len();
            let filled = if room * 2 >= most {
                self.fill(room as u32)
            } else {
                Ok(Vec::new())
            };
            self.note(filled.as_ref().err());
            for (claimed, letter) in filled.unwrap_or_default() {
                let Some(outlet) = self.outlet.clone() else { break };
                let email = self.compose(letter);
                flying.push(attempt(outlet, claimed, email));
            }
            tokio::select! {
                Some(done) = flying.next(), if !flying.is_empty() => self.receive(done),
                () = clock.sleep(TICK) => {}
                () = shutdown.wait() => {}
            }
        }
        let rest = async {
            while let Some(done) = flying.next().await {
                self.receive(done);
            }
        };
        let _ = tokio::time::timeout(LAST, rest).await;
    }

    /// Tells once that something is wrong, and once that it is right again.
    fn note(&mut self, error: Option<&Broken>) {
        match error {
            Some(cause) if !self.failing => {
                tracing::error!(fault = cause.fault().code(), %cause, "messages cannot be read or claimed");
            }
            None if self.failing => tracing::info!("messages are sent again"),
            _ => {}
        }
        self.failing = error.is_some();
    }

    /// Claims up to `room` messages; each comes with its letter, or with why there is none.
    fn fill(&mut self, room: u32) -> Result<Vec<Opened>, Broken> {
        let now = self.engine.clock().now();
        self.count()?;
        self.write_receipts()?;
        if now < self.away_until || !self.has_outlet() {
            return Ok(Vec::new());
        }
        // After nobody was there one goes first, alone.
        let room = if self.away > 0 { 1 } else { room };
        if outbox::due(&mut self.connection.begin_read()?, now, room)?.is_empty() {
            return Ok(Vec::new());
        }
        let settings = self.engine.settings();
        let until = now + settings.duration(&SEND_TIME) + CLAIM_SLACK;
        let most = settings.get(&limit::MAILS_PER_ADDRESS) as usize;
        let from = sender(settings);
        let (keys, entropy, counters) = (self.engine.keys(), self.engine.entropy(), self.engine.counters());
        let mut claimed = Vec::new();
        let mut tx = self.connection.begin()?;
        for row in outbox::due(&mut tx, now, room)? {
            let copies = outbox::copies_since(&mut tx, &row.address, now - COPIES_COUNT)?;
            if let Some(oldest) = copies.len().checked_sub(most).map(|n| copies[n]) {
                let free_at = oldest + COPIES_COUNT + Duration::from_millis(1);
                outbox::defer_address(&mut tx, &row.address, free_at, Some("deferred"))?;
                counters.messages.deferred.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let claim = entropy.bits128().to_be_bytes();
            if !outbox::claim(&mut tx, &row, &claim, now, until)? {
                continue;
            }
            outbox::note_copy(&mut tx, &row.address, now, row.id)?;
            let letter = match letter::open(&mut tx, &row, keys, &from)? {
                Ok(_) if row.attempts >= ATTEMPTS_MAX => Err(Receipt::never(Class::Composing, None)),
                Ok(letter) => Ok(letter),
                Err(Unreadable::Payload | Unreadable::Gone) => Err(Receipt::never(Class::Composing, None)),
            };
            let row = Stored {
                attempts: row.attempts + 1,
                tried_at: row.tried_at.or(Some(now)),
                ..row
            };
            claimed.push((Claimed { row, claim, at: now }, letter));
        }
        tx.commit().map_err(not_committed)?;
        Ok(claimed)
    }

    /// Whether there is a way out now. A demonstration may begin and end while the process runs.
    fn has_outlet(&mut self) -> bool {
        let (settings, rules) = (self.engine.settings(), self.engine.rules());
        if is_shown(settings, &rules) {
            if self.outlet.is_none() {
                match Outlet::folder(&self.delivery.demo_folder) {
                    Ok(folder) => self.outlet = Some(Arc::new(folder)),
                    Err(error) => tracing::warn!(%error, "the demonstration's mail has no folder"),
                }
            }
        } else if settings.text(&SMTP_URL).is_empty() {
            self.outlet = None;
        }
        self.outlet.is_some()
    }

    /// A letter's e-mail; the receipt where it cannot be put into words.
    fn compose(&self, letter: Result<Letter, Receipt>) -> Result<Email, Receipt> {
        let letter = letter?;
        let words = catch_unwind(AssertUnwindSafe(|| (self.delivery.compose)(&letter)));
        match words {
            Ok(Some(words)) => {
                let from = sender(self.engine.settings());
                Ok(letter::email(
                    &letter,
                    words,
                    self.engine.keys(),
                    &from,
                    &self.delivery.host,
                ))
            }
            Ok(None) => Err(Receipt::again(Class::Composing, None)),
            Err(_) => {
                task::count_panic("message-delivery");
                Err(Receipt::never(Class::Composing, None))
            }
        }
    }

    /// Now and then: how many wait, for metrics.
    fn count(&mut self) -> Result<(), Broken> {
        let monotonic = self.engine.clock().monotonic();
        if monotonic < self.count_at {
            return Ok(());
        }
        let counts = records::outbox::counts(&mut self.connection.begin_read()?)?;
        let messages = &self.engine.counters().messages;
        let age = counts
            .oldest
            .map_or(Duration::ZERO, |oldest| self.engine.clock().now().since(oldest));
        messages.waiting.store(counts.waiting, Ordering::Relaxed);
        messages.dead.store(counts.dead, Ordering::Relaxed);
        messages.oldest_s.store(age.as_secs(), Ordering::Relaxed);
        self.count_at = monotonic + COUNT;
        Ok(())
    }
}

/// Whom mail is from.
fn sender(settings: &Settings) -> String {
    let from = settings.text(&FROM);
    if from.is_empty() { DEMO_SENDER } else { from }.to_owned()
}

fn not_committed(failed: CommitFailed) -> Broken {
    match failed {
        CommitFailed::NotDone(broken) => broken,
        CommitFailed::InDoubt(cause) => Broken::Fault {
            fault: base::answer::Fault::OutcomeUnknown,
            cause,
        },
    }
}
