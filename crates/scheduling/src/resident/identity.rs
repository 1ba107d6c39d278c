//! Who is the same person. Resident identity = names + birth date + a contact, each normalised, then hashed with a
//! key by whoever holds keys. Same names and date under another contact, or none, is *possibly* the same person:
//! never refused, never told; flagged for staff.

use super::person::Person;
use base::time::date_text;

/// A keyed hash, cut to 8 bytes: enough to tell a jurisdiction's residents apart (with the contact's, 128 bits),
/// small enough that a person's rows share a page.
pub type Fingerprint = [u8; 8];

/// A person as keyed hashes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Of names and birth date.
    pub person: Fingerprint,
    /// Of each contact given: none, one or two.
    pub contacts: Vec<Fingerprint>,
}

impl Identity {
    /// Whether a row of the same person was made under one of these contacts.
    pub fn shares_contact(&self, contact: Fingerprint) -> bool {
        self.contacts.contains(&contact)
    }
}

/// What is hashed for the person: names without case, accents' case folded, single spaces; and the birth date.
pub fn person_text(person: &Person) -> String {
    let names = format!(
        "{}|{}",
        normal_name(&person.given_name),
        normal_name(&person.family_name)
    );
    format!("{names}|{}", date_text(person.birth_date))
}

/// What is hashed for each contact.
pub fn contact_texts(person: &Person) -> Vec<String> {
    let phone = person
        .phone
        .as_deref()
        .map(normal_phone)
        .filter(|digits| !digits.is_empty());
    let email = person
        .email
        .as_deref()
        .map(|email| email.trim().to_lowercase())
        .filter(|email| !email.is_empty());
    phone
        .map(|digits| format!("phone|{digits}"))
        .into_iter()
        .chain(email.map(|email| format!("email|{email}")))
        .collect()
}

fn normal_name(name: &str) -> String {
    let letters: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    letters.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Digits only; a leading US country code goes, since people write it or not.
fn normal_phone(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    if digits.len() == 11 && digits.starts_with('1') {
        digits[1..].to_owned()
    } else {
        digits
    }
}
