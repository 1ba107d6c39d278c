//! What only the machine itself can be asked for: a user of its own, and what systemd says.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use nix::unistd::User;

use super::{DATA, USER};

/// Who owns the data.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    /// The user's number.
    pub user: u32,
    /// Its group's.
    pub group: u32,
}

/// The service's user, if it is there.
pub fn owner() -> anyhow::Result<Option<Owner>> {
    let found = User::from_name(USER)?;
    Ok(found.map(|user| Owner {
        user: user.uid.as_raw(),
        group: user.gid.as_raw(),
    }))
}

/// Makes the service's user: one that nobody can sign in as.
pub fn make_owner() -> anyhow::Result<Owner> {
    let arguments = ["--system", "--user-group", "--home-dir", DATA, "--no-create-home"];
    let made = Command::new("useradd")
        .args(arguments)
        .args(["--shell", "/usr/sbin/nologin", USER])
        .output();
    let made =
        made.context("the user evenkeel cannot be made: there is no useradd here (make it, and run this again)")?;
    if !made.status.success() {
        bail!("useradd: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    owner()?.context("useradd made no user evenkeel")
}

/// Whether systemd runs this machine (`sd_booted(3)`).
pub fn systemd_runs() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Has systemd read its units anew.
pub fn reload() -> anyhow::Result<()> {
    let told = Command::new("systemctl")
        .arg("daemon-reload")
        .output()
        .context("systemctl daemon-reload")?;
    if !told.status.success() {
        bail!(
            "systemctl daemon-reload: {}",
            String::from_utf8_lossy(&told.stderr).trim()
        );
    }
    Ok(())
}

/// Whether the service runs.
pub fn is_active() -> bool {
    let asked = Command::new("systemctl")
        .args(["is-active", "--quiet", "evenkeel"])
        .status();
    asked.is_ok_and(|status| status.success())
}
