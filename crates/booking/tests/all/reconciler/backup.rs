//! When a backup is due, and that another process makes it then.

use base::limit::Settings;
use base::time::Timestamp;
use booking::limit::backup::{DRILL_EVERY, EVERY};
use booking::reconciler::backup::{Backups, Plan, due};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

#[test]
fn due_is_what_was_never_done_or_is_old_and_nothing_when_switched_off() {
    let (now, hour) = (Timestamp::from_seconds(100_000), Duration::from_secs(3_600));
    let check = |last: Option<Duration>, every, expected| {
        assert_eq!(due(last.map(|age| now - age), now, every), expected, "{last:?}");
    };
    check(None, hour, true);
    check(Some(hour), hour, true);
    check(Some(Duration::from_millis(3_599_999)), hour, false);
    check(None, Duration::ZERO, false);
    assert!(due(Some(now + hour), now, hour), "one from the future says nothing");
}

/// A program that notes how it was called and ends so; the folder it stands in is the data folder.
fn stand_in(ends: i32) -> (std::path::PathBuf, Plan) {
    let data = std::env::temp_dir().join(format!("evenkeel-due-{:032x}", Entropy::real().bits128()));
    std::fs::create_dir_all(data.join("run")).unwrap();
    let program = data.join("program");
    let text = format!(
        "#!/bin/sh\necho \"$@\" >> {}/called\necho said why >&2\nexit {ends}\n",
        data.display()
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
    (
        data.clone(),
        Plan {
            data,
            program,
            environment: Vec::new(),
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_asked_for_when_due_and_a_failure_is_counted() {
    let (data, plan) = stand_in(7);
    let (mut settings, clock, owner) = (Settings::default(), Clock::real(), Owner::new(Shutdown::new()));
    settings.set(&EVERY, 1).unwrap();
    settings.set(&DRILL_EVERY, 0).unwrap();
    let backups = Backups::start(plan, &settings, &clock, &owner).unwrap();
    assert!(backups.last().is_none() && backups.last_drill().is_none());
    let until = clock.monotonic() + Duration::from_secs(20);
    while backups.failures() == 0 {
        assert!(clock.monotonic() < until, "never asked for");
        clock.sleep(Duration::from_millis(20)).await;
    }
    let called = std::fs::read_to_string(data.join("called")).unwrap();
    assert_eq!(
        called.lines().next().unwrap(),
        format!("backup --if-due --json --data {}", data.display())
    );
    assert_eq!(backups.drill_failures(), 0);
    assert_eq!(owner.stop_and_join(Duration::from_secs(5)).await, Vec::<&str>::new());
    std::fs::remove_dir_all(data).unwrap();
}
