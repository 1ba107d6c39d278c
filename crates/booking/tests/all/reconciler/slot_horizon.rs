//! The demonstration on a real database: loaded once, filled for fourteen days, never changed.

use crate::site::fresh;
use base::id::{ClinicId, SlotId};
use base::limit::Settings;
use base::time::{Date, Timestamp, Zone, add_days};
use booking::engine::{Engine, Start};
use booking::exchange::demo::{Standing, ensure};
use booking::records;
use database::{Connection, Database};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use scheduling::clinic::location::Clinic;
use scheduling::clinic::slot::Slot;
use scheduling::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn slots(connection: &mut Connection) -> BTreeMap<SlotId, Slot> {
    let mut slots = BTreeMap::new();
    let mut tx = connection.begin_read().unwrap();
    records::slot::all(&mut tx, |slot| {
        slots.insert(slot.id, slot);
    })
    .unwrap();
    slots
}

fn clinics(connection: &mut Connection) -> Vec<Clinic> {
    records::clinic::all(&mut connection.begin_read().unwrap()).unwrap()
}

fn rules(connection: &mut Connection) -> Rules {
    let documents = records::document::all(&mut connection.begin_read().unwrap()).unwrap();
    Rules::from_documents(
        documents
            .iter()
            .map(|d| (d.kind.as_str(), d.name.as_str(), d.body.as_str())),
    )
    .unwrap()
}

