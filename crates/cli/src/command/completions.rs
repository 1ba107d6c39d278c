//! `evenkeel completions`: what makes a shell complete our words.

use std::io;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  evenkeel completions bash > /etc/bash_completion.d/evenkeel
  evenkeel completions zsh > ~/.zfunc/_evenkeel
  evenkeel completions fish > ~/.config/fish/completions/evenkeel.fish";

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    /// Prints the completions of the whole command line `C`.
    pub fn run<C: CommandFactory>(self) -> Exit {
        generate(self.shell, &mut C::command(), "evenkeel", &mut io::stdout());
        Exit::Done
    }
}
