//! Texts of a configuration: read, refused by name, never shown when secret.

use std::os::unix::fs::PermissionsExt;

use runtime::config::setting::{ConfigError, REGISTER, load_texts, parse_all};
use runtime::config::text::{TextSetting, markdown};

use crate::folder::Folder;

const PLACE: TextSetting = TextSetting {
    key: "test.place",
    expected: "a place",
    absent: "nowhere",
    reason: "somewhere to be",
    secret: false,
};
const SECRET: TextSetting = TextSetting {
    key: "test.secret",
    expected: "a secret",
    secret: true,
    ..PLACE
};
const TEXTS: &[&TextSetting] = &[&PLACE, &SECRET];

#[test]
fn numbers_and_texts_stand_in_one_file() {
    let (settings, texts) = parse_all("log.kept = 3\n[test]\nplace = \" here \"", REGISTER, TEXTS).unwrap();
    assert_eq!(settings.get(&runtime::log_file::KEPT), 3);
    assert_eq!((texts.get(&PLACE), texts.get(&SECRET)), (Some("here"), None));
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        (
            "[test]\nplace = 3",
            "2: test.place: expected a place, in quotation marks",
        ),
        ("test.place = ' '", "1: test.place: expected a place"),
        (
            "test.plaice = 'x'",
            "1: test.plaice: there is no such setting; did you mean test.place?",
        ),
    ] {
        let (line, what) = parse_all(text, REGISTER, TEXTS).unwrap_err();
        assert_eq!(format!("{line}: {what}"), expected);
    }
}

#[test]
fn a_secret_is_not_shown_and_its_file_is_its_owners_alone() {
    let folder = Folder::new();
    let path = folder.path().join("evenkeel.toml");
    std::fs::write(&path, "test.secret = 'hush'").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = load_texts(&path, REGISTER, TEXTS).unwrap_err();
    assert!(matches!(refused, ConfigError::OpenToOthers { key: "test.secret", .. }));
    assert!(refused.to_string().contains("chmod 600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (_, texts) = load_texts(&path, REGISTER, TEXTS).unwrap();
    assert_eq!(texts.get(&SECRET), Some("hush"));
    assert_eq!(format!("{texts:?}"), r#"{"test.secret"}"#);
    assert!(markdown(TEXTS).contains("| `test.place` | a place |"));
}
