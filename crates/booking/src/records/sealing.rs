//! Which keys the values of this database are sealed with, how far re-sealing has come, and the statements for every
//! sealed column: a new one gets its line here, and is then counted and re-sealed like the others.

use base::time::Timestamp;
use database::{Broken, Row, Transaction};

/// A sealed column, with its statements.
#[derive(Debug, Clone, Copy)]
pub struct SealedColumn {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// Whether 0.1 kept a salt in clear beside the value.
    salted: bool,
    /// Rows behind `$1` up to `$2`, at most `$3`: key, value, and the salt where there is one.
    page: &'static str,
    /// Writes the value `$2` of row `$1` where it is still `$3`, and no salt where there is one.
    save: &'static str,
    /// The last row's key.
    last: &'static str,
    /// How many rows there are up to `$1`.
    count: &'static str,
    /// The first bytes of every value.
    heads: &'static str,
}

/// A resident's details.
pub const PERSONAL: SealedColumn = SealedColumn {
    table: "resident",
    column: "personal",
    salted: true,
    page: "SELECT id, personal, salt FROM resident WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
    save: "UPDATE resident SET personal = $2, salt = $4 WHERE id = $1 AND personal = $3",
    last: "SELECT id FROM resident ORDER BY id DESC LIMIT 1",
    count: "SELECT count(*) FROM resident WHERE id <= $1",
    heads: "SELECT substr(personal, 1, 5) FROM resident ORDER BY id",
};

/// Stored answers.
pub const ANSWERS: SealedColumn = SealedColumn {
    table: "outcome",
    column: "body",
    salted: false,
    page: "SELECT key, body FROM outcome WHERE key > $1 AND key <= $2 ORDER BY key LIMIT $3",
    save: "UPDATE outcome SET body = $2 WHERE key = $1 AND body = $3",
    last: "SELECT key FROM outcome ORDER BY key DESC LIMIT 1",
    count: "SELECT count(*) FROM outcome WHERE key <= $1",
    heads: "SELECT substr(body, 1, 5) FROM outcome ORDER BY key",
};

/// Messages that wait or were given up; of those delivered nothing is kept.
pub const MESSAGES: SealedColumn = SealedColumn {
    table: "outbox",
    column: "payload",
    salted: false,
    page: "SELECT id, payload FROM outbox WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3",
    save: "UPDATE outbox SET payload = $2 WHERE id = $1 AND payload = $3",
    last: "SELECT id FROM outbox ORDER BY id DESC LIMIT 1",
    count: "SELECT count(*) FROM outbox WHERE id <= $1",
    heads: "SELECT substr(payload, 1, 5) FROM outbox WHERE length(payload) > 0 ORDER BY id",
};

/// Every sealed column.
pub const COLUMNS: &[SealedColumn] = &[PERSONAL, ANSWERS, MESSAGES];

/// A value as it is stored.
pub struct Value {
    /// The key of its row.
    pub row: Vec<u8>,
    /// Sealed, or (of 0.1) in clear.
    pub bytes: Vec<u8>,
    /// In clear beside details in clear; empty otherwise.
    pub salt: Vec<u8>,
}

impl SealedColumn {
    /// Its name in what people read: `resident.personal`.
    pub fn place(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }
    /// Values of rows behind `after`, up to and with `until`, at most `limit`.
    pub fn page(&self, tx: &mut Transaction<'_>, after: &[u8], until: &[u8], limit: u32) -> Result<Vec<Value>, Broken> {
        let mut values = Vec::new();
        tx.query(self.page, &[after.into(), until.into(), limit.into()], |row| {
            values.push(Value {
                row: row.blob(0),
                bytes: row.blob(1),
                salt: if self.salted { row.blob(2) } else { Vec::new() },
            });
        })?;
        Ok(values)
    }
    /// Writes a value that was sealed anew, unless it was changed since it was read: whoever erased it meanwhile, or
    /// sealed it before, is right. Answers whether it was written.
    pub fn save(&self, tx: &mut Transaction<'_>, value: &Value, sealed: &[u8]) -> Result<bool, Broken> {
        // Sealed, the salt lies within the value.
        let no_salt = [0_u8; 0];
        let values = [
            (&value.row).into(),
            sealed.into(),
            (&value.bytes).into(),
            (&no_salt).into(),
        ];
        let values = if self.salted { &values[..] } else { &values[..3] };
        Ok(tx.execute(self.save, values)? == 1)
    }
    /// The key of the last row there is.
    pub fn last(&self, tx: &mut Transaction<'_>) -> Result<Option<Vec<u8>>, Broken> {
        tx.query_one(self.last, &[], |row| row.blob(0))
    }
    /// How many rows there are up to a key.
    pub fn count(&self, tx: &mut Transaction<'_>, until: &[u8]) -> Result<i64, Broken> {
        let count = tx.query_one(self.count, &[until.into()], |row| row.integer(0))?;
        Ok(count.unwrap_or(0))
    }
    /// The first five bytes of every value: enough to see which key it is sealed with.
    pub fn heads(&self, tx: &mut Transaction<'_>, mut each: impl FnMut(&[u8])) -> Result<(), Broken> {
        tx.query(self.heads, &[], |row| each(&row.blob(0)))
    }
}

