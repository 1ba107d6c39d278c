//! One module a rule. `check` makes a small tree from memory, asks one rule, and compares all that it found.

mod documents;
mod packages;
mod sources;
mod words;

use xtask::tidy::tree::{Dependency, Package};
use xtask::tidy::{RULES, Tree};

/// The lines that a rule finds in these files and packages.
#[track_caller]
fn found(rule: &str, files: &[(&str, &str)], packages: Vec<Package>) -> Vec<String> {
    let rule = RULES
        .iter()
        .find(|one| one.name == rule)
        .unwrap_or_else(|| panic!("no rule is called {rule}"));
    let findings = (rule.check)(&Tree::of(files, packages));
    assert!(findings.looked_at > 0, "{} looked at nothing", rule.name);
    findings.found.iter().map(ToString::to_string).collect()
}

/// A rule finds exactly these in these files; each is given by its beginning.
#[track_caller]
fn check(rule: &str, files: &[(&str, &str)], expected: &[&str]) {
    compare(&found(rule, files, Vec::new()), expected);
}

/// The same for packages.
#[track_caller]
fn check_packages(rule: &str, packages: Vec<Package>, expected: &[&str]) {
    compare(&found(rule, &[], packages), expected);
}

#[track_caller]
fn compare(found: &[String], expected: &[&str]) {
    let same = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, begins)| found.starts_with(begins));
    assert!(same, "found {found:#?}\nexpected {expected:#?}");
}

/// One of our crates, or one from outside, with what it depends on.
fn package(name: &str, ours: bool, dependencies: &[&str]) -> Package {
    let needs = |name: &&str| Dependency {
        name: (*name).to_owned(),
        dev: false,
    };
    let license = Some("MIT OR Apache-2.0".to_owned());
    let dependencies = dependencies.iter().map(needs).collect();
    Package {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        license,
        ours,
        dependencies,
    }
}

#[test]
fn a_rule_that_sees_nothing_fails() {
    let empty = Tree::of::<&str, &str>(&[], Vec::new());
    for rule in RULES {
        assert!(!(rule.check)(&empty).clean(), "{} passes without an object", rule.name);
    }
}

#[test]
fn every_rule_has_its_own_name() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}
