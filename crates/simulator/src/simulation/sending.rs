//! Requests on their way: an actor asks, a server queues, the answer is heard or lost.

use super::events::Event;
use super::{Acknowledged, OVERHEARD, Simulation, broken};
use crate::actor::{Heard, Pending};
use crate::checker::always::{codes_find, faults_have_a_cause};
use crate::checker::{Checked, Found};
use crate::fault::Kind;
use crate::people::birth_date;
use crate::server::{Sent, Waits};
use crate::wish::{Opens, Secret, Wish, minted, render};
use base::answer::Fault;
use base::id::AppointmentId;
use booking::engine::{Ask, KeyedRequest};
use booking::limit;
use scheduling::resident::code::Code;
use std::sync::Arc;
use std::time::Duration;

/// How long people wait, in a hundred: at the doors, in a hurry, on the telephone.
const PATIENCE: [(u64, Duration); 3] = [
    (80, Duration::from_secs(10)),
    (92, Duration::from_millis(400)),
    (100, Duration::from_secs(90)),
];

impl Simulation {
    /// An actor acts: sends again what was not answered, or asks something new, or only looks.
    pub(super) fn act(&mut self, actor: usize, wake: u64) -> Checked {
        if self.wakes[actor] != wake || self.actors[actor].in_flight > 0 {
            return Ok(());
        }
        let again = self.actors[actor].pending.clone().map(|pending| (pending, 1));
        let new = match again {
            Some(again) => Some(again),
            None => self.something_new(actor)?,
        };
        let Some((mut pending, copies)) = new else {
            self.wake_later(actor);
            return Ok(());
        };
        pending.tries += 1;
        self.actors[actor].pending = Some(pending.clone());
        self.actors[actor].in_flight = copies;
        for _ in 0..copies {
            self.send(Some(actor), &pending)?;
        }
        Ok(())
    }

    fn something_new(&mut self, actor: usize) -> Result<Option<(Pending, u32)>, Found> {
        let view = self.view();
        let Some(wish) = self.actors[actor].next(&view) else {
            return Ok(None);
        };
        let wish = self.by_code(wish)?;
        let copies = self.actors[actor].copies(&view);
        let used = self.actors[actor].used_key(&wish).filter(|_| self.chance.percent(6));
        let mut pending = self.new_pending(wish);
        pending.tries = 0;
        if self.chance.percent(8) {
            pending.key = None;
        } else if used.is_some() {
            pending.key = used;
        }
        Ok(Some((pending, copies)))
    }

    /// Now and then somebody who would cancel by a link says code and birth date instead: to cancel, or since the link
    /// is lost. Now and then what was said counts no more, or was said of another appointment.
    fn by_code(&mut self, wish: Wish) -> Result<Wish, Found> {
        let Wish::Cancel { appointment, token } = &wish else {
            return Ok(wish);
        };
        if !matches!(token.opens, Opens::Appointment(_)) || !self.chance.percent(55) {
            return Ok(wish);
        }
        let appointment = *appointment;
        let of = if self.chance.percent(5) {
            let known: Vec<AppointmentId> = self.acknowledged.keys().copied().collect();
            self.chance.pick(&known).copied().unwrap_or(appointment)
        } else {
            appointment
        };
        let Some(said) = self.say_code(of)? else {
            return Ok(wish);
        };
        Ok(if self.chance.percent(70) {
            Wish::SendAnew { appointment, said }
        } else {
            Wish::CancelByCode { appointment, said }
        })
    }

    /// What an appointment's code and birth date buy, said now or some time ago.
    fn say_code(&mut self, id: AppointmentId) -> Result<Option<Secret>, Found> {
        if let Some(said) = self.said.get(&id).filter(|_| self.chance.percent(30)) {
            return Ok(Some(said.clone()));
        }
        let (Some(told), Some(booked)) = (self.acknowledged.get(&id), self.model.appointments.get(&id)) else {
            return Ok(None);
        };
        let code = Code::parse(&told.code).ok_or_else(|| broken(format!("{id} has no code that reads")))?;
        let (born, ends_at) = (birth_date(booked.who.number), self.model.places[&booked.slot].ends_at);
        let up = self.up();
        let Some(engine) = self
            .chance
            .pick(&up)
            .copied()
            .and_then(|n| self.servers[n].engine.as_mut())
        else {
            return Ok(None);
        };
        let Ok(found) = engine.find_by_code(code, born) else {
            return Ok(None);
        };
        let is_open = self.clock.now() <= ends_at + self.model.numbers.link_lasts;
        codes_find(found.is_some(), is_open, id)?;
        let said = found.map(|found| Secret {
            text: found.said.token,
            opens: Opens::Said(id, found.said.at),
        });
        self.said.extend(said.iter().map(|said| (id, said.clone())));
        Ok(said)
    }

