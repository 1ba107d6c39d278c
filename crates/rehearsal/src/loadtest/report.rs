//! Pure. What a load test found, as a table for people and as one object for programs.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::outcome::Class;
use super::plot::plot;
use super::tally::{LATE, Second, Starts, Tally, Waits};

/// The order of a visit.
const STEPS: [&str; 5] = ["page", "refresh", "find", "hold", "book"];
/// A visit as a whole, in the tables.
const VISIT: &str = "visit";
/// However it ended.
const ALL: &str = "all";

/// What was tried.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// The site.
    pub url: String,
    /// The profile.
    pub profile: String,
    /// Visits a second at the busiest moment.
    pub highest_rate: f64,
    /// How long visitors were to come.
    pub for_s: f64,
    /// Which visitors, by weight.
    pub mix: String,
    /// What chance was drawn from.
    pub seed: u64,
    /// How long a visitor waits for an answer.
    pub patience_s: f64,
    /// Most visits under way at once.
    pub at_once: usize,
}

/// Waits of one kind, in milliseconds, from the moment at which a request was meant to be sent.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// A step, or `visit`.
    pub what: &'static str,
    /// How it ended, or `all`.
    pub ended: &'static str,
    /// With which code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many.
    pub count: u64,
    /// Half of them took at most this.
    pub p50_ms: f64,
    /// Nine of ten.
    pub p90_ms: f64,
    /// 99 of a hundred.
    pub p99_ms: f64,
    /// 999 of a thousand.
    #[serde(rename = "p99_9_ms")]
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// Each wait in microseconds and how often it was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits_us: Vec<(u64, u64)>,
}

impl Row {
    fn of(what: &'static str, ended: &'static str, code: Option<&str>, waits: &Waits) -> Self {
        Self {
            what,
            ended,
            code: code.map(ToOwned::to_owned),
            count: waits.count(),
            p50_ms: waits.quantile_ms(0.5),
            p90_ms: waits.quantile_ms(0.9),
            p99_ms: waits.quantile_ms(0.99),
            p999_ms: waits.quantile_ms(0.999),
            max_ms: waits.max_ms(),
            waits_us: waits.steps(),
        }
    }
}

/// See the head of this file.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `loadtest`.
    pub event: &'static str,
    /// What was tried.
    #[serde(flatten)]
    pub tried: Tried,
    /// Why the figures say nothing about the site; null when they do.
    pub void: Option<String>,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// From the beginning to the end of the last visit.
    pub lasted_s: f64,
    /// How starts went.
    pub starts: Starts,
    /// Visits that ended well.
    pub served: u64,
    /// Visits that did not end by themselves, each a bug of ours.
    pub unfinished: u64,
    /// Processor time that the load itself took.
    pub processor_s: Option<f64>,
    /// Waits.
    pub rows: Vec<Row>,
    /// Each second.
    pub seconds: Vec<Second>,
}

impl Report {
    /// Of what was written down.
    pub fn of(tried: Tried, tally: &Tally, lasted: Duration) -> Self {
        let ended: u64 = tally.visits.values().map(Waits::count).sum();
        let gone = ended + tally.starts.dropped_without_socket;
        Self {
            event: "loadtest",
            tried,
            void: tally.starts.void(),
            interrupted: false,
            lasted_s: lasted.as_secs_f64(),
            starts: tally.starts.clone(),
            served: tally.served(),
            unfinished: tally.starts.begun.saturating_sub(gone),
            processor_s: None,
            rows: rows(tally),
            seconds: tally.seconds.clone(),
        }
    }

    /// The waits of a step (or `visit`) that ended in this way, or in `all`; the first code of several.
    pub fn row(&self, what: &str, ended: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.what == what && row.ended == ended)
    }

    /// The same without every single wait: what is read on a screen.
    #[must_use]
    pub fn short(mut self) -> Self {
        for row in &mut self.rows {
            row.waits_us.clear();
        }
        self
    }

    /// As one JSON object.
    pub fn json(&self) -> String {
        // Numbers, texts and lists: nothing in it can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Both curves, second by second.
    pub fn plot(&self) -> String {
        let due: Vec<u64> = self.seconds.iter().map(|second| second.due).collect();
        let served: Vec<u64> = self.seconds.iter().map(Second::served).collect();
        plot(&due, &served)
    }
}

fn rows(tally: &Tally) -> Vec<Row> {
    let mut rows = vec![Row::of(VISIT, ALL, None, &tally.whole)];
    let by_class = |what, class: &Class, waits: &Waits| Row::of(what, class.name(), class.code(), waits);
    rows.extend(tally.visits.iter().map(|(class, waits)| by_class(VISIT, class, waits)));
    for step in STEPS {
        let of_step: Vec<_> = tally.requests.iter().filter(|((what, _), _)| *what == step).collect();
        let mut all = Waits::default();
        for (_, waits) in &of_step {
            all.merge(waits);
        }
        if all.count() > 0 {
            rows.push(Row::of(step, ALL, None, &all));
        }
        rows.extend(of_step.iter().map(|((_, class), waits)| by_class(step, class, waits)));
    }
    rows
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tried, starts) = (&self.tried, &self.starts);
        writeln!(
            f,
            "{} at {}: up to {:.1} visits a second for {:.0} s, {}, seed {}\n",
            tried.profile, tried.url, tried.highest_rate, tried.for_s, tried.mix, tried.seed
        )?;
        writeln!(
            f,
            "{:<8} {:<28} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "WHAT", "ENDED", "COUNT", "p50 ms", "p90", "p99", "p99.9", "max"
        )?;
        for row in &self.rows {
            let ended = match &row.code {
                Some(code) => format!("{} {code}", row.ended),
                None => row.ended.to_owned(),
            };
            writeln!(
                f,
                "{:<8} {ended:<28} {:>8} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
                row.what, row.count, row.p50_ms, row.p90_ms, row.p99_ms, row.p999_ms, row.max_ms
            )?;
        }
        writeln!(
            f,
            "Waits count from the moment at which a request was meant to be sent; visits that could not begin are in \
             `visit all` as having waited {:.0} s.\n\n{}",
            tried.patience_s,
            self.plot()
        )?;
        let share = 100.0 * self.served as f64 / starts.due.max(1) as f64;
        writeln!(
            f,
            "{} visits were due, {} served ({share:.1} %), in {:.1} s. Not begun: {} at the limit of {} at once, {} \
             without a socket.",
            starts.due, self.served, self.lasted_s, starts.dropped_at_cap, tried.at_once, starts.dropped_without_socket
        )?;
        write!(
            f,
            "Begun more than {} ms late: {} ({:.2} %), the latest by {:.1} ms.",
            LATE.as_millis(),
            starts.late,
            starts.late_share() * 100.0,
            starts.latest_ms
        )?;
        if let Some(spent) = self.processor_s {
            write!(f, " The load itself took {spent:.1} s of processor time.")?;
        }
        if self.unfinished > 0 {
            write!(f, "\n{} visits never ended: a bug of the load test.", self.unfinished)?;
        }
        if self.interrupted {
            write!(f, "\nENDED EARLY, when asked to.")?;
        }
        if let Some(why) = &self.void {
            write!(f, "\nVOID: {why}. The figures say nothing about the site.")?;
        }
        Ok(())
    }
}
