//! `links_are_personal`, as far as it is a matter of secrets; and the key file.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use runtime::entropy::Entropy;
use runtime::secret::key_check::KeyMissing;
use runtime::secret::{self, KEY_FILE, KeyError, KeyRing, Unsealable, operator_token, same_secret};

use crate::folder::Folder;

fn mode(path: &std::path::Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_first_start_makes_a_key_only_its_owner_can_read_and_the_second_finds_it() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let keys = folder.path().join("keys");
    let first = KeyRing::open_or_create(&keys, &entropy).unwrap();
    assert_eq!((mode(&keys), mode(&keys.join(KEY_FILE))), (0o700, 0o600));
    assert_eq!(
        std::fs::read_dir(&keys).unwrap().count(),
        1,
        "nothing is left beside the key"
    );
    let second = KeyRing::open_or_create(&keys, &entropy).unwrap();
    assert_eq!(first.token("hold", b"1", 0), second.token("hold", b"1", 0));
    let other = Folder::new();
    let stranger = KeyRing::open_or_create(&other.path().join("keys"), &entropy).unwrap();
    assert_ne!(first.token("hold", b"1", 0), stranger.token("hold", b"1", 0));
}

#[test]
fn makers_at_the_same_time_get_the_same_key() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let keys = folder.path().join("keys");
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let open = || KeyRing::open_or_create(&keys, &entropy).unwrap().token("t", b"", 0);
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]), "{tokens:?}");
}

#[test]
fn a_key_file_open_to_others_is_refused_and_the_fix_is_named() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let keys = folder.path().join("keys");
    KeyRing::open_or_create(&keys, &entropy).unwrap();
    let file = keys.join(KEY_FILE);
    std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    let error = KeyRing::open_or_create(&keys, &entropy).unwrap_err();
    assert!(matches!(error, KeyError::OpenToOthers { mode: 0o640, .. }));
    let text = error.to_string();
    assert!(
        text.contains("(mode 0640)") && text.contains(&format!("chmod 600 {}", file.display())),
        "{text}"
    );
}

#[test]
fn a_damaged_key_file_is_refused_by_line() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let keys = folder.path().join("keys");
    KeyRing::open_or_create(&keys, &entropy).unwrap();
    for content in ["", "# nothing\n", "1 abc\n", "x 00\n"] {
        std::fs::write(keys.join(KEY_FILE), content).unwrap();
        let error = KeyRing::open_or_create(&keys, &entropy).unwrap_err();
        assert!(
            matches!(error, KeyError::Malformed { line: 1, .. }),
            "{content:?}: {error}"
        );
    }
}

#[test]
fn a_token_opens_one_thing_of_one_kind_and_generation() {
    let keys = KeyRing::for_tests();
    let token = keys.token("hold", b"id", 1);
    assert_eq!(token.len(), 24);
    assert!(
        token
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'),
        "{token}"
    );
    assert!(keys.token_matches(&token, "hold", b"id", 1));
    for (kind, id, generation) in [
        ("manage", &b"id"[..], 1),
        ("hold", b"ie", 1),
        ("hold", b"id", 2),
        ("holdi", b"d", 1),
    ] {
        assert!(
            !keys.token_matches(&token, kind, id, generation),
            "{kind} {id:?} {generation}"
        );
    }
    for wrong in ["", "x", &token[1..], &format!("{token}A"), "!!!!!!!!!!!!!!!!!!!!!!!!"] {
        assert!(!keys.token_matches(wrong, "hold", b"id", 1), "{wrong:?}");
    }
}

#[test]
fn old_keys_still_open_and_the_last_is_used() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let keys = folder.path().join("keys");
    let old = KeyRing::open_or_create(&keys, &entropy).unwrap();
    let (token, sealed) = (old.token("t", b"1", 0), old.seal(&entropy, "a", "b", b"1", b"text"));
    let text = std::fs::read_to_string(keys.join(KEY_FILE)).unwrap();
    std::fs::write(keys.join(KEY_FILE), format!("{text}2 {}\n", "ab".repeat(32))).unwrap();
    let new = KeyRing::open_or_create(&keys, &entropy).unwrap();
    assert_eq!((old.key_id(), new.key_id()), (1, 2));
    assert!(new.token_matches(&token, "t", b"1", 0) && new.token("t", b"1", 0) != token);
    assert_eq!(new.open("a", "b", b"1", &sealed).unwrap(), b"text");
    let newer = new.seal(&entropy, "a", "b", b"1", b"text");
    assert_eq!(
        KeyRing::for_tests().open("a", "b", b"1", &newer),
        Err(Unsealable::NoKey(2))
    );
    assert_eq!(
        old.open("a", "b", b"1", &newer).unwrap(),
        b"text",
        "it looks for the key first"
    );
}

