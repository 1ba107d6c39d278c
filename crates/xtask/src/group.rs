//! Process groups that we started: killed when dropped, and when we are told to stop ourselves. A suite that is
//! interrupted leaves nothing running.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};

static LIVING: Mutex<BTreeSet<i32>> = Mutex::new(BTreeSet::new());
static FOLDERS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// How a shell counts the end by Ctrl-C.
const INTERRUPTED: i32 = 130;
/// Between two looks at who is left.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

/// One group: its first process, that one's children, and what runs them.
pub struct Group(Pid);

impl Group {
    /// The group of a process that was started as its leader.
    pub fn of(leader: &std::process::Child) -> Self {
        let id = leader.id().cast_signed();
        lock(&LIVING).insert(id);
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
        lock(&LIVING).remove(&self.0.as_raw());
    }
}

/// Every process that works in a folder of ours, whatever group it made for itself: programs that we started start
/// others and let go of them. The folder goes with them.
pub struct Within(PathBuf);

/// How often it is looked whether somebody started another meanwhile.
const ROUNDS: usize = 20;

impl Within {
    /// Whoever works there, as long as this lives.
    pub fn new(folder: &Path) -> Self {
        lock(&FOLDERS).insert(folder.to_owned());
        Self(folder.to_owned())
    }
    /// Who works in a folder or below it, now.
    pub fn pids(folder: &Path) -> Vec<Pid> {
        let Ok(all) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        let numbers = all.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        let there = |number: &i32| {
            let at = std::fs::read_link(format!("/proc/{number}/cwd"));
            at.is_ok_and(|at| at.starts_with(folder))
        };
        numbers.filter(there).map(Pid::from_raw).collect()
    }
    fn end(folder: &Path) {
        for _ in 0..ROUNDS {
            let left = Self::pids(folder);
            if left.is_empty() {
                return;
            }
            for pid in left {
                let _ = kill(pid, Signal::SIGKILL);
            }
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        Self::end(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
        lock(&FOLDERS).remove(&self.0);
    }
}

/// Ends every group now, and whoever works in a folder of ours, with the folder.
pub fn end_all() {
    for id in lock(&LIVING).iter() {
        let _ = killpg(Pid::from_raw(*id), Signal::SIGKILL);
    }
    for folder in lock(&FOLDERS).iter() {
        Within::end(folder);
        let _ = std::fs::remove_dir_all(folder);
    }
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
