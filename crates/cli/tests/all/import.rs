//! `evenkeel import`: beside a running server, with the exit codes of the contract.

use std::process::Output;

use serde_json::Value;

use crate::installed::{Installed, address, get};

fn written(installed: &Installed, name: &str, text: &str) -> String {
    let file = installed.data().with_file_name(name);
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_empty_installation_leads_somewhere() {
    let mut installed = Installed::new();
    let ready = installed.up(&["--listen", "127.0.0.1:0"]);
    let demo = |file: &str| format!("{}/../../demo/{file}", env!("CARGO_MANIFEST_DIR"));
    for (what, file) in [
        ("rules", "products/2026-09.json"),
        ("rules", "rules/cdsi-4.64-508.json"),
        ("zips", "zips.csv"),
        ("clinics", "clinics.csv"),
    ] {
        let output = installed.call(&["import", what, &demo(file)]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{file}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let again = lines(&installed.call(&["import", "clinics", &demo("clinics.csv"), "--json"]));
    assert_eq!(
        (&again[0]["event"], &again[0]["unchanged"]),
        (&"imported".into(), &452.into())
    );
    let server = address(&ready["public"]);
    installed.until("clinics are shown", || {
        get(server, "/api/v1/clinics?near=02351").unwrap() == 200
    });
}

#[test]
fn wrong_rows_are_told_and_nothing_is_imported() {
    let mut installed = Installed::new();
    installed.up(&["--listen", "127.0.0.1:0"]);
    let file = written(
        &installed,
        "clinics.csv",
        "source_id,name,zip\na,Old Mill,02351\nb,,2351\n",
    );
    let output = installed.call(&["import", "clinics", &file, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = lines(&output);
    assert_eq!(
        (told.len(), &told[0]["line"], &told[0]["column"]),
        (3, &3.into(), &"name".into())
    );
    assert_eq!((&told[2]["added"], &told[2]["wrong"]), (&0.into(), &2.into()));
    let table = String::from_utf8(installed.call(&["import", "clinics", &file]).stdout).unwrap();
    assert!(
        table.contains("02351") && table.contains("Nothing was imported"),
        "{table}"
    );
}

#[test]
fn what_cannot_be_looked_at_is_4() {
    let installed = Installed::new();
    let file = written(&installed, "clinics.csv", "source_id,name\na,A\n");
    let output = installed.call(&["import", "clinics", &file]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(4) && text.contains("evenkeel up --empty"),
        "{text}"
    );
    assert_eq!(
        installed.call(&["import", "clinics", "/nowhere.csv"]).status.code(),
        Some(4)
    );
    assert_eq!(installed.call(&["import", "cars", &file]).status.code(), Some(2));
}
