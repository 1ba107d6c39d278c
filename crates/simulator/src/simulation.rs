//! One run: a seed, a clock that nobody waits for, servers, actors, faults, and a queue of what happens next. One
//! thread; nothing here depends on anything but the seed.

mod ending;
mod events;
mod sending;
mod settling;

use crate::actor::{Actor, Habit, Offer, Pending, View, Wake};
use crate::chance::Chance;
use crate::checker::always::Rows;
use crate::checker::sometimes::Sometimes;
use crate::checker::{Checked, Found};
use crate::fault::{Below, Rates};
use crate::log::Log;
use crate::model::{Model, Numbers, Place};
use crate::server::Server;
use crate::wish::{Secret, Wish};
use crate::world;
use base::id::AppointmentId;
use base::limit::Settings;
use booking::limit;
use booking::records;
use database::{Connection, Database};
use events::{Event, Events};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Actors of each habit.
const OF_EACH_HABIT: usize = 2;
/// People there are; fewer than places, so that they meet.
const PEOPLE: u64 = 36;
/// Secrets that strangers may have got hold of.
const OVERHEARD: usize = 12;

/// What an appointment was acknowledged as, for the last time.
pub(crate) struct Acknowledged {
    pub code: String,
    pub token: Secret,
}

/// A run.
pub struct Simulation {
    pub(crate) chance: Chance,
    pub(crate) clock: Clock,
    entropy: Entropy,
    pub(crate) settings: Settings,
    rates: Rates,
    /// Faults between, not below: none once everything is calm.
    pub(crate) is_calm: bool,
    memory: String,
    /// Reads beside every fault, and keeps the bytes while every server is down.
    pub(crate) beside: Connection,
    operator: Arc<Below>,
    pub(crate) servers: Vec<Server>,
    pub(crate) actors: Vec<Actor>,
    /// Which of an actor's wakes counts.
    wakes: Vec<u64>,
    pub(crate) events: Events,
    pub(crate) model: Model,
    pub(crate) log: Log,
    pub(crate) sometimes: Sometimes,
    pub(crate) overheard: Vec<Secret>,
    pub(crate) acknowledged: BTreeMap<AppointmentId, Acknowledged>,
    /// What was last bought by an appointment's code and a birth date.
    pub(crate) said: BTreeMap<AppointmentId, Secret>,
    /// Requests whose answers were never heard, with their keys.
    pub(crate) unresolved: Vec<(usize, Pending)>,
    pub(crate) sent: u64,
    limit: u64,
    next_body: u64,
    sessions: u32,
    twins: u32,
    /// A key that was forgotten may come back, by the wall clock, as if it were not: once that was set back.
    pub(crate) keys_may_return: bool,
    turns: u64,
}

/// The outcome of a run.
pub struct Run {
    /// Everything that happened, in order.
    pub log: Log,
    /// What was found, if anything.
    pub found: Option<Found>,
    /// What happened how often.
    pub sometimes: Sometimes,
    /// Commands sent.
    pub commands: u64,
}

/// Runs a seed to its end.
pub fn run(seed: u64, commands: u64) -> Run {
    let mut simulation = match Simulation::new(seed, commands) {
        Ok(simulation) => simulation,
        Err(found) => {
            return Run {
                log: Log::default(),
                found: Some(found),
                sometimes: Sometimes::default(),
                commands: 0,
            };
        }
    };
    let found = simulation.play().err();
    let mut log = std::mem::take(&mut simulation.log);
    match &found {
        Some(found) => log.note(&format!("FAILED {found}")),
        None => log.note(&format!("passed: {} commands", simulation.sent)),
    }
    Run {
        log,
        found,
        sometimes: std::mem::take(&mut simulation.sometimes),
        commands: simulation.sent,
    }
}

pub(crate) fn broken(cause: impl std::fmt::Display) -> Found {
    Found::new("simulation", cause.to_string())
}

