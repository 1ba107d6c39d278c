//! An import into SQLite: repeated, changed, dry, and beside a running engine.

use super::LIMITS;
use crate::site::fresh;
use base::id::ClinicId;
use base::time::{Zone, date_text, parse_date};
use booking::exchange::import::{Import, ImportError, Report};
use booking::exchange::{clinic_file, session_file, zip_file};
use booking::records;
use database::{Connection, Database};
use runtime::clock::Clock;
use scheduling::clinic::location::clinic_id;

struct Town {
    connection: Connection,
    clock: Clock,
}

const JURISDICTION: &str = r#"{"name":"Town","zone":"America/New_York","phone":"508-555-0100","languages":["en"],"demonstration":null,"authorities":{"*":"us"}}"#;
const PRODUCTS: &str =
    r#"{"version":"1","products":[{"cvx":"140","name":"Flu shot","group":"Influenza","group_name":"Flu"}]}"#;
const RULES: &str = r#"{"authority":"us","version":"1","effective_from":"2026-01-01","series":{"Influenza":{"paths":[{"name":"p","doses":[{"min_age":"6 months"}]}]}}}"#;
const CLINICS: &str = "source_id,name,zip,latitude,longitude\na,Old Mill,02351,42.1,-70.9\nb,Nowhere,,,\n";

fn town(database: &Database) -> Town {
    let (mut connection, clock) = (database.connect().unwrap(), Clock::real());
    database::migration::migrate(&mut connection, records::MIGRATIONS, clock.now()).unwrap();
    Town { connection, clock }
}

