//! A rehearsed restore passes when the live database is the backup gone on, says what is wrong when it is not, and
//! leaves evidence that nobody changes unseen.

use super::backup::{Folder, booked, go_on, make};
use crate::site::person;
use booking::exchange::backup::Workplace;
use booking::exchange::drill::{
    Drill, DrillError, DrillReport, EVIDENCE, check_evidence, keep_evidence, last_evidence,
};
use runtime::clock::Clock;
use runtime::destination::{Destination, Place};
use runtime::secret::KeyRing;
use std::ops::ControlFlow;
use std::time::Duration;

fn drill(folder: &Folder, destination: &Destination) -> Result<DrillReport, DrillError> {
    let workplace = Workplace::take(&folder.0).unwrap();
    let drill = Drill {
        destination,
        live: &folder.database(),
        keys: &KeyRing::for_tests(),
        clock: &Clock::real(),
        workplace: &workplace,
        hold_grace: Duration::from_secs(120),
    };
    drill.run(&mut go_on)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_passes_on_a_backup_gone_on_and_names_what_is_wrong_with_another() {
    let (folder, kept) = (Folder::new(), Folder::new());
    let destination = Place::folder(&kept.0).destination;
    assert!(matches!(drill(&folder, &destination), Err(DrillError::NoBackup(_))));
    let site = booked(&folder).await;
    {
        let workplace = Workplace::take(&folder.0).unwrap();
        let made = make(&folder, &workplace).unwrap();
        destination.put(&made.file, &made.name).unwrap();
    }
    site.book(site.slots[1], person(9), 1).await.unwrap();
    let report = drill(&folder, &destination).unwrap();
    assert!(report.passed && report.findings.is_empty(), "{report:?}");
    assert_eq!((report.rows["appointment"], report.chains), ((3, 4), 1));
    assert!(report.rto_s > 0.0 && report.rpo_s > 0.0 && report.last_event_age_s.unwrap() >= report.rpo_s);
    by_others(&folder, &destination);
    site.stop().await;

    // The live data lost its end, then has another past.
    let damage = |statement: &str| {
        let mut connection = folder.database().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        assert!(tx.execute(statement, &[]).unwrap() > 0);
        tx.commit().unwrap();
        let report = drill(&folder, &destination).unwrap();
        assert!(!report.passed);
        report.findings.join("; ")
    };
    let said = damage(
        "UPDATE audit_event SET hash = x'0000000000000000000000000000000000000000000000000000000000000000' WHERE chain = 'a'",
    );
    assert!(said.contains("is another one in the live database"), "{said}");
    let said = damage("DELETE FROM audit_event WHERE chain = 'a'");
    assert!(said.contains("is not in the live database"), "{said}");

    let backup = std::fs::read_dir(&kept.0)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_file());
    let backup = backup.unwrap();
    let length = backup.metadata().unwrap().len();
    std::fs::File::options()
        .write(true)
        .open(&backup)
        .unwrap()
        .set_len(length - 1)
        .unwrap();
    let report = drill(&folder, &destination).unwrap();
    assert!(
        !report.passed && report.findings[0].contains("is cut off"),
        "{report:?}"
    );
}

/// A copy of the file itself: it passes, and does not where it has another past.
fn by_others(folder: &Folder, destination: &Destination) {
    let elsewhere = Folder::new();
    let workplace = Workplace::take(&folder.0).unwrap();
    let drill = Drill {
        destination,
        live: &folder.database(),
        keys: &KeyRing::for_tests(),
        clock: &Clock::real(),
        workplace: &workplace,
        hold_grace: Duration::from_secs(120),
    };
    let restored = elsewhere.database();
    let mut live = folder.database().connect_read_only().unwrap();
    live.copy_to(restored.path().unwrap(), 100, |_| ControlFlow::Continue(()))
        .unwrap();
    let report = drill.look_at(&restored).unwrap();
    assert!(report.passed, "{report:?}");
    assert_eq!((report.rows["appointment"], report.chains), ((4, 4), 1));
    let mut connection = restored.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute(
        "UPDATE audit_event SET at = at + 1 WHERE chain = 'a' AND sequence = 1",
        &[],
    )
    .unwrap();
    tx.commit().unwrap();
    let report = drill.look_at(&restored).unwrap();
    assert!(
        report.findings.iter().any(|found| found.contains("audit_unbroken")),
        "{report:?}"
    );
}

#[test]
fn evidence_is_a_chain_and_a_half_written_line_is_dropped() {
    let folder = Folder::new();
    assert_eq!(last_evidence(&folder.0), None);
    let report = |n: i64| DrillReport {
        at: String::new(),
        at_micros: n,
        passed: true,
        findings: Vec::new(),
        backup: "b".to_owned(),
        destination: "d".to_owned(),
        bytes: 1,
        sha256: None,
        rpo_s: 1.5,
        last_event_age_s: None,
        rto_s: 2.5,
        fetch_s: 0.0,
        verify_s: 0.0,
        rows: [("t".to_owned(), (1, 2))].into(),
        chains: 1,
        previous: "said by nobody".to_owned(),
    };
    let path = folder.0.join("evidence").join(EVIDENCE);
    for n in 0..3 {
        keep_evidence(&folder.0, EVIDENCE, report(n)).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(check_evidence(&text), Ok(3));
    assert_eq!(last_evidence(&folder.0).unwrap().at_micros, 2);
    std::fs::write(&path, format!("{text}{{\"at\":\"half")).unwrap();
    keep_evidence(&folder.0, EVIDENCE, report(3)).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(check_evidence(&text), Ok(4));

    let changed = text.replacen("\"rto_s\":2.5", "\"rto_s\":0.5", 2);
    assert_eq!(check_evidence(&changed), Err(2));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(check_evidence(&[lines[0], lines[2]].join("\n")), Err(2));
    assert_eq!(check_evidence(&lines[1..].join("\n")), Err(1));
}