impl Simulation {
    fn new(seed: u64, limit: u64) -> Result<Self, Found> {
        let (chance, clock) = (Chance::new(seed), Clock::simulated(world::beginning()));
        let settings = world::settings(&chance);
        let rates = Rates::drawn(&chance);
        let memory = memory_name(seed);
        let mut beside = Database::memory(&memory).connect().map_err(broken)?;
        database::migration::migrate(&mut beside, records::MIGRATIONS, clock.now()).map_err(broken)?;
        let sends_mail = chance.percent(50);
        world::fill(&mut beside, &clock, sends_mail).map_err(broken)?;
        let numbers = Numbers {
            hold_lifetime: settings.duration(&limit::HOLD_LIFETIME),
            hold_extensions: settings.get(&limit::HOLD_EXTENSIONS) as u32,
            hold_grace: settings.duration(&limit::HOLD_GRACE),
            outcome_retention: settings.duration(&limit::OUTCOME_RETENTION),
            link_lasts: settings.duration(&limit::LINK_LASTS),
            links_shared: settings.get(&limit::LINKS_SHARED) as usize,
            link_anew: settings.duration(&limit::LINK_ANEW),
            code_lasts: settings.duration(&limit::CODE_LASTS),
            sends_mail,
        };
        let operator = Arc::new(Below::new(chance.clone(), clock.clone(), rates.clone()));
        let mut simulation = Self {
            entropy: Entropy::seeded(seed ^ 0x5eed_0f1d),
            settings,
            is_calm: false,
            memory,
            beside,
            operator,
            servers: Vec::new(),
            actors: Vec::new(),
            wakes: Vec::new(),
            events: Events::default(),
            model: Model::new(numbers),
            log: Log::default(),
            sometimes: Sometimes::default(),
            overheard: Vec::new(),
            acknowledged: BTreeMap::new(),
            said: BTreeMap::new(),
            unresolved: Vec::new(),
            sent: 0,
            limit,
            next_body: 0,
            sessions: 0,
            twins: 0,
            keys_may_return: false,
            turns: 0,
            chance,
            clock,
            rates,
        };
        simulation.log.note(&format!("seed {seed}, {limit} commands"));
        simulation.log.note(&format!("faults: {}", simulation.rates.text()));
        let changed = simulation
            .settings
            .changed()
            .map(|(key, value)| format!("{key}={value}"));
        let changed = changed.collect::<Vec<_>>().join(" ");
        simulation.log.note(&format!("settings: {changed}"));
        simulation.learn_slots()?;
        simulation.people_come();
        Ok(simulation)
    }

    fn people_come(&mut self) {
        for name in ["a", "b"] {
            self.add_server(name, name.to_owned());
        }
        // Most rules have an instant at which they turn: whoever comes just then is there twice.
        for habit in Habit::ALL.into_iter().chain([Habit::Punctual]) {
            for _ in 0..OF_EACH_HABIT {
                let members = if habit == Habit::Family { 5 } else { 3 };
                let people = (0..members).map(|_| self.chance.below(PEOPLE) as u32).collect();
                let name = format!("{}-{}", habit.word(), self.actors.len());
                self.actors.push(Actor::new(name, habit, people));
                self.wakes.push(0);
                let actor = self.actors.len() - 1;
                let after = self.chance.span(Duration::from_millis(100), Duration::from_secs(40));
                self.events.add(after, Event::Wake(actor, 0));
            }
        }
        for event in [Event::Publish, Event::Housekeep, Event::ClockStep, Event::Trouble] {
            let after = self.chance.span(Duration::from_secs(20), Duration::from_secs(200));
            self.events.add(after, event);
        }
        if self.chance.percent(25) {
            let after = self.chance.span(Duration::from_secs(100), Duration::from_mins(15));
            self.events.add(after, Event::Flood);
        }
    }

    pub(crate) fn new_below(&self) -> Arc<Below> {
        let below = Below::new(self.chance.clone(), self.clock.clone(), self.rates.clone());
        if self.is_calm {
            below.end();
        }
        Arc::new(below)
    }

    pub(crate) fn strikes(&self, kind: crate::fault::Kind) -> bool {
        !self.is_calm && self.rates.strikes(kind, &self.chance)
    }

