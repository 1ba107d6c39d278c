//! Whether booking is paused: the database is shared and far, and does not take what is written. Told by whoever speaks
//! to it, asked by every door, so that a request hears so at once instead of waiting for a server that is gone.

use base::limit::Settings;
use runtime::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::limit;

/// What is known of the database's health. Where writers are alone nothing is: their file answers for itself.
pub struct Pause {
    clock: Clock,
    is_shared: bool,
    after: Duration,
    looking: Since,
    committing: Since,
    beating: Since,
    /// The last thing that was written met a fault, and nothing was written since.
    faulted: AtomicBool,
    in_hand: InHand,
}

/// When something was asked that is not answered; 0 when nothing is.
#[derive(Default)]
struct Since(AtomicU64);

impl Since {
    /// Asked now, or still not answered.
    fn begin(&self, now: Duration) {
        let now = (now.as_micros() as u64).max(1);
        let _ = self.0.compare_exchange(0, now, Ordering::AcqRel, Ordering::Acquire);
    }
    fn end(&self) {
        self.0.store(0, Ordering::Release);
    }
    fn lasts(&self, now: Duration, longer_than: Duration) -> bool {
        let since = self.0.load(Ordering::Acquire);
        since != 0 && now.saturating_sub(Duration::from_micros(since)) > longer_than
    }
}

impl Pause {
    /// Nothing is known yet. Only where others write too is booking ever paused here.
    pub fn new(clock: Clock, settings: &Settings, is_shared: bool) -> Self {
        Self {
            clock,
            is_shared,
            after: settings.duration(&limit::PAUSE_AFTER),
            looking: Since::default(),
            committing: Since::default(),
            beating: Since::default(),
            faulted: AtomicBool::new(false),
            in_hand: InHand::default(),
        }
    }

    /// Whether nothing can be booked now.
    pub fn is_on(&self) -> bool {
        let now = self.clock.monotonic();
        self.is_shared
            && (self.is_faulted()
                || [&self.looking, &self.committing, &self.beating]
                    .iter()
                    .any(|since| since.lasts(now, self.after)))
    }

    /// Whether the last thing that was written met a fault: somebody must try again before others may.
    pub(crate) fn is_faulted(&self) -> bool {
        self.is_shared && self.faulted.load(Ordering::Acquire)
    }
    /// The database did not take what was written.
    pub(crate) fn fault(&self) {
        self.faulted.store(true, Ordering::Release);
    }
    /// It took what was written.
    pub(crate) fn over(&self) {
        self.faulted.store(false, Ordering::Release);
    }
    /// The change feed asks; once more, where it had no answer.
    pub(crate) fn looks(&self) {
        self.looking.begin(self.clock.monotonic());
    }
    /// It was answered.
    pub(crate) fn looked(&self) {
        self.looking.end();
    }
    /// A beat is written; once more, where the one before was not.
    pub(crate) fn beats(&self) {
        self.beating.begin(self.clock.monotonic());
    }
    /// It was.
    pub(crate) fn beaten(&self) {
        self.beating.end();
    }
    /// A commit is on its way, until this is dropped.
    pub(crate) fn committing(&self) -> impl Drop + '_ {
        struct Committing<'a>(&'a Since);
        impl Drop for Committing<'_> {
            fn drop(&mut self) {
                self.0.end();
            }
        }
        self.committing.begin(self.clock.monotonic());
        Committing(&self.committing)
    }
    /// Keys of requests whose outcome is not known yet.
    pub(crate) fn in_hand(&self) -> &InHand {
        &self.in_hand
    }
}

/// Keys of requests that wait, are being written, or may have been: who asks again under one of them must not hear that
/// nothing happened.
#[derive(Clone, Default)]
pub(crate) struct InHand(Arc<Mutex<BTreeMap<Vec<u8>, usize>>>);

/// One of those keys, until it is dropped.
pub(crate) struct Kept {
    keys: InHand,
    key: Vec<u8>,
}

impl InHand {
    pub(crate) fn keep(&self, key: &[u8]) -> Kept {
        *self.keys().entry(key.to_owned()).or_default() += 1;
        Kept {
            keys: self.clone(),
            key: key.to_owned(),
        }
    }
    pub(crate) fn has(&self, key: &[u8]) -> bool {
        self.keys().contains_key(key)
    }
    fn keys(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut keys = self.keys.keys();
        if let Some(count) = keys.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                keys.remove(&self.key);
            }
        }
    }
}
