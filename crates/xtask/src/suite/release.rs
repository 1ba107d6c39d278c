//! The tarball, packed of the binary that the tests have built (a release build takes minutes, and is compared in
//! `cargo xtask release --twice`): twice the same bytes, a signature that OpenSSL accepts too, every forgery refused,
//! and an operator's way from the tarball to a program that runs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Tally;
use crate::release::build::Built;
use crate::release::signature::SigningKey;
use crate::release::{SIGNATURE, SUMS, pack, publish, verify};
use crate::{Checkout, program};

/// Any time: the bytes must not depend on when this runs.
const EPOCH: u64 = 1_795_530_000;

/// See the head of this file.
pub fn run(checkout: &Checkout) -> Result<Tally> {
    let scratch = checkout.scratch("release")?;
    let host = program::output(Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let built = Built {
        root: checkout.root.clone(),
        binary: checkout.binary(),
        triple: host.context("rustc -vV names no host")?.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        epoch: EPOCH,
        commit_time: "2026-11-24T15:00:00Z".to_owned(),
    };
    let (name, tarball) = pack(&built, &scratch.join("one"))?;
    let (_, again) = pack(&built, &scratch.join("another"))?;
    ensure!(tarball == again, "packed twice, the tarball is not the same");
    let key = SigningKey::read_or_make(&scratch.join("trial.key.pem"))?;
    let file = format!("{name}.tar.gz");
    publish(&scratch, &[(file.clone(), tarball.clone())], &key)?;
    let (path, public) = (scratch.join(&file), scratch.join("evenkeel.pub.pem"));
    verify(&path, &public)?;
    let openssl = by_openssl(&scratch)?;
    forged(&scratch, &path, &public, &tarball)?;
    installed(&scratch, &file, &name)?;
    Ok(Tally::passed(if openssl { 5 } else { 4 }))
}

/// What docs/operator/install.md tells an operator to do.
fn by_openssl(scratch: &Path) -> Result<bool> {
    if program::find("openssl").is_none() {
        println!("  there is no openssl here: the signature was checked by ourselves only");
        return Ok(false);
    }
    let arguments = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "evenkeel.pub.pem",
        "-rawin",
        "-in",
        SUMS,
    ];
    let mut openssl = Command::new("openssl");
    program::output(
        openssl
            .args(arguments)
            .args(["-sigfile", SIGNATURE])
            .current_dir(scratch),
    )?;
    program::output(Command::new("sha256sum").args(["-c", SUMS]).current_dir(scratch))?;
    Ok(true)
}

/// One byte of the tarball, of the list, of the signature; another key; a file that the list does not name.
fn forged(scratch: &Path, tarball: &Path, public: &Path, bytes: &[u8]) -> Result<()> {
    for name in [tarball.to_owned(), scratch.join(SUMS), scratch.join(SIGNATURE)] {
        let right = std::fs::read(&name)?;
        let mut wrong = right.clone();
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        std::fs::write(&name, wrong)?;
        ensure!(
            verify(tarball, public).is_err(),
            "a changed {} was accepted",
            name.display()
        );
        std::fs::write(&name, right)?;
    }
    let stranger = SigningKey::read_or_make(&scratch.join("stranger.key.pem"))?;
    let other = scratch.join("stranger.pub.pem");
    std::fs::write(&other, stranger.public_pem())?;
    ensure!(verify(tarball, &other).is_err(), "a stranger's key was accepted");
    let renamed = scratch.join("evenkeel-9.9.9.tar.gz");
    std::fs::write(&renamed, bytes)?;
    ensure!(
        verify(&renamed, public).is_err(),
        "a tarball that the list does not name was accepted"
    );
    verify(tarball, public)
}

/// Unpacked, checked by its own list, installed into a folder, and run from there.
fn installed(scratch: &Path, tarball: &str, name: &str) -> Result<()> {
    program::output(Command::new("tar").args(["-xzf", tarball]).current_dir(scratch))?;
    let unpacked = scratch.join(name);
    program::output(
        Command::new("sha256sum")
            .args(["-c", "--quiet", SUMS])
            .current_dir(&unpacked),
    )?;
    let root = scratch.join("root");
    std::fs::create_dir(&root)?;
    let mut install = Command::new(unpacked.join("evenkeel"));
    program::output(install.args(["install", "--no-user", "--root"]).arg(&root))?;
    let said = program::output(Command::new(root.join("usr/local/bin/evenkeel")).arg("--version"))?;
    ensure!(
        said.trim() == format!("evenkeel {}", env!("CARGO_PKG_VERSION")),
        "it says {said}"
    );
    Ok(())
}
