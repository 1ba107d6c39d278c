//! The engine without its threads; and what the simulator found in the engine, each with the shortest way there.

use crate::site::{fill, fresh, plain, text};
use base::answer::Fault;
use base::id::SlotId;
use base::limit::Settings;
use base::time::Timestamp;
use booking::engine::{Ask, KeyedRequest, Reply, Start};
use booking::records;
use booking::stepwise::Stepwise;
use database::fault_injection::{Fate, Faults, Step};
use database::{Broken, Connection, Database};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

struct World {
    clock: Clock,
    entropy: Entropy,
    slots: Vec<SlotId>,
    database: Database,
    /// Keeps the database alive.
    _beside: Mutex<Connection>,
}

fn world(database: Database) -> World {
    let clock = Clock::simulated(Timestamp::parse("2026-12-01T14:00:00Z").unwrap());
    let mut beside = database.connect().unwrap();
    database::migration::migrate(&mut beside, records::MIGRATIONS, clock.now()).unwrap();
    let slots = fill(&mut beside, &[1, 2], clock.now());
    World {
        clock,
        entropy: Entropy::seeded(1),
        slots,
        database,
        _beside: Mutex::new(beside),
    }
}

impl World {
    fn server(&self, name: &str) -> Stepwise {
        let start = Start {
            database: self.database.clone(),
            keys: KeyRing::for_tests(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            settings: Settings::default(),
            name: name.to_owned(),
            owner: Owner::new(Shutdown::new()),
        };
        Stepwise::start(&start).unwrap()
    }

    fn hold(&self, server: &mut Stepwise, slot: SlotId, key: &str) -> Result<Reply, Fault> {
        let ask = Ask {
            arrived: self.clock.now(),
            deadline: Duration::from_secs(10),
            key: Some(KeyedRequest {
                scope: vec![1],
                key: key.to_owned(),
                body_hash: [1; 32],
            }),
            render: plain(),
        };
        let wanted = server.maker().place_hold(vec![slot], true);
        let ticket = server.send(wanted, ask).unwrap();
        let mut answers = server.turn();
        assert_eq!(answers.len(), 1);
        let (answered, answer) = answers.remove(0);
        assert_eq!(answered, ticket);
        answer
    }
}

fn free(server: &Stepwise, slot: SlotId) -> u16 {
    server.snapshot().slot(slot).unwrap().1.free
}

#[test]
fn a_refusal_alone_does_not_hide_what_another_server_took() {
    let world = world(fresh());
    let (mut a, mut b) = (world.server("a"), world.server("b"));
    let slot = world.slots[0];
    assert_eq!(world.hold(&mut a, slot, "key-of-one-000001").unwrap().status, 201);
    // The refusal is kept under its key, in a commit that changes nothing of what is free.
    let refused = world.hold(&mut b, slot, "key-of-two-000001").unwrap();
    assert_eq!(text(&refused), "slot-full");
    assert_eq!(free(&b, slot), 1, "what others took is not read yet");
    b.follow().unwrap();
    assert_eq!(free(&b, slot), 0);
}

#[test]
fn the_age_of_a_picture_survives_a_clock_that_is_set_back() {
    let world = world(fresh());
    let server = world.server("a");
    world.clock.step_wall(world.clock.now() - Duration::from_hours(1));
    world.clock.advance(Duration::from_secs(7));
    assert_eq!(world.clock.now().since(server.as_of()), Duration::from_secs(7));
}

/// Loses the answer of one commit: before it is done, or after.
struct LoseOne {
    next: AtomicBool,
    is_done: bool,
}

impl LoseOne {
    fn new(is_done: bool) -> Arc<Self> {
        let next = AtomicBool::new(false);
        Arc::new(Self { next, is_done })
    }
}

impl Faults for LoseOne {
    fn before(&self, _: Step) -> Result<(), Broken> {
        Ok(())
    }
    fn at_commit(&self) -> Fate {
        match self.next.swap(false, Ordering::Relaxed) {
            true if self.is_done => Fate::LostAfter,
            true => Fate::LostBefore,
            false => Fate::Done,
        }
    }
}

#[test]
fn a_refusal_whose_commit_was_lost_is_not_answered_as_kept() {
    let lose = LoseOne::new(false);
    let world = world(Database::in_simulation("a-lost-refusal", lose.clone()));
    let mut server = world.server("a");
    let slot = world.slots[0];
    assert_eq!(world.hold(&mut server, slot, "key-of-one-000001").unwrap().status, 201);
    lose.next.store(true, Ordering::Relaxed);
    let lost = world.hold(&mut server, slot, "key-of-two-000001");
    assert_eq!(
        lost.unwrap_err(),
        Fault::Unreachable,
        "nothing is kept, so nothing is answered"
    );
    assert_eq!(
        text(&world.hold(&mut server, slot, "key-of-two-000001").unwrap()),
        "slot-full"
    );
}

#[test]
fn a_refusal_that_was_kept_is_answered_though_another_wrote_to_the_chain_meanwhile() {
    let lose = LoseOne::new(true);
    let world = world(Database::in_simulation("a-kept-refusal", lose.clone()));
    let mut server = world.server("a");
    let (full, other) = (world.slots[0], world.slots[1]);
    assert_eq!(world.hold(&mut server, full, "key-of-one-000001").unwrap().status, 201);
    // A second owner of the name: its event is not this batch's, which has none.
    let mut second = world.server("a");
    assert_eq!(world.hold(&mut second, other, "key-of-two-000001").unwrap().status, 201);
    lose.next.store(true, Ordering::Relaxed);
    let refused = world.hold(&mut server, full, "key-of-three-0001");
    assert_eq!(text(&refused.unwrap()), "slot-full");
}
