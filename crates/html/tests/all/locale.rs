//! Words, dates and times; and that each message the pages ask for exists, and each that exists is asked for.

use base::time::{Timestamp, Zone, parse_date};
use expect_test::expect;
use html::html;
use html::locale::{FAMILIES, Locale, RESIDENT_EN};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn eastern() -> Zone {
    Zone::named("America/New_York").expect("a zone")
}

#[test]
fn a_time_of_day_says_its_zone() {
    let locale = Locale::english();
    let check = |instant: &str, expected: expect_test::Expect| {
        let at = Timestamp::parse(instant).expect("an instant");
        expected.assert_eq(&format!(
            "{} | {}",
            locale.time(at, &eastern()),
            locale.date_long(at.date_in(&eastern()))
        ));
    };
    check(
        "2026-12-01T14:20:00Z",
        expect!["9:20 AM ET | Tuesday, December 1, 2026"],
    );
    check("2026-07-01T16:00:00Z", expect!["12:00 PM ET | Wednesday, July 1, 2026"]);
    check("2026-07-01T04:05:00Z", expect!["12:05 AM ET | Wednesday, July 1, 2026"]);
    let at = Timestamp::parse("2026-12-01T14:20:00Z").expect("an instant");
    assert_eq!(
        locale.time(at, &Zone::named("America/Anchorage").expect("a zone")),
        "5:20 AM AKT"
    );
    assert_eq!(
        locale.time(at, &Zone::named("Europe/Paris").expect("a zone")),
        "3:20 PM Europe/Paris"
    );
    assert_eq!(locale.zone_long(&eastern()), "Eastern Time (ET)");
}

#[test]
fn dates_and_spans_read_as_people_write_them() {
    let locale = Locale::english();
    let date = parse_date("2026-12-01").expect("a date");
    expect!["Tuesday, December 1 | Tue, Dec 1 | Dec 1 | December 1, 2026 | Tue"].assert_eq(&format!(
        "{} | {} | {} | {} | {}",
        locale.date_day(date),
        locale.date_short(date),
        locale.day_month(date),
        locale.date_plain(date),
        locale.weekday_short(date)
    ));
    let spans: Vec<_> = [1, 12, 89, 90, 1_860, 7_200, 300_000]
        .into_iter()
        .map(|s| locale.span(s))
        .collect();
    expect!["1 second, 12 seconds, 89 seconds, 2 minutes, 31 minutes, 2 hours, 3 days"].assert_eq(&spans.join(", "));
}

#[test]
fn markup_is_spliced_in_and_words_are_escaped() {
    let locale = Locale::english();
    let said = locale
        .rich("footer-help", &[("phone", html! { b { "1" } }.into())])
        .into_string();
    assert!(said.contains("<b>1</b>"), "{said}");
    let said = locale
        .rich("results-near", &[("count", 2_usize.into()), ("place", "<i>".into())])
        .into_string();
    assert!(said.contains("&lt;i&gt;"), "{said}");
    assert!(
        locale
            .tell("home-open-title", &[("count", 14_000_usize.into())])
            .contains("14,000")
    );
}

#[test]
fn a_missing_message_or_argument_is_seen() {
    let locale = Locale::english();
    assert_eq!(locale.text("no-such-message"), "⟦no-such-message⟧");
    assert!(locale.text("footer-help").starts_with('⟦'), "an argument is missing");
}

#[test]
fn the_families_are_whole() {
    let locale = Locale::english();
    for n in 1..=12 {
        assert!(
            locale.has(&format!("month-{n}")) && locale.has(&format!("month-short-{n}")),
            "month {n}"
        );
    }
    for n in 1..=7 {
        assert!(
            locale.has(&format!("weekday-{n}")) && locale.has(&format!("weekday-short-{n}")),
            "weekday {n}"
        );
    }
    for fault in base::answer::Fault::ALL {
        assert!(locale.has(&format!("fault-{}-title", fault.code())), "{fault}");
        assert!(locale.has(&format!("fault-{}-body", fault.code())), "{fault}");
    }
}

#[test]
fn no_word_that_the_public_should_not_read() {
    for line in RESIDENT_EN.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, words)) = line.split_once('=') else {
            continue;
        };
        let words = words.to_lowercase();
        for never in [
            "slot",
            "inventory",
            "retry",
            "session",
            "queue",
            "token",
            "invalid",
            "please",
            "oops",
        ] {
            // "Please do not start again" is the register's own sentence for a commit in doubt.
            let allowed = never == "please" && words.contains("please do not start again");
            assert!(
                allowed || !words.split(|c: char| !c.is_alphabetic()).any(|word| word == never),
                "{never}: {line}"
            );
        }
    }
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn each_message_asked_for_exists_and_each_one_is_asked_for() {
    let locale = Locale::english();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crates");
    let mut files = Vec::new();
    for owner in ["html", "server"] {
        sources(&crates.join(owner).join("src"), &mut files);
    }
    let text: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("a source"))
        .collect();
    let mut missing = BTreeSet::new();
    for call in [".text(\"", ".tell(\"", ".rich(\"", ".tell(\n", ".rich(\n"] {
        for (at, _) in text.match_indices(call) {
            let rest = text[at + call.len()..].trim_start().trim_start_matches('"');
            let key = &rest[..rest.find('"').expect("the end of the key")];
            if !locale.has(key) && !key.contains(['{', ' ', '(']) {
                missing.insert(key);
            }
        }
    }
    assert!(missing.is_empty(), "messages asked for that do not exist: {missing:?}");
    let keys: Vec<&str> = RESIDENT_EN
        .lines()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| Some(line.split_once('=')?.0.trim()))
        .collect();
    assert!(keys.len() > 100, "messages were read");
    let quoted = |key: &str| text.contains(&format!("\"{key}\""));
    // A heading and its text are asked for by their common beginning.
    let pair = |key: &str| {
        key.strip_suffix("-title")
            .or(key.strip_suffix("-body"))
            .is_some_and(quoted)
    };
    let unused: Vec<_> = keys
        .iter()
        .filter(|key| !FAMILIES.iter().any(|family| key.starts_with(family)) && !quoted(key) && !pair(key))
        .collect();
    assert!(unused.is_empty(), "messages nobody asks for: {unused:?}");
}
