//! `evenkeel man`: the manual, made of what the command line knows of itself.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, CommandFactory};

use crate::exit::{Exit, Usage};
use crate::manual::pages;

const EXAMPLES: &str = "\
Examples:
  evenkeel man | man -l -                 read it
  evenkeel man evenkeel-up | man -l -     the page of one command
  evenkeel man --into ~/.local/share/man/man1";

/// Print the manual page, or write all pages into a folder
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Man {
    /// Which page
    #[arg(value_name = "PAGE", default_value = "evenkeel")]
    page: String,
    /// Write every page into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "page")]
    into: Option<PathBuf>,
}

impl Man {
    /// Prints or writes pages of the whole command line `C`.
    pub fn run<C: CommandFactory>(self) -> anyhow::Result<Exit> {
        let pages = pages(C::command())?;
        if let Some(folder) = self.into {
            std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            for (name, page) in &pages {
                let file = folder.join(name);
                std::fs::write(&file, page).with_context(|| file.display().to_string())?;
            }
            println!("Wrote {} pages into {}.", pages.len(), folder.display());
            return Ok(Exit::Done);
        }
        let wanted = format!("{}.1", self.page);
        let Some((_, page)) = pages.iter().find(|(name, _)| *name == wanted) else {
            let known: Vec<&str> = pages.iter().map(|(name, _)| name.trim_end_matches(".1")).collect();
            return Err(Usage(format!(
                "there is no page {}; there are: {}",
                self.page,
                known.join(", ")
            ))
            .into());
        };
        stdout().write_all(page)?;
        Ok(Exit::Done)
    }
}
