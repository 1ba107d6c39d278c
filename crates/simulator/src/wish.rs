//! What somebody asks of a server: the same thing however often it is sent. Also how a verdict reads as an answer, in
//! words that the model can say too; secrets come behind a bar, since only the engine can make them.

use crate::people::Spelled;
use base::id::{AppointmentId, HoldId, SlotId};
use base::time::Timestamp;
use booking::engine::{AppointmentSeen, BookingRequest, Done, HoldSeen, Rendered, SaidCode, Verdict};
use booking::role::wanted::{Maker, Wanted};
use scheduling::command::Command;
use scheduling::resident::eligibility::Answers;
use std::fmt;

/// A secret as presented, and what it was once given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its text.
    pub text: String,
    /// What it opens.
    pub opens: Opens,
}

/// What a secret was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opens {
    /// A hold.
    Hold(HoldId),
    /// An appointment, as its resident.
    Appointment(AppointmentId),
    /// An appointment of somebody else: which, and which of its shared links.
    Helped(AppointmentId, u32),
    /// An appointment, for some minutes from when its code and a birth date were said.
    Said(AppointmentId, Timestamp),
    /// Nothing: made up.
    Nothing,
}

/// Answers to the screening questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// None.
    Nothing,
    /// To the one question there is.
    Allergy(&'static str),
    /// Under a version that was never published.
    UnknownVersion,
    /// To a question that nobody asks.
    UnknownQuestion,
}

impl Answered {
    fn answers(self) -> Answers {
        let mut answers = Answers::default();
        match self {
            Self::Nothing => {}
            Self::Allergy(answer) => answers.set("allergy", answer),
            Self::UnknownVersion => {
                answers.set("allergy", "no");
                answers.version = Some("q9".to_owned());
            }
            Self::UnknownQuestion => {
                answers.set("allergy", "no");
                answers.set("shoe_size", "42");
            }
        }
        answers
    }
}

/// One person's booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub who: Spelled,
    /// Which of the hold's slots.
    pub slot: Option<SlotId>,
    /// Which dose.
    pub dose: u8,
    /// What she answered.
    pub answered: Answered,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words of the commands they become")]
pub enum Wish {
    Hold {
        slots: Vec<SlotId>,
        single: bool,
    },
    Extend {
        hold: HoldId,
        token: Secret,
    },
    GiveBack {
        hold: HoldId,
        token: Secret,
    },
    Book {
        hold: HoldId,
        token: Secret,
        bookings: Vec<Named>,
        single: bool,
    },
    Cancel {
        appointment: AppointmentId,
        token: Secret,
    },
    Move {
        appointment: AppointmentId,
        token: Secret,
        hold: HoldId,
        hold_token: Secret,
    },
    Share {
        appointment: AppointmentId,
        token: Secret,
    },
    StopLink {
        appointment: AppointmentId,
        token: Secret,
        number: u32,
    },
    CancelByCode {
        appointment: AppointmentId,
        said: Secret,
    },
    SendAnew {
        appointment: AppointmentId,
        said: Secret,
    },
}

impl Secret {
    /// As what a code and a birth date bought.
    fn said(&self) -> SaidCode {
        let at = match self.opens {
            Opens::Said(_, at) => at,
            _ => Timestamp::default(),
        };
        SaidCode {
            at,
            token: self.text.clone(),
        }
    }
}

impl Wish {
    /// The command that it is, with ids minted for what it would make.
    pub fn wanted(&self, maker: &Maker) -> Wanted {
        match self {
            Self::Hold { slots, single } => maker.place_hold(slots.clone(), *single),
            Self::Extend { hold, token } => maker.extend_hold(*hold, &token.text),
            Self::GiveBack { hold, token } => maker.give_back_hold(*hold, &token.text),
            Self::Book {
                hold,
                token,
                bookings,
                single,
            } => {
                let requests = bookings.iter().map(|named| BookingRequest {
                    slot: named.slot,
                    resident: named.who.person(),
                    answers: named.answered.answers(),
                    dose: named.dose,
                });
                maker.book(*hold, &token.text, requests.collect(), *single)
            }
            Self::Cancel { appointment, token } => maker.cancel(*appointment, &token.text),
            Self::Move {
                appointment,
                token,
                hold,
                hold_token,
            } => maker.reschedule(*appointment, &token.text, *hold, &hold_token.text),
            Self::Share { appointment, token } => maker.share_link(*appointment, &token.text),
            Self::StopLink {
                appointment,
                token,
                number,
            } => maker.stop_link(*appointment, &token.text, *number),
            Self::CancelByCode { appointment, said } => maker.cancel_by_code(*appointment, said.said()),
            Self::SendAnew { appointment, said } => maker.send_link_anew(*appointment, said.said()),
        }
    }

