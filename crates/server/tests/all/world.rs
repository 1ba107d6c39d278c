//! What the test site has: four clinics, two vaccines, the rules of one authority, five weeks of times.

use base::id::{ClinicId, SessionId};
use base::time::{Date, Time, Timestamp, Zone, add_days};
use booking::records;
use booking::records::document::Document;
use booking::records::zip::Zip;
use database::{Broken, Connection, Transaction};
use scheduling::clinic::location::Clinic;
use scheduling::clinic::session::Session;
use scheduling::clinic::slot::{Slot, slot_id};
use scheduling::rules::product::Cvx;

/// Where the clinics are.
pub const ZONE: &str = "America/New_York";
/// The clinic with most of the times.
pub const WORCESTER: ClinicId = ClinicId::from_bits(1);
/// The clinic with a single time.
pub const AIRPORT: ClinicId = ClinicId::from_bits(3);

const DOCUMENTS: [(&str, &str); 4] = [
    (
        "jurisdiction",
        r#"{"name":"Test Health Department","zone":"America/New_York","phone":"555-0100","languages":["en"],
            "demonstration":null,"authorities":{"*":"CDC"}}"#,
    ),
    (
        "products",
        r#"{"version":"1","products":[
            {"cvx":"03","name":"MMR","group":"MMR","group_name":"Measles, mumps and rubella"},
            {"cvx":"141","name":"Influenza","group":"FLU","group_name":"Flu"}]}"#,
    ),
    (
        "rules",
        r#"{"authority":"CDC","version":"1","effective_from":"2000-01-01","series":{
            "MMR":{"paths":[{"name":"all","doses":[
                {"min_age":"12 months"},{"min_age":"13 months","min_interval":"28 days"}]}]}}}"#,
    ),
    (
        "questions",
        r#"{"version":"q1","effective_from":"2000-01-01","questions":[
            {"id":"pregnant","text":"Are you pregnant?","kind":"yes_no","products":["03"]},
            {"id":"source","text":"How did you hear of us?","kind":"choice",
             "options":[{"value":"radio","text":"Radio"},{"value":"friend","text":"A friend"}]},
            {"id":"last_dose","text":"When was your last dose?","kind":"date"}],
            "conditions":[{"products":["03"],"question":"pregnant","refuse_if":"yes","reason":"Not while pregnant."}]}"#,
    ),
];

/// Writes it all.
pub fn fill(connection: &mut Connection, now: Timestamp) -> Result<(), Broken> {
    let mut tx = connection.begin()?;
    for (kind, body) in DOCUMENTS {
        let document = Document {
            kind: kind.into(),
            name: "CDC".into(),
            version: "1".into(),
            body: body.into(),
        };
        records::document::save(&mut tx, &document, now)?;
    }
    for (zip, latitude, longitude) in [("01602", 42.2700, -71.8400), ("02108", 42.3576, -71.0684)] {
        let zip = Zip {
            zip: zip.into(),
            city: "Town".into(),
            state: "MA".into(),
            latitude,
            longitude,
        };
        records::zip::save(&mut tx, [&zip])?;
    }
    for (n, name, zip, place) in [
        (1, "Worcester Clinic", Some("01608"), Some((42.2626, -71.8023))),
        (2, "Boston Clinic", Some("02108"), Some((42.3601, -71.0589))),
        (3, "Airport Clinic", Some("02128"), Some((42.3656, -71.0096))),
        (4, "Clinic Without Place", None, None),
    ] {
        records::clinic::save(&mut tx, &clinic(n, name, zip, place), now)?;
    }
    publish(&mut tx, now)?;
    tx.commit().expect("a first commit");
    Ok(())
}

