//! A backup onto a disk that fills up: a tmpfs smaller than the backup, in a mount namespace of our own. It fails by
//! name, leaves nothing that looks like a backup, and the one before is still there.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use super::{Tried, text_of};
use crate::site::Start;

/// The demonstration's backup has about two megabytes: fits once, not twice.
const SIZE: &str = "3m";

/// See the head of this file. How many promises were looked at.
pub(super) fn run(tried: &Tried) -> Result<usize> {
    let (data, small) = (tried.scratch.join("full-data"), tried.scratch.join("small"));
    std::fs::create_dir(&small)?;
    Start::new(&tried.binary, &data).up()?.stop()?;
    let script = "mount -t tmpfs -o size=\"$1\" none \"$2\" || exit 77
        \"$3\" backup \"$2\" --data \"$4\" > /dev/null || exit 78
        \"$3\" backup \"$2\" --data \"$4\"; echo \"code $?\"; ls -A \"$2\"; ls -A \"$4/run\"";
    let root = nix::unistd::geteuid().is_root();
    let output = Command::new("unshare")
        .args(if root { &["-m"][..] } else { &["-U", "-r", "-m"] })
        .args(["sh", "-c", script, "sh", SIZE])
        .args([&small, &tried.binary, &data])
        .stdin(Stdio::null())
        .output()?;
    let said = text_of(&output);
    if output.status.code() == Some(77) || said.contains("unshare failed") {
        // What the command line's own tests do with a limit on the length of files holds everywhere.
        println!("  no mount namespace here: a full disk was not tried ({})", said.trim());
        return Ok(0);
    }
    ensure!(output.status.success(), "{said}");
    ensure!(
        said.contains("code 1") && said.contains("No space left on device"),
        "{said}"
    );
    let left: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("evenkeel-backup-") && !line.contains(' '))
        .collect();
    ensure!(
        left.len() == 1 && left[0].starts_with("evenkeel-backup-"),
        "left behind: {said}"
    );
    ensure!(
        !said.lines().any(|line| line == "backup"),
        "the work was not cleared away: {said}"
    );
    println!("  a disk that fills up: refused by name, the backup before is still there");
    Ok(1)
}
