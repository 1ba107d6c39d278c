//! Logs: JSON lines into a file and, where nobody watches, onto stderr; readable lines on a terminal. Keeps that a
//! panic's formatted message, which may hold a person's data, never reaches a log.

use std::fmt;
use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::path::Path;

use base::limit::Settings;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

use crate::clock::Clock;
use crate::error_kind::KindLayer;
use crate::log_file::LogFile;
use crate::log_line::{self, JsonLine};
use crate::shutdown::Shutdown;
use crate::task::{self, Owner};

/// The target of the one line per request; filters name it.
pub const REQUEST: &str = "request";

/// What is logged where. Filters are of the form `info,request=off`.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// A file for JSON lines, turned over by size and age, and its filter.
    pub file: Option<(&'a Path, &'a str)>,
    /// The filter of stderr.
    pub stderr: &'a str,
}

/// Keeps the log's thread; at its end the last lines are written.
pub struct Telemetry {
    file: Option<LogFile>,
    _owner: Owner,
}

/// Logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The log file cannot be opened.
    #[error("the log file cannot be opened: {0}")]
    Io(#[from] io::Error),
    /// A filter is not of the form `info,request=off`.
    #[error("the log filter is wrong: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Logs are set up once in a process.
    #[error("logs are set up already")]
    Already,
}

/// Sets up logs, once in a process.
pub fn start(wanted: &Wanted<'_>, settings: &Settings, clock: &Clock) -> Result<Telemetry, TelemetryError> {
    // Its own owner and wish: the log is the last to stop, after everybody who might still say something.
    let owner = Owner::new(Shutdown::new());
    let (file, file_layer) = match wanted.file {
        None => (None, None),
        Some((path, filter)) => {
            let file = LogFile::open(path, settings, clock, &owner)?;
            let layer = tracing_subscriber::fmt::layer()
                .event_format(JsonLine::new(clock.clone()))
                .with_writer(file.clone())
                .with_filter(filter.parse::<Targets>()?);
            (Some(file), Some(layer))
        }
    };
    let filter: Targets = wanted.stderr.parse()?;
    // stderr may be a file on a full disk: a line that cannot be written is lost, and not complained of on stderr, which
    // would end the thread that had something to say.
    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    let stderr = if io::stderr().is_terminal() {
        let stamped = stderr.with_timer(Stamp(clock.clone())).compact();
        stamped.with_filter(filter).boxed()
    } else {
        let json = stderr.event_format(JsonLine::new(clock.clone()));
        json.with_filter(filter).boxed()
    };
    registry()
        // Innermost: those after it write what it found out.
        .with(KindLayer::default().with_filter(KindLayer::LEVEL))
        .with(file_layer)
        .with(stderr)
        .try_init()
        .map_err(|_| TelemetryError::Already)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(Telemetry { file, _owner: owner })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

impl Telemetry {
    /// Lines dropped because the disk was too slow, and not yet owned up to in the log.
    pub fn dropped(&self) -> u64 {
        self.file.as_ref().map_or(0, LogFile::dropped)
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    // A literal cannot hold anybody's data; a formatted message can (`expect` on an error prints the error).
    let message = info
        .payload()
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("(formatted: withheld)");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(code = "bug", location, panic = message, "a panic: this is a bug");
    task::panics_at(location);
}

/// Stamps lines with our clock, so that a shifted rehearsal's log shows the shifted time.
struct Stamp(Clock);

impl FormatTime for Stamp {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        log_line::write_stamp(w, &self.0)
    }
}
