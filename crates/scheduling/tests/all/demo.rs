//! The demonstration's own documents, as they ship: they can be read, and say what they promise.

use base::time::{Date, parse_date};
use scheduling::resident::eligibility::Answers;
use scheduling::rules::product::Cvx;
use scheduling::rules::{DoseRequest, OtherDose, RuleRefusal, Rules};

const CVX: &str = include_str!("../../../../demo/cvx.csv");

pub fn rules() -> Rules {
    let documents = [
        ("jurisdiction", include_str!("../../../../demo/jurisdiction.json")),
        ("products", include_str!("../../../../demo/products/2026-09.json")),
        ("rules", include_str!("../../../../demo/rules/cdsi-4.64-508.json")),
        (
            "rules",
            include_str!("../../../../demo/rules/demo-department-2026.json"),
        ),
        ("questions", include_str!("../../../../demo/questions/2026-09.json")),
    ];
    Rules::from_documents(documents.map(|(kind, body)| (kind, "demo", body))).unwrap()
}

fn date(text: &str) -> Date {
    parse_date(text).unwrap()
}

fn verdict(result: &Result<(), RuleRefusal>) -> String {
    match result {
        Ok(()) => "yes".to_owned(),
        Err(RuleRefusal::TooYoung { from }) => format!("too-young {from}"),
        Err(RuleRefusal::TooSoon { earliest }) => format!("too-soon {earliest}"),
        Err(RuleRefusal::NotEligible { .. }) => "not-eligible".to_owned(),
        Err(RuleRefusal::WrongVaccine { .. }) => "wrong-vaccine".to_owned(),
    }
}

/// One dose on 2026-12-01, asked with answers `question=answer` and other doses `number:cvx@date`, blanks between.
#[track_caller]
fn check(product: &str, dose: u8, born: &str, answers: &str, others: &str, expected: &str) {
    let mut given = Answers::default();
    for (question, answer) in answers.split_whitespace().filter_map(|pair| pair.split_once('=')) {
        given.set(question, answer);
    }
    let read = |other: &str| {
        let (number, rest) = other.split_once(':').unwrap();
        let (cvx, on) = rest.split_once('@').unwrap();
        OtherDose {
            dose: number.parse().unwrap(),
            product: Cvx::parse(cvx).unwrap(),
            on: date(on),
        }
    };
    let others: Vec<_> = others.split_whitespace().map(read).collect();
    let product = Cvx::parse(product).unwrap();
    let request = DoseRequest {
        product,
        dose,
        birth_date: date(born),
        on: date("2026-12-01"),
        answers: &given,
        others: &others,
    };
    assert_eq!(verdict(&rules().check(&request)), expected);
}

#[test]
fn ages_count_on_the_day_of_the_appointment() {
    check("309", 1, "2014-12-01", "", "", "yes");
    check("309", 1, "2014-12-02", "", "", "too-young 2026-12-02");
    check("310", 1, "2014-12-02", "", "", "yes");
    check("310", 1, "2014-12-01", "", "", "not-eligible");
    check("03", 1, "2025-12-01", "", "", "yes");
    check("03", 1, "2025-12-02", "", "", "too-young 2026-12-02");
    check("187", 1, "1976-12-02", "", "", "too-young 2026-12-02");
    check("165", 1, "1980-12-01", "", "", "not-eligible");
}

#[test]
fn doses_are_never_scheduled_early() {
    check("03", 2, "1980-01-01", "", "1:03@2026-11-03", "yes");
    check("03", 2, "1980-01-01", "", "1:03@2026-11-04", "too-soon 2026-12-02");
    check("309", 2, "1980-01-01", "", "1:309@2026-10-06", "yes");
    check("309", 2, "1980-01-01", "", "1:309@2026-10-07", "too-soon 2026-12-02");
    check("309", 1, "1980-01-01", "", "2:309@2027-01-25", "too-soon 2027-01-26");
    check("309", 1, "1980-01-01", "", "2:309@2027-01-26", "yes");
    check("309", 2, "1980-01-01", "", "1:309@2027-06-01", "too-soon 2027-07-27");
}

#[test]
fn a_series_goes_on_with_its_product_where_the_authority_says_so() {
    check("312", 2, "1980-01-01", "", "1:309@2026-01-01", "wrong-vaccine");
    check("115", 2, "1980-01-01", "", "1:115@2026-01-01", "yes");
    check("140", 2, "1980-01-01", "", "1:111@2026-01-01", "yes");
    check("998", 1, "1980-01-01", "", "", "wrong-vaccine");
}

