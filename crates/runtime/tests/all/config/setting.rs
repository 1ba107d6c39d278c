//! A wrong configuration says which name, on which line, and what was expected.

use base::limit::TextSetting;
use expect_test::{Expect, expect};
use runtime::config::setting::{REGISTER, load, markdown, parse};
use runtime::http::listener::IDLE_TIME;
use runtime::log_file::KEPT;

use crate::folder::Folder;

const TEXTS: &[&TextSetting] = &[&TextSetting {
    key: "mail.from",
    characters_max: 20,
    check: |text| {
        if text.contains('@') {
            Ok(())
        } else {
            Err("expected an address".to_owned())
        }
    },
    expected: "an address",
    absent: "nothing",
    reason: "for a test",
    secret: false,
}];

#[track_caller]
fn refused(text: &str, expected: &Expect) {
    let (line, what) = parse(text, REGISTER, TEXTS).unwrap_err();
    expected.assert_eq(&format!("{line}: {what}"));
}

#[test]
fn tables_and_dotted_names_mean_the_same() {
    for text in [
        "[log]\nkept = 3\n[http]\nidle_time = 5",
        "log.kept = 3\nhttp.idle_time = 5",
    ] {
        let settings = parse(text, REGISTER, TEXTS).unwrap();
        assert_eq!((settings.get(&KEPT), settings.get(&IDLE_TIME)), (3, 5));
    }
}

#[test]
fn what_is_wrong_is_named() {
    refused(
        "[log]\nkeept = 3",
        &expect!["2: log.keept: there is no such setting; did you mean log.kept?"],
    );
    refused("colour = 3", &expect!["1: colour: there is no such setting"]);
    refused(
        "[log]\n\nkept = \"3\"",
        &expect!["3: log.kept: expected a whole number (a count)"],
    );
    refused(
        "http.idle_time = -1",
        &expect!["1: http.idle_time: expected a whole number (s)"],
    );
    refused(
        "log.age = 0",
        &expect!["1: log.age: 0 days is below the minimum of 1: no such span"],
    );
    refused("[log\n", &expect!["1: unclosed table, expected `]`"]);
}

#[test]
fn texts_stand_in_quotes_and_are_checked() {
    let settings = parse("[mail]\nfrom = \"a@b.example\"", REGISTER, TEXTS).unwrap();
    assert_eq!(settings.text(TEXTS[0]), "a@b.example");
    assert_eq!(parse("", REGISTER, TEXTS).unwrap().text(TEXTS[0]), "");
    refused(
        "mail.from = 3",
        &expect!["1: mail.from: expected an address, in quotation marks"],
    );
    refused("mail.from = \"nobody\"", &expect!["1: mail.from: expected an address"]);
    refused(
        "mail.from = \"a@b\\nBcc: c@d\"",
        &expect!["1: mail.from: expected one line"],
    );
    refused(
        "mail.from = \"aaaaaaaaaaaa@example.org\"",
        &expect!["1: mail.from: longer than 20 characters"],
    );
    refused(
        "mail.fron = \"a@b\"",
        &expect!["1: mail.fron: there is no such setting; did you mean mail.from?"],
    );
    assert!(markdown(REGISTER, TEXTS).contains("| `mail.from` | an address | 20 | for a test | nothing |"));
}

#[test]
fn without_a_file_every_setting_has_its_default() {
    let folder = Folder::new();
    let path = folder.path().join("evenkeel.toml");
    assert_eq!(load(&path, REGISTER, TEXTS).unwrap().changed().count(), 0);
    std::fs::write(&path, "log.kept = 1000").unwrap();
    let text = load(&path, REGISTER, TEXTS).unwrap_err().to_string();
    assert!(
        text.starts_with(&format!("{}, line 1: log.kept: 1000", path.display())),
        "{text}"
    );
}

#[test]
fn every_setting_has_a_reason_bounds_that_hold_it_and_one_name() {
    let mut keys: Vec<_> = REGISTER.iter().map(|setting| setting.key).collect();
    for setting in REGISTER {
        assert!(
            setting.min <= setting.default && setting.default <= setting.max,
            "{}",
            setting.key
        );
        assert!(
            !setting.reason.is_empty() && !setting.below.is_empty() && !setting.above.is_empty(),
            "{}",
            setting.key
        );
    }
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    assert_eq!(markdown(REGISTER, &[]).lines().count(), count + 2);
}
