//! The audit chains: one per server name, each event hashing the one before. Keeps `audit_unbroken`.

use super::id_at;
use base::id::SlotId;
use base::time::Timestamp;
use database::{Broken, Transaction, Value};
use scheduling::jurisdiction::audit::{AuditEvent, AuditKind};
use sha2::{Digest, Sha256};

/// The end of a chain, from which it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// Of the last event; 0 before the first.
    pub sequence: i64,
    /// Of the last event; zeros before the first.
    pub hash: [u8; 32],
}

/// An event in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The chain's name.
    pub chain: String,
    /// From 1, without gaps.
    pub sequence: i64,
    /// When the command arrived.
    pub at: Timestamp,
    /// What happened, as stored.
    pub kind: String,
    /// To what.
    pub subject: [u8; 16],
    /// The slot it is about.
    pub slot: Option<SlotId>,
    /// How many things it covers.
    pub count: u32,
    /// The idempotency key it was done under.
    pub outcome: Option<Vec<u8>>,
    /// Which of the events of one command, from 0.
    pub part: u32,
    /// Salted hash of personal details.
    pub commitment: Option<[u8; 32]>,
    /// Of everything above and the hash before.
    pub hash: [u8; 32],
}

impl Link {
    /// Puts an event at the end of a chain and moves the head.
    pub fn forge(
        chain: &str,
        head: &mut Head,
        event: &AuditEvent,
        outcome: Option<&[u8]>,
        part: u32,
        commitment: Option<[u8; 32]>,
    ) -> Self {
        let mut link = Self {
            chain: chain.to_owned(),
            sequence: head.sequence + 1,
            at: event.at,
            kind: event.kind.code().to_owned(),
            subject: event.subject.bytes(),
            slot: event.slot,
            count: event.count,
            outcome: outcome.map(<[u8]>::to_vec),
            part,
            commitment,
            hash: [0; 32],
        };
        link.hash = link.hash_after(&head.hash);
        *head = Head {
            sequence: link.sequence,
            hash: link.hash,
        };
        link
    }

    /// What its hash must be behind an event of hash `before`: SHA-256 over length-prefixed fields.
    pub fn hash_after(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update((bytes.len() as u32).to_be_bytes());
            hash.update(bytes);
        };
        field(before);
        field(self.chain.as_bytes());
        field(&self.sequence.to_be_bytes());
        field(&self.at.micros().to_be_bytes());
        field(self.kind.as_bytes());
        field(&self.subject);
        field(&self.slot.map_or_else(Vec::new, |slot| slot.to_bytes().to_vec()));
        field(&self.count.to_be_bytes());
        field(self.outcome.as_deref().unwrap_or_default());
        field(&self.part.to_be_bytes());
        field(self.commitment.as_ref().map_or(&[], |c| c.as_slice()));
        hash.finalize().into()
    }

    /// The kind, if it is one of ours.
    pub fn known_kind(&self) -> Option<AuditKind> {
        AuditKind::from_code(&self.kind)
    }
}

/// Where a chain ends.
pub fn head(tx: &mut Transaction<'_>, chain: &str) -> Result<Head, Broken> {
    let found = tx.query_one(
        "SELECT sequence, hash FROM audit_event WHERE chain = $1 ORDER BY sequence DESC LIMIT 1",
        &[chain.into()],
        |row| Head {
            sequence: row.integer(0),
            hash: row.bytes(1),
        },
    )?;
    Ok(found.unwrap_or_default())
}

/// Where a chain ends that several servers write. Whoever else would write it waits until this transaction has ended;
/// only its very first event may meet another's, as a violation.
pub fn shared_head(tx: &mut Transaction<'_>, chain: &str) -> Result<Head, Broken> {
    loop {
        let last = head(tx, chain)?;
        if !tx.is_shared() || last == Head::default() {
            return Ok(last);
        }
        let sql = "SELECT sequence FROM audit_event WHERE chain = $1 AND sequence = $2 /* for update */";
        tx.query(sql, &[chain.into(), last.sequence.into()], |_| ())?;
        // Whoever had it locked has gone on from it.
        if head(tx, chain)? == last {
            return Ok(last);
        }
    }
}

/// The hash of an event, if it is there.
pub fn hash_of(tx: &mut Transaction<'_>, chain: &str, sequence: i64) -> Result<Option<[u8; 32]>, Broken> {
    tx.query_one(
        "SELECT hash FROM audit_event WHERE chain = $1 AND sequence = $2",
        &[chain.into(), sequence.into()],
        |row| row.bytes(0),
    )
}

/// Names of all chains, in order. Steps from one to the next: there are few chains and many events.
pub fn chains(tx: &mut Transaction<'_>) -> Result<Vec<String>, Broken> {
    let mut chains: Vec<String> = Vec::new();
    loop {
        let last = chains.last().map_or("", String::as_str);
        let next = tx.query_one(
            "SELECT chain FROM audit_event WHERE chain > $1 ORDER BY chain LIMIT 1",
            &[last.into()],
            |row| row.text(0),
        )?;
        match next {
            Some(chain) => chains.push(chain),
            None => return Ok(chains),
        }
    }
}

/// How many events were ever found missing.
pub fn missing(tx: &mut Transaction<'_>) -> Result<u64, Broken> {
    let sql = "SELECT CAST(coalesce(sum(count), 0) AS BIGINT) FROM audit_event WHERE kind = 'gap-found'";
    let missing = tx.query_one(sql, &[], |row| row.integer(0))?;
    Ok(missing.unwrap_or(0) as u64)
}

/// Adds events. One of the same chain and sequence is a violation: another owner of the name is alive. While another
/// transaction that adds one is not ended, this waits for it.
pub fn insert<'a>(tx: &mut Transaction<'_>, links: impl IntoIterator<Item = &'a Link>) -> Result<(), Broken> {
    let links: Vec<_> = links
        .into_iter()
        .map(|link| (link.slot.map(SlotId::to_bytes), link))
        .collect();
    let values: Vec<[Value<'_>; 11]> = links
        .iter()
        .map(|(slot, link)| {
            [
                (&link.chain).into(),
                link.sequence.into(),
                link.at.micros().into(),
                (&link.kind).into(),
                (&link.subject).into(),
                slot.as_ref().into(),
                link.count.into(),
                link.outcome.as_ref().into(),
                link.part.into(),
                link.commitment.as_ref().into(),
                (&link.hash).into(),
            ]
        })
        .collect();
    let sql =
        "INSERT INTO audit_event (chain, sequence, at, kind, subject, slot, count, outcome, part, commitment, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    tx.insert_each(sql, &values)
}

/// Every event, chain by chain in order, for `verify`.
pub fn all(tx: &mut Transaction<'_>, mut each: impl FnMut(Link)) -> Result<(), Broken> {
    tx.query(
        "SELECT chain, sequence, at, kind, subject, slot, count, outcome, part, commitment, hash FROM audit_event ORDER BY chain, sequence",
        &[],
        |row| {
            each(Link {
                chain: row.text(0),
                sequence: row.integer(1),
                at: Timestamp::from_micros(row.integer(2)),
                kind: row.text(3),
                subject: row.bytes(4),
                slot: row.optional_blob(5).map(|_| id_at(row, 5)),
                count: row.integer(6) as u32,
                outcome: row.optional_blob(7),
                part: row.integer(8) as u32,
                commitment: row.optional_blob(9).map(|_| row.bytes(9)),
                hash: row.bytes(10),
            });
        },
    )
}