impl Town {
    fn import<T>(&mut self, dry_run: bool, work: impl FnOnce(&mut Import<'_>) -> T) -> T {
        let mut progress = |done: u64, total: u64| assert!(done <= total);
        work(&mut Import {
            connection: &mut self.connection,
            clock: &self.clock,
            dry_run,
            progress: &mut progress,
        })
    }
    fn clinics(&mut self, text: &str) -> Report {
        let zone = Zone::named("America/New_York").unwrap();
        self.import(false, |import| {
            import
                .clinics(clinic_file::read(text.as_bytes(), &zone, LIMITS))
                .unwrap()
        })
    }
    fn sessions(&mut self, text: &str) -> Report {
        let today = parse_date("2026-11-24").unwrap();
        self.import(false, |import| {
            import
                .sessions(&session_file::read(text.as_bytes(), today, LIMITS))
                .unwrap()
        })
    }
    fn documents(&mut self) {
        for text in [JURISDICTION, PRODUCTS, RULES] {
            self.import(false, |import| import.document(text).unwrap());
        }
    }
    fn changes(&mut self) -> i64 {
        let rows = records::census::rows(&mut self.connection.begin_read().unwrap()).unwrap();
        rows["change"] as i64
    }
    fn slots(&mut self) -> Vec<scheduling::clinic::slot::Slot> {
        let mut slots = Vec::new();
        records::slot::all(&mut self.connection.begin_read().unwrap(), |slot| slots.push(slot)).unwrap();
        slots
    }
    fn audit_is_whole(&mut self) {
        let mut before = [0; 32];
        let mut count = 0;
        records::audit::all(&mut self.connection.begin_read().unwrap(), |link| {
            count += 1;
            assert_eq!((link.sequence, link.hash), (count, link.hash_after(&before)));
            before = link.hash;
        })
        .unwrap();
        assert_eq!(count, self.changes(), "each commit has its AuditEvent");
    }
}

fn counts(report: &Report) -> (u64, u64, u64) {
    assert_eq!(report.errors, []);
    (report.added, report.changed, report.unchanged)
}

#[test]
fn importing_twice_is_importing_once() {
    let mut town = town(&fresh());
    town.documents();
    assert_eq!(counts(&town.clinics(CLINICS)), (2, 0, 0));
    let changes = town.changes();
    assert_eq!(counts(&town.clinics(CLINICS)), (0, 0, 2));
    assert_eq!(town.changes(), changes, "nothing changed, so nobody is told to look");
    assert_eq!(
        counts(&town.clinics(&CLINICS.replace("Old Mill", "New Mill"))),
        (0, 1, 1)
    );
    let sessions = "clinic,date,vaccine,start,end,slot_minutes,capacity\na,2026-12-01,140,09:00,12:00,20,3\n";
    let first = town.sessions(sessions);
    assert_eq!((counts(&first), first.slots_added), ((1, 0, 0), 9));
    let slots = town.slots();
    assert_eq!(
        (slots.len(), slots[0].capacity, slots[0].clinic),
        (9, 3, clinic_id("a"))
    );
    // What is published stays, whatever a later file says of the same session.
    assert_eq!(counts(&town.sessions(&sessions.replace("20,3", "30,5"))), (0, 0, 1));
    assert_eq!(town.slots(), slots);
    let zips = "zip,city,state,latitude,longitude\n02351,Abington,MA,42.1,-70.9\n";
    for expected in [(1, 0, 0), (0, 0, 1)] {
        let report = town.import(false, |import| {
            import.zips(zip_file::read(zips.as_bytes(), LIMITS)).unwrap()
        });
        assert_eq!(counts(&report), expected);
    }
    town.audit_is_whole();
}

#[test]
fn a_file_with_anything_wrong_changes_nothing() {
    let mut town = town(&fresh());
    town.documents();
    let changes = town.changes();
    assert_eq!(town.clinics("source_id,name\na,A\nb,\n").errors.len(), 1);
    assert_eq!(town.changes(), changes);
    town.clinics(CLINICS);
    let changes = town.changes();
    let report = town.sessions(
        "clinic,date,vaccine,start,end,slot_minutes,capacity\na,2026-12-01,140,09:00,12:00,20,3\nz,2026-12-01,03,09:00,12:00,20,3\n",
    );
    let wrong: Vec<_> = report
        .errors
        .iter()
        .map(|error| (error.line, error.column.as_str(), error.value.as_str()))
        .collect();
    assert_eq!(wrong, [(3, "clinic", "z"), (3, "vaccine", "03")]);
    assert_eq!((town.changes(), town.slots().len()), (changes, 0));
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let mut town = town(&fresh());
    town.documents();
    let (changes, zone) = (town.changes(), Zone::named("America/New_York").unwrap());
    let report = town.import(true, |import| {
        import
            .clinics(clinic_file::read(CLINICS.as_bytes(), &zone, LIMITS))
            .unwrap()
    });
    assert_eq!(counts(&report), (2, 0, 0));
    assert_eq!(town.changes(), changes);
    assert!(
        records::clinic::all(&mut town.connection.begin_read().unwrap())
            .unwrap()
            .is_empty()
    );
}

#[test]
fn documents_are_read_before_they_are_kept_and_a_version_says_one_thing() {
    let mut town = town(&fresh());
    let report = town.import(false, |import| import.document(JURISDICTION).unwrap());
    assert_eq!(
        report.notes,
        [r#"the jurisdiction follows "us", of which there are no rules"#]
    );
    town.documents();
    let error = |town: &mut Town, text: &str| {
        town.import(false, |import| import.document(text))
            .unwrap_err()
            .to_string()
    };
    let changed = RULES.replace("6 months", "7 months");
    assert!(error(&mut town, &changed).contains("give the changed document a new version"));
    town.import(false, |import| {
        import
            .document(&changed.replace(r#""version":"1""#, r#""version":"2""#))
            .unwrap()
    });
    assert!(
        error(&mut town, &RULES.replace("6 months", "6 moons")).contains("/series/Influenza/paths/0/doses/0/min_age")
    );
    assert!(error(&mut town, "[]").contains("expected an object with"));
    assert!(error(&mut town, "{").contains("not JSON"));
    assert!(matches!(
        town.import(false, |import| import.document("{}")),
        Err(ImportError::Unfit(_))
    ));
    let renamed = town.import(false, |import| {
        import.document(&JURISDICTION.replace("Town", "City")).unwrap()
    });
    assert_eq!(renamed.changed, 1);
    town.audit_is_whole();
}

#[test]
fn a_running_server_shows_what_is_imported() {
    let site = crate::site::site(&[1]);
    let mut town = town(&site.database);
    let zone = Zone::named("America/New_York").unwrap();
    let date = date_text(base::time::add_days(town.clock.now().date_in(&zone), 3));
    town.clinics("source_id,name\nnew,Church hall\n");
    let sessions = format!("clinic,date,vaccine,start,end,slot_minutes,capacity\nnew,{date},140,09:00,10:00,20,3\n");
    let today = town.clock.now().date_in(&zone);
    let read = session_file::read(sessions.as_bytes(), today, LIMITS);
    town.import(false, |import| import.sessions(&read).unwrap());
    let id: ClinicId = clinic_id("new");
    let until = town.clock.monotonic() + std::time::Duration::from_secs(5);
    let shown = || site.engine.snapshot().clinic(id).map(|clinic| clinic.slots.len());
    while shown() != Some(3) {
        assert!(town.clock.monotonic() < until, "shown: {:?}", shown());
        town.clock.sleep_blocking(std::time::Duration::from_millis(5));
    }
}
