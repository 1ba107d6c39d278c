//! `evenkeel loadtest`: a crowd at a site, whether it answers or not, and what became of each visitor.

use std::fs::File;
use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{ArgGroup, Args};
use indicatif::{ProgressBar, ProgressStyle};
use rehearsal::loadtest::arrival::{NAMES, Profile};
use rehearsal::loadtest::report::Report;
use rehearsal::loadtest::target::{NoTarget, Target};
use rehearsal::loadtest::visitor::Mix;
use rehearsal::loadtest::{self, LoadTest, NotRun, Progress};
use runtime::clock::Clock;
use runtime::http::listener::raise_file_limit;
use runtime::shutdown::{Interrupt, Shutdown, on_signals};
use runtime::task::Owner;

use crate::exit::{CouldNotLook, Exit, Usage};
use crate::say::aloud;

const EXAMPLES: &str = "\
Examples:
  evenkeel loadtest http://127.0.0.1:8080 --rate 200 --for 60s
                                      200 visits a second, at random moments
  evenkeel loadtest http://127.0.0.1:8080 --profile massachusetts-2021 --scale 0.1
                                      from 1,000 visits a minute to 70,000 within a minute, a tenth of it
  evenkeel loadtest http://127.0.0.1:8080/ --rate 500 --mix page=1 --json --report pages.json
                                      the page alone, for a program; every wait goes into the file

A visitor is a page (opens the page of URL), a refresh (reads a clinic's times) or a book (reads times, holds one, books
it: appointments of invented people stay at the site). Nobody waits for anybody: visits begin when they are due, and waits
count from then. Read docs/operator/load-test.md before you believe a figure.

Exit codes: 0 done, whatever the site did, 1 failed, 2 wrong usage or not your site, 4 could not look: the site shows
no clinics, or the run is VOID because this machine was too slow to send it";

/// Of the files that this process may open, the share that visitors take: the rest is for what else it does.
const FILES_PERCENT: u64 = 80;
/// A plan beyond these is a slip of the keyboard: visits a second, and the time of one run.
const RATE_MAX: f64 = 1_000_000.0;
const LASTS_MAX: Duration = Duration::from_hours(24);

/// Send a crowd to a site, and say what became of each visitor
#[derive(Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("how_many").required(true))]
pub struct Loadtest {
    /// The site: http, and on this machine unless you say that it is yours
    #[arg(value_name = "URL")]
    url: String,
    /// How many come when, as it once was: massachusetts-2021
    #[arg(long, value_name = "NAME", group = "how_many")]
    profile: Option<String>,
    /// Visits a second, all the time
    #[arg(long, value_name = "N", group = "how_many")]
    rate: Option<f64>,
    /// So many times the profile
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, conflicts_with = "rate")]
    scale: f64,
    /// How long visitors come; 60s, or as long as the profile
    #[arg(long = "for", value_name = "SPAN", value_parser = span)]
    lasts: Option<Duration>,
    /// Which visitors, by weight: page, refresh, book
    #[arg(long, value_name = "WEIGHTS", default_value_t = Mix::scarce(), value_parser = Mix::parse)]
    mix: Mix,
    /// What chance is drawn from: the same number, the same moments and choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long a visitor waits for an answer before giving up
    #[arg(long, value_name = "SPAN", default_value = "10s", value_parser = span)]
    patience: Duration,
    /// Most visits under way at once; who is due beyond that is counted as not begun
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    at_once: usize,
    /// The host of URL, where it is another machine: it is yours, and whoever looks after it knows
    #[arg(long, value_name = "HOST")]
    i_own_this_site: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Write the JSON object into this file, with every wait in it
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

