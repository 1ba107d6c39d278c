//! Sends what waits in the outbox. Claims rows by compare-and-set with an end, so that several servers share the work;
//! sends; writes the receipt. Stored before sent, the receipt after: what crashes in between is sent again, since twice is
//! better than not at all. Of one address only the first waits for the line, so that no message overtakes another.

mod claim;
pub mod letter;
mod receipt;

use crate::conflict::again;
use crate::engine::{Engine, StartError, connection};
use crate::move_pause;
use crate::records::outbox;
use base::limit::Settings;
use base::time::Timestamp;
use claim::{Claimed, Opened};
use database::{Broken, CommitFailed, Connection, Database};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use letter::{Compose, Letter};
use messaging::email::Email;
use messaging::limit::{CONNECTIONS, FROM, SEND_TIME, SMTP_URL};
use messaging::outlet::Outlet;
use messaging::receipt::{Class, Receipt};
use receipt::Ended;
use runtime::task;
use scheduling::rules::Rules;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A message on its way.
type Attempt = Pin<Box<dyn Future<Output = (Claimed, Receipt)>>>;

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

/// How long a copy counts against an address: "a day".
pub const COPIES_COUNT: Duration = Duration::from_hours(24);
/// How often it looks: a confirmation is on its way within the second.
const TICK: Duration = Duration::from_millis(250);
/// Messages claimed in one transaction: bookings wait for the database while it is written to.
const AT_ONCE: u32 = 32;
/// Between two of its transactions: bookings go first.
const GAP: Duration = Duration::from_millis(25);
/// How often it counts what waits.
const COUNT: Duration = Duration::from_secs(10);
/// A claim outlasts the longest send by this, for a receipt that has to wait for the database.
const CLAIM_SLACK: Duration = Duration::from_secs(15);
/// What is under way when the process stops gets this long: then the process is gone, and the message is sent again.
const LAST: Duration = Duration::from_millis(300);
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
        queue: VecDeque::new(),
        unwritten: Vec::new(),
        unwritten_since: Duration::ZERO,
        away: 0,
        away_until: Timestamp::default(),
        count_at: Duration::ZERO,
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
    /// Claimed and not yet on the way.
    queue: VecDeque<Opened>,
    /// Ended, and not yet written. Nothing of it is forgotten while the database does not take it.
    unwritten: Vec<(Claimed, Ended)>,
    /// On the clock's monotone time: since when the first of those has waited.
    unwritten_since: Duration,
    /// How often in a row nobody was there.
    away: u32,
    away_until: Timestamp,
    /// On the clock's monotone time.
    count_at: Duration,
    failing: bool,
}

impl Sender {
    async fn run(mut self) {
        let most = self.engine.settings().get(&CONNECTIONS) as usize;
        let (clock, shutdown) = (self.engine.clock().clone(), self.engine.owner().shutdown().clone());
        let mut flying = FuturesUnordered::new();
        // On the clock's monotone time: when to look for what is due, and from when on to write again.
        let (mut look_at, mut write_at) = (Duration::ZERO, Duration::ZERO);
        while !shutdown.requested() {
            let now = clock.monotonic();
            let claims = now >= look_at && self.queue.is_empty() && flying.len() * 2 <= most;
            let receipts = self.receipts_are_due(flying.is_empty(), now);
            if now >= write_at && (claims || receipts) {
                let turned = self.turn(if claims { AT_ONCE } else { 0 });
                self.note(turned.as_ref().err());
                // Where as many as asked for were due there are probably more.
                let full = matches!(turned, Ok(claimed) if claimed >= AT_ONCE);
                look_at = if claims && !full { now + TICK } else { look_at };
                write_at = now + if turned.is_err() { TICK } else { GAP };
            }
            self.set_out(&mut flying, most);
            let step = if self.unwritten.is_empty() { TICK } else { GAP };
            tokio::select! {
                Some(done) = flying.next(), if !flying.is_empty() => self.receive(done),
                () = clock.sleep(step) => {}
                () = shutdown.wait() => {}
            }
            // Whatever else has ended by now shares its transaction.
            while let Some(Some(done)) = flying.next().now_or_never() {
                self.receive(done);
            }
        }
        self.give_back_queue();
        let rest = async {
            while let Some(done) = flying.next().await {
                self.receive(done);
            }
        };
        let _ = tokio::time::timeout(LAST, rest).await;
        let turned = self.turn(0);
        self.note(turned.as_ref().err());
    }

    /// Sends what is claimed, as many at once as may be.
    fn set_out(&mut self, flying: &mut FuturesUnordered<Attempt>, most: usize) {
        let now = self.engine.clock().now();
        if now < self.away_until {
            return self.give_back_queue();
        }
        let lasts = self.engine.settings().duration(&SEND_TIME);
        while flying.len() < most {
            let (Some((claimed, letter)), Some(outlet)) = (self.queue.pop_front(), self.outlet.clone()) else {
                break;
            };
            // It has waited here for others: its claim might end while it is on the way, and somebody else send it too.
            if now + lasts > claimed.until {
                self.ended(claimed, Ended::Untried);
                continue;
            }
            let email = self.compose(letter);
            flying.push(Box::pin(attempt(outlet, claimed, email)));
        }
    }

    /// What is claimed and not on the way waits for everybody again.
    fn give_back_queue(&mut self) {
        while let Some((claimed, _)) = self.queue.pop_front() {
            self.ended(claimed, Ended::Untried);
        }
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

    /// One transaction: what has ended is written, and up to `room` more are claimed. Answers how many.
    fn turn(&mut self, room: u32) -> Result<u32, Broken> {
        let now = self.engine.clock().now();
        self.count()?;
        // After nobody was there one goes first, alone.
        let room = if self.away > 0 { room.min(1) } else { room };
        let claims = room > 0
            && now >= self.away_until
            && self.has_outlet()
            && !outbox::due(&mut self.connection.begin_read()?, now, 1)?.is_empty();
        if self.unwritten.is_empty() && !claims {
            return Ok(0);
        }
        let room = if claims { room } else { 0 };
        let opened = again(|| {
            let mut tx = move_pause::begin(&mut self.connection)?;
            receipt::write(&mut tx, &self.engine, &self.unwritten, self.away_until)?;
            let opened = claim::claim(&mut tx, &self.engine, room)?;
            tx.commit().map_err(not_committed)?;
            Ok(opened)
        })?;
        self.unwritten.clear();
        let claimed = opened.len() as u32;
        self.queue.extend(opened);
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
        let counts = outbox::counts(&mut self.connection.begin_read()?)?;
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
