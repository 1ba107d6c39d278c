//! The licences of what is in the program: each text once, under the packages it came with. MIT and its kin ask that
//! their text goes along with every copy.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::packages::Shipped;

/// How the names of such files begin, in capitals.
const BEGINNINGS: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// All of them as one text.
pub fn text(packages: &[Shipped]) -> Result<String> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for package in packages.iter().filter(|package| !package.is_ours()) {
        let called = format!("{} {}", package.name, package.version);
        let licence = package.licence.as_deref().unwrap_or("(says none)");
        let found = files(&package.folder)?;
        let note = if found.is_empty() {
            "; no text in the package"
        } else {
            ""
        };
        writeln!(list, "  {called}: {licence}{note}")?;
        for text in found {
            texts.entry(text).or_default().push(called.clone());
        }
    }
    let mut out = format!(
        "Evenkeel is licensed under MIT or Apache-2.0, at your option. The program contains parts of others:\n\n{list}\n\
         SQLite, which rusqlite brings along, is in the public domain.\n\
         Where a licence offers a choice, Evenkeel takes MIT or Apache-2.0 if they are among them.\n"
    );
    // By the first package that brought it: the order of a reader, and the same every time.
    let mut sorted: Vec<(&Vec<String>, &String)> = texts.iter().map(|(text, of)| (of, text)).collect();
    sorted.sort();
    for (of, text) in sorted {
        write!(out, "\n{}\n{}\n\n{}\n", "=".repeat(78), of.join(", "), text.trim_end())?;
    }
    Ok(out)
}

/// The licence files of a package, by name, without what differs between editors.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut paths: Vec<_> = folder
        .read_dir()
        .with_context(|| folder.display().to_string())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            path.is_file() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        })
        .collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n"))
    };
    paths.iter().map(read).collect()
}
