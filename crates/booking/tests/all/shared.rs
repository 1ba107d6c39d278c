//! Several servers on one PostgreSQL: nobody overbooks, nothing happens twice, nothing is missed.

mod reconciler;

use crate::engine::until;
use crate::folder::Folder;
use crate::site::{Site, booking_of, fill, on_postgres, person, postgres_url, site_on, text};
use base::answer::Fault;
use base::id::SlotId;
use base::limit::Settings;
use base::time::Timestamp;
use booking::availability::change_feed::ChangeFeed;
use booking::engine::Reply;
use booking::heads;
use booking::pause::Pause;
use booking::records;
use booking::records::change::Change;
use database::{Connection, Database};
use futures_util::future::join_all;
use runtime::clock::Clock;
use scheduling::resident::code::CodeNumber;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Two servers of different names on one database of their own.
fn two(capacities: &[u32]) -> (Site, Site) {
    two_with(capacities, &Settings::default())
}

pub fn two_with(capacities: &[u32], settings: &Settings) -> (Site, Site) {
    let database = on_postgres();
    let one = |name| site_on(database.clone(), capacities, name, settings.clone());
    (one("a"), one("b"))
}

fn filled() -> (Database, Vec<SlotId>) {
    let database = on_postgres();
    let slots = fill_all(&database, &Clock::real());
    (database, slots)
}

fn fill_all(database: &Database, clock: &Clock) -> Vec<SlotId> {
    let mut connection = database.connect().unwrap();
    database::migration::migrate(&mut connection, records::MIGRATIONS, clock.now()).unwrap();
    fill(&mut connection, &[3, 3], clock.now())
}

/// Asks until the world is in nobody's way.
async fn answered(mut ask: impl AsyncFnMut() -> Result<Reply, Fault>) -> Reply {
    for _ in 0..100 {
        match ask().await {
            Ok(reply) => return reply,
            Err(Fault::Busy) => {}
            Err(fault) => panic!("{fault}"),
        }
    }
    panic!("busy a hundred times");
}

fn free(feed: &ChangeFeed, slot: SlotId) -> u16 {
    feed.snapshot().slot(slot).unwrap().1.free
}

/// One place of a slot is taken, inside a transaction of the caller's.
fn take_place(tx: &mut database::Transaction<'_>, slot: SlotId, now: Timestamp) -> i64 {
    let mut row = records::slot::load(tx, slot).unwrap().unwrap();
    row.held += 1;
    records::slot::save_counters(tx, [&row]).unwrap();
    let change = Change {
        sequence: records::change::position(tx).unwrap(),
        slots: vec![slot],
        clinics: Vec::new(),
    };
    records::change::insert(tx, &change, now).unwrap();
    change.sequence
}

fn watch(clock: &Clock) -> Arc<Pause> {
    Arc::new(Pause::new(clock.clone(), &Settings::default(), true))
}

#[test]
fn a_late_commit_of_a_smaller_number_is_not_missed() {
    let ((database, slots), clock) = (filled(), Clock::real());
    let connect = || database.connect().unwrap();
    let (mut one, mut other, mut follower) = (connect(), connect(), connect());
    let mut first = other.begin().unwrap();
    take_place(&mut first, slots[2], clock.now());
    first.commit().unwrap();
    let feed = ChangeFeed::load(&mut follower, clock.clone(), watch(&clock)).unwrap();
    let mut late = one.begin().unwrap();
    let small = take_place(&mut late, slots[0], clock.now());
    for _ in 0..2 {
        let mut tx = other.begin().unwrap();
        let great = take_place(&mut tx, slots[1], clock.now());
        assert!(great > small);
        tx.commit().unwrap();
        feed.catch_up(&mut follower).unwrap();
    }
    assert_eq!((free(&feed, slots[0]), free(&feed, slots[1])), (3, 1));
    late.commit().unwrap();
    feed.catch_up(&mut follower).unwrap();
    assert_eq!((free(&feed, slots[0]), free(&feed, slots[1])), (2, 1));
    assert_eq!(feed.reloads(), 0, "each change was read by itself");
}

#[test]
fn no_change_is_forgotten_that_may_not_be_seen_yet() {
    let ((database, slots), clock) = (filled(), Clock::real());
    let connect = || database.connect().unwrap();
    let (mut one, mut other, mut follower) = (connect(), connect(), connect());
    let taken = |connection: &mut Connection, slot: usize| {
        let mut tx = connection.begin().unwrap();
        take_place(&mut tx, slots[slot], clock.now());
        tx.commit().unwrap();
    };
    taken(&mut other, 2);
    let feed = ChangeFeed::load(&mut follower, clock.clone(), watch(&clock)).unwrap();
    let mut late = one.begin().unwrap();
    take_place(&mut late, slots[0], clock.now());
    for slot in [1, 3, 1, 3] {
        taken(&mut other, slot);
    }
    let mut tx = other.begin().unwrap();
    assert_eq!(records::change::forget(&mut tx, 1, 100).unwrap(), 0);
    tx.commit().unwrap();
    late.commit().unwrap();
    feed.catch_up(&mut follower).unwrap();
    assert_eq!((free(&feed, slots[0]), free(&feed, slots[1])), (2, 1));
    // Whatever runs in another database of the same server holds the numbers back as well.
    let (began, mut forgotten) = (Clock::real(), 0);
    while forgotten < 5 && began.monotonic() < Duration::from_secs(10) {
        let mut tx = other.begin().unwrap();
        forgotten += records::change::forget(&mut tx, 1, 100).unwrap();
        tx.commit().unwrap();
    }
    assert_eq!(forgotten, 5);
    taken(&mut other, 4);
    feed.catch_up(&mut follower).unwrap();
    assert_eq!(free(&feed, slots[4]), 2);
}

