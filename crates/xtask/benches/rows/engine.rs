//! The engine itself, without HTTP: what a door does with it, in this process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use base::id::{HoldId, SlotId};
use base::limit::Settings;
use base::time::parse_date;
use booking::cost;
use booking::engine::{Ask, BookingRequest, Done, Engine, KeyedRequest, Render, Rendered, Start, Verdict};
use booking::limit;
use booking::role::resident::Resident;
use database::Database;
use hdrhistogram::Histogram;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use scheduling::resident::eligibility::Answers;
use scheduling::resident::person::Person;
use xtask::bench::Round;

use super::dataset::database_of;
use super::spent::Spent;

/// As long as the answer to a booking over HTTP: it is sealed and stored with the outcome.
const ANSWER_BYTES: usize = 400;
/// Nobody waits longer.
const DEADLINE: Duration = Duration::from_secs(30);

/// The server's name, and so its audit chain's.
pub const CHAIN: &str = "bench";

static PEOPLE: AtomicU64 = AtomicU64::new(1);

/// How the committer works.
#[derive(Debug, Clone, Copy)]
pub enum Batches {
    /// As it ships.
    AsShipped,
    /// One command a transaction, and no pause between two.
    One,
}

/// What a booking writes besides the appointment itself, and can do without for once, to see what it costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Sealing personal details, answers and messages.
    Sealing,
    /// A message in the outbox: left out by residents without an e-mail address.
    Outbox,
    /// Audit events and their chain.
    Audit,
    /// The chains' heads, recorded beside the database.
    Heads,
}

impl Part {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Sealing, Self::Outbox, Self::Audit, Self::Heads];
}

/// How residents can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// They are sent a confirmation.
    Email,
    /// They are sent nothing.
    Phone,
}

/// A running engine.
pub struct Running {
    pub engine: Engine,
    resident: Resident,
    contact: Contact,
    owner: Owner,
}

/// A hold and its secret.
pub type Held = (HoldId, String);

impl Running {
    /// Starts the engine on an installation's data, as it ships but for these parts.
    pub fn start(data: &Path, batches: Batches, without: &[Part]) -> Result<Self> {
        Self::start_on(database_of(data), data, CHAIN, batches, without)
    }

    /// The same on another database, with the keys in this folder and under a name of its own.
    pub fn start_on(database: Database, data: &Path, name: &str, batches: Batches, without: &[Part]) -> Result<Self> {
        let left_out: Vec<cost::Part> = without
            .iter()
            .filter_map(|part| match part {
                Part::Audit => Some(cost::Part::Audit),
                Part::Heads => Some(cost::Part::Heads),
                Part::Sealing | Part::Outbox => None,
            })
            .collect();
        ensure!(
            cost::leave_out(&left_out),
            "built without the feature `costs`: use `cargo xtask bench`"
        );
        let mut settings = Settings::default();
        if let Batches::One = batches {
            settings.set(&limit::BATCH, 1).map_err(|error| anyhow!(error))?;
            settings.set(&limit::GAP, 0).map_err(|error| anyhow!(error))?;
        }
        let (clock, entropy, owner) = (Clock::real(), Entropy::real(), Owner::new(Shutdown::new()));
        let keys = KeyRing::open_or_create(&data.join("keys"), &entropy).context("the installation's keys")?;
        let is_sealed = !without.contains(&Part::Sealing);
        let keys = if is_sealed { keys } else { keys.unsealed_for_rehearsal() };
        let engine = Engine::start(Start {
            database,
            keys,
            clock,
            entropy,
            settings,
            name: name.to_owned(),
            owner: owner.clone(),
        })?;
        Ok(Self {
            resident: Resident::new(engine.clone()),
            engine,
            contact: if without.contains(&Part::Outbox) {
                Contact::Phone
            } else {
                Contact::Email
            },
            owner,
        })
    }

    /// Stops it and waits for its threads.
    pub async fn stop(self) {
        self.owner.stop_and_join(Duration::from_secs(10)).await;
    }

    fn ask(&self, keyed: bool) -> Ask {
        let ask = keyed_ask(self.engine.clock(), self.engine.entropy());
        let key = ask.key.filter(|_| keyed);
        Ask { key, ..ask }
    }

    /// Keeps one place.
    pub async fn hold(&self, slot: SlotId) -> Result<Held, String> {
        let reply = self
            .resident
            .place_hold(vec![slot], true, self.ask(false))
            .await
            .map_err(|fault| fault.to_string())?;
        let text = String::from_utf8_lossy(&reply.body);
        let mut words = text.split(' ');
        match (reply.status, words.next(), words.next()) {
            (201, Some(id), Some(token)) => {
                Ok((HoldId::parse(id).map_err(|error| error.to_string())?, token.to_owned()))
            }
            _ => Err(text.into_owned()),
        }
    }