#[test]
fn a_sealed_value_opens_only_in_its_place() {
    let (keys, entropy) = (KeyRing::for_tests(), Entropy::seeded(1));
    let sealed = keys.seal(&entropy, "appointment", "name", b"1", "Ada".as_bytes());
    assert_eq!(keys.open("appointment", "name", b"1", &sealed).unwrap(), b"Ada");
    assert_ne!(
        sealed,
        keys.seal(&entropy, "appointment", "name", b"1", b"Ada"),
        "each sealing has its own nonce"
    );
    assert!(!sealed.windows(3).any(|part| part == b"Ada"));
    for (table, column, row) in [
        ("hold", "name", &b"1"[..]),
        ("appointment", "names", b"1"),
        ("appointment", "name", b"2"),
        ("appointmentn", "ame", b"1"),
    ] {
        assert_eq!(
            keys.open(table, column, row, &sealed),
            Err(Unsealable::Wrong),
            "{table} {column}"
        );
    }
    for at in 17..sealed.len() {
        let mut damaged = sealed.clone();
        damaged[at] ^= 1;
        assert_eq!(keys.open("appointment", "name", b"1", &damaged), Err(Unsealable::Wrong));
    }
    assert_eq!(
        keys.open("appointment", "name", b"1", &sealed[..10]),
        Err(Unsealable::Unknown)
    );
}

#[test]
fn a_running_ring_follows_the_key_file() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let dir = folder.path().join("keys");
    let (one, other) = (
        KeyRing::open_or_create(&dir, &entropy).unwrap(),
        KeyRing::open_existing(&dir).unwrap(),
    );
    let (hash, link) = (one.keyed_hash("person", b"x"), one.token("t", b"1", 0));
    assert!(!one.refresh().unwrap(), "nothing has changed");
    assert_eq!(secret::rotate(&dir, &entropy).unwrap(), 2);
    assert_eq!((mode(&dir.join(KEY_FILE)), one.key_id()), (0o600, 1));
    assert!(one.refresh().unwrap() && !one.refresh().unwrap());
    let infos = one.keys();
    assert_eq!(infos.iter().map(|key| key.id).collect::<Vec<_>>(), [1, 2]);
    assert!(infos.iter().all(|key| key.made_at.is_some() && !key.retired) && infos[0].mark != infos[1].mark);
    // What others made with a key that this process has not read yet makes it look.
    assert!(other.token_matches(&one.token("t", b"1", 0), "t", b"1", 0));
    assert_eq!(secret::rotate(&dir, &entropy).unwrap(), 3);
    one.refresh().unwrap();
    let sealed = one.seal(&entropy, "a", "b", b"1", b"text");
    assert_eq!((KeyRing::sealed_with(&sealed), other.key_id()), (Some(3), 2));
    assert_eq!(other.open("a", "b", b"1", &sealed).unwrap(), b"text");
    assert_eq!(other.keyed_hash("person", b"x"), hash, "what was stored is found");
    assert!(other.token_matches(&link, "t", b"1", 0), "old links are honoured");
    secret::retire(&dir, 1, &entropy).unwrap();
    secret::retire(&dir, 1, &entropy).unwrap();
    other.refresh().unwrap();
    assert!(!other.token_matches(&link, "t", b"1", 0), "unless their key is retired");
    assert!(matches!(secret::retire(&dir, 3, &entropy), Err(KeyError::InUse(3))));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn rotations_at_the_same_time_each_add_a_key() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let dir = folder.path().join("keys");
    let keys = KeyRing::open_or_create(&dir, &entropy).unwrap();
    let mut ids: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| secret::rotate(&dir, &entropy).unwrap()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    ids.sort_unstable();
    keys.refresh().unwrap();
    assert_eq!((ids, keys.key_id()), (vec![2, 3, 4, 5], 5));
}

#[test]
fn a_key_that_was_lost_is_missed_and_what_is_known_stays_in_use() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let dir = folder.path().join("keys");
    assert!(matches!(KeyRing::open_existing(&dir), Err(KeyError::Missing(_))));
    let keys = KeyRing::open_or_create(&dir, &entropy).unwrap();
    let sealed = keys.seal(&entropy, "a", "b", b"1", b"text");
    let file = dir.join(KEY_FILE);
    std::fs::write(&file, format!("1 {}\n", "ab".repeat(32))).unwrap();
    for _ in 0..2 {
        assert!(matches!(keys.refresh(), Err(KeyError::Lost { id: 1, .. })));
    }
    assert_eq!(keys.open("a", "b", b"1", &sealed).unwrap(), b"text");
    std::fs::remove_file(&file).unwrap();
    assert!(matches!(keys.refresh(), Err(KeyError::Missing(_))));
}

