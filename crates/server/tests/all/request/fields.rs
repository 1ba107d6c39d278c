//! Bodies are read strictly, and what is wrong is named.

use expect_test::{Expect, expect};
use server::request::fields::{self, Object, read_body};

#[track_caller]
fn check(body: &[u8], expected: &Expect) {
    let read = read_body(body, |raw, findings| {
        let object = Object::open("", raw, &["name", "dose", "inner"], findings)?;
        let name = object.required("name", "a name", findings, |raw| fields::text_of(raw, 1, 5));
        let dose = object.optional("dose", "a number from 1 to 9", findings, |raw| {
            fields::integer(raw, 1, 9)
        });
        if let Some(raw) = object.get("inner") {
            Object::open(&object.at("inner"), raw, &["a"], findings)?;
        }
        Some((name?.into_owned(), dose?))
    });
    let text = match read {
        Ok(read) => format!("{read:?}"),
        Err(error) => format!("{error:?}"),
    };
    expected.assert_eq(&text);
}

#[test]
fn readable_bodies() {
    check(br#"{"name":"Ana"}"#, &expect![[r#"("Ana", None)"#]]);
    check(
        r#" {"name":"Ñandú","dose":2.0} "#.as_bytes(),
        &expect![[r#"("Ñandú", Some(2))"#]],
    );
    check(
        br#"{"name":"\u00e9\ud83d\ude00","dose":2e0}"#,
        &expect![[r#"("é😀", Some(2))"#]],
    );
}

#[test]
fn several_wrong_values_are_named_at_once() {
    check(
        br#"{"name":"","dose":10}"#,
        &expect![[
            r#"Invalid([FieldError { field: "/name", expected: "a name" }, FieldError { field: "/dose", expected: "a number from 1 to 9" }])"#
        ]],
    );
}

#[test]
fn numbers_of_any_size_are_the_fields_error() {
    for number in [
        "1e999",
        "-1e999",
        "123456789012345678901234567890",
        "1.5",
        "-0",
        "true",
        "\"1\"",
        "[1]",
        "null",
    ] {
        check(
            format!(r#"{{"name":"Ana","dose":{number}}}"#).as_bytes(),
            &expect![[r#"Invalid([FieldError { field: "/dose", expected: "a number from 1 to 9" }])"#]],
        );
    }
}

#[test]
fn not_an_object() {
    for body in ["[]", "null", "\"x\"", "1"] {
        check(
            body.as_bytes(),
            &expect![[r#"Invalid([FieldError { field: "", expected: "an object" }])"#]],
        );
    }
}

#[test]
fn unknown_and_doubled_fields_are_malformed_even_when_others_are_invalid() {
    check(
        br#"{"name":"","nmae":"Ana","inner":{"a/~":1}}"#,
        &expect![[
            r#"Malformed { detail: "The body has a field that this call does not know, or one field twice.", errors: [FieldError { field: "/nmae", expected: "no such field; there are: name, dose, inner" }, FieldError { field: "/inner/a~1~0", expected: "no such field; there are: a" }] }"#
        ]],
    );
    check(
        br#"{"name":"Ana","name":"Bea"}"#,
        &expect![[
            r#"Malformed { detail: "The body has a field that this call does not know, or one field twice.", errors: [FieldError { field: "/name", expected: "each field once" }] }"#
        ]],
    );
}

#[test]
fn what_is_not_json_is_malformed() {
    check(
        b"",
        &expect![[r#"Malformed { detail: "The body is not JSON: line 1, column 0.", errors: [] }"#]],
    );
    check(
        b"{\"name\":\"\xff\"}",
        &expect![[r#"Malformed { detail: "The body is not UTF-8: byte 9 is wrong.", errors: [] }"#]],
    );
    check(
        b"{} {}",
        &expect![[r#"Malformed { detail: "The body is not JSON: line 1, column 4.", errors: [] }"#]],
    );
    check(
        b"{'name':1}",
        &expect![[r#"Malformed { detail: "The body is not JSON: line 1, column 2.", errors: [] }"#]],
    );
    check(
        b"{\"name\":NaN}",
        &expect![[r#"Malformed { detail: "The body is not JSON: line 1, column 9.", errors: [] }"#]],
    );
    check(
        b"\xef\xbb\xbf{}",
        &expect![[r#"Malformed { detail: "The body is not JSON: line 1, column 1.", errors: [] }"#]],
    );
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    check(
        br#"{"name":"\ud800"}"#,
        &expect![[r#"Invalid([FieldError { field: "/name", expected: "a name" }])"#]],
    );
}

#[test]
fn sixteen_levels_are_read_and_seventeen_are_not() {
    let nested = |levels: usize| {
        let inner = levels - 2;
        format!(
            r#"{{"name":"Ana","inner":{{"a":{}{}}}}}"#,
            "[".repeat(inner),
            "]".repeat(inner)
        )
    };
    check(nested(16).as_bytes(), &expect![[r#"("Ana", None)"#]]);
    for levels in [17, 60_000] {
        check(
            nested(levels).as_bytes(),
            &expect![[r#"Malformed { detail: "The body is nested deeper than 16 levels.", errors: [] }"#]],
        );
    }
    check(
        br#"{"name":"[[[[[[[[[[[[[[[[[[[[["}"#,
        &expect![[r#"Invalid([FieldError { field: "/name", expected: "a name" }])"#]],
    );
    check(
        br#"{"name":"\"[[[[[[[[[[[[[[[[["}"#,
        &expect![[r#"Invalid([FieldError { field: "/name", expected: "a name" }])"#]],
    );
}

#[test]
fn a_call_without_fields_says_so() {
    let read = read_body(br#"{"a":1}"#, |raw, findings| {
        Object::open("", raw, &[], findings).map(drop)
    });
    expect![[
        r#"Malformed { detail: "The body has a field that this call does not know, or one field twice.", errors: [FieldError { field: "/a", expected: "no field: this call has none" }] }"#
    ]]
    .assert_eq(&format!("{:?}", read.unwrap_err()));
}
