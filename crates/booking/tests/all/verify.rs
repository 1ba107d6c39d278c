//! Each invariant is damaged by hand in a copy of a database, and `verify` names it.

use crate::site::{person, site_on};
use base::limit::Settings;
use booking::verify::{self, acknowledged};
use database::Database;
use runtime::secret::KeyRing;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Two appointments, one of them cancelled, and a hold; in a file that nobody writes any more.
async fn whole(dir: &Path) -> (PathBuf, String) {
    std::fs::create_dir_all(dir).unwrap();
    let file = dir.join("whole.sqlite");
    let site = site_on(Database::file(&file), &[2, 3], "a", Settings::default());
    let (id, _) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let (other, token) = site.book(site.slots[1], person(2), 1).await.unwrap();
    site.resident
        .cancel(other, &token, site.ask("0123456789abcdef", ""))
        .await
        .unwrap();
    site.hold(&[site.slots[1]]).await.unwrap();
    site.book(site.slots[1], person(3), 1).await.unwrap();
    site.assert_whole();
    let mut connection = site.database.connect().unwrap();
    connection.checkpoint(true).unwrap();
    site.stop().await;
    (file, id.to_string())
}

#[track_caller]
fn check(file: &Path, damage: &str, expected: &[&str]) {
    let copy = file.with_extension("copy");
    std::fs::copy(file, &copy).unwrap();
    let mut connection = Database::file(&copy).connect().unwrap();
    let mut tx = connection.begin().unwrap();
    for statement in damage.split(';').filter(|text| !text.trim().is_empty()) {
        let changed = tx.execute(statement, &[]).unwrap();
        assert!(changed > 0, "nothing was damaged by {statement}");
    }
    tx.commit().unwrap();
    let report = verify::verify(
        &mut connection,
        Some(&KeyRing::for_tests()),
        &[],
        Duration::from_secs(30),
    )
    .unwrap();
    let mut names: Vec<_> = report.findings.iter().map(|finding| finding.invariant.name()).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names, expected, "{:#?}", report.findings);
    drop(connection);
    for suffix in ["copy", "copy-wal", "copy-shm"] {
        let _ = std::fs::remove_file(file.with_extension(suffix));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_damage_is_named() {
    let dir = std::env::temp_dir().join(format!("evenkeel-verify-{}", std::process::id()));
    let (file, id) = whole(&dir).await;
    check(
        &file,
        "UPDATE slot SET capacity = 3, booked = 3 WHERE booked = 1 AND capacity = 2",
        &["counts_agree"],
    );
    check(
        &file,
        "UPDATE appointment SET slot = (SELECT slot FROM appointment ORDER BY id LIMIT 1) WHERE status = 'booked';
         UPDATE slot SET capacity = 1, booked = 1, held = 0 WHERE id = (SELECT slot FROM appointment ORDER BY id LIMIT 1)",
        &["audit_unbroken", "counts_agree", "never_over_capacity"],
    );
    check(
        &file,
        "DELETE FROM resident WHERE id = (SELECT resident FROM appointment ORDER BY id LIMIT 1)",
        &["acknowledged_is_stored"],
    );
    check(&file, "UPDATE outcome SET body = x'78'", &["acknowledged_is_stored"]);
    check(
        &file,
        "DELETE FROM live_dose WHERE appointment = (SELECT id FROM appointment ORDER BY id LIMIT 1)",
        &["one_live_appointment_per_resident_and_dose"],
    );
    check(
        &file,
        "UPDATE appointment SET resident = (SELECT resident FROM appointment ORDER BY id LIMIT 1) WHERE status = 'cancelled'",
        &["audit_unbroken", "links_are_personal"],
    );
    check(
        &file,
        "UPDATE hold SET expires_at = 1 WHERE status = 'held'",
        &["holds_end"],
    );
    check(&file, "DELETE FROM audit_event WHERE sequence = 2", &["audit_unbroken"]);
    check(
        &file,
        "UPDATE audit_event SET at = at + 1 WHERE sequence = 2",
        &["audit_unbroken"],
    );
    check(
        &file,
        "UPDATE appointment SET status = 'fulfilled' WHERE id = (SELECT id FROM appointment ORDER BY id LIMIT 1)",
        &["audit_unbroken"],
    );
    check(
        &file,
        "UPDATE audit_event SET outcome = x'00', part = 0 WHERE sequence IN (1, 2)",
        &["audit_unbroken", "one_effect_per_key"],
    );
    told_is_compared(&file, &id);
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A client's own record, of an appointment that is booked.
fn told_is_compared(file: &Path, id: &str) {
    let told = |line: &str| {
        let record = acknowledged::read(line).unwrap();
        let mut connection = Database::file(file).connect().unwrap();
        verify::verify(&mut connection, None, &record, Duration::from_secs(30))
            .unwrap()
            .findings
            .len()
    };
    assert_eq!(told(&format!(r#"{{"appointment":"{id}","status":"booked"}}"#)), 0);
    assert_eq!(told(&format!(r#"{{"appointment":"{id}","status":"cancelled"}}"#)), 1);
    assert_eq!(told(r#"{"appointment":"apt-00000000000000000000000001"}"#), 1);
    // A record grows: the later of two lines counts, and what it leaves out stays said.
    let (booked, cancelled) = (
        format!(r#"{{"appointment":"{id}","status":"booked"}}"#),
        format!(r#"{{"appointment":"{id}","status":"cancelled"}}"#),
    );
    assert_eq!(told(&format!("{cancelled}\n{booked}")), 0);
    assert_eq!(told(&format!("{booked}\n{cancelled}")), 1);
    assert_eq!(
        told(&format!(
            "{{\"appointment\":\"{id}\",\"status\":\"cancelled\"}}\n{{\"appointment\":\"{id}\"}}"
        )),
        1
    );
}