#[test]
fn a_picture_that_begins_amid_a_commit_shows_it_afterwards() {
    let ((database, slots), clock) = (filled(), Clock::real());
    let (mut one, mut follower) = (database.connect().unwrap(), database.connect().unwrap());
    let mut late = one.begin().unwrap();
    take_place(&mut late, slots[0], clock.now());
    let feed = ChangeFeed::load(&mut follower, clock.clone(), watch(&clock)).unwrap();
    late.commit().unwrap();
    assert_eq!(free(&feed, slots[0]), 3);
    feed.catch_up(&mut follower).unwrap();
    assert_eq!(free(&feed, slots[0]), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_never_give_a_place_twice() {
    let (a, b) = two(&[5]);
    let slot = a.slots[0];
    let asks = (0..24).map(|n| {
        let site = if n % 2 == 0 { &a } else { &b };
        answered(async || site.resident.place_hold(vec![slot], false, site.ask("", "")).await)
    });
    let mut held = 0;
    for reply in join_all(asks).await {
        match reply.status {
            201 => held += 1,
            status => assert_eq!((status, text(&reply).as_str()), (409, "slot-full")),
        }
    }
    assert_eq!(held, 5);
    until("both show it", || (a.free(slot), b.free(slot)) == (0, 0)).await;
    a.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_give_one_person_one_dose_and_one_key_one_effect() {
    let (a, b) = two(&[40, 40]);
    for number in 0..12 {
        let at_a = a.hold(&[a.slots[0]]).await.unwrap();
        let at_b = b.hold(&[a.slots[1]]).await.unwrap();
        let book = async |site: &Site, hold| {
            answered(async || {
                site.book_held(&hold, vec![booking_of(person(number), None, 1)], "")
                    .await
            })
            .await
        };
        let (one, other) = tokio::join!(book(&a, at_a), book(&b, at_b));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{number}");
    }
    for number in 100..112 {
        let hold = a.hold(&[a.slots[0]]).await.unwrap();
        let key = format!("0123456789abcdef-{number}");
        let book = async |site: &Site| {
            answered(async || {
                site.book_held(&hold, vec![booking_of(person(number), None, 1)], &key)
                    .await
            })
            .await
        };
        let (one, other) = tokio::join!(book(&a), book(&b));
        assert_eq!((one.status, other.status), (201, 201));
        assert_eq!(one.body, other.body);
        assert_ne!(one.replayed, other.replayed, "one of them did it");
    }
    a.assert_whole();
}

/// The second dose on the day of the first is refused by a rule, which no index knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_keep_the_interval_between_one_persons_doses() {
    let (a, b) = two(&[40, 40]);
    for number in 0..12 {
        let first = a.hold(&[a.slots[2]]).await.unwrap();
        let second = b.hold(&[b.slots[3]]).await.unwrap();
        let book = async |site: &Site, hold, dose| {
            answered(async || {
                site.book_held(&hold, vec![booking_of(person(number), None, dose)], "")
                    .await
            })
            .await
        };
        let (one, other) = tokio::join!(book(&a, first, 1), book(&b, second, 2));
        let refused = match (one.status, other.status) {
            (201, 409) => &other,
            (409, 201) => &one,
            statuses => panic!("{statuses:?}: {} {}", text(&one), text(&other)),
        };
        assert_eq!(text(refused), "too-soon", "{number}");
    }
    a.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_live_owner_of_a_name_stops() {
    let database = on_postgres();
    let first = site_on(database.clone(), &[9], "a", Settings::default());
    let second = site_on(database, &[9], "a", Settings::default());
    first.hold(&[first.slots[0]]).await.unwrap();
    let refused = second
        .resident
        .place_hold(vec![second.slots[0]], false, second.ask("", ""))
        .await;
    assert!(matches!(refused, Err(Fault::Unreachable)), "{refused:?}");
    until("it stops", || second.engine.failing().contains(&"committer")).await;
    first.hold(&[first.slots[0]]).await.unwrap();
    assert!(!first.engine.failing().contains(&"committer"));
    first.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_lost_is_found_by_what_lies_on_this_machine() {
    let folder = Folder::new();
    let database = on_postgres().with_folder(folder.path());
    let site = site_on(database.clone(), &[9], "a", Settings::default());
    site.book(site.slots[0], person(1), 1).await.unwrap();
    let mut connection = database.connect().unwrap();
    let heads = heads::folder(&database, &mut connection).unwrap().unwrap();
    let last = records::audit::head(&mut connection.begin_read().unwrap(), "a").unwrap();
    let recorded = || {
        heads::read(&heads)
            .0
            .iter()
            .any(|one| one.chain == "a" && one.head == last)
    };
    until("it is recorded", recorded).await;
    site.stop().await;
    done(
        &mut connection,
        "DELETE FROM audit_event WHERE chain = 'a' AND sequence > 1",
    );

    let again = site_on(database.clone(), &[9], "a", Settings::default());
    assert_eq!(again.engine.heads().missing(), last.sequence as u64 - 1);
    // Another jurisdiction's database is no such loss.
    let other = site_on(on_postgres().with_folder(folder.path()), &[9], "a", Settings::default());
    assert_eq!(other.engine.heads().missing(), 0);
    again.stop().await;
    other.stop().await;
}

/// One value of one row.
fn asked(connection: &mut Connection, sql: &str) -> String {
    let mut tx = connection.begin_read().unwrap();
    tx.query_one(sql, &[], |row| row.text(0)).unwrap().unwrap()
}

fn done(connection: &mut Connection, sql: &str) {
    let mut tx = connection.begin().unwrap();
    tx.execute(sql, &[]).unwrap();
    tx.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_feed_tells_its_age_while_it_is_cut_off_and_catches_up() {
    let site = site_on(on_postgres(), &[3], "a", Settings::default());
    let (slot, clock) = (site.slots[0], Clock::real());
    let mut writer = site.database.connect().unwrap();
    let name = asked(&mut writer, "SELECT current_database()::text");
    let mut above = Database::postgres(&postgres_url()).unwrap().connect().unwrap();
    let pid = asked(&mut writer, "SELECT pg_backend_pid()::text");
    done(&mut above, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
    let end = format!(
        "SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE datname = '{name}' AND pid <> {pid}"
    );
    let ended: usize = asked(&mut above, &end).parse().unwrap();
    assert!(ended > 5, "the engine has connections: {ended}");
    let age = || site.clock.now().since(site.engine.as_of());
    let mut tx = writer.begin().unwrap();
    take_place(&mut tx, slot, clock.now());
    tx.commit().unwrap();
    until("its age grows", || age() > Duration::from_secs(1)).await;
    assert_eq!(site.free(slot), 3);
    done(&mut above, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    until("it has caught up", || site.free(slot) == 2).await;
    assert!(age() < Duration::from_secs(1), "{:?}", age());
    let mut asks = 0;
    while site
        .resident
        .place_hold(vec![slot], false, site.ask("", ""))
        .await
        .is_err()
    {
        // Whoever asks while it is away hears so at once; the committer tries by itself.
        asks += 1;
        assert!(asks < 100, "the committer has found it again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn blocks_of_codes_are_nobodys_twice() {
    let (database, _) = filled();
    let database = &database;
    let taken: Vec<i64> = std::thread::scope(|scope| {
        let take = |_| {
            scope.spawn(move || {
                let mut connection = database.connect().unwrap();
                let mut firsts = Vec::new();
                while firsts.len() < 10 {
                    let mut tx = connection.begin().unwrap();
                    let at = CodeNumber::at(Clock::real().now());
                    // The very first may meet another at the same place.
                    let Ok(before) = records::appointment::take_codes(&mut tx, at, 100) else {
                        continue;
                    };
                    tx.commit().unwrap();
                    firsts.push(before.stored() + 1);
                }
                firsts
            })
        };
        let threads: Vec<_> = (0..4).map(take).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let sorted: BTreeSet<i64> = taken.iter().copied().collect();
    assert_eq!(sorted.len(), 40);
    let apart = sorted
        .iter()
        .zip(sorted.iter().skip(1))
        .all(|(one, next)| next - one >= 100);
    assert!(apart, "{sorted:?}");
}

fn codes(site: &Site) -> Vec<i64> {
    let mut codes = Vec::new();
    let mut connection = site.database.connect().unwrap();
    let mut tx = connection.begin_read().unwrap();
    records::appointment::all(&mut tx, |row| codes.push(row.code.stored())).unwrap();
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_code_is_given_again_by_another_server_or_after_a_crash() {
    let (a, b) = two(&[200]);
    let slot = a.slots[0];
    for number in 0..10 {
        let (one, other) = (person(number), person(100 + number));
        let (one, other) = tokio::join!(a.book(slot, one, 1), b.book(slot, other, 1));
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    }
    // The first is gone with most of its block.
    let database = a.stop().await;
    let again = site_on(database, &[200], "a", Settings::default());
    for number in 200..210 {
        again.book(slot, person(number), 1).await.unwrap();
    }
    let codes = codes(&again);
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 30);
    for site in [&b, &again] {
        assert_eq!(
            site.engine.counters().violations.load(Ordering::Relaxed),
            0,
            "none was tried twice"
        );
    }
    again.assert_whole();
}
