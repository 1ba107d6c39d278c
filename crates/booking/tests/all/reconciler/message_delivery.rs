//! Messages of real bookings, against a mail server that misbehaves: each arrives at least once, twice only where nobody
//! could know; in order; no more a day than an address may get.

use crate::engine::until;
use crate::sink::{Arrived, Behaviour, Sink};
use crate::site::{Site, booking_of, fresh, person, site_on, text};
use base::id::{AppointmentId, SlotId};
use base::limit::Settings;
use booking::limit::{MAIL_AWAY_PAUSE, MAIL_GIVE_UP, MAIL_RETRY_FIRST, MAIL_RETRY_MOST, MAILS_PER_ADDRESS};
use booking::outbox::{self, Revived};
use booking::reconciler::message_delivery::Delivery;
use booking::reconciler::message_delivery::letter::{CalendarFile, Letter, Words};
use booking::records::outbox::State;
use messaging::limit::{COMMAND_TIME, FROM, SEND_TIME, SMTP_URL};
use scheduling::resident::person::Person;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub fn settings(sink: &Sink) -> Settings {
    let mut settings = Settings::default();
    settings.set_text(&SMTP_URL, &sink.url()).unwrap();
    settings.set_text(&FROM, "no-reply@vax.example.org").unwrap();
    let numbers = [
        (&COMMAND_TIME, 1),
        (&SEND_TIME, 2),
        (&MAIL_RETRY_FIRST, 100),
        (&MAIL_RETRY_MOST, 1_000),
        (&MAIL_AWAY_PAUSE, 100),
        (&MAILS_PER_ADDRESS, 1_000),
    ];
    for (setting, value) in numbers {
        settings.set(setting, value).unwrap();
    }
    settings
}

/// Words that a test can read: occasion and sequence numbers.
#[allow(clippy::unnecessary_wraps, reason = "the shape that deliver takes")]
fn words(letter: &Letter) -> Option<Words> {
    let about: Vec<_> = letter
        .about
        .iter()
        .map(|told| format!("{}/{}", told.id, told.sequence))
        .collect();
    Some(Words {
        from_name: "Test".to_owned(),
        subject: format!("{} {}", letter.occasion.code(), about.join(" ")),
        text: "Text".to_owned(),
        html: "<p>Text</p>".to_owned(),
        calendars: vec![CalendarFile {
            name: "appointment.ics".to_owned(),
            method: "REQUEST",
            text: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_owned(),
        }],
    })
}

pub fn deliver(site: &Site) {
    deliver_by(site, words);
}

fn deliver_by(site: &Site, compose: fn(&Letter) -> Option<Words>) {
    let delivery = Delivery {
        keys: PathBuf::from("/nowhere"),
        demo_folder: PathBuf::from("/nowhere"),
        host: "vax.example.org".to_owned(),
        compose: Arc::new(compose),
    };
    site.engine.deliver(delivery).unwrap();
}

pub fn reader(number: u32) -> Person {
    Person {
        email: Some(format!("reader{number}@example.org")),
        ..person(number)
    }
}

pub fn counts(site: &Site) -> (usize, usize) {
    let mut connection = site.database.connect().unwrap();
    let mut of = |state| {
        outbox::list(&mut connection, site.engine.keys(), state, 1_000)
            .unwrap()
            .len()
    };
    (of(State::Waiting), of(State::Dead))
}

async fn cancel(site: &Site, id: AppointmentId, token: &str) {
    let reply = site.resident.cancel(id, token, site.ask("", "")).await.unwrap();
    assert_eq!(reply.status, 200);
}

/// Distinct messages, by Message-ID, and how many copies there are.
pub fn distinct(arrived: &[Arrived]) -> (usize, usize) {
    let ids: std::collections::BTreeSet<_> = arrived.iter().map(|mail| mail.header("message-id")).collect();
    (ids.len(), arrived.len())
}

async fn book_many(site: &Site, slot: SlotId, count: u32) {
    for number in 0..count {
        site.book(slot, reader(number), 1).await.unwrap();
    }
}

