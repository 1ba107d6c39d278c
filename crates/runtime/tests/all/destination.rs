//! What is kept in a folder is there whole under its name, and what is named is understood.

use std::os::unix::fs::PermissionsExt;

use runtime::destination::object_storage::Access;
use runtime::destination::{Destination, Place};
use zeroize::Zeroizing;

use crate::folder::Folder;

fn put(to: &Destination, beside: &Folder, name: &str, content: &str) {
    let file = beside.path().join("made");
    std::fs::write(&file, content).unwrap();
    to.put(&file, name).unwrap();
}

#[test]
fn a_folder_keeps_lists_gives_and_lets_go() {
    let (work, kept) = (Folder::new(), Folder::new());
    let destination = Place::folder(kept.path()).destination;
    put(&destination, &work, "b", "first");
    put(&destination, &work, "b", "second");
    put(&destination, &work, "a", "other");
    std::fs::create_dir(kept.path().join("folder")).unwrap();
    std::fs::write(kept.path().join(".hidden"), "").unwrap();
    let names: Vec<_> = destination
        .list()
        .unwrap()
        .into_iter()
        .map(|file| (file.name, file.bytes))
        .collect();
    assert_eq!(names, [("a".to_owned(), 5), ("b".to_owned(), 6)]);
    let fetched = work.path().join("fetched");
    destination.fetch("b", &fetched).unwrap();
    assert_eq!(std::fs::read_to_string(&fetched).unwrap(), "second");
    assert_eq!(fetched.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    destination.remove("b").unwrap();
    destination.remove("b").unwrap();
    assert!(destination.fetch("b", &fetched).is_err());
    assert!(destination.is_on_disk_of(work.path()));
}

#[test]
fn across_disks_it_is_copied_and_an_abandoned_half_goes() {
    let memory = std::path::Path::new("/dev/shm");
    if !memory.is_dir() {
        return; // a machine without a second file system has nothing to cross
    }
    let (work, name) = (Folder::new(), format!("evenkeel-{}", std::process::id()));
    let kept = memory.join(name);
    std::fs::create_dir(&kept).unwrap();
    let destination = Place::folder(&kept).destination;
    let half = kept.join(".old.unfinished");
    std::fs::write(&half, "half").unwrap();
    let yesterday = half.metadata().unwrap().modified().unwrap() - std::time::Duration::from_hours(25);
    std::fs::File::options()
        .write(true)
        .open(&half)
        .unwrap()
        .set_modified(yesterday)
        .unwrap();
    put(&destination, &work, "a", "content");
    let left: Vec<_> = std::fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    std::fs::remove_dir_all(&kept).unwrap();
    assert_eq!(left, ["a"]);
    assert!(!destination.is_on_disk_of(work.path()) || !kept.exists());
}

#[test]
fn a_folder_that_is_missing_is_named_and_not_made() {
    let work = Folder::new();
    let missing = work.path().join("not-mounted");
    let destination = Place::folder(&missing).destination;
    let file = work.path().join("made");
    std::fs::write(&file, "").unwrap();
    for error in [
        destination.list().unwrap_err(),
        destination.put(&file, "a").unwrap_err(),
    ] {
        assert!(error.to_string().contains("mounted?"), "{error}");
    }
    assert!(!missing.exists());
}

#[test]
fn what_is_named_is_a_file_a_folder_or_objects() {
    let folder = Folder::new();
    let text = folder.path().display().to_string();
    let access = Access {
        access_key: Some("name".to_owned()),
        secret_key: Some(Zeroizing::new("secret".to_owned())),
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        ..Access::default()
    };
    for (named, shown, name) in [
        (text.clone(), text.clone(), None),
        (format!("{text}/new/"), format!("{text}/new/"), None),
        (format!("{text}/a.x"), text, Some("a.x")),
        ("a.x".to_owned(), ".".to_owned(), Some("a.x")),
        ("s3://bucket".to_owned(), "s3://bucket".to_owned(), None),
        ("s3://bucket/in/it".to_owned(), "s3://bucket/in/it".to_owned(), None),
        (
            "s3://bucket/in/a.x".to_owned(),
            "s3://bucket/in".to_owned(),
            Some("a.x"),
        ),
    ] {
        let place = Place::named(&named, ".x", &access).unwrap();
        assert_eq!(place.destination.to_string(), shown, "{named}");
        assert_eq!(place.name.as_deref(), name, "{named}");
    }
    let refused = |text: &str, access: &Access| Place::named(text, ".x", access).unwrap_err().to_string();
    assert!(refused("ftp://host/a", &access).contains("ftp:// is not known"));
    assert!(refused("s3://", &access).contains("s3://BUCKET/PREFIX"));
    assert!(refused("s3://bucket", &Access::default()).contains("AWS_ACCESS_KEY_ID"));
    assert!(!format!("{access:?}").contains("secret\""));
}
