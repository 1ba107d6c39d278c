//! Everything of one database into another, row by row, whatever engines they are. Keeps that the copy is one moment of
//! the source, taken while others go on writing to it, and that what was copied can be compared: rows, a hash of every
//! table, and where each audit chain ends.
//!
//! Into a database that has some of it already only the differences are written. So the same work fills an empty one,
//! goes on after it was interrupted, and brings what has changed since.

use crate::records::audit::Head;
use crate::records::copy::{Cells, TABLES, Table};
use crate::records::{appointment, census};
use crate::sealing::committed;
use database::{Broken, Connection, Owned, Transaction};
use scheduling::resident::code::CodeNumber;
use sha2::{Digest, Sha256};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Rows that are read, compared and written at once: a transaction, and some hundred KiB.
const PAGE: u32 = 2_000;
/// Pages after which the log of a file is moved into it, so that it does not become as long as the file.
const CHECKPOINT_EVERY: u64 = 16;

/// Is told how many rows of how many are done; ends the work by saying so.
pub type Watch<'w> = &'w mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Two databases are not alike, or one could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CopyFailed {
    /// The source.
    #[error("reading what is copied: {0}")]
    Source(Broken),
    /// The target.
    #[error("writing the copy: {0}")]
    Target(Broken),
    /// Whoever watches it said so.
    #[error("stopped")]
    Stopped,
    /// They are not of one schema.
    #[error("the copy has no table `{0}` like the one that is copied")]
    Schema(String),
    /// After everything was copied something differs.
    #[error("the copy is not what was copied: {0}")]
    Differs(String),
}

/// What a database holds: enough to say whether another holds the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// A hash of each table, whatever the order of its rows.
    pub hashes: BTreeMap<String, [u8; 32]>,
    /// Where each audit chain ends.
    pub heads: BTreeMap<String, Head>,
    /// The next number of a code that no server has taken.
    next_code: CodeNumber,
}

impl Content {
    /// How many rows there are.
    pub fn all_rows(&self) -> u64 {
        self.rows.values().sum()
    }

    /// What differs, in a few words for each.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (table, rows) in &self.rows {
            let there = other.rows.get(table).copied().unwrap_or_default();
            if *rows != there {
                differences.push(format!("{rows} rows of {table}, and {there}"));
            } else if self.hashes.get(table) != other.hashes.get(table) {
                differences.push(format!("{rows} rows of {table}, not all of them the same"));
            }
        }
        for (chain, head) in &self.heads {
            if other.heads.get(chain) != Some(head) {
                differences.push(format!("chain {chain} ends at {}, not there", head.sequence));
            }
        }
        differences
    }
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// What the source held at its moment.
    pub content: Content,
    /// Rows that were written or removed.
    pub changed: u64,
}

/// How far it is.
struct Course<'w> {
    watch: Watch<'w>,
    done: u64,
    total: u64,
}

impl Course<'_> {
    fn begin(&mut self, rows: &BTreeMap<String, u64>) {
        self.total = rows.values().sum();
    }
    fn go_on(&mut self, rows: u64) -> Result<(), CopyFailed> {
        self.done += rows;
        match (self.watch)(self.done, self.total.max(self.done)) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(CopyFailed::Stopped),
        }
    }
}

