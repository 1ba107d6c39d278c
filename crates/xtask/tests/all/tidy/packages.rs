//! Rules about packages and manifests.

use super::{check, check_packages, package};
use xtask::tidy::licences::satisfied;
use xtask::tidy::tree::Dependency;

#[test]
fn a_crate_depends_only_on_what_its_line_names() {
    let base = || package("base", true, &[]);
    check_packages(
        "dependencies",
        vec![base(), package("scheduling", true, &["base"])],
        &[],
    );
    check_packages(
        "dependencies",
        vec![
            base(),
            package("server", true, &[]),
            package("booking", true, &["base", "server"]),
        ],
        &["booking: depends on `server`"],
    );
    check_packages(
        "dependencies",
        vec![package("drawer", true, &[])],
        &["drawer: is not on the map"],
    );
    let mut tested = package("scheduling", true, &["server"]);
    tested.dependencies[0].dev = true;
    check_packages("dependencies", vec![tested, package("server", true, &[])], &[]);
}

#[test]
fn a_pure_crate_reaches_no_clock_however_far_down() {
    let far = vec![
        package("base", true, &["nice"]),
        package("nice", false, &["tokio"]),
        package("tokio", false, &[]),
    ];
    check_packages("dependencies", far, &["base: is pure and must not reach `tokio`"]);
}

#[test]
fn every_crate_takes_the_lints_and_has_one_test_binary() {
    let good = "[package]\nname = \"base\"\n[lints]\nworkspace = true\n";
    let root = ("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n");
    check(
        "manifests",
        &[
            root,
            ("crates/base/Cargo.toml", good),
            ("crates/base/tests/all/main.rs", ""),
        ],
        &[],
    );
    check(
        "manifests",
        &[("crates/base/Cargo.toml", "[package]\n")],
        &["crates/base/Cargo.toml: does not take"],
    );
    check(
        "manifests",
        &[("crates/base/Cargo.toml", good), ("crates/base/tests/second.rs", "")],
        &["crates/base/tests/second.rs: one test binary"],
    );
    check(
        "manifests",
        &[("Cargo.toml", "[workspace.lints.rust]\n")],
        &["Cargo.toml: the workspace's lints no longer"],
    );
}

#[test]
fn only_the_edge_names_arguments_environment_and_loose_errors() {
    let needs = vec![
        package("server", true, &["anyhow"]),
        package("cli", true, &["anyhow", "clap"]),
    ];
    check_packages("edges", needs, &["server: depends on `anyhow`"]);
}

#[test]
fn only_main_of_the_simulator_is_a_command_line() {
    let needs = vec![package("simulator", true, &["clap"]), package("server", true, &[])];
    check_packages("edges", needs, &[]);
    let clap = "//! The words that people type.\nuse clap::Parser;\n";
    check(
        "edges",
        &[
            ("crates/simulator/src/gate.rs", clap),
            ("crates/simulator/src/main.rs", clap),
        ],
        &["crates/simulator/src/gate.rs:2: `clap::Parser`"],
    );
}

#[test]
fn planted_bugs_are_in_nobodys_build() {
    let list = (
        "crates/scheduling/src/planted.rs",
        "//! The list of bugs.\npub const BUGS: [(&str, &str); 1] = [(\"one_bug\", \"what it does\")];\n",
    );
    let used = (
        "crates/scheduling/src/decide.rs",
        "//! Decides.\nfn f() -> bool { planted::is(\"one_bug\") }\n",
    );
    let own = (
        "crates/booking/Cargo.toml",
        "[features]\n# planted\nplanted = [\"scheduling/planted\"]\n[dependencies]\n",
    );
    check("planted_bugs", &[list, used, own], &[]);
    let by_default = ("crates/booking/Cargo.toml", "[features]\ndefault = [\"planted\"]\n");
    check(
        "planted_bugs",
        &[list, used, by_default],
        &["crates/booking/Cargo.toml:2: switches"],
    );
    let for_all = (
        "crates/cli/Cargo.toml",
        "[dependencies]\nbooking = { workspace = true, features = [\"planted\"] }\n",
    );
    check(
        "planted_bugs",
        &[list, used, for_all],
        &["crates/cli/Cargo.toml:2: switches"],
    );
    let without_audit = (
        "crates/server/Cargo.toml",
        "[dependencies]\nbooking = { workspace = true, features = [\"costs\"] }\n",
    );
    check(
        "planted_bugs",
        &[list, used, without_audit],
        &["crates/server/Cargo.toml:2: leaves parts"],
    );
    let misspelt = (
        "crates/booking/src/save.rs",
        "//! Saves rows.\nfn f() { planted::is(\"on_bug\"); }\n",
    );
    check(
        "planted_bugs",
        &[list, own, misspelt],
        &[
            "crates/booking/src/save.rs:2: `on_bug` is not",
            "crates/scheduling/src/planted.rs: `one_bug` is listed",
        ],
    );
}

#[test]
fn drivers_belong_to_database_even_in_tests() {
    let mut server = package("server", true, &[]);
    server.dependencies.push(Dependency {
        name: "rusqlite".to_owned(),
        dev: true,
    });
    check_packages(
        "drivers",
        vec![server, package("database", true, &["rusqlite"])],
        &["server: depends on `rusqlite`"],
    );
}

#[test]
fn nothing_asks_for_cmake() {
    let lock = "[[package]]\nname = \"serde\"\n\n[[package]]\nname = \"cmake\"\n";
    check(
        "build_tools",
        &[("Cargo.lock", lock)],
        &["Cargo.lock:5: `cmake` needs more"],
    );
    check_packages(
        "build_tools",
        vec![package("aws-lc-sys", false, &[])],
        &["aws-lc-sys: needs more"],
    );
}

#[test]
fn a_licence_that_binds_us_is_found() {
    let licensed = |license: Option<&str>| {
        let mut one = package("other", false, &[]);
        one.license = license.map(str::to_owned);
        vec![one]
    };
    check_packages(
        "licences",
        licensed(Some("GPL-3.0-only")),
        &["other 1.0.0: `GPL-3.0-only` is not on the list"],
    );
    check_packages("licences", licensed(None), &["other 1.0.0: says no licence"]);
    check_packages(
        "licences",
        licensed(Some("MIT OR")),
        &["other 1.0.0: `MIT OR` cannot be read"],
    );
    check_packages("licences", licensed(Some("MIT/Apache-2.0")), &[]);
}

#[test]
fn licence_expressions_are_read_with_their_brackets() {
    assert_eq!(satisfied("GPL-2.0 OR MIT"), Ok(true));
    assert_eq!(satisfied("MIT AND GPL-2.0"), Ok(false));
    assert_eq!(satisfied("(MIT OR Apache-2.0) AND Unicode-3.0"), Ok(true));
    assert_eq!(satisfied("(MIT OR Apache-2.0) AND LGPL-2.1"), Ok(false));
    assert_eq!(satisfied("Apache-2.0 WITH LLVM-exception OR LGPL-2.1"), Ok(true));
    assert!(satisfied("(MIT").is_err());
    assert!(satisfied("MIT )").is_err());
}
