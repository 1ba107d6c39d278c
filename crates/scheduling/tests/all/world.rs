//! A small world to decide in: slots without a database.

use base::id::{AppointmentId, ClinicId, HoldId, ResidentId, SessionId, SlotId};
use base::time::{Timestamp, Zone, parse_date};
use scheduling::clinic::slot::{Slot, slot_id};
use scheduling::command::{Booking, Command, Proof};
use scheduling::decide::{Circumstances, Done, Limits, Outcome, decide};
use scheduling::resident::eligibility::Answers;
use scheduling::resident::identity::Identity;
use scheduling::resident::person::Person;
use scheduling::rules::Rules;
use scheduling::rules::product::Cvx;
use scheduling::working_set::WorkingSet;
use std::time::Duration;

pub const OPENS: Proof = Proof {
    hold: true,
    appointment: true,
    own_link: true,
    by_code: false,
};
pub const LIMITS: Limits = Limits {
    hold_lifetime: Duration::from_secs(600),
    hold_extensions: 10,
    hold_grace: Duration::from_secs(30),
    link_lasts: Duration::from_hours(24),
    links_shared: 3,
    link_anew_every: Duration::from_mins(10),
};

pub struct World {
    pub set: WorkingSet,
    pub rules: Rules,
    pub slots: Vec<SlotId>,
    pub sends_mail: bool,
    next: u128,
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::parse("2026-12-01T14:00:00Z").unwrap() + Duration::from_secs(seconds as u64)
}

pub fn rules() -> Rules {
    let documents = [
        (
            "products",
            r#"{"version":"1","products":[{"cvx":"140","name":"Flu","group":"FLU","group_name":"Flu"},
            {"cvx":"03","name":"MMR","group":"MMR","group_name":"MMR"},{"cvx":"94","name":"MMRV","group":"MMR","group_name":"MMR"}]}"#,
        ),
        (
            "rules",
            r#"{"authority":"old","version":"1","effective_from":"2020-01-01","series":{"FLU":{"paths":[{"name":"p","doses":[{"min_age":"6 months"}]}]},
            "MMR":{"same_product":true,"paths":[{"name":"p","doses":[{"min_age":"12 months"},{"min_age":"13 months","min_interval":"28 days"}]}]}}}"#,
        ),
        (
            "rules",
            r#"{"authority":"old","version":"2","effective_from":"2027-01-01","series":{"FLU":{"paths":[{"name":"p","doses":[{"min_age":"2 years"}]}]}}}"#,
        ),
        (
            "rules",
            r#"{"authority":"other","version":"1","effective_from":"2020-01-01","series":{"FLU":{"paths":[{"name":"p","doses":[{"min_age":"5 years","max_age":"50 years"}]}]}}}"#,
        ),
        (
            "questions",
            r#"{"version":"q1","effective_from":"2020-01-01","questions":[
            {"id":"allergy","text":"Ever a bad reaction?","hint":null,"kind":"yes_no","products":["03"]}],
            "conditions":[{"products":["03"],"question":"allergy","refuse_if":"yes","unless":null,"below_age":null,"reason":"Ask a doctor."}]}"#,
        ),
        (
            "jurisdiction",
            r#"{"name":"T","zone":"America/New_York","phone":null,"languages":["en"],"demonstration":null,"authorities":{"*":"old"}}"#,
        ),
    ];
    Rules::from_documents(documents.map(|(kind, body)| (kind, "test", body))).unwrap()
}

pub fn person(n: u32) -> Person {
    Person {
        given_name: format!("P{n}"),
        family_name: "Q".to_owned(),
        birth_date: parse_date("1980-05-17").unwrap(),
        phone: None,
        email: None,
        language: None,
        needs: Vec::new(),
    }
}

impl World {
    /// Flu slots of these capacities, an hour from the start on, a minute apart.
    pub fn flu(capacities: &[u32]) -> Self {
        Self::of(
            &capacities
                .iter()
                .map(|capacity| (140, 3600, *capacity))
                .collect::<Vec<_>>(),
        )
    }

    /// Slots of (product, seconds from the start, capacity).
    pub fn of(slots: &[(i64, i64, u32)]) -> Self {
        let zone = Zone::named("America/New_York").unwrap();
        let mut world = Self {
            set: WorkingSet::default(),
            rules: rules(),
            slots: Vec::new(),
            sends_mail: true,
            next: 1,
        };
        for (n, (product, seconds, capacity)) in slots.iter().enumerate() {
            let (session, starts_at) = (SessionId::from_bits(n as u128 + 1), at(*seconds));
            let slot = Slot {
                id: slot_id(session, starts_at),
                clinic: ClinicId::from_bits(1),
                session,
                product: Cvx::from_number(*product),
                date: starts_at.date_in(&zone),
                starts_at,
                ends_at: starts_at + Duration::from_secs(600),
                capacity: *capacity,
                held: 0,
                booked: 0,
            };
            world.slots.push(slot.id);
            world.set.slots.insert(slot.id, slot);
        }
        world
    }

    fn bits(&mut self) -> u128 {
        self.next += 1;
        self.next
    }

    pub fn decide(&mut self, command: &Command, proof: Proof, now: Timestamp) -> Outcome {
        let at = Circumstances {
            now,
            rules: &self.rules,
            limits: LIMITS,
            sends_mail: self.sends_mail,
        };
        let decision = decide(command, proof, &self.set, &at);
        self.set.apply(decision.effects).expect("never over capacity");
        decision.outcome
    }

    pub fn hold(&mut self, slots: &[SlotId], now: Timestamp) -> Result<HoldId, String> {
        let hold = HoldId::from_bits(self.bits());
        let command = Command::PlaceHold {
            hold,
            slots: slots.to_vec(),
            single: false,
        };
        match self.decide(&command, Proof::default(), now) {
            Outcome::Done(Done::Held(id)) => Ok(id),
            other => Err(word(&other)),
        }
    }

    pub fn booking(&mut self, slot: SlotId, who: u32, dose: u8) -> Booking {
        Booking {
            appointment: AppointmentId::from_bits(self.bits()),
            resident: ResidentId::from_bits(self.bits()),
            slot: Some(slot),
            person: person(who),
            identity: Identity {
                person: u64::from(who).to_be_bytes(),
                contacts: vec![[who as u8; 8]],
            },
            answers: Answers::default(),
            dose,
        }
    }

    pub fn book(&mut self, hold: HoldId, bookings: Vec<Booking>, now: Timestamp) -> Result<Vec<AppointmentId>, String> {
        match self.decide(
            &Command::Book {
                hold,
                bookings,
                single: false,
            },
            OPENS,
            now,
        ) {
            Outcome::Done(Done::Booked(ids)) => Ok(ids),
            other => Err(word(&other)),
        }
    }

    pub fn taken(&self, n: usize) -> (u32, u32) {
        let slot = &self.set.slots[&self.slots[n]];
        (slot.held, slot.booked)
    }
}

/// An outcome in one word.
pub fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(_) => "done".to_owned(),
        Outcome::Refused(refusal) => refusal.code().to_owned(),
        Outcome::Invalid { field, .. } => format!("invalid {field}"),
        Outcome::NotFound => "not-found".to_owned(),
    }
}
