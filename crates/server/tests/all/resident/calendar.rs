//! The calendar file: neutral words, a stable id, lines that other programs can read (RFC 5545).

use super::journey::book;
use super::open;
use crate::site::Site;

#[tokio::test]
async fn the_calendar_file_is_neutral_and_stable() {
    let site = Site::start();
    let appointment = book(&site, "Cal").await;
    let file = open(&site, &format!("{appointment}/calendar.ics")).await.is(200);
    assert_eq!(file.header("content-type"), "text/calendar; charset=utf-8");
    assert_eq!(
        (file.header("cache-control"), file.header("x-robots-tag")),
        ("no-store".into(), "noindex".into())
    );
    let text = file.text();
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "SUMMARY:Appointment",
        "STATUS:CONFIRMED",
        "DTSTART:",
        "DTEND:",
        "DTSTAMP:",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let id = appointment.split('/').nth(2).expect("an id");
    assert!(text.contains(&format!("UID:{id}@127.0.0.1")), "{text}");
    for never in ["MMR", "accine", "Cal ", "http"] {
        assert!(!text.contains(never), "calendars are shared: {never}: {text}");
    }
    assert!(text.lines().all(|line| line.len() <= 75), "lines are folded: {text}");
    assert_eq!(
        text,
        open(&site, &format!("{appointment}/calendar.ics")).await.text(),
        "the same when asked again"
    );
    open(&site, &format!("{appointment}/calendar")).await.is(200);
}

#[tokio::test]
async fn a_site_that_is_no_demonstration_shows_no_mail_and_promises_none() {
    let site = Site::start();
    for path in [
        "/demo/mail",
        "/demo/mail/0000000000000000-0",
        "/demo/mail/0000000000000000-0.eml",
    ] {
        open(&site, path).await.is(404);
    }
    let appointment = book(&site, "Nomail").await;
    let page = open(&site, &format!("{appointment}?new=1")).await.is(200).text();
    assert!(!page.contains("e-mail") && !page.contains("/demo/mail"), "{page}");
}
