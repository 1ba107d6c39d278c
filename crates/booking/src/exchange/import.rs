//! Puts what was read from files into the database: everything is checked first, a file with anything wrong in it
//! changes nothing; then rows are written in bounded transactions beside the servers, each with its AuditEvent and its
//! change row. Repeatable: what is there already stays as it is, so an import that was cut off is simply run again.

use super::session_file::SessionRow;
use super::table_file::{FileRead, RowError};
use crate::move_pause;
use crate::records;
use crate::records::audit::Link;
use crate::records::change::Change;
use crate::records::document::Document;
use crate::records::zip::Zip;
use base::answer::Fault;
use base::id::ClinicId;
use base::time::{Timestamp, Zone};
use database::{Broken, CommitFailed, Connection, Transaction};
use runtime::clock::Clock;
use scheduling::clinic::location::Clinic;
use scheduling::clinic::session::{Session, session_id};
use scheduling::clinic::slot::{Slot, slots_of};
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind, Subject};
use scheduling::rules::{DocumentError, Rules};
use std::collections::BTreeMap;
use std::time::Duration;

/// The audit chain of imports: whoever writes holds the writers' lock, so all imports share one.
const CHAIN: &str = "import";
/// Clinics or ZIP codes in one transaction, so that no booking waits long for it.
const ROWS_AT_ONCE: usize = 500;
/// Sessions in one transaction; each has some dozen slots.
const SESSIONS_AT_ONCE: usize = 100;
/// SQLite's lock is not fair: others get it only while nobody holds it (as for the committer's gap).
const PAUSE: Duration = Duration::from_millis(2);
/// Times to try again while others have the database; each waits up to the writers' wait by itself.
const PATIENCE: u32 = 10;

/// Where an import goes.
pub struct Import<'a> {
    /// Migrated.
    pub connection: &'a mut Connection,
    /// For the instants in AuditEvents.
    pub clock: &'a Clock,
    /// Only look; write nothing.
    pub dry_run: bool,
    /// Told rows done and rows in all.
    pub progress: &'a mut dyn FnMut(u64, u64),
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Right rows in the file.
    pub read: u64,
    /// New ones.
    pub added: u64,
    /// Known ones that the file says otherwise.
    pub changed: u64,
    /// Known ones that stay as they are.
    pub unchanged: u64,
    /// For sessions: new slots.
    pub slots_added: u64,
    /// What is wrong in the file; then nothing was written.
    pub errors: Vec<RowError>,
    /// What somebody should know, in sentences.
    pub notes: Vec<String>,
}