#[test]
fn what_a_rehearsal_left_in_clear_opens_in_a_rehearsal_only() {
    let (keys, entropy) = (KeyRing::for_tests(), Entropy::seeded(1));
    let open = keys.unsealed_for_rehearsal();
    let clear = open.seal(&entropy, "a", "b", b"1", b"text");
    assert!(clear.ends_with(b"text") && KeyRing::sealed_with(&clear).is_none());
    assert_eq!(open.open("a", "b", b"1", &clear).unwrap(), b"text");
    assert_eq!(keys.open("a", "b", b"1", &clear), Err(Unsealable::Unknown));
    let sealed = keys.seal(&entropy, "a", "b", b"1", b"text");
    assert_eq!(open.open("a", "b", b"1", &sealed).unwrap(), b"text");
}

#[test]
fn keyed_hashes_differ_by_purpose_and_nothing_secret_is_printed() {
    let keys = KeyRing::for_tests();
    assert_eq!(keys.keyed_hash("resident", b"x"), keys.keyed_hash("resident", b"x"));
    assert_ne!(keys.keyed_hash("resident", b"x"), keys.keyed_hash("contact", b"x"));
    assert_eq!(format!("{keys:?}"), "KeyRing(key 1)");
}

#[test]
fn the_operators_token_is_made_once_and_kept_from_others() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let path = folder.path().join("operator.token");
    let token = operator_token(&path, &entropy).unwrap();
    assert_eq!((token.len(), mode(&path)), (43, 0o600));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(same_secret(&token, &operator_token(&path, &entropy).unwrap()));
    assert!(!same_secret(&token, "other"));
    std::fs::set_permissions(&path, Permissions::from_mode(0o604)).unwrap();
    assert!(
        operator_token(&path, &entropy)
            .unwrap_err()
            .to_string()
            .contains("chmod 600")
    );
}

#[test]
fn small_numbers_are_keyed_by_the_oldest_key_and_by_round() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let path = folder.path().join("keys");
    let one = KeyRing::open_or_create(&path, &entropy).unwrap();
    let file = path.join(KEY_FILE);
    let second = format!("{}2 {}\n", std::fs::read_to_string(&file).unwrap(), "ab".repeat(32));
    std::fs::write(&file, second).unwrap();
    let two = KeyRing::open_or_create(&path, &entropy).unwrap();
    assert_eq!(two.key_id(), 2);
    // What was said by telephone before a rotation is still said after it.
    assert_eq!(one.keyed_small(3, 77), two.keyed_small(3, 77));
    assert_ne!(one.keyed_small(3, 77), one.keyed_small(4, 77));
    assert_ne!(one.keyed_small(3, 77), one.keyed_small(3, 78));
    assert_ne!(one.keyed_small(3, 77), KeyRing::for_tests().keyed_small(3, 77));
}

#[test]
fn keys_are_named_without_being_told_and_a_kept_file_is_put_back() {
    let (folder, entropy) = (Folder::new(), Entropy::real());
    let path = folder.path().join("keys");
    let one = KeyRing::open_or_create(&path, &entropy).unwrap();
    let file = path.join(KEY_FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}2 {}\n", "ab".repeat(32))).unwrap();
    let both = KeyRing::open_or_create(&path, &entropy).unwrap();
    let checks = both.key_checks();
    assert_eq!(checks.iter().map(|key| key.id).collect::<Vec<_>>(), [1, 2]);
    assert!(!text.contains(&checks[0].check));
    assert_eq!(both.has_all(&one.key_checks()), Ok(()));
    assert_eq!(one.has_all(&checks), Err(KeyMissing::Absent(2)));
    assert_eq!(KeyRing::for_tests().has_all(&checks), Err(KeyMissing::Another(1)));

    // A memory stick knows no modes.
    let kept = folder.path().join("stick");
    std::fs::copy(&file, &kept).unwrap();
    std::fs::set_permissions(&kept, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(KeyRing::read_kept(&kept).unwrap().key_checks(), checks);
    let back = folder.path().join("back");
    KeyRing::put_back(&kept, &back).unwrap();
    assert_eq!((mode(&back), mode(&back.join(KEY_FILE))), (0o700, 0o600));
    assert_eq!(KeyRing::open_or_create(&back, &entropy).unwrap().key_checks(), checks);
    assert!(
        matches!(KeyRing::put_back(&kept, &back), Err(KeyError::Io { .. })),
        "never over keys"
    );
    std::fs::write(&kept, "1 abc\n").unwrap();
    assert!(matches!(
        KeyRing::read_kept(&kept),
        Err(KeyError::Malformed { line: 1, .. })
    ));
}
