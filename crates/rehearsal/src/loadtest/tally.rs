//! Pure. What is written down during a load test: a histogram for each step and each way to end, the starts, and every
//! second on its own. Whole histograms are kept and merged, never percentiles: the mean of two p99s is no p99.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::outcome::Class;

/// A start by so much too late is late. Starts are what this machine does, not the site: beyond this, its own slowness
/// stands in the figures. The kernel wakes a sleeping thread within 1 ms; a page that is felt as instant takes 100 ms.
pub const LATE: Duration = Duration::from_millis(10);
/// More late starts than this and the run is void: from here on p99 could be of our own making.
pub const LATE_SHARE_MAX: f64 = 0.01;
/// Longest wait that is told from longer ones; nobody is that patient.
const WAIT_MAX_US: u64 = 600_000_000;
/// Digits that a histogram keeps: a wait is told to the thousandth.
const DIGITS: u8 = 3;
/// Ways to end that are told apart; a site that invents codes cannot fill our memory.
const CLASSES_MAX: usize = 64;
/// What the rest is called.
const OTHERS: &str = "others";

/// Waits, in microseconds.
#[derive(Debug, Clone)]
pub struct Waits(Histogram<u64>);

impl Default for Waits {
    fn default() -> Self {
        // Both numbers are constants that the library takes; its own growing default is the way out it leaves us.
        let fallback = || Histogram::new(DIGITS).expect("three digits are allowed");
        Self(Histogram::new_with_max(WAIT_MAX_US, DIGITS).unwrap_or_else(|_| fallback()))
    }
}

impl Waits {
    /// Adds one.
    pub fn add(&mut self, wait: Duration) {
        self.0
            .saturating_record(wait.as_micros().min(u128::from(WAIT_MAX_US)) as u64);
    }
    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so that nothing is out of range.
        let _ = self.0.add(&other.0);
    }
    /// How many.
    pub fn count(&self) -> u64 {
        self.0.len()
    }
    /// At most so long is what this share of them took, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1000.0
    }
    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }
    /// Every wait, to the thousandth, and how often it was: what another run's can be merged with.
    pub fn steps(&self) -> Vec<(u64, u64)> {
        let recorded = self.0.iter_recorded();
        recorded
            .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
            .collect()
    }
}

/// How starts went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Starts {
    /// Visits that were due.
    pub due: u64,
    /// Visits that began.
    pub begun: u64,
    /// Not begun, because as many as are allowed were under way.
    pub dropped_at_cap: u64,
    /// Not begun or not gone on with, because this machine had no socket left.
    pub dropped_without_socket: u64,
    /// Begun more than [`LATE`] after they were due.
    pub late: u64,
    /// The latest of them.
    pub latest_ms: f64,
}

impl Starts {
    /// The share of late ones among those that began.
    pub fn late_share(&self) -> f64 {
        share(self.late, self.begun)
    }

    /// Not begun, for whatever reason.
    pub fn dropped(&self) -> u64 {
        self.dropped_at_cap + self.dropped_without_socket
    }

