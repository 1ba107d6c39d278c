//! What a visitor does: one of a few journeys, step after step, each sent when the one before was answered. Ends at the
//! first answer that is none, as people's visits do. A person who reloads is another arrival and not a longer visit,
//! because nobody waits for an answer before they reload.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HOST, HeaderValue, USER_AGENT};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use serde::Deserialize;
use serde_json::Value;

use super::line::{Broken, Line};
use super::outcome::Class;
use super::target::Target;
use crate::client::Ask;
use crate::crowd::{fresh_key, fresh_resident};
use crate::request;

/// Clinics whose times are looked at. More than a person would, fewer than a state has: their answers stay hot, as the
/// nearest ones of a city do.
const CLINICS: usize = 50;
/// Times in one answer: what the API gives when nothing is said.
const TIMES: usize = 50;
/// Who we are, for whoever reads the site's log.
const AGENT: &str = concat!("evenkeel-loadtest/", env!("CARGO_PKG_VERSION"));

/// A kind of visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journey {
    /// Opens the page that the URL names.
    Page,
    /// Reads the times of one clinic, as somebody who reloads does.
    Refresh,
    /// Reads the times of one clinic, holds one, and books it.
    Book,
}

impl Journey {
    /// All of them, with their names in a mix.
    pub const ALL: [(&'static str, Self); 3] = [("page", Self::Page), ("refresh", Self::Refresh), ("book", Self::Book)];
    /// Most requests that one of them sends.
    pub const STEPS_MAX: u32 = 3;
}

/// How many of each kind come, as weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<(Journey, u64)>);

impl Mix {
    /// While places are scarce a booking comes with 20 to 60 looks.
    pub fn scarce() -> Self {
        Self(vec![(Journey::Refresh, 30), (Journey::Book, 1)])
    }

    /// Reads `refresh=30,book=1`. The error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = Journey::ALL.iter().map(|(name, _)| *name).collect();
        let expected = || format!("expected weights such as refresh=30,book=1, of {}", names.join(", "));
        let mut mix = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').ok_or_else(expected)?;
            let known = Journey::ALL.iter().find(|(known, _)| *known == name.trim());
            let (_, journey) = known.ok_or_else(expected)?;
            let weight: u32 = weight.trim().parse().map_err(|_| expected())?;
            mix.push((*journey, u64::from(weight)));
        }
        if mix.iter().all(|(_, weight)| *weight == 0) {
            return Err(expected());
        }
        Ok(Self(mix))
    }

    /// The kind of the visitor with this luck.
    pub fn journey(&self, luck: u64) -> Journey {
        let mut left = luck % self.0.iter().map(|(_, weight)| weight).sum::<u64>().max(1);
        for (journey, weight) in &self.0 {
            if left < *weight {
                return *journey;
            }
            left -= weight;
        }
        self.0.last().map_or(Journey::Page, |(journey, _)| *journey)
    }

    /// Whether clinics must be known.
    pub fn needs_clinics(&self) -> bool {
        self.0
            .iter()
            .any(|(journey, weight)| *journey != Journey::Page && *weight > 0)
    }
}

impl std::fmt::Display for Mix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (journey, weight)) in self.0.iter().enumerate() {
            let name = Journey::ALL.iter().find(|(_, known)| known == journey);
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}={weight}", name.map_or("", |(name, _)| name))?;
        }
        Ok(())
    }
}

/// What every visitor knows.
pub(super) struct World {
    pub(super) clock: Clock,
    /// For keys and people. Never seeded: the same key in a second run would be answered from the first.
    fresh: Entropy,
    addresses: Arc<[SocketAddr]>,
    authority: HeaderValue,
    path: String,
    clinics: Vec<String>,
    patience: Duration,
}

/// A request that ended.
pub(super) struct Ended {
    pub(super) step: &'static str,
    pub(super) class: Class,
    /// From the moment at which it was meant to be sent.
    pub(super) wait: Duration,
}

/// How a visit ended.
pub(super) enum Visited {
    /// As its last request did; a booking that found nothing free ended well.
    Ended(Class),
    /// It could not begin: this machine had no socket left.
    NoSocket,
}

impl World {
    pub(super) fn new(target: &Target, patience: Duration, clock: Clock) -> Self {
        Self {
            clock,
            fresh: Entropy::real(),
            addresses: target.addresses.clone().into(),
            // A URL that was read has no character that a header may not have.
            authority: HeaderValue::from_str(&target.authority).unwrap_or(HeaderValue::from_static("localhost")),
            path: target.path.clone(),
            clinics: Vec::new(),
            patience,
        }
    }

    /// Looks up the clinics whose times will be asked for. The error says what came instead.
    pub(super) async fn look_around(&mut self) -> Result<(), String> {
        let ask = Ask::get(format!("/api/v1/clinics?limit={CLINICS}"));
        let sent = self.send(&mut Line::new(Arc::clone(&self.addresses)), &ask).await;
        let (class, body) = sent.map_err(|NoSocket| "this machine has no socket left".to_owned())?;
        if class != Class::Ok {
            let code = class.code().map_or_else(String::new, |code| format!(" ({code})"));
            return Err(format!("{}: {}{code}", ask.shown(), class.name()));
        }
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let ids = body["clinics"].as_array().into_iter().flatten();
        self.clinics = ids
            .filter_map(|clinic| clinic["id"].as_str().map(ToOwned::to_owned))
            .collect();
        if self.clinics.is_empty() {
            return Err(format!("{}: there is no clinic", ask.shown()));
        }
        Ok(())
    }

