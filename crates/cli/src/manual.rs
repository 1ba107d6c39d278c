//! Manual pages and shell completions as files, made of the command line itself: they cannot say something else.

use std::io;

use clap::Command;
use clap_complete::{Shell, generate};
use clap_mangen::Man;

/// A page for the program and one for each command, by file name.
pub fn pages(command: Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    let commands = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    for page in std::iter::once(&command).chain(commands) {
        let man = Man::new(page.clone());
        let mut text = Vec::new();
        man.render(&mut text)?;
        pages.push((
            man.get_filename(),
            examples_as_typed(&String::from_utf8_lossy(&text)).into_bytes(),
        ));
    }
    Ok(pages)
}

/// What stands after the options is set line for line: examples are typed as they are shown.
fn examples_as_typed(page: &str) -> String {
    let mut out = String::with_capacity(page.len() + 16);
    let mut typed = false;
    for line in page.lines() {
        if typed && line.starts_with(".SH ") {
            out.push_str(".fi\n");
            typed = false;
        }
        if line == ".SH EXTRA" {
            out.push_str(".SH EXAMPLES\n.nf\n");
            typed = true;
        } else if !(typed && line == "Examples:") {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// What makes each shell complete our words, by where the shell looks for it below a prefix.
pub fn completions(command: &Command) -> Vec<(&'static str, Vec<u8>)> {
    let made = [
        (Shell::Bash, "share/bash-completion/completions/evenkeel"),
        (Shell::Zsh, "share/zsh/site-functions/_evenkeel"),
        (Shell::Fish, "share/fish/vendor_completions.d/evenkeel.fish"),
    ];
    made.map(|(shell, path)| {
        let mut text = Vec::new();
        generate(shell, &mut command.clone(), "evenkeel", &mut text);
        (path, text)
    })
    .to_vec()
}
