//! A jurisdiction moves to another database, of the same engine or another, while people book.
//!
//! 1. Everything is copied while booking goes on. Meanwhile the new database is marked: no server starts on it.
//! 2. Booking is paused: a row in the old database, which every writer reads inside its transaction ([`crate::pause`]).
//!    Whoever committed before is seen by what follows; nobody commits after.
//! 3. What has changed since is brought, both are compared row by row, and the new one is verified.
//! 4. From then on the new one may be looked at; nobody writes to either. Whoever moves it confirms, and the new one is
//!    in force and the old one never again; or undoes it, and the old one goes on as if nothing had been.
//!
//! What fails before 4 lifts the pause by itself. What was killed is done again: it goes on where it was, and each step
//! may be repeated. Confirming and undoing exclude each other by the row in the old database.

use super::copy::{self, Copied, CopyFailed};
use crate::records::relocation::{self, Relocation, State};
use crate::records::{self, hold};
use crate::sealing::{self, WrongKeys, committed};
use crate::verify::{self, Report};
use base::answer::Fault;
use base::time::Timestamp;
use database::{Broken, Connection, Database, OpenError};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use std::ops::ControlFlow;
use std::time::Duration;

/// How often the pause is tried for while writers with long transactions, such as an import's, are in the way; and how
/// often it is tried to lift it.
const PAUSE_TRIES: u32 = 30;
/// How long each try waits: bookings that come meanwhile wait behind it.
const PAUSE_WAIT: Duration = Duration::from_millis(500);
/// Between two of those, so that bookings get through.
const PAUSE_REST: Duration = Duration::from_millis(500);

/// Which part of the work goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything is copied; booking goes on.
    Bulk,
    /// What has changed since is brought; booking is paused.
    Rest,
    /// Both are compared; booking is paused.
    Comparing,
}

/// Is told of which part how many rows of how many are done; ends the work by saying so.
pub type Watch<'w> = &'w mut dyn FnMut(Part, u64, u64) -> ControlFlow<()>;

/// It was not moved. Booking goes on in the old database, unless the error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RelocationError {
    /// What was asked cannot be, as things stand.
    #[error("{0}")]
    Refused(String),
    /// A database does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A database does not answer.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The keys are not those of the data.
    #[error(transparent)]
    WrongKeys(#[from] WrongKeys),
    /// Something could not be copied, or differs.
    #[error(transparent)]
    Copy(#[from] CopyFailed),
    /// The new database breaks a promise.
    #[error("the new database is not as it must be: {0}")]
    FoundWrong(String),
    /// It failed, and the pause could not be lifted.
    #[error("{cause}; and BOOKING IS STILL PAUSED ({lifting}): run this again, or `evenkeel migrate --undo`")]
    StillPaused {
        /// What failed.
        cause: Box<RelocationError>,
        /// Why the pause could not be lifted.
        lifting: Box<RelocationError>,
    },
}

/// What was done.
#[derive(Debug)]
pub struct Moved {
    /// Rows of everything.
    pub rows: u64,
    /// Audit chains.
    pub chains: usize,
    /// Rows that changed while the bulk was copied.
    pub changed: u64,
    /// How long the bulk took.
    pub bulk: Duration,
    /// How long it took from the pause until the new database was verified.
    pub rest: Duration,
    /// When booking was paused.
    pub paused_at: Timestamp,
    /// What `verify` has found to be as it must be.
    pub verified: Report,
}

/// What it takes.
pub struct Move<'m> {
    /// The old database.
    pub from: &'m Database,
    /// The new one.
    pub to: &'m Database,
    /// The clock.
    pub clock: &'m Clock,
}

fn refused<T>(why: impl Into<String>) -> Result<T, RelocationError> {
    Err(RelocationError::Refused(why.into()))
}

/// A database, for people: without its password.
pub fn name(database: &Database) -> String {
    match (database.path(), database.cluster()) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(cluster)) => cluster.to_string(),
        (None, None) => "a database in memory".to_owned(),
    }
}

