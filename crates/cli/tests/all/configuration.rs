//! A wrong configuration stops the start and is named.

use std::os::unix::fs::PermissionsExt as _;

use base::time::Timestamp;
use database::Database;
use database::migration::{Migration, migrate};

use crate::installed::Installed;

#[test]
fn a_wrong_setting_is_named_with_its_line() {
    let installed = Installed::new();
    std::fs::create_dir(installed.data()).unwrap();
    for (content, expected) in [
        ("[booking.hold]\nlifetime = 0\n", "line 2: booking.hold.lifetime: "),
        ("http.idle_tim = 60\n", "did you mean http.idle_time?"),
        // By the name under which it was given, which was not the command line.
        (
            "database.read-replica = \"postgresql://reader@127.0.0.1:1/evenkeel\"\n",
            "database.read-replica: a database in a file has no replica",
        ),
    ] {
        let file = installed.data().join("evenkeel.toml");
        std::fs::write(&file, content).unwrap();
        // One of them holds an address that may hold a password.
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let output = installed.call(&["up", "--listen", "127.0.0.1:0"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && text.contains(expected), "{text}");
    }
}

#[test]
fn the_register_in_the_documents_is_the_programs_own() {
    let output = Installed::new().call(&["config", "--markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    // UPDATE_EXPECT=1 writes the file anew.
    expect_test::expect_file!["../../../../docs/settings.md"].assert_eq(&text);
}

#[test]
fn data_of_a_newer_version_is_left_alone() {
    const KNOWN: usize = booking::records::MIGRATIONS.len();
    let installed = Installed::new();
    std::fs::create_dir(installed.data()).unwrap();
    let mut connection = Database::file(&installed.data().join("evenkeel.sqlite"))
        .connect()
        .unwrap();
    let next = Migration {
        version: KNOWN as i64 + 1,
        name: "of the next version",
        sql: "SELECT 1",
    };
    migrate(
        &mut connection,
        booking::records::MIGRATIONS,
        Timestamp::from_seconds(0),
    )
    .unwrap();
    migrate(
        &mut connection,
        &[booking::records::MIGRATIONS, &[next]].concat(),
        Timestamp::from_seconds(0),
    )
    .unwrap();
    drop(connection);
    for args in [
        &["up", "--listen", "127.0.0.1:0"][..],
        &["up", "--empty", "--listen", "127.0.0.1:0"],
    ] {
        let output = installed.call(args);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(5) && text.contains("use the newer program"),
            "{text}"
        );
    }
}
