//! Residents' details: the only table with personal data. The column is opaque here, so that sealing it concerns one
//! place.

use base::id::ResidentId;
use base::time::{date_text, parse_date};
use database::{Broken, Transaction};
use scheduling::resident::eligibility::Answers;
use scheduling::resident::person::Person;
use scheduling::working_set::ResidentDetails;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Serialize, Deserialize)]
struct Personal {
    given_name: String,
    family_name: String,
    birth_date: String,
    phone: Option<String>,
    email: Option<String>,
    language: Option<String>,
    needs: Vec<String>,
    answers: Answers,
}

/// Details as stored, and the commitment to them that an AuditEvent carries: a salted hash, worthless once the salt is
/// erased with the row.
pub struct Stored {
    personal: Vec<u8>,
    salt: [u8; 16],
}

impl Stored {
    /// As it will be stored, with fresh salt.
    pub fn new(details: &ResidentDetails, salt: [u8; 16]) -> Self {
        let person = &details.person;
        let personal = Personal {
            given_name: person.given_name.clone(),
            family_name: person.family_name.clone(),
            birth_date: date_text(person.birth_date),
            phone: person.phone.clone(),
            email: person.email.clone(),
            language: person.language.clone(),
            needs: person.needs.clone(),
            answers: details.answers.clone(),
        };
        Self {
            personal: serde_json::to_vec(&personal).expect("details are plain values"),
            salt,
        }
    }
    /// SHA-256 of salt and details.
    pub fn commitment(&self) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.salt)
            .chain_update(&self.personal)
            .finalize()
            .into()
    }
}

/// Adds a resident's details.
pub fn insert(tx: &mut Transaction<'_>, id: ResidentId, stored: &Stored) -> Result<(), Broken> {
    let id = id.to_bytes();
    let values = [(&id).into(), (&stored.personal).into(), (&stored.salt).into()];
    tx.execute("INSERT INTO resident (id, personal, salt) VALUES ($1, $2, $3)", &values)
        .map(|_| ())
}

/// A resident's details.
pub fn load(tx: &mut Transaction<'_>, id: ResidentId) -> Result<Option<ResidentDetails>, Broken> {
    let personal = tx.query_one(
        "SELECT personal FROM resident WHERE id = $1",
        &[(&id.to_bytes()).into()],
        |row| row.blob(0),
    )?;
    Ok(personal.map(|bytes| {
        let personal: Personal = serde_json::from_slice(&bytes).expect("stored details are of our making");
        let person = Person {
            given_name: personal.given_name,
            family_name: personal.family_name,
            birth_date: parse_date(&personal.birth_date).expect("a stored birth date is a date"),
            phone: personal.phone,
            email: personal.email,
            language: personal.language,
            needs: personal.needs,
        };
        ResidentDetails {
            person,
            answers: personal.answers,
        }
    }))
}

/// Ids of all residents, for `verify`.
pub fn all_ids(tx: &mut Transaction<'_>, mut each: impl FnMut(ResidentId)) -> Result<(), Broken> {
    tx.query("SELECT id FROM resident ORDER BY id", &[], |row| {
        each(super::id_at(row, 0));
    })
}
