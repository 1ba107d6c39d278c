//! What must have happened at least once over all seeds of the gate: every refusal, every fault as answered, every kind
//! of fault as injected, every edge of the tables of states. A simulator that never gets there proves nothing.

use crate::fault::Kind;
use base::answer::Fault;
use scheduling::refusal::Refusal;
use scheduling::resident::appointment::{EDGES, Status};
use scheduling::resident::hold::HoldStatus;
use std::collections::BTreeMap;

/// Edges of the table of appointments that no command of this version walks: clinics do not check in yet. One that is
/// walked after all must leave this list.
pub const NOT_YET: [(Option<Status>, Status); 4] = [
    (Some(Status::Booked), Status::Arrived),
    (Some(Status::Booked), Status::Noshow),
    (Some(Status::Arrived), Status::Fulfilled),
    (Some(Status::Arrived), Status::Cancelled),
];

/// What else should happen.
const OTHERS: [&str; 25] = [
    "answer invalid",
    "answer not-found",
    "answer replayed",
    "appointment a possible duplicate",
    "appointment cancelled by its code",
    "booking of a family",
    "booking of four and more",
    "booking of two doses",
    "commit in doubt found done",
    "commit in doubt found not done",
    "commit in doubt not looked up",
    "fault queue full",
    "hold booked while its expiry waited",
    "hold freed by the reconciler although nobody asked",
    "key forgotten after its time",
    "link sent anew",
    "link shared",
    "link stopped",
    "link used by somebody who helps",
    "move to another product on the same day",
    "message due",
    "server lost its name",
    "sessions published while people book",
    "sessions published twice after a fault",
    "snapshot behind another server",
];

/// Counts by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Sometimes(BTreeMap<String, u64>);

/// The name of a hold's step.
pub fn hold_edge(from: Option<HoldStatus>, to: HoldStatus) -> String {
    format!("hold {} → {}", from.map_or("nothing", HoldStatus::code), to.code())
}

/// The name of an appointment's step.
pub fn appointment_edge(from: Option<Status>, to: Status) -> String {
    format!("appointment {} → {}", from.map_or("nothing", Status::code), to.code())
}

impl Sometimes {
    /// It happened.
    pub fn happened(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    /// Adds what happened elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (what, times) in &other.0 {
            *self.0.entry(what.clone()).or_default() += times;
        }
    }

    /// Everything, with how often it happened.
    pub fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(what, times)| (what.as_str(), *times))
    }

    /// Everything that must happen.
    pub fn expected() -> Vec<String> {
        let refusals = Refusal::CODES.iter().map(|code| format!("refusal {code}"));
        let faults = Fault::ALL.iter().map(|fault| format!("fault {fault}"));
        let injected = Kind::ALL.iter().map(|kind| format!("injected {}", kind.name()));
        let holds = [
            (None, HoldStatus::Held),
            (Some(HoldStatus::Held), HoldStatus::Held),
            (Some(HoldStatus::Held), HoldStatus::Booked),
            (Some(HoldStatus::Held), HoldStatus::GivenBack),
            (Some(HoldStatus::Held), HoldStatus::Expired),
        ];
        let holds = holds.into_iter().map(|(from, to)| hold_edge(from, to));
        let appointments = EDGES
            .iter()
            .filter(|(from, to, _)| !NOT_YET.contains(&(*from, *to)))
            .map(|(from, to, _)| appointment_edge(*from, *to));
        let others = OTHERS.iter().map(|other| (*other).to_owned());
        refusals
            .chain(faults)
            .chain(injected)
            .chain(holds)
            .chain(appointments)
            .chain(others)
            .collect()
    }

    /// What should have happened and has not; and what could not have happened and has.
    pub fn missing(&self) -> Vec<String> {
        let missing = Self::expected().into_iter().filter(|what| !self.0.contains_key(what));
        let walked = NOT_YET.iter().map(|(from, to)| appointment_edge(*from, *to));
        let surprising = walked
            .filter(|what| self.0.contains_key(what))
            .map(|what| format!("{what} happened: take it off the list NOT_YET"));
        missing.chain(surprising).collect()
    }
}
