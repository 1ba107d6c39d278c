//! Writes the audit chains out, one event a line, in one read transaction, and verifies them on the way. Whoever has
//! the file can verify it again without this program: docs/operator/audit.md says how.

use crate::records::audit::{self, Head, Link};
use crate::verify::{Finding, Report, follows};
use base::id::{AppointmentId, HoldId, SlotId};
use database::{Broken, Connection};
use scheduling::jurisdiction::audit::AuditKind;
use serde::Serialize;
use std::io::{self, Write};

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With a line of column names.
    Csv,
    /// An object a line.
    Json,
}

/// What was written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// How many events.
    pub events: u64,
    /// How many chains.
    pub chains: u64,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
}

/// It could not be written whole.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// Whoever reads is gone, or the disk is full.
    #[error("cannot write: {0}")]
    Io(#[from] io::Error),
}

/// A line. Bytes are hexadecimal; `about` names the subject as people see it.
#[derive(Serialize)]
struct Line<'a> {
    chain: &'a str,
    sequence: i64,
    at: String,
    at_us: i64,
    kind: &'a str,
    about: String,
    subject: String,
    slot: Option<String>,
    count: u32,
    outcome: Option<String>,
    part: u32,
    commitment: Option<String>,
    hash: String,
}

impl<'a> Line<'a> {
    fn of(link: &'a Link) -> Self {
        Self {
            chain: &link.chain,
            sequence: link.sequence,
            at: link.at.to_string(),
            at_us: link.at.micros(),
            kind: &link.kind,
            about: about(link),
            subject: hex(&link.subject),
            slot: link.slot.map(|slot| hex(&SlotId::to_bytes(slot))),
            count: link.count,
            outcome: link.outcome.as_deref().map(hex),
            part: link.part,
            commitment: link.commitment.as_ref().map(|hash| hex(hash)),
            hash: hex(&link.hash),
        }
    }
}

fn about(link: &Link) -> String {
    let bits = u128::from_be_bytes(link.subject);
    match link.known_kind() {
        Some(
            AuditKind::HoldPlaced
            | AuditKind::HoldExtended
            | AuditKind::HoldGivenBack
            | AuditKind::HoldExpired
            | AuditKind::HoldBooked,
        ) => HoldId::from_bits(bits).to_string(),
        Some(_) if bits != 0 => AppointmentId::from_bits(bits).to_string(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |text, byte| {
        text + &format!("{byte:02x}")
    })
}

enum Lines<'w> {
    Csv(Box<csv::Writer<&'w mut dyn Write>>),
    Json(&'w mut dyn Write),
}

impl<'w> Lines<'w> {
    fn new(format: Format, out: &'w mut dyn Write) -> Self {
        match format {
            Format::Csv => Self::Csv(Box::new(csv::Writer::from_writer(out))),
            Format::Json => Self::Json(out),
        }
    }
    fn write(&mut self, line: &Line<'_>) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.serialize(line).map_err(io::Error::from),
            Self::Json(out) => {
                serde_json::to_writer(&mut **out, line)?;
                out.write_all(b"\n")
            }
        }
    }
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Csv(csv) => csv.flush(),
            Self::Json(out) => out.flush(),
        }
    }
}

/// Writes every event, chain by chain in order.
pub fn audit(connection: &mut Connection, format: Format, out: &mut dyn Write) -> Result<Exported, ExportError> {
    let (mut exported, mut report) = (Exported::default(), Report::default());
    let (mut chain, mut head) = (String::new(), Head::default());
    let mut failed = None;
    let mut lines = Lines::new(format, out);
    audit::all(&mut connection.begin_read()?, |link| {
        if failed.is_some() {
            return;
        }
        if chain != link.chain {
            chain.clone_from(&link.chain);
            head = Head::default();
            exported.chains += 1;
        }
        follows(&link, &head, &mut report);
        head = Head {
            sequence: link.sequence,
            hash: link.hash,
        };
        exported.events += 1;
        failed = lines.write(&Line::of(&link)).err();
    })?;
    lines.flush()?;
    exported.findings = report.findings;
    failed.map_or(Ok(exported), |error| Err(error.into()))
}
