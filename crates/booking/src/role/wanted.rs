//! What a resident asks, made into commands: ids of what would be made are minted here, and who somebody is becomes keyed
//! hashes. Knows nothing of queues; the same for the doors and for the simulator.

use crate::committer::Tokens;
use crate::engine::{BookingRequest, SaidCode};
use base::id::{AppointmentId, HoldId, Id, SlotId};
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::KeyRing;
use scheduling::command::{Booking, Command};
use scheduling::resident::identity::{Fingerprint, Identity, contact_texts, person_text};
use scheduling::resident::person::Person;

/// A command with the secrets that came with it.
pub struct Wanted {
    /// What is wanted; ids of what it would make are minted.
    pub command: Command,
    pub(crate) tokens: Tokens,
}

/// Makes commands of what a resident asks: mints ids, hashes who somebody is.
#[derive(Clone)]
pub struct Maker {
    keys: KeyRing,
    clock: Clock,
    entropy: Entropy,
}

impl Maker {
    pub(crate) fn new(keys: &KeyRing, clock: &Clock, entropy: &Entropy) -> Self {
        Self {
            keys: keys.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
        }
    }

    /// To keep places, all or none: one slot asked for as such, or a list.
    pub fn place_hold(&self, slots: Vec<SlotId>, single: bool) -> Wanted {
        let hold = self.mint();
        Wanted {
            command: Command::PlaceHold { hold, slots, single },
            tokens: Tokens::default(),
        }
    }

    /// To keep them longer.
    pub fn extend_hold(&self, hold: HoldId, token: &str) -> Wanted {
        Wanted {
            command: Command::ExtendHold { hold },
            tokens: opens_hold(token),
        }
    }

    /// To give them back.
    pub fn give_back_hold(&self, hold: HoldId, token: &str) -> Wanted {
        Wanted {
            command: Command::GiveBackHold { hold },
            tokens: opens_hold(token),
        }
    }

    /// To turn a hold into appointments.
    pub fn book(&self, hold: HoldId, token: &str, bookings: Vec<BookingRequest>, single: bool) -> Wanted {
        let bookings = bookings.into_iter().map(|request| self.booking(request)).collect();
        Wanted {
            command: Command::Book { hold, bookings, single },
            tokens: opens_hold(token),
        }
    }

    /// To cancel an appointment.
    pub fn cancel(&self, appointment: AppointmentId, token: &str) -> Wanted {
        Wanted {
            command: Command::Cancel { appointment },
            tokens: opens_appointment(token),
        }
    }

    /// To move an appointment to what a hold keeps.
    pub fn reschedule(&self, appointment: AppointmentId, token: &str, hold: HoldId, hold_token: &str) -> Wanted {
        let tokens = Tokens {
            appointment: Some(token.to_owned()),
            hold: Some(hold_token.to_owned()),
            ..Tokens::default()
        };
        Wanted {
            command: Command::Reschedule { appointment, hold },
            tokens,
        }
    }

    /// To make a link for somebody who helps.
    pub fn share_link(&self, appointment: AppointmentId, token: &str) -> Wanted {
        Wanted {
            command: Command::ShareLink { appointment },
            tokens: opens_appointment(token),
        }
    }

    /// To stop such a link.
    pub fn stop_link(&self, appointment: AppointmentId, token: &str, number: u32) -> Wanted {
        Wanted {
            command: Command::StopLink { appointment, number },
            tokens: opens_appointment(token),
        }
    }

    /// To cancel an appointment whose code and birth date were said.
    pub fn cancel_by_code(&self, appointment: AppointmentId, said: SaidCode) -> Wanted {
        by_code(Command::Cancel { appointment }, said)
    }

    /// To send a new link to the address on file, and end the one before.
    pub fn send_link_anew(&self, appointment: AppointmentId, said: SaidCode) -> Wanted {
        by_code(Command::SendLinkAnew { appointment }, said)
    }

    fn mint<Of>(&self) -> Id<Of> {
        Id::from_bits(self.entropy.uuid_v7(self.clock.now()))
    }

    fn booking(&self, request: BookingRequest) -> Booking {
        let identity = self.identity(&request.resident);
        Booking {
            appointment: self.mint(),
            resident: self.mint(),
            slot: request.slot,
            person: request.resident,
            identity,
            answers: request.answers,
            dose: request.dose,
        }
    }

    fn identity(&self, person: &Person) -> Identity {
        let hash = |purpose: &str, text: &str| -> Fingerprint {
            let hash = self.keys.keyed_hash(purpose, text.as_bytes());
            hash[..8].try_into().expect("a hash is longer than a fingerprint")
        };
        let names = person_text(person);
        // The contact is hashed together with the person: families share telephones, and must not be linked by them.
        let contacts = contact_texts(person)
            .iter()
            .map(|contact| hash("contact", &format!("{names}|{contact}")))
            .collect();
        Identity {
            person: hash("person", &names),
            contacts,
        }
    }
}

fn opens_hold(token: &str) -> Tokens {
    Tokens {
        hold: Some(token.to_owned()),
        ..Tokens::default()
    }
}

fn opens_appointment(token: &str) -> Tokens {
    Tokens {
        appointment: Some(token.to_owned()),
        ..Tokens::default()
    }
}

fn by_code(command: Command, said: SaidCode) -> Wanted {
    let tokens = Tokens {
        by_code: Some(said),
        ..Tokens::default()
    };
    Wanted { command, tokens }
}
