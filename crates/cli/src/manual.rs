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
        pages.push((man.get_filename(), text));
    }
    Ok(pages)
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
