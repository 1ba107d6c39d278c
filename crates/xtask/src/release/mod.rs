//! `cargo xtask release`: the tarball that an operator installs, with what proves where it comes from. Built of what is
//! committed, in a folder of its own; whoever builds the same commit with the same toolchain gets the same bytes.
//! The signature stands beside the tarball and not in it, so that those who lack the key can compare too.

pub mod archive;
pub mod build;
pub mod licences;
pub mod packages;
pub mod sbom;
pub mod signature;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use self::archive::{Files, sha256};
use self::build::{Built, Source};
use self::signature::SigningKey;
use crate::{Checkout, program, soak};

/// The list of checksums, and the signature over it.
pub const SUMS: &str = "SHA256SUMS";
/// See [`SUMS`].
pub const SIGNATURE: &str = "SHA256SUMS.sig";
/// The public half of the key that signed, for a first look; whoever cares has it from elsewhere.
const PUBLIC_KEY: &str = "evenkeel.pub.pem";

/// What a release is made of, besides the sources.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The key to sign with, PKCS#8 in PEM; without one a trial key is made.
    pub signing_key: Option<PathBuf>,
    /// Whether to build in a second folder too, and compare.
    pub twice: bool,
}

/// Where everything goes.
fn folder(checkout: &Checkout) -> PathBuf {
    checkout.target().join("release-artefact")
}

/// Builds, packs, signs. Whether it is the same twice, where that was asked.
pub fn run(checkout: &Checkout, wanted: &Wanted) -> Result<bool> {
    let began = Instant::now();
    let folder = folder(checkout);
    std::fs::create_dir_all(&folder)?;
    // First of all: a key that cannot be used should not be found out after minutes of building.
    let key = signing_key(&folder, wanted.signing_key.as_deref())?;
    let source = Source::of(checkout)?;
    let target = build::target()?;
    let once = |n: &str| -> Result<(String, Vec<u8>)> {
        let built = build::build(checkout, &source, &target, &folder.join(n))?;
        pack(&built, &folder.join("scratch"))
    };
    let (name, tarball) = once("one")?;
    let sbom = archive::read(&tarball)?
        .remove(sbom::FILE)
        .with_context(|| format!("no {} in the tarball", sbom::FILE))?;
    let tarball_file = format!("{name}.tar.gz");
    let published = [
        (tarball_file.clone(), tarball.clone()),
        (format!("{name}.cdx.json"), sbom.bytes),
    ];
    publish(&folder, &published, &key)?;
    println!("\n{}", folder.join(&tarball_file).display());
    println!("  {} bytes, SHA-256 {}", tarball.len(), sha256(&tarball));
    if !wanted.twice {
        return Ok(true);
    }
    let (_, other) = once("another/folder-with-a-longer-name")?;
    let differing = archive::differing(&tarball, &other)?;
    let same = tarball == other;
    let verdict = if same {
        format!(
            "the same byte for byte: {tarball_file}, {} bytes, SHA-256 {}",
            tarball.len(),
            sha256(&tarball)
        )
    } else {
        format!("not the same; files that differ: {}", differing.join(", "))
    };
    println!("built twice, in different folders: {verdict}");
    let says = "built twice in different folders, the tarball is the same";
    soak::record(
        checkout,
        ("release", says),
        source.commit(),
        (&verdict, ""),
        began.elapsed(),
    )?;
    Ok(same)
}

fn signing_key(folder: &Path, given: Option<&Path>) -> Result<SigningKey> {
    if let Some(file) = given {
        return SigningKey::read(file);
    }
    let keys = folder.join("keys");
    let key = SigningKey::read_or_make(&keys.join("trial.key.pem"))?;
    println!(
        "WARNING: signed with a trial key, made here ({}). It proves nothing to anybody:\n\
         for a release give the project's own with --signing-key FILE.",
        keys.display()
    );
    Ok(key)
}

