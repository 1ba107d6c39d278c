//! `evenkeel stop`: lets an installation finish what it is doing, and stops it.

use std::time::Duration;

use anyhow::{bail, ensure};
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::clock::Clock;
use supervisor::instance::{children, holder};
use supervisor::processes::arguments;

use super::Data;
use crate::exit::Exit;

/// Children have two seconds to drain; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

const EXAMPLES: &str = "\
Examples:
  evenkeel stop                     the installation in ./evenkeel-data
  evenkeel stop --data /srv/vax     another one";

/// Stop an installation: requests in flight are finished first
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Stop {
    #[command(flatten)]
    at: Data,
}

impl Stop {
    /// Asks the supervisor to stop and waits for it. That nothing runs is what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        let data = self.at.data;
        let Some(holder) = holder(&data)? else {
            println!("Nothing runs on {}.", data.display());
            return Ok(Exit::Done);
        };
        let said = arguments(holder.pid);
        let ours = said.iter().any(|argument| argument == "up");
        ensure!(
            ours,
            "process {} has the lock, but is not an `evenkeel up` ({})",
            holder.pid,
            said.join(" ")
        );
        println!("Stopping process {} …", holder.pid);
        kill(Pid::from_raw(holder.pid as i32), Signal::SIGTERM)?;
        let clock = Clock::real();
        let whole = data.canonicalize()?;
        while supervisor::instance::holder(&data)?.is_some_and(|now| now == holder) || !children(&whole).is_empty() {
            if clock.monotonic() > PATIENCE {
                bail!(
                    "process {} has not stopped within {} s; look into its log",
                    holder.pid,
                    PATIENCE.as_secs()
                );
            }
            clock.sleep_blocking(LOOK);
        }
        println!("Stopped. Data stays in {}.", whole.display());
        Ok(Exit::Done)
    }
}