    /// Why the figures of such a run say nothing about the site.
    pub fn void(&self) -> Option<String> {
        if self.begun == 0 {
            return Some("nobody came".to_owned());
        }
        if self.late_share() > LATE_SHARE_MAX {
            return Some(format!(
                "{:.1} % of the visits began more than {} ms late (allowed: {} %): this machine is too busy to send them",
                self.late_share() * 100.0,
                LATE.as_millis(),
                LATE_SHARE_MAX * 100.0
            ));
        }
        // A cap that is reached tells of a slow site; sockets that run out only tell of this machine.
        if share(self.dropped_without_socket, self.due) > LATE_SHARE_MAX {
            return Some(format!(
                "{} visits found no socket on this machine: raise its file limit, or its range of ports",
                self.dropped_without_socket
            ));
        }
        None
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One second of a run: visits that were due in it, and visits that ended in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Second {
    /// Were due.
    pub due: u64,
    /// Of these, never begun.
    pub dropped: u64,
    /// Got what they came for.
    pub ok: u64,
    /// Were told a fair no.
    pub refused: u64,
    /// Were sent away, to come again later.
    pub sent_away: u64,
    /// Met a fault that said so.
    pub faults: u64,
    /// Met an error.
    pub errors: u64,
    /// Gave up waiting.
    pub timed_out: u64,
}

impl Second {
    /// Ended well: goodput.
    pub fn served(&self) -> u64 {
        self.ok + self.refused
    }

    fn end(&mut self, class: &Class) {
        let count = match class {
            Class::Ok => &mut self.ok,
            Class::Refused(_) => &mut self.refused,
            Class::SentAway(_) => &mut self.sent_away,
            Class::Fault(_) => &mut self.faults,
            Class::Error(_) => &mut self.errors,
            Class::TimedOut => &mut self.timed_out,
        };
        *count += 1;
    }
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Tally {
    /// How starts went.
    pub starts: Starts,
    /// Requests by step and end.
    pub requests: BTreeMap<(&'static str, Class), Waits>,
    /// Visits by end.
    pub visits: BTreeMap<Class, Waits>,
    /// What a visitor waited in all. Who could not begin counts as having waited until they gave up: left out, the
    /// worst waits would be missing just where a site is slowest.
    pub whole: Waits,
    /// Each second.
    pub seconds: Vec<Second>,
    patience: Duration,
}

impl Tally {
    /// An empty one, of visitors with this patience.
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            ..Self::default()
        }
    }

    fn second(&mut self, at: Duration) -> &mut Second {
        let index = at.as_secs() as usize;
        if self.seconds.len() <= index {
            self.seconds.resize(index + 1, Second::default());
        }
        &mut self.seconds[index]
    }

    /// A visit is due, so long after the beginning.
    pub fn due(&mut self, at: Duration) {
        self.starts.due += 1;
        self.second(at).due += 1;
    }

    /// It begins, so much later than it was due.
    pub fn begun(&mut self, late_by: Duration) {
        self.starts.begun += 1;
        self.starts.latest_ms = self.starts.latest_ms.max(late_by.as_secs_f64() * 1000.0);
        if late_by > LATE {
            self.starts.late += 1;
        }
    }

    /// The visit that was due then is not begun: as many as are allowed are under way.
    pub fn dropped_at_cap(&mut self, at: Duration) {
        self.starts.dropped_at_cap += 1;
        self.dropped(at);
    }

    /// There was no socket for the visit that was due then.
    pub fn dropped_without_socket(&mut self, at: Duration) {
        self.starts.dropped_without_socket += 1;
        self.dropped(at);
    }

    fn dropped(&mut self, at: Duration) {
        self.second(at).dropped += 1;
        self.whole.add(self.patience);
    }

    /// A request ended.
    pub fn request(&mut self, step: &'static str, class: Class, wait: Duration) {
        let full = self.requests.len() >= CLASSES_MAX;
        let key = |class| (step, class);
        let known = self.requests.contains_key(&key(class.clone()));
        let class = if full && !known { others(class) } else { class };
        self.requests.entry(key(class)).or_default().add(wait);
    }

    /// A visit ended, so long after the beginning.
    pub fn visit(&mut self, at: Duration, class: Class, wait: Duration) {
        self.second(at).end(&class);
        self.whole.add(wait);
        let full = self.visits.len() >= CLASSES_MAX && !self.visits.contains_key(&class);
        let class = if full { others(class) } else { class };
        self.visits.entry(class).or_default().add(wait);
    }

    /// Visits that ended well so far.
    pub fn served(&self) -> u64 {
        self.seconds.iter().map(Second::served).sum()
    }
}

fn others(class: Class) -> Class {
    let code = OTHERS.to_owned();
    match class {
        Class::Ok | Class::TimedOut => class,
        Class::Refused(_) => Class::Refused(code),
        Class::SentAway(_) => Class::SentAway(code),
        Class::Fault(_) => Class::Fault(code),
        Class::Error(_) => Class::Error(code),
    }
}