/// It could not be done. What was written until then stays; run the import again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database failed.
    #[error("the database failed: {0}")]
    Broken(#[from] Broken),
    /// Nobody knows whether the last transaction was written.
    #[error("it is not known whether the last rows were written ({0})")]
    InDoubt(String),
    /// The document cannot be read.
    #[error("{0}")]
    Document(#[from] DocumentError),
    /// The document does not fit what is there.
    #[error("{0}")]
    Unfit(String),
}

/// What one transaction did.
struct Written {
    kind: AuditKind,
    count: u32,
    /// Clinics that are new, changed, or have new slots.
    clinics: Vec<ClinicId>,
}

impl Import<'_> {
    /// The jurisdiction's time zone: for rows that name none, and for what counts as today.
    pub fn zone(&mut self) -> Result<Zone, ImportError> {
        Ok(rules_in(&mut self.connection.begin_read()?, &[])?
            .jurisdiction()
            .zone
            .clone())
    }

    /// Adds and changes clinics.
    pub fn clinics(&mut self, file: FileRead<Clinic>) -> Result<Report, ImportError> {
        let mut report = report_of(&file);
        if !report.errors.is_empty() {
            return Ok(report);
        }
        let (demonstration, known) = {
            let mut tx = self.connection.begin_read()?;
            let rules = rules_in(&mut tx, &[])?;
            (
                rules.jurisdiction().demonstration.is_some(),
                records::clinic::all(&mut tx)?,
            )
        };
        let known: BTreeMap<ClinicId, Clinic> = known.into_iter().map(|clinic| (clinic.id, clinic)).collect();
        let mut due = Vec::new();
        for (_, clinic) in file.rows {
            let clinic = Clinic {
                demonstration: clinic.demonstration || demonstration,
                ..clinic
            };
            match known
                .get(&clinic.id)
                .map(|before| keep_made(clinic.clone(), before) == *before)
            {
                None => report.added += 1,
                Some(false) => report.changed += 1,
                Some(true) => {
                    report.unchanged += 1;
                    continue;
                }
            }
            due.push(match known.get(&clinic.id) {
                Some(before) => keep_made(clinic, before),
                None => clinic,
            });
        }
        self.write_in_parts(&due, ROWS_AT_ONCE, |tx, part, now| {
            for clinic in part {
                records::clinic::save(tx, clinic, now)?;
            }
            let clinics = part.iter().map(|clinic| clinic.id).collect();
            Ok(Written {
                kind: AuditKind::ClinicsImported,
                count: part.len() as u32,
                clinics,
            })
        })?;
        Ok(report)
    }

    /// Adds and changes ZIP codes.
    pub fn zips(&mut self, file: FileRead<Zip>) -> Result<Report, ImportError> {
        let mut report = report_of(&file);
        if !report.errors.is_empty() {
            return Ok(report);
        }
        let known = records::zip::all(&mut self.connection.begin_read()?)?;
        let known: BTreeMap<String, Zip> = known.into_iter().map(|zip| (zip.zip.clone(), zip)).collect();
        let mut due = Vec::new();
        for (_, zip) in file.rows {
            match known.get(&zip.zip) {
                None => report.added += 1,
                Some(before) if *before != zip => report.changed += 1,
                Some(_) => {
                    report.unchanged += 1;
                    continue;
                }
            }
            due.push(zip);
        }
        self.write_in_parts(&due, ROWS_AT_ONCE, |tx, part, _| {
            records::zip::save(tx, part)?;
            Ok(Written {
                kind: AuditKind::ZipsImported,
                count: part.len() as u32,
                clinics: Vec::new(),
            })
        })?;
        Ok(report)
    }

    /// Publishes sessions with their slots. A session that is there stays as it is, whatever the file says: people may
    /// have booked it.
    pub fn sessions(&mut self, file: &FileRead<SessionRow>) -> Result<Report, ImportError> {
        let mut report = report_of(file);
        let (clinics, rules, known) = {
            let mut tx = self.connection.begin_read()?;
            let clinics = records::clinic::all(&mut tx)?;
            (clinics, rules_in(&mut tx, &[])?, records::session::all_ids(&mut tx)?)
        };
        let clinics: BTreeMap<&str, &Clinic> = clinics
            .iter()
            .map(|clinic| (clinic.source_id.as_str(), clinic))
            .collect();
        let mut due: Vec<(Session, Vec<Slot>)> = Vec::new();
        for (line, row) in &file.rows {
            let clinic = clinics.get(row.clinic.as_str());
            if clinic.is_none() {
                report.errors.push(unknown(
                    *line,
                    "clinic",
                    &row.clinic,
                    "the source_id of a clinic that was imported before",
                ));
            }
            if rules.vaccine(row.product).is_none() {
                let codes: Vec<_> = rules.vaccines().map(|vaccine| vaccine.cvx.to_string()).collect();
                let expected = format!("the code of a vaccine that is offered here: {}", codes.join(", "));
                report
                    .errors
                    .push(unknown(*line, "vaccine", &row.product.to_string(), &expected));
            }
            let Some(clinic) = clinic else { continue };
            let (session, slots) = published(row, clinic.id, &clinic.zone);
            if known.contains(&session.id) {
                report.unchanged += 1;
            } else {
                report.added += 1;
                report.slots_added += slots.len() as u64;
                due.push((session, slots));
            }
        }
        report.errors.sort_by_key(|error| error.line);
        if !report.errors.is_empty() {
            return Ok(Report {
                added: 0,
                unchanged: 0,
                slots_added: 0,
                ..report
            });
        }
        self.write_in_parts(&due, SESSIONS_AT_ONCE, |tx, part, now| {
            let mut written = Written {
                kind: AuditKind::SessionsPublished,
                count: 0,
                clinics: Vec::new(),
            };
            for (session, slots) in part {
                // Another import may have published it since we looked.
                if records::session::insert_new(tx, session, now)? {
                    records::slot::insert_new(tx, slots)?;
                    written.count += 1;
                    written.clinics.push(session.clinic);
                }
            }
            written.clinics.sort_unstable();
            written.clinics.dedup();
            Ok(written)
        })?;
        Ok(report)
    }

    /// Puts a document in force: the jurisdiction, its products, rules of an authority, questions.
    pub fn document(&mut self, text: &str) -> Result<Report, ImportError> {
        let document = document_of(text)?;
        let mut tx = self.connection.begin_read()?;
        let rules = rules_in(&mut tx, std::slice::from_ref(&document))?;
        let known = records::document::all(&mut tx)?;
        drop(tx);
        let key = |d: &Document| (d.kind.clone(), d.name.clone(), d.version.clone());
        let before = known.iter().find(|known| key(known) == key(&document));
        let mut report = Report {
            read: 1,
            notes: rules.gaps(),
            ..Report::default()
        };
        match before {
            None => report.added = 1,
            Some(before) if before.body == document.body => {
                report.unchanged = 1;
                return Ok(report);
            }
            // What people were told under a version must stay findable under it.
            Some(_) if document.kind != "jurisdiction" => {
                return Err(ImportError::Unfit(format!(
                    "version {} of {} {} is there and says something else: give the changed document a new version",
                    document.version, document.kind, document.name
                )));
            }
            Some(_) => report.changed = 1,
        }
        self.write_in_parts(&[document], 1, |tx, part, now| {
            for document in part {
                records::document::save(tx, document, now)?;
            }
            Ok(Written {
                kind: AuditKind::RulesImported,
                count: part.len() as u32,
                clinics: Vec::new(),
            })
        })?;
        Ok(report)
    }

    fn write_in_parts<T>(
        &mut self,
        due: &[T],
        at_once: usize,
        write: impl Fn(&mut Transaction<'_>, &[T], Timestamp) -> Result<Written, Broken>,
    ) -> Result<(), ImportError> {
        let total = due.len() as u64;
        let mut done = 0;
        (self.progress)(done, total);
        if self.dry_run {
            return Ok(());
        }
        for part in due.chunks(at_once) {
            self.write_part(part, &write)?;
            done += part.len() as u64;
            (self.progress)(done, total);
            self.clock.sleep_blocking(PAUSE);
        }
        Ok(())
    }

    fn write_part<T>(
        &mut self,
        part: &[T],
        write: &impl Fn(&mut Transaction<'_>, &[T], Timestamp) -> Result<Written, Broken>,
    ) -> Result<(), ImportError> {
        let mut left = PATIENCE;
        loop {
            let now = self.clock.now();
            match try_part(self.connection, part, now, write) {
                Err(ImportError::Broken(broken)) if broken.fault() == Fault::Busy && left > 0 => {
                    left -= 1;
                    self.clock.sleep_blocking(PAUSE);
                }
                done => return done,
            }
        }
    }
}

fn try_part<T>(
    connection: &mut Connection,
    part: &[T],
    now: Timestamp,
    write: &impl Fn(&mut Transaction<'_>, &[T], Timestamp) -> Result<Written, Broken>,
) -> Result<(), ImportError> {
    let mut tx = move_pause::begin(connection)?;
    let written = write(&mut tx, part, now)?;
    if written.count == 0 {
        return Ok(());
    }
    let mut head = records::audit::shared_head(&mut tx, CHAIN)?;
    let event = AuditEvent {
        kind: written.kind,
        subject: Subject::Jurisdiction,
        slot: None,
        at: now,
        count: written.count,
    };
    records::audit::insert(&mut tx, [&Link::forge(CHAIN, &mut head, &event, None, 0, None)])?;
    let sequence = records::change::position(&mut tx)?;
    records::change::insert(
        &mut tx,
        &Change {
            sequence,
            slots: Vec::new(),
            clinics: written.clinics,
        },
        now,
    )?;
    tx.commit().map_err(|failed| match failed {
        CommitFailed::NotDone(broken) => ImportError::Broken(broken),
        CommitFailed::InDoubt(cause) => ImportError::InDoubt(cause),
    })
}

fn report_of<T>(file: &FileRead<T>) -> Report {
    Report {
        read: file.rows.len() as u64,
        errors: file.errors.clone(),
        ..Report::default()
    }
}

fn unknown(line: u64, column: &str, value: &str, expected: &str) -> RowError {
    RowError {
        line,
        column: column.to_owned(),
        value: value.to_owned(),
        expected: expected.to_owned(),
    }
}

/// What a demonstration made up stays where a later file has nothing better.
fn keep_made(mut clinic: Clinic, before: &Clinic) -> Clinic {
    for field in &before.made {
        match field.as_str() {
            "hours" if clinic.hours.is_none() => clinic.hours.clone_from(&before.hours),
            "phone" if clinic.phone.is_none() => clinic.phone.clone_from(&before.phone),
            "products" | "sessions" => {}
            _ => continue,
        }
        if !clinic.made.contains(field) {
            clinic.made.push(field.clone());
        }
    }
    clinic
}

fn published(row: &SessionRow, clinic: ClinicId, zone: &Zone) -> (Session, Vec<Slot>) {
    let id = session_id(clinic, row.date, row.product, row.start);
    let session = Session {
        id,
        clinic,
        date: row.date,
        product: row.product,
    };
    let slots = slots_of(&session, zone, (row.start, row.end), row.slot_minutes, row.capacity);
    (session, slots)
}

/// The rules of the documents there are, with one more in place of what it replaces.
fn rules_in(tx: &mut Transaction<'_>, more: &[Document]) -> Result<Rules, ImportError> {
    let mut documents: BTreeMap<(String, String, String), String> = BTreeMap::new();
    for document in records::document::all(tx)?.into_iter().chain(more.iter().cloned()) {
        documents.insert((document.kind, document.name, document.version), document.body);
    }
    Ok(Rules::from_documents(documents.iter().map(
        |((kind, name, _), body)| (kind.as_str(), name.as_str(), body.as_str()),
    ))?)
}

/// What kind of document a text is, and how it is called: its authority and version, where it has them.
pub fn document_of(text: &str) -> Result<Document, ImportError> {
    let value: serde_json::Value =
        serde_json::from_str(text).map_err(|error| ImportError::Unfit(format!("not JSON: {error}")))?;
    let has = |key: &str| value.get(key).is_some();
    let kind = match () {
        () if has("zone") => "jurisdiction",
        () if has("series") => "rules",
        () if has("questions") => "questions",
        () if has("products") => "products",
        () => {
            let expected = "an object with `zone` (a jurisdiction), `products`, `series` (rules) or `questions`";
            return Err(ImportError::Unfit(format!("expected {expected}")));
        }
    };
    let word = |key: &str, otherwise: &str| value.get(key).and_then(|v| v.as_str()).unwrap_or(otherwise).to_owned();
    Ok(Document {
        kind: kind.to_owned(),
        name: word("authority", kind),
        version: word("version", "1"),
        body: text.to_owned(),
    })
}