/// Books so many, each meeting one of these; waits until nothing waits.
async fn each_meets(behaviours: &[Behaviour]) -> Vec<Arrived> {
    let sink = Sink::start().unwrap();
    let site = site_on(fresh(), &[64], "a", settings(&sink));
    sink.script(behaviours);
    deliver(&site);
    book_many(&site, site.slots[0], behaviours.len() as u32).await;
    until("every message has ended", || counts(&site) == (0, 0)).await;
    site.assert_whole();
    sink.arrived()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_arrives_once_whatever_the_server_refuses_first() {
    let behaviours = [
        Behaviour::Accept,
        Behaviour::Slow(Duration::from_millis(200)),
        Behaviour::NotYet,
        Behaviour::NotNow,
        Behaviour::DieInData,
        Behaviour::NotYet,
        Behaviour::NotNow,
        Behaviour::Accept,
    ];
    let arrived = each_meets(&behaviours).await;
    assert_eq!(distinct(&arrived), (8, 8));
    assert!(arrived.iter().all(|mail| mail.acknowledged));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_arrives_twice_only_where_no_reply_came() {
    let behaviours = [
        Behaviour::Accept,
        Behaviour::DropBeforeReply,
        Behaviour::HangBeforeReply,
        Behaviour::Accept,
    ];
    let arrived = each_meets(&behaviours).await;
    assert_eq!(distinct(&arrived), (4, 6), "two of four arrived twice");
    for mail in arrived.iter().filter(|mail| !mail.acknowledged) {
        let again = arrived
            .iter()
            .find(|other| other.acknowledged && other.header("message-id") == mail.header("message-id"));
        assert_eq!(
            again.map(|other| &other.data),
            Some(&mail.data),
            "the copy is the same to the byte"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_loses_nothing_and_costs_no_attempt() {
    let sink = Sink::start().unwrap();
    sink.open(false);
    let site = site_on(fresh(), &[64], "a", settings(&sink));
    deliver(&site);
    book_many(&site, site.slots[0], 6).await;
    let rejected = || {
        site.engine
            .counters()
            .messages
            .rejected
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    until("it was tried several times", || rejected() >= 3).await;
    assert_eq!(counts(&site), (6, 0));
    sink.open(true);
    until("all went out", || counts(&site) == (0, 0)).await;
    assert_eq!(distinct(&sink.arrived()), (6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_exist_is_given_up_and_can_be_sent_again() {
    let sink = Sink::start().unwrap();
    let site = site_on(fresh(), &[4], "a", settings(&sink));
    sink.script(&[Behaviour::NoSuchAddress]);
    deliver(&site);
    let (id, token) = site.book(site.slots[0], reader(1), 1).await.unwrap();
    until("it is given up", || counts(&site) == (0, 1)).await;
    let mut connection = site.database.connect().unwrap();
    let dead = outbox::list(&mut connection, site.engine.keys(), State::Dead, 9).unwrap();
    assert_eq!(
        (dead[0].last.as_deref(), dead[0].to.as_deref(), dead[0].attempts),
        (Some("recipient-550"), Some("r•••@example.org"), 1)
    );
    let again =
        |connection: &mut database::Connection| outbox::retry(connection, dead[0].id, site.clock.now()).unwrap();
    assert_eq!(again(&mut connection), Revived::Waits);
    until("it arrived", || sink.arrived().len() == 1).await;
    until("that is written", || counts(&site) == (0, 0)).await;
    assert_eq!(again(&mut connection), Revived::NotDead);
    // One that was given up is not sent after a later one about the same appointment.
    sink.script(&[Behaviour::NoSuchAddress]);
    let hold = site.hold(&[site.slots[0]]).await.unwrap();
    let moved = site
        .resident
        .reschedule(id, &token, hold.0, &hold.1, site.ask("", ""))
        .await;
    assert_eq!(moved.unwrap().status, 200);
    until("the move is given up", || counts(&site) == (0, 1)).await;
    cancel(&site, id, &token).await;
    until("the cancellation arrived", || sink.arrived().len() == 2).await;
    until("that is written", || counts(&site).0 == 0).await;
    let dead = outbox::list(&mut connection, site.engine.keys(), State::Dead, 9).unwrap();
    let late = outbox::retry(&mut connection, dead[0].id, site.clock.now()).unwrap();
    assert_eq!(late, Revived::Overtaken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_never_gets_through_is_given_up_in_the_end() {
    let sink = Sink::start().unwrap();
    sink.otherwise(Behaviour::NotNow);
    let mut settings = settings(&sink);
    settings.set(&MAIL_GIVE_UP, 1).unwrap();
    let site = site_on(fresh(), &[4], "a", settings);
    deliver(&site);
    site.book(site.slots[0], reader(1), 1).await.unwrap();
    until("it is given up", || counts(&site) == (0, 1)).await;
    let mut connection = site.database.connect().unwrap();
    let dead = outbox::list(&mut connection, site.engine.keys(), State::Dead, 9).unwrap();
    assert_eq!(dead[0].last.as_deref(), Some("content-451"));
    assert!(dead[0].attempts > 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_about_an_appointment_overtakes_another() {
    let sink = Sink::start().unwrap();
    // The confirmation is put off several times; move and cancellation wait for it.
    sink.script(&[Behaviour::NotNow, Behaviour::NotYet, Behaviour::NotNow]);
    let site = site_on(fresh(), &[4], "a", settings(&sink));
    let (id, token) = site.book(site.slots[0], reader(1), 1).await.unwrap();
    let hold = site.hold(&[site.slots[0]]).await.unwrap();
    let moved = site
        .resident
        .reschedule(id, &token, hold.0, &hold.1, site.ask("", ""))
        .await;
    assert_eq!(moved.unwrap().status, 200);
    cancel(&site, id, &token).await;
    deliver(&site);
    until("all arrived", || sink.arrived().len() == 3).await;
    let subjects: Vec<_> = sink.arrived().iter().map(|mail| mail.header("subject")).collect();
    let expected = [("booked", 0), ("moved", 1), ("cancelled", 2)].map(|(what, n)| format!("{what} {id}/{n}"));
    assert_eq!(subjects, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_gets_three_mails_a_day_and_the_rest_later() {
    let sink = Sink::start().unwrap();
    let mut settings = settings(&sink);
    settings.set(&MAILS_PER_ADDRESS, 3).unwrap();
    let site = site_on(fresh(), &[64], "a", settings);
    deliver(&site);
    for number in 0..5 {
        let shared = Person {
            email: Some("Shared@example.org".to_owned()),
            ..person(number)
        };
        site.book(site.slots[0], shared, 1).await.unwrap();
    }
    site.book(site.slots[0], reader(9), 1).await.unwrap();
    until("three and one arrived", || sink.arrived().len() == 4).await;
    until("the others wait", || counts(&site) == (2, 0)).await;
    let deferred = || {
        site.engine
            .counters()
            .messages
            .deferred
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    until("they are put off", || deferred() == 1).await;
    site.clock.shift(Duration::from_secs(86_000)).unwrap();
    assert_eq!(
        (counts(&site), sink.arrived().len()),
        ((2, 0), 4),
        "the day is not over yet"
    );
    site.clock.shift(Duration::from_secs(500)).unwrap();
    until("the rest arrived", || sink.arrived().len() == 6).await;
    assert_eq!(distinct(&sink.arrived()), (6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_family_gets_one_mail() {
    let sink = Sink::start().unwrap();
    let site = site_on(fresh(), &[4], "a", settings(&sink));
    deliver(&site);
    let slot = site.slots[0];
    let hold = site.hold(&[slot, slot, slot]).await.unwrap();
    let family = (0..3).map(|number| {
        let person = Person {
            email: Some("family@example.org".to_owned()),
            ..person(number)
        };
        booking_of(person, Some(slot), 1)
    });
    let booked = site.book_held(&hold, family.collect(), "").await.unwrap();
    assert_eq!(booked.status, 201, "{}", text(&booked));
    until("it arrived", || sink.arrived().len() == 1).await;
    let arrived = sink.arrived();
    assert_eq!(arrived[0].header("subject").matches("apt-").count(), 3);
    until("nothing waits", || counts(&site) == (0, 0)).await;
    assert_eq!(sink.arrived().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_cannot_be_put_into_words_stops_no_other() {
    fn poisoned(letter: &Letter) -> Option<Words> {
        assert!(letter.to != "reader0@example.org", "a bug, on purpose");
        words(letter)
    }
    let sink = Sink::start().unwrap();
    let site = site_on(fresh(), &[4], "a", settings(&sink));
    deliver_by(&site, poisoned);
    book_many(&site, site.slots[0], 3).await;
    until("two arrived and one is given up", || {
        sink.arrived().len() == 2 && counts(&site) == (0, 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_share_the_work_and_send_nothing_twice() {
    let dir = std::env::temp_dir().join(format!("evenkeel-mail-two-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let file = database::Database::file(&dir.join("two.sqlite"));
    let sink = Sink::start().unwrap();
    sink.otherwise(Behaviour::Slow(Duration::from_millis(20)));
    let a = site_on(file.clone(), &[128], "a", settings(&sink));
    let b = site_on(file, &[], "b", settings(&sink));
    book_many(&a, a.slots[0], 120).await;
    deliver(&a);
    deliver(&b);
    until("all went out", || counts(&a) == (0, 0)).await;
    assert_eq!(distinct(&sink.arrived()), (120, 120));
    let delivered = |site: &Site| {
        site.engine
            .counters()
            .messages
            .delivered
            .load(std::sync::atomic::Ordering::Relaxed)
    };
    assert!(
        delivered(&a) > 0 && delivered(&b) > 0,
        "{} {}",
        delivered(&a),
        delivered(&b)
    );
    for site in [a, b] {
        site.owner.stop_and_join(Duration::from_secs(5)).await;
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_erased_is_written_to_no_more() {
    let sink = Sink::start().unwrap();
    let site = site_on(fresh(), &[4], "a", settings(&sink));
    let (id, _) = site.book(site.slots[0], reader(1), 1).await.unwrap();
    site.book(site.slots[0], reader(2), 1).await.unwrap();
    let mut connection = site.database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    assert_eq!(booking::records::outbox::erase_about(&mut tx, id).unwrap(), 1);
    tx.commit().unwrap();
    deliver(&site);
    until("the other arrived", || counts(&site) == (0, 0)).await;
    let to: Vec<_> = sink.arrived().iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(to, ["reader2@example.org"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mail_server_no_message_is_written() {
    let site = site_on(fresh(), &[4], "a", Settings::default());
    deliver(&site);
    assert!(!site.engine.sends_mail());
    site.book(site.slots[0], reader(1), 1).await.unwrap();
    assert_eq!(counts(&site), (0, 0));
}
