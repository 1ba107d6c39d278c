//! One supervisor per data folder: a lock that the kernel gives up when its holder dies, however it dies. And what a
//! killed supervisor left behind: children that still have to notice that its pipe has ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::time::Timestamp;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime::clock::Clock;

use crate::processes;

/// The argument by which a child of a supervisor is known, also after the supervisor is gone.
pub const SUPERVISED: &str = "--supervised";
/// Somebody who only looks at the lock holds it for an instant; a real holder still has it after this.
const PATIENCE: Duration = Duration::from_millis(500);
/// A child is gone two seconds after its pipe ended; one second more for a busy machine.
pub const ORPHAN_TIME: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(20);

/// Who holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The supervisor's process id.
    pub pid: u32,
    /// Since when.
    pub since: Timestamp,
}

/// Why this process may not be the supervisor.
#[derive(Debug, thiserror::Error)]
pub enum InstanceError {
    /// Another one is.
    #[error("{}", held(.0.as_ref()))]
    Held(Option<Holder>),
    /// The file system said no.
    #[error("{path}", path = path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

fn held(holder: Option<&Holder>) -> String {
    match holder {
        Some(Holder { pid, since }) => format!("already running on this data folder: process {pid}, since {since}"),
        // It has the lock and has not yet written its name.
        None => "already starting on this data folder".to_owned(),
    }
}

/// The lock, held until this is dropped or the process ends.
pub struct Instance {
    _lock: Flock<File>,
}

fn lock_path(data: &Path) -> PathBuf {
    data.join("run").join("up.lock")
}

impl Instance {
    /// Takes the lock of `data` (which has a folder `run`) and writes who we are into it.
    pub async fn take(data: &Path, clock: &Clock) -> Result<Self, InstanceError> {
        let path = lock_path(data);
        let io = |source| InstanceError::Io {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let started = clock.monotonic();
        let mut lock = loop {
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => break lock,
                Err((mut refused, Errno::EWOULDBLOCK)) => {
                    if clock.monotonic().saturating_sub(started) > PATIENCE {
                        return Err(InstanceError::Held(read(&mut refused)));
                    }
                    file = refused;
                    clock.sleep(LOOK).await;
                }
                Err((_, error)) => return Err(io(error.into())),
            }
        };
        let who = format!("{} {}\n", std::process::id(), clock.now());
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| lock.write_all(who.as_bytes()))
            .map_err(io)?;
        Ok(Self { _lock: lock })
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).ok()?;
    let (pid, since) = text.trim().split_once(' ')?;
    Some(Holder {
        pid: pid.parse().ok()?,
        since: Timestamp::parse(since)?,
    })
}

/// Who is the supervisor of `data` right now; `None` when nobody is.
pub fn holder(data: &Path) -> io::Result<Option<Holder>> {
    let mut file = match File::open(lock_path(data)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let who = read(&mut file);
    match Flock::lock(file, FlockArg::LockSharedNonblock) {
        Ok(_free) => Ok(None),
        Err((_, Errno::EWOULDBLOCK)) => Ok(who),
        Err((_, error)) => Err(error.into()),
    }
}

/// The children that supervisors of this data folder have started and that still run.
pub fn children(data: &Path) -> Vec<u32> {
    let data = data.to_string_lossy();
    let ours = |pid: &u32| {
        let arguments = processes::arguments(*pid);
        let names_data = arguments.windows(2).any(|pair| pair[0] == "--data" && pair[1] == data);
        names_data && arguments.iter().any(|argument| argument == SUPERVISED)
    };
    processes::all().into_iter().filter(ours).collect()
}

/// Waits until the children of a killed supervisor are gone; ends those that take too long. Only for the holder of the
/// lock: nobody else can have children then. Returns how many there were.
pub async fn wait_for_orphans(data: &Path, clock: &Clock) -> usize {
    let orphans = children(data);
    let started = clock.monotonic();
    let mut left = orphans.clone();
    while !left.is_empty() {
        if clock.monotonic().saturating_sub(started) > ORPHAN_TIME {
            for pid in &left {
                tracing::warn!(pid, "a child of an earlier supervisor does not stop and is ended");
                let _ = kill(Pid::from_raw(*pid as i32), Signal::SIGKILL);
            }
        }
        clock.sleep(LOOK).await;
        left = children(data);
    }
    orphans.len()
}