impl Move<'_> {
    /// Copies, pauses, brings the rest, compares and verifies. Afterwards booking is paused until somebody confirms or
    /// undoes it.
    pub fn run(
        &self,
        keys: &KeyRing,
        entropy: &Entropy,
        hold_grace: Duration,
        watch: Watch<'_>,
    ) -> Result<Moved, RelocationError> {
        let mut from = self.source()?;
        sealing::check(&mut from.begin_read()?, keys)??;
        let mut to = self.to.connect_beside()?.patient();
        let id = self.mark(&mut from, &mut to, entropy)?;
        let began = self.clock.monotonic();
        let bulk = copy::bring(&mut from, &mut to, &mut |done, total| watch(Part::Bulk, done, total));
        if let Err(cause) = bulk {
            // Booking may be paused by a try before.
            return Err(self.lift_after(cause.into(), &mut from));
        }
        let bulk = self.clock.monotonic().saturating_sub(began);
        let paused_at = match self.pause(&mut from, id) {
            Ok(at) => at,
            // Perhaps it is: the answer to a commit may be lost.
            Err(cause) => return Err(self.lift_after(cause, &mut from)),
        };
        let began = self.clock.monotonic();
        let done = rest(&mut from, &mut to, keys, hold_grace, watch);
        let done = done.and_then(|done| {
            self.set(&mut to, id, State::Ready, paused_at)?;
            Ok(done)
        });
        let (copied, verified) = match done {
            Ok(done) => done,
            Err(cause) => return Err(self.lift_after(cause, &mut from)),
        };
        // Best effort: a server records them too.
        crate::reconciler::heads::record_now(self.to, &mut to, self.clock.now())?;
        Ok(Moved {
            rows: copied.content.all_rows(),
            chains: copied.content.heads.len(),
            changed: copied.changed,
            bulk,
            rest: self.clock.monotonic().saturating_sub(began),
            paused_at,
            verified,
        })
    }

    fn source(&self) -> Result<Connection, RelocationError> {
        let mut from = self.from.connect_beside()?.patient();
        database::migration::require_current(&mut from, records::MIGRATIONS)?;
        Ok(from)
    }

    /// Marks the new database, unless it is from a try before. The id of the move.
    fn mark(&self, from: &mut Connection, to: &mut Connection, entropy: &Entropy) -> Result<[u8; 16], RelocationError> {
        let source = relocation::load(&mut from.begin_read()?)?;
        match &source {
            Some(row) if row.state == State::Left => {
                return refused(format!("this jurisdiction has moved to {} already", row.other));
            }
            Some(row) if row.state != State::Paused => {
                return refused(format!("{} is itself being filled from {}", name(self.from), row.other));
            }
            _ => {}
        }
        database::migration::migrate(to, records::MIGRATIONS, self.clock.now())?;
        let known = relocation::load(&mut to.begin_read()?)?;
        let ours = known.as_ref().filter(|row| row.other == name(self.from));
        if let (Some(paused), id) = (&source, ours.map(|row| row.id))
            && Some(paused.id) != id
        {
            return refused(format!(
                "booking is paused for a move to {}: end or undo that first",
                paused.other
            ));
        }
        if let Some(row) = ours {
            if row.state == State::Ready && source.is_some() {
                return refused("it is copied and verified already: confirm or undo it");
            }
            if matches!(row.state, State::Filling | State::Ready) {
                self.set(to, row.id, State::Filling, self.clock.now())?;
                return Ok(row.id);
            }
        }
        if known.is_some() || !copy::is_empty(to)? {
            return refused(format!(
                "there is data in {} already: name an empty place",
                name(self.to)
            ));
        }
        let id = entropy.bits128().to_be_bytes();
        self.set(to, id, State::Filling, self.clock.now())?;
        Ok(id)
    }

    /// Sets the new database's row.
    fn set(&self, to: &mut Connection, id: [u8; 16], state: State, at: Timestamp) -> Result<(), RelocationError> {
        let mut tx = to.begin()?;
        relocation::lock(&mut tx)?;
        let other = name(self.from);
        relocation::save(&mut tx, &Relocation { id, state, other, at })?;
        Ok(committed(tx)?)
    }

    /// From the commit of this on nobody writes to the old database. When that was.
    fn pause(&self, from: &mut Connection, id: [u8; 16]) -> Result<Timestamp, RelocationError> {
        from.wait_at_most(PAUSE_WAIT)?;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_pause(from, id) {
                Err(Broken::Fault { fault: Fault::Busy, .. }) if tries < PAUSE_TRIES => {
                    self.clock.sleep_blocking(PAUSE_REST);
                }
                done => return Ok(done?),
            }
        }
    }

    fn try_pause(&self, from: &mut Connection, id: [u8; 16]) -> Result<Timestamp, Broken> {
        let mut tx = from.begin()?;
        relocation::lock(&mut tx)?;
        if let Some(row) = relocation::load(&mut tx)?.filter(|row| row.state == State::Paused) {
            // From a try before.
            return Ok(row.at);
        }
        let at = self.clock.now();
        let (state, other) = (State::Paused, name(self.to));
        relocation::save(&mut tx, &Relocation { id, state, other, at })?;
        committed(tx)?;
        Ok(at)
    }

    fn lift_after(&self, cause: RelocationError, from: &mut Connection) -> RelocationError {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.try_lift(from) {
                Ok(()) => return cause,
                Err(_) if tries < PAUSE_TRIES => self.clock.sleep_blocking(PAUSE_REST),
                Err(lifting) => {
                    let (cause, lifting) = (Box::new(cause), Box::new(lifting));
                    return RelocationError::StillPaused { cause, lifting };
                }
            }
        }
    }

    fn try_lift(&self, from: &mut Connection) -> Result<(), RelocationError> {
        let mut tx = from.begin()?;
        self.lift(&mut tx)?;
        Ok(committed(tx)?)
    }

    /// Ends the pause of a database: nobody's hold has run out meanwhile.
    fn lift(&self, tx: &mut database::Transaction<'_>) -> Result<(), RelocationError> {
        relocation::lock(tx)?;
        if let Some(row) = relocation::load(tx)? {
            hold::give_time(tx, row.at, self.clock.now().since(row.at))?;
        }
        Ok(relocation::remove(tx)?)
    }

    /// The new database is in force from now on, and the old one never again. Repeated it has no effect.
    pub fn confirm(&self) -> Result<(), RelocationError> {
        let (mut from, mut to) = (self.source()?, self.to.connect_beside()?);
        let mut old = from.begin()?;
        relocation::lock(&mut old)?;
        let Some(mut row) = relocation::load(&mut old)?.filter(|row| row.other == name(self.to)) else {
            return refused(format!("{} does not move to {}", name(self.from), name(self.to)));
        };
        let mut new = to.begin()?;
        relocation::lock(&mut new)?;
        match relocation::load(&mut new)? {
            Some(there) if there.id == row.id && there.state == State::Ready => {}
            None if row.state == State::Left => return Ok(()),
            _ => return refused("the new database is not ready: run `evenkeel migrate` again"),
        }
        // The old one first: both in force would be worse than none.
        row.state = State::Left;
        relocation::save(&mut old, &row)?;
        committed(old)?;
        self.lift(&mut new)?;
        Ok(committed(new)?)
    }

    /// The old database goes on, and the new one is emptied. Repeated it has no effect. `None` where there is no move.
    pub fn undo(&self) -> Result<Option<Duration>, RelocationError> {
        let mut from = self.source()?;
        let mut old = from.begin()?;
        relocation::lock(&mut old)?;
        let row = relocation::load(&mut old)?;
        if row.as_ref().is_some_and(|row| row.state == State::Left) {
            return refused("it was confirmed: move back with `evenkeel migrate` into an empty place");
        }
        if row.as_ref().is_some_and(|row| row.other != name(self.to)) {
            return refused(format!("{} does not move to {}", name(self.from), name(self.to)));
        }
        let there = self.there(row.as_ref())?;
        if row.is_none() && there.is_none() {
            return Ok(None);
        }
        if let Some((mut to, id)) = there {
            // It stays marked, so that nobody takes it for an ordinary one; a move to it may begin anew.
            self.set(&mut to, id, State::Filling, self.clock.now())?;
            copy::empty(&mut to)?;
        }
        let paused = row.map_or(Duration::ZERO, |row| self.clock.now().since(row.at));
        self.lift(&mut old)?;
        committed(old)?;
        Ok(Some(paused))
    }

    /// The new database, where it is one of this move, and its id.
    fn there(&self, row: Option<&Relocation>) -> Result<Option<(Connection, [u8; 16])>, RelocationError> {
        if self.to.path().is_some_and(|file| !file.is_file()) {
            return Ok(None);
        }
        let mut to = self.to.connect_beside()?.patient();
        if database::migration::schema_version(&mut to)? < records::MIGRATIONS.len() as i64 {
            return Ok(None);
        }
        let there = relocation::load(&mut to.begin_read()?)?;
        let there = there.filter(|there| there.other == name(self.from));
        let there = there.filter(|there| row.is_none_or(|row| row.id == there.id));
        Ok(there.map(|there| (to, there.id)))
    }
}

/// Brings what has changed since the bulk, compares, and verifies.
fn rest(
    from: &mut Connection,
    to: &mut Connection,
    keys: &KeyRing,
    hold_grace: Duration,
    watch: Watch<'_>,
) -> Result<(Copied, Report), RelocationError> {
    let copied = copy::bring(from, to, &mut |done, total| watch(Part::Rest, done, total))?;
    copy::compare(&copied.content, to, &mut |done, total| {
        watch(Part::Comparing, done, total)
    })?;
    let report = verify::verify(to, Some(keys), &[], hold_grace)?;
    if let Some(first) = report.findings.first() {
        return Err(RelocationError::FoundWrong(format!(
            "{}: {} (and {} more)",
            first.invariant,
            first.detail,
            report.findings.len() + report.not_shown - 1
        )));
    }
    Ok((copied, report))
}