fn dates(slots: &BTreeMap<SlotId, Slot>) -> Vec<Date> {
    slots
        .values()
        .map(|slot| slot.date)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn assert_whole(connection: &mut Connection) {
    let report = booking::verify::verify(connection, None, &[], Duration::from_secs(30)).unwrap();
    assert_eq!(report.findings, []);
}

fn today(now: Timestamp) -> Date {
    now.date_in(&Zone::named("America/New_York").unwrap())
}

fn engine(database: &Database, clock: &Clock, owner: &Owner) -> Engine {
    Engine::start(Start {
        database: database.clone(),
        keys: KeyRing::for_tests(),
        clock: clock.clone(),
        entropy: Entropy::real(),
        settings: Settings::default(),
        name: "a".to_owned(),
        owner: owner.clone(),
    })
    .unwrap()
}

#[test]
fn the_demonstration_is_loaded_once_and_offers_every_clinic() {
    let (database, clock) = (fresh(), Clock::real());
    let mut connection = database.connect().unwrap();
    let first = ensure(&database, &clock).unwrap();
    assert_eq!(
        first.standing,
        Standing::Loaded {
            clinics: 452,
            zips: 4_432
        }
    );
    assert!((90_000..=110_000).contains(&first.filled.slots), "{first:?}");

    let (rules, slots, clinics) = (rules(&mut connection), slots(&mut connection), clinics(&mut connection));
    assert_eq!(slots.len(), first.filled.slots as usize);
    assert_eq!((dates(&slots).len(), dates(&slots)[0]), (14, today(clock.now())));
    let mut days: BTreeMap<(ClinicId, Date), bool> = BTreeMap::new();
    for slot in slots.values() {
        *days.entry((slot.clinic, slot.date)).or_default() |= rules.is_for_any_adult(slot.product, slot.date);
    }
    assert!(
        days.values().all(|offered| *offered),
        "each open day has something for any adult"
    );
    assert_eq!(
        days.keys().map(|(clinic, _)| clinic).collect::<BTreeSet<_>>().len(),
        452
    );
    assert!(
        clinics
            .iter()
            .all(|clinic| clinic.demonstration && clinic.phone.as_ref().unwrap().starts_with("617-555-01"))
    );
    assert!(
        clinics
            .iter()
            .all(|clinic| clinic.made == ["products", "sessions", "hours", "phone"])
    );
    assert_eq!(clinics.iter().filter(|clinic| clinic.zip.is_none()).count(), 5);
    assert_eq!(clinics.iter().filter(|clinic| clinic.latitude.is_none()).count(), 1);
    assert_whole(&mut connection);

    let again = ensure(&database, &clock).unwrap();
    assert_eq!(
        (again.standing, again.filled.slots, again.filled.sessions),
        (Standing::WasThere, 0, 0)
    );
}

#[test]
fn a_clinic_that_somebody_imported_gets_no_invented_times() {
    let (database, clock) = (fresh(), Clock::real());
    let mut connection = database.connect().unwrap();
    ensure(&database, &clock).unwrap();
    let mut own = clinics(&mut connection)[0].clone();
    (own.id, own.source_id, own.made) = (ClinicId::from_bits(7), "own".to_owned(), Vec::new());
    let mut tx = connection.begin().unwrap();
    records::clinic::save(&mut tx, &own, clock.now()).unwrap();
    tx.commit().unwrap();
    let again = ensure(&database, &clock).unwrap();
    assert_eq!(again.filled.slots, 0);
    assert!(slots(&mut connection).values().all(|slot| slot.clinic != own.id));
}

#[test]
fn two_that_start_at_once_write_one_demonstration() {
    let (database, clock) = (fresh(), Clock::real());
    let mut connection = database.connect().unwrap();
    database::migration::migrate(&mut connection, records::MIGRATIONS, clock.now()).unwrap();
    let added: u32 = std::thread::scope(|scope| {
        let two = [(); 2].map(|()| scope.spawn(|| ensure(&database, &clock).unwrap()));
        two.into_iter().map(|one| one.join().unwrap().filled.slots).sum()
    });
    assert_eq!(slots(&mut connection).len(), added as usize);
    assert_eq!(clinics(&mut connection).len(), 452);
    assert_whole(&mut connection);
}

#[test]
fn an_installation_of_somebodys_own_is_left_alone() {
    let (database, clock) = (fresh(), Clock::real());
    let mut connection = database.connect().unwrap();
    database::migration::migrate(&mut connection, records::MIGRATIONS, clock.now()).unwrap();
    let document = records::document::Document {
        kind: "jurisdiction".to_owned(),
        name: "jurisdiction".to_owned(),
        version: "1".to_owned(),
        body: include_str!("../site/jurisdiction.json").to_owned(),
    };
    let mut tx = connection.begin().unwrap();
    records::document::save(&mut tx, &document, clock.now()).unwrap();
    tx.commit().unwrap();
    assert_eq!(ensure(&database, &clock).unwrap().standing, Standing::NotADemonstration);
    assert_eq!((clinics(&mut connection).len(), slots(&mut connection).len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_midnight_a_day_is_added_and_nothing_is_changed() {
    let (database, clock) = (fresh(), Clock::shiftable());
    let mut connection = database.connect().unwrap();
    ensure(&database, &clock).unwrap();
    let before = slots(&mut connection);
    let owner = Owner::new(Shutdown::new());
    let engine = engine(&database, &clock, &owner);
    assert_eq!(
        slots(&mut connection),
        before,
        "a start with a full calendar adds nothing"
    );

    clock.shift(Duration::from_secs(86_400)).unwrap();
    let new_day = add_days(today(clock.now()), 13);
    let deadline = clock.monotonic() + Duration::from_secs(30);
    let seen = |engine: &Engine| {
        let snapshot = engine.snapshot();
        let last = snapshot
            .clinics()
            .iter()
            .filter_map(|one| one.slots.last())
            .map(|slot| today(slot.starts_at))
            .max();
        last == Some(new_day)
    };
    while !seen(&engine) && clock.monotonic() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(seen(&engine), "the snapshot shows the new day");
    owner.stop_and_join(Duration::from_secs(5)).await;
    let after = slots(&mut connection);
    assert_eq!(dates(&after).last(), Some(&new_day));
    assert_eq!(dates(&after).len(), 15, "yesterday's rows stay");
    assert!(before.iter().all(|(id, slot)| after.get(id) == Some(slot)));
    assert_whole(&mut connection);
}
