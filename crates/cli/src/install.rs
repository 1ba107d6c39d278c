//! Puts the program in place on a machine, and takes it away again. Keeps: a second run changes nothing that is right,
//! configuration and data that are there are never written over or removed, and a file is whole at every moment.

pub mod place;
pub mod system;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Command;

use self::place::{Did, Place};
use crate::manual;

/// The user that the service runs as, and its group.
pub const USER: &str = "evenkeel";
/// Where data lies.
pub const DATA: &str = "/var/lib/evenkeel";
/// The settings; the data folder has a link to it.
pub const SETTINGS: &str = "/etc/evenkeel/evenkeel.toml";
const ENVIRONMENT: &str = "/etc/evenkeel/evenkeel.env";
const UNIT: &str = "/etc/systemd/system/evenkeel.service";
/// The prefix that the unit is written for.
const UNIT_PREFIX: &str = "/usr/local";

/// A file that is ours: written anew when it differs.
struct Ours {
    path: PathBuf,
    mode: u32,
    bytes: Vec<u8>,
}

/// What we ship, below a prefix.
fn ours(prefix: &Path, program: Vec<u8>, command: &Command) -> io::Result<Vec<Ours>> {
    let unit = include_str!("install/evenkeel.service");
    let bin = format!("{}/bin/", prefix.display());
    let unit = unit.replace(&format!("{UNIT_PREFIX}/bin/"), &bin);
    let file = |path: PathBuf, bytes: Vec<u8>| Ours {
        path,
        mode: 0o644,
        bytes,
    };
    let mut files = vec![
        Ours {
            mode: 0o755,
            ..file(prefix.join("bin/evenkeel"), program)
        },
        file(UNIT.into(), unit.into_bytes()),
    ];
    for (name, page) in manual::pages(command.clone())? {
        files.push(file(prefix.join("share/man/man1").join(name), page));
    }
    for (path, script) in manual::completions(command) {
        files.push(file(prefix.join(path), script));
    }
    Ok(files)
}

/// Puts everything in place. `owner`: who owns data and may read settings; nobody else where it is not known.
pub fn install(
    place: &Place,
    prefix: &Path,
    owner: Option<system::Owner>,
    command: &Command,
    mut tell: impl FnMut(Did, &Path),
) -> anyhow::Result<()> {
    let program = std::env::current_exe()?;
    let program = std::fs::read(&program).with_context(|| program.display().to_string())?;
    for file in ours(prefix, program, command)? {
        tell(place.write(&file.path, file.mode, &file.bytes)?, &file.path);
    }
    let group = owner.map(|owner| (None, Some(owner.group)));
    let all = owner.map(|owner| (Some(owner.user), Some(owner.group)));
    for (path, bytes) in [
        (SETTINGS, include_str!("install/evenkeel.toml")),
        (ENVIRONMENT, include_str!("install/evenkeel.env")),
    ] {
        let did = place.write_once(path.as_ref(), 0o640, bytes.as_bytes())?;
        if did == Did::Made {
            place.give(path.as_ref(), group)?;
        }
        tell(did, path.as_ref());
    }
    let data = Path::new(DATA);
    let did = place.folder(data, 0o700)?;
    if did == Did::Made {
        place.give(data, all)?;
    }
    tell(did, data);
    let link = data.join("evenkeel.toml");
    tell(place.link(&link, SETTINGS.as_ref())?, &link);
    Ok(())
}

/// Takes away what [`install`] ships; configuration, data and the user stay.
pub fn uninstall(
    place: &Place,
    prefix: &Path,
    command: &Command,
    mut tell: impl FnMut(Did, &Path),
) -> anyhow::Result<()> {
    for file in ours(prefix, Vec::new(), command)? {
        tell(place.remove(&file.path)?, &file.path);
    }
    for kept in [SETTINGS, ENVIRONMENT, DATA] {
        if place.has(kept.as_ref()) {
            tell(Did::Kept, kept.as_ref());
        }
    }
    Ok(())
}
