//! Owned tasks and threads: each has a name and an owner that stops it and waits for it. The only place that starts
//! either. A panic ends its task alone, is counted and logged, and never takes the process with it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::shutdown::Shutdown;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics caught in this process so far: each is a bug.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

thread_local! {
    /// Where this thread panicked last, until somebody counts it.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// For the panic hook: where this thread panics. Whoever catches it says so in the log.
pub fn panics_at(place: String) {
    PLACE.set(Some(place));
}

/// Counts a panic that was caught outside an owned task, and logs where it happened and where it was caught.
pub fn count_panic(name: &str) {
    PANICS.fetch_add(1, Ordering::Relaxed);
    let location = PLACE.take();
    tracing::error!(task = name, code = "bug", location, "a panic was caught");
}

/// Owns tasks and threads. Clones own the same ones.
#[derive(Clone)]
pub struct Owner(Arc<Inner>);

struct Inner {
    shutdown: Shutdown,
    living: Mutex<Living>,
    /// Told whenever one has ended.
    ended: Notify,
}

#[derive(Default)]
struct Living {
    next: u64,
    by_number: BTreeMap<u64, Entry>,
}

struct Entry {
    name: &'static str,
    /// A thread has none: nobody can end it from outside.
    abort: Option<AbortHandle>,
}

/// Takes its task off the list however it ends.
struct Alive {
    owner: Arc<Inner>,
    number: u64,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.owner.living().by_number.remove(&self.number);
        self.owner.ended.notify_waiters();
    }
}

impl Inner {
    fn living(&self) -> MutexGuard<'_, Living> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owner {
    /// An owner whose tasks stop when `shutdown` is requested.
    pub fn new(shutdown: Shutdown) -> Self {
        Self(Arc::new(Inner {
            shutdown,
            living: Mutex::default(),
            ended: Notify::new(),
        }))
    }

    /// What its tasks watch to know that they should stop.
    pub fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    fn enter(&self, name: &'static str) -> Alive {
        let mut living = self.0.living();
        let number = living.next;
        living.next += 1;
        living.by_number.insert(number, Entry { name, abort: None });
        Alive {
            owner: Arc::clone(&self.0),
            number,
        }
    }

    /// Starts a task. It should end soon after [`Owner::shutdown`] is requested.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts tasks: each gets its owner here"
    )]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let alive = self.enter(name);
        let number = alive.number;
        let handle = tokio::spawn(async move {
            let _alive = alive;
            if caught(task).await.is_none() {
                count_panic(name);
            }
        });
        // It may have ended already; then there is nothing left to abort.
        if let Some(entry) = self.0.living().by_number.get_mut(&number) {
            entry.abort = Some(handle.abort_handle());
        }
    }

    /// Starts a thread of that name. It should end soon after [`Owner::shutdown`] is requested.
    pub fn thread(&self, name: &'static str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let alive = self.enter(name);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let _alive = alive;
            if catch_unwind(AssertUnwindSafe(work)).is_err() {
                count_panic(name);
            }
        })?;
        Ok(())
    }

    /// How many of its tasks and threads have not ended.
    pub fn count(&self) -> usize {
        self.0.living().by_number.len()
    }

    /// Asks all to stop and waits for them, at most `deadline`; then tasks are aborted. Returns the names of those
    /// that did not stop by themselves: nothing when all is well.
    pub async fn stop_and_join(&self, deadline: Duration) -> Vec<&'static str> {
        self.0.shutdown.request();
        let all_ended = async {
            loop {
                // Enabled before the look, so that an end between look and wait is not missed.
                let mut ended = pin!(self.0.ended.notified());
                ended.as_mut().enable();
                if self.count() == 0 {
                    return;
                }
                ended.await;
            }
        };
        if tokio::time::timeout(deadline, all_ended).await.is_ok() {
            return Vec::new();
        }
        let living = self.0.living();
        for entry in living.by_number.values() {
            if let Some(abort) = &entry.abort {
                abort.abort();
            }
        }
        living.by_number.values().map(|entry| entry.name).collect()
    }
}

/// Runs a future to its end; `None` when it panicked.
pub async fn caught<T>(task: impl Future<Output = T>) -> Option<T> {
    let mut task = pin!(task);
    poll_fn(
        move |context| match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context))) {
            Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        },
    )
    .await
}
