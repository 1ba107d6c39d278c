//! Reads of single rows beside the committer: owned threads with a read-only connection each, so that no door blocks
//! and no reader waits for a writer.

use base::answer::Fault;
use database::{Broken, Connection, Database};
use runtime::task::Owner;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Reads that may wait.
const QUEUE: usize = 1_024;
/// Readers: as many as the cores of the smallest machine we promise anything for.
const THREADS: usize = 2;
/// How often an idle reader looks whether it should stop.
const IDLE: Duration = Duration::from_millis(200);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Hands reads to the reader threads.
#[derive(Clone)]
pub(crate) struct Reader(SyncSender<Job>);

impl Reader {
    pub(crate) fn start(database: &Database, owner: &Owner) -> Result<Self, crate::engine::StartError> {
        let (sender, receiver) = sync_channel::<Job>(QUEUE);
        let receiver = Arc::new(Mutex::new(receiver));
        for _ in 0..THREADS {
            let mut connection = database.connect_beside()?;
            let receiver = Arc::clone(&receiver);
            let shutdown = owner.shutdown().clone();
            owner.thread("reader", move || {
                while !shutdown.requested() {
                    if let Some(job) = next(&receiver) {
                        job(&mut connection);
                    }
                }
            })?;
        }
        Ok(Self(sender))
    }

    /// Runs a read; too many waiting is `Busy`, at once.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&mut Connection) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = answer.send(read(connection));
        });
        self.0.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Fault::Busy,
            TrySendError::Disconnected(_) => Fault::Unreachable,
        })?;
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(broken)) => {
                tracing::error!(fault = broken.fault().code(), cause = %broken, "a read failed");
                Err(broken.fault())
            }
            Err(_) => Err(Fault::Unreachable),
        }
    }
}

fn next(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
    receiver
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv_timeout(IDLE)
        .ok()
}
