//! Other people's programs that the outside suites need: installed when missing, at a fixed version where the registry
//! lets us fix one. Debian's need root; without it the message says exactly what to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{Checkout, program};

/// The contract's tester, from PyPI.
const SCHEMATHESIS: &str = "4.32.5";
/// A reader of calendars, from PyPI.
const ICALENDAR: &str = "7.3.0";
/// The S3 server, from PyPI, and what serves it.
const MOTO: [&str; 3] = ["moto[s3]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5"];
/// What keeps three PostgreSQL servers one, from PyPI, with its driver. Never 3.0.2 (Debian 12's) with etcd's v3 API: a
/// primary that woke up takes its lock back from its successor, and acknowledged commits are lost.
const PATRONI: [&str; 2] = ["patroni[etcd3]==4.1.5", "psycopg[binary]==3.3.9"];
/// The accessibility checker, from npm.
const AXE: &str = "4.11.0";

/// A program, installed from this Debian package when it is not on the search path.
pub fn debian(name: &str, package: &str) -> Result<PathBuf> {
    if let Some(found) = program::find(name) {
        return Ok(found);
    }
    install(name, package)?;
    program::find(name).with_context(|| format!("Debian's {package} brought no `{name}`"))
}

/// Installs a Debian package; without root says which, and why.
fn install(what: &str, package: &str) -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("`{what}` is missing. As root: apt-get install --no-install-recommends {package}");
    }
    println!("  installing Debian's {package}");
    if let Err(error) = program::output(Command::new("apt-get").args(["update", "-qq"])) {
        println!("  (apt-get update: {error:#})"); // old lists may do
    }
    let mut install = Command::new("apt-get");
    install.env("DEBIAN_FRONTEND", "noninteractive");
    program::output(install.args(["install", "-y", "-qq", "--no-install-recommends", package]))?;
    Ok(())
}

/// Where Debian keeps PostgreSQL's programs: the server's are not on the search path.
pub fn postgres(version: u32) -> Result<PathBuf> {
    let bin = PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
    if !bin.join("initdb").exists() {
        install("postgres", &format!("postgresql-{version}"))?;
    }
    Ok(bin)
}

/// Prometheus's own checker of metrics. It is taken out of Debian's package without installing that, so that no
/// Prometheus is left running.
pub fn promtool(checkout: &Checkout) -> Result<PathBuf> {
    if let Some(found) = program::find("promtool") {
        return Ok(found);
    }
    let folder = checkout.tools().join("prometheus");
    let unpacked = folder.join("usr/bin/promtool");
    if unpacked.exists() {
        return Ok(unpacked);
    }
    println!("  unpacking promtool from Debian's prometheus");
    std::fs::create_dir_all(&folder)?;
    let download = |folder: &Path| {
        program::output(
            Command::new("apt-get")
                .args(["download", "-qq", "prometheus"])
                .current_dir(folder),
        )
    };
    if download(&folder).is_err() {
        if !nix::unistd::geteuid().is_root() {
            bail!(
                "`promtool` is missing. As root: apt-get update && apt-get install --no-install-recommends prometheus"
            );
        }
        program::output(Command::new("apt-get").args(["update", "-qq"]))?;
        download(&folder)?;
    }
    let package = std::fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .context("apt-get download prometheus left no package")?;
    program::output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&folder))?;
    std::fs::remove_file(&package)?;
    Ok(unpacked)
}

/// Schemathesis in a virtual environment of its own.
pub fn schemathesis(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.tools().join("venv");
    let st = folder.join("bin/st");
    if st.exists() && program::output(Command::new(&st).arg("--version")).is_ok_and(|said| said.contains(SCHEMATHESIS))
    {
        return Ok(st);
    }
    from_pypi(&folder, "schemathesis", SCHEMATHESIS)?;
    Ok(st)
}

