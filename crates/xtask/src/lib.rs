//! What a developer of Evenkeel runs: `tidy` (the house rules), `test` (what CI runs), `soak`, `bench` and `release`.
//! Reaches the product from outside: its binary, its public HTTP, signals and files. Ships to nobody.

#![allow(
    clippy::disallowed_methods,
    reason = "a developer's tool reads the clock, the environment, and waits"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool talks to a terminal"
)]

pub mod bench;
pub mod client;
pub mod group;
pub mod history;
pub mod patroni;
pub mod port;
pub mod postgres;
pub mod program;
pub mod release;
pub mod sink;
pub mod site;
pub mod soak;
pub mod suite;
pub mod tidy;
pub mod tools;
pub mod traveller;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where things are in this checkout.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// The workspace's root.
    pub root: PathBuf,
}

impl Checkout {
    /// The checkout that this tool was built in.
    pub fn here() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("xtask lives in crates/xtask");
        Self { root: root.to_owned() }
    }
    /// Where cargo builds.
    pub fn target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), PathBuf::from)
    }
    /// The product, as the tests build it.
    pub fn binary(&self) -> PathBuf {
        self.target().join("debug/evenkeel")
    }
    /// A folder of its own for one run of a suite, empty. A second run of the same suite beside the first is refused:
    /// it would empty the folder under the other's servers.
    pub fn scratch(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.target().join("xtask").join(name);
        only_one(name, &folder)?;
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
    /// Where this tool keeps what it installs.
    pub fn tools(&self) -> PathBuf {
        self.root.join(".tools")
    }
}

/// Locks of this process's suites, held until it ends.
static HELD: Mutex<BTreeMap<String, File>> = Mutex::new(BTreeMap::new());

fn only_one(name: &str, folder: &Path) -> anyhow::Result<()> {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    if held.contains_key(name) {
        return Ok(());
    }
    let path = folder.with_extension("lock");
    std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
    let lock = File::create(&path)?;
    if lock.try_lock().is_err() {
        anyhow::bail!(
            "another run of the suite `{name}` has {}: wait for it",
            folder.display()
        );
    }
    held.insert(name.to_owned(), lock);
    Ok(())
}
