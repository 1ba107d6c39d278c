//! Reading what people type.

use base::time::{date_text, parse_date};
use expect_test::{Expect, expect};
use html::locale::Locale;
use server::resident::typed::{Asked, AskedKind, Typed};
use server::resident::typed_date;

#[track_caller]
fn born(parts: [&str; 3], expected: &Expect) {
    let today = parse_date("2026-11-24").expect("a date");
    let parts = parts.map(str::to_owned);
    let read = typed_date::read_parts(&parts, today, &Locale::english());
    expected.assert_eq(&read.map_or_else(|(key, _)| key.to_owned(), date_text));
}

#[test]
fn a_date_of_birth_is_read_as_people_type_it() {
    born(["3", "27", "1958"], &expect!["1958-03-27"]);
    born(["March", "27", "1958"], &expect!["1958-03-27"]);
    born(["mar.", " 27 ", "1958"], &expect!["1958-03-27"]);
    born(["3/27/1958", "", ""], &expect!["1958-03-27"]);
    born(["1958-03-27", "", ""], &expect!["1958-03-27"]);
    born(["27 March 1958", "", ""], &expect!["1958-03-27"]);
    born(["March 27, 1958", "", ""], &expect!["1958-03-27"]);
    born(["03271958", "", ""], &expect!["1958-03-27"]);
    born(["2", "29", "2024"], &expect!["2024-02-29"]);
    born(["2", "29", "2023"], &expect!["error-birth-no-day"]);
    born(["", "", ""], &expect!["error-birth"]);
    born(["13", "1", "1958"], &expect!["error-birth-month"]);
    born(["ma", "1", "1958"], &expect!["error-birth-month"]);
    born(["3", "32", "1958"], &expect!["error-birth-day"]);
    born(["3", "27", "58"], &expect!["error-birth-year"]);
    born(["3", "27", "19588888888888888888"], &expect!["error-birth-year"]);
    born(["3", "27", "2027"], &expect!["error-birth-future"]);
    born(["3", "27", "1899"], &expect!["error-birth-early"]);
    born(["nonsense", "", ""], &expect!["error-birth-whole"]);
}

fn typed() -> Typed {
    Typed {
        given_name: "  Zoë ".into(),
        family_name: "O’Neil-Łukasz".into(),
        birth: ["3".into(), "27".into(), "1958".into()],
        ..Typed::default()
    }
}

#[test]
fn details_are_read_into_a_person() {
    let today = parse_date("2026-11-24").expect("a date");
    let locale = Locale::english();
    let read = |typed: &Typed, asked: &[Asked]| typed.read(asked, today, &locale);
    let details = read(&typed(), &[]).expect("enough to book");
    assert_eq!(
        (details.person.given_name.as_str(), details.person.phone),
        ("Zoë", None)
    );
    assert_eq!(details.dose, 1);

    let strange = Typed {
        language: "xx".into(),
        needs: vec!["wheelchair".into(), "<b>".into()],
        dose: "0".into(),
        ..typed()
    };
    let details = read(&strange, &[]).expect("what is not on the list is left out");
    assert_eq!(
        (details.person.language, details.person.needs, details.dose),
        (None, vec!["wheelchair".to_owned()], 1)
    );

    let long = Typed {
        given_name: "x".repeat(101),
        phone: "12".into(),
        email: "a b@c".into(),
        ..typed()
    };
    let mending = read(&long, &[]).expect_err("three slips");
    let words: Vec<_> = mending
        .errors
        .iter()
        .map(|error| format!("{}: {}", error.field, error.words))
        .collect();
    expect![[r"
        given-name: A name can have up to 100 letters
        phone: Phone number must have 7 to 15 digits, like 413-555-0188. Or leave it empty
        email: E-mail must look like name@example.org. Or leave it empty"]]
    .assert_eq(&words.join("\n"));
}

#[test]
fn questions_are_answered_or_named() {
    let today = parse_date("2026-11-24").expect("a date");
    let locale = Locale::english();
    let asked = |kind, is_required| Asked {
        id: "q".into(),
        text: "When?".into(),
        hint: None,
        kind,
        is_required,
    };
    let with = |answer: &str| {
        let mut typed = typed();
        typed.answers.insert("q".into(), answer.into());
        typed
    };
    let date = [asked(AskedKind::Date, false)];
    assert_eq!(
        with("11/1/2026").read(&date, today, &locale).expect("a date").answers["q"],
        "2026-11-01"
    );
    assert!(
        with("soon")
            .read(&date, today, &locale)
            .expect_err("no date")
            .errors
            .of("q-q")
            .is_some()
    );
    let yes_no = [asked(AskedKind::YesNo, true)];
    assert!(
        typed()
            .read(&yes_no, today, &locale)
            .expect_err("required")
            .errors
            .of("q-q")
            .is_some()
    );
    assert_eq!(
        with("unknown")
            .read(&yes_no, today, &locale)
            .expect("an answer")
            .answers["q"],
        "unknown"
    );
    assert!(with("perhaps").read(&yes_no, today, &locale).is_err());
}