impl Loadtest {
    /// Runs it and prints. What the site did is an answer; a void run is none.
    pub fn run(self) -> anyhow::Result<Exit> {
        let profile = self.planned()?;
        let files = raise_file_limit();
        let at_once = self.at_once.clamp(1, ((files / 100 * FILES_PERCENT) as usize).max(1));
        if at_once < self.at_once {
            aloud(&format!(
                "Note: {files} files may be open here: {at_once} visits at once."
            ));
        }
        // Before the run: a report that cannot be written should not cost one.
        let file = self.report.as_ref().map(|path| {
            let made = File::create(path).with_context(|| path.display().to_string());
            made.map(|file| (path, file))
        });
        let file = file.transpose()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let report = runtime.block_on(async {
            let target = Target::find(&self.url, self.i_own_this_site.as_deref()).await;
            let test = LoadTest {
                target: target.map_err(|error| refused(&error))?,
                profile,
                mix: self.mix.clone(),
                seed: self.seed,
                patience: self.patience,
                at_once,
            };
            watched(&test, self.json).await
        })?;
        if let Some((path, mut file)) = file {
            writeln!(file, "{}", report.json()).with_context(|| path.display().to_string())?;
        }
        let report = report.short();
        if self.json {
            println!("{}", report.json());
        } else {
            println!("{report}");
        }
        Ok(if report.void.is_some() {
            Exit::CouldNotLook
        } else {
            Exit::Done
        })
    }

    fn planned(&self) -> Result<Profile, Usage> {
        let positive = |number: f64| number.is_finite() && number > 0.0;
        let profile = match (self.rate, &self.profile) {
            (Some(rate), _) => Profile::steady(rate, Duration::from_mins(1)),
            (None, name) => {
                let name = name.as_deref().unwrap_or_default();
                if !positive(self.scale) {
                    return Err(Usage("--scale: expected a number above 0".to_owned()));
                }
                let unknown = || {
                    Usage(format!(
                        "--profile: there is no {name}; there are: {}",
                        NAMES.join(", ")
                    ))
                };
                Profile::named(name, self.scale).ok_or_else(unknown)?
            }
        };
        if !positive(profile.highest()) || profile.highest() > RATE_MAX {
            return Err(Usage(format!("expected between 0 and {RATE_MAX} visits a second")));
        }
        Ok(match self.lasts {
            Some(lasts) => profile.lasting(lasts),
            None => profile,
        })
    }
}

fn refused(error: &NoTarget) -> anyhow::Error {
    match error {
        NoTarget::Unknown { .. } => CouldNotLook(error.to_string()).into(),
        NoTarget::NotAUrl(_) | NoTarget::NotPlain(_) | NoTarget::NotOurs { .. } => Usage(error.to_string()).into(),
    }
}

/// Runs it while somebody may watch, or end it early with Ctrl-C.
async fn watched(test: &LoadTest, json: bool) -> anyhow::Result<Report> {
    let (signals, stop) = (Owner::new(Shutdown::new()), Shutdown::new());
    on_signals(&signals, &stop, Interrupt::Stops)?;
    let bar = (!json && stderr().is_terminal()).then(|| {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} s  {msg}");
        let bar = ProgressBar::new(test.profile.lasts().as_secs());
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    if bar.is_none() && !json {
        aloud(&format!(
            "About {:.0} visits within {:.0} s at {}; Ctrl-C ends it early.",
            test.profile.expected(),
            test.profile.lasts().as_secs_f64(),
            test.target.url
        ));
    }
    let tell = |progress: &Progress| {
        if let Some(bar) = &bar {
            bar.set_position(progress.passed.as_secs());
            bar.set_message(said(progress));
        }
    };
    let run = loadtest::run(test, &Clock::real(), &stop, tell).await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    run.map_err(|error| match error {
        NotRun::NoClinics(_) => CouldNotLook(error.to_string()).into(),
        NotRun::NoThread(_) => error.into(),
    })
}

fn said(progress: &Progress) -> String {
    let dropped = match progress.dropped {
        0 => String::new(),
        dropped => format!(", {dropped} not begun"),
    };
    format!(
        "{} due, {} served, {} under way{dropped}",
        progress.due, progress.served, progress.under_way
    )
}

/// Reads `90s`, `2m` or `500ms`.
fn span(text: &str) -> Result<Duration, String> {
    let expected = || "expected a time such as 60s, 2m or 500ms, up to 24 hours".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| expected())?;
    let unit_ms = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return Err(expected()),
    };
    let span = Duration::from_millis(number.saturating_mul(unit_ms));
    if span.is_zero() || span > LASTS_MAX {
        return Err(expected());
    }
    Ok(span)
}
