//! Transaction: the waist itself. Parameters are written `$1`, `$2`, … in SQL for every engine, and one text serves all.
//! A transaction that is dropped is rolled back.

use crate::connection::{Connection, Driver};
use crate::fault::{Broken, CommitFailed};
use crate::fault_injection::{self, Fate, Step, Unended, Written};
use crate::sqlite;
use crate::value::{Of, Owned, Row, Value};
use std::collections::BTreeSet;

/// A transaction; dropped without commit it is rolled back.
pub struct Transaction<'c> {
    connection: &'c Connection,
    open: bool,
    /// In a simulation of a shared database alone: what it wrote, and its number.
    written: Vec<Written>,
    number: Option<i64>,
}

impl<'c> Transaction<'c> {
    pub(crate) fn start(connection: &'c Connection, writes: bool) -> Result<Self, Broken> {
        let begun = match connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::begin(sqlite, writes),
            Driver::Postgres(session) => session.borrow_mut().begin(writes),
        };
        match begun {
            Ok(()) => Ok(Self::of(connection, true)),
            Err(broken) => {
                connection.doubt(&broken);
                Err(broken)
            }
        }
    }

    pub(crate) fn by_hand(connection: &'c Connection) -> Self {
        Self::of(connection, false)
    }

    fn of(connection: &'c Connection, open: bool) -> Self {
        Self {
            connection,
            open,
            written: Vec::new(),
            number: None,
        }
    }

    fn note<'v>(&mut self, sql: &str, lists: &[impl AsRef<[Value<'v>]>]) {
        if let Some(shared) = self.connection.faults().shared() {
            self.number.get_or_insert_with(|| shared.number());
            let lists = lists
                .iter()
                .map(|values| values.as_ref().iter().map(Owned::from).collect());
            self.written.push((sql.to_owned(), lists.collect()));
        }
    }

    /// Whether others may write at the same time: what is read and then changed must be read `/* for update */`.
    pub fn is_shared(&self) -> bool {
        self.connection.is_shared()
    }

    /// Runs a query and hands each row to `each`.
    pub fn query(&mut self, sql: &str, values: &[Value<'_>], mut each: impl FnMut(&Row<'_>)) -> Result<(), Broken> {
        self.query_each(sql, &[values], |_, row| each(row))
    }

    /// Runs a query for each of several lists of values, and hands each row to `each` with the list's place. Where the
    /// engine is at the end of a line, all of them are on their way at once.
    pub fn query_each<'v>(
        &mut self,
        sql: &str,
        lists: &[impl AsRef<[Value<'v>]> + Sync],
        mut each: impl FnMut(usize, &Row<'_>),
    ) -> Result<(), Broken> {
        if lists.is_empty() {
            return Ok(());
        }
        self.connection.before(Step::Query)?;
        let done = match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::query_each(sqlite, sql, lists, |n, row| {
                each(n, &Row(Of::Sqlite(row)));
            }),
            Driver::Postgres(session) => session.borrow_mut().query_each(sql, lists, |n, row| {
                each(n, &Row(Of::Postgres(row)));
            }),
        };
        done.inspect_err(|broken| self.connection.doubt(broken))
    }

    /// Runs a query of rows by their key, which stands as `IN ($keys)` in it and is its only parameter. Where writers
    /// share the database, `/* for update */` locks the rows in the order that the query asks for.
    pub fn query_in(&mut self, sql: &str, keys: &[&[u8]], mut each: impl FnMut(&Row<'_>)) -> Result<(), Broken> {
        if keys.is_empty() {
            return Ok(());
        }
        self.connection.before(Step::Query)?;
        let done = match self.connection.driver() {
            Driver::Sqlite(sqlite) => {
                let one = sql.replace("$keys", "?1");
                let lists: Vec<[Value<'_>; 1]> = keys.iter().map(|key| [Value::Blob(key)]).collect();
                sqlite::query_each(sqlite, &one, &lists, |_, row| each(&Row(Of::Sqlite(row))))
            }
            Driver::Postgres(session) => session
                .borrow_mut()
                .query_in(sql, keys, |row| each(&Row(Of::Postgres(row)))),
        };
        done.inspect_err(|broken| self.connection.doubt(broken))
    }

    /// Runs a query of which at most the first row matters.
    pub fn query_one<T>(
        &mut self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> T,
    ) -> Result<Option<T>, Broken> {
        self.connection.before(Step::Query)?;
        let (mut read, mut first) = (Some(read), None);
        let done = match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::query_one(sqlite, sql, values, |row| {
                first = read.take().map(|read| read(&Row(Of::Sqlite(row))));
            }),
            Driver::Postgres(session) => session.borrow_mut().query_each(sql, &[values], |_, row| {
                if let Some(read) = read.take() {
                    first = Some(read(&Row(Of::Postgres(row))));
                }
            }),
        };
        done.inspect_err(|broken| self.connection.doubt(broken))?;
        Ok(first)
    }

    /// Runs a statement; answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, Broken> {
        self.execute_each(sql, &[values]).map(|changed| changed[0])
    }

    /// Runs a statement for each of several lists of values; answers how many rows each has changed.
    pub fn execute_each<'v>(
        &mut self,
        sql: &str,
        lists: &[impl AsRef<[Value<'v>]> + Sync],
    ) -> Result<Vec<usize>, Broken> {
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        self.connection.before(Step::Execute)?;
        self.note(sql, lists);
        let done = match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::execute_each(sqlite, sql, lists),
            Driver::Postgres(session) => session.borrow_mut().execute_each(sql, lists),
        };
        done.inspect_err(|broken| self.connection.doubt(broken))
    }

    /// Adds rows by one statement that adds one: `INSERT INTO … VALUES ($1, …)`, with whatever follows.
    pub fn insert_each<'v>(&mut self, sql: &str, rows: &[impl AsRef<[Value<'v>]> + Sync]) -> Result<(), Broken> {
        if rows.is_empty() {
            return Ok(());
        }
        self.connection.before(Step::Execute)?;
        self.note(sql, rows);
        let done = match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::execute_each(sqlite, sql, rows).map(|_| ()),
            Driver::Postgres(session) => session.borrow_mut().insert_each(sql, rows),
        };
        done.inspect_err(|broken| self.connection.doubt(broken))
    }

    /// The names of all tables, sorted.
    pub fn tables(&mut self) -> Result<Vec<String>, Broken> {
        match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::tables(sqlite),
            Driver::Postgres(session) => session.borrow_mut().tables(),
        }
    }

    /// The names of a table's columns, in their order.
    pub fn columns(&mut self, table: &str) -> Result<Vec<String>, Broken> {
        match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::columns(sqlite, table),
            Driver::Postgres(session) => session.borrow_mut().columns(table),
        }
    }

    /// The names of the columns of a table's primary key, in their order.
    pub fn key(&mut self, table: &str) -> Result<Vec<String>, Broken> {
        match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::key(sqlite, table),
            Driver::Postgres(session) => session.borrow_mut().key(table),
        }
    }

    /// Waits until no other transaction is open that has read this table `/* for update */`, whether it found a row or
    /// not, and keeps others from it until the end of this one. Where writers are alone that is so anyway.
    pub fn lock_table(&mut self, table: &str) -> Result<(), Broken> {
        match self.connection.driver() {
            Driver::Sqlite(_) => Ok(()),
            Driver::Postgres(session) => session.borrow_mut().lock_table(table),
        }
    }

    /// Removes every row of these tables.
    pub fn empty(&mut self, tables: &[String]) -> Result<(), Broken> {
        match self.connection.driver() {
            _ if tables.is_empty() => Ok(()),
            Driver::Sqlite(sqlite) => sqlite::empty(sqlite, tables),
            Driver::Postgres(session) => session.borrow_mut().empty(tables),
        }
    }

    /// Where writers share the database: this transaction's own number, and the number below which every transaction has
    /// ended as this view sees it. Numbers are given when a transaction first writes, so a smaller one may well end
    /// later. `None` where writers are alone.
    pub fn horizon(&mut self, own: bool) -> Result<Option<i64>, Broken> {
        if let Some(shared) = self.connection.faults().shared() {
            let number = if own {
                *self.number.get_or_insert_with(|| shared.number())
            } else {
                shared.horizon()
            };
            return Ok(Some(number));
        }
        match self.connection.driver() {
            Driver::Sqlite(_) => Ok(None),
            Driver::Postgres(session) => session.borrow_mut().horizon(own).map(Some),
        }
    }

    /// Another number where another server may have taken over: what was seen before it may be gone.
    pub fn epoch(&self) -> u64 {
        match self.connection.driver() {
            Driver::Sqlite(_) => 0,
            Driver::Postgres(session) => session.borrow().epoch(),
        }
    }

    /// Waits until nobody else has any of these names, and has them until the end of this transaction: for what no row
    /// stands for yet. Of whoever asks for them all ask in their order. Where writers are alone there is nobody else.
    pub fn lock_each(&mut self, names: &BTreeSet<[u8; 8]>) -> Result<(), Broken> {
        if names.is_empty() {
            return Ok(());
        }
        match self.connection.driver() {
            Driver::Sqlite(_) => Ok(()),
            Driver::Postgres(session) => session.borrow_mut().lock_each(names),
        }
        .inspect_err(|broken| self.connection.doubt(broken))
    }

    /// Makes everything since the beginning lasting, or says what is known of it.
    pub fn commit(mut self) -> Result<(), CommitFailed> {
        let fate = self.connection.faults().at_commit();
        let done = match fate {
            Fate::Done => self.ended(),
            Fate::LostAfter => self.ended().and_then(|()| Err(fault_injection::lost())),
            Fate::NotDone(broken) => Err(CommitFailed::NotDone(broken)),
            Fate::LostBefore => Err(fault_injection::lost()),
            Fate::Unended => {
                self.leave();
                Err(fault_injection::lost())
            }
        };
        done.inspect_err(|failed| self.connection.doubt_commit(failed))
    }

    fn ended(&mut self) -> Result<(), CommitFailed> {
        self.open = false;
        match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::commit(sqlite),
            Driver::Postgres(session) => session.borrow_mut().commit(),
        }
    }

    /// In a simulation: what was written is undone here, and done some time later or never.
    fn leave(&mut self) {
        if let Some(shared) = self.connection.faults().shared() {
            shared.keep(Unended {
                database: self.connection.home().without_faults(),
                written: std::mem::take(&mut self.written),
                number: self.number,
            });
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        match self.connection.driver() {
            Driver::Sqlite(sqlite) => sqlite::roll_back(sqlite),
            Driver::Postgres(session) => session.borrow_mut().roll_back(),
        }
    }
}
