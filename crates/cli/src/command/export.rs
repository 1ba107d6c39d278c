//! `evenkeel export`: what leaves the installation in bulk. For now the audit chains.

use std::io::{BufWriter, stdout};

use anyhow::Context;
use booking::exchange::export::{self, Format};
use booking::records::MIGRATIONS;
use clap::{Args, Subcommand};
use database::OpenError;

use super::Data;
use crate::exit::{CouldNotLook, Exit};

const EXAMPLES: &str = "\
Examples:
  evenkeel export audit > audit.csv            every AuditEvent, chain by chain
  evenkeel export audit --json | jq -c 'select(.kind == \"resident-erased\")'

The chains are verified on the way; what is wrong is told on stderr. Columns, and how to verify the file without this
program: docs/operator/audit.md. Works while serving.

Exit codes: 0 done, 1 failed, 3 done and a chain is broken, 4 could not look, 5 the data is of a newer version";

/// Write the audit chains out
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Every AuditEvent, chain by chain, oldest first, on stdout
    Audit(Audit),
}

#[derive(Args)]
struct Audit {
    #[command(flatten)]
    at: Data,
    /// Comma-separated values with a line of column names (as without a choice)
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Writes, and says by its exit code whether the chains are whole.
    pub fn run(self) -> anyhow::Result<Exit> {
        let What::Audit(audit) = self.what;
        let database = audit.at.existing()?;
        let could_not = |cause: OpenError| match cause {
            OpenError::NewerSchema { .. } => anyhow::Error::from(cause),
            other => CouldNotLook(other.to_string()).into(),
        };
        let mut connection = database.connect_read_only().map_err(could_not)?;
        database::migration::require_current(&mut connection, MIGRATIONS).map_err(could_not)?;
        let format = if audit.json { Format::Json } else { Format::Csv };
        let mut out = BufWriter::new(stdout().lock());
        let exported = export::audit(&mut connection, format, &mut out).context("the export is not whole")?;
        for finding in &exported.findings {
            eprintln!("{}: {}", finding.invariant, finding.detail);
        }
        eprintln!(
            "{} AuditEvents of {} chains: {}.",
            exported.events,
            exported.chains,
            match exported.findings.len() {
                0 => "unbroken".to_owned(),
                n => format!("{n} things are not as they must be"),
            }
        );
        Ok(if exported.findings.is_empty() {
            Exit::Done
        } else {
            Exit::FoundWrong
        })
    }
}
