//! Keeps the snapshot current: the committer hands over what it changed before it answers, and a follower looks every
//! few milliseconds for commits of other processes. Also knows when currency was last *confirmed*.

use super::replica::Beats;
use super::snapshot::Snapshot;
use crate::committer::Saved;
use crate::pause::Pause;
use crate::records;
use crate::records::change::Change;
use arc_swap::ArcSwap;
use base::id::SlotId;
use base::time::Timestamp;
use database::{Broken, Connection, Transaction};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use scheduling::rules::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Snapshot, rules, ZIP codes: everything that doors read without the database.
pub struct ChangeFeed {
    snapshot: ArcSwap<Snapshot>,
    rules: ArcSwap<Rules>,
    zips: ArcSwap<Vec<records::zip::Zip>>,
    /// On the monotone clock: a wall clock that was set must not make the picture look younger than it is.
    confirmed_at: AtomicU64,
    /// The same, of what a replica showed last.
    replica_at: AtomicU64,
    reloads: AtomicU64,
    /// The last picture's number.
    versions: AtomicU64,
    applied: Mutex<Applied>,
    /// Held by whoever looks at the primary, where `applied` is not.
    looking: Mutex<()>,
    /// Where the primary may be another server tomorrow: one that was replaced does not know, and answers whoever reads.
    beats: Option<Arc<Beats>>,
    pause: Arc<Pause>,
    clock: Clock,
}

/// What the snapshot shows.
#[derive(Default, Clone)]
struct Applied {
    shown: Sight,
    /// Slots that the committer of this process has shown as its commit of this number left them, though a look may not
    /// have that commit in view, or another writer's later one may have been shown before: they keep what was shown until
    /// a look has it in view, and are read once more then.
    own: BTreeMap<SlotId, i64>,
    /// How many looks were shown.
    looks: u64,
    /// Of the primary that was looked at last.
    epoch: u64,
}

/// Which commits are in view.
#[derive(Default, Clone)]
struct Sight {
    /// Every change at or before this position. Where several write at once, some behind it as well: their numbers are
    /// not in the order of their ends, so that one at or before a position already shown may still come.
    until: i64,
    /// Those behind it.
    beyond: BTreeSet<i64>,
}

impl Sight {
    fn has(&self, sequence: i64) -> bool {
        sequence <= self.until || self.beyond.contains(&sequence)
    }
    /// Whether everything that the other has in view is in this one.
    fn covers(&self, other: &Self) -> bool {
        self.until >= other.until && other.beyond.iter().all(|sequence| self.has(*sequence))
    }
}

/// Where a look looks.
#[derive(Clone, Copy)]
enum From<'a> {
    /// What it sees is current as of when it began.
    Primary,
    /// What it sees is as old as the newest of our beats in it.
    Replica(&'a Beats),
}

/// What a look has found.
struct Look {
    /// As of when it is current; none where that cannot be told.
    at: Option<Duration>,
    sight: Sight,
    epoch: u64,
    picture: Picture,
}

enum Picture {
    Whole(Box<(Snapshot, Rules, Vec<records::zip::Zip>)>),
    Counts(Vec<(SlotId, u32)>),
}

impl ChangeFeed {
    /// Reads everything once.
    pub fn load(connection: &mut Connection, clock: Clock, pause: Arc<Pause>) -> Result<Self, Broken> {
        let (now, at) = (clock.now(), clock.monotonic());
        let mut tx = connection.begin_read()?;
        let until = records::change::seen_until(&mut tx)?;
        let epoch = tx.epoch();
        let snapshot = read_snapshot(&mut tx, now, 1)?;
        let rules = read_rules(&mut tx)?;
        let zips = records::zip::all(&mut tx)?;
        Ok(Self {
            snapshot: ArcSwap::from_pointee(snapshot),
            rules: ArcSwap::from_pointee(rules),
            zips: ArcSwap::from_pointee(zips),
            confirmed_at: AtomicU64::new(at.as_micros() as u64),
            replica_at: AtomicU64::new(0),
            reloads: AtomicU64::new(0),
            versions: AtomicU64::new(1),
            applied: Mutex::new(Applied {
                shown: Sight {
                    until,
                    ..Sight::default()
                },
                epoch,
                ..Applied::default()
            }),
            looking: Mutex::default(),
            beats: None,
            pause,
            clock,
        })
    }

