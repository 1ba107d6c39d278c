//! What is in the program, for machines: CycloneDX 1.5 in JSON (<https://cyclonedx.org/docs/1.5/json/>). Made of cargo's
//! own metadata, and of SQLite, which no scanner of Rust packages would see.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::archive::sha256;
use super::packages::Shipped;

/// Its name in the tarball.
pub const FILE: &str = "evenkeel.cdx.json";

/// The document. `time` is the commit's, so that it is the same whenever it is made.
pub fn document(packages: &[Shipped], version: &str, time: &str) -> Result<Value> {
    let program = packages
        .iter()
        .find(|package| package.name == "cli")
        .context("there is no crate cli")?;
    let mut components: Vec<Value> = packages
        .iter()
        .filter(|package| package.name != "cli")
        .map(component)
        .collect();
    let mut dependencies: Vec<Value> = packages
        .iter()
        .map(|package| json!({"ref": package.url(), "dependsOn": package.needs}))
        .collect();
    if let Some(driver) = packages.iter().find(|package| package.name == "libsqlite3-sys") {
        let sqlite = sqlite(&driver.folder)?;
        for dependency in dependencies
            .iter_mut()
            .filter(|dependency| dependency["ref"] == driver.url())
        {
            if let Some(needs) = dependency["dependsOn"].as_array_mut() {
                needs.push(sqlite["bom-ref"].clone());
            }
        }
        dependencies.push(json!({"ref": sqlite["bom-ref"], "dependsOn": []}));
        components.push(sqlite);
    }
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": time,
            "tools": {"components": [{"type": "application", "name": "cargo xtask release"}]},
            "component": {
                "type": "application",
                "bom-ref": program.url(),
                "name": "evenkeel",
                "version": version,
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    // A name of its own that whoever makes the same document finds too: of its content, not of chance (RFC 9562 §5.8).
    let digest = sha256(document.to_string().as_bytes());
    let serial = format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        &digest[..8],
        &digest[8..12],
        &digest[13..16],
        &digest[17..20],
        &digest[20..32]
    );
    document["serialNumber"] = serial.into();
    Ok(document)
}

fn component(package: &Shipped) -> Value {
    let mut value = json!({
        "type": "library",
        "bom-ref": package.url(),
        "name": package.name,
        "version": package.version,
        "scope": "required",
    });
    if let Some(licence) = &package.licence {
        // The old form with a slash is no SPDX expression.
        value["licenses"] = json!([{"expression": licence.replace('/', " OR ")}]);
    }
    if let Some(checksum) = &package.checksum {
        value["purl"] = package.url().into();
        value["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    if let Some(repository) = &package.repository {
        value["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    value
}

/// The SQLite that its driver compiles in.
fn sqlite(driver: &Path) -> Result<Value> {
    let header = driver.join("sqlite3/sqlite3.h");
    let text = std::fs::read_to_string(&header).with_context(|| header.display().to_string())?;
    let version = text
        .lines()
        .find_map(|line| line.strip_prefix("#define SQLITE_VERSION"));
    let version = version
        .and_then(|rest| rest.split('"').nth(1))
        .context("sqlite3.h names no version")?;
    Ok(json!({
        "type": "library",
        "bom-ref": format!("pkg:generic/sqlite@{version}"),
        "name": "sqlite",
        "version": version,
        "scope": "required",
        "purl": format!("pkg:generic/sqlite@{version}"),
        "cpe": format!("cpe:2.3:a:sqlite:sqlite:{version}:*:*:*:*:*:*:*"),
        "licenses": [{"license": {"name": "Public Domain"}}],
    }))
}
