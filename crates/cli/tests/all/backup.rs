//! Backup, restore and drill with the real program: what they leave, what they refuse, and with which exit code.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::installed::{Installed, address, evenkeel, get, text};

const FREE_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[track_caller]
fn ends(output: &Output, code: i32, words: &[&str]) -> String {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    text
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(output)))
}

fn restore(from: &Path, data: &Path, more: &[&str]) -> Output {
    let mut command = evenkeel();
    command.arg("restore").arg(from).arg("--data").arg(data).args(more);
    command.stdin(Stdio::null()).output().unwrap()
}

/// An installation that was started once, and stopped.
fn stopped() -> Installed {
    let mut installed = Installed::new();
    installed.up(&FREE_PORT);
    assert!(installed.call(&["stop"]).status.success());
    installed.ended();
    installed
}

/// What lies there and would be taken for a backup.
fn backups(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "ekb"))
        .collect()
}

#[test]
fn a_backup_of_a_running_site_comes_back_elsewhere_and_runs() {
    let mut installed = Installed::new();
    installed.up(&FREE_PORT);
    let text = ends(
        &installed.call(&["backup"]),
        0,
        &["key 1", "keys/master.key", "on the same disk"],
    );
    assert!(text.contains("It holds everything acknowledged before 20"), "{text}");
    let made = backups(&installed.data().join("backups"));
    assert_eq!(made.len(), 1);
    ends(&installed.call(&["backup", "list"]), 0, &[".ekb", "MB"]);
    let report = json(&installed.call(&["backup", "drill", "--json"]));
    assert_eq!(
        (&report["passed"], report["findings"].as_array().unwrap().len()),
        (&Value::Bool(true), 0)
    );
    ends(
        &installed.call(&["backup", "drill"]),
        0,
        &["comes back whole", "RPO", "RTO", "evidence"],
    );
    let evidence = crate::installed::text(&installed.data().join("evidence/backup-drill.jsonl"));
    assert_eq!(booking::exchange::drill::check_evidence(&evidence), Ok(2));
    ends(
        &installed.call(&["backup", "--if-due"]),
        0,
        &["Nothing is due: the last one is of 20"],
    );
    // Right there it would be over data that is used.
    ends(&restore(&made[0], &installed.data(), &[]), 2, &["is there already"]);

    let mut other = Installed::new();
    ends(
        &restore(&made[0], &other.data(), &[]),
        4,
        &["needs key 1", "there are no keys"],
    );
    assert!(!other.data().exists(), "nothing was touched");
    // The folder, as the README says to copy it.
    let keys = installed.data().join("keys").display().to_string();
    let folder = installed.data().join("backups");
    let told = ends(
        &restore(&folder, &other.data(), &["--keys", &keys]),
        0,
        &["verified: all is as it must be"],
    );
    assert!(
        told.contains("MAYBE MISSING") && told.contains("evenkeel up --data"),
        "{told}"
    );
    assert!(!other.data().join("run/backup").exists());
    ends(
        &restore(&made[0], &other.data(), &[]),
        2,
        &["evenkeel.sqlite is there already"],
    );
    let ready = other.up(&FREE_PORT);
    assert_eq!(get(address(&ready["public"]), "/readyz").unwrap(), 200);
    ends(&other.call(&["verify"]), 0, &["all is as it must be"]);
    ends(
        &other.call(&["export", "audit"]),
        0,
        &["restore,1,20", ",backup-restored,"],
    );
    ends(&other.call(&["backup", "--json"]), 0, &["\"event\":\"backup\""]);
}

#[test]
fn what_is_no_good_is_refused_by_name_and_nothing_is_touched() {
    let installed = stopped();
    let folder = installed.data().with_file_name("kept");
    std::fs::create_dir(&folder).unwrap();
    let good = folder.join("good.ekb");
    ends(
        &installed.call(&["backup", &good.display().to_string()]),
        0,
        &["good.ekb"],
    );
    assert!(
        !installed.data().join("run/backup.json").exists(),
        "one for another place is not the scheduled one"
    );
    let bytes = std::fs::read(&good).unwrap();
    let other_keys = folder.join("other.key");
    std::fs::write(&other_keys, format!("1 {}\n", "ab".repeat(32))).unwrap();
    let own_keys = installed.data().join("keys/master.key").display().to_string();
    let other_keys = other_keys.display().to_string();
    let place = installed.data().with_file_name("place");
    let mut flipped = bytes.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for (name, content, keys, code, words) in [
        ("flipped.ekb", &flipped[..], &own_keys, 3, "flipped.ekb is damaged"),
        ("cut.ekb", &bytes[..bytes.len() - 5], &own_keys, 3, "cut.ekb is cut off"),
        ("notes.ekb", b"groceries", &own_keys, 3, "notes.ekb is not a backup"),
        (
            "other.ekb",
            &bytes,
            &other_keys,
            4,
            "key 1 is another one than the key 1",
        ),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        ends(&restore(&path, &place, &["--keys", keys]), code, &[words]);
        assert!(!place.exists(), "{name}: something was touched");
    }
}