    /// One visit, meant to begin at `intended`. Tells each request that ended.
    pub(super) async fn visit(
        &self,
        (journey, luck): (Journey, u64),
        intended: Duration,
        mut tell: impl FnMut(Ended),
    ) -> Visited {
        let mut steps = Steps {
            world: self,
            line: Line::new(Arc::clone(&self.addresses)),
            intended,
            tell: &mut tell,
        };
        let ended = match journey {
            Journey::Page => steps.send("page", &Ask::get(self.path.as_str()), |_| Some(())).await,
            Journey::Refresh => steps.send("refresh", &self.times(luck), times).await.map(|_| ()),
            Journey::Book => self.book(&mut steps, luck).await,
        };
        match ended {
            Ok(()) => Visited::Ended(Class::Ok),
            Err(Stop::Answer(class)) => Visited::Ended(class),
            Err(Stop::NoSocket) => Visited::NoSocket,
        }
    }

    async fn book<T: FnMut(Ended)>(&self, steps: &mut Steps<'_, T>, luck: u64) -> Result<(), Stop> {
        let found = steps.send("find", &self.times(luck), times).await?;
        let free: Vec<&str> = found
            .slots
            .iter()
            .filter(|slot| slot.free.unwrap_or_default() > 0)
            .map(|slot| slot.id.as_str())
            .collect();
        // Nothing left is an answer.
        let Some(slot) = free.get((luck >> 32) as usize % free.len().max(1)) else {
            return Ok(());
        };
        let held = steps.send("hold", &request::hold(slot, &self.key()), with_id).await?;
        let book = request::book(&held, &fresh_resident(&self.fresh), &self.key());
        steps.send("book", &book, with_id).await.map(|_| ())
    }

    fn times(&self, luck: u64) -> Ask {
        let clinic = &self.clinics[(luck >> 16) as usize % self.clinics.len()];
        Ask::get(format!("/api/v1/slots?clinic={clinic}&limit={TIMES}"))
    }

    fn key(&self) -> String {
        fresh_key(&self.fresh, self.clock.now())
    }

    /// Sends and waits for as long as a visitor does. The error: this machine has no socket left.
    async fn send(&self, line: &mut Line, ask: &Ask) -> Result<(Class, Bytes), NoSocket> {
        let Ok(mut request) = ask.request("") else {
            return Ok((Class::Error("not-a-request".to_owned()), Bytes::new()));
        };
        request.headers_mut().insert(HOST, self.authority.clone());
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static(AGENT));
        match tokio::time::timeout(self.patience, line.send(request)).await {
            Err(_) => Ok((Class::TimedOut, Bytes::new())),
            Ok(Ok(answer)) => Ok((Class::of(answer.status, &answer.body), answer.body)),
            Ok(Err(Broken::Site(class))) => Ok((class, Bytes::new())),
            Ok(Err(Broken::NoSocket)) => Err(NoSocket),
        }
    }
}

struct NoSocket;

/// Why a visit ended before its last step.
enum Stop {
    Answer(Class),
    NoSocket,
}

struct Steps<'a, T: FnMut(Ended)> {
    world: &'a World,
    line: Line,
    /// When the next request is meant to be sent.
    intended: Duration,
    tell: &'a mut T,
}

impl<T: FnMut(Ended)> Steps<'_, T> {
    /// Sends, tells how it ended, and gives what was read in the answer if it is what was wanted.
    async fn send<R>(
        &mut self,
        step: &'static str,
        ask: &Ask,
        read: impl FnOnce(&[u8]) -> Option<R>,
    ) -> Result<R, Stop> {
        let sent = self.world.send(&mut self.line, ask).await;
        let (mut class, body) = sent.map_err(|NoSocket| Stop::NoSocket)?;
        let now = self.world.clock.monotonic();
        let wait = now.saturating_sub(self.intended);
        self.intended = now;
        let found = if class == Class::Ok { read(&body) } else { None };
        if class == Class::Ok && found.is_none() {
            class = Class::Error("not-as-promised".to_owned());
        }
        (self.tell)(Ended {
            step,
            class: class.clone(),
            wait,
        });
        found.ok_or(Stop::Answer(class))
    }
}

/// As much of a list of times as a visitor needs: most of them only look.
#[derive(Deserialize)]
struct Times {
    slots: Vec<Slot>,
}

#[derive(Deserialize)]
struct Slot {
    id: String,
    free: Option<u64>,
}

fn times(body: &[u8]) -> Option<Times> {
    serde_json::from_slice(body).ok()
}

fn with_id(body: &[u8]) -> Option<Value> {
    let read: Value = serde_json::from_slice(body).ok()?;
    read["id"].is_string().then_some(read)
}