/// Makes the target what the source is at this moment. The target has the source's schema, and nobody else writes to it.
pub fn bring(from: &mut Connection, to: &mut Connection, watch: Watch<'_>) -> Result<Copied, CopyFailed> {
    let (mut watch, done, total) = (watch, 0, 0);
    let mut course = Course {
        watch: &mut watch,
        done,
        total,
    };
    let wanted = tables(&mut to.begin_read().map_err(CopyFailed::Target)?).map_err(CopyFailed::Target)?;
    let mut view = from.begin_read().map_err(CopyFailed::Source)?;
    let mut copied = Copied::default();
    let rows = counted(&mut view).map_err(CopyFailed::Source)?;
    course.begin(&rows);
    for table in wanted {
        let source = Table::read(&mut view, &table.name).map_err(CopyFailed::Source)?;
        if source.as_ref() != Some(&table) {
            return Err(CopyFailed::Schema(table.name));
        }
        let (digest, changed) = bring_table(&table, &mut view, to, &mut course)?;
        copied.changed += changed;
        digest.into(&table, &mut copied.content);
    }
    about(&mut view, &mut copied.content).map_err(CopyFailed::Source)?;
    let differs = copied
        .content
        .rows
        .iter()
        .find(|(table, count)| rows.get(*table) != Some(count));
    if let Some((table, count)) = differs {
        return Err(CopyFailed::Differs(format!(
            "{count} rows of {table} were read of another number"
        )));
    }
    let mut tx = to.begin().map_err(CopyFailed::Target)?;
    appointment::take_no_code_before(&mut tx, copied.content.next_code)
        .and_then(|()| committed(tx))
        .map_err(CopyFailed::Target)?;
    Ok(copied)
}

fn bring_table(
    table: &Table,
    view: &mut Transaction<'_>,
    to: &mut Connection,
    course: &mut Course<'_>,
) -> Result<(Digested, u64), CopyFailed> {
    let (mut digest, mut changed, mut pages) = (Digested::default(), 0, 0);
    let mut after: Option<Cells> = None;
    let mut read = to.begin_read().map_err(CopyFailed::Target)?;
    let is_empty = table.page(&mut read, None, 1).map_err(CopyFailed::Target)?.is_empty();
    drop(read);
    loop {
        let rows = table.page(view, after.as_ref(), PAGE).map_err(CopyFailed::Source)?;
        for row in &rows {
            digest.add(row);
        }
        let is_last = rows.len() < PAGE as usize;
        let until = rows.last().map(|row| table.key(row));
        changed += write(
            table,
            to,
            &rows,
            (!is_empty).then_some((after.as_ref(), until.as_ref().filter(|_| !is_last))),
        )
        .map_err(CopyFailed::Target)?;
        pages += 1;
        if pages % CHECKPOINT_EVERY == 0 {
            to.checkpoint(false).map_err(CopyFailed::Target)?;
        }
        course.go_on(rows.len() as u64)?;
        if is_last {
            return Ok((digest, changed));
        }
        after = until;
    }
}

/// Between which keys a page lies: behind the first, up to the second or to the end.
type Span<'k> = (Option<&'k Cells>, Option<&'k Cells>);

/// Makes the target's rows of a span these; where there is no span it has none. How many were written or removed.
fn write(table: &Table, to: &mut Connection, rows: &[Cells], span: Option<Span<'_>>) -> Result<u64, Broken> {
    let mut tx = to.begin()?;
    let there = match span {
        Some((after, until)) => table.between(&mut tx, after, until)?,
        None => Vec::new(),
    };
    let (wanted, unwanted) = differing(table, rows, &there);
    let changed = (wanted.len() + unwanted.len()) as u64;
    if changed == 0 {
        return Ok(0);
    }
    // First, since another row may have what one of them had alone, such as a clinic's number in its source.
    table.remove(&mut tx, &unwanted)?;
    table.save(&mut tx, &wanted)?;
    committed(tx)?;
    Ok(changed)
}

/// Rows that are missing or other than wanted, and rows that should not be there; both lists are in the key's order.
fn differing<'r>(table: &Table, rows: &'r [Cells], there: &'r [Cells]) -> (Vec<&'r Cells>, Vec<&'r Cells>) {
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    let (mut rows, mut there) = (rows.iter().peekable(), there.iter().peekable());
    loop {
        let order = match (rows.peek(), there.peek()) {
            (None, None) => return (wanted, unwanted),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => table.order(a, b),
        };
        match order {
            Ordering::Less => wanted.extend(rows.next()),
            Ordering::Greater => unwanted.extend(there.next()),
            Ordering::Equal => {
                let same = rows.peek() == there.peek();
                there.next();
                wanted.extend(rows.next().filter(|_| !same));
            }
        }
    }
}

