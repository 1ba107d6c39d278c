//! A demonstration's mail lies in a folder of its owner's alone.

use std::os::unix::fs::PermissionsExt;

use messaging::folder::{self, Folder};
use messaging::receipt::Receipt;

use crate::email::email;

#[test]
fn mails_are_kept_for_their_owner_and_a_second_copy_replaces_the_first() {
    let path = std::env::temp_dir().join(format!("evenkeel-mail-{}", std::process::id()));
    let folder = Folder::open(&path).unwrap();
    let mail = email();
    let bytes = mail.build().unwrap().bytes;
    assert_eq!(folder.write(&mail, &bytes), Receipt::Delivered);
    assert_eq!(folder.write(&mail, &bytes), Receipt::Delivered);
    let kept = folder::list(&path, 10).unwrap();
    assert_eq!(
        (kept.len(), kept[0].subject.as_str()),
        (1, "Your appointment is booked")
    );
    assert_eq!(folder::eml(&path, &kept[0].name), Some(bytes));
    assert_eq!(folder::written_at(&kept[0]), Some(mail.at));
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in std::fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    for name in ["", "..", "../keys/master", "a/b", ".hidden"] {
        assert!(
            folder::one(&path, name).is_none() && folder::eml(&path, name).is_none(),
            "{name}"
        );
    }
    std::fs::remove_dir_all(&path).unwrap();
    assert!(folder::list(&path, 10).unwrap().is_empty(), "no folder, no mail");
}
