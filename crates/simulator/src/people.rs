//! Who comes: people of a number, each with names, a birth date and contacts, who do not always write themselves alike.

use base::time::{Date, parse_date};
use scheduling::resident::person::Person;

/// How somebody writes herself this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelled {
    /// Whose names and birth date.
    pub number: u32,
    /// Which spelling of the names: none changes who it is.
    pub spelling: u8,
    /// Which contacts are given.
    pub contacts: Contacts,
}

/// Contacts given with a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contacts {
    /// None.
    Nothing,
    /// Her telephone.
    Phone,
    /// Her e-mail address.
    Email,
    /// Both.
    Both,
    /// The telephone of a neighbour of the same names and birth date.
    Neighbour,
}

/// One contact, as an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contact {
    /// Her telephone.
    Phone,
    /// Her e-mail address.
    Email,
    /// The neighbour's telephone.
    Neighbour,
}

impl Contacts {
    /// Each of them.
    pub fn each(self) -> &'static [Contact] {
        match self {
            Self::Nothing => &[],
            Self::Phone => &[Contact::Phone],
            Self::Email => &[Contact::Email],
            Self::Both => &[Contact::Phone, Contact::Email],
            Self::Neighbour => &[Contact::Neighbour],
        }
    }
}

/// When somebody was born: most are adults, some are babies, some too old for HPV, and one turns one, nine or
/// forty-six on a day with appointments.
pub fn birth_date(number: u32) -> Date {
    let text = match number % 12 {
        0 => "2026-02-11",
        1 => "1950-06-30",
        2 => "2025-11-04",
        3 => "2017-11-04",
        4 => "1980-11-03",
        5 => "2025-11-30",
        _ => "1991-05-17",
    };
    parse_date(text).expect("a date of our own")
}

impl Spelled {
    /// As written into a form.
    pub fn person(self) -> Person {
        let n = self.number;
        let (given_name, family_name) = match self.spelling % 4 {
            0 => (format!("Ana {n}"), "Smith Jones".to_owned()),
            1 => (format!("ANA {n}"), "smith-jones".to_owned()),
            2 => (format!("  ana   {n} "), "Smith  Jones".to_owned()),
            _ => (format!("ana-{n}"), "SMITH JONES".to_owned()),
        };
        let phone = match self.contacts {
            Contacts::Phone | Contacts::Both if self.spelling.is_multiple_of(2) => Some(format!("617-555-{n:04}")),
            Contacts::Phone | Contacts::Both => Some(format!("+1 (617) 555 {n:04}")),
            Contacts::Neighbour => Some(format!("508-555-{n:04}")),
            Contacts::Nothing | Contacts::Email => None,
        };
        let email = match self.contacts {
            Contacts::Email | Contacts::Both if self.spelling.is_multiple_of(2) => Some(format!("ana{n}@example.org")),
            Contacts::Email | Contacts::Both => Some(format!(" Ana{n}@Example.org")),
            Contacts::Nothing | Contacts::Phone | Contacts::Neighbour => None,
        };
        Person {
            given_name,
            family_name,
            birth_date: birth_date(n),
            phone,
            email,
            language: None,
            needs: Vec::new(),
        }
    }
}
