//! The beats of servers that read from a replica: one row a server, counted up. See [`crate::availability::replica`].

use database::{Broken, Transaction};

/// The newest beat of a server in this view.
pub fn last(tx: &mut Transaction<'_>, server: &str) -> Result<Option<i64>, Broken> {
    tx.query_one("SELECT number FROM beat WHERE server = $1", &[server.into()], |row| {
        row.integer(0)
    })
}

/// Notes one.
pub fn set(tx: &mut Transaction<'_>, server: &str, number: i64) -> Result<(), Broken> {
    tx.execute(
        "INSERT INTO beat (server, number) VALUES ($1, $2) ON CONFLICT (server) DO UPDATE SET number = excluded.number",
        &[server.into(), number.into()],
    )
    .map(|_| ())
}
