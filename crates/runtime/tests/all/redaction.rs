//! What looks like a person or a secret does not leave the machine; what helps to find a fault does.

use expect_test::{Expect, expect};
use runtime::redaction::Redactor;

#[track_caller]
fn text(text: &str, expected: &Expect) {
    expected.assert_eq(&Redactor::default().text(text));
}

#[track_caller]
fn line(text: &str, expected: &Expect) {
    expected.assert_eq(&Redactor::default().line(text));
}

#[test]
fn persons_and_secrets_are_blanked() {
    text(
        "wrote to ana.silva+vax@mail.example.org, again",
        &expect!["wrote to [e-mail], again"],
    );
    text("?contact=ana%40example.org&x=1", &expect!["?contact=[e-mail]&x=1"]);
    text("call (508) 555-0123 now", &expect!["call [number] now"]);
    text(
        "+1-508-555-0123 or 508.555.0123 or 5085550123",
        &expect!["[number] or [number] or [number]"],
    );
    text("born 1980-05-04, tel5085550123", &expect!["born [number], [number]"]);
    text("code 7KXM-2QRD-9J", &expect!["code [code]"]);
    text("/a/Zm9vYmFyYmF6cXV4MTIzNDU2/cancel", &expect!["/a/[token]/cancel"]);
    text("Bearer QmFzZVNpeHR5Rm91ckVuY29k", &expect!["Bearer [token]"]);
    text("key 0b7e1c52-53d4-4b0e-9a35-1a0c7a0f6c11", &expect!["key [token]"]);
    text("é@ü.example ☎ 030 901820", &expect!["[e-mail] ☎ [number]"]);
}

#[test]
fn what_helps_is_kept() {
    for kept in [
        "at 2026-11-24T14:12:13.442604Z the server starts",
        "slt-01jd3v4x8m9c7k2p5q6r7s8t9v is full",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "/api/v1/appointments/{id} answered 503 after 12 ms",
        "evenkeel_availability_age_seconds",
        "crates/runtime/src/http/trace.rs:170",
        "http://127.0.0.1:41234",
        "",
    ] {
        assert_eq!(Redactor::default().text(kept), kept);
    }
}

#[test]
fn of_a_line_only_what_is_quoted_can_come_from_outside() {
    line(
        r#"{"timestamp":"2026-11-24T14:12:13.442604Z","duration_us":30001234,"cause":"for \"ana@example.org\"","n":1}"#,
        &expect![[
            r#"{"timestamp":"2026-11-24T14:12:13.442604Z","duration_us":30001234,"cause":"for \"[e-mail]\"","n":1}"#
        ]],
    );
    line(
        r#"evenkeel_http_requests_total{route="/a/Zm9vYmFyYmF6cXV4MTIzNDU2"} 12345678"#,
        &expect![[r#"evenkeel_http_requests_total{route="/a/[token]"} 12345678"#]],
    );
    line(
        "process_start_time_seconds 1795529533.442604",
        &expect!["process_start_time_seconds 1795529533.442604"],
    );
    line("panicked for 5085550123", &expect!["panicked for [number]"]);
    line(
        "cut in \"the mid of ana@example.org",
        &expect!["cut in \"the mid of [e-mail]"],
    );
}

#[test]
fn it_says_how_much_it_blanked() {
    let mut redactor = Redactor::default();
    redactor.line("a@b.example and 5085550123");
    redactor.line("nothing here");
    assert_eq!(redactor.blanked, 2);
}
