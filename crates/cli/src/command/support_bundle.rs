//! `evenkeel support-bundle`: what helps somebody elsewhere to find a fault here, and nothing about a person.

use std::path::PathBuf;

use clap::Args;
use runtime::clock::Clock;

use super::Data;
use crate::exit::{CouldNotLook, Exit};
use crate::support::{self, bundle};

const EXAMPLES: &str = "\
Examples:
  evenkeel support-bundle                                    into a new file in this folder
  evenkeel support-bundle /tmp/support.tar.gz                into that file
  sudo -u evenkeel evenkeel support-bundle --data /var/lib/evenkeel /tmp/support.tar.gz

The file holds versions, numbers of the settings, the newest log lines, metrics, which processes run, what `verify`
says, facts about disk and clock, and names of files. It holds no database, no keys, no text of the settings file.
Nothing is sent anywhere: read it, then send it yourself.";

/// Write an archive for whoever helps you: no personal data, no secrets
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct SupportBundle {
    #[command(flatten)]
    at: Data,
    /// The file to write; it must not be there yet
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Leave out `verify`, which reads the whole database
    #[arg(long)]
    no_verify: bool,
}

impl SupportBundle {
    /// Gathers, writes, and says what is in it.
    pub fn run(self) -> anyhow::Result<Exit> {
        let data = self.at.data;
        if !data.is_dir() {
            return Err(CouldNotLook(format!("there is no folder {}", data.display())).into());
        }
        let clock = Clock::real();
        let (bundle, name) = support::gather(&data, &clock, !self.no_verify);
        let file = self.file.unwrap_or_else(|| PathBuf::from(format!("{name}.tar.gz")));
        bundle::write(&bundle, &name, &file)?;
        print!("{}", bundle.manifest());
        println!(
            "\nWritten to {}. Read it before you send it: tar -xzf {0}",
            file.display()
        );
        Ok(Exit::Done)
    }
}
