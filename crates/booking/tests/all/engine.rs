//! The engine as a resident's handle sees it: places, keys, batches, expiry, isolation.

use crate::site::{Site, booking_of, person, site, site_on, text};
use base::answer::Fault;
use base::limit::Settings;
use booking::engine::{Ask, Rendered, Verdict};
use booking::limit;
use database::Database;
use std::sync::Arc;
use std::time::Duration;

pub async fn until(what: &str, mut true_now: impl FnMut() -> bool) {
    for _ in 0..500 {
        if true_now() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_held_booked_moved_cancelled_and_counted_each_time() {
    let site = site(&[2, 1]);
    let (first, second) = (site.slots[0], site.slots[1]);
    let (id, token) = site.book(first, person(1), 1).await.unwrap();
    assert_eq!(site.free(first), 1);
    let seen = site.resident.see_appointment(id, &token).await.unwrap().unwrap();
    assert_eq!((seen.status.code(), seen.slot.id), ("booked", first));
    assert!(site.resident.see_appointment(id, "wrong").await.unwrap().is_none());

    let hold = site.hold(&[second]).await.unwrap();
    let moved = site
        .resident
        .reschedule(id, &token, hold.0, &hold.1, site.ask("", ""))
        .await
        .unwrap();
    assert_eq!(text(&moved), format!("booked {second}"));
    assert_eq!((site.free(first), site.free(second)), (2, 0));
    let wrong = site.resident.cancel(id, "wrong", site.ask("", "")).await.unwrap();
    assert_eq!(text(&wrong), "not-found");
    for _ in 0..2 {
        let cancelled = site.resident.cancel(id, &token, site.ask("", "")).await.unwrap();
        assert_eq!(
            (cancelled.status, text(&cancelled)),
            (200, format!("cancelled {second}"))
        );
    }
    assert_eq!(site.free(second), 1);
    site.book(second, person(1), 1).await.unwrap();
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn never_over_capacity_whoever_comes_at_once() {
    let site = Arc::new(site(&[5]));
    let slot = site.slots[0];
    let clients: Vec<_> = (0..64)
        .map(|n| {
            let site = Arc::clone(&site);
            tokio::task::spawn(async move { site.book(slot, person(n), 1).await })
        })
        .collect();
    let mut booked = 0;
    for client in clients {
        match client.await.unwrap() {
            Ok(_) => booked += 1,
            Err(code) => assert_eq!(code, "slot-full"),
        }
    }
    assert_eq!((booked, site.free(slot)), (5, 0));
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_effect_per_key_also_for_two_at_once_and_after_a_restart() {
    let dir = std::env::temp_dir().join(format!("evenkeel-test-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("one_effect_per_key.sqlite");
    let site = site_on(Database::file(&file), &[3], "a", Settings::default());
    let slot = site.slots[0];
    let hold = site.hold(&[slot]).await.unwrap();
    let key = "0192f5a0-0000-7000-8000-00000000000a";
    let book = || site.book_held(&hold, vec![booking_of(person(1), None, 1)], key);
    let (one, two) = tokio::join!(book(), book());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!((one.status, two.status), (201, 201));
    assert_eq!(one.body, two.body);
    assert!(one.replayed != two.replayed, "one was done, the other repeated");
    let other = site.resident.book(
        hold.0,
        &hold.1,
        vec![booking_of(person(2), None, 1)],
        false,
        site.ask(key, "other"),
    );
    assert_eq!(text(&other.await.unwrap()), "idempotency-key-reused");
    site.assert_whole();

    let database = site.stop().await;
    let again = site_on(database, &[3], "a", Settings::default());
    let replay = again
        .book_held(&hold, vec![booking_of(person(1), None, 1)], key)
        .await
        .unwrap();
    assert!(replay.replayed);
    assert_eq!(replay.body, one.body);
    again.assert_whole();
    again.stop().await;
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_family_gets_all_its_places_or_none() {
    let site = site(&[2, 2]);
    let (a, b) = (site.slots[0], site.slots[1]);
    assert_eq!(site.hold(&[a, a, a]).await.unwrap_err(), "slot-full");
    assert_eq!((site.free(a), site.free(b)), (2, 2));
    let hold = site.hold(&[a, a, b]).await.unwrap();
    let bookings = |slots: [_; 3]| -> Vec<_> {
        slots
            .into_iter()
            .enumerate()
            .map(|(n, slot)| booking_of(person(n as u32), Some(slot), 1))
            .collect()
    };
    let wrong = site.book_held(&hold, bookings([a, b, b]), "").await.unwrap();
    assert_eq!(text(&wrong), "invalid /bookings/2/slot");
    let few = site
        .book_held(&hold, vec![booking_of(person(1), Some(a), 1)], "")
        .await
        .unwrap();
    assert_eq!(text(&few), "invalid /bookings");
    let booked = site.book_held(&hold, bookings([b, a, a]), "").await.unwrap();
    assert_eq!((booked.status, text(&booked).split(' ').count()), (201, 6));
    assert_eq!((site.free(a), site.free(b)), (0, 1));
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_person_is_known_by_a_contact_and_a_stranger_learns_nothing() {
    let site = site(&[9]);
    let slot = site.slots[0];
    let mut who = person(1);
    who.email = Some("one@example.org".to_owned());
    site.book(slot, who.clone(), 1).await.unwrap();
    let mut by_mail_only = who.clone();
    by_mail_only.phone = None;
    by_mail_only.given_name = " GIVEN1 ".to_owned();
    assert_eq!(site.book(slot, by_mail_only, 1).await.unwrap_err(), "already-booked");
    let mut other_contact = who.clone();
    (other_contact.phone, other_contact.email) = (Some("508-555-0199".to_owned()), None);
    site.book(slot, other_contact, 1).await.unwrap();
    let mut without = who;
    (without.phone, without.email) = (None, None);
    site.book(slot, without.clone(), 1).await.unwrap();
    site.book(slot, without, 1).await.unwrap();
    assert_eq!(
        site.free(slot),
        4,
        "four are booked; the refused booking's hold is still held"
    );
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_doses_in_one_hold_keep_their_interval() {
    let site = site(&[3]);
    let (first, second) = (site.slots[1], site.slots[2]);
    let hold = site.hold(&[first, second]).await.unwrap();
    let doses = |a, b| {
        vec![
            booking_of(person(1), Some(first), a),
            booking_of(person(1), Some(second), b),
        ]
    };
    assert_eq!(text(&site.book_held(&hold, doses(2, 1), "").await.unwrap()), "too-soon");
    assert_eq!(
        text(&site.book_held(&hold, doses(1, 1), "").await.unwrap()),
        "already-booked"
    );
    assert_eq!(site.book_held(&hold, doses(1, 2), "").await.unwrap().status, 201);
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_is_over_is_freed_and_offered_again() {
    let site = site(&[1]);
    let slot = site.slots[0];
    let hold = site.hold(&[slot]).await.unwrap();
    site.clock.shift(Duration::from_secs(600)).unwrap();
    let late = site
        .book_held(&hold, vec![booking_of(person(1), None, 1)], "")
        .await
        .unwrap();
    assert_eq!(text(&late), "hold-expired");
    assert_eq!(site.free(slot), 0, "its grace is not over yet");
    site.clock.shift(Duration::from_secs(31)).unwrap();
    until("the place is free again", || site.free(slot) == 1).await;
    site.book(slot, person(2), 1).await.unwrap();
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_panics_is_answered_alone() {
    let site = Arc::new(site(&[64]));
    let slot = site.slots[0];
    let poison = |site: &Site| Ask {
        arrived: site.clock.now(),
        deadline: Duration::from_secs(5),
        key: None,
        render: Arc::new(|_: &Verdict<'_>| -> Rendered { panic!("a bug, on purpose") }),
    };
    let others: Vec<_> = (0..20)
        .map(|n| {
            let site = Arc::clone(&site);
            tokio::task::spawn(async move { site.book(slot, person(n), 1).await.is_ok() })
        })
        .collect();
    let bug = site.resident.place_hold(vec![slot], true, poison(&site)).await.unwrap();
    assert!(bug.bug);
    for other in others {
        assert!(other.await.unwrap());
    }
    assert_eq!(site.free(slot), 44, "the poisoned hold took no place");
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_past_its_deadline_is_dropped_undecided() {
    let site = site(&[1]);
    let ask = Ask {
        deadline: Duration::ZERO,
        ..site.ask("", "")
    };
    let dropped = site.resident.place_hold(vec![site.slots[0]], true, ask).await;
    assert_eq!(dropped.unwrap_err(), Fault::TimedOut);
    assert_eq!(site.free(site.slots[0]), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_says_busy_at_once() {
    let mut settings = Settings::default();
    settings.set(&limit::QUEUE, 64).unwrap();
    let site = Arc::new(site_on(crate::site::fresh(), &[1], "a", settings));
    // Another writer has the database, so that nothing is drained.
    let mut other = site.database.connect().unwrap();
    let tx = other.begin().unwrap();
    let waiting: Vec<_> = (0..400)
        .map(|_| {
            let site = Arc::clone(&site);
            tokio::task::spawn(async move {
                site.resident
                    .place_hold(vec![site.slots[0]], true, site.ask("", ""))
                    .await
            })
        })
        .collect();
    until("the queue is full", || {
        site.engine
            .counters()
            .turned_away
            .load(std::sync::atomic::Ordering::Relaxed)
            > 0
    })
    .await;
    drop(tx);
    let mut busy = 0;
    for answer in waiting {
        busy += usize::from(matches!(answer.await.unwrap(), Err(Fault::Busy)));
    }
    assert!(busy > 0);
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_on_one_file_see_each_other_and_never_overbook() {
    let dir = std::env::temp_dir().join(format!("evenkeel-two-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = Database::file(&dir.join("two.sqlite"));
    let a = Arc::new(site_on(file.clone(), &[20], "a", Settings::default()));
    let b = Arc::new(site_on(file, &[], "b", Settings::default()));
    let slot = a.slots[0];
    let clients: Vec<_> = (0..40)
        .map(|n| {
            let site = Arc::clone(if n % 2 == 0 { &a } else { &b });
            tokio::task::spawn(async move { site.book(slot, person(n), 1).await.is_ok() })
        })
        .collect();
    let mut booked = 0;
    for client in clients {
        booked += usize::from(client.await.unwrap());
    }
    assert_eq!(booked, 20);
    until("both snapshots follow", || a.free(slot) == 0 && b.free(slot) == 0).await;
    a.assert_whole();
    for site in [a, b] {
        site.owner.stop_and_join(Duration::from_secs(5)).await;
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A batch of refusals alone writes no change of its own; the last change is then another server's, and must not be
/// taken for shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_hides_no_change_of_another_server() {
    let dir = std::env::temp_dir().join(format!("evenkeel-refusal-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = Database::file(&dir.join("refusal.sqlite"));
    let mut seldom = Settings::default();
    seldom.set(&limit::FOLLOW, 1_000).unwrap();
    let a = site_on(file.clone(), &[2, 1], "a", Settings::default());
    let b = site_on(file, &[], "b", seldom);
    let (open, full) = (a.slots[0], a.slots[1]);
    a.hold(&[full]).await.unwrap();
    until("b follows", || b.free(full) == 0).await;
    a.hold(&[open]).await.unwrap();
    let refused = b.resident.place_hold(vec![full], false, b.ask("refused", "")).await;
    assert_eq!(text(&refused.unwrap()), "slot-full");
    until("b follows again", || b.free(open) == 1).await;
    for site in [a, b] {
        site.owner.stop_and_join(Duration::from_secs(5)).await;
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrived_first_may_be_decided_last_and_all_is_whole() {
    let site = site(&[2, 1]);
    let (id, token) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let early = site.ask("", "");
    let hold = site.hold(&[site.slots[1]]).await.unwrap();
    let moved = site
        .resident
        .reschedule(id, &token, hold.0, &hold.1, site.ask("", ""))
        .await
        .unwrap();
    assert_eq!(moved.status, 200);
    assert_eq!(site.resident.cancel(id, &token, early).await.unwrap().status, 200);
    site.assert_whole();
}
