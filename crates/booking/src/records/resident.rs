//! Residents' details: the only table with personal data. Sealed together with the salt of their commitment, so that
//! who has the file alone can neither read them nor try guesses against the commitment in the audit chain.

use super::sealing::PERSONAL;
use base::id::ResidentId;
use base::time::{date_text, parse_date};
use database::{Broken, Row, Transaction, Value};
use runtime::entropy::Entropy;
use runtime::secret::{KeyRing, Unsealable};
use scheduling::resident::eligibility::Answers;
use scheduling::resident::person::Person;
use scheduling::working_set::ResidentDetails;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const SALT_BYTES: usize = 16;
/// What rows of 0.1 begin with: JSON in clear. A sealed value begins with its layout's number.
const CLEAR: u8 = b'{';

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

/// Details as they will be stored, and the commitment to them that an AuditEvent carries: a salted hash, worthless once
/// the salt is erased with the row.
pub struct Stored {
    sealed: Vec<u8>,
    commitment: [u8; 32],
}

impl Stored {
    /// Sealed for their row, with fresh salt.
    pub fn new(id: ResidentId, details: &ResidentDetails, keys: &KeyRing, entropy: &Entropy) -> Self {
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
        let mut plain = vec![0; SALT_BYTES];
        entropy.fill(&mut plain);
        serde_json::to_writer(&mut plain, &personal).expect("details are plain values");
        Self {
            commitment: commitment(&plain),
            sealed: keys.seal(entropy, PERSONAL.table, PERSONAL.column, &id.to_bytes(), &plain),
        }
    }
    /// SHA-256 of salt and details.
    pub fn commitment(&self) -> [u8; 32] {
        self.commitment
    }
}

/// SHA-256 of salt and details, one behind the other.
pub fn commitment(plain: &[u8]) -> [u8; 32] {
    Sha256::digest(plain).into()
}

/// Adds residents' details.
pub fn insert(tx: &mut Transaction<'_>, residents: &[(ResidentId, Stored)]) -> Result<(), Broken> {
    let ids: Vec<[u8; 16]> = residents.iter().map(|(id, _)| id.to_bytes()).collect();
    let values: Vec<[Value<'_>; 3]> = residents
        .iter()
        .zip(&ids)
        .map(|((_, stored), id)| [id.into(), (&stored.sealed).into(), Value::Blob(&[])])
        .collect();
    tx.insert_each("INSERT INTO resident (id, personal, salt) VALUES ($1, $2, $3)", &values)
}

/// What a row holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Salt and details, one behind the other.
    Plain(Vec<u8>),
    /// Nothing any more.
    Erased,
    /// Something that our keys do not open.
    Unopened(Unsealable),
}

/// Opens what lies in a row; of 0.1, in clear with its salt beside it.
pub fn open(keys: &KeyRing, id: &[u8], personal: &[u8], salt: &[u8]) -> Held {
    match personal.first() {
        None => Held::Erased,
        Some(&CLEAR) => Held::Plain([salt, personal].concat()),
        Some(_) => match keys.open(PERSONAL.table, PERSONAL.column, id, personal) {
            Ok(plain) => Held::Plain(plain),
            Err(cause) => Held::Unopened(cause),
        },
    }
}

/// Whether a stored value lies in clear, as 0.1 left it.
pub fn is_clear(head: &[u8]) -> bool {
    head.first() == Some(&CLEAR)
}

/// A resident's details; none once they are erased. Those that do not open are missing to whoever asks, and logged: one
/// damaged row must not fail what else is asked with it.
pub fn load(tx: &mut Transaction<'_>, id: ResidentId, keys: &KeyRing) -> Result<Option<ResidentDetails>, Broken> {
    let mut found = None;
    of(tx, &[id], keys, |_, details| found = Some(details))?;
    Ok(found)
}

/// Details of several residents, each as [`load`] has it.
pub fn of<'a>(
    tx: &mut Transaction<'_>,
    ids: impl IntoIterator<Item = &'a ResidentId>,
    keys: &KeyRing,
    mut each: impl FnMut(ResidentId, ResidentDetails),
) -> Result<(), Broken> {
    let sql = "SELECT id, personal, salt FROM resident WHERE id IN ($keys) ORDER BY id";
    super::by_ids(tx, sql, ids, |row| {
        let id: ResidentId = super::id_at(row, 0);
        match open(keys, &id.to_bytes(), &row.blob(1), &row.blob(2)) {
            Held::Plain(plain) => each(id, read(plain.get(SALT_BYTES..).unwrap_or_default())),
            Held::Unopened(cause) => tracing::error!(resident = %id, %cause, "a resident's details do not open"),
            Held::Erased => {}
        }
    })
}

fn read(json: &[u8]) -> ResidentDetails {
    let personal: Personal = serde_json::from_slice(json).expect("stored details are of our making");
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
}

/// Erases a resident's details with their salt. The row stays, so that it can be told from a lost one.
pub fn erase(tx: &mut Transaction<'_>, id: ResidentId) -> Result<(), Broken> {
    let nothing = [0_u8; 0];
    tx.execute(
        "UPDATE resident SET personal = $2, salt = $2 WHERE id = $1",
        &[(&id.to_bytes()).into(), (&nothing).into()],
    )
    .map(|_| ())
}

/// All residents, for `verify`: id, the value as stored, the salt beside it.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(ResidentId, &[u8], &[u8])) -> Result<(), Broken> {
    let mut one = |row: &Row<'_>| each(super::id_at(row, 0), &row.blob(1), &row.blob(2));
    tx.query("SELECT id, personal, salt FROM resident ORDER BY id", &[], |row| {
        one(row);
    })
}
