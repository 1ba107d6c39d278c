//! What a release says it is made of, and who says so.

use std::collections::BTreeSet;

use serde_json::Value;
use xtask::Checkout;
use xtask::release::archive::{Files, differing, read, sha256, sum_of};
use xtask::release::packages::{Shipped, shipped};
use xtask::release::signature::{SigningKey, verify};
use xtask::release::{licences, sbom};

fn packages() -> Vec<Shipped> {
    shipped(&Checkout::here().root, "x86_64-unknown-linux-gnu").unwrap()
}

#[test]
fn the_list_of_parts_has_what_cyclonedx_asks_for() {
    let packages = packages();
    let document = sbom::document(&packages, "1.2.3", "2026-11-24T15:00:00Z").unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned();
    assert_eq!(document["bomFormat"], "CycloneDX");
    assert_eq!(document["specVersion"], "1.5");
    assert_eq!(document["version"], 1);
    assert_eq!(document["metadata"]["component"]["version"], "1.2.3");
    let serial = text(&document["serialNumber"]);
    let groups: Vec<usize> = serial
        .strip_prefix("urn:uuid:")
        .unwrap()
        .split('-')
        .map(str::len)
        .collect();
    assert_eq!(groups, [8, 4, 4, 4, 12]);
    let mut references = BTreeSet::from([text(&document["metadata"]["component"]["bom-ref"])]);
    for component in document["components"].as_array().unwrap() {
        assert!(["library", "application"].contains(&text(&component["type"]).as_str()));
        assert!(!text(&component["name"]).is_empty() && !text(&component["version"]).is_empty());
        assert!(component["licenses"][0].is_object(), "{component}");
        for hash in component["hashes"].as_array().into_iter().flatten() {
            assert_eq!(
                (text(&hash["alg"]).as_str(), text(&hash["content"]).len()),
                ("SHA-256", 64)
            );
        }
        assert!(
            references.insert(text(&component["bom-ref"])),
            "{component} is named twice"
        );
    }
    for dependency in document["dependencies"].as_array().unwrap() {
        let needs = dependency["dependsOn"].as_array().unwrap();
        for reference in needs.iter().chain([&dependency["ref"]]) {
            assert!(references.contains(&text(reference)), "{reference} is no component");
        }
    }
    let names: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    assert!(
        names.contains("rusqlite") && names.contains("booking") && references.iter().any(|r| r.contains("/sqlite@"))
    );
    assert!(
        !names.contains("proptest") && !names.contains("xtask"),
        "what only tests need is not in the program"
    );
    let again = sbom::document(&packages, "1.2.3", "2026-11-24T15:00:00Z").unwrap();
    assert_eq!(document, again);
}

#[test]
fn every_part_of_others_brings_its_licence() {
    let packages = packages();
    let text = licences::text(&packages).unwrap();
    for package in packages.iter().filter(|package| !package.is_ours()) {
        assert!(
            text.contains(&format!("  {} {}: ", package.name, package.version)),
            "{}",
            package.name
        );
    }
    assert!(text.contains("Permission is hereby granted"));
    assert!(
        !text.contains(&*packages[0].folder.to_string_lossy()),
        "no folder of this machine"
    );
}

#[test]
fn a_tarball_is_the_same_each_time_and_says_what_differs() {
    let files = |second: &str| {
        let mut files = Files::new();
        files.add("b", 0o644, second.as_bytes().to_vec());
        files.add("a", 0o755, b"program".to_vec());
        files
    };
    let (one, same, other) = (files("x"), files("x"), files("y"));
    let pack = |files: &Files| files.tarball("folder", 1_000).unwrap();
    assert_eq!(pack(&one), pack(&same));
    assert_eq!(differing(&pack(&one), &pack(&other)).unwrap(), ["b"]);
    assert_eq!(read(&pack(&one)).unwrap()["a"].mode, 0o755);
    assert_eq!(sum_of(&one.sums(), "a"), Some(sha256(b"program").as_str()));
    assert_eq!(sum_of(&one.sums(), "c"), None);
}

#[test]
fn a_signature_is_of_one_key_over_one_text() {
    let folder = std::env::temp_dir().join(format!("evenkeel-keys-{}", std::process::id()));
    let key = SigningKey::read_or_make(&folder.join("one.pem")).unwrap();
    let same = SigningKey::read_or_make(&folder.join("one.pem")).unwrap();
    let other = SigningKey::read_or_make(&folder.join("other.pem")).unwrap();
    let signature = same.sign(b"text");
    verify(&key.public_pem(), b"text", &signature).unwrap();
    assert!(verify(&key.public_pem(), b"texts", &signature).is_err());
    assert!(verify(&other.public_pem(), b"text", &signature).is_err());
    assert!(
        verify(
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            b"text",
            &signature
        )
        .is_err()
    );
    std::fs::write(folder.join("bad.pem"), "no key").unwrap();
    assert!(SigningKey::read(&folder.join("bad.pem")).is_err());
    std::fs::remove_dir_all(folder).unwrap();
}