/// A key that values are sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeclaredKey {
    /// Its number.
    pub id: u32,
    /// What tells it from another of the same number.
    pub mark: [u8; 8],
}

/// Keys that values of this database are sealed with, by number.
pub fn keys(tx: &mut Transaction<'_>) -> Result<Vec<DeclaredKey>, Broken> {
    let mut keys = Vec::new();
    tx.query("SELECT id, mark FROM sealing_key ORDER BY id", &[], |row| {
        keys.push(DeclaredKey {
            id: row.integer(0) as u32,
            mark: row.bytes(1),
        });
    })?;
    Ok(keys)
}

/// The number of the key in force.
pub fn in_force(tx: &mut Transaction<'_>) -> Result<Option<u32>, Broken> {
    let sql = "SELECT id FROM sealing_key ORDER BY id DESC LIMIT 1";
    tx.query_one(sql, &[], |row| row.integer(0) as u32)
}

/// From this commit on whoever writes seals with this key, or a newer one. Again has no effect.
pub fn declare(tx: &mut Transaction<'_>, key: &DeclaredKey, now: Timestamp) -> Result<(), Broken> {
    tx.execute(
        "INSERT INTO sealing_key (id, mark, since) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        &[key.id.into(), (&key.mark).into(), now.micros().into()],
    )
    .map(|_| ())
}

/// How far a column has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Which column.
    pub place: String,
    /// The key that its values are being sealed with.
    pub key: u32,
    /// Rows up to here are done.
    pub reached: Vec<u8>,
    /// Rows behind this came later.
    pub until: Vec<u8>,
    /// Rows to look at.
    pub total: i64,
    /// Of them looked at.
    pub done: i64,
    /// When it was through.
    pub finished_at: Option<Timestamp>,
}

/// How far a column has come.
pub fn progress(tx: &mut Transaction<'_>, place: &str) -> Result<Option<Progress>, Broken> {
    let sql = "SELECT key, reached, until, total, done, finished_at FROM resealing WHERE place = $1";
    tx.query_one(sql, &[place.into()], |row| read_progress(place, row))
}

/// The same for whoever goes on with it: others wait until this transaction has ended.
pub fn progress_to_go_on(tx: &mut Transaction<'_>, place: &str) -> Result<Option<Progress>, Broken> {
    let sql = "SELECT key, reached, until, total, done, finished_at FROM resealing WHERE place = $1 /* for update */";
    tx.query_one(sql, &[place.into()], |row| read_progress(place, row))
}

fn read_progress(place: &str, row: &Row<'_>) -> Progress {
    Progress {
        place: place.to_owned(),
        key: row.integer(0) as u32,
        reached: row.blob(1),
        until: row.blob(2),
        total: row.integer(3),
        done: row.integer(4),
        finished_at: row.optional_integer(5).map(Timestamp::from_micros),
    }
}

/// Keeps how far a column has come.
pub fn save_progress(tx: &mut Transaction<'_>, progress: &Progress) -> Result<(), Broken> {
    let p = progress;
    let values = [
        (&p.place).into(),
        p.key.into(),
        (&p.reached).into(),
        (&p.until).into(),
        p.total.into(),
        p.done.into(),
        p.finished_at.map(Timestamp::micros).into(),
    ];
    let sql = "INSERT INTO resealing (place, key, reached, until, total, done, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (place) DO UPDATE SET key = excluded.key, reached = excluded.reached, until = excluded.until,
           total = excluded.total, done = excluded.done, finished_at = excluded.finished_at";
    tx.execute(sql, &values).map(|_| ())
}