#[test]
fn what_is_not_there_or_would_be_written_over_is_refused() {
    let installed = stopped();
    let folder = installed.data().with_file_name("kept");
    std::fs::create_dir(&folder).unwrap();
    let good = folder.join("good.ekb");
    ends(
        &installed.call(&["backup", &good.display().to_string()]),
        0,
        &["good.ekb"],
    );
    let own_keys = installed.data().join("keys/master.key").display().to_string();
    let place = installed.data().with_file_name("place");
    ends(
        &restore(&folder.join("nowhere.ekb"), &place, &["--keys", &own_keys]),
        4,
        &["nowhere.ekb"],
    );
    ends(
        &restore(Path::new("ftp://host/x"), &place, &[]),
        2,
        &["ftp:// is not known"],
    );
    let empty = folder.join("empty");
    std::fs::create_dir(&empty).unwrap();
    ends(
        &restore(&empty, &place, &["--keys", &own_keys]),
        4,
        &["there is no backup"],
    );
    std::fs::create_dir_all(place.join("keys")).unwrap();
    std::fs::copy(&own_keys, place.join("keys/master.key")).unwrap();
    ends(
        &restore(&good, &place, &["--keys", &own_keys]),
        2,
        &["are there already"],
    );
    ends(
        &installed.call(&["backup", &own_keys]),
        2,
        &["is no backup; it is not written over"],
    );
    ends(
        &installed.call(&["backup", &good.display().to_string()]),
        0,
        &["good.ekb"],
    );
    ends(
        &installed.call(&["backup", "/nowhere/at/all/"]),
        1,
        &["is its disk mounted?"],
    );
    std::fs::rename(installed.data().join("keys"), installed.data().join("gone")).unwrap();
    ends(&installed.call(&["backup"]), 4, &["there are no keys"]);
    ends(&Installed::new().call(&["backup"]), 4, &["there is no database"]);
}

#[test]
fn a_command_takes_it_further_and_its_failure_is_a_failure() {
    let installed = stopped();
    let configure = |line: &str| std::fs::write(installed.data().join("evenkeel.toml"), line).unwrap();
    let sent = installed.data().with_file_name("sent");
    for command in [
        format!("cat > {}", sent.display()),
        format!("cp {{}} {}", sent.display()),
    ] {
        configure(&format!("backup.command = '{command}'"));
        let text = ends(&installed.call(&["backup"]), 0, &["Done"]);
        assert!(!text.contains("same disk"), "a command takes it away: {text}");
        let newest = backups(&installed.data().join("backups")).into_iter().max().unwrap();
        assert_eq!(std::fs::read(&sent).unwrap(), std::fs::read(newest).unwrap());
        std::fs::remove_file(&sent).unwrap();
    }
    let before = text(&installed.data().join("run/backup.json"));
    configure("backup.destination = 'here'");
    ends(
        &installed.call(&["backup"]),
        2,
        &["backup.destination", "the absolute path of a folder"],
    );
    configure("backup.command = 'echo no line to the moon >&2; exit 7'");
    ends(
        &installed.call(&["backup"]),
        1,
        &["ended with 7", "no line to the moon"],
    );
    configure("[backup]\ncommand = 'sleep 60'\ncommand_time = 1");
    ends(&installed.call(&["backup"]), 1, &["was ended after 1 s"]);
    assert_eq!(
        text(&installed.data().join("run/backup.json")),
        before,
        "the newest is the last that succeeded"
    );
}

#[test]
fn a_disk_that_fills_up_leaves_no_half_file() {
    let installed = stopped();
    let (data, folder) = (installed.data(), installed.data().with_file_name("kept"));
    std::fs::create_dir(&folder).unwrap();
    // Blocks of 512 bytes: fewer than the database has, then more than it has and fewer than are needed with the rest.
    for blocks in [16, 64] {
        for target in [None, Some(&folder)] {
            let mut command = Command::new("sh");
            let line = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
            command
                .args(["-c", &line, "sh"])
                .arg(env!("CARGO_BIN_EXE_evenkeel"))
                .arg("backup");
            command.args(target).arg("--data").arg(&data);
            let failed = command.stdin(Stdio::null()).output().unwrap();
            ends(&failed, 1, &["evenkeel: "]);
            assert_eq!(backups(&folder).len() + backups(&data.join("backups")).len(), 0);
            assert!(!data.join("run/backup").exists(), "the work is cleared away");
        }
    }
    ends(&installed.call(&["backup"]), 0, &["Done"]);
    ends(&installed.call(&["verify"]), 0, &["all is as it must be"]);
}

#[test]
fn a_server_makes_them_by_itself_rehearses_and_tells_their_age() {
    let mut installed = Installed::new();
    std::fs::create_dir(installed.data()).unwrap();
    std::fs::write(
        installed.data().join("evenkeel.toml"),
        "[backup]\nevery = 2\nkept_last = 1",
    )
    .unwrap();
    let ready = installed.up(&FREE_PORT);
    let internal = address(&ready["internal"]["server"][0]);
    let metrics = || crate::installed::body(internal, "/metrics").unwrap_or_default();
    assert!(
        metrics().contains("evenkeel_backup_failures_total 0") && !metrics().contains("evenkeel_backup_age_seconds ")
    );
    installed.until("a backup, a drill and their metrics", || {
        let now = metrics();
        now.contains("evenkeel_backup_age_seconds ") && now.contains("evenkeel_backup_drill_passed 1")
    });
    assert!(metrics().contains("evenkeel_backup_drill_failures_total 0"));
    installed.call(&["stop"]);
    let log = text(&installed.data().join("log/server-a.log"));
    assert!(
        log.contains("a backup was made") && log.contains("on the same disk as the data"),
        "{log}"
    );
}
