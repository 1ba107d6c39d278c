//! Whoever looks on while the cluster is hurt: finds, looks at the front page and holds a time, each so many times a
//! second whether the one before was answered or not, and writes down what is not as it should be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rehearsal::client::{Answer, Ask, Client};
use rehearsal::{look, request};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::suite::fault_words::{age_s, true_words};
use crate::traveller::{Time, fresh_key};

/// Between two looks of each kind.
const EVERY: Duration = Duration::from_millis(100);
/// An answer to somebody who only looks.
const FINDS_WITHIN: Duration = Duration::from_secs(1);
/// Faults whose words are that booking is paused, in one way or another.
const CODES: [&str; 5] = ["unreachable", "read-only", "outcome-unknown", "timed-out", "busy"];
/// What the front page says then.
const PAUSED: &str = "You can't book right now";

/// What was seen since the last time that somebody took it.
#[derive(Default)]
pub struct Seen {
    /// What should never be.
    pub wrong: Vec<String>,
    /// Finding was answered so often.
    pub found: usize,
    /// The slowest of those.
    pub slowest_find: Duration,
    /// The oldest picture that was shown, in seconds, with its age told.
    pub oldest_s: i64,
    /// When writing was answered with success or a refusal, last.
    pub written: Option<Instant>,
    /// When writing was first answered with a fault.
    pub first_fault: Option<Instant>,
    /// When the front page first said so.
    pub first_paused: Option<Instant>,
    /// Faults, by code.
    pub faults: Vec<(&'static str, usize)>,
    /// The slowest answer to somebody who writes.
    pub slowest_write: Duration,
}

/// The lookers; they go home when this is dropped.
pub struct Watch {
    seen: Arc<Mutex<Seen>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Looks at this site, and holds these times, which nobody else wants.
    pub fn begin(runtime: &Handle, url: &str, times: Vec<Time>) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let client = Client::new(url);
        let kinds: [fn(Looker) -> Looking; 3] = [
            |one| Box::pin(one.find()),
            |one| Box::pin(one.front()),
            |one| Box::pin(one.hold()),
        ];
        let times = Arc::new(times);
        let tasks = kinds.map(|kind| {
            let (client, seen, times) = (client.clone(), Arc::clone(&seen), Arc::clone(&times));
            runtime.spawn(async move {
                let mut ticks = tokio::time::interval(EVERY);
                for n in 0.. {
                    ticks.tick().await;
                    let time = times[n % times.len()].clone();
                    tokio::spawn(kind(Looker {
                        client: client.clone(),
                        seen: Arc::clone(&seen),
                        time,
                    }));
                }
            })
        });
        Self {
            seen,
            tasks: tasks.into(),
        }
    }

    /// What was seen until now; from now on it is seen anew.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *lock(&self.seen))
    }

    /// Whether writing was answered after this instant.
    pub fn has_written_since(&self, instant: Instant) -> bool {
        lock(&self.seen).written.is_some_and(|at| at > instant)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

type Looking = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// One look.
struct Looker {
    client: Client,
    seen: Arc<Mutex<Seen>>,
    time: Time,
}

impl Looker {
    async fn find(self) {
        let began = Instant::now();
        let came = self.client.send(&Ask::get(look::times_of(&self.time.clinic))).await;
        let mut seen = lock(&self.seen);
        let took = began.elapsed();
        seen.found += 1;
        seen.slowest_find = seen.slowest_find.max(took);
        if took > FINDS_WITHIN {
            seen.wrong.push(format!("finding took {took:?}"));
        }
        match came {
            Ok(answer) if answer.status == 200 => match age(&answer) {
                Some(age) => seen.oldest_s = seen.oldest_s.max(age),
                None => seen
                    .wrong
                    .push(format!("finding does not tell how old it is: {}", answer.text())),
            },
            Ok(answer) => seen
                .wrong
                .push(format!("finding: {}: {}", answer.status, answer.text())),
            Err(error) => seen.wrong.push(format!("finding: {error}")),
        }
    }

    async fn front(self) {
        let came = self.client.send(&Ask::get("/")).await;
        let mut seen = lock(&self.seen);
        match came {
            Ok(answer) if answer.status == 200 => {
                // As the page spells it.
                if answer.text().replace("&#39;", "'").replace('’', "'").contains(PAUSED) {
                    seen.first_paused.get_or_insert_with(Instant::now);
                }
            }
            Ok(answer) => seen.wrong.push(format!("the front page: {}", answer.status)),
            Err(error) => seen.wrong.push(format!("the front page: {error}")),
        }
    }

    async fn hold(self) {
        let began = Instant::now();
        let came = self
            .client
            .send(&request::hold(&self.time.slot, &fresh_key("watch")))
            .await;
        let held = {
            let mut seen = lock(&self.seen);
            seen.slowest_write = seen.slowest_write.max(began.elapsed());
            match came {
                Ok(answer) if answer.status == 503 => return seen.fault(&answer),
                Ok(answer) if [201, 409].contains(&answer.status) => {
                    seen.written = Some(Instant::now());
                    (answer.status == 201).then(|| answer.json())
                }
                Ok(answer) => {
                    return seen
                        .wrong
                        .push(format!("holding: {}: {}", answer.status, answer.text()));
                }
                Err(error) => return seen.wrong.push(format!("holding: {error}")),
            }
        };
        if let Some(held) = held {
            let _ = self.client.send(&request::give_back(&held)).await; // or it ends by itself
        }
    }
}

impl Seen {
    fn fault(&mut self, answer: &Answer) {
        self.first_fault.get_or_insert_with(Instant::now);
        match true_words(answer, &CODES) {
            Ok(said) => {
                let code = CODES.into_iter().find(|code| *code == said).unwrap_or_default();
                match self.faults.iter_mut().find(|(known, _)| *known == code) {
                    Some((_, count)) => *count += 1,
                    None => self.faults.push((code, 1)),
                }
            }
            Err(error) => self.wrong.push(format!("{error:#}")),
        }
    }
}

fn age(answer: &Answer) -> Option<i64> {
    age_s(answer.json()["as_of"].as_str()?).ok()
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
