//! Installing into a folder: what lies where with which rights, twice, and away again; and what systemd says of the unit.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use runtime::entropy::Entropy;

use crate::installed::{evenkeel, text};

/// How exposed the unit may leave the service, in tenths: `systemd-analyze security` calls up to 4 "OK".
const EXPOSURE_MAX: &str = "30";

struct Root(PathBuf);

impl Root {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("evenkeel-root-{:032x}", Entropy::real().bits128()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
    fn call(&self, args: &[&str]) -> Output {
        let mut command = evenkeel();
        command.args(args).arg("--root").arg(&self.0);
        command.output().unwrap()
    }
    fn said(&self, args: &[&str]) -> String {
        let output = self.call(args);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }
    fn mode(&self, path: &str) -> u32 {
        self.at(path).metadata().unwrap().permissions().mode() & 0o7777
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn everything_is_in_place_with_its_rights_and_a_second_time_nothing_changes() {
    let root = Root::new();
    let said = root.said(&["install", "--no-user"]);
    assert!(said.contains("made      /usr/local/bin/evenkeel"), "{said}");
    for (path, mode) in [
        ("/usr/local/bin/evenkeel", 0o755),
        ("/usr/local/share/man/man1/evenkeel.1", 0o644),
        ("/usr/local/share/man/man1/evenkeel-up.1", 0o644),
        ("/usr/local/share/bash-completion/completions/evenkeel", 0o644),
        ("/usr/local/share/zsh/site-functions/_evenkeel", 0o644),
        ("/usr/local/share/fish/vendor_completions.d/evenkeel.fish", 0o644),
        ("/etc/systemd/system/evenkeel.service", 0o644),
        ("/etc/evenkeel", 0o755),
        ("/etc/evenkeel/evenkeel.toml", 0o640),
        ("/etc/evenkeel/evenkeel.env", 0o640),
        ("/var/lib/evenkeel", 0o700),
    ] {
        assert_eq!(root.mode(path), mode, "{path}");
    }
    let link = root.at("/var/lib/evenkeel/evenkeel.toml").read_link().unwrap();
    assert_eq!(link, Path::new("/etc/evenkeel/evenkeel.toml"));

    // Somebody's settings and somebody's data.
    std::fs::write(root.at("/etc/evenkeel/evenkeel.env"), "EVENKEEL_LISTEN=0.0.0.0:80\n").unwrap();
    std::fs::write(root.at("/var/lib/evenkeel/evenkeel.sqlite"), "data").unwrap();
    std::fs::write(root.at("/usr/local/bin/evenkeel"), "an older version").unwrap();
    let again = root.said(&["install", "--no-user"]);
    let changed: Vec<&str> = again
        .lines()
        .filter(|line| line.contains("  /") && !line.starts_with("kept"))
        .collect();
    assert_eq!(changed, ["replaced  /usr/local/bin/evenkeel"], "{again}");
    assert!(text(&root.at("/etc/evenkeel/evenkeel.env")).contains("0.0.0.0:80"));

    let said = root.said(&["uninstall"]);
    assert!(said.contains("removed   /usr/local/bin/evenkeel"), "{said}");
    assert!(said.contains("kept      /var/lib/evenkeel"), "{said}");
    assert!(!root.at("/etc/systemd/system/evenkeel.service").exists());
    assert_eq!(text(&root.at("/var/lib/evenkeel/evenkeel.sqlite")), "data");
    assert!(root.at("/etc/evenkeel/evenkeel.toml").exists());
    assert!(root.said(&["uninstall"]).contains("absent    /usr/local/bin/evenkeel"));
}

#[test]
fn a_dry_run_says_it_all_and_does_nothing() {
    let root = Root::new();
    let said = root.said(&["install", "--no-user", "--dry-run"]);
    assert!(
        said.contains("made      /etc/systemd/system/evenkeel.service"),
        "{said}"
    );
    assert!(said.ends_with("Nothing was changed.\n"), "{said}");
    assert_eq!(root.0.read_dir().unwrap().count(), 0);
}

#[test]
fn another_prefix_is_in_the_unit_too() {
    let root = Root::new();
    root.said(&["install", "--no-user", "--prefix", "/opt/evenkeel"]);
    assert_eq!(root.mode("/opt/evenkeel/bin/evenkeel"), 0o755);
    let unit = text(&root.at("/etc/systemd/system/evenkeel.service"));
    assert!(
        unit.contains("\nExecStart=/opt/evenkeel/bin/evenkeel up --data /var/lib/evenkeel "),
        "{unit}"
    );
    assert_eq!(root.call(&["install", "--prefix", "opt"]).status.code(), Some(2));
}

#[test]
fn systemd_has_nothing_to_say_about_the_unit() {
    let analyze = |args: &[&str], unit: &Path| {
        let mut command = Command::new("systemd-analyze");
        // It reads the unit and the program's rights; the manual is not installed where tests run.
        command.args(args).args(["--man=no", "--no-pager"]).arg(unit);
        command.output()
    };
    let root = Root::new();
    root.said(&["install", "--no-user"]);
    let unit = root.at("/etc/systemd/system/evenkeel.service");
    let here = text(&unit).replace("/usr/local/bin/evenkeel", env!("CARGO_BIN_EXE_evenkeel"));
    std::fs::write(&unit, here).unwrap();
    let Ok(verified) = analyze(&["verify"], &unit) else {
        println!("there is no systemd-analyze here: the unit was not looked at");
        return;
    };
    let said = String::from_utf8([verified.stdout, verified.stderr].concat()).unwrap();
    let about_it = said.lines().filter(|line| line.contains("evenkeel"));
    assert_eq!(about_it.collect::<Vec<_>>(), Vec::<&str>::new(), "{said}");
    assert!(verified.status.success(), "{said}");
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let judged = analyze(&["security", "--offline=yes", &threshold], &unit).unwrap();
    let said = String::from_utf8([judged.stdout, judged.stderr].concat()).unwrap();
    println!("{}", said.lines().last().unwrap_or_default());
    assert!(judged.status.success(), "{said}");
}