    /// Books it for somebody new.
    pub async fn book(&self, held: &Held) -> Result<(), String> {
        let booking = booking_for(somebody(self.contact));
        let booked = self
            .resident
            .book(held.0, &held.1, vec![booking], true, self.ask(true))
            .await;
        let reply = booked.map_err(|fault| fault.to_string())?;
        if reply.status == 201 {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&reply.body).into_owned())
        }
    }

    /// Books so many places at these slots in turn, so many at once: first all holds, untimed, then all bookings. The
    /// rate and the 99th percentile of the bookings.
    pub async fn measure(
        self: &Arc<Self>,
        slots: &Arc<Vec<SlotId>>,
        bookings: usize,
        at_once: usize,
    ) -> Result<(Round, Spent)> {
        let mut holders = Vec::new();
        for client in 0..at_once {
            let (running, slots) = (Arc::clone(self), Arc::clone(slots));
            holders.push(tokio::spawn(async move {
                let mut held = Vec::new();
                for number in (client..bookings).step_by(at_once) {
                    held.push(running.hold(slots[number * 7919 % slots.len()]).await?);
                }
                Ok::<_, String>(held)
            }));
        }
        let mut all_held = Vec::new();
        for holder in holders {
            all_held.push(holder.await?.map_err(|refusal| anyhow!("holding: {refusal}"))?);
        }
        let (began, before) = (Instant::now(), Spent::now()?);
        let bookers: Vec<_> = all_held
            .into_iter()
            .map(|held| {
                let running = Arc::clone(self);
                tokio::spawn(async move {
                    let mut took = Vec::with_capacity(held.len());
                    for one in &held {
                        let sent = Instant::now();
                        running.book(one).await?;
                        took.push(sent.elapsed());
                    }
                    Ok::<_, String>(took)
                })
            })
            .collect();
        let mut waits = Histogram::<u64>::new_with_max(60_000_000, 3)?;
        for booker in bookers {
            for wait in booker.await?.map_err(|refusal| anyhow!("booking: {refusal}"))? {
                waits.saturating_record(wait.as_micros() as u64);
            }
        }
        let figure = bookings as f64 / began.elapsed().as_secs_f64();
        let round = Round {
            figure,
            p99_ms: Some(waits.value_at_quantile(0.99) as f64 / 1000.0),
        };
        Ok((round, Spent::now()?.since(before)))
    }

    /// Books so many places as fast as it goes, passing over what is full. For filling.
    pub async fn fill(self: &Arc<Self>, slots: &Arc<Vec<SlotId>>, bookings: usize, at_once: usize) -> Result<()> {
        let done = Arc::new(AtomicUsize::new(0));
        let clients: Vec<_> = (0..at_once)
            .map(|client| {
                let (running, slots, done) = (Arc::clone(self), Arc::clone(slots), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut turn = client * 104_729;
                    while done.fetch_add(1, Ordering::Relaxed) < bookings {
                        turn += 7919;
                        let held = running.hold(slots[turn % slots.len()]).await?;
                        running.book(&held).await?;
                    }
                    Ok::<_, String>(())
                })
            })
            .collect();
        for client in clients {
            let filled = client.await?;
            ensure!(filled.is_ok(), "filling: {filled:?}");
        }
        Ok(())
    }
}

/// What a client sends with a command, under a key of its own.
pub fn keyed_ask(clock: &Clock, entropy: &Entropy) -> Ask {
    let now = clock.now();
    let bits = entropy.uuid_v7(now);
    Ask {
        arrived: now,
        deadline: DEADLINE,
        key: Some(KeyedRequest {
            scope: vec![1],
            key: uuid_text(bits),
            body_hash: bits_twice(bits),
        }),
        render: render(),
    }
}

/// A booking of the only place that is held.
pub fn booking_for(resident: Person) -> BookingRequest {
    BookingRequest {
        slot: None,
        resident,
        answers: Answers::default(),
        dose: 1,
    }
}

/// An adult whom nobody has met.
pub fn somebody(contact: Contact) -> Person {
    let number = PEOPLE.fetch_add(1, Ordering::Relaxed);
    let started = u64::from(std::process::id());
    let birth_date = parse_date("1980-05-17").expect("a date in the calendar");
    Person {
        given_name: format!("Given{started:x}"),
        family_name: format!("Family{number:x}"),
        birth_date,
        phone: (contact == Contact::Phone).then(|| format!("+1617{:07}", number % 10_000_000)),
        email: (contact == Contact::Email).then(|| format!("p{started:x}-{number:x}@example.org")),
        language: None,
        needs: Vec::new(),
    }
}

/// A UUID in its usual spelling.
pub fn uuid_text(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

fn bits_twice(bits: u128) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&bits.to_be_bytes());
    bytes[16..].copy_from_slice(&bits.to_be_bytes());
    bytes
}

fn render() -> Render {
    Arc::new(|verdict: &Verdict<'_>| {
        let (status, mut text) = match verdict {
            Verdict::Done(Done::Held(hold)) => (201, format!("{} {} ", hold.id, hold.token)),
            Verdict::Done(Done::Booked(seen)) => (
                201,
                seen.first()
                    .map(|one| format!("{} {} ", one.id, one.manage_token))
                    .unwrap_or_default(),
            ),
            Verdict::Done(_) => (200, String::new()),
            Verdict::Refused(refusal) => (409, refusal.code().to_owned()),
            Verdict::Invalid { field, expected } => (422, format!("{field}: {expected}")),
            Verdict::NotFound => (404, "not-found".to_owned()),
        };
        if status < 400 {
            text.extend(std::iter::repeat_n('.', ANSWER_BYTES.saturating_sub(text.len())));
        }
        Rendered {
            status,
            body: text.into_bytes(),
        }
    })
}
