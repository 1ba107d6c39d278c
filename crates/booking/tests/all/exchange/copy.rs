//! Everything of one database into another: the same rows, whatever engines they are, and only what differs.

use super::backup::{Folder, go_on};
use crate::site::{Site, on_postgres as postgres, person, site_on, text};
use base::limit::Settings;
use booking::exchange::backup::artefact::Artefact;
use booking::exchange::backup::{Making, Workplace};
use booking::exchange::copy::{self, CopyFailed};
use booking::exchange::restore::{self, RestoreError};
use booking::records::MIGRATIONS;
use booking::records::copy::{OWN, TABLES};
use database::{Connection, Database};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use std::ops::ControlFlow;
use std::time::Duration;

fn on(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn migrated(database: &Database) -> Connection {
    let mut connection = database.connect().unwrap().patient();
    database::migration::migrate(&mut connection, MIGRATIONS, Clock::real().now()).unwrap();
    connection
}

/// Sites with appointments, on each engine, and an empty database of each for every one of them.
async fn each_way(folder: &Folder, story: impl AsyncFn(Site, Database)) {
    for (n, (from, to)) in [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .enumerate()
    {
        let place = |server: bool, name: &str| {
            if server {
                postgres()
            } else {
                Database::file(&folder.0.join(format!("{name}-{n}.sqlite")))
            }
        };
        let site = site_on(place(from, "from"), &[3, 3], "a", Settings::default());
        for n in 0..3 {
            site.book(site.slots[n % 2], person(n as u32), 1).await.unwrap();
        }
        story(site, place(to, "to")).await;
    }
}

#[test]
fn every_table_is_either_copied_or_a_databases_own() {
    let mut known: Vec<&str> = TABLES.into_iter().chain(OWN).collect();
    known.sort_unstable();
    for database in [Database::memory("every-table"), postgres()] {
        let mut connection = migrated(&database);
        let mut tx = connection.begin_read().unwrap();
        assert_eq!(
            tx.tables().unwrap(),
            known,
            "a new table belongs into one of the two lists"
        );
        for table in TABLES {
            assert!(!tx.key(table).unwrap().is_empty(), "{table} has a primary key");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_holds_the_same_and_brings_what_has_changed_since() {
    let folder = Folder::new();
    each_way(&folder, async |site, to| {
        let (mut from, mut into) = (site.database.connect_beside().unwrap(), migrated(&to));
        assert!(copy::is_empty(&mut into).unwrap());
        let first = copy::bring(&mut from, &mut into, &mut on).unwrap();
        assert_eq!(first.changed, first.content.all_rows());
        assert_eq!(first.content.rows["appointment"], 3);
        copy::compare(&first.content, &mut into, &mut on).unwrap();
        assert!(!copy::is_empty(&mut into).unwrap());

        let again = copy::bring(&mut from, &mut into, &mut on).unwrap();
        assert_eq!((again.changed, &again.content), (0, &first.content));

        // A row more, a row that changed, a row less.
        let (id, token) = site.book(site.slots[0], person(7), 1).await.unwrap();
        copy::bring(&mut from, &mut into, &mut on).unwrap();
        let cancelled = site
            .resident
            .cancel(id, &token, site.ask("cancel-it-please", "c"))
            .await
            .unwrap();
        assert_eq!(cancelled.status, 200, "{}", text(&cancelled));
        let last = copy::bring(&mut from, &mut into, &mut on).unwrap();
        assert!(last.content.rows["live_dose"] < first.content.rows["live_dose"] + 1);
        assert!(last.changed > 0 && last.changed < last.content.all_rows());
        copy::compare(&last.content, &mut into, &mut on).unwrap();
        let differs = copy::compare(&first.content, &mut into, &mut on).unwrap_err();
        assert!(
            matches!(&differs, CopyFailed::Differs(what) if what.contains("appointment")),
            "{differs}"
        );

        copy::empty(&mut into).unwrap();
        assert!(copy::is_empty(&mut into).unwrap());
        site.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_goes_on_from_it() {
    let folder = Folder::new();
    each_way(&folder, async |site, to| {
        let hold = site.hold(&[site.slots[0]]).await.unwrap();
        let booking = || vec![crate::site::booking_of(person(20), Some(site.slots[0]), 1)];
        let told = site.book_held(&hold, booking(), "a-key-of-someone").await.unwrap();
        let words = text(&told);
        let mut into = migrated(&to);
        copy::bring(&mut site.database.connect_beside().unwrap(), &mut into, &mut on).unwrap();
        let code = |connection: &mut Connection| {
            let mut tx = connection.begin_read().unwrap();
            booking::records::appointment::last_code(&mut tx)
                .unwrap()
                .unwrap()
                .stored()
        };
        let last = code(&mut into);

        let other = site_on(to, &[3, 3], "a", Settings::default());
        let again = other.book_held(&hold, booking(), "a-key-of-someone").await.unwrap();
        assert_eq!((again.replayed, text(&again)), (true, words));
        other.book(other.slots[1], person(21), 1).await.unwrap();
        assert!(code(&mut into) > last);
        other.assert_whole();
        other.stop().await;
        site.stop().await;
    })
    .await;
}

/// A clock that ran ahead has given out a number that the present has not reached.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_given_out_is_not_given_out_again_by_the_other_engine() {
    let folder = Folder::new();
    each_way(&folder, async |site, to| {
        let mut from = site.database.connect_beside().unwrap();
        let mut tx = from.begin().unwrap();
        let ahead: i64 = 1 << 40;
        tx.execute("UPDATE appointment SET code = code + $1", &[ahead.into()])
            .unwrap();
        tx.commit().unwrap();
        let mut into = migrated(&to);
        copy::bring(&mut from, &mut into, &mut on).unwrap();
        let other = site_on(to, &[3, 3], "a", Settings::default());
        other.book(other.slots[1], person(21), 1).await.unwrap();
        other.book(other.slots[1], person(22), 1).await.unwrap();
        let mut tx = into.begin_read().unwrap();
        let last = booking::records::appointment::last_code(&mut tx).unwrap().unwrap();
        assert!(last.stored() > ahead, "{last:?}");
        other.stop().await;
        site.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_either_engine_comes_back_into_either() {
    let folder = Folder::new();
    each_way(&folder, async |site, to| {
        let workplace = Workplace::take(&folder.0).unwrap();
        let making = Making {
            database: &site.database,
            keys: &KeyRing::for_tests(),
            clock: &Clock::real(),
            entropy: &Entropy::real(),
            settings: &Settings::default(),
            workplace: &workplace,
        };
        let made = making.make(&mut go_on).unwrap();
        assert_eq!(made.header.rows["appointment"], 3);
        site.stop().await;
        let artefact = Artefact::open(&made.file, &made.name, &mut go_on).unwrap();
        let unpacked = restore::unpack(&artefact, workplace.folder(), Clock::real().now(), &mut go_on).unwrap();
        if to.cluster().is_none() {
            std::fs::copy(&unpacked.file, to.path().unwrap()).unwrap();
        } else {
            restore::refuse_filled(&to).unwrap();
            // The first is stopped amid its work, and leaves a database that nobody is served from.
            let stop = &mut |_, done, _| {
                if done > 0 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            };
            restore::fill(&unpacked, &to, Clock::real().now(), stop).unwrap_err();
            let start = crate::site::site_with(to.clone(), &[], "a", Settings::default(), KeyRing::for_tests());
            assert!(start.err().unwrap().to_string().contains("is not whole"));
            restore::fill(&unpacked, &to, Clock::real().now(), &mut go_on).unwrap();
            let occupied = restore::refuse_filled(&to).unwrap_err();
            assert!(matches!(&occupied, RestoreError::Occupied(place) if place.starts_with("data in postgres://")));
        }
        let report = restore::verify(&to, &KeyRing::for_tests(), Duration::from_secs(120)).unwrap();
        assert_eq!((report.findings.len(), report.appointments), (0, 3));
        let again = site_on(to, &[3, 3], "a", Settings::default());
        again.book(again.slots[1], person(10), 1).await.unwrap();
        again.assert_whole();
        again.stop().await;
    })
    .await;
}
