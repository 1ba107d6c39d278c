//! The demonstration that comes with the program: files of `demo/`, taken into the binary, through the same import as
//! anybody's files. What the sources lack is made from the jurisdiction's seed and named in each clinic's `made`.
//! Repeatable: the jurisdiction is written last, so a load that was cut off is taken up again, and one that is whole is
//! left alone. Never touches an installation that has a jurisdiction or clinics of its own.

use super::import::{Import, ImportError, Report};
use super::table_file::FileLimits;
use super::{clinic_file, zip_file};
use crate::availability::change_feed::read_rules;
use crate::move_pause;
use crate::reconciler::slot_horizon::{Filled, fill_first};
use crate::records;
use base::time::Zone;
use database::{Broken, Connection, Database, OpenError};
use runtime::clock::Clock;
use scheduling::clinic::location::Clinic;
use scheduling::clinic::session_plan::{opening_hours_text, phone};
use scheduling::rules::Rules;

const JURISDICTION: &str = include_str!("../../../../demo/jurisdiction.json");
const DOCUMENTS: [&str; 4] = [
    include_str!("../../../../demo/products/2026-09.json"),
    include_str!("../../../../demo/rules/cdsi-4.64-508.json"),
    include_str!("../../../../demo/rules/demo-department-2026.json"),
    include_str!("../../../../demo/questions/2026-09.json"),
];
const CLINICS: &[u8] = include_bytes!("../../../../demo/clinics.csv");
const ZIPS: &[u8] = include_bytes!("../../../../demo/zips.csv");
/// Our own files are as long as they are.
const NO_LIMITS: FileLimits = FileLimits {
    rows_max: usize::MAX,
    field_characters_max: usize::MAX,
};

/// What was found, and what was done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing, or half a demonstration: now it is whole.
    Loaded {
        /// Clinics that were added.
        clinics: u64,
        /// ZIP codes that were added.
        zips: u64,
    },
    /// The whole demonstration: its documents and clinics are as they were.
    WasThere,
    /// Somebody's own jurisdiction or clinics: nothing was done.
    NotADemonstration,
}

/// The demonstration as it stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ensured {
    /// What was found.
    pub standing: Standing,
    /// What was added to its calendar.
    pub filled: Filled,
}

/// The demonstration could not be loaded. What was written until then stays; the next start goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its files could not be written.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl From<Broken> for DemoError {
    fn from(broken: Broken) -> Self {
        Self::Import(broken.into())
    }
}

/// Brings the schema up to date, loads the demonstration unless it is there, and fills its calendar: for a server that
/// is about to start. Blocks for some seconds the first time.
pub fn ensure(database: &Database, clock: &Clock) -> Result<Ensured, DemoError> {
    let mut connection = database.connect()?;
    database::migration::migrate(&mut connection, records::MIGRATIONS, clock.now())?;
    // Where nothing may be written the server says so, and serves what there is.
    if move_pause::is_paused(&mut connection)? {
        let (standing, filled) = (Standing::WasThere, Filled::default());
        return Ok(Ensured { standing, filled });
    }
    let standing = load(&mut connection, clock)?;
    let filled = match standing {
        Standing::NotADemonstration => Filled::default(),
        Standing::Loaded { .. } | Standing::WasThere => fill_first(&mut connection, clock)?,
    };
    Ok(Ensured { standing, filled })
}

/// Loads documents, ZIP codes and clinics unless they are there.
pub fn load(connection: &mut Connection, clock: &Clock) -> Result<Standing, DemoError> {
    if let Some(standing) = found(connection)? {
        return Ok(standing);
    }
    let own =
        Rules::from_documents([("jurisdiction", "demo", JURISDICTION)]).expect("our own document is read in a test");
    let jurisdiction = own.jurisdiction();
    let seed = jurisdiction
        .demonstration
        .as_ref()
        .expect("our own jurisdiction is a demonstration")
        .seed;
    let mut import = Import {
        connection,
        clock,
        dry_run: false,
        progress: &mut |_, _| {},
    };
    let zips = import.zips(zip_file::read(ZIPS, NO_LIMITS))?;
    let clinics = import.clinics(clinics(seed, &jurisdiction.zone))?;
    for text in DOCUMENTS.into_iter().chain([JURISDICTION]) {
        import.document(text)?;
    }
    Ok(Standing::Loaded {
        clinics: added(&clinics),
        zips: added(&zips),
    })
}

/// How things stand, unless there is something to load.
fn found(connection: &mut Connection) -> Result<Option<Standing>, Broken> {
    let mut tx = connection.begin_read()?;
    if records::document::all(&mut tx)?
        .iter()
        .any(|document| document.kind == "jurisdiction")
    {
        let is_demonstration = read_rules(&mut tx)?.jurisdiction().demonstration.is_some();
        return Ok(Some(if is_demonstration {
            Standing::WasThere
        } else {
            Standing::NotADemonstration
        }));
    }
    let own = records::clinic::all(&mut tx)?
        .iter()
        .any(|clinic| !clinic.demonstration);
    Ok(own.then_some(Standing::NotADemonstration))
}

fn added(report: &Report) -> u64 {
    assert!(
        report.errors.is_empty(),
        "our own files are read in a test: {:?}",
        report.errors
    );
    report.added
}

fn clinics(seed: u64, zone: &Zone) -> super::table_file::FileRead<Clinic> {
    let mut file = clinic_file::read(CLINICS, zone, NO_LIMITS);
    for (_, clinic) in &mut file.rows {
        make_up(clinic, seed);
    }
    file
}

/// Fills in what the source lacks and says so.
fn make_up(clinic: &mut Clinic, seed: u64) {
    clinic.demonstration = true;
    // No source says what is offered when: sessions are made for every clinic.
    clinic.made = vec!["products".to_owned(), "sessions".to_owned()];
    if clinic.hours.is_none() {
        clinic.hours = Some(opening_hours_text(seed, clinic.id));
        clinic.made.push("hours".to_owned());
    }
    if clinic.phone.is_none() {
        clinic.phone = Some(phone(seed, clinic.id));
        clinic.made.push("phone".to_owned());
    }
}