/// Puts everything that is installed into one tarball. Its name without ending, and its bytes.
pub fn pack(built: &Built, scratch: &Path) -> Result<(String, Vec<u8>)> {
    let name = format!("evenkeel-{}-{}", built.version, built.triple);
    let mut files = Files::new();
    files.add("evenkeel", 0o755, std::fs::read(&built.binary)?);
    for (file, from) in [
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("LICENSE-MIT", "LICENSE-MIT"),
        ("DEMONSTRATION-LICENCES.md", "demo/LICENSES.md"),
        ("CHANGELOG.md", "CHANGELOG.md"),
        ("SECURITY.md", "SECURITY.md"),
        ("INSTALL.md", "docs/operator/install.md"),
    ] {
        let path = built.root.join(from);
        files.add(
            file,
            0o644,
            std::fs::read(&path).with_context(|| path.display().to_string())?,
        );
    }
    let packages = packages::shipped(&built.root, &built.triple)?;
    files.add(
        "THIRD-PARTY-LICENCES.txt",
        0o644,
        licences::text(&packages)?.into_bytes(),
    );
    let sbom = sbom::document(&packages, &built.version, &built.commit_time)?;
    files.add(sbom::FILE, 0o644, format!("{sbom:#}\n").into_bytes());
    self::built_in(&built.binary, scratch, &mut files)?;
    let sums = files.sums();
    files.add(SUMS, 0o644, sums.into_bytes());
    let tarball = files.tarball(&name, built.epoch)?;
    Ok((name, tarball))
}

/// What the program itself brings along: it installs into a folder, and we take from there.
fn built_in(binary: &Path, scratch: &Path, files: &mut Files) -> Result<()> {
    if scratch.exists() {
        std::fs::remove_dir_all(scratch)?;
    }
    std::fs::create_dir_all(scratch)?;
    program::output(
        Command::new(binary)
            .args(["install", "--no-user", "--root"])
            .arg(scratch),
    )?;
    let local = scratch.join("usr/local");
    for (file, from) in [
        ("evenkeel.service", scratch.join("etc/systemd/system/evenkeel.service")),
        (
            "completions/evenkeel.bash",
            local.join("share/bash-completion/completions/evenkeel"),
        ),
        (
            "completions/_evenkeel",
            local.join("share/zsh/site-functions/_evenkeel"),
        ),
        (
            "completions/evenkeel.fish",
            local.join("share/fish/vendor_completions.d/evenkeel.fish"),
        ),
    ] {
        files.add(
            file,
            0o644,
            std::fs::read(&from).with_context(|| from.display().to_string())?,
        );
    }
    for page in local.join("share/man/man1").read_dir()? {
        let page = page?;
        let name = format!("man/{}", page.file_name().to_string_lossy());
        files.add(&name, 0o644, std::fs::read(page.path())?);
    }
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

/// Writes the files, the list of their checksums, and the signature over that.
pub fn publish(folder: &Path, files: &[(String, Vec<u8>)], key: &SigningKey) -> Result<()> {
    let mut sums = String::new();
    for (name, bytes) in files {
        writeln!(sums, "{}  {name}", sha256(bytes))?;
        std::fs::write(folder.join(name), bytes)?;
    }
    std::fs::write(folder.join(SUMS), &sums)?;
    std::fs::write(folder.join(SIGNATURE), key.sign(sums.as_bytes()))?;
    std::fs::write(folder.join(PUBLIC_KEY), key.public_pem())?;
    Ok(())
}

/// Whether a tarball is what the holder of the key published: the signature beside it, its checksum, and the checksums
/// of all files in it. The error says which of these does not hold.
pub fn verify(tarball: &Path, public_key: &Path) -> Result<()> {
    let beside = |name: &str| {
        let path = tarball.with_file_name(name);
        std::fs::read(&path).with_context(|| path.display().to_string())
    };
    let (sums, signature) = (beside(SUMS)?, beside(SIGNATURE)?);
    let public = std::fs::read_to_string(public_key).with_context(|| public_key.display().to_string())?;
    signature::verify(&public, &sums, &signature)?;
    let bytes = std::fs::read(tarball).with_context(|| tarball.display().to_string())?;
    let name = tarball.file_name().unwrap_or_default().to_string_lossy();
    let listed = String::from_utf8(sums).context("the checksums are no text")?;
    let Some(sum) = archive::sum_of(&listed, &name) else {
        bail!("{SUMS} does not name {name}");
    };
    ensure!(sum == sha256(&bytes), "{name} has another checksum than {SUMS} says");
    let mut files = archive::read(&bytes)?;
    let inner = files
        .remove(SUMS)
        .with_context(|| format!("no {SUMS} in the tarball"))?;
    let inner = String::from_utf8(inner.bytes)?;
    for (name, file) in &files {
        let right = archive::sum_of(&inner, name).is_some_and(|sum| sum == sha256(&file.bytes));
        ensure!(right, "{name} in the tarball has another checksum than its {SUMS} says");
    }
    println!("{name}: signed by this key, {} files, all checksums hold", files.len());
    Ok(())
}
