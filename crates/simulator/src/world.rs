//! The small jurisdiction of every run: three clinics in two zones, four products, so few places that people meet, and
//! slots that begin while people are still deciding. Published through the real import. What the rules here say is said
//! a second time, in other words, in `model::rules`.

use base::limit::Settings;
use base::time::{Date, Time, Timestamp, Zone, parse_date};
use booking::exchange::import::{Import, ImportError};
use booking::exchange::session_file::SessionRow;
use booking::exchange::table_file::FileRead;
use booking::limit;
use database::Connection;
use runtime::clock::Clock;
use scheduling::clinic::location::{Clinic, clinic_id};
use scheduling::rules::product::Cvx;

use crate::chance::Chance;

/// A yearly dose.
pub const FLU: i64 = 140;
/// Two doses, 28 days apart; asks for allergies.
pub const MMR: i64 = 3;
/// The same series as [`MMR`], which must not be mixed.
pub const MMRV: i64 = 94;
/// Only from 9 to 45 years.
pub const HPV: i64 = 165;

const DOCUMENTS: [&str; 3] = [
    include_str!("world/products.json"),
    include_str!("world/rules.json"),
    include_str!("world/questions.json"),
];
/// Somebody's own jurisdiction, without a mail server: nobody is written to.
const OWN: &str = include_str!("world/jurisdiction.json");
/// A demonstration: whoever gives an address is written to, into the outbox.
const DEMONSTRATION: &str = include_str!("world/demonstration.json");

/// When every run begins: eight in the morning in New York.
pub fn beginning() -> Timestamp {
    Timestamp::parse("2026-11-03T13:00:00Z").expect("an instant of our own")
}

/// The numbers of a run: bounds are tried as well as defaults.
pub fn settings(chance: &Chance) -> Settings {
    let mut settings = Settings::default();
    let mut draw = |setting, values: &[u64]| {
        let value = *chance.pick(values).expect("values to choose from");
        settings.set(setting, value).expect("a value within its bounds");
    };
    draw(&limit::HOLD_LIFETIME, &[60, 180, 600]);
    draw(&limit::HOLD_GRACE, &[0, 5, 30]);
    draw(&limit::HOLD_EXTENSIONS, &[10, 12]);
    draw(&limit::BATCH, &[1, 3, 256]);
    draw(&limit::QUEUE, &[64, 4_096]);
    draw(&limit::OUTCOME_RETENTION, &[3_600, 86_400]);
    draw(&limit::CHANGES_KEPT, &[100, 10_000]);
    draw(&limit::LINK_LASTS, &[3_600, 86_400]);
    draw(&limit::LINKS_SHARED, &[1, 2, 3]);
    settings
}

fn clinic(source_id: &str, zone: &str) -> Clinic {
    Clinic {
        id: clinic_id(source_id),
        source_id: source_id.to_owned(),
        name: format!("Clinic {source_id}"),
        street: None,
        city: None,
        state: None,
        zip: None,
        county: None,
        phone: None,
        latitude: None,
        longitude: None,
        zone: Zone::named(zone).expect("a zone of the embedded data"),
        hours: None,
        notes: None,
        made: Vec::new(),
        demonstration: false,
    }
}

fn session(
    clinic: &str,
    date: &str,
    product: i64,
    (from, to): ((i8, i8), (i8, i8)),
    minutes: u32,
    capacity: u32,
) -> SessionRow {
    SessionRow {
        clinic: clinic.to_owned(),
        date: day(date),
        product: Cvx::from_number(product),
        start: Time::constant(from.0, from.1, 0, 0),
        end: Time::constant(to.0, to.1, 0, 0),
        slot_minutes: minutes,
        capacity,
    }
}

fn day(text: &str) -> Date {
    parse_date(text).expect("a date of our own")
}

/// What is published before anybody comes. The days of MMR lie 2, 27, 28 and 30 days behind the first.
fn first_sessions() -> Vec<SessionRow> {
    let today = "2026-11-03";
    vec![
        session("north", today, FLU, ((8, 5), (9, 25)), 8, 2),
        session("south", today, HPV, ((8, 10), (9, 40)), 15, 1),
        session("north", today, MMR, ((8, 20), (9, 20)), 12, 2),
        session("west", today, FLU, ((8, 0), (9, 0)), 20, 1),
        session("west", "2026-11-04", FLU, ((9, 0), (9, 40)), 20, 3),
        session("west", "2026-11-04", FLU, ((10, 0), (10, 40)), 20, 5),
        session("north", "2026-11-05", MMRV, ((9, 0), (9, 40)), 20, 2),
        session("south", "2026-11-05", MMR, ((9, 0), (9, 40)), 20, 1),
        session("south", "2026-11-30", MMR, ((9, 0), (9, 40)), 20, 1),
        session("south", "2026-12-01", MMR, ((9, 0), (10, 0)), 20, 2),
        session("north", "2026-12-03", MMRV, ((9, 0), (9, 40)), 20, 1),
    ]
}

/// What operators publish later: the `n`-th time, one session more.
pub fn later_session(n: u32, chance: &Chance) -> SessionRow {
    let (date, product) = *chance
        .pick(&[
            ("2026-11-04", FLU),
            ("2026-11-04", MMR),
            ("2026-12-02", MMR),
            ("2026-11-04", HPV),
        ])
        .expect("sessions to choose from");
    let clinic = *chance
        .pick(&["north", "south", "west"])
        .expect("clinics to choose from");
    let hour = 10 + (n % 8) as i8;
    session(
        clinic,
        date,
        product,
        ((hour, 0), (hour, 30)),
        15,
        chance.between(1, 2) as u32,
    )
}

fn file<T>(rows: Vec<T>) -> FileRead<T> {
    FileRead {
        rows: rows
            .into_iter()
            .enumerate()
            .map(|(n, row)| (n as u64 + 2, row))
            .collect(),
        errors: Vec::new(),
    }
}

fn import<'c>(connection: &'c mut Connection, clock: &'c Clock, progress: &'c mut dyn FnMut(u64, u64)) -> Import<'c> {
    Import {
        connection,
        clock,
        dry_run: false,
        progress,
    }
}

/// Publishes sessions, as an operator does with a file.
pub fn publish(connection: &mut Connection, clock: &Clock, rows: Vec<SessionRow>) -> Result<(), ImportError> {
    let report = import(connection, clock, &mut |_, _| {}).sessions(&file(rows))?;
    assert!(
        report.errors.is_empty(),
        "our own sessions are right: {:?}",
        report.errors
    );
    Ok(())
}

/// Fills an empty database of the current schema.
pub fn fill(connection: &mut Connection, clock: &Clock, sends_mail: bool) -> Result<(), ImportError> {
    let jurisdiction = if sends_mail { DEMONSTRATION } else { OWN };
    for text in DOCUMENTS.into_iter().chain([jurisdiction]) {
        import(connection, clock, &mut |_, _| {}).document(text)?;
    }
    let clinics = vec![
        clinic("north", "America/New_York"),
        clinic("south", "America/New_York"),
        clinic("west", "America/Chicago"),
    ];
    import(connection, clock, &mut |_, _| {}).clinics(file(clinics))?;
    publish(connection, clock, first_sessions())
}
