//! Texts of a configuration: read, refused by name, never shown when secret.

use std::os::unix::fs::PermissionsExt;

use base::limit::TextSetting;
use runtime::config::setting::{ConfigError, REGISTER, load, markdown, parse};

use crate::folder::Folder;

const PLACE: TextSetting = TextSetting {
    key: "test.place",
    expected: "a place",
    absent: "nowhere",
    characters_max: 20,
    check: |_| Ok(()),
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
    let settings = parse("log.kept = 3\n[test]\nplace = \" here \"", REGISTER, TEXTS).unwrap();
    assert_eq!(settings.get(&runtime::log_file::KEPT), 3);
    assert_eq!((settings.given(&PLACE), settings.given(&SECRET)), (Some("here"), None));
}

#[test]
fn what_is_wrong_is_named() {
    for (text, expected) in [
        (
            "[test]\nplace = 3",
            "2: test.place: expected a place, in quotation marks",
        ),
        (
            "test.plaice = 'x'",
            "1: test.plaice: there is no such setting; did you mean test.place?",
        ),
    ] {
        let (line, what) = parse(text, REGISTER, TEXTS).unwrap_err();
        assert_eq!(format!("{line}: {what}"), expected);
    }
}

#[test]
fn a_secret_is_not_shown_and_its_file_is_its_owners_alone() {
    let folder = Folder::new();
    let path = folder.path().join("evenkeel.toml");
    std::fs::write(&path, "test.secret = 'hush'").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = load(&path, REGISTER, TEXTS).unwrap_err();
    assert!(matches!(refused, ConfigError::OpenToOthers { key: "test.secret", .. }));
    assert!(refused.to_string().contains("chmod 600"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = load(&path, REGISTER, TEXTS).unwrap();
    assert_eq!(settings.given(&SECRET), Some("hush"));
    let shown = format!("{settings:?}");
    assert!(shown.contains("test.secret") && !shown.contains("hush"), "{shown}");
    assert!(markdown(&[], TEXTS).contains("| `test.place` | a place |"));
}
