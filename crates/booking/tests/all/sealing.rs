//! What lies in the file is sealed: from the first booking on, after an upgrade, and with a new key after a rotation.

use crate::folder::Folder;
use crate::site::{Site, person, site_with};
use base::limit::Settings;
use booking::engine::StartError;
use booking::records::resident::{Held, open};
use booking::records::sealing::COLUMNS;
use booking::sealing::{self, Status, WrongKeys};
use database::{Database, Value};
use runtime::entropy::Entropy;
use runtime::secret::{self, KeyRing};
use std::path::Path;
use std::time::Duration;

fn keys(folder: &Folder) -> KeyRing {
    KeyRing::open_or_create(&folder.path().join("keys"), &Entropy::real()).unwrap()
}

fn start(folder: &Folder, name: &str) -> Site {
    let database = Database::file(&folder.path().join("evenkeel.sqlite"));
    site_with(database, &[3, 3], name, Settings::default(), keys(folder)).unwrap()
}

/// Whether the text stands anywhere in the database's files.
fn stands(folder: &Path, text: &str) -> bool {
    let contains = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    ["evenkeel.sqlite", "evenkeel.sqlite-wal"]
        .iter()
        .any(|name| std::fs::read(folder.join(name)).is_ok_and(|bytes| contains(&bytes)))
}

fn status(site: &Site) -> Status {
    sealing::status(&mut site.database.connect().unwrap()).unwrap()
}

/// Until everything is sealed with this key.
async fn until_sealed_with(site: &Site, key: u32) {
    for _ in 0..1_000 {
        let now = status(site);
        let done =
            now.progress.len() == COLUMNS.len() && now.progress.iter().all(|p| p.key == key && p.finished_at.is_some());
        if done && now.clear == 0 && now.sealed.keys().all(|id| *id == key) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within twenty seconds: {:?}", status(site));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_is_in_force_at_once_everywhere_and_old_values_follow() {
    let folder = Folder::new();
    let one = start(&folder, "a");
    let (id, link) = one.book(one.slots[0], person(1), 1).await.unwrap();
    assert!(!stands(folder.path(), "Given1") && !stands(folder.path(), "1980-05-17"));
    let two = start(&folder, "b");
    assert_eq!(status(&one).sealed.keys().copied().collect::<Vec<_>>(), [1]);

    let dir = folder.path().join("keys");
    secret::rotate(&dir, &Entropy::real()).unwrap();
    let rotated = KeyRing::open_existing(&dir).unwrap();
    let now = one.engine.clock().now();
    sealing::declare(&mut one.database.connect().unwrap(), &rotated, now).unwrap();
    // Neither has looked at the key file since; both must seal with the new key all the same.
    for (site, number) in [(&two, 2), (&one, 3)] {
        site.book(site.slots[0], person(number), 1).await.unwrap();
        assert_eq!(status(site).sealed.get(&2).copied(), Some(u64::from(number) - 1));
    }
    assert_eq!((one.engine.keys().key_id(), two.engine.keys().key_id()), (2, 2));
    let taken = one.book(one.slots[1], person(1), 1).await.unwrap_err();
    assert_eq!(taken, "already-booked", "who is known is known after a rotation");
    until_sealed_with(&two, 2).await;
    let seen = two.resident.see_appointment(id, &link).await.unwrap().unwrap();
    assert_eq!(seen.resident.unwrap().given_name, "Given1");
    assert_ne!(seen.manage_token, link, "new links come from the new key");
    one.assert_whole();
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_0_1_are_read_and_sealed_and_nothing_of_them_stays_in_the_files() {
    let folder = Folder::new();
    let site = start(&folder, "a");
    let (id, link) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let keys = site.engine.keys().clone();
    let database = site.stop().await;
    as_in_0_1(&database, &keys);
    assert!(stands(folder.path(), "Given1"));

    let site = start(&folder, "a");
    let seen = site.resident.see_appointment(id, &link).await.unwrap().unwrap();
    assert_eq!(seen.resident.unwrap().given_name, "Given1");
    until_sealed_with(&site, 1).await;
    for _ in 0..500 {
        if !stands(folder.path(), "Given1") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!stands(folder.path(), "Given1") && !stands(folder.path(), "617-555-0001"));
    let seen = site.resident.see_appointment(id, &link).await.unwrap().unwrap();
    assert_eq!(seen.resident.unwrap().given_name, "Given1");
    site.assert_whole();
    site.stop().await;
}

/// Puts every resident's row back as 0.1 wrote it.
fn as_in_0_1(database: &Database, keys: &KeyRing) {
    let mut connection = database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    let mut rows = Vec::new();
    tx.query("SELECT id, personal, salt FROM resident ORDER BY id", &[], |row| {
        rows.push((row.blob(0), row.blob(1), row.blob(2)));
    })
    .unwrap();
    for (id, personal, salt) in rows {
        let Held::Plain(plain) = open(keys, &id, &personal, &salt) else {
            panic!("a row of ours");
        };
        let values: [Value<'_>; 3] = [(&id).into(), plain[16..].into(), plain[..16].into()];
        tx.execute("UPDATE resident SET personal = $2, salt = $3 WHERE id = $1", &values)
            .unwrap();
    }
    tx.execute("DELETE FROM resealing", &[]).unwrap();
    tx.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_keys_are_refused_before_anything_is_written() {
    let folder = Folder::new();
    let site = start(&folder, "a");
    site.book(site.slots[0], person(1), 1).await.unwrap();
    let database = site.stop().await;
    std::fs::rename(folder.path().join("keys"), folder.path().join("kept")).unwrap();
    let refused = |keys| match site_with(database.clone(), &[1], "a", Settings::default(), keys) {
        Err(StartError::WrongKeys(wrong)) => wrong,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it started"),
    };
    assert_eq!(refused(keys(&folder)), WrongKeys { id: 1, other: true });
    std::fs::remove_dir_all(folder.path().join("keys")).unwrap();
    std::fs::rename(folder.path().join("kept"), folder.path().join("keys")).unwrap();
    start(&folder, "a").stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn details_that_were_changed_are_found() {
    let folder = Folder::new();
    let site = start(&folder, "a");
    site.book(site.slots[0], person(1), 1).await.unwrap();
    let keys = site.engine.keys().clone();
    site.assert_whole();
    as_in_0_1(&site.database, &keys);
    let mut connection = site.database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    let changed = "UPDATE resident SET personal = CAST(replace(CAST(personal AS TEXT), 'Given1', 'Other1') AS BLOB)";
    assert_eq!(tx.execute(changed, &[]).unwrap(), 1);
    tx.commit().unwrap();
    let findings = site.verify().findings;
    assert!(
        findings.len() == 1 && findings[0].detail.contains("other details"),
        "{findings:?}"
    );
    site.stop().await;
}
