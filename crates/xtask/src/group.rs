//! Process groups that we started: killed when dropped, and when we are told to stop ourselves. A suite that is
//! interrupted leaves nothing running.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

static LIVING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());

/// How a shell counts the end by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// One group: its first process, that one's children, and what runs them.
pub struct Group(Pid);

impl Group {
    /// The group of a process that was started as its leader.
    pub fn of(leader: &std::process::Child) -> Self {
        let id = leader.id().cast_signed();
        living().insert(id);
        Self(Pid::from_raw(id))
    }
    /// Sends a signal to all of it.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(killpg(self.0, signal)?)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = killpg(self.0, Signal::SIGKILL); // an error means that nobody is left
        living().remove(&self.0.as_raw());
    }
}

/// Ends every group now.
pub fn end_all() {
    for id in living().iter() {
        let _ = killpg(Pid::from_raw(*id), Signal::SIGKILL);
    }
}

fn living() -> MutexGuard<'static, BTreeSet<i32>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on Ctrl-C and SIGTERM end every group before they end us. Called once, first thing.
pub fn end_with_us() -> Result<()> {
    // Handlers, not a blocked mask: programs would inherit that, and never hear a SIGTERM.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        let told = runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                told = tokio::signal::ctrl_c() => told,
                _ = terminate.recv() => Ok(()),
            }
        });
        if told.is_ok() {
            end_all();
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}
