//! What the program says about itself, and the exit codes of its contract.

use crate::installed::{Installed, evenkeel};

fn said(args: &[&str]) -> (Option<i32>, String) {
    let output = evenkeel().args(args).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn version_and_help_are_done_and_every_command_shows_examples() {
    assert_eq!(
        said(&["--version"]),
        (Some(0), format!("evenkeel {}\n", env!("CARGO_PKG_VERSION")))
    );
    assert!(said(&["--help"]).1.contains("Exit codes: 0 done"));
    for command in [
        "up",
        "ps",
        "stop",
        "server",
        "keys",
        "export",
        "resident",
        "completions",
        "backup",
        "restore",
        "man",
        "install",
        "uninstall",
        "support-bundle",
        "loadtest",
    ] {
        let (code, text) = said(&[command, "--help"]);
        assert!(
            code == Some(0) && text.contains("Examples:\n  evenkeel "),
            "{command}: {text}"
        );
        assert!(
            !text.contains("rehearsal"),
            "{command}: what is for drills is not offered to people"
        );
    }
}

#[test]
fn completions_are_printed_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, text) = said(&["completions", shell]);
        assert!(
            code == Some(0) && text.contains("completions") && text.contains("evenkeel"),
            "{shell}"
        );
    }
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let (code, page) = said(&["man"]);
    assert!(code == Some(0) && page.contains(".TH evenkeel 1"), "{page}");
    let (code, page) = said(&["man", "evenkeel-up"]);
    assert!(code == Some(0) && page.contains("public\\-url"), "{page}");
    assert!(!page.contains("rehearsal") && !page.contains("crash"), "{page}");
    let (code, known) = said(&["man", "evenkeel-bogus"]);
    assert!(code == Some(2) && known.contains("evenkeel-support-bundle"), "{known}");
}

#[test]
fn wrong_usage_is_2_and_says_what_is_wrong() {
    assert_eq!(said(&[]).0, Some(2));
    assert_eq!(said(&["bogus"]).0, Some(2));
    assert_eq!(
        said(&["server", "--crash-at", "decide:1"]).0,
        Some(2),
        "crash points are for rehearsals only"
    );
    let (code, text) = said(&["server", "--rehearsal", "--crash-at", "nowhere:1"]);
    assert!(code == Some(2) && text.contains("receive, decide"), "{text}");
}

#[test]
fn an_address_that_others_reach_needs_a_name_for_links() {
    let installed = Installed::new();
    let output = installed.call(&["up", "--listen", "0.0.0.0:0"]);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && text.contains("--public-url"),
        "{text}"
    );
    let output = installed.call(&["up", "--public-url", "vax.example.org"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!installed.data().exists(), "nothing was begun");
}

#[test]
fn where_nothing_runs_ps_and_stop_say_so_and_are_done() {
    let installed = Installed::new();
    for command in ["ps", "stop"] {
        let output = installed.call(&[command]);
        assert_eq!(output.status.code(), Some(0));
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .starts_with("Nothing runs on ")
        );
    }
}