    /// What a look sees is as old as the newest of these beats in it, also at the primary.
    #[must_use]
    pub(crate) fn dated_by(self, beats: Option<Arc<Beats>>) -> Self {
        Self { beats, ..self }
    }

    /// Whether booking is paused.
    pub fn pause(&self) -> &Pause {
        &self.pause
    }

    /// The picture as of now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Rules in force.
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.load_full()
    }

    /// ZIP codes, sorted.
    pub fn zips(&self) -> Arc<Vec<records::zip::Zip>> {
        self.zips.load_full()
    }

    /// When the snapshot was last confirmed to be current, by the wall clock as it stands now.
    pub fn as_of(&self) -> Timestamp {
        let confirmed_at = Duration::from_micros(self.confirmed_at.load(Ordering::Acquire));
        let (now, age) = (self.clock.now(), self.clock.monotonic().saturating_sub(confirmed_at));
        now - age
    }

    /// How often everything was read anew because the feed fell behind.
    pub fn reloads(&self) -> u64 {
        self.reloads.load(Ordering::Relaxed)
    }

    fn applied(&self) -> MutexGuard<'_, Applied> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn confirm(&self, at: Duration) {
        self.confirmed_at.fetch_max(at.as_micros() as u64, Ordering::AcqRel);
    }

    /// Shows what the committer of this process has just committed; `current_at` is an instant at which it had the
    /// writers' lock, so that no commit of another process lies between that and this one. When commits of others lie
    /// before, everything behind the last shown is read. Where there is no such lock it is shown as it is, nothing is
    /// said of how current that is, and the follower looks at it again.
    pub(crate) fn committed(
        &self,
        saved: &Saved,
        current_at: Duration,
        connection: &mut Connection,
    ) -> Result<(), Broken> {
        let mut applied = self.applied();
        if connection.is_shared() {
            applied
                .own
                .extend(saved.free.iter().map(|(slot, _)| (*slot, saved.sequence)));
            self.show(&saved.free);
            return Ok(());
        }
        if applied.shown.until >= saved.sequence {
            return Ok(());
        }
        if applied.shown.until + 1 == saved.sequence {
            self.show(&saved.free);
            applied.shown.until = saved.sequence;
            self.confirm(current_at);
            return Ok(());
        }
        self.catch_up_from(&mut applied, connection)
    }

    fn show(&self, free: &[(SlotId, u32)]) {
        let current = self.snapshot.load_full();
        self.snapshot
            .store(Arc::new(current.with_free(free, self.next_version())));
    }

    /// No two pictures have one number, also when one is read while another is shown.
    fn next_version(&self) -> u64 {
        self.versions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Reads whatever others committed.
    pub fn catch_up(&self, connection: &mut Connection) -> Result<(), Broken> {
        if !connection.is_shared() {
            return self.catch_up_from(&mut self.applied(), connection);
        }
        // A server that is gone keeps whoever looks waiting: the committer, which has found another by then, must not
        // wait for that. Only what was read is shown under the lock, so that neither takes the other's picture away.
        let _alone = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        self.look_from(From::Primary, connection).map(|_| ())
    }

    /// Reads from a replica whatever was committed; whether it is current as of a known instant, and which.
    pub(super) fn catch_up_from_replica(
        &self,
        beats: &Beats,
        connection: &mut Connection,
    ) -> Result<Option<Duration>, Broken> {
        let at = self.look_from(From::Replica(beats), connection)?;
        if let Some(at) = at {
            self.replica_at.fetch_max(at.as_micros() as u64, Ordering::AcqRel);
        }
        Ok(at)
    }

    fn look_from(&self, from: From<'_>, connection: &mut Connection) -> Result<Option<Duration>, Broken> {
        let before = self.applied().clone();
        let look = self.read(&before, from, connection)?;
        Ok(self.apply(&mut self.applied(), &before, from, look))
    }

    fn catch_up_from(&self, applied: &mut Applied, connection: &mut Connection) -> Result<(), Broken> {
        let before = applied.clone();
        let look = self.read(&before, From::Primary, connection)?;
        self.apply(applied, &before, From::Primary, look);
        Ok(())
    }

    /// Whatever was committed behind what is shown.
    fn read(&self, before: &Applied, from: From<'_>, connection: &mut Connection) -> Result<Look, Broken> {
        let (now, at) = (self.clock.now(), self.clock.monotonic());
        // What a replica says tells nothing of whether anything can be booked.
        let asks_primary = matches!(from, From::Primary);
        if asks_primary {
            self.pause.looks();
        }
        let mut tx = connection.begin_read()?;
        let until = records::change::seen_until(&mut tx)?;
        if asks_primary {
            self.pause.looked();
        }
        let at = match (from, &self.beats) {
            (From::Primary, None) => Some(at),
            (From::Primary, Some(beats)) => beats.seen(&mut tx)?,
            (From::Replica(beats), _) => beats.seen(&mut tx)?,
        };
        // Another server took over: it may lack what its predecessor showed and nobody was told.
        let epoch = if asks_primary { tx.epoch() } else { before.epoch };
        // After a failover that lost what was never acknowledged, numbers may begin anew behind it.
        let shown = &before.shown;
        let (mut changes, whole) = records::change::after(&mut tx, shown.until.min(until))?;
        let sequences = changes.iter().map(|change| change.sequence);
        let sight = Sight {
            until,
            beyond: sequences.filter(|sequence| *sequence > until).collect(),
        };
        changes.retain(|change| !shown.beyond.contains(&change.sequence));
        let picture = if epoch != before.epoch || !whole || changes.iter().any(concerns_more_than_counters) {
            let snapshot = read_snapshot(&mut tx, now, self.next_version())?;
            let rules = read_rules(&mut tx)?;
            Picture::Whole(Box::new((snapshot, rules, records::zip::all(&mut tx)?)))
        } else {
            let mut ids: BTreeSet<SlotId> = before.own.keys().copied().collect();
            ids.extend(changes.into_iter().flat_map(|change| change.slots));
            let mut free = Vec::with_capacity(ids.len());
            if !ids.is_empty() {
                records::slot::of(&mut tx, &ids, |slot| free.push((slot.id, slot.free())))?;
            }
            Picture::Counts(free)
        };
        Ok(Look {
            at,
            sight,
            epoch,
            picture,
        })
    }

    /// Shows what was read, unless something newer is shown; as of when what was read is current, shown or not: a replica
    /// that is a moment behind what the primary showed is as good as before, once the primary is not asked any more.
    fn apply(&self, applied: &mut Applied, before: &Applied, from: From<'_>, look: Look) -> Option<Duration> {
        // Only the primary may take back what was shown, which it does after a failover that lost what nobody was told.
        let may_take_back = matches!(from, From::Primary) && applied.looks == before.looks;
        if !may_take_back && !look.sight.covers(&applied.shown) {
            return look.at;
        }
        let seen = |slot: &SlotId| applied.own.get(slot).is_none_or(|own| look.sight.has(*own));
        match look.picture {
            Picture::Whole(whole) => {
                let (snapshot, rules, zips) = *whole;
                let current = self.snapshot.load_full();
                let unseen = applied.own.keys().filter(|slot| !seen(slot));
                let kept: Vec<_> = unseen
                    .filter_map(|slot| Some((*slot, u32::from(current.slot(*slot)?.1.free))))
                    .collect();
                let version = snapshot.version();
                self.reloads.fetch_add(1, Ordering::Relaxed);
                self.snapshot.store(Arc::new(snapshot.with_free(&kept, version)));
                self.rules.store(Arc::new(rules));
                self.zips.store(Arc::new(zips));
            }
            Picture::Counts(mut free) => {
                free.retain(|(slot, _)| seen(slot));
                if !free.is_empty() {
                    self.show(&free);
                }
            }
        }
        // Those that this look did not read stay for the next.
        applied
            .own
            .retain(|slot, own| !look.sight.has(*own) || before.own.get(slot) != Some(own));
        applied.shown = look.sight;
        applied.epoch = look.epoch;
        applied.looks += 1;
        if let Some(at) = look.at {
            self.confirm(at);
        }
        look.at
    }

    /// Looks once for commits of others; `seen` is what this connection saw at its last look. After a failure it saw
    /// nothing: the next number may be another connection's.
    pub(crate) fn look(&self, connection: &mut Connection, seen: &mut Option<i64>) -> Result<(), Broken> {
        let at = self.clock.monotonic();
        let before = seen.take();
        let version = connection.data_version()?;
        if version.is_none() || before != version {
            self.catch_up(connection)?;
        }
        // Where others write at the same time a look says itself as of when it is current.
        if version.is_some() {
            self.confirm(at);
        }
        *seen = version;
        Ok(())
    }

    /// How old what a replica had when it was last looked at is by now.
    fn replica_age(&self) -> Duration {
        let at = Duration::from_micros(self.replica_at.load(Ordering::Acquire));
        self.clock.monotonic().saturating_sub(at)
    }

    /// How long ago what is shown was last confirmed to be current.
    fn shown_age(&self) -> Duration {
        let at = Duration::from_micros(self.confirmed_at.load(Ordering::Acquire));
        self.clock.monotonic().saturating_sub(at)
    }

    /// Follows commits until told to stop; the owned thread of the engine. While a replica has what is younger than
    /// `rests_below`, and that is what is shown, the primary is not asked.
    pub(crate) fn follow(
        &self,
        mut connection: Connection,
        every: Duration,
        rests_below: Option<Duration>,
        shutdown: &Shutdown,
    ) {
        let mut seen = None;
        let mut failing = false;
        while !shutdown.requested() {
            if rests_below.is_none_or(|least| self.replica_age().max(self.shown_age()) >= least) {
                let looked = self.look(&mut connection, &mut seen);
                if let Err(cause) = &looked
                    && !failing
                {
                    tracing::error!(fault = cause.fault().code(), %cause, "the change feed cannot look; the snapshot ages");
                }
                failing = looked.is_err();
            }
            self.clock.sleep_blocking(every);
        }
    }
}

/// Published slots, changed clinics, or (neither slots nor clinics) new documents.
fn concerns_more_than_counters(change: &Change) -> bool {
    !change.clinics.is_empty() || change.slots.is_empty()
}

fn read_snapshot(tx: &mut Transaction<'_>, now: Timestamp, version: u64) -> Result<Snapshot, Broken> {
    let clinics = records::clinic::all(tx)?;
    let mut slots = Vec::new();
    records::slot::from(tx, now, |slot| slots.push(slot))?;
    Ok(Snapshot::new(clinics, slots, version))
}

/// The rules, out of the documents.
pub(crate) fn read_rules(tx: &mut Transaction<'_>) -> Result<Rules, Broken> {
    let documents = records::document::all(tx)?;
    let texts = documents
        .iter()
        .map(|d| (d.kind.as_str(), d.name.as_str(), d.body.as_str()));
    // What was imported was read before; what cannot be read now was changed by hand.
    Rules::from_documents(texts).map_err(|cause| Broken::Fault {
        fault: base::answer::Fault::Unreachable,
        cause: cause.to_string(),
    })
}
