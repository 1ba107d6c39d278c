//! One line of configuration, and what is refused in it.

use messaging::smtp_url::{Security, SmtpUrl};

#[track_caller]
fn reads(text: &str, security: Security, user: Option<&str>, host: &str, port: u16) {
    let url = SmtpUrl::parse(text).unwrap();
    assert_eq!(
        (url.security, url.user.as_deref(), url.host.as_str(), url.port),
        (security, user, host, port),
        "{text}"
    );
}

#[test]
fn each_scheme_has_its_port_and_says_how_the_line_is_kept() {
    reads(
        "smtp://mail.example.org",
        Security::StartTls,
        None,
        "mail.example.org",
        587,
    );
    reads(
        "smtps://vax@mail.example.org/",
        Security::Tls,
        Some("vax"),
        "mail.example.org",
        465,
    );
    reads(
        "smtps://vax%40example.org@mail.example.org:10465",
        Security::Tls,
        Some("vax@example.org"),
        "mail.example.org",
        10_465,
    );
    reads("smtp+plain://localhost", Security::Plain, None, "localhost", 25);
    reads("smtp+plain://[::1]:2525", Security::Plain, None, "::1", 2_525);
}

#[test]
fn what_is_wrong_is_said() {
    for text in [
        "",
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://mail.example.org:x",
        "smtp://mail.example.org:99999",
        "smtp://mail example.org",
        "smtp://[::1",
        "smtp://mail.example.org/path",
        "smtp://mail.example.org\r\nX: y",
    ] {
        assert!(SmtpUrl::parse(text).unwrap_err().contains("smtp"), "{text}");
    }
    let password = SmtpUrl::parse("smtps://vax:secret@mail.example.org").unwrap_err();
    assert!(
        password.contains("mail.password") && !password.contains("secret"),
        "{password}"
    );
    let clear = SmtpUrl::parse("smtp+plain://vax@mail.example.org").unwrap_err();
    assert!(clear.contains("in the clear"), "{clear}");
    SmtpUrl::parse("smtp+plain://vax@127.0.0.1:2525").unwrap();
}
