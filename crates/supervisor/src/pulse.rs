//! Whether a server still lives: heeds what it says while it starts, asks it afterwards, and gives it up when it has
//! been silent for too long. Read [`Pulse::given_up`] first.
//!
//! What is asked is `/livez`, "does this process get on", and never `/readyz`: a database that is away is no reason to
//! kill what still answers finding. It is asked on the internal listener, whose address the server said when it became
//! ready: nobody else comes there, so that an answer is late when the *process* is late. On the public socket a probe
//! would stand in line behind the visitors, and on a rush of them (its listener at the cap of connections, its queue
//! full) a server that works as hard as it can would be killed for it. A process that is stopped or has no thread left
//! to run answers on neither.

use std::fmt;
use std::time::Duration;

use runtime::clock::Clock;
use runtime::shortage::is_ours;

use crate::child::Said;
use crate::probe;

/// What a server answers to `/livez` when only a new start mends it.
const RESTART_ME: u16 = 503;

/// How long a server may be silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// While it starts: since it last said how far it is.
    pub start: Duration,
    /// From one question to the next.
    pub pause: Duration,
    /// An answer that takes longer is none.
    pub answer: Duration,
    /// This many questions in a row without an answer, and it is given up.
    pub misses: u32,
}

impl Default for Patience {
    /// A stopped server is given up within 11 s. Five questions in a row, each waiting two seconds for what takes a
    /// thousandth of one: a machine so busy that it runs no thread of the server in all of that time serves nobody
    /// either, and any answer in between begins the count anew. Fewer would take a machine that swaps, or was asleep,
    /// for a dead server, and killing cuts everyone who waits in it; more would only lengthen an outage, of which a
    /// single one may last ten minutes at the very most.
    ///
    /// A start is long for good reasons (a migration, a demonstration's data, a large database read into memory) and
    /// says so at most once a step: two minutes without a word. It is doubled each time that was too short
    /// ([`crate::restart`]), so that a slow machine starts in the end.
    fn default() -> Self {
        Self {
            start: Duration::from_mins(2),
            pause: Duration::from_secs(1),
            answer: Duration::from_secs(2),
            misses: 5,
        }
    }
}

/// Why a server is given up, after how long a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// It started, and neither said how far it is nor became ready.
    Mute(Duration),
    /// It was ready once and does not answer any more.
    Silent(Duration),
    /// It answers that it does not get on.
    Unwell(Duration),
}

impl fmt::Display for GivenUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mute(span) => write!(
                f,
                "it said nothing for {} s of its start and was killed",
                span.as_secs()
            ),
            Self::Silent(span) => write!(f, "it did not answer for {} s and was killed", span.as_secs()),
            Self::Unwell(span) => write!(
                f,
                "it said for {} s that it does not get on and was killed",
                span.as_secs()
            ),
        }
    }
}

/// The signs of life of one server.
pub struct Pulse<'a> {
    clock: &'a Clock,
    patience: Patience,
    /// Its internal listener's URL, once it has said that it is ready.
    internal: Option<String>,
    /// When the last sign was, on the clock's monotone time.
    heard: Duration,
    misses: u32,
}

impl<'a> Pulse<'a> {
    /// Of a server that starts now.
    pub fn new(clock: &'a Clock, patience: Patience) -> Self {
        Self {
            clock,
            patience,
            internal: None,
            heard: clock.monotonic(),
            misses: 0,
        }
    }

    /// It said something.
    pub fn said(&mut self, said: &Said) {
        if let Said::Ready { internal } = said {
            self.internal = Some(internal.clone());
        }
        self.beats();
    }

    /// Its internal listener's URL, once it has said that it is ready.
    pub fn internal(&self) -> Option<&str> {
        self.internal.as_deref()
    }

    /// When the last sign of life was, on the clock's monotone time.
    pub fn heard(&self) -> Duration {
        self.heard
    }

    fn beats(&mut self) {
        (self.heard, self.misses) = (self.clock.monotonic(), 0);
    }

    fn silence(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.heard)
    }

    /// Waits until the server has to be given up; for good while it lives. When the wait is given up and begun again,
    /// no more than one question is asked twice.
    pub async fn given_up(&mut self) -> GivenUp {
        let Some(internal) = self.internal.clone() else {
            self.clock
                .sleep(self.patience.start.saturating_sub(self.silence()))
                .await;
            return GivenUp::Mute(self.silence());
        };
        loop {
            let asked = self.clock.monotonic();
            let answer = probe::status_of(&internal, "/livez", self.patience.answer).await;
            match &answer {
                Ok(RESTART_ME) => self.misses += 1,
                Ok(_) => self.beats(),
                // Then we have not asked, and know nothing.
                Err(error) if is_ours(error) => tracing::warn!(%error, "cannot ask whether the server lives"),
                Err(error) => {
                    self.misses += 1;
                    tracing::info!(%error, misses = self.misses, "the server did not say that it lives");
                }
            }
            if self.misses >= self.patience.misses {
                return match answer {
                    Ok(_) => GivenUp::Unwell(self.silence()),
                    Err(_) => GivenUp::Silent(self.silence()),
                };
            }
            let took = self.clock.monotonic().saturating_sub(asked);
            self.clock.sleep(self.patience.pause.saturating_sub(took)).await;
        }
    }
}
