//! The bounded queue before the committer. Full means `Busy`, at once.

use super::link::SaidCode;
use crate::engine::{Counters, KeyedRequest, Render, Reply, count};
use crate::pause::{Kept, Pause};
use base::answer::Fault;
use base::time::Timestamp;
use scheduling::command::Command;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::oneshot;

/// A command on its way.
pub(crate) struct Task {
    pub command: Command,
    /// The secrets that came with it.
    pub tokens: Tokens,
    /// When its request arrived.
    pub arrived: Timestamp,
    /// On the clock's monotone time: after this nobody waits for it.
    pub deadline_at: Duration,
    /// Its idempotency key as stored, and the hash of its body.
    pub key: Option<(Vec<u8>, [u8; 32])>,
    pub render: Render,
    answer: Option<oneshot::Sender<Result<Reply, Fault>>>,
    /// Its key, until it is answered.
    kept: Option<Kept>,
}

/// Secrets as presented. The engine's own commands need none.
#[derive(Default)]
pub(crate) struct Tokens {
    pub hold: Option<String>,
    pub appointment: Option<String>,
    pub by_code: Option<SaidCode>,
    pub own: bool,
}

impl Task {
    pub(crate) fn new(
        command: Command,
        tokens: Tokens,
        arrived: Timestamp,
        deadline_at: Duration,
        key: Option<&KeyedRequest>,
        render: Render,
    ) -> Self {
        let key = key.map(|keyed| (stored_key(keyed), keyed.body_hash));
        Self {
            command,
            tokens,
            arrived,
            deadline_at,
            key,
            render,
            answer: None,
            kept: None,
        }
    }
    /// Sends the answer to whoever waits, if anyone still does.
    pub(crate) fn answer(self, reply: Result<Reply, Fault>) {
        if let Some(answer) = self.answer {
            let _ = answer.send(reply);
        }
    }
}

/// A key as stored: hashed with its scope, so that nothing a client sent lies there. Where the client made it growing
/// with time (UUIDv7) its time leads, so that new rows lie together: at a million rows that is most of a booking's
/// cost. Any other key leads with its own hash.
pub(crate) fn stored_key(keyed: &KeyedRequest) -> Vec<u8> {
    let hash = Sha256::new()
        .chain_update(&keyed.scope)
        .chain_update([0])
        .chain_update(&keyed.key)
        .finalize();
    let time = uuid_v7_time(&keyed.key).unwrap_or_else(|| [hash[16], hash[17], hash[18], hash[19], hash[20], hash[21]]);
    [&time[..], &hash[..16]].concat()
}

/// The 48 bits of milliseconds of a UUIDv7 in its usual spelling (RFC 9562).
fn uuid_v7_time(text: &str) -> Option<[u8; 6]> {
    let bytes = text.as_bytes();
    let dashed = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|n| bytes[*n] == b'-') && bytes[14] == b'7';
    if !dashed {
        return None;
    }
    let digits = [&bytes[..8], &bytes[9..13]].concat();
    let mut time = [0u8; 6];
    for (n, pair) in digits.chunks_exact(2).enumerate() {
        time[n] = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(time)
}

/// The sending end.
pub struct Queue {
    sender: SyncSender<Task>,
    length: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    counters: Arc<Counters>,
    pause: Arc<Pause>,
}

/// The receiving end.
pub(crate) struct Waiting {
    receiver: Receiver<Task>,
    length: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    over: AtomicBool,
}

pub(crate) fn queue(most: usize, counters: Arc<Counters>, pause: Arc<Pause>) -> (Queue, Waiting) {
    let (sender, receiver) = sync_channel(most);
    let (length, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let waiting = Waiting {
        receiver,
        length: Arc::clone(&length),
        stopped: Arc::clone(&stopped),
        over: AtomicBool::new(false),
    };
    (
        Queue {
            sender,
            length,
            stopped,
            counters,
            pause,
        },
        waiting,
    )
}

impl Queue {
    /// Queues a command and waits for its answer.
    pub(crate) async fn submit(&self, task: Task) -> Result<Reply, Fault> {
        let answered = self.send(task)?;
        // The committer ended with commands in its hands: whether this one was done is found under its key.
        answered.await.unwrap_or(Err(Fault::OutcomeUnknown))
    }

    /// Queues a command; its answer comes over the channel.
    pub(crate) fn send(&self, mut task: Task) -> Result<oneshot::Receiver<Result<Reply, Fault>>, Fault> {
        let key = task.key.as_ref().map(|(key, _)| key.as_slice());
        if self.pause.is_on() {
            let in_hand = key.is_some_and(|key| self.pause.in_hand().has(key));
            return Err(if in_hand {
                Fault::OutcomeUnknown
            } else {
                Fault::Unreachable
            });
        }
        task.kept = key.map(|key| self.pause.in_hand().keep(key));
        let (answer, answered) = oneshot::channel();
        task.answer = Some(answer);
        self.length.fetch_add(1, Ordering::Relaxed);
        self.sender.try_send(task).map_err(|error| {
            self.length.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => {
                    count(&self.counters.turned_away, 1);
                    Fault::Busy
                }
                TrySendError::Disconnected(_) => Fault::Unreachable,
            }
        })?;
        Ok(answered)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the committer has ended.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Waiting {
    pub(crate) fn next(&self, wait: Duration) -> Option<Task> {
        match self.receiver.recv_timeout(wait) {
            Ok(task) => {
                self.length.fetch_sub(1, Ordering::Relaxed);
                Some(task)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.over.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    pub(crate) fn drain_into(&self, batch: &mut Vec<Task>, most: usize) {
        while batch.len() < most
            && let Ok(task) = self.receiver.try_recv()
        {
            self.length.fetch_sub(1, Ordering::Relaxed);
            batch.push(task);
        }
    }

    /// Whether nobody can send any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}
