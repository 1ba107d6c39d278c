//! `evenkeel verify`: the eight invariants, looked for in the rows. One read transaction, usable while serving.

use std::path::PathBuf;

use anyhow::Context;
use booking::heads;
use booking::records::MIGRATIONS;
use booking::verify::{self, Report, acknowledged};
use clap::Args;
use database::OpenError;
use runtime::secret::{KeyError, KeyRing};

use super::Data;
use crate::exit::{CouldNotLook, Exit, Usage};

const EXAMPLES: &str = "\
Examples:
  evenkeel verify                              is everything as it must be?
  evenkeel verify --acknowledged told.ndjson   is everything there that a client was told?

A line of FILE: {\"appointment\":\"apt-…\",\"code\":\"7KXM-2QRD-9J\",\"slot\":\"slt-…\",\"status\":\"booked\"};
all but `appointment` may be left out. Of several lines about one appointment the last counts.

Exit codes: 0 all is as it must be, 3 something is not (each finding names its invariant), 4 could not look,
5 the data is of a newer version";

/// Check that the data keeps every promise
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    #[command(flatten)]
    at: Data,
    /// A client's own record of what it was told, one JSON object a line
    #[arg(long, value_name = "FILE")]
    acknowledged: Option<PathBuf>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Looks, prints, and says by its exit code what it found.
    pub fn run(self) -> anyhow::Result<Exit> {
        let told = match &self.acknowledged {
            None => Vec::new(),
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()));
                let text = text.map_err(|error| CouldNotLook(format!("{error:#}")))?;
                acknowledged::read(&text).map_err(|error| Usage(format!("{}: {error}", file.display())))?
            }
        };
        let data = &self.at.data;
        let could_not = |cause: String| CouldNotLook(cause);
        let database = self.at.existing().map_err(|error| could_not(format!("{error:#}")))?;
        let mut connection = database
            .connect_read_only()
            .map_err(|error| could_not(error.to_string()))?
            .patient();
        if let Err(error) = database::migration::require_current(&mut connection, MIGRATIONS) {
            return Err(match error {
                OpenError::NewerSchema { .. } => error.into(),
                other => could_not(other.to_string()).into(),
            });
        }
        let keys = match KeyRing::open_existing(&data.join("keys")) {
            Ok(keys) => Some(keys),
            Err(KeyError::Missing(_)) => None,
            Err(error) => return Err(could_not(error.to_string()).into()),
        };
        let grace = std::time::Duration::from_secs(booking::limit::HOLD_GRACE.max);
        let mut report = verify::verify(&mut connection, keys.as_ref(), &told, grace)
            .map_err(|error| could_not(error.to_string()))?;
        let folder = heads::folder(&database, &mut connection).map_err(|error| could_not(error.to_string()))?;
        if let Some(folder) = folder {
            verify::heads::check(&mut connection, &folder, &mut report)
                .map_err(|error| could_not(error.to_string()))?;
        }
        print(&report, keys.is_some(), self.json);
        Ok(if report.findings.is_empty() {
            Exit::Done
        } else {
            Exit::FoundWrong
        })
    }
}

fn print(report: &Report, with_keys: bool, json: bool) {
    for finding in &report.findings {
        if json {
            let line = serde_json::json!({"event": "finding", "invariant": finding.invariant.name(), "detail": finding.detail});
            println!("{line}");
        } else {
            println!("{}: {}", finding.invariant, finding.detail);
        }
    }
    let looked = serde_json::json!({
        "event": "verified", "findings": report.findings.len() + report.not_shown, "slots": report.slots, "holds": report.holds,
        "appointments": report.appointments, "outcomes": report.outcomes, "audit_events": report.audit_events,
        "heads": report.heads, "acknowledged": report.acknowledged, "answers_opened": with_keys,
    });
    if json {
        println!("{looked}");
        return;
    }
    if report.not_shown > 0 {
        println!("… and {} more", report.not_shown);
    }
    println!(
        "Looked at {} slots, {} holds, {} appointments, {} answers and {} AuditEvents{}: {}.",
        report.slots,
        report.holds,
        report.appointments,
        report.outcomes,
        report.audit_events,
        if report.acknowledged > 0 {
            format!(", and {} appointments that were told", report.acknowledged)
        } else {
            String::new()
        },
        match report.findings.len() + report.not_shown {
            0 => "all is as it must be".to_owned(),
            1 => "1 thing is not as it must be".to_owned(),
            n => format!("{n} things are not as they must be"),
        }
    );
    if !with_keys {
        println!("There are no keys here: stored answers and details were not opened, codes not compared.");
    }
}
