//! What holds once nothing fails any more: servers answer, whoever did not hear an answer hears it under her key, every
//! hold ends, every snapshot agrees, and places are booked again.

use super::{Checked, Found, require};
use crate::actor::Pending;
use crate::people::{Contacts, Spelled};
use crate::simulation::Simulation;
use crate::wish::{Answered, Named, Opens, Secret, Wish};
use crate::world::MMR;
use base::id::{HoldId, SlotId};
use scheduling::resident::hold::HoldStatus;
use std::time::Duration;

/// Looks for due holds in which the last must have been freed.
const ROUNDS: usize = 20;
/// Batches within which every queue must be empty: even of one command each they take what floods have left.
const BATCHES: usize = 20_000;
/// Servers that may have lost their names, and one that has not.
const TRIES: usize = 4;
/// Times booked once all is calm.
const BOOKED_AGAIN: usize = 3;
/// A number that no actor's person has.
const NEWCOMER: u32 = 1_000 * 12 + 6;

/// Every server that has not lost its name comes up, and its queue empties.
pub fn servers_answer(simulation: &mut Simulation) -> Checked {
    for n in 0..simulation.servers.len() {
        simulation.start(n)?;
    }
    queues_empty(simulation)?;
    require(!simulation.up().is_empty(), "eventually_servers_answer", || {
        "no server is up".to_owned()
    })
}

/// Batch after batch, until nothing waits.
fn queues_empty(simulation: &mut Simulation) -> Checked {
    for _ in 0..BATCHES {
        if simulation.servers.iter().all(|server| server.waiting.is_empty()) {
            return Ok(());
        }
        for n in simulation.up() {
            simulation.turn(n)?;
        }
    }
    Err(Found::new("eventually_servers_answer", "commands wait for ever"))
}

/// Sends a request again until it is answered; whatever is answered has been held against the model then. Another
/// server answers where the first lost its name to it just now.
fn ask(simulation: &mut Simulation, actor: usize, pending: &Pending) -> Checked {
    for _ in 0..TRIES {
        let unheard = simulation.unresolved.len();
        simulation.actors[actor].in_flight = 1;
        simulation.actors[actor].pending = Some(pending.clone());
        simulation.send(Some(actor), pending)?;
        queues_empty(simulation)?;
        if simulation.actors[actor].pending.take().is_none() && simulation.unresolved.len() == unheard {
            return Ok(());
        }
    }
    Err(Found::new(
        "eventually_unknowns_are_resolved",
        format!("`{}` is not answered", pending.wish),
    ))
}

/// Everybody who did not hear an answer asks again with the same key.
pub fn unknowns_are_resolved(simulation: &mut Simulation) -> Checked {
    let mut open = std::mem::take(&mut simulation.unresolved);
    for actor in 0..simulation.actors.len() {
        let pending = simulation.actors[actor].pending.take();
        open.extend(
            pending
                .filter(|pending| pending.key.is_some())
                .map(|pending| (actor, pending)),
        );
    }
    for (actor, mut pending) in open {
        pending.tries += 1;
        ask(simulation, actor, &pending)?;
    }
    Ok(())
}

/// Nobody asks for more time: every hold runs out, and its places come back.
pub fn holds_end(simulation: &mut Simulation) -> Checked {
    for _ in 0..ROUNDS {
        let held = simulation
            .model
            .holds
            .values()
            .filter(|hold| hold.status == HoldStatus::Held);
        let Some(last) = held.map(|hold| hold.expires_at).max() else {
            return Ok(());
        };
        let due = last + simulation.model.numbers.hold_grace;
        simulation.clock.advance(due.since(simulation.clock.now()));
        for n in simulation.up() {
            simulation.expire(n)?;
        }
        queues_empty(simulation)?;
    }
    Err(Found::new(
        "eventually_holds_end",
        "holds are held long after their time",
    ))
}

/// Every server shows what is free.
pub fn snapshots_agree(simulation: &mut Simulation) -> Checked {
    for n in simulation.up() {
        simulation.follow(n)?;
        let wrong = simulation.servers[n].shown_wrong(&simulation.model);
        require(wrong.is_empty(), "eventually_snapshots_agree", || wrong.join(", "))?;
    }
    Ok(())
}

/// Newcomers book what is free; what they cancel is free again.
pub fn books_again(simulation: &mut Simulation) -> Checked {
    const NAME: &str = "eventually_books_again";
    let now = simulation.clock.now() + Duration::from_mins(2);
    let mut free: Vec<SlotId> = Vec::new();
    for (slot, place) in &simulation.model.places {
        if place.starts_at > now && simulation.model.free(*slot) > 0 {
            free.push(*slot);
        }
    }
    for (n, slot) in free.into_iter().take(BOOKED_AGAIN).enumerate() {
        let before = simulation.model.free(slot);
        let hold = Wish::Hold {
            slots: vec![slot],
            single: true,
        };
        ask_new(simulation, hold)?;
        let found = |(id, hold): (&HoldId, &crate::model::Held)| {
            (hold.status == HoldStatus::Held && hold.entries == [slot]).then_some(*id)
        };
        let hold = simulation.model.holds.iter().find_map(found);
        let hold = hold.ok_or_else(|| Found::new(NAME, format!("{slot} is free and nobody can hold it")))?;
        let is_asked = simulation.model.places[&slot].product == MMR;
        let named = Named {
            who: Spelled {
                number: NEWCOMER + 12 * n as u32,
                spelling: 0,
                contacts: Contacts::Phone,
            },
            slot: None,
            dose: 1,
            answered: if is_asked {
                Answered::Allergy("no")
            } else {
                Answered::Nothing
            },
        };
        let book = Wish::Book {
            hold,
            token: token(hold),
            bookings: vec![named.clone()],
            single: true,
        };
        ask_new(simulation, book)?;
        let is_booked = simulation.model.live().any(|(_, booked)| booked.who == named.who);
        require(is_booked && simulation.model.free(slot) + 1 == before, NAME, || {
            format!("{slot} is free and nobody can book it")
        })?;
    }
    Ok(())
}

fn token(hold: HoldId) -> Secret {
    use scheduling::resident::personal_link::{HOLD_GENERATION, Purpose};
    Secret {
        text: Simulation::keys().token(Purpose::UseHold.word(), &hold.to_bytes(), HOLD_GENERATION),
        opens: Opens::Hold(hold),
    }
}

fn ask_new(simulation: &mut Simulation, wish: Wish) -> Checked {
    let pending = simulation.new_pending(wish);
    ask(simulation, 0, &pending)
}
