//! Facts about this program, this machine and the names of our files; of our own making, without a person in them.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use base::time::Timestamp;
use nix::sys::statvfs::statvfs;
use runtime::clock::Clock;
use serde_json::{Value, json};
use supervisor::look::look;

/// Files that are listed: an installation has some dozens, a backup folder may have thousands.
const FILES_MAX: usize = 2_000;
/// How deep folders are looked into: nothing of ours lies deeper.
const DEPTH_MAX: usize = 3;

/// Which program, on which system.
pub fn versions() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let system = read("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    json!({
        "evenkeel": env!("CARGO_PKG_VERSION"),
        "commit": option_env!("EVENKEEL_COMMIT"),
        "processor": std::env::consts::ARCH,
        "libc": if cfg!(target_env = "musl") { "musl" } else { "gnu" },
        "schema": booking::records::MIGRATIONS.len(),
        "system": system.map(|name| name.trim_matches('"')),
        "kernel": read("/proc/sys/kernel/osrelease"),
    })
}

/// Disk, clock, memory and load right now.
pub fn facts(data: &Path, clock: &Clock) -> Value {
    let now = clock.now();
    let seen: Vec<String> = look(data, now).iter().map(ToString::to_string).collect();
    let disk = statvfs(data).ok();
    let bytes = |blocks: u64| disk.map(|disk| blocks * disk.fragment_size());
    let first_lines = |path: &str, lines: usize| -> Vec<String> {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines().take(lines).map(str::to_owned).collect()
    };
    json!({
        "now": now.to_string(),
        "seen": seen,
        "disk": {
            "bytes": disk.and_then(|disk| bytes(disk.blocks())),
            "free_bytes": disk.and_then(|disk| bytes(disk.blocks_available())),
            "free_files": disk.map(|disk| disk.files_available()),
        },
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": first_lines("/proc/meminfo", 3),
        "load": first_lines("/proc/loadavg", 1),
        "uptime": first_lines("/proc/uptime", 1),
    })
}

/// One line of JSON for each file in the data folder.
pub fn files(data: &Path) -> String {
    let mut lines = String::new();
    let mut count = 0;
    list(data, data, 1, &mut count, &mut lines);
    if count >= FILES_MAX {
        let _ = writeln!(lines, "{}", json!({"more": true}));
    }
    lines
}

fn list(data: &Path, folder: &Path, depth: usize, count: &mut usize, lines: &mut String) {
    let mut paths: Vec<_> = folder
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    for path in paths {
        let Ok(about) = path.symlink_metadata() else { continue };
        *count += 1;
        if *count > FILES_MAX {
            return;
        }
        let changed = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let line = json!({
            "name": path.strip_prefix(data).unwrap_or(&path).to_string_lossy(),
            "bytes": about.len(),
            "mode": format!("{:04o}", about.permissions().mode() & 0o7777),
            "changed": changed.map(|since| (Timestamp::default() + since).to_string()),
        });
        let _ = writeln!(lines, "{line}");
        if about.is_dir() && depth < DEPTH_MAX {
            list(data, &path, depth + 1, count, lines);
        }
    }
}
