//! `evenkeel install` and `evenkeel uninstall`: this program as a service of the machine.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{Args, CommandFactory};

use crate::exit::{Exit, Usage};
use crate::install::place::{Did, Place};
use crate::install::{self, USER, system};

const INSTALL: &str = "\
Examples:
  evenkeel install --dry-run           only say what would be done
  sudo ./evenkeel install              into /usr/local, as a service of systemd
  evenkeel install --root /tmp/try     into a folder, to look at; makes no user

Makes the user evenkeel, /var/lib/evenkeel (its data, closed to others) and /etc/evenkeel (settings, where it listens);
places the program, its unit, manual pages and completions. Run again it changes nothing that is right: to upgrade,
run the newer program's `install`, then `systemctl restart evenkeel`.";

const UNINSTALL: &str = "\
Examples:
  evenkeel uninstall --dry-run    only say what would be done
  sudo evenkeel uninstall         data, settings and the user stay";

#[derive(Args)]
struct Where {
    /// Where program, manual and completions go
    #[arg(long, value_name = "DIR", default_value = "/usr/local")]
    prefix: PathBuf,
    /// Stands before every path: a trial in a folder, or the file system of an image
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Change nothing, only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Where {
    fn place(&self) -> anyhow::Result<Place> {
        if !self.prefix.is_absolute() {
            return Err(Usage(format!(
                "--prefix {}: expected a path that begins with /",
                self.prefix.display()
            ))
            .into());
        }
        ensure!(
            self.dry_run || !self.here() || nix::unistd::geteuid().is_root(),
            "needs the rights of root: run it with sudo, or try it with --dry-run"
        );
        Ok(Place {
            root: self.root.clone(),
            dry: self.dry_run,
        })
    }

    /// Whether this very machine is meant.
    fn here(&self) -> bool {
        self.root == Path::new("/")
    }
}

/// Make this program a service of this machine (as root)
#[derive(Args)]
#[command(after_help = INSTALL)]
pub struct Install {
    #[command(flatten)]
    at: Where,
    /// Make no user: what is made belongs to whoever runs this
    #[arg(long)]
    no_user: bool,
}

/// Take the program and its unit away; data and settings stay
#[derive(Args)]
#[command(after_help = UNINSTALL)]
pub struct Uninstall {
    #[command(flatten)]
    at: Where,
}

fn tell(did: Did, path: &Path) {
    println!("{did:<9} {}", path.display());
}

impl Install {
    /// Installs the whole command line `C`.
    pub fn run<C: CommandFactory>(self) -> anyhow::Result<Exit> {
        let place = self.at.place()?;
        let owner = if self.no_user || !self.at.here() {
            None
        } else {
            self.owner()?
        };
        install::install(&place, &self.at.prefix, owner, &C::command(), tell)?;
        if self.at.dry_run {
            println!("\nNothing was changed.");
            return Ok(Exit::Done);
        }
        let program = self.at.prefix.join("bin/evenkeel");
        if !self.at.here() {
            println!("\nThe files are in {}.", self.at.root.display());
        } else if system::systemd_runs() {
            system::reload()?;
            println!("\n{}", next(system::is_active()));
        } else {
            println!(
                "\nsystemd does not run here: the files are in place, and nothing was started or will start by itself.\n\
                 By hand, as the user {USER}: {} up --data {} --empty",
                program.display(),
                install::DATA
            );
        }
        Ok(Exit::Done)
    }

    fn owner(&self) -> anyhow::Result<Option<system::Owner>> {
        let found = system::owner()?;
        let did = if found.is_some() { Did::Kept } else { Did::Made };
        let owner = if found.is_some() || self.at.dry_run {
            found
        } else {
            Some(system::make_owner()?)
        };
        println!("{did:<9} the user {USER}");
        Ok(owner)
    }
}

fn next(runs: bool) -> &'static str {
    if runs {
        "It runs: take over the new program with `systemctl restart evenkeel`."
    } else {
        "Next:\n  1. say in /etc/evenkeel/evenkeel.env where it listens and under which address people come\n  \
         2. systemctl enable --now evenkeel\n  \
         3. copy /var/lib/evenkeel/keys off this machine: a backup without it cannot be read"
    }
}

impl Uninstall {
    /// Takes away what `install` ships.
    pub fn run<C: CommandFactory>(self) -> anyhow::Result<Exit> {
        let place = self.at.place()?;
        let runs = self.at.here() && !self.at.dry_run && system::systemd_runs();
        ensure!(
            !(runs && system::is_active()),
            "it runs: first `systemctl disable --now evenkeel`"
        );
        install::uninstall(&place, &self.at.prefix, &C::command(), tell)?;
        if self.at.dry_run {
            println!("\nNothing was changed.");
        } else {
            if runs {
                system::reload()?;
            }
            println!("\nData, settings and the user {USER} stay. Without the folder keys no backup can be read.");
        }
        Ok(Exit::Done)
    }
}
