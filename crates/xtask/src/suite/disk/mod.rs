//! Disk faults, made real: a full disk and a read-only mount in a user and mount namespace, a database that another
//! process holds, garbage behind the last commit, and a faulty file layer under the database that fails writes and
//! syncs and knows what a power cut leaves. While clients book all the time: every answer's words are true, finding
//! goes on, everything heals by itself, and nothing acknowledged is missing. All of it as root and as somebody else.

mod inside;
mod layer;
mod site;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::Tally;
use crate::{Checkout, program};

pub use inside::run as run_inside;

/// Who the unprivileged run is, when we are root: nobody, who owns no file and is in no group.
const NOBODY: u32 = 65_534;
/// The layer's source.
const SOURCE: &str = "crates/xtask/src/suite/disk/faulty.c";

/// Whose processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Root,
    Unprivileged,
}

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    for needed in ["unshare", "mount", "setpriv", "cc"] {
        ensure!(
            program::find(needed).is_some(),
            "`{needed}` is missing; as root: apt-get install --no-install-recommends util-linux mount gcc libc6-dev"
        );
    }
    let scratch = checkout.scratch("disk")?;
    let library = scratch.join("faulty.so");
    layer::compile(&checkout.root.join(SOURCE), &library)?;
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("  as root: not tried, this run is not root's");
    }
    let mut tally = Tally::default();
    for who in [Who::Root, Who::Unprivileged] {
        if who == Who::Unprivileged || root {
            let one = as_whom(checkout, &library, &scratch, who, root)?;
            tally.passed += one.passed;
            tally.failed += one.failed;
        }
    }
    Ok(tally)
}

/// Every case in a namespace of its own, as one of the two.
fn as_whom(checkout: &Checkout, library: &Path, scratch: &Path, who: Who, root: bool) -> Result<Tally> {
    println!("  ─ {}", if who == Who::Root { "as root" } else { "unprivileged" });
    // Where somebody else can reach it: a checkout may lie in root's own folder.
    let folder = Folder::new(who)?;
    fs::copy(checkout.binary(), folder.path.join("evenkeel"))?;
    // By this name also when cargo has put another program in our place meanwhile.
    fs::copy("/proc/self/exe", folder.path.join("xtask"))?;
    fs::copy(library, folder.path.join("faulty.so"))?;
    let drop = root && who == Who::Unprivileged;
    if drop {
        chown(&folder.path, Some(NOBODY), Some(NOBODY))?;
    }
    let mut words: Vec<String> = Vec::new();
    if drop {
        let to = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
        words.extend(["setpriv".to_owned()].into_iter().chain(to));
        words.push("--clear-groups".to_owned());
    }
    words.extend(["unshare", "--user", "--map-root-user", "--mount"].map(str::to_owned));
    may_mount(&words)?;
    words.push(folder.path.join("xtask").display().to_string());
    words.push("disk-inside".to_owned());
    words.push(folder.path.display().to_string());
    words.extend((who == Who::Unprivileged).then(|| "--unprivileged".to_owned()));
    // Its stdin is a pipe of ours: it ends when we do, however we end, and its servers with it.
    let mut child = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| words.join(" "))?;
    let _held = child.stdin.take();
    let ended = child.wait()?;
    for kept in ["history.ndjson", "up.stderr"] {
        let _ = fs::copy(folder.path.join(kept), scratch.join(format!("{who:?}-{kept}"))); // for whoever looks why
    }
    ensure!(ended.success(), "{who:?}: {ended}");
    let passed = fs::read_to_string(folder.path.join("passed"))?.trim().parse()?;
    Ok(Tally::passed(passed))
}

/// Whether this machine lets us mount in a namespace; if not, an error that says exactly what is in the way.
fn may_mount(words: &[String]) -> Result<()> {
    let tried = Command::new(&words[0])
        .args(&words[1..])
        .args(["mount", "-t", "tmpfs", "none", "/tmp"])
        .output()
        .with_context(|| words.join(" "))?;
    if tried.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&tried.stderr);
    let number =
        |path: &str| fs::read_to_string(path).map_or_else(|_| "absent".to_owned(), |text| text.trim().to_owned());
    bail!(
        "this machine does not let us mount in a user namespace (`{}` said: {}). Look at \
         user.max_user_namespaces ({}; must be above 0), kernel.unprivileged_userns_clone ({}; must be 1 or absent), \
         kernel.apparmor_restrict_unprivileged_userns ({}; must be 0 or absent); in a container its seccomp profile \
         must allow unshare and mount",
        words.join(" "),
        said.trim(),
        number("/proc/sys/user/max_user_namespaces"),
        number("/proc/sys/kernel/unprivileged_userns_clone"),
        number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
    )
}

/// A folder outside of the checkout, taken away again.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(who: Who) -> Result<Self> {
        let name = format!("evenkeel-disk-{}-{who:?}", std::process::id()).to_lowercase();
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