    /// Safety, while things fail; then liveness, when nothing does; then the end.
    fn play(&mut self) -> Checked {
        while self.sent < self.limit {
            self.step()?;
        }
        self.calm_down()?;
        self.end()
    }

    /// The next thing that happens.
    pub(crate) fn step(&mut self) -> Checked {
        let (at, event) = self.events.next().ok_or_else(|| broken("nothing happens any more"))?;
        let now = self.clock.monotonic();
        if at > now {
            self.clock.advance(at.saturating_sub(now));
        }
        self.happen(event)
    }

    /// Looks for rows that were published, and takes them for true.
    pub(crate) fn learn_slots(&mut self) -> Result<usize, Found> {
        let rows = Rows::read(&mut self.beside).map_err(broken)?;
        let before = self.model.places.len();
        for slot in rows.slots() {
            self.model.places.entry(slot.id).or_insert_with(|| Place {
                starts_at: slot.starts_at,
                ends_at: slot.ends_at,
                date: slot.date,
                product: slot.product.number(),
                capacity: slot.capacity,
            });
        }
        Ok(self.model.places.len() - before)
    }

    /// What an actor sees through a server that is up.
    pub(crate) fn offers(&self) -> Vec<Offer> {
        let up = self.up();
        let Some(server) = self.chance.pick(&up).copied() else {
            return Vec::new();
        };
        let Some(engine) = &self.servers[server].engine else {
            return Vec::new();
        };
        let snapshot = engine.snapshot();
        let slots = snapshot.clinics().iter().flat_map(|clinic| clinic.slots.iter());
        let mut offers: Vec<Offer> = slots
            .map(|slot| Offer {
                slot: slot.id,
                starts_at: slot.starts_at,
                product: slot.vaccine.number(),
                free: slot.free,
            })
            .collect();
        offers.sort_by_key(|offer| (offer.starts_at, offer.slot));
        offers
    }

    /// Servers that are up.
    pub(crate) fn up(&self) -> Vec<usize> {
        (0..self.servers.len())
            .filter(|n| self.servers[*n].engine.is_some())
            .collect()
    }

    /// What an actor sees.
    pub(crate) fn view(&self) -> View {
        View {
            chance: self.chance.clone(),
            now: self.clock.now(),
            offers: self.offers(),
            others: self.overheard.clone(),
            grace: self.model.numbers.hold_grace,
        }
    }

    /// Lets an actor act next when she wants to.
    pub(crate) fn wake_later(&mut self, actor: usize) {
        let wake = self.actors[actor].wake(&self.view());
        let after = match wake {
            Wake::After(span) => span,
            Wake::At(instant) => instant.since(self.clock.now()),
        };
        self.wake_after(actor, after);
    }

    pub(crate) fn wake_after(&mut self, actor: usize, after: Duration) {
        self.wakes[actor] += 1;
        let at = self.clock.monotonic() + after;
        self.events.add(at, Event::Wake(actor, self.wakes[actor]));
    }

    /// A request that nobody has sent yet.
    pub(crate) fn new_pending(&mut self, wish: Wish) -> Pending {
        let key = self.new_key();
        Pending {
            wish,
            key: Some(key),
            body: self.next_body,
            tries: 1,
        }
    }

    /// A key as clients make them: of version 7, which grows with time, or any other.
    pub(crate) fn new_key(&mut self) -> String {
        self.next_body += 1;
        let (millis, n) = (self.clock.now().micros() / 1000, self.next_body);
        let random = self.chance.below(1 << 48);
        if n.is_multiple_of(2) {
            let (high, low) = (millis >> 16, millis & 0xffff);
            format!("{high:08x}-{low:04x}-7{:03x}-8000-{random:012x}", n & 0xfff)
        } else {
            format!("key-{n}-{random:x}")
        }
    }

    pub(crate) fn keys() -> KeyRing {
        KeyRing::for_tests()
    }
}

/// Runs of one process beside each other must not share a database, nor may one seed run twice at once.
fn memory_name(seed: u64) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static RUNS: AtomicU64 = AtomicU64::new(0);
    format!("simulation-{seed}-{}", RUNS.fetch_add(1, Ordering::Relaxed))
}
