//! What an e-mail looks like on the line, and that nothing typed becomes a header.

use base::time::Timestamp;
use messaging::email::{Calendar, Email, address_of, check_sender, domain_of, with_name};
use messaging::receipt::Class;

pub fn email() -> Email {
    Email {
        id: "0123456789abcdef".to_owned(),
        host: "vax.example.org".to_owned(),
        at: Timestamp::parse("2026-12-01T14:20:00Z").unwrap(),
        from: "Massachusetts <no-reply@vax.example.org>".to_owned(),
        to: "ana@example.org".to_owned(),
        subject: "Your appointment is booked".to_owned(),
        text: "You are booked.\n.\nZoë, café\n".to_owned(),
        html: "<p>You are booked.</p>".to_owned(),
        calendars: vec![Calendar {
            name: "appointment.ics".to_owned(),
            method: "REQUEST",
            text: "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n".to_owned(),
        }],
    }
}

fn text(email: &Email) -> String {
    String::from_utf8(email.build().unwrap().bytes).unwrap()
}

#[test]
fn it_has_three_forms_and_a_file_and_is_the_same_each_time() {
    let said = text(&email());
    for line in [
        "From: Massachusetts <no-reply@vax.example.org>\r\n",
        "To: ana@example.org\r\n",
        "Date: Tue, 01 Dec 2026 14:20:00 +0000\r\n",
        "Message-ID: <0123456789abcdef@vax.example.org>\r\n",
        "Subject: Your appointment is booked\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Type: multipart/mixed",
        "Content-Type: multipart/alternative",
        "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n",
        "Content-Disposition: attachment; filename=\"appointment.ics\"\r\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(
        said.is_ascii() && said.lines().all(|line| line.len() <= 998),
        "RFC 5321 §4.5.3.1.6"
    );
    assert_eq!(said, text(&email()));
}

#[test]
fn several_entries_come_as_files_alone() {
    let mut several = email();
    let second = Calendar {
        name: "appointment-2.ics".to_owned(),
        ..several.calendars[0].clone()
    };
    several.calendars.push(second);
    let said = text(&several);
    assert_eq!(said.matches("text/calendar").count(), 2, "{said}");
    assert_eq!(said.matches("Content-Disposition: attachment").count(), 2);
}

#[test]
fn nothing_typed_becomes_a_header() {
    let head = |email: &Email| text(email).split("\r\n\r\n").next().unwrap().to_owned();
    let mut evil = email();
    evil.subject = "Hello\r\nBcc: all@example.org".to_owned();
    evil.from = with_name("no-reply@vax.example.org", "Evil\r\nBcc: all@example.org");
    let lines = head(&evil);
    assert!(!lines.lines().any(|line| line.starts_with("Bcc")), "{lines}");
    for to in [
        "a@example.org\r\nBcc: b@example.org",
        "a@example.org, b@example.org",
        "<a@example.org>",
        "nobody",
        "",
    ] {
        let mut evil = email();
        evil.to = to.to_owned();
        assert_eq!(
            evil.build().err().map(|error| error.0),
            Some(Class::Recipient),
            "{to:?}"
        );
    }
    let mut quoted = email();
    quoted.from = with_name("no-reply@vax.example.org", "Health, \"Dept\" <x@y>");
    let lines = head(&quoted);
    assert_eq!(
        lines.lines().filter(|line| line.starts_with("From:")).count(),
        1,
        "{lines}"
    );
    assert_eq!(
        address_of(&quoted.from).as_deref(),
        Some("no-reply@vax.example.org"),
        "{}",
        quoted.from
    );
}

#[test]
fn a_sender_is_an_address_with_or_without_a_name() {
    for good in ["a@example.org", "A B <a@example.org>", "\"B, A\" <a@example.org>"] {
        check_sender(good).unwrap();
        assert_eq!(domain_of(good).as_deref(), Some("example.org"));
    }
    for bad in ["", "example.org", "A B", "a@example.org b@example.org"] {
        check_sender(bad).unwrap_err();
    }
    assert_eq!(
        with_name("A <a@example.org>", "B"),
        "A <a@example.org>",
        "its own name stays"
    );
}
