//! To which server a request goes: of two that are drawn, the one with less to do. Before that, who is drawn from: servers
//! that answer and are ready, of our own zone while enough of them are well, without those that were ejected. Where too
//! few are left everybody is tried: a wrong judgement must never be the outage.

use std::time::Duration;

/// What the probes last saw, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It answers, and is ready.
    Ready,
    /// It answers, and says that something fails: finding may go on.
    Unready,
    /// It does not answer in time.
    Silent,
    /// Nobody listens there.
    Refused,
}

impl Health {
    /// Whether it answers at all.
    pub fn answers(self) -> bool {
        matches!(self, Self::Ready | Self::Unready)
    }
}

/// A server as the choice sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// What the probes saw.
    pub health: Health,
    /// Not to be used for now: too many failures in a row.
    pub ejected: bool,
    /// Whether it is in our zone.
    pub is_near: bool,
    /// Requests there now.
    pub pending: u64,
    /// What an answer takes, in microseconds, as seen lately.
    pub cost_us: u64,
    /// Per mille of its full share: less while it warms up.
    pub share: u64,
}

impl Candidate {
    /// What one more request would meet. A server that warms up seems busier than it is.
    pub fn load(&self) -> u64 {
        let work = self.cost_us.max(1).saturating_mul(self.pending.saturating_add(1));
        work.saturating_mul(1000) / self.share.clamp(1, 1000)
    }
}

/// Below this share of well ones all are tried, and below it in our zone other zones help.
const PANIC_PERCENT: usize = 50;

/// The one to send to, by its place in the list. `tried` are out, unless all were. `draw` are two random numbers.
pub fn choose(all: &[Candidate], tried: &[usize], draw: (u64, u64)) -> Option<usize> {
    let untried: Vec<usize> = (0..all.len()).filter(|at| !tried.contains(at)).collect();
    let pool = eligible(all, &untried);
    let (first, second) = (pick(&pool, draw.0)?, pick(&without(&pool, draw.0), draw.1));
    Some(match second {
        Some(second) if all[second].load() < all[first].load() => second,
        _ => first,
    })
}

/// Who is drawn from.
fn eligible(all: &[Candidate], untried: &[usize]) -> Vec<usize> {
    let of = |wanted: &dyn Fn(&Candidate) -> bool| -> Vec<usize> {
        untried.iter().copied().filter(|at| wanted(&all[*at])).collect()
    };
    let ready = of(&|one| one.health == Health::Ready && !one.ejected);
    let near: Vec<usize> = ready.iter().copied().filter(|at| all[*at].is_near).collect();
    let near_all = all.iter().filter(|one| one.is_near).count();
    if !near.is_empty() && near.len() * 100 >= near_all * PANIC_PERCENT {
        return near;
    }
    // Ejection is a guess from failures: where it leaves nobody who is ready, they are used all the same.
    let pools = [
        ready,
        of(&|one| one.health == Health::Ready),
        of(&|one| one.health.answers()),
        untried.to_vec(),
    ];
    pools.into_iter().find(|pool| !pool.is_empty()).unwrap_or_default()
}

fn pick(pool: &[usize], draw: u64) -> Option<usize> {
    let at = draw.checked_rem(pool.len() as u64)?;
    pool.get(at as usize).copied()
}

fn without(pool: &[usize], draw: u64) -> Vec<usize> {
    let taken = pick(pool, draw);
    pool.iter().copied().filter(|at| Some(*at) != taken).collect()
}

/// A cost that jumps up at once and comes down over about ten answers (after Finagle's peak EWMA): a server that became
/// slow is avoided from its first slow answer on.
pub fn cost(before_us: u64, took_us: u64) -> u64 {
    if took_us >= before_us {
        took_us
    } else {
        before_us - (before_us - took_us).div_ceil(10)
    }
}

/// The share of a server that has been ready for `since`, per mille: from a tenth to the whole within `window`. Where
/// all servers are new this changes nothing, as they are compared with each other.
pub fn share(since: Duration, window: Duration) -> u64 {
    if window.is_zero() {
        return 1000;
    }
    (since.as_millis() * 1000 / window.as_millis().max(1)).clamp(100, 1000) as u64
}

/// Failures in a row at one server, and for how long it is not used because of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ejection {
    failures: u32,
    times: u32,
    until: Option<Duration>,
}

/// When, and for how long, a server is ejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EjectionRule {
    /// This many failures in a row.
    pub failures: u32,
    /// The first time; each further one adds as much.
    pub span: Duration,
    /// At most.
    pub longest: Duration,
}

impl Ejection {
    /// It answered well.
    pub fn succeeded(&mut self, now: Duration) {
        self.failures = 0;
        if self.until.is_some_and(|until| now >= until) {
            *self = Self::default();
        }
    }

    /// It failed. Returns whether it is ejected by this.
    pub fn failed(&mut self, now: Duration, rule: &EjectionRule) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < rule.failures || self.is_out(now) {
            return false;
        }
        self.failures = 0;
        self.times = self.times.saturating_add(1);
        self.until = Some(now.saturating_add(rule.span.saturating_mul(self.times).min(rule.longest)));
        true
    }

    /// Whether it is out now.
    pub fn is_out(&self, now: Duration) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}
