//! A crowd that comes whether the site answers or not (an open model): every visit begins at a moment that was drawn
//! beforehand, and every wait counts from the moment at which a request was meant to be sent. So a site that stands still
//! for two seconds shows two seconds for everybody who came meanwhile, instead of one slow answer for each client that
//! was waiting (coordinated omission). Keeps that a run whose own machine was too slow says that it is void.

pub mod arrival;
mod line;
pub mod outcome;
pub mod plot;
pub mod report;
pub mod tally;
pub mod target;
pub mod visitor;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runtime::clock::Clock;
use runtime::http::metrics::processor_time;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use tokio::runtime::Handle;

use arrival::{Arrivals, Profile};
use report::{Report, Tried};
use tally::Tally;
use target::Target;
use visitor::{Ended, Journey, Mix, Visited, World};

/// From the start of the thread that lets visitors in to the first moment at which one can be due.
const LEAD: Duration = Duration::from_millis(20);
/// How often it is looked whether everybody has gone.
const LOOK: Duration = Duration::from_millis(20);
/// How often progress is told.
const TELL: Duration = Duration::from_secs(1);
/// After the last visitor must have given up, how long we wait for a task of ours that does not end.
const SLACK: Duration = Duration::from_secs(5);

/// What is tried.
#[derive(Debug, Clone)]
pub struct LoadTest {
    /// Where.
    pub target: Target,
    /// How many come when.
    pub profile: Profile,
    /// Which visitors.
    pub mix: Mix,
    /// What chance is drawn from.
    pub seed: u64,
    /// How long a visitor waits for an answer.
    pub patience: Duration,
    /// Most visits under way at once. Each is a socket.
    pub at_once: usize,
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Since the first visit could be due.
    pub passed: Duration,
    /// Visits that were due.
    pub due: u64,
    /// Visits that ended well.
    pub served: u64,
    /// Visits that could not begin.
    pub dropped: u64,
    /// Visits under way.
    pub under_way: usize,
}

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// The site does not show its clinics.
    #[error("the site shows no clinics to ask about: {0}")]
    NoClinics(String),
    /// No thread.
    #[error("no thread could be started: {0}")]
    NoThread(#[from] io::Error),
}

/// What the thread that lets visitors in and the visitors share.
struct Ground {
    world: World,
    mix: Mix,
    at_once: usize,
    /// When the first could be due, by the clock's monotone time.
    began: Duration,
    tally: Mutex<Tally>,
    visitors: Owner,
}

impl Ground {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        // Counts: a panic between two of them leaves nothing half done.
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets each visitor in when they are due, without a look at those before. Returns at the end, or when asked to stop.
    fn let_in(self: &Arc<Self>, arrivals: Arrivals, stop: &Shutdown) {
        let clock = &self.world.clock;
        for arrival in arrivals {
            let intended = self.began + arrival.at;
            let wait = intended.saturating_sub(clock.monotonic());
            if stop.requested() || (!wait.is_zero() && !clock.pause_blocking(wait, stop)) {
                return;
            }
            self.tally().due(arrival.at);
            if self.visitors.count() >= self.at_once {
                self.tally().dropped_at_cap(arrival.at);
                continue;
            }
            let ground = Arc::clone(self);
            let journey = self.mix.journey(arrival.luck);
            self.visitors.spawn("visitor", async move {
                ground.visited(arrival.at, (journey, arrival.luck)).await;
            });
        }
    }

    async fn visited(&self, at: Duration, who: (Journey, u64)) {
        let (clock, intended) = (&self.world.clock, self.began + at);
        // Here, and not where it was let in: a processor that comes round to it late is late as well.
        self.tally().begun(clock.monotonic().saturating_sub(intended));
        let tell = |ended: Ended| self.tally().request(ended.step, ended.class, ended.wait);
        let visited = self.world.visit(who, intended, tell).await;
        let now = clock.monotonic();
        match visited {
            Visited::Ended(class) => {
                let (since, wait) = (now.saturating_sub(self.began), now.saturating_sub(intended));
                self.tally().visit(since, class, wait);
            }
            Visited::NoSocket => self.tally().dropped_without_socket(at),
        }
    }

    fn progress(&self, now: Duration) -> Progress {
        let tally = self.tally();
        Progress {
            passed: now.saturating_sub(self.began),
            due: tally.starts.due,
            served: tally.served(),
            dropped: tally.starts.dropped(),
            under_way: self.visitors.count(),
        }
    }
}

/// Runs it to its end, or until `stop`: then nobody comes any more, and who is there goes on to their end. Tells
/// progress about once a second. Needs the tokio runtime, with more than one thread where it is to come up to its rates.
pub async fn run(
    test: &LoadTest,
    clock: &Clock,
    stop: &Shutdown,
    mut tell: impl FnMut(&Progress),
) -> Result<Report, NotRun> {
    let mut world = World::new(&test.target, test.patience, clock.clone());
    if test.mix.needs_clinics() {
        world.look_around().await.map_err(NotRun::NoClinics)?;
    }
    let spent_before = processor_time();
    let began = clock.monotonic() + LEAD;
    let ground = Arc::new(Ground {
        world,
        mix: test.mix.clone(),
        at_once: test.at_once,
        began,
        tally: Mutex::new(Tally::new(test.patience)),
        visitors: Owner::new(Shutdown::new()),
    });
    let door = Owner::new(stop.part());
    let (arrivals, here, handle) = (test.profile.arrivals(test.seed), Arc::clone(&ground), Handle::current());
    let closing = door.shutdown().clone();
    // A thread: it wakes to the tenth of a millisecond, where the runtime's timer has whole ones.
    door.thread("arrivals", move || {
        let _within = handle.enter();
        here.let_in(arrivals, &closing);
    })?;
    let last = began + test.profile.lasts() + test.patience * Journey::STEPS_MAX + SLACK;
    let mut told = began;
    while door.count() + ground.visitors.count() > 0 && clock.monotonic() < last {
        clock.sleep(LOOK).await;
        let now = clock.monotonic();
        if now >= told + TELL {
            tell(&ground.progress(now));
            told = now;
        }
    }
    let lasted = clock.monotonic().saturating_sub(began);
    door.stop_and_join(SLACK).await;
    ground.visitors.stop_and_join(Duration::ZERO).await;
    let mut report = Report::of(test.tried(), &ground.tally(), lasted);
    report.interrupted = stop.requested();
    let spent = processor_time().zip(spent_before);
    report.processor_s = spent.map(|(after, before)| after.saturating_sub(before).as_secs_f64());
    Ok(report)
}

impl LoadTest {
    fn tried(&self) -> Tried {
        Tried {
            url: self.target.url.clone(),
            profile: self.profile.name().to_owned(),
            highest_rate: self.profile.highest(),
            for_s: self.profile.lasts().as_secs_f64(),
            mix: self.mix.to_string(),
            seed: self.seed,
            patience_s: self.patience.as_secs_f64(),
            at_once: self.at_once,
        }
    }
}
