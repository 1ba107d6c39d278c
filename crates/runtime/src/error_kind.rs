//! Kinds of error: the first of each kind since the start is counted and marked in its line of the log, so that what
//! never went wrong before stands out among what is known to. A kind is a code and a place in the source, never a value
//! from outside: there are as many as there are places, and their number is bounded all the same.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::telemetry::REQUEST;

/// Kinds that are told apart. We have some dozens of places that can fail; what is beyond counts as known.
pub const KINDS_MAX: usize = 256;
/// The least that an answer's status must be to be an error of ours.
const FAULTS: u64 = 500;

static ERRORS: AtomicU64 = AtomicU64::new(0);
static NEW: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The kind of the event that this thread is logging, if it is the first of its kind.
    static FIRST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Errors logged in this process so far, requests that failed among them.
pub fn errors() -> u64 {
    ERRORS.load(Ordering::Relaxed)
}

/// Kinds of error that this process has seen so far.
pub fn new_errors() -> u64 {
    NEW.load(Ordering::Relaxed)
}

/// What the event being logged is the first of. For layers that come after [`KindLayer`].
pub fn first<T>(read: impl FnOnce(Option<&str>) -> T) -> T {
    FIRST.with_borrow(|kind| read(kind.as_deref()))
}

/// Looks at errors before they are written. Must be the innermost layer.
#[derive(Debug, Default)]
pub struct KindLayer {
    seen: Mutex<BTreeSet<String>>,
}

impl KindLayer {
    /// The least level that it has to see: requests that failed are warnings.
    pub const LEVEL: LevelFilter = LevelFilter::WARN;

    fn is_new(&self, kind: &str) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.len() < KINDS_MAX && seen.insert(kind.to_owned())
    }
}

impl<S: Subscriber> Layer<S> for KindLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let kind = kind(event);
        if kind.is_some() {
            ERRORS.fetch_add(1, Ordering::Relaxed);
        }
        let first = kind.filter(|kind| self.is_new(kind));
        if first.is_some() {
            NEW.fetch_add(1, Ordering::Relaxed);
        }
        FIRST.set(first);
    }
}

/// Of which kind an event is; `None` when it is no error.
fn kind(event: &Event<'_>) -> Option<String> {
    let metadata = event.metadata();
    let request = metadata.target() == REQUEST;
    if !request && *metadata.level() != Level::ERROR {
        return None;
    }
    let mut fields = Fields::default();
    event.record(&mut fields);
    let code = fields.code.as_deref();
    if request {
        let failed = fields.status.is_some_and(|status| status >= FAULTS);
        return failed.then(|| format!("request {}", code.unwrap_or("without a code")));
    }
    let place = fields.location.unwrap_or_else(|| {
        let file = metadata.file().unwrap_or_else(|| metadata.target());
        format!("{file}:{}", metadata.line().unwrap_or_default())
    });
    let place = within_crate(&place);
    Some(code.map_or_else(|| place.to_owned(), |code| format!("{code} at {place}")))
}

/// Without the folder in which this machine's cargo keeps sources: `tokio-1.54.0/src/…`.
fn within_crate(place: &str) -> &str {
    let kept = place.split_once("/registry/src/").map(|(_, rest)| rest);
    kept.and_then(|rest| rest.split_once('/'))
        .map_or(place, |(_, rest)| rest)
}

/// The fields that make a kind: written by us, never by a caller.
#[derive(Default)]
struct Fields {
    code: Option<String>,
    location: Option<String>,
    status: Option<u64>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "code" => self.code = Some(value.to_owned()),
            "location" => self.location = Some(value.to_owned()),
            _ => {}
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if matches!(field.name(), "code" | "location") {
            let mut text = String::new();
            if write!(text, "{value:?}").is_ok() {
                self.record_str(field, &text);
            }
        }
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = Some(value);
        }
    }
}
