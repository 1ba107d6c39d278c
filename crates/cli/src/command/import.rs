//! `evenkeel import`: clinics, ZIP codes, sessions and rules out of files, also while a server runs.

use std::fs::File;
use std::io::{IsTerminal, Read, stderr, stdin};
use std::path::{Path, PathBuf};

use anyhow::Context;
use booking::exchange::import::{Import as Target, Report};
use booking::exchange::table_file::{FileLimits, RowError};
use booking::exchange::{clinic_file, session_file, zip_file};
use booking::limit::{IMPORT_FIELD, IMPORT_ROWS};
use booking::reconciler::heads;
use booking::records::MIGRATIONS;
use clap::{Args, Subcommand};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use database::{Connection, Database};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::clock::Clock;

use super::Data;
use crate::configuration;
use crate::exit::{CouldNotLook, Exit};

/// Bytes of a file: two hundred thousand rows of three hundred bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Wrong places printed for a person; `--json` prints all.
const ERRORS_SHOWN: usize = 30;

const EXAMPLES: &str = "\
Examples:
  evenkeel import rules jurisdiction.json        who we are, then products, dose rules and questions
  evenkeel import clinics clinics.csv --dry-run  is the file right?
  evenkeel import clinics clinics.csv
  evenkeel import sessions december.csv

A file with anything wrong in it changes nothing. Importing a file twice is importing it once.
The columns are described in docs/import.md.

Exit codes: 0 done, 1 the file is wrong or it failed, 2 wrong usage, 4 could not look, 5 the data is of a newer version";

/// Bring in clinics, ZIP codes, sessions or rules
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Add and change clinics (CSV)
    Clinics(From),
    /// Add and change ZIP codes, by which people find clinics (CSV)
    Zips(From),
    /// Publish sessions with their appointment times (CSV)
    Sessions(From),
    /// Put a document in force: jurisdiction, products, dose rules or questions (JSON)
    Rules(From),
}

#[derive(Args)]
struct From {
    /// The file; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    at: Data,
    /// Only look: say what would change, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Import {
    /// Reads, checks, writes, and prints what came of it.
    pub fn run(self) -> anyhow::Result<Exit> {
        let (What::Clinics(from) | What::Zips(from) | What::Sessions(from) | What::Rules(from)) = &self.what;
        let bytes = read(&from.file).map_err(|error| CouldNotLook(format!("{error:#}")))?;
        let clock = Clock::real();
        let (database, mut connection) = open(&from.at, &clock)?;
        let settings = configuration::load(&from.at.data)?;
        let limits = FileLimits {
            rows_max: settings.get(&IMPORT_ROWS) as usize,
            field_characters_max: settings.get(&IMPORT_FIELD) as usize,
        };
        let bar = bar(from.json);
        let mut progress = |done: u64, total: u64| {
            bar.set_length(total);
            bar.set_position(done);
        };
        let mut target = Target {
            connection: &mut connection,
            clock: &clock,
            dry_run: from.dry_run,
            progress: &mut progress,
        };
        let zone = target.zone()?;
        let report = match &self.what {
            What::Clinics(_) => target.clinics(clinic_file::read(&bytes, &zone, limits))?,
            What::Zips(_) => target.zips(zip_file::read(&bytes, limits))?,
            What::Sessions(_) => target.sessions(&session_file::read(&bytes, clock.now().date_in(&zone), limits))?,
            What::Rules(_) => {
                target.document(std::str::from_utf8(&bytes).context("the document is not UTF-8 text")?)?
            }
        };
        heads::record_now(&database, &mut connection, clock.now())?;
        bar.finish_and_clear();
        if from.json {
            print_lines(&report, from.dry_run);
        } else {
            print(&report, from.dry_run);
        }
        Ok(if report.errors.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let named = || format!("{} cannot be read", file.display());
    // One byte more than allowed shows that there is more.
    if file == Path::new("-") {
        stdin()
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(named)?;
    } else {
        File::open(file)
            .with_context(named)?
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .with_context(named)?;
    }
    anyhow::ensure!(
        bytes.len() as u64 <= FILE_BYTES_MAX,
        "{} is larger than 64 MiB: split it",
        file.display()
    );
    Ok(bytes)
}

fn open(at: &Data, clock: &Clock) -> anyhow::Result<(Database, Connection)> {
    let (database, data) = (at.database()?, at.data.display());
    if database.path().is_some_and(|file| !file.is_file()) {
        let hint = "start one with `evenkeel up --empty`, or name its folder with --data";
        return Err(CouldNotLook(format!("there is no installation in {data}: {hint}")).into());
    }
    let mut connection = database.connect()?;
    database::migration::migrate(&mut connection, MIGRATIONS, clock.now())?;
    Ok((database, connection))
}

fn bar(json: bool) -> ProgressBar {
    if json || !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

fn print_lines(report: &Report, dry_run: bool) {
    for RowError {
        line,
        column,
        value,
        expected,
    } in &report.errors
    {
        let wrong = serde_json::json!({
            "event": "wrong", "line": line, "column": column, "value": value, "expected": expected,
        });
        println!("{wrong}");
    }
    let done = serde_json::json!({
        "event": "imported", "dry_run": dry_run, "read": report.read, "added": report.added, "changed": report.changed,
        "unchanged": report.unchanged, "slots_added": report.slots_added, "wrong": report.errors.len(),
        "notes": report.notes,
    });
    println!("{done}");
}

fn print(report: &Report, dry_run: bool) {
    for note in &report.notes {
        eprintln!("Note: {note}.");
    }
    if report.errors.is_empty() {
        let slots = if report.slots_added > 0 {
            format!(", {} appointment times", report.slots_added)
        } else {
            String::new()
        };
        let did = if dry_run {
            "A dry run, nothing was written. It would be"
        } else {
            "Done"
        };
        println!(
            "{did}: {} added{slots}, {} changed, {} as before.",
            report.added, report.changed, report.unchanged
        );
        return;
    }
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_header(["line", "column", "value", "expected"]);
    for RowError {
        line,
        column,
        value,
        expected,
    } in report.errors.iter().take(ERRORS_SHOWN)
    {
        table.add_row([&line.to_string(), column, value, expected]);
    }
    println!("{table}");
    if report.errors.len() > ERRORS_SHOWN {
        println!(
            "… and {} more (see them all with --json)",
            report.errors.len() - ERRORS_SHOWN
        );
    }
    println!(
        "Nothing was imported: {} wrong, in a file of {} right rows.",
        report.errors.len(),
        report.read
    );
}