/// Adds a vaccine of the same series for people under thirteen: at Worcester at eleven, and alone at a clinic of its own.
pub fn fill_for_children(connection: &mut Connection, now: Timestamp) -> Result<(), Broken> {
    let mut tx = connection.begin()?;
    let documents = [
        (
            "products",
            r#"{"version":"2","products":[
                {"cvx":"03","name":"MMR","group":"MMR","group_name":"Measles, mumps and rubella"},
                {"cvx":"94","name":"MMRV","group":"MMR","group_name":"Measles, mumps and rubella"},
                {"cvx":"141","name":"Influenza","group":"FLU","group_name":"Flu"}]}"#,
        ),
        (
            "rules",
            r#"{"authority":"CDC","version":"2","effective_from":"2000-01-02","series":{
                "MMR":{"products":{"03":{},"94":{"max_age":"13 years"}},"paths":[{"name":"all","doses":[
                    {"min_age":"12 months"},{"min_age":"13 months","min_interval":"28 days"}]}]}}}"#,
        ),
    ];
    for (kind, body) in documents {
        let document = Document {
            kind: kind.into(),
            name: "CDC".into(),
            version: "2".into(),
            body: body.into(),
        };
        records::document::save(&mut tx, &document, now)?;
    }
    let today = now.date_in(&zone());
    for (day, session) in (1..14).zip(1_000..) {
        for (clinic, session) in [(WORCESTER, session), (ClinicId::from_bits(4), session + 100)] {
            let offer = Offer {
                clinic,
                vaccine: "94",
                date: add_days(today, day),
                time: Time::constant(11, 0, 0, 0),
                capacity: 2,
            };
            add(&mut tx, &offer, session, now)?;
        }
    }
    tx.commit().expect("a commit");
    Ok(())
}

fn clinic(n: u128, name: &str, zip: Option<&str>, place: Option<(f64, f64)>) -> Clinic {
    Clinic {
        id: ClinicId::from_bits(n),
        source_id: format!("source-{n}"),
        name: name.into(),
        street: Some("1 Main St".into()),
        city: Some(name.split(' ').next().unwrap_or_default().into()),
        state: Some("MA".into()),
        zip: zip.map(str::to_owned),
        county: None,
        phone: zip.map(|_| "508-555-0142".into()),
        latitude: place.map(|place| place.0),
        longitude: place.map(|place| place.1),
        zone: zone(),
        hours: None,
        notes: None,
        made: Vec::new(),
        demonstration: false,
    }
}

/// The clinics' zone.
pub fn zone() -> Zone {
    Zone::named(ZONE).expect("a zone of the database")
}

fn publish(tx: &mut Transaction<'_>, now: Timestamp) -> Result<(), Broken> {
    let today = now.date_in(&zone());
    let mut sessions = 0;
    let mut offer = |clinic, vaccine, day, hour, minute, capacity| {
        sessions += 1;
        let date = add_days(today, day);
        add(
            tx,
            &Offer {
                clinic,
                vaccine,
                date,
                time: Time::constant(hour, minute, 0, 0),
                capacity,
            },
            sessions,
            now,
        )
    };
    for day in (1..14).chain(45..48) {
        // Two at the same instant, so that the order by id shows.
        offer(WORCESTER, "03", day, 10, 0, 1)?;
        offer(WORCESTER, "03", day, 10, 0, 2)?;
        offer(WORCESTER, "03", day, 10, 20, 3)?;
        offer(ClinicId::from_bits(2), "03", day, 9, 0, 5)?;
    }
    offer(AIRPORT, "141", 3, 8, 0, 1)
}

struct Offer {
    clinic: ClinicId,
    vaccine: &'static str,
    date: Date,
    time: Time,
    capacity: u32,
}

fn add(tx: &mut Transaction<'_>, offer: &Offer, session: u128, now: Timestamp) -> Result<(), Broken> {
    let product = Cvx::parse(offer.vaccine).expect("a CVX code");
    let (id, clinic, date) = (SessionId::from_bits(session << 64 | session), offer.clinic, offer.date);
    records::session::insert_new(
        tx,
        &Session {
            id,
            clinic,
            date,
            product,
        },
        now,
    )?;
    let starts_at = zone().at(date, offer.time);
    let slot = Slot {
        id: slot_id(SessionId::from_bits(session), starts_at),
        clinic,
        session: id,
        product,
        date,
        starts_at,
        ends_at: starts_at + std::time::Duration::from_mins(20),
        capacity: offer.capacity,
        held: 0,
        booked: 0,
    };
    records::slot::insert_new(tx, [&slot]).map(|_| ())
}
