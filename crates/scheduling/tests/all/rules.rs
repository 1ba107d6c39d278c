//! Dose rules and questions at their edges, as data.

use crate::world::rules;
use base::time::parse_date;
use scheduling::resident::eligibility::Answers;
use scheduling::rules::product::Cvx;
use scheduling::rules::{DoseRequest, OtherDose, RuleRefusal, Rules};

#[track_caller]
fn check(
    product: &str,
    dose: u8,
    born: &str,
    on: &str,
    others: &[(u8, &str, &str)],
    allergy: Option<&str>,
    expected: &str,
) {
    let others: Vec<_> = others
        .iter()
        .map(|(dose, product, on)| OtherDose {
            dose: *dose,
            product: Cvx::parse(product).unwrap(),
            on: parse_date(on).unwrap(),
        })
        .collect();
    let mut answers = Answers::default();
    if let Some(allergy) = allergy {
        answers.set("allergy", allergy);
    }
    let request = DoseRequest {
        product: Cvx::parse(product).unwrap(),
        dose,
        birth_date: parse_date(born).unwrap(),
        on: parse_date(on).unwrap(),
        answers: &answers,
        others: &others,
    };
    let got = match rules().check(&request) {
        Ok(()) => "ok".to_owned(),
        Err(RuleRefusal::TooYoung { from }) => format!("too-young until {from}"),
        Err(RuleRefusal::TooSoon { earliest }) => format!("too-soon until {earliest}"),
        Err(RuleRefusal::NotEligible { reason }) => reason,
        Err(RuleRefusal::WrongVaccine { .. }) => "wrong-vaccine".to_owned(),
    };
    assert_eq!(got, expected);
}

#[test]
fn a_minimum_age_counts_on_the_appointments_date_in_calendar_months() {
    check(
        "140",
        1,
        "2026-06-01",
        "2026-11-30",
        &[],
        None,
        "too-young until 2026-12-01",
    );
    check("140", 1, "2026-06-01", "2026-12-01", &[], None, "ok");
    check(
        "140",
        1,
        "2026-08-31",
        "2027-02-28",
        &[],
        None,
        "too-young until 2028-08-31",
    );
}

#[test]
fn rules_change_on_their_effective_date() {
    check("140", 1, "2026-01-01", "2026-12-31", &[], None, "ok");
    check(
        "140",
        1,
        "2026-01-01",
        "2027-01-01",
        &[],
        None,
        "too-young until 2028-01-01",
    );
}

#[test]
fn an_interval_counts_both_ways_and_never_early() {
    let first = [(1, "03", "2026-12-01")];
    check(
        "03",
        2,
        "1990-01-01",
        "2026-12-28",
        &first,
        None,
        "too-soon until 2026-12-29",
    );
    check("03", 2, "1990-01-01", "2026-12-29", &first, None, "ok");
    check(
        "03",
        1,
        "1990-01-01",
        "2026-12-20",
        &[(2, "03", "2027-01-01")],
        None,
        "too-soon until 2027-01-17",
    );
    check("94", 2, "1990-01-01", "2026-12-30", &first, None, "wrong-vaccine");
}

#[test]
fn an_answer_can_stand_in_the_way_only_where_it_is_asked() {
    check("03", 1, "1990-01-01", "2026-12-01", &[], Some("yes"), "Ask a doctor.");
    check("03", 1, "1990-01-01", "2026-12-01", &[], Some("unknown"), "ok");
    check("140", 1, "1990-01-01", "2026-12-01", &[], Some("yes"), "ok");
}

#[test]
fn another_authority_can_be_followed() {
    let follow = r#"{"name":"T","zone":"America/New_York","phone":null,"languages":["en"],"demonstration":null,"authorities":{"FLU":"other"}}"#;
    let flu = r#"{"authority":"other","version":"1","effective_from":"2020-01-01","series":{"FLU":{"paths":[{"name":"p","doses":[{"max_age":"50 years"}]}]}}}"#;
    let products = r#"{"version":"1","products":[{"cvx":"140","name":"Flu","group":"FLU","group_name":"Flu"}]}"#;
    let rules = Rules::from_documents([
        ("jurisdiction", "t", follow),
        ("rules", "t", flu),
        ("products", "t", products),
    ])
    .unwrap();
    assert!(!rules.is_for_any_adult(Cvx::parse("140").unwrap(), parse_date("2026-12-01").unwrap()));
}

#[test]
fn a_document_that_is_wrong_says_what_is_expected() {
    let cases = [
        (
            "jurisdiction",
            r#"{"name":"T","zone":"Mars/Base","languages":[]}"#,
            "expected an IANA name",
        ),
        (
            "rules",
            r#"{"authority":"a","version":"1","effective_from":"2020-1-1","series":{}}"#,
            "YYYY-MM-DD",
        ),
        (
            "rules",
            r#"{"authority":"a","version":"1","effective_from":"2020-01-01","series":{"F":{"paths":[{"name":"p","doses":[{"min_age":"6 moons"}]}]}}}"#,
            "expected a span",
        ),
        (
            "products",
            r#"{"version":"1","products":[{"cvx":"3","name":"","group":"","group_name":""}]}"#,
            "CVX code",
        ),
        (
            "rules",
            r#"{"authority":"a","version":"1","effective_from":"2020-01-01","series":{},"typo":1}"#,
            "typo",
        ),
        ("weather", "{}", "expected jurisdiction, products, rules or questions"),
    ];
    for (kind, body, expected) in cases {
        let error = Rules::from_documents([(kind, "x", body)]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