/// Reads everything, in one view.
pub fn content(connection: &mut Connection, watch: Watch<'_>) -> Result<Content, CopyFailed> {
    let mut view = connection.begin_read().map_err(CopyFailed::Target)?;
    let (mut watch, done, total) = (watch, 0, 0);
    let mut course = Course {
        watch: &mut watch,
        done,
        total,
    };
    course.begin(&counted(&mut view).map_err(CopyFailed::Target)?);
    let mut content = Content::default();
    for table in tables(&mut view).map_err(CopyFailed::Target)? {
        let (mut digest, mut after) = (Digested::default(), None);
        loop {
            let rows = table
                .page(&mut view, after.as_ref(), PAGE)
                .map_err(CopyFailed::Target)?;
            for row in &rows {
                digest.add(row);
            }
            course.go_on(rows.len() as u64)?;
            after = rows.last().map(|row| table.key(row));
            if rows.len() < PAGE as usize {
                break;
            }
        }
        digest.into(&table, &mut content);
    }
    about(&mut view, &mut content).map_err(CopyFailed::Target)?;
    Ok(content)
}

/// Whether a database holds just this.
pub fn compare(content: &Content, with: &mut Connection, watch: Watch<'_>) -> Result<(), CopyFailed> {
    let differences = content.differences(&self::content(with, watch)?);
    if differences.is_empty() {
        Ok(())
    } else {
        Err(CopyFailed::Differs(differences.join("; ")))
    }
}

/// Whether there is nothing in a database yet: tables of ours without a row, or none at all.
pub fn is_empty(connection: &mut Connection) -> Result<bool, Broken> {
    let mut tx = connection.begin_read()?;
    for table in tables(&mut tx)? {
        if !table.page(&mut tx, None, 1)?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes everything that was copied into a database.
pub fn empty(connection: &mut Connection) -> Result<(), Broken> {
    let mut tx = connection.begin()?;
    let mut names: Vec<String> = tables(&mut tx)?.into_iter().map(|table| table.name).collect();
    names.extend(["change".to_owned(), "code_block".to_owned()]);
    tx.empty(&names)?;
    committed(tx)
}

/// The tables that are copied.
fn tables(tx: &mut Transaction<'_>) -> Result<Vec<Table>, Broken> {
    let mut tables = Vec::new();
    // On a server there may be tables of others.
    for name in tx.tables()?.iter().filter(|name| TABLES.contains(&name.as_str())) {
        tables.extend(Table::read(tx, name)?);
    }
    Ok(tables)
}

fn counted(tx: &mut Transaction<'_>) -> Result<BTreeMap<String, u64>, Broken> {
    let mut rows = BTreeMap::new();
    for table in tables(tx)? {
        let count = census::count(tx, &table.name)?;
        rows.insert(table.name, count);
    }
    Ok(rows)
}

/// What is not a row that is copied.
fn about(tx: &mut Transaction<'_>, content: &mut Content) -> Result<(), Broken> {
    content.heads = census::heads(tx)?;
    let behind_last = appointment::last_code(tx)?.map(|last| last.after(1));
    content.next_code = behind_last.max(appointment::next_code(tx)?).unwrap_or_default();
    Ok(())
}

/// Of the rows of one table. Rows differ by their keys, so that none takes another one's part away.
#[derive(Default)]
struct Digested {
    rows: u64,
    hash: [u8; 32],
}

impl Digested {
    fn add(&mut self, row: &[Owned]) {
        let mut hash = Sha256::new();
        for cell in row {
            let (kind, bytes): (u8, &[u8]) = match cell {
                Owned::Null => (0, &[]),
                Owned::Integer(v) => (1, &v.to_be_bytes()),
                Owned::Real(v) => (2, &v.to_bits().to_be_bytes()),
                Owned::Text(v) => (3, v.as_bytes()),
                Owned::Blob(v) => (4, v),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        }
        for (all, one) in self.hash.iter_mut().zip(hash.finalize()) {
            *all ^= one;
        }
        self.rows += 1;
    }
    fn into(self, table: &Table, content: &mut Content) {
        content.rows.insert(table.name.clone(), self.rows);
        content.hashes.insert(table.name.clone(), self.hash);
    }
}
