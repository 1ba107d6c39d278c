//! How an event becomes one line of JSON: its time, level, fields and target, in one object without nesting; for
//! warnings and errors also the reference of the request they belong to, and the kind of error of which they are the
//! first. Written straight into the line: the library's own form gathers every field in a map of values first, which
//! costs a finding more than the finding. Spans are not written; we have none.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::error_kind;
use crate::http::trace;
use crate::telemetry::REQUEST;

/// Stamped with our clock, so that a shifted rehearsal's log shows the shifted time.
pub struct JsonLine {
    clock: Clock,
}

impl JsonLine {
    /// Lines stamped by this clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        line.write_str("{\"timestamp\":\"")?;
        write_stamp(&mut line, &self.clock)?;
        write!(line, "\",\"level\":\"{}\"", metadata.level())?;
        let mut fields = Fields {
            line: &mut line,
            written: Ok(()),
        };
        event.record(&mut fields);
        fields.written?;
        if *metadata.level() <= Level::WARN {
            write_trouble(&mut line, metadata.target())?;
        }
        line.write_str(",\"target\":\"")?;
        Escaped(&mut line).write_str(metadata.target())?;
        line.write_str("\"}\n")
    }
}

/// What helps whoever looks for a cause. A request's own line has its reference already.
fn write_trouble(line: &mut Writer<'_>, target: &str) -> fmt::Result {
    if let Some(id) = trace::current().filter(|_| target != REQUEST) {
        write!(line, ",\"trace_id\":\"{id}\"")?;
    }
    error_kind::first(|kind| match kind {
        None => Ok(()),
        Some(kind) => {
            line.write_str(",\"new_kind\":\"")?;
            Escaped(line).write_str(kind)?;
            line.write_char('"')
        }
    })
}

/// The clock's time with microseconds: `2026-11-24T14:12:13.442604Z`.
pub fn write_stamp(line: &mut impl Write, clock: &Clock) -> fmt::Result {
    let now = clock.now();
    write!(Seconds(line), "{now}")?;
    write!(line, ".{:06}Z", now.micros().rem_euclid(1_000_000))
}

/// Takes an instant's text and leaves out its final `Z`, before which the microseconds go.
struct Seconds<'a, W>(&'a mut W);

impl<W: Write> Write for Seconds<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(text.trim_end_matches('Z'))
    }
}

/// Writes fields as members of an object that has some already.
struct Fields<'a, 'w> {
    line: &'a mut Writer<'w>,
    written: fmt::Result,
}

impl Fields<'_, '_> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.written.is_ok() {
            // A field's name is a Rust identifier or a path of such: nothing to escape.
            self.written = write!(self.line, ",\"{}\":", field.name()).and_then(|()| value(self.line));
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |line| {
            line.write_char('"')?;
            Escaped(line).write_str(value)?;
            line.write_char('"')
        });
    }
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |line| {
            line.write_char('"')?;
            write!(Escaped(line), "{value:?}")?;
            line.write_char('"')
        });
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |line| write!(line, "{value}"));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |line| write!(line, "{value}"));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |line| write!(line, "{value}"));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.member(field, |line| {
            if value.is_finite() {
                write!(line, "{value}")
            } else {
                // JSON has no such numbers (RFC 8259 §6).
                line.write_str("null")
            }
        });
    }
}

/// Text inside a JSON string (RFC 8259 §7).
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            if byte >= b' ' && byte != b'"' && byte != b'\\' {
                continue;
            }
            self.0.write_str(&text[plain..at])?;
            plain = at + 1;
            match byte {
                b'"' => self.0.write_str("\\\"")?,
                b'\\' => self.0.write_str("\\\\")?,
                b'\n' => self.0.write_str("\\n")?,
                other => write!(self.0, "\\u{other:04x}")?,
            }
        }
        self.0.write_str(&text[plain..])
    }
}