/// Python with PyPI's `icalendar` in a virtual environment of its own, and Debian's libical beside it: two readers of
/// calendars that know nothing of each other.
pub fn calendar_readers(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.tools().join("calendar");
    let python = folder.join("bin/python");
    let ask = |program: &Path, words: &str| program::output(Command::new(program).args(["-c", words]));
    let version = "import icalendar; print(icalendar.__version__)";
    if !python.exists() || !ask(&python, version).is_ok_and(|said| said.trim() == ICALENDAR) {
        from_pypi(&folder, "icalendar", ICALENDAR)?;
    }
    let load = "import ctypes; ctypes.CDLL('libical.so.3'); ctypes.CDLL('libicalss.so.3')";
    if ask(&python, load).is_err() {
        install("libical.so.3", "libical3")?;
        ask(&python, load).context("Debian's libical3 does not load")?;
    }
    Ok(python)
}

/// One package from PyPI, at one version, in a virtual environment made anew.
fn from_pypi(folder: &Path, package: &str, version: &str) -> Result<()> {
    let python = debian("python3", "python3-venv")?;
    println!("  installing {package} {version} from PyPI");
    let make = || program::output(Command::new(&python).args(["-m", "venv", "--clear"]).arg(folder));
    if make().is_err() {
        install("python3 -m venv", "python3-venv")?; // Debian's python3 comes without
        make()?;
    }
    let wanted = format!("{package}=={version}");
    program::output(Command::new(folder.join("bin/pip")).args(["install", "-q", &wanted]))?;
    Ok(())
}

/// A small S3 server in a virtual environment of its own.
pub fn moto(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.tools().join("moto");
    let python = debian("python3", "python3-venv")?;
    several_from_pypi(&folder, &python, &MOTO)?;
    Ok(folder.join("bin/moto_server"))
}

/// Patroni's programs in a virtual environment of its own. Of the system's Python: others run it than whoever built it,
/// and may not read a Python that lies in somebody's home.
pub fn patroni(checkout: &Checkout) -> Result<PathBuf> {
    let folder = checkout.tools().join("patroni");
    if !Path::new("/usr/bin/python3").exists() {
        install("/usr/bin/python3", "python3-venv")?;
    }
    several_from_pypi(&folder, Path::new("/usr/bin/python3"), &PATRONI)?;
    Ok(folder.join("bin"))
}

/// Packages from PyPI in a virtual environment, made anew when it has not these.
fn several_from_pypi(folder: &Path, python: &Path, packages: &[&str]) -> Result<()> {
    // Written last, so that an installation that was cut off is begun anew.
    let done = folder.join("installed");
    let wanted = packages.join(" ");
    if std::fs::read_to_string(&done).is_ok_and(|text| text == wanted) {
        return Ok(());
    }
    println!("  installing {wanted} from PyPI");
    let make = || program::output(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder));
    if make().is_err() {
        install("python3 -m venv", "python3-venv")?; // Debian's python3 comes without
        make()?;
    }
    program::output(
        Command::new(folder.join("bin/pip"))
            .args(["install", "-q"])
            .args(packages),
    )?;
    std::fs::write(done, wanted)?;
    Ok(())
}

/// axe-core's script, to be put into a page.
pub fn axe(checkout: &Checkout) -> Result<String> {
    let folder = checkout.tools().join("npm");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    let right = || {
        std::fs::read_to_string(&script)
            .ok()
            .filter(|text| text.contains(&format!("axe v{AXE}")))
    };
    if let Some(text) = right() {
        return Ok(text);
    }
    let npm = debian("npm", "npm")?;
    println!("  installing axe-core {AXE} from npm");
    std::fs::create_dir_all(&folder)?;
    let wanted = format!("axe-core@{AXE}");
    let mut install = Command::new(npm);
    install.args([
        "install",
        "--no-save",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
    ]);
    program::output(install.arg(&folder).arg(&wanted))?;
    right().with_context(|| format!("npm brought no axe-core {AXE}"))
}
