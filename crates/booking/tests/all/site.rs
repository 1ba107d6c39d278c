//! A small jurisdiction with a running engine, for tests: two clinics, a day of flu and one of MMR.

use base::answer::Fault;
use base::id::{AppointmentId, ClinicId, HoldId, SessionId, SlotId};
use base::limit::Settings;
use base::time::{Timestamp, Zone, parse_date};
use booking::engine::{
    Ask, BookingRequest, Done, Engine, KeyedRequest, Render, Rendered, Reply, Start, StartError, Verdict,
};
use booking::records;
use booking::role::resident::Resident;
use database::Database;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use scheduling::clinic::location::Clinic;
use scheduling::clinic::session::Session;
use scheduling::clinic::slot::{Slot, slot_id};
use scheduling::resident::eligibility::Answers;
use scheduling::resident::person::Person;
use scheduling::rules::product::Cvx;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub const FLU: i64 = 140;
pub const MMR: i64 = 3;

static NAMES: AtomicU64 = AtomicU64::new(0);

/// A database that no other test has: in memory, or on PostgreSQL where `EVENKEEL_ENGINE` says so.
pub fn fresh() -> Database {
    if std::env::var("EVENKEEL_ENGINE").is_ok_and(|engine| engine == "postgres") {
        return postgres();
    }
    Database::memory(&format!("site-{}", NAMES.fetch_add(1, Ordering::Relaxed)))
}

/// A new database on the PostgreSQL that the tests were given.
pub fn postgres() -> Database {
    let n = NAMES.fetch_add(1, Ordering::Relaxed);
    let url = std::env::var("EVENKEEL_POSTGRES").expect(
        "EVENKEEL_POSTGRES names no PostgreSQL: run `cargo xtask test unit`, or `cargo xtask postgres` beside this",
    );
    let made = database::postgres::make_rehearsal(&url, &format!("booking_{}_{n}", std::process::id()));
    Database::postgres(&made.unwrap()).unwrap()
}

pub struct Site {
    pub engine: Engine,
    pub resident: Resident,
    pub clock: Clock,
    pub database: Database,
    pub slots: Vec<SlotId>,
    pub owner: Owner,
    /// Keeps a database in memory alive.
    _keep: std::sync::Mutex<database::Connection>,
}

/// Flu slots of these capacities, twenty minutes apart, tomorrow; then as many of MMR, and of MMR 28 days later.
pub fn site(capacities: &[u32]) -> Site {
    site_on(fresh(), capacities, "a", Settings::default())
}

pub fn site_on(database: Database, capacities: &[u32], name: &str, settings: Settings) -> Site {
    site_with(database, capacities, name, settings, KeyRing::for_tests()).unwrap()
}

/// On a database that has slots already, with those.
pub fn site_with(
    database: Database,
    capacities: &[u32],
    name: &str,
    settings: Settings,
    keys: KeyRing,
) -> Result<Site, StartError> {
    let clock = Clock::shiftable();
    let mut keep = database.connect().unwrap();
    database::migration::migrate(&mut keep, records::MIGRATIONS, clock.now()).unwrap();
    let slots = match known_slots(&mut keep) {
        known if known.is_empty() => fill(&mut keep, capacities, clock.now()),
        known => known,
    };
    let owner = Owner::new(Shutdown::new());
    let engine = Engine::start(Start {
        database: database.clone(),
        keys,
        clock: clock.clone(),
        entropy: Entropy::real(),
        settings,
        name: name.to_owned(),
        owner: owner.clone(),
    })?;
    Ok(Site {
        resident: Resident::new(engine.clone()),
        engine,
        clock,
        database,
        slots,
        owner,
        _keep: std::sync::Mutex::new(keep),
    })
}

fn known_slots(connection: &mut database::Connection) -> Vec<SlotId> {
    let mut slots = Vec::new();
    let mut tx = connection.begin_read().unwrap();
    records::slot::all(&mut tx, |slot| slots.push(slot.id)).unwrap();
    slots
}

pub fn fill(connection: &mut database::Connection, capacities: &[u32], now: Timestamp) -> Vec<SlotId> {
    let zone = Zone::named("America/New_York").unwrap();
    let mut tx = connection.begin().unwrap();
    let documents = [
        ("products", include_str!("site/products.json")),
        ("rules", include_str!("site/rules.json")),
        ("jurisdiction", include_str!("site/jurisdiction.json")),
    ];
    for (kind, body) in documents {
        let document = records::document::Document {
            kind: kind.to_owned(),
            name: "test".to_owned(),
            version: "1".to_owned(),
            body: body.to_owned(),
        };
        records::document::save(&mut tx, &document, now).unwrap();
    }
    let clinic = ClinicId::from_bits(1);
    records::clinic::save(&mut tx, &test_clinic(clinic, &zone), now).unwrap();
    let mut ids = Vec::new();
    for (group, (product, days)) in [(FLU, 1), (MMR, 1), (MMR, 29)].into_iter().enumerate() {
        let session = SessionId::from_bits(0xABC0 + group as u128);
        // 20 hours on, the test's day is another local day with room for all slots before midnight of any zone.
        let start = now + Duration::from_secs(86_400 * days);
        let date = start.date_in(&zone);
        let row = Session {
            id: session,
            clinic,
            date,
            product: Cvx::from_number(product),
        };
        records::session::insert_new(&mut tx, &row, now).unwrap();
        for (n, capacity) in capacities.iter().enumerate() {
            let starts_at = start + Duration::from_secs(n as u64);
            let slot = Slot {
                id: slot_id(session, starts_at),
                clinic,
                session,
                product: Cvx::from_number(product),
                date: starts_at.date_in(&zone),
                starts_at,
                ends_at: starts_at + Duration::from_secs(1200),
                capacity: *capacity,
                held: 0,
                booked: 0,
            };
            records::slot::insert_new(&mut tx, [&slot]).unwrap();
            ids.push(slot.id);
        }
    }
    tx.commit().unwrap();
    ids
}

