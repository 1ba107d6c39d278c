//! Work that is due is done once, though two servers look for it.

use super::two_with;
use crate::engine::until;
use crate::folder::Folder;
use crate::reconciler::message_delivery::{counts, deliver, distinct, reader, settings};
use crate::sink::Sink;
use crate::site::{Site, on_postgres, person, site_with};
use base::id::ClinicId;
use base::limit::Settings;
use booking::engine::{Engine, Start};
use booking::erasure::{self, Which};
use booking::limit::RESIDENT_RETENTION;
use booking::records;
use booking::records::sealing::COLUMNS;
use booking::sealing;
use database::Database;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::{self, KeyRing};
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// AuditEvents of a kind.
fn events(database: &Database, kind: &str) -> usize {
    let mut connection = database.connect().unwrap();
    let mut count = 0;
    let mut tx = connection.begin_read().unwrap();
    records::audit::all(&mut tx, |link| count += usize::from(link.kind == kind)).unwrap();
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_ends_once() {
    let (a, b) = two_with(&[30], &Settings::default());
    let slot = a.slots[0];
    for _ in 0..10 {
        a.hold(&[slot]).await.unwrap();
        b.hold(&[slot]).await.unwrap();
    }
    for site in [&a, &b] {
        site.clock.shift(Duration::from_secs(3_600)).unwrap();
    }
    until("all places are offered again", || {
        (a.free(slot), b.free(slot)) == (30, 30)
    })
    .await;
    assert_eq!(events(&a.database, "hold-expired"), 20);
    a.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_is_sent_once() {
    let sink = Sink::start().unwrap();
    let (a, b) = two_with(&[64], &settings(&sink));
    for site in [&a, &b] {
        deliver(site);
    }
    for number in 0..20 {
        let site = if number % 2 == 0 { &a } else { &b };
        site.book(a.slots[0], reader(number), 1).await.unwrap();
    }
    until("all messages have ended", || counts(&a) == (0, 0)).await;
    assert_eq!(distinct(&sink.arrived()), (20, 20));
    a.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_of_two_servers_stand_in_one_chain() {
    let (a, b) = two_with(&[64], &Settings::default());
    let mut told = Vec::new();
    for number in 0..12 {
        told.push(a.book(a.slots[0], person(number), 1).await.unwrap());
    }
    for (id, token) in &told {
        for site in [&a, &b] {
            site.resident.see_appointment(*id, token).await.unwrap().unwrap();
        }
    }
    until("all are written", || {
        events(&a.database, "appointment-read-by-link") == 24
    })
    .await;
    a.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_resident_is_erased_once() {
    let mut settings = Settings::default();
    settings.set(&RESIDENT_RETENTION, 8).unwrap();
    let (a, b) = two_with(&[64], &settings);
    for number in 0..30 {
        a.book(a.slots[0], person(number), 1).await.unwrap();
    }
    for site in [&a, &b] {
        site.clock.shift(Duration::from_secs(86_400 * 10)).unwrap();
    }
    let erased = |site: &Site| site.engine.counters().residents_erased.load(Ordering::Relaxed);
    until("all are erased", || erased(&a) + erased(&b) >= 30).await;
    assert_eq!(
        (erased(&a) + erased(&b), events(&a.database, "resident-erased")),
        (30, 30)
    );
    a.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_operator_erases_beside_two_servers_that_do() {
    let (a, b) = two_with(&[64], &Settings::default());
    let mut told = Vec::new();
    for number in 0..8 {
        told.push(a.book(a.slots[0], person(number), 1).await.unwrap().0);
    }
    let (told, database, keys) = (&told, &a.database, a.engine.keys());
    let erased: usize = std::thread::scope(|scope| {
        let one = |_| {
            scope.spawn(move || {
                let mut connection = database.connect().unwrap();
                let now = Clock::real().now();
                let each = told
                    .iter()
                    .map(|id| erasure::erase(&mut connection, keys, Which::Appointment(*id), true, now));
                each.filter(|erased| erased.as_ref().unwrap().as_ref().unwrap().was_there)
                    .count()
            })
        };
        let threads: Vec<_> = (0..3).map(one).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((erased, events(database, "resident-erased")), (8, 8));
    until("both offer the places", || {
        (a.free(a.slots[0]), b.free(b.slots[0])) == (64, 64)
    })
    .await;
    a.assert_whole();
}

/// Two servers with the keys of one folder.
fn two_with_keys() -> (Folder, Site, Site) {
    let (folder, database) = (Folder::new(), on_postgres());
    let dir = folder.path().join("keys");
    let one = |name: &str| {
        let keys = KeyRing::open_or_create(&dir, &Entropy::real()).unwrap();
        site_with(database.clone(), &[700], name, Settings::default(), keys).unwrap()
    };
    let (a, b) = (one("a"), one("b"));
    (folder, a, b)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_value_is_sealed_anew_once() {
    let (folder, a, b) = two_with_keys();
    for number in 0..20 {
        a.book(a.slots[0], person(number), 1).await.unwrap();
    }
    // A commit that began under the old key and has not ended.
    let mut slow = a.database.connect().unwrap();
    let mut tx = slow.begin().unwrap();
    let id = base::id::ResidentId::from_bits(7);
    let old = a
        .engine
        .keys()
        .seal(&Entropy::real(), "resident", "personal", &id.to_bytes(), b"{}");
    let sql = "INSERT INTO resident (id, personal, salt) VALUES ($1, $2, $3)";
    tx.execute(sql, &[(&id.to_bytes()).into(), (&old).into(), (&[0u8; 0]).into()])
        .unwrap();
    secret::rotate(&folder.path().join("keys"), &Entropy::real()).unwrap();
    until("both have the new key", || {
        (a.engine.keys().key_id(), b.engine.keys().key_id()) == (2, 2)
    })
    .await;
    for site in [&a, &b] {
        site.clock.shift(Duration::from_secs(60)).unwrap();
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    tx.commit().unwrap();
    let status = || sealing::status(&mut a.database.connect().unwrap()).unwrap();
    until("all is sealed with the new key", || {
        let now = status();
        let is_done = now.progress.len() == COLUMNS.len() && now.progress.iter().all(|p| p.finished_at.is_some());
        is_done && now.progress.iter().all(|p| p.key == 2)
    })
    .await;
    assert_eq!(
        status().sealed.keys().copied().collect::<Vec<_>>(),
        [2],
        "the late one too"
    );
    let resealed = |site: &Site| site.engine.counters().resealed.load(Ordering::Relaxed);
    assert_eq!(resealed(&a) + resealed(&b), 21, "each value once");
}

#[test]
fn sealing_anew_brings_nobody_back() {
    let database = on_postgres();
    let mut one = database.connect().unwrap();
    database::migration::migrate(&mut one, records::MIGRATIONS, Clock::real().now()).unwrap();
    let (keys, id) = (KeyRing::for_tests(), base::id::ResidentId::from_bits(1));
    let seal = |text: &[u8]| keys.seal(&Entropy::real(), "resident", "personal", &id.to_bytes(), text);
    let mut tx = one.begin().unwrap();
    let sql = "INSERT INTO resident (id, personal, salt) VALUES ($1, $2, $3)";
    tx.execute(
        sql,
        &[(&id.to_bytes()).into(), (&seal(b"{}")).into(), (&[0u8; 0]).into()],
    )
    .unwrap();
    tx.commit().unwrap();
    let mut resealing = database.connect().unwrap();
    let mut tx = resealing.begin().unwrap();
    let values = COLUMNS[0].page(&mut tx, &[], &[0xff; 16], 10).unwrap();
    let mut erasing = one.begin().unwrap();
    records::resident::erase(&mut erasing, id).unwrap();
    erasing.commit().unwrap();
    let written = COLUMNS[0].save(&mut tx, &values[0], &seal(b"{}")).unwrap();
    tx.commit().unwrap();
    assert!(!written);
    let values = COLUMNS[0]
        .page(&mut one.begin_read().unwrap(), &[], &[0xff; 16], 10)
        .unwrap();
    assert!(values[0].bytes.is_empty(), "erased is erased");
}

/// A demonstration of one clinic whose sessions are made up.
fn small_demonstration(database: &Database, clock: &Clock) {
    super::fill_all(database, clock);
    let mut connection = database.connect().unwrap();
    let clinics = records::clinic::all(&mut connection.begin_read().unwrap()).unwrap();
    let mut tx = connection.begin().unwrap();
    let mut made = clinics[0].clone();
    made.id = ClinicId::from_bits(2);
    made.source_id.replace_range(.., "two");
    made.demonstration = true;
    made.made = vec!["sessions".to_owned(), "products".to_owned()];
    records::clinic::save(&mut tx, &made, clock.now()).unwrap();
    let documents = records::document::all(&mut tx).unwrap();
    let mut jurisdiction = documents.into_iter().find(|one| one.kind == "jurisdiction").unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&jurisdiction.body).unwrap();
    body["demonstration"] = serde_json::json!({ "seed": 1, "clinics_as_of": "2021" });
    jurisdiction.body = body.to_string();
    records::document::save(&mut tx, &jurisdiction, clock.now()).unwrap();
    tx.commit().unwrap();
}

#[test]
fn days_are_added_once() {
    let (database, clock) = (on_postgres(), Clock::real());
    small_demonstration(&database, &clock);
    let start = |name: &str| Start {
        database: database.clone(),
        keys: KeyRing::for_tests(),
        clock: clock.clone(),
        entropy: Entropy::real(),
        settings: Settings::default(),
        name: name.to_owned(),
        owner: Owner::new(Shutdown::new()),
    };
    let engines: Vec<Engine> = std::thread::scope(|scope| {
        let threads: Vec<_> = ["a", "b", "c"]
            .map(|name| scope.spawn(|| Engine::start(start(name)).unwrap()))
            .into();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut connection = database.connect().unwrap();
    let mut days: BTreeMap<base::time::Date, usize> = BTreeMap::new();
    let mut tx = connection.begin_read().unwrap();
    records::slot::all(&mut tx, |slot| {
        if slot.clinic == ClinicId::from_bits(2) {
            *days.entry(slot.date).or_default() += 1;
        }
    })
    .unwrap();
    drop(tx);
    assert!(days.len() > 7, "{days:?}");
    let published: u32 = {
        let mut count = 0;
        let mut tx = connection.begin_read().unwrap();
        let of = |link: records::audit::Link| {
            count += if link.kind == "sessions-published" {
                link.count
            } else {
                0
            }
        };
        records::audit::all(&mut tx, of).unwrap();
        count
    };
    let mut sessions = 0;
    let mut tx = connection.begin_read().unwrap();
    tx.query(
        "SELECT id FROM session WHERE clinic = $1",
        &[(&ClinicId::from_bits(2).to_bytes()).into()],
        |_| sessions += 1,
    )
    .unwrap();
    drop(tx);
    assert_eq!(published, sessions, "each is told of once");
    let report = booking::verify::verify(&mut connection, None, &[], Duration::from_secs(30)).unwrap();
    assert_eq!(report.findings, []);
    drop(engines);
}
