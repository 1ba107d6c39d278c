//! A support bundle holds what helps, says what it holds, and holds no secret and nobody's address.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::installed::{Installed, address, get, text};

/// What there is of an installation that runs.
const PARTS: [&str; 14] = [
    "MANIFEST.txt",
    "files.jsonl",
    "log/gateway.log",
    "log/planted.log",
    "log/server-a.log",
    "log/up.log",
    "machine.json",
    "processes.json",
    "server-1/livez.txt",
    "server-1/metrics.txt",
    "server-1/readyz.txt",
    "settings.json",
    "verify.txt",
    "versions.json",
];

/// Its files, by name without the folder.
fn unpacked(file: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(file).unwrap()));
    let mut parts = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let (folder, name) = path.split_once('/').unwrap();
        assert!(folder.starts_with("evenkeel-support-20"), "{folder}");
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        parts.insert(name.to_owned(), content);
    }
    parts
}

#[test]
fn a_running_installation_is_told_of_without_its_secrets() {
    const PLANTED: &str =
        r#"{"level":"WARN","cause":"no mail for ana@example.org, (508) 555-0123","duration_us":31000123}"#;
    let mut installed = Installed::new();
    let ready = installed.up(&["--listen", "127.0.0.1:0"]);
    assert_eq!(
        get(address(&ready["public"]), "/a/Zm9vYmFyYmF6cXV4MTIzNDU2").unwrap(),
        404
    );
    let data = installed.data();
    std::fs::write(data.join("log/planted.log"), format!("{PLANTED}\n")).unwrap();
    let file = data.join("support.tar.gz");
    let output = installed.call(&["support-bundle", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let parts = unpacked(&file);
    assert!(said.starts_with(&parts["MANIFEST.txt"]), "{said}");

    let names: Vec<&str> = parts.keys().map(String::as_str).collect();
    assert_eq!(names, PARTS);
    assert!(names.iter().skip(1).all(|name| said.contains(name)), "{said}");
    assert!(parts["server-1/metrics.txt"].contains("evenkeel_http_requests_total{"));
    assert!(parts["server-1/readyz.txt"].starts_with("HTTP/1.1 200 OK\n"));
    assert!(
        parts["verify.txt"].ends_with("ended with exit status: 0\n"),
        "{}",
        parts["verify.txt"]
    );
    assert!(parts["files.jsonl"].contains(r#""name":"keys/master.key""#));
    let settings: Value = serde_json::from_str(&parts["settings.json"]).unwrap();
    assert_eq!(settings["numbers"]["http.slow_request"]["value"], 500);
    let versions: Value = serde_json::from_str(&parts["versions.json"]).unwrap();
    assert_eq!(versions["evenkeel"], env!("CARGO_PKG_VERSION"));

    assert_eq!(
        parts["log/planted.log"],
        "{\"level\":\"WARN\",\"cause\":\"no mail for [e-mail], [number]\",\"duration_us\":31000123}\n"
    );
    let key = text(&data.join("keys/master.key"));
    let key = key.lines().last().unwrap().split(' ').nth(1).unwrap();
    let token = text(&data.join("operator.token"));
    for (name, content) in &parts {
        for secret in [
            key,
            token.trim(),
            "Zm9vYmFyYmF6cXV4MTIzNDU2",
            "ana@example.org",
            "555-0123",
        ] {
            assert!(!content.contains(secret), "{name} holds {secret}");
        }
    }
    // What is there is somebody's.
    assert_eq!(
        installed
            .call(&["support-bundle", file.to_str().unwrap()])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn what_cannot_be_had_is_named_and_leaves_the_rest() {
    let installed = Installed::new();
    let data = installed.data();
    let file = data.join("support.tar.gz");
    let nowhere = installed.call(&["support-bundle", file.to_str().unwrap()]);
    assert_eq!(nowhere.status.code(), Some(4), "there is no such folder");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("evenkeel.toml"), "mail.pass_word = \"not-for-strangers\"\n").unwrap();
    let output = installed.call(&["support-bundle", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let parts = unpacked(&file);
    let manifest = &parts["MANIFEST.txt"];
    for missing in ["settings.json", "processes.json", "log"] {
        assert!(
            manifest.contains(&format!("\n  - {missing}: ")),
            "{missing}: {manifest}"
        );
    }
    assert!(parts["verify.txt"].contains("ended with exit status: 4"));
    assert!(parts.values().all(|content| !content.contains("not-for-strangers")));
}