fn test_clinic(id: ClinicId, zone: &Zone) -> Clinic {
    Clinic {
        id,
        source_id: "one".to_owned(),
        name: "Town Hall".to_owned(),
        street: None,
        city: Some("Worcester".to_owned()),
        state: Some("MA".to_owned()),
        zip: Some("01602".to_owned()),
        county: None,
        phone: None,
        latitude: Some(42.27),
        longitude: Some(-71.84),
        zone: zone.clone(),
        hours: None,
        notes: None,
        made: Vec::new(),
        demonstration: false,
    }
}

/// What the tests read of an answer: a word, or ids and token, one space between.
pub fn plain() -> Render {
    Arc::new(|verdict: &Verdict<'_>| match verdict {
        Verdict::Done(Done::Held(hold)) => rendered(201, format!("{} {}", hold.id, hold.token)),
        Verdict::Done(Done::Booked(seen)) => {
            let words: Vec<_> = seen.iter().map(|a| format!("{} {}", a.id, a.manage_token)).collect();
            rendered(201, words.join(" "))
        }
        Verdict::Done(Done::Seen(seen)) => rendered(200, format!("{} {}", seen.status.code(), seen.slot.id)),
        Verdict::Done(_) => rendered(204, String::new()),
        Verdict::Refused(refusal) => rendered(409, refusal.code().to_owned()),
        Verdict::Invalid { field, .. } => rendered(422, format!("invalid {field}")),
        Verdict::NotFound => rendered(404, "not-found".to_owned()),
    })
}

fn rendered(status: u16, body: String) -> Rendered {
    Rendered {
        status,
        body: body.into_bytes(),
    }
}

pub fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

/// A person with a telephone of their own number.
pub fn person(number: u32) -> Person {
    Person {
        given_name: format!("Given{number}"),
        family_name: "Family".to_owned(),
        birth_date: parse_date("1980-05-17").unwrap(),
        phone: Some(format!("617-555-{number:04}")),
        email: None,
        language: None,
        needs: Vec::new(),
    }
}

pub fn booking_of(person: Person, slot: Option<SlotId>, dose: u8) -> BookingRequest {
    BookingRequest {
        slot,
        resident: person,
        answers: Answers::default(),
        dose,
    }
}

impl Site {
    pub fn ask(&self, key: &str, body: &str) -> Ask {
        let mut body_hash = [0u8; 32];
        body_hash[..body.len().min(32)].copy_from_slice(&body.as_bytes()[..body.len().min(32)]);
        Ask {
            arrived: self.clock.now(),
            deadline: Duration::from_secs(20),
            key: (!key.is_empty()).then(|| KeyedRequest {
                scope: vec![1],
                key: key.to_owned(),
                body_hash,
            }),
            render: plain(),
        }
    }

    pub async fn hold(&self, slots: &[SlotId]) -> Result<(HoldId, String), String> {
        let reply = self
            .resident
            .place_hold(slots.to_vec(), false, self.ask("", ""))
            .await
            .unwrap();
        let text = text(&reply);
        let (id, token) = text.split_once(' ').ok_or_else(|| text.clone())?;
        Ok((HoldId::parse(id).unwrap(), token.to_owned()))
    }

    pub async fn book_held(
        &self,
        hold: &(HoldId, String),
        bookings: Vec<BookingRequest>,
        key: &str,
    ) -> Result<Reply, Fault> {
        self.resident
            .book(hold.0, &hold.1, bookings, false, self.ask(key, "book"))
            .await
    }

    /// Holds and books one place.
    pub async fn book(&self, slot: SlotId, who: Person, dose: u8) -> Result<(AppointmentId, String), String> {
        let hold = self.hold(&[slot]).await?;
        let reply = self
            .book_held(&hold, vec![booking_of(who, Some(slot), dose)], "")
            .await
            .unwrap();
        let text = text(&reply);
        let (id, token) = text.split_once(' ').ok_or_else(|| text.clone())?;
        Ok((AppointmentId::parse(id).unwrap(), token.to_owned()))
    }

    pub fn free(&self, slot: SlotId) -> u16 {
        self.engine.snapshot().slot(slot).unwrap().1.free
    }

    pub fn verify(&self) -> booking::verify::Report {
        let mut connection = self.database.connect().unwrap();
        booking::verify::verify(&mut connection, Some(self.engine.keys()), &[], Duration::from_secs(30)).unwrap()
    }

    #[track_caller]
    pub fn assert_whole(&self) {
        assert_eq!(self.verify().findings, []);
    }

    pub async fn stop(self) -> Database {
        self.owner.stop_and_join(Duration::from_secs(5)).await;
        self.database
    }
}
