//! Queries are read strictly.

use expect_test::{Expect, expect};
use server::request::fields::Findings;
use server::request::query::Query;

#[track_caller]
fn check(raw: &str, expected: &Expect) {
    let read = Query::parse(raw, &["near", "limit"]).and_then(|query| {
        let mut findings = Findings::default();
        let limit = query.limit(&mut findings);
        findings
            .conclude(limit)
            .map(|limit| (query.get("near").map(str::to_owned), limit))
    });
    let text = match read {
        Ok(read) => format!("{read:?}"),
        Err(error) => format!("{error:?}"),
    };
    expected.assert_eq(&text);
}

#[test]
fn names_and_values() {
    check("", &expect!["(None, 50)"]);
    check("near=01602&limit=200", &expect![[r#"(Some("01602"), 200)"#]]);
    check("&&near=a+b%26%C3%A9&", &expect![[r#"(Some("a b&é"), 50)"#]]);
}

#[test]
fn unknown_doubled_and_broken_names_are_malformed() {
    check(
        "nera=1&near=2&near=3",
        &expect![[
            r#"Malformed { detail: "The query has a name that this call does not know, or one name twice.", errors: [FieldError { field: "nera", expected: "no such name; there are: near, limit" }, FieldError { field: "near", expected: "each name once" }] }"#
        ]],
    );
    check(
        "near=%C3",
        &expect![[r#"Malformed { detail: "The query is not percent-encoded UTF-8.", errors: [] }"#]],
    );
    check(
        "near=%4",
        &expect![[r#"Malformed { detail: "The query is not percent-encoded UTF-8.", errors: [] }"#]],
    );
    check(
        "near=%zz",
        &expect![[r#"Malformed { detail: "The query is not percent-encoded UTF-8.", errors: [] }"#]],
    );
}

#[test]
fn a_limit_is_a_whole_number_within_bounds() {
    for wrong in ["0", "201", "-1", "1.5", "abc", "", "99999999999999999999999", "%2B5"] {
        check(
            &format!("limit={wrong}"),
            &expect![[r#"Invalid([FieldError { field: "limit", expected: "a whole number from 1 to 200" }])"#]],
        );
    }
}
