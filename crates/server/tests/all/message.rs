//! Mails in words: neutral where others look, whole as plain text, nothing loaded from outside.

use base::id::SlotId;
use base::time::{Timestamp, Zone};
use expect_test::expect;
use html::locale::Locale;
use scheduling::resident::message::Occasion;
use server::message::view::{Entry, Mail, document, subject, text};
use server::resident::calendar::{self, Asks};
use server::resident::view::hold::AppointmentTime;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("an instant")
}

fn time() -> AppointmentTime {
    AppointmentTime {
        slot: SlotId::from_bits(1),
        starts_at: at("2026-12-01T14:20:00Z"),
        ends_at: at("2026-12-01T14:40:00Z"),
        zone: Zone::named("America/New_York").expect("a zone"),
        clinic: "Town Hall <& Annex>".into(),
        street: "1 Main St".into(),
        town: "Worcester, MA 01602".into(),
        vaccine: "Influenza".into(),
        clinic_href: "/clinics/cln-1".into(),
    }
}

fn mail(occasion: Occasion, names: &[&str]) -> Mail {
    let entry = |name: &&str| Entry {
        time: time(),
        given_name: (*name).to_owned(),
        code: "7KXM-2QRD-9J".into(),
        link: "https://vax.example.org/appointment/apt-1/secret".into(),
        search: "https://vax.example.org/clinics/cln-1".into(),
    };
    Mail {
        occasion,
        jurisdiction: "Massachusetts".into(),
        phone: Some("617-555-0142".into()),
        is_demo: true,
        entries: names.iter().map(entry).collect(),
    }
}

#[test]
fn a_confirmation_says_all_there_is_to_know_as_plain_text() {
    expect![[r"
        Demonstration. Not a place to go.

        Your appointment is booked

        Tuesday, December 1, 2026, 9:20 AM, Eastern Time (ET)
        Town Hall <& Annex>
        1 Main St
        Worcester, MA 01602
        Influenza
        For Ana
        Your code: 7KXM-2QRD-9J

        See, move or cancel it here:
        https://vax.example.org/appointment/apt-1/secret

        Keep this link and your code private. They can cancel this appointment.
        The link works until one day after your appointment.

        On the day
        - Come 5 minutes before your time.
        - Wear a top with loose sleeves.
        - Bring your insurance card if you have one. You do not need one.
        - Feeling ill? Stay home and move your appointment.

        If our site is down, your appointment is still safe. Go at your time.

        Need help? Call us at 617-555-0142.
        You get this because someone gave this e-mail address when they booked. No one reads what is sent back to it.
    "]]
    .assert_eq(&text(&mail(Occasion::Booked, &["Ana"]), &Locale::english()));
}

#[test]
fn a_cancellation_says_what_is_over_and_where_to_find_another_time() {
    let said = text(&mail(Occasion::Cancelled, &["Ana"]), &Locale::english());
    assert!(
        said.contains("Your appointment on Tuesday, December 1 at 9:20 AM ET is canceled."),
        "{said}"
    );
    assert!(said.contains("https://vax.example.org/clinics/cln-1"), "{said}");
    assert!(
        !said.contains("/appointment/") && !said.contains("7KXM"),
        "nothing to manage any more: {said}"
    );
}

#[test]
fn subjects_name_neither_vaccine_nor_person() {
    let locale = Locale::english();
    let said = |occasion, names: &[&str]| subject(&mail(occasion, names), &locale);
    assert_eq!(said(Occasion::Booked, &["Ana"]), "Your appointment is booked");
    assert_eq!(said(Occasion::Moved, &["Ana"]), "Your appointment is moved");
    assert_eq!(said(Occasion::Cancelled, &["Ana"]), "Your appointment is canceled");
    assert_eq!(
        said(Occasion::Booked, &["Ana", "Bo", "Cy"]),
        "Your 3 appointments are booked"
    );
}

#[test]
fn the_html_says_the_same_and_loads_nothing() {
    let locale = Locale::english();
    for occasion in Occasion::ALL {
        let model = mail(occasion, &["Ana", "<script>Bo</script>"]);
        let said = document(&model, &locale);
        assert!(!said.contains('⟦') && !said.contains("<script"), "{said}");
        for outside in ["src=", "url(", "@import", "<link", "<img", "<iframe"] {
            assert!(!said.contains(outside), "{outside}: {said}");
        }
        assert!(said.contains("Town Hall &lt;&amp; Annex&gt;"), "{said}");
        assert!(said.contains("prefers-color-scheme:dark"), "{said}");
        assert!(
            said.len() < 20_000,
            "a mail is cut off beyond about 100 KB: {}",
            said.len()
        );
    }
}

fn entry<'a>(time: &'a AppointmentTime, asks: Option<Asks<'a>>) -> calendar::Entry<'a> {
    calendar::Entry {
        id: "apt-1",
        host: "vax.example.org",
        time,
        changed_at: at("2026-11-24T14:00:00Z"),
        sequence: 2,
        is_canceled: false,
        phone: None,
        is_demo: false,
        asks,
    }
}

#[test]
fn a_mailed_entry_and_a_downloaded_one_are_the_same_entry() {
    let (locale, time) = (Locale::english(), time());
    let asks = Asks {
        method: "REQUEST",
        organizer: "no-reply@vax.example.org",
        organizer_name: "Health, \"Dept\"\r\nX-EVIL: 1",
        attendee: "ana@example.org\r\nX-EVIL: 1",
    };
    let mailed = calendar::file(&entry(&time, Some(asks)), &locale);
    let taken = calendar::file(&entry(&time, None), &locale);
    let unfolded = mailed.replace("\r\n ", "");
    for line in [
        "METHOD:REQUEST",
        "ORGANIZER;CN=\"Health, DeptX-EVIL: 1\":mailto:no-reply@vax.example.org",
    ] {
        assert!(unfolded.lines().any(|found| found == line), "{line}: {unfolded}");
    }
    assert!(!unfolded.lines().any(|line| line.starts_with("X-EVIL")), "{unfolded}");
    assert!(!taken.contains("METHOD") && !taken.contains("ATTENDEE"), "{taken}");
    for text in [&mailed, &taken] {
        for line in [
            "UID:apt-1@vax.example.org",
            "SEQUENCE:2",
            "DTSTART:20261201T142000Z",
            "SUMMARY:Appointment",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
        }
        assert!(!text.contains("Influenza"), "calendars are shared: {text}");
    }
}
