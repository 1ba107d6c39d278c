//! Which jurisdiction's rows these are: a name that goes along with backups and moves, so that what lies beside a database
//! on another machine is not taken for another database's.

use database::{Broken, Transaction};

/// The name; none before the first server was there.
pub fn load(tx: &mut Transaction<'_>) -> Result<Option<[u8; 16]>, Broken> {
    tx.query_one("SELECT id FROM identity WHERE one = 1", &[], |row| row.bytes(0))
}

/// Gives a name where there is none.
pub fn give(tx: &mut Transaction<'_>, id: &[u8; 16]) -> Result<(), Broken> {
    tx.execute(
        "INSERT INTO identity (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING",
        &[id.into()],
    )
    .map(|_| ())
}