#[test]
fn each_path_through_a_series_counts() {
    // Twinrix on its fast path; with its third dose not before three weeks from the first.
    check("104", 2, "1980-01-01", "", "1:104@2026-11-24", "yes");
    check("104", 2, "1980-01-01", "", "1:104@2026-11-25", "too-soon 2026-12-02");
    check("104", 3, "1980-01-01", "", "1:104@2026-11-10 2:104@2026-11-17", "yes");
    // Heplisav is done with two; HPV begun at 15 takes three.
    check("189", 2, "1980-01-01", "", "1:189@2026-11-03", "yes");
    check("165", 2, "2013-01-01", "", "1:165@2026-10-01", "too-soon 2027-03-01");
    check("165", 2, "2010-01-01", "", "1:165@2026-10-01", "yes");
    check(
        "165",
        3,
        "2010-01-01",
        "",
        "1:165@2026-08-01 2:165@2026-09-01",
        "too-soon 2027-01-01",
    );
    // A yearly or booster dose follows the last one of the table.
    check("115", 7, "1980-01-01", "", "6:115@2021-12-01", "yes");
    check("115", 7, "1980-01-01", "", "6:115@2021-12-02", "too-soon 2026-12-02");
}

#[test]
fn answers_count_only_where_they_are_asked() {
    check("03", 1, "1980-01-01", "pregnant=yes", "", "not-eligible");
    check("140", 1, "1980-01-01", "pregnant=yes", "", "yes");
    check("140", 1, "1980-01-01", "allergic_reaction=yes", "", "not-eligible");
    check("303", 1, "1960-01-01", "", "", "not-eligible");
    check("303", 1, "1960-01-01", "rsv_risk=yes", "", "yes");
    check("303", 1, "1951-12-01", "", "", "yes");
    check("206", 1, "1980-01-01", "mpox_risk=no", "", "not-eligible");
    check(
        "309",
        1,
        "1980-01-01",
        "covid_last_dose_on=2026-10-07",
        "",
        "not-eligible",
    );
    check("309", 1, "1980-01-01", "covid_last_dose_on=2026-10-06", "", "yes");
}

#[test]
fn products_are_active_codes_and_nothing_must_be_answered() {
    let rules = rules();
    for vaccine in rules.vaccines() {
        let line = CVX.lines().find(|line| line.starts_with(&format!("{},", vaccine.cvx)));
        assert!(line.is_some_and(|line| line.contains(",Active,")), "{vaccine:?}");
        let on = date("2026-12-01");
        assert!(rules.series_rule(&vaccine.group, on).is_some(), "{vaccine:?}");
        assert!(
            rules
                .questions(vaccine.cvx, 1, on)
                .questions
                .iter()
                .all(|question| !question.required)
        );
        rules.validate_answers(vaccine.cvx, 1, on, &Answers::default()).unwrap();
    }
}

#[test]
fn a_slot_lasts_its_minutes_also_when_the_clock_is_turned() {
    use base::time::Zone;
    use scheduling::clinic::session::{Session, session_id};
    use scheduling::clinic::{location::clinic_id, slot::slots_of};
    let zone = Zone::named("America/New_York").unwrap();
    for (on, start, end, count, last) in [
        ("2026-12-01", "09:00", "17:00", 16, "2026-12-01T16:30:00-05:00"),
        ("2027-03-14", "01:00", "04:00", 4, "2027-03-14T03:30:00-04:00"),
        ("2026-11-01", "00:30", "03:00", 7, "2026-11-01T02:30:00-05:00"),
        ("2026-12-01", "09:00", "09:45", 1, "2026-12-01T09:00:00-05:00"),
    ] {
        let (clinic, product, date, start) = (clinic_id("a"), Cvx::from_number(140), date(on), start.parse().unwrap());
        let session = Session {
            id: session_id(clinic, date, product, start),
            clinic,
            date,
            product,
        };
        let slots = slots_of(&session, &zone, (start, end.parse().unwrap()), 30, 2);
        let ids: std::collections::BTreeSet<_> = slots.iter().map(|slot| slot.id).collect();
        assert_eq!((slots.len(), ids.len()), (count, count), "{on}");
        assert_eq!(slots[count - 1].starts_at.rfc3339_in(&zone), last);
    }
}

#[test]
fn a_clinic_keeps_its_id() {
    use scheduling::clinic::location::clinic_id;
    assert_eq!(clinic_id("rec0GfGTHCwkLds8L"), clinic_id("rec0GfGTHCwkLds8L"));
    assert_ne!(clinic_id("a"), clinic_id("a\0"));
    assert_ne!(clinic_id("12345678a"), clinic_id("12345678b"));
}
