//! A jurisdiction moves while people book: nobody writes after the pause, and until it is confirmed it can be undone.

use super::backup::Folder;
use crate::site::{Site, on_postgres as postgres, person, site_on, site_with};
use base::answer::Fault;
use base::limit::Settings;
use booking::engine::StartError;
use booking::exchange::relocation::{Move, Moved, Part, RelocationError};
use booking::records;
use database::Database;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(120);

fn on(_: Part, _: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn run(moving: &Move<'_>) -> Result<Moved, RelocationError> {
    moving.run(&KeyRing::for_tests(), &Entropy::real(), GRACE, &mut on)
}

/// From a file to PostgreSQL, and the other way.
async fn both_ways(folder: &Folder, story: impl AsyncFn(Site, Database)) {
    let file = |name: &str| Database::file(&folder.0.join(name));
    for (from, to) in [(file("from.sqlite"), postgres()), (postgres(), file("to.sqlite"))] {
        let site = site_on(from, &[9, 9], "a", Settings::default());
        site.book(site.slots[0], person(1), 1).await.unwrap();
        story(site, to).await;
    }
}

async fn is_paused(site: &Site) -> bool {
    let ask = site.ask("", "");
    match site.resident.place_hold(vec![site.slots[1]], false, ask).await {
        Ok(reply) => {
            assert_eq!(reply.status, 201);
            false
        }
        Err(fault) => {
            assert_eq!(fault, Fault::ReadOnly);
            true
        }
    }
}

fn start(database: &Database) -> Result<Site, StartError> {
    site_with(database.clone(), &[], "a", Settings::default(), KeyRing::for_tests())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn confirmed_the_new_one_is_in_force_and_the_old_one_never_again() {
    let folder = Folder::new();
    both_ways(&folder, async |site, to| {
        let hold = site.hold(&[site.slots[0]]).await.unwrap();
        let clock = Clock::real();
        let moving = Move {
            from: &site.database,
            to: &to,
            clock: &clock,
        };
        assert!(matches!(moving.confirm(), Err(RelocationError::Refused(_))));
        let done = run(&moving).unwrap();
        assert_eq!((done.verified.appointments, done.chains), (1, 1));
        assert!(is_paused(&site).await);

        // It may be looked at before: people find, and nobody books.
        let new = start(&to).unwrap();
        assert_eq!(new.free(site.slots[0]), 7);
        assert!(is_paused(&new).await);
        let twice = run(&moving).unwrap_err();
        assert!(twice.to_string().contains("confirm or undo"), "{twice}");

        moving.confirm().unwrap();
        moving.confirm().unwrap();
        assert!(!is_paused(&new).await && is_paused(&site).await);
        let booking = vec![crate::site::booking_of(person(2), Some(site.slots[0]), 1)];
        let booked = new.book_held(&hold, booking, "a-key-of-someone").await.unwrap();
        assert_eq!(booked.status, 201);
        new.assert_whole();
        assert!(matches!(moving.undo(), Err(RelocationError::Refused(_))));
        let old = site.stop().await;
        assert!(matches!(start(&old), Err(StartError::NotServed(_))));
        new.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undone_the_old_one_goes_on_and_the_new_one_is_empty() {
    let folder = Folder::new();
    both_ways(&folder, async |site, to| {
        let hold = site.hold(&[site.slots[0]]).await.unwrap();
        let expires = |site: &Site| {
            let mut connection = site.database.connect_beside().unwrap();
            let mut tx = connection.begin_read().unwrap();
            records::hold::load(&mut tx, hold.0).unwrap().unwrap().expires_at
        };
        let before = expires(&site);
        let clock = Clock::shiftable();
        let moving = Move {
            from: &site.database,
            to: &to,
            clock: &clock,
        };
        assert_eq!(moving.undo().unwrap(), None);
        run(&moving).unwrap();
        clock.shift(Duration::from_secs(60)).unwrap();
        let paused = moving.undo().unwrap().unwrap();
        assert!(paused >= Duration::from_secs(60), "{paused:?}");
        assert!(
            expires(&site).since(before) >= paused,
            "nobody's hold runs out in a pause"
        );
        assert!(!is_paused(&site).await);
        assert_eq!(moving.undo().unwrap(), Some(Duration::ZERO));
        // Nobody takes what is left there for an ordinary database.
        assert!(matches!(start(&to), Err(StartError::NotServed(_))));
        // It may begin anew, with what came since.
        site.book(site.slots[1], person(3), 1).await.unwrap();
        assert_eq!(run(&moving).unwrap().verified.appointments, 2);
        moving.undo().unwrap();
        site.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_lifts_the_pause_and_goes_on_where_it_was() {
    let folder = Folder::new();
    both_ways(&folder, async |site, to| {
        let clock = Clock::real();
        let moving = Move {
            from: &site.database,
            to: &to,
            clock: &clock,
        };
        for at in [Part::Bulk, Part::Rest, Part::Comparing] {
            let stopped = moving.run(&KeyRing::for_tests(), &Entropy::real(), GRACE, &mut |part, _, _| {
                if part == at {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert_eq!(stopped.unwrap_err().to_string(), "stopped");
            assert!(!is_paused(&site).await, "{at:?}");
            assert!(matches!(moving.confirm(), Err(RelocationError::Refused(_))));
            assert!(matches!(start(&to), Err(StartError::NotServed(_))));
        }
        run(&moving).unwrap();
        moving.confirm().unwrap();
        site.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_with_data_and_other_keys_are_refused() {
    let folder = Folder::new();
    both_ways(&folder, async |site, to| {
        let other = site_on(to, &[1], "a", Settings::default());
        let clock = Clock::real();
        let moving = Move {
            from: &site.database,
            to: &other.database,
            clock: &clock,
        };
        let refused = run(&moving).unwrap_err();
        assert!(refused.to_string().contains("there is data in"), "{refused}");
        assert!(!is_paused(&site).await && !is_paused(&other).await);
        let keys = KeyRing::open_or_create(&folder.0.join("other-keys"), &Entropy::real()).unwrap();
        let refused = moving.run(&keys, &Entropy::real(), GRACE, &mut on).unwrap_err();
        assert!(matches!(refused, RelocationError::WrongKeys(_)));
        other.stop().await;
        site.stop().await;
    })
    .await;
}

/// Bookings at all times: each that was acknowledged is in the new database, none after the pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_committed_after_the_pause() {
    let folder = Folder::new();
    both_ways(&folder, async |site, to| {
        let clock = Clock::real();
        let (database, new) = (site.database.clone(), to.clone());
        let work = tokio::task::spawn_blocking(move || {
            let moving = Move {
                from: &database,
                to: &new,
                clock: &clock,
            };
            run(&moving).map(|done| done.rows)
        });
        let mut holds = Vec::new();
        let refused = loop {
            let ask = site.ask("", "");
            match site.resident.place_hold(vec![site.slots[1]], false, ask).await {
                Ok(reply) if reply.status == 201 => holds.push(crate::site::text(&reply)),
                Ok(_) if work.is_finished() => break Fault::ReadOnly,
                Ok(reply) => {
                    // All places are held: give one back.
                    let Some(text) = holds.pop() else {
                        panic!("{}", crate::site::text(&reply))
                    };
                    let (id, token) = text.split_once(' ').unwrap();
                    let id = base::id::HoldId::parse(id).unwrap();
                    if let Err(fault) = site.resident.give_back_hold(id, token, site.ask("", "")).await {
                        holds.push(text);
                        break fault;
                    }
                }
                Err(fault) => break fault,
            }
        };
        assert_eq!(refused, Fault::ReadOnly);
        work.await.unwrap().unwrap();
        let mut connection = to.connect_read_only().unwrap();
        let mut tx = connection.begin_read().unwrap();
        for text in &holds {
            let id = base::id::HoldId::parse(text.split_once(' ').unwrap().0).unwrap();
            assert!(
                records::hold::load(&mut tx, id).unwrap().is_some(),
                "{id} was acknowledged"
            );
        }
        drop(tx);
        Move {
            from: &site.database,
            to: &to,
            clock: &Clock::real(),
        }
        .confirm()
        .unwrap();
        site.stop().await;
    })
    .await;
}

/// Who writes without looking for a pause: what is never committed, what has a database to itself, and the move.
const MAY: [&str; 7] = [
    "committer.rs",
    "committer/save.rs",
    "exchange/copy.rs",
    "exchange/relocation.rs",
    "exchange/restore.rs",
    "move_pause.rs",
    "reconciler/resealing.rs",
];

#[test]
fn every_writer_looks_for_the_pause() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![sources.clone()], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path).unwrap().contains(".begin()") {
                found.insert(path.strip_prefix(&sources).unwrap().display().to_string());
            }
        }
    }
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, MAY, "a writing transaction begins with `move_pause::begin`");
}
