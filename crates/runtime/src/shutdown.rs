//! Being asked to stop: by a signal, by the supervisor's pipe closing, or by a part that cannot go on. Keeps that the
//! wish is never lost and never taken back. Doesn't know what stopping means for whom; each owner does.

use std::future::Future;
use std::io;
use std::os::fd::AsFd;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::task::Owner;

/// The wish that this process (or this part of it) stops. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Asks to stop; again has no effect.
    pub fn request(&self) {
        self.0.cancel();
    }
    /// Whether somebody asked.
    pub fn requested(&self) -> bool {
        self.0.is_cancelled()
    }
    /// Waits until somebody asks.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.clone().cancelled_owned()
    }
    /// A wish of its own that is also asked when this one is, but not the other way round.
    #[must_use]
    pub fn part(&self) -> Self {
        Self(self.0.child_token())
    }
}

/// What Ctrl-C in the terminal means for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Stop: a person started this process.
    Stops,
    /// Nothing: a supervisor started it, got the same Ctrl-C, and says by its pipe when to stop.
    Ignored,
}

/// From now on SIGTERM and SIGHUP (and, where it stops, SIGINT) ask `shutdown` instead of killing the process.
/// Needs the tokio runtime.
pub fn on_signals(owner: &Owner, shutdown: &Shutdown, interrupt: Interrupt) -> io::Result<()> {
    let stop = shutdown.clone();
    on_signals_with(owner, shutdown, interrupt, move || {
        tracing::info!(signal = "SIGHUP", "asked to stop");
        stop.request();
    })
}

/// The same, but SIGHUP does what the caller says: reads the settings again, where that can be done.
pub fn on_signals_with(
    owner: &Owner,
    shutdown: &Shutdown,
    interrupt: Interrupt,
    hung_up: impl Fn() + Send + 'static,
) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let shutdown = shutdown.clone();
    owner.spawn("signals", async move {
        loop {
            let why = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = hangup.recv() => {
                    hung_up();
                    continue;
                }
                _ = interrupted.recv() => match interrupt {
                    Interrupt::Stops => "SIGINT",
                    Interrupt::Ignored => continue,
                },
                () = shutdown.wait() => return,
            };
            tracing::info!(signal = why, "asked to stop");
            shutdown.request();
        }
    });
    Ok(())
}

/// From now on the end of stdin asks `shutdown`. Returns whether stdin is a pipe at all: a terminal or a file is not
/// watched, as nobody holds its other end for us. Needs the tokio runtime.
pub fn on_stdin_end(owner: &Owner, shutdown: &Shutdown) -> io::Result<bool> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let Ok(mut pipe) = pipe::Receiver::from_owned_fd(stdin) else {
        return Ok(false);
    };
    let shutdown = shutdown.clone();
    owner.spawn("supervisor's pipe", async move {
        let mut ignored = [0u8; 64];
        let ended = async { while matches!(pipe.read(&mut ignored).await, Ok(1..)) {} };
        tokio::select! {
            () = ended => {
                tracing::info!("the supervisor's pipe ended: stopping");
                shutdown.request();
            }
            () = shutdown.wait() => {}
        }
    });
    Ok(true)
}