    /// In which scope its key counts: method, route and the ids in the path, as at the doors.
    pub fn scope(&self) -> Vec<u8> {
        let of = |word: u8, id: &[u8]| [&[word], id].concat();
        match self {
            Self::Hold { .. } => of(1, &[]),
            Self::Extend { hold, .. } => of(2, &hold.to_bytes()),
            Self::GiveBack { hold, .. } => of(3, &hold.to_bytes()),
            Self::Book { .. } => of(4, &[]),
            Self::Cancel { appointment, .. } => of(5, &appointment.to_bytes()),
            Self::Move { appointment, .. } => of(6, &appointment.to_bytes()),
            Self::Share { appointment, .. } => of(7, &appointment.to_bytes()),
            Self::StopLink {
                appointment, number, ..
            } => of(8 + *number as u8, &appointment.to_bytes()),
            Self::CancelByCode { appointment, .. } => of(254, &appointment.to_bytes()),
            Self::SendAnew { appointment, .. } => of(255, &appointment.to_bytes()),
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold { slots, .. } => write!(f, "hold {}", joined(slots)),
            Self::Extend { hold, .. } => write!(f, "extend {hold}"),
            Self::GiveBack { hold, .. } => write!(f, "give-back {hold}"),
            Self::Book { hold, bookings, .. } => {
                write!(f, "book {hold}")?;
                for named in bookings {
                    write!(f, " person-{}/{}", named.who.number, named.dose)?;
                }
                Ok(())
            }
            Self::Cancel { appointment, .. } => write!(f, "cancel {appointment}"),
            Self::Move { appointment, hold, .. } => write!(f, "move {appointment} to {hold}"),
            Self::Share { appointment, .. } => write!(f, "share {appointment}"),
            Self::StopLink {
                appointment, number, ..
            } => write!(f, "stop-link {appointment} {number}"),
            Self::CancelByCode { appointment, .. } => write!(f, "cancel-by-code {appointment}"),
            Self::SendAnew { appointment, .. } => write!(f, "send-link-anew {appointment}"),
        }
    }
}

/// The ids that a command would make: of its hold, of its appointments.
pub fn minted(command: &Command) -> (Option<HoldId>, Vec<AppointmentId>) {
    match command {
        Command::PlaceHold { hold, .. } => (Some(*hold), Vec::new()),
        Command::Book { bookings, .. } => (None, bookings.iter().map(|booking| booking.appointment).collect()),
        _ => (None, Vec::new()),
    }
}

fn joined(slots: &[SlotId]) -> String {
    slots.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// How a hold reads.
pub fn hold_text(id: HoldId, slots: &[SlotId], expires_at: Timestamp, extensions_left: u32, status: &str) -> String {
    format!(
        "{id} {status} {} until {} left {extensions_left}",
        joined(slots),
        expires_at.micros()
    )
}

/// How an appointment reads.
pub fn appointment_text(
    id: AppointmentId,
    status: &str,
    slot: SlotId,
    (series, dose): (&str, u8),
    (changed_at, sequence): (Timestamp, u32),
    given_name: &str,
) -> String {
    format!(
        "{id} {status} {slot} {series}/{dose} version {sequence} changed {} {given_name:?}",
        changed_at.micros()
    )
}

fn seen_hold(hold: &HoldSeen) -> (String, String) {
    let slots: Vec<SlotId> = hold.slots.iter().map(|slot| slot.id).collect();
    let text = hold_text(
        hold.id,
        &slots,
        hold.expires_at,
        hold.extensions_left,
        hold.status.code(),
    );
    (text, hold.token.clone())
}

/// An appointment as seen by its owner: what everybody may read, and its secrets.
pub fn seen_appointment(seen: &AppointmentSeen) -> (String, String) {
    let name = seen.resident.as_ref().map_or("", |person| person.given_name.as_str());
    let text = appointment_text(
        seen.id,
        seen.status.code(),
        seen.slot.id,
        (&seen.series, seen.dose),
        (seen.changed_at, seen.sequence),
        name,
    );
    (text, format!("{} {}", seen.code, seen.manage_token))
}

/// Turns a verdict into an answer: words, then a bar, then secrets.
pub fn render(verdict: &Verdict<'_>) -> Rendered {
    let (status, (text, secrets)) = match verdict {
        Verdict::Done(Done::Held(hold)) => (201, seen_hold(hold)),
        Verdict::Done(Done::Booked(seen)) => {
            let (texts, secrets): (Vec<_>, Vec<_>) = seen.iter().map(seen_appointment).unzip();
            (201, (texts.join("; "), secrets.join("; ")))
        }
        Verdict::Done(Done::Seen(seen)) => (200, seen_appointment(seen)),
        Verdict::Done(Done::GivenBack | Done::Nothing) => (204, Default::default()),
        Verdict::Refused(refusal) => (409, (format!("{refusal:?}"), String::new())),
        Verdict::Invalid { field, .. } => (422, (format!("invalid {field}"), String::new())),
        Verdict::NotFound => (404, ("not found".to_owned(), String::new())),
    };
    Rendered {
        status,
        body: format!("{text}|{secrets}").into_bytes(),
    }
}
