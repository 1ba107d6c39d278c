//! How long nobody's booking went through: the longest time between two acknowledged writes.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use rehearsal::history::{Asked, History, Micros, What};

/// When something was acknowledged, in order.
pub fn acknowledged(history: &History) -> Vec<Micros> {
    let mut writes = BTreeSet::new();
    let mut times = Vec::new();
    for event in &history.events {
        match &event.what {
            What::Invoke { ask, .. } if !matches!(ask, Asked::Find { .. } | Asked::Read { .. }) => {
                writes.insert(event.op);
            }
            What::Ok { .. } if writes.contains(&event.op) => times.push(event.at),
            _ => {}
        }
    }
    times
}

/// The longest time without one between these two instants.
pub fn longest(acknowledged: &[Micros], from: Micros, to: Micros) -> Duration {
    let inside = acknowledged.iter().copied().filter(|at| (from..=to).contains(at));
    let (mut last, mut longest) = (from, 0);
    for at in inside.chain([to]) {
        longest = longest.max(at - last);
        last = at;
    }
    Duration::from_micros(longest.cast_unsigned())
}

/// How many requests were answered since that instant with "it is not known", or not at all.
pub fn in_doubt(history: &History, from: Micros) -> usize {
    let since = history.events.iter().filter(|event| event.at >= from);
    let doubtful: BTreeSet<u64> = since
        .filter(|event| matches!(event.what, What::Unknown { .. }))
        .map(|event| event.op)
        .collect();
    doubtful.len()
}

/// Smallest, middle, largest.
pub struct Spread(Duration, Duration, Duration);

impl Spread {
    /// Of several; none of none.
    pub fn of(all: impl Iterator<Item = Duration>) -> Option<Self> {
        let mut all: Vec<Duration> = all.collect();
        all.sort_unstable();
        Some(Self(*all.first()?, all[all.len() / 2], *all.last()?))
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {} / {}", seconds(self.0), seconds(self.1), seconds(self.2))
    }
}

/// As a table says it.
pub fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}
