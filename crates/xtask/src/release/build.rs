//! Builds the program of what is committed, in a folder that nobody else uses, so that nothing of this machine is in it:
//! no path, no time, no leftover of an earlier build.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{Checkout, program};

/// The target whose binaries need nothing of the machine they run on.
const MUSL: &str = "x86_64-unknown-linux-musl";
/// Its C compiler, for SQLite and the allocator.
const MUSL_COMPILER: &str = "musl-gcc";

/// What is built.
pub struct Source {
    commit: String,
    /// Seconds.
    epoch: u64,
    /// As in the SBOM.
    time: String,
}

impl Source {
    /// The commit that is checked out.
    pub fn of(checkout: &Checkout) -> Result<Self> {
        let git = |arguments: &[&str]| -> Result<String> {
            let said = program::output(Command::new("git").args(arguments).current_dir(&checkout.root))?;
            Ok(said.trim().to_owned())
        };
        let changed = git(&["status", "--porcelain"])?;
        if !changed.is_empty() {
            println!("WARNING: a release is made of what is committed; these changes are not in it:\n{changed}");
        }
        let commit = git(&["rev-parse", "HEAD"])?;
        let epoch = git(&["show", "--no-patch", "--format=%ct", "HEAD"])?.parse()?;
        let time = jiff::Timestamp::from_second(i64::try_from(epoch)?)?.to_string();
        Ok(Self { commit, epoch, time })
    }

    /// Its name.
    pub fn commit(&self) -> &str {
        &self.commit
    }
}

/// A program, and what it was built of.
pub struct Built {
    /// The sources.
    pub root: PathBuf,
    /// The program.
    pub binary: PathBuf,
    /// For which machines.
    pub triple: String,
    /// Which version.
    pub version: String,
    /// When it was committed, in seconds.
    pub epoch: u64,
    /// The same, for people.
    pub commit_time: String,
}

/// musl where its Rust target and C compiler are there, else this machine's own; says which and why.
pub fn target() -> Result<String> {
    let installed = program::output(Command::new("rustup").args(["target", "list", "--installed"]));
    let has_target = installed
        .as_ref()
        .is_ok_and(|list| list.lines().any(|line| line.trim() == MUSL));
    let has_compiler = program::find(MUSL_COMPILER).is_some();
    if has_target && has_compiler {
        println!("For {MUSL}: needs nothing of the machine it runs on.");
        return Ok(MUSL.to_owned());
    }
    let said = program::output(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc -vV names no host")?.to_owned();
    let missing = match (has_target, has_compiler) {
        (false, false) => format!("neither `rustup target add {MUSL}` nor Debian's musl-tools are"),
        (false, true) => format!("`rustup target add {MUSL}` is not"),
        (true, _) => "Debian's musl-tools (musl-gcc) are not".to_owned(),
    };
    println!("For {host}: it needs the glibc of this machine or a newer one, because {missing} installed here.");
    Ok(host)
}

/// Builds in `folder`, which is emptied first.
pub fn build(checkout: &Checkout, source: &Source, triple: &str, folder: &Path) -> Result<Built> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let (root, target) = (folder.join("source"), folder.join("target"));
    std::fs::create_dir_all(&root)?;
    let packed = folder.join("source.tar");
    let mut export = Command::new("git");
    export
        .args(["archive", "--format=tar", "--output"])
        .arg(&packed)
        .arg(&source.commit);
    program::run(export.current_dir(&checkout.root))?;
    program::run(Command::new("tar").arg("-xf").arg(&packed).arg("-C").arg(&root))?;
    println!(
        "Building {} in {} …",
        &source.commit[..12.min(source.commit.len())],
        folder.display()
    );
    let mut cargo = Command::new("cargo");
    let arguments = [
        "build",
        "--release",
        "--locked",
        "--package",
        "cli",
        "--bin",
        "evenkeel",
        "--target",
        triple,
    ];
    cargo
        .args(arguments)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&root);
    for (name, value) in environment(source, &root, &target)? {
        cargo.env(name, value);
    }
    program::run(&mut cargo)?;
    let binary = target.join(triple).join("release/evenkeel");
    let said = program::output(Command::new(&binary).arg("--version"))?;
    let version = said
        .trim()
        .strip_prefix("evenkeel ")
        .context("evenkeel --version says something else")?;
    let bytes = std::fs::read(&binary)?;
    for path in [&checkout.root, &cargo_home()?] {
        let path = path.display().to_string();
        let found = bytes.windows(path.len()).any(|window| window == path.as_bytes());
        ensure!(!found, "the program names {path}, a folder of this machine");
    }
    Ok(Built {
        version: version.to_owned(),
        root,
        binary,
        triple: triple.to_owned(),
        epoch: source.epoch,
        commit_time: source.time.clone(),
    })
}

/// What takes this machine out of the program.
fn environment(source: &Source, root: &Path, target: &Path) -> Result<Vec<(String, String)>> {
    let cargo_home = cargo_home()?;
    // Where several begin a path, the last wins.
    let folders = [
        (cargo_home.as_path(), "/cargo"),
        (root, "/evenkeel"),
        (target, "/target"),
    ];
    let mapped = |flag: &str| {
        let flags = folders.map(|(folder, to)| format!("{flag}={}={to}", folder.display()));
        flags.join(" ")
    };
    // A separator that a path may hold is none: cargo's other variable separates by this character.
    let rust = mapped("--remap-path-prefix").replace(' ', "\u{1f}");
    let compiler = format!("CC_{}", MUSL.replace('-', "_"));
    Ok(vec![
        ("CARGO_ENCODED_RUSTFLAGS".to_owned(), rust),
        ("CFLAGS".to_owned(), mapped("-ffile-prefix-map")),
        ("SOURCE_DATE_EPOCH".to_owned(), source.epoch.to_string()),
        ("EVENKEEL_COMMIT".to_owned(), source.commit.clone()),
        ("CARGO_INCREMENTAL".to_owned(), "0".to_owned()),
        ("CARGO_PROFILE_RELEASE_DEBUG".to_owned(), "none".to_owned()),
        ("CARGO_PROFILE_RELEASE_STRIP".to_owned(), "symbols".to_owned()),
        (compiler, MUSL_COMPILER.to_owned()),
    ])
}

fn cargo_home() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("CARGO_HOME") {
        return Ok(PathBuf::from(given));
    }
    let home = std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?;
    Ok(Path::new(&home).join(".cargo"))
}
