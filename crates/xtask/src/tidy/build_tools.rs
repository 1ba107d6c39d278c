//! A Rust toolchain and a C compiler build everything: nothing in the tree asks for cmake, protoc, OpenSSL's headers or
//! a second TLS provider.

use super::{Findings, Tree};

/// Packages that need more than that, or that are there to bring something that does.
const BANNED: &[&str] = &[
    "cmake",
    "openssl-sys",
    "openssl",
    "native-tls",
    "aws-lc-sys",
    "aws-lc-rs",
    "aws-lc-fips-sys",
    "prost-build",
    "protobuf-src",
    "libz-ng-sys",
    "bindgen",
];

/// See the head of this file.
pub fn check(tree: &Tree) -> Findings {
    let mut findings = Findings::default();
    let lock = tree.texts.get("Cargo.lock").map(String::as_str).unwrap_or_default();
    for (number, line) in lock.lines().enumerate() {
        let Some(name) = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"')) else {
            continue;
        };
        findings.look();
        if BANNED.contains(&name) {
            findings.add(
                "Cargo.lock",
                number + 1,
                format!("`{name}` needs more than Rust and a C compiler"),
            );
        }
    }
    for package in &tree.packages {
        findings.look();
        if BANNED.contains(&package.name.as_str()) {
            findings.add(&package.name, 0, "needs more than Rust and a C compiler");
        }
    }
    findings
}
