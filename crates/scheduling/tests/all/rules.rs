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

#[test]
fn whom_a_product_is_not_for_by_age_cannot_have_it_whatever_else_is_known() {
    let (rules, on) = (rules(), parse_date("2026-12-01").unwrap());
    let mut allergic = Answers::default();
    allergic.set("allergy", "yes");
    let first = [OtherDose {
        dose: 1,
        product: Cvx::from_number(3),
        on: parse_date("2026-11-01").unwrap(),
    }];
    let mut refused = 0;
    for product in [3, 94, 140, 999].map(Cvx::from_number) {
        for (dose, months) in (1..4).flat_map(|dose| (0..30).map(move |months| (dose, months))) {
            let birth_date = base::time::add_months(on, -months);
            if rules.is_for_age(product, dose, birth_date, on) {
                continue;
            }
            refused += 1;
            for (answers, others) in [(&Answers::default(), &first[..0]), (&allergic, &first[..])] {
                let request = DoseRequest {
                    product,
                    dose,
                    birth_date,
                    on,
                    answers,
                    others,
                };
                assert!(rules.check(&request).is_err(), "{request:?}");
            }
        }
    }
    assert!(refused > 90, "{refused}");
    let (toddler, baby) = (base::time::add_months(on, -12), base::time::add_months(on, -11));
    let mmr = Cvx::from_number(3);
    assert!(rules.is_for_age(mmr, 1, toddler, on) && !rules.is_for_age(mmr, 1, baby, on));
    assert!(!rules.is_for_age(mmr, 2, toddler, on), "the second a month later");
}

#[test]
fn answers_name_a_version_that_these_rules_have() {
    let questions = |version: &str, from: &str| {
        format!(
            r#"{{"version":"{version}","effective_from":"{from}","questions":[{{"id":"a","text":"A?","kind":"yes_no"}}]}}"#
        )
    };
    let (old, new) = (questions("q1", "2020-01-01"), questions("q2", "2026-12-01"));
    let both = Rules::from_documents([("questions", "t", old.as_str()), ("questions", "t", new.as_str())]).unwrap();
    let says = |rules: &Rules, version: Option<&str>, on: &str| {
        let mut answers = Answers::default();
        answers.version = version.map(str::to_owned);
        rules.validate_answers(Cvx::from_number(3), 1, parse_date(on).unwrap(), &answers)
    };
    for (on, current) in [("2026-11-30", "q1"), ("2026-12-01", "q2")] {
        for fine in [None, Some("q1"), Some("q2")] {
            assert_eq!(says(&both, fine, on), Ok(()), "{fine:?} on {on}");
        }
        let (field, expected) = says(&both, Some("0"), on).unwrap_err();
        assert_eq!(field, "/version");
        assert!(expected.contains(&format!("{current:?}")), "{expected}");
    }
    // Without any questions, GET /questions still names a version.
    assert_eq!(says(&Rules::default(), Some("0"), "2026-12-01"), Ok(()));
    assert!(says(&Rules::default(), Some("q1"), "2026-12-01").is_err());
}