    /// Sends a request to some server that is up; with none up nobody answers.
    pub(crate) fn send(&mut self, actor: Option<usize>, pending: &Pending) -> Checked {
        let up = self.up();
        match (self.chance.pick(&up).copied(), actor) {
            (Some(n), _) => self.send_to(n, actor, pending),
            (None, Some(actor)) => {
                self.hear(actor, &pending.wish, &Heard::Nothing);
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    fn send_to(&mut self, n: usize, actor: Option<usize>, pending: &Pending) -> Checked {
        let arrived = self.clock.now();
        let deadline = self.patience(n);
        let mut body_hash = [0; 32];
        body_hash[..8].copy_from_slice(&pending.body.to_be_bytes());
        let keyed = pending.key.as_ref().map(|key| KeyedRequest {
            scope: pending.wish.scope(),
            key: key.clone(),
            body_hash,
        });
        let line = self.line(n, actor, pending);
        let Some(engine) = self.servers[n].engine.as_mut() else {
            return Ok(());
        };
        self.sent += 1;
        let wanted = pending.wish.wanted(engine.maker());
        let (new_hold, new_appointments) = minted(&wanted.command);
        let sent = Sent {
            actor,
            wish: pending.wish.clone(),
            key: keyed.as_ref().map(KeyedRequest::stored),
            body: pending.body,
            new_hold,
            new_appointments,
            arrived,
            deadline_at: self.clock.monotonic() + deadline,
            line,
        };
        let ask = Ask {
            arrived,
            deadline,
            key: keyed,
            render: Arc::new(render),
        };
        let is_full = engine.queue_len() >= self.settings.get(&limit::QUEUE) as usize;
        match engine.send(wanted, ask) {
            Ok(ticket) => {
                self.servers[n].waiting.insert(ticket, Waits::Asked(Box::new(sent)));
                self.turn_soon(n);
                Ok(())
            }
            Err(fault) => {
                self.sometimes.happened("fault queue full");
                self.log.command(format!("{} → {fault} (the queue is full)", sent.line));
                faults_have_a_cause(fault, is_full && fault == Fault::Busy)?;
                self.tell(&sent, Heard::Fault(fault));
                Ok(())
            }
        }
    }

    /// How long somebody waits; now and then just until her command is taken.
    fn patience(&self, n: usize) -> Duration {
        let now = self.clock.monotonic();
        let turn_at = self.servers[n]
            .turn_at
            .filter(|at| *at > now && self.chance.percent(10));
        let dice = self.chance.below(100);
        let usual = PATIENCE.iter().find(|(until, _)| dice < *until);
        let usual = usual.map_or(Duration::from_secs(10), |(_, patience)| *patience);
        turn_at.map_or(usual, |at| at.saturating_sub(now))
    }

    /// The first half of a command's line in the log.
    fn line(&self, n: usize, actor: Option<usize>, pending: &Pending) -> String {
        let (number, time, now) = (self.sent + 1, self.time(), self.clock.now());
        let label = &self.servers[n].label;
        let who = actor.map_or("flood", |actor| self.actors[actor].name.as_str());
        let again = if pending.tries > 1 { " again" } else { "" };
        let key = pending.key.as_deref().unwrap_or("none");
        format!(
            "{number:>4} {time} {now} {label} {who}{again} key {key}: {}",
            pending.wish
        )
    }

    /// Many holds at once, from nobody who would wait.
    pub(super) fn flood(&mut self, most: u64) -> Checked {
        let (offers, up) = (self.offers(), self.up());
        let Some(n) = self.chance.pick(&up).copied() else {
            return Ok(());
        };
        for _ in 0..most {
            let Some(offer) = self.chance.pick(&offers).copied() else {
                return Ok(());
            };
            let mut pending = self.new_pending(Wish::Hold {
                slots: vec![offer.slot],
                single: true,
            });
            pending.key = None;
            self.send_to(n, None, &pending)?;
        }
        Ok(())
    }

    /// The committer takes what waits, soon; later where the process is stalled.
    pub(super) fn turn_soon(&mut self, n: usize) {
        if self.servers[n].turn_at.is_some() {
            return;
        }
        // The machine has other work now and then.
        let most = if self.chance.percent(15) { 400 } else { 40 };
        let mut after = self
            .chance
            .span(Duration::from_micros(100), Duration::from_millis(most));
        if self.strikes(Kind::Stall) {
            self.struck(&[Kind::Stall]);
            after += self.chance.span(Duration::from_secs(1), Duration::from_secs(50));
        }
        let at = self.clock.monotonic() + after;
        self.servers[n].turn_at = Some(at);
        self.events.add(at, Event::Turn(n));
    }

    /// The process ended with the request in its queue: nothing was decided.
    pub(super) fn lost(&mut self, sent: &Sent) {
        self.log
            .command(format!("{} → no answer (the server ended)", sent.line));
        self.tell(sent, Heard::Nothing);
    }

    /// Brings an answer to the actor, or loses it on the way.
    pub(super) fn tell(&mut self, sent: &Sent, mut heard: Heard) {
        let Some(actor) = sent.actor else { return };
        if self.strikes(Kind::AnswerLostOnTheWay) {
            self.struck(&[Kind::AnswerLostOnTheWay]);
            heard = Heard::Nothing;
        }
        if let (Heard::Answer(201, body), Wish::Book { .. }) = (&heard, &sent.wish) {
            self.acknowledge(body);
        }
        if let (Heard::Answer(200, _), Wish::Share { appointment, token }) = (&heard, &sent.wish) {
            self.show_links(actor, *appointment, &token.text);
        }
        self.hear(actor, &sent.wish, &heard);
    }

    /// Lets an actor see the links to her appointment, where a server can be asked; strangers may overhear them.
    fn show_links(&mut self, actor: usize, id: AppointmentId, token: &str) {
        let up = self.up();
        let server = self.chance.pick(&up).copied();
        let Some(engine) = server.and_then(|n| self.servers[n].engine.as_mut()) else {
            return;
        };
        let Ok(Some(seen)) = engine.see_appointment(id, token) else {
            return;
        };
        let links = seen.shared.into_iter().map(|link| {
            let secret = Secret {
                text: link.token,
                opens: Opens::Helped(id, link.number),
            };
            (link.number, secret)
        });
        let links: Vec<(u32, Secret)> = links.collect();
        self.overheard.extend(links.iter().map(|(_, secret)| secret.clone()));
        self.actors[actor].shown(id, links);
    }

    fn acknowledge(&mut self, body: &str) {
        let (text, secrets) = body.split_once('|').unwrap_or((body, ""));
        for (text, secret) in text.split("; ").zip(secrets.split("; ")) {
            let id = text.split(' ').next().and_then(|id| AppointmentId::parse(id).ok());
            if let (Some(id), Some((code, token))) = (id, secret.split_once(' ')) {
                let token = Secret {
                    text: token.to_owned(),
                    opens: Opens::Appointment(id),
                };
                let code = code.to_owned();
                self.acknowledged.insert(id, Acknowledged { code, token });
            }
        }
    }

    fn hear(&mut self, actor: usize, wish: &Wish, heard: &Heard) {
        let told = self.actors[actor].hear(wish, heard);
        self.overheard.extend(told);
        let too_many = self.overheard.len().saturating_sub(OVERHEARD);
        self.overheard.drain(..too_many);
        if self.actors[actor].in_flight > 0 {
            return;
        }
        let Some(pending) = self.actors[actor].pending.clone() else {
            return self.wake_later(actor);
        };
        if self.actors[actor].retries(&pending, heard, &self.view()) {
            let after = self.chance.span(Duration::from_millis(200), Duration::from_secs(8));
            return self.wake_after(actor, after);
        }
        self.actors[actor].pending = None;
        if pending.key.is_some() {
            self.unresolved.push((actor, pending));
        }
        self.wake_later(actor);
    }
}
