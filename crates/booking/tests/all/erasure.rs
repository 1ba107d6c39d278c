//! A person goes, everything else stays whole: by an operator, and when the time to keep them is over.

use crate::folder::Folder;
use crate::site::{Site, person, site, site_on};
use base::id::AppointmentId;
use base::limit::Settings;
use booking::erasure::{self, Erased, Refused, Which};
use booking::exchange::export::{self, Format};
use booking::limit::RESIDENT_RETENTION;
use booking::records;
use database::Database;
use scheduling::resident::code::Code;
use std::sync::atomic::Ordering;
use std::time::Duration;

fn erase(site: &Site, which: Which, cancel: bool) -> Result<Erased, Refused> {
    let mut connection = site.database.connect().unwrap();
    erasure::erase(&mut connection, site.engine.keys(), which, cancel, site.clock.now()).unwrap()
}

fn exported(site: &Site, format: Format) -> (export::Exported, String) {
    let mut out = Vec::new();
    let exported = export::audit(&mut site.database.connect().unwrap(), format, &mut out).unwrap();
    (exported, String::from_utf8(out).unwrap())
}

/// Until as many reads are in the chain.
async fn until_read(site: &Site, reads: usize) {
    for _ in 0..500 {
        if exported(site, Format::Json)
            .1
            .matches("appointment-read-by-link")
            .count()
            == reads
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within ten seconds: {}", exported(site, Format::Json).1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_erased_once_and_the_chain_stays_whole() {
    let site = site(&[3, 3]);
    let (id, link) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let (next, _) = site.book(site.slots[1], person(2), 1).await.unwrap();
    let code = site.resident.see_appointment(id, &link).await.unwrap().unwrap().code;
    let which = Which::Code(Code::parse(&code).unwrap());
    assert!(matches!(erase(&site, which, false), Err(Refused::StillToCome { appointment, .. }) if appointment == id));
    assert_eq!(
        erase(&site, Which::Appointment(AppointmentId::from_bits(1)), true),
        Err(Refused::Unknown)
    );
    let free = site.free(site.slots[0]);
    // Whose answer is stored, with what it says of the person.
    let keyed = site.ask("0123456789abcdef-keep", "");
    site.resident.cancel(next, "wrong", keyed).await.unwrap();
    let erased = erase(&site, which, true).unwrap();
    assert!(
        erased.was_there && erased.cancelled && erased.others.is_empty(),
        "{erased:?}"
    );
    for _ in 0..500 {
        if site.free(site.slots[0]) == free + 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(site.free(site.slots[0]), free + 1, "its place is offered again");
    let seen = site.resident.see_appointment(id, &link).await.unwrap().unwrap();
    assert_eq!((seen.status.code(), seen.resident), ("cancelled", None));
    let again = erase(&site, which, true).unwrap();
    assert!(!again.was_there && !again.cancelled, "{again:?}");
    site.assert_whole();
    let (whole, text) = exported(&site, Format::Csv);
    assert_eq!((whole.findings, text.matches("resident-erased").count()), (vec![], 1));
    assert!(text.starts_with("chain,sequence,at,at_us,kind,about,subject,slot,count,outcome,part,commitment,hash\n"));
    assert!(
        text.contains(&format!("resident-erased,{id},")) && !text.contains("Given"),
        "{text}"
    );
    // Who was erased can book again.
    site.book(site.slots[0], person(1), 1).await.unwrap();
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stored_answers_go_and_other_appointments_of_the_person_are_named() {
    let site = site(&[3, 3]);
    let (id, token) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let ask = || site.ask("0123456789abcdef-mine", "");
    site.resident.cancel(id, &token, ask()).await.unwrap();
    let (later, _) = site.book(site.slots[1], person(1), 1).await.unwrap();
    let erased = erase(&site, Which::Appointment(id), false).unwrap();
    assert_eq!(
        (erased.answers, erased.cancelled, erased.others),
        (1, false, vec![later])
    );
    site.assert_whole();
    let again = site.book(site.slots[0], person(1), 1).await;
    assert_eq!(again.unwrap_err(), "already-booked", "the other one still stands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_their_time_is_over_residents_are_erased_and_nobody_else() {
    let folder = Folder::new();
    let mut settings = Settings::default();
    settings.set(&RESIDENT_RETENTION, 8).unwrap();
    let site = site_on(
        Database::file(&folder.path().join("evenkeel.sqlite")),
        &[3],
        "a",
        settings,
    );
    let (flu, mmr_later) = (site.slots[0], site.slots[2]);
    let (gone, gone_link) = site.book(flu, person(1), 1).await.unwrap();
    let (kept, kept_link) = site.book(mmr_later, person(2), 1).await.unwrap();
    // The day after tomorrow's week is over: the flu dose was given eight days ago and more, the other is to come.
    site.clock.shift(Duration::from_secs(86_400 * 10)).unwrap();
    for _ in 0..1_000 {
        if site.engine.counters().residents_erased.load(Ordering::Relaxed) > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seen = site.resident.see_appointment(gone, &gone_link).await.unwrap();
    assert!(seen.is_none(), "its links were over long before");
    let seen = site.resident.see_appointment(kept, &kept_link).await.unwrap().unwrap();
    assert!(seen.resident.is_some());
    assert_eq!(site.engine.counters().residents_erased.load(Ordering::Relaxed), 1);
    site.assert_whole();
    let row = records::appointment::load(&mut site.database.connect().unwrap().begin_read().unwrap(), gone);
    assert!(erasure::is_erased(&row.unwrap().unwrap()));
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_leave_one_event_an_hour() {
    let site = site(&[3]);
    let (id, link) = site.book(site.slots[0], person(1), 1).await.unwrap();
    for _ in 0..20 {
        site.resident.see_appointment(id, &link).await.unwrap().unwrap();
        assert!(site.resident.see_appointment(id, "wrong").await.unwrap().is_none());
    }
    until_read(&site, 1).await;
    site.clock.shift(Duration::from_secs(3_600)).unwrap();
    site.resident.see_appointment(id, &link).await.unwrap().unwrap();
    until_read(&site, 2).await;
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_says_what_is_broken() {
    let site = site(&[3]);
    site.book(site.slots[0], person(1), 1).await.unwrap();
    let mut connection = site.database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute("UPDATE audit_event SET count = 2 WHERE sequence = 2", &[])
        .unwrap();
    tx.commit().unwrap();
    let (exported, text) = exported(&site, Format::Json);
    assert_eq!((exported.events, exported.chains, exported.findings.len()), (3, 1, 1));
    assert_eq!(text.lines().count(), 3);
}
