//! One connection to one server: moved on by whoever uses it, each step with a deadline. Keeps: a COMMIT is never
//! cancelled, and one whose answer did not come, or came with a warning, is in doubt.

use super::statement::{own_sql, several};
use super::{Bound, Seen, Standing, broken, in_full, is_refused};
use crate::connection::Use;
use crate::fault::{Broken, CommitFailed};
use crate::value::Value;
use base::answer::Fault;
use futures_util::TryStreamExt;
use futures_util::stream::FuturesOrdered;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::runtime::{Handle, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls, Row, RowStream, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a statement, or the next rows of an answer, may be on their way, unless whoever asks is patient.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long a COMMIT may be: it asks a standby, so that on a stale primary it would hang for ever.
const COMMIT_WITHIN: Duration = Duration::from_secs(3);
/// For statements that read or change a whole table: migrations, copies, reconcilers' first looks.
const LONG: Duration = Duration::from_mins(30);
/// Rows that are read before they are looked at.
const ROWS_READ: usize = 1_000;
/// Rows that one statement adds at most; what is left is added in powers of two, so that few texts are ever prepared.
const ROWS_AT_ONCE: usize = 64;

type Link = Box<dyn FnMut(&mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> + Send>;

/// One connection.
pub(crate) struct Session {
    client: Client,
    line: Line,
    /// By their text, and by how many rows they add.
    statements: BTreeMap<String, BTreeMap<usize, Statement>>,
    /// Its transaction met an error: a COMMIT would be answered as if all were well.
    failed: bool,
    /// The server is gone or did not answer in time: nothing of it may be used again.
    lost: bool,
    /// As of when it was opened.
    epoch: u64,
    seen: Arc<Seen>,
    /// How long a statement, or the next rows of an answer, may be on their way.
    answer_within: Duration,
}

/// The way to the server, and what comes from it.
struct Line {
    /// Here between steps, until it is dropped.
    runtime: Option<Runtime>,
    next: Link,
    /// A warning came since the last look.
    warned: bool,
}

/// What kept a step from its end.
enum Stop {
    Said(Error),
    Late,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Said(error)
    }
}

impl Line {
    /// Moves the connection on together with a step, until that is done or its time is over.
    fn take<T: Send>(
        &mut self,
        within: Duration,
        step: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Stop> {
        let runtime = self.runtime.take().expect("the runtime is here between steps");
        // At start whoever calls may be a task itself: its thread must not be waited on, but may wait for another.
        let done = if Handle::try_current().is_ok() {
            std::thread::scope(|scope| {
                let waits = scope.spawn(|| runtime.block_on(self.drive(within, step)));
                waits.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        } else {
            runtime.block_on(self.drive(within, step))
        };
        self.runtime = Some(runtime);
        done
    }

    async fn drive<T>(&mut self, within: Duration, step: impl Future<Output = Result<T, Error>>) -> Result<T, Stop> {
        let mut step = pin!(step);
        let both = poll_fn(|context| {
            let over = self.take_in(context);
            match step.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => over.map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
            }
        });
        match tokio::time::timeout(within, both).await {
            Ok(done) => done.map_err(Stop::Said),
            Err(_) => Err(Stop::Late),
        }
    }

    /// Everything that has arrived; an error when the line is broken.
    fn take_in(&mut self, context: &mut Context<'_>) -> Option<Error> {
        loop {
            match (self.next)(context) {
                // Those that are no warning, such as of a table that is there already, are filtered by the server.
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    self.warned |= *notice.code() == SqlState::WARNING;
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Some(error),
                // The client's own requests say that it is closed.
                Poll::Ready(None) | Poll::Pending => return None,
            }
        }
    }
}

async fn connect(host: &Config, tls: Option<&MakeRustlsConnect>) -> Result<(Client, Link), Error> {
    if let Some(tls) = tls {
        let (client, mut connection) = host.connect(tls.clone()).await?;
        return Ok((client, Box::new(move |context| connection.poll_message(context))));
    }
    let (client, mut connection) = host.connect(NoTls).await?;
    Ok((client, Box::new(move |context| connection.poll_message(context))))
}

fn parameters<'p>(values: &'p [Value<'p>]) -> Vec<Bound<'p>> {
    values.iter().map(Bound).collect()
}

fn dynamic<'p>(bound: &'p [Bound<'p>]) -> Vec<&'p (dyn ToSql + Sync)> {
    bound.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Session {
    /// Connects, starts up and asks what the server is; each within a deadline.
    pub(super) fn open(
        host: &Config,
        tls: Option<&MakeRustlsConnect>,
        within: Duration,
        to: Use,
        seen: &Arc<Seen>,
    ) -> Result<(Self, Standing), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let mut line = Line {
            runtime: Some(runtime),
            next: Box::new(|_| Poll::Ready(None)),
            warned: false,
        };
        let (client, next) = line.take(within, connect(host, tls)).map_err(|stop| match stop {
            Stop::Said(error) => in_full(&error),
            Stop::Late => format!("no answer within {within:?}"),
        })?;
        line.next = next;
        let mut session = Self {
            client,
            line,
            statements: BTreeMap::new(),
            failed: false,
            lost: false,
            epoch: seen.epoch(),
            seen: Arc::clone(seen),
            answer_within: ANSWER_WITHIN,
        };
        let standing = session.standing(within).map_err(|broken| broken.to_string())?;
        if matches!(to, Use::Reading | Use::Following) {
            let only = session.brief("SET default_transaction_read_only = on");
            only.map_err(|broken| broken.to_string())?;
        }
        Ok((session, standing))
    }

    /// As if opened now.
    pub(super) fn renewed(mut self) -> Self {
        self.epoch = self.seen.epoch();
        self
    }

    /// Counts how often all connections had to be replaced before it was opened.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether it must be replaced before it is used again.
    pub(crate) fn is_outdated(&self) -> bool {
        self.lost || self.epoch != self.seen.epoch()
    }

    fn standing(&mut self, within: Duration) -> Result<Standing, Broken> {
        let sql = "SELECT pg_is_in_recovery(),
             CASE WHEN pg_is_in_recovery() THEN 0
               ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint END,
             current_setting('server_version_num')::bigint, current_setting('server_encoding'),
             current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
             current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)";
        let mut standing = None;
        self.query_within(within, sql, &[&[] as &[Value<'_>]], &mut |_, row: &Row| {
            standing = Some(Standing {
                follows: row.get(0),
                timeline: row.get(1),
                version: row.get(2),
                encoding: row.get(3),
                durable: [row.get(4), row.get(5), row.get(6)],
                standbys: row.get(7),
                followers: row.get(8),
            });
        })?;
        standing.ok_or_else(|| Broken::Fault {
            fault: Fault::Unreachable,
            cause: "the server does not say what it is".to_owned(),
        })
    }

    /// Takes a step to its end, and notes what it says of the connection.
    fn ended<T>(&mut self, done: Result<T, Stop>) -> Result<T, Broken> {
        done.map_err(|stop| {
            self.failed = true;
            self.broken(&stop)
        })
    }

    fn broken(&mut self, stop: &Stop) -> Broken {
        match stop {
            Stop::Said(error) => {
                let broken = broken(error);
                if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION) {
                    // Demoted under us: every connection to it goes.
                    self.lost = true;
                    self.seen.replace_all();
                }
                let over = matches!(
                    &broken,
                    Broken::Fault {
                        fault: Fault::Unreachable,
                        ..
                    }
                );
                self.lost |= self.client.is_closed() || over;
                broken
            }
            Stop::Late => {
                self.lost = true;
                self.seen.suspect();
                Broken::Fault {
                    fault: Fault::Unreachable,
                    cause: "no answer in time".to_owned(),
                }
            }
        }
    }

    fn prepare(&mut self, sql: &str, rows: usize) -> Result<Statement, Broken> {
        if self.lost {
            return Err(gone());
        }
        if let Some(statement) = self.statements.get(sql).and_then(|of| of.get(&rows)) {
            return Ok(statement.clone());
        }
        let own = several(&own_sql(sql), rows);
        let prepared = self.line.take(ANSWER_WITHIN, self.client.prepare(&own));
        let statement = self.ended(prepared)?;
        let of = self.statements.entry(sql.to_owned()).or_default();
        of.insert(rows, statement.clone());
        Ok(statement)
    }

    /// Begins a transaction: one that writes sees what is committed when it looks; one that reads has one view.
    pub(crate) fn begin(&mut self, writes: bool) -> Result<(), Broken> {
        let sql = if writes {
            "BEGIN ISOLATION LEVEL READ COMMITTED"
        } else {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        };
        self.brief(sql)?;
        self.failed = false;
        Ok(())
    }

    /// Statements that may take long.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), Broken> {
        self.within(LONG, sql)
    }

    fn brief(&mut self, sql: &str) -> Result<(), Broken> {
        self.within(ANSWER_WITHIN, sql)
    }

    fn within(&mut self, within: Duration, sql: &str) -> Result<(), Broken> {
        if self.lost {
            return Err(gone());
        }
        let done = self.line.take(within, self.client.batch_execute(sql));
        self.ended(done)
    }

    pub(crate) fn roll_back(&mut self) {
        if !self.lost {
            let done = self.line.take(ANSWER_WITHIN, self.client.batch_execute("ROLLBACK"));
            self.lost |= self.ended(done).is_err();
        }
        self.failed = false;
    }

    pub(crate) fn commit(&mut self) -> Result<(), CommitFailed> {
        if self.failed {
            self.roll_back();
            return Err(CommitFailed::NotDone(gone()));
        }
        self.line.warned = false;
        match self.line.take(COMMIT_WITHIN, self.client.batch_execute("COMMIT")) {
            Ok(()) if !self.line.warned => Ok(()),
            // "canceling wait for synchronous replication": done here, and perhaps nowhere else.
            Ok(()) => Err(self.in_doubt("it was answered before a standby had it".to_owned())),
            Err(Stop::Said(error)) if is_refused(&error) => Err(CommitFailed::NotDone(self.broken(&Stop::Said(error)))),
            Err(Stop::Said(error)) => Err(self.in_doubt(in_full(&error))),
            Err(Stop::Late) => Err(self.in_doubt(format!("no answer within {COMMIT_WITHIN:?}"))),
        }
    }

    fn in_doubt(&mut self, cause: String) -> CommitFailed {
        self.lost = true;
        self.seen.suspect();
        CommitFailed::InDoubt(cause)
    }

    /// A commit of our own: its standby has it, and so has everything that this server showed before.
    pub(crate) fn settle(&mut self) -> Result<(), Broken> {
        self.begin(true)?;
        // A transaction that wrote nothing waits for nobody; this writes one record, and no row.
        let touched = self.brief("SELECT pg_logical_emit_message(true, 'evenkeel', 'settled')");
        if let Err(broken) = touched {
            self.roll_back();
            return Err(broken);
        }
        self.commit().map_err(|failed| match failed {
            CommitFailed::NotDone(broken) => broken,
            CommitFailed::InDoubt(cause) => Broken::Fault {
                fault: Fault::Unreachable,
                cause,
            },
        })
    }

    pub(crate) fn query_each<'v>(
        &mut self,
        sql: &str,
        lists: &[impl AsRef<[Value<'v>]> + Sync],
        mut each: impl FnMut(usize, &Row),
    ) -> Result<(), Broken> {
        let lists: Vec<&[Value<'v>]> = lists.iter().map(AsRef::as_ref).collect();
        self.query_within(self.answer_within, sql, &lists, &mut each)
    }

    fn query_within(
        &mut self,
        within: Duration,
        sql: &str,
        lists: &[&[Value<'_>]],
        each: &mut dyn FnMut(usize, &Row),
    ) -> Result<(), Broken> {
        let statement = self.prepare(sql, 1)?;
        let client = &self.client;
        let asked = lists.iter().map(|values| {
            let statement = &statement;
            async move {
                let bound = parameters(values);
                client.query_raw(statement, dynamic(&bound)).await
            }
        });
        // All are sent before the first is read.
        let asked: FuturesOrdered<_> = asked.collect();
        let answers = self.line.take(within, asked.try_collect::<Vec<RowStream>>());
        for (n, rows) in self.ended(answers)?.into_iter().enumerate() {
            self.read(within, rows, &mut |row| each(n, row))?;
        }
        Ok(())
    }

    fn read(&mut self, within: Duration, rows: RowStream, each: &mut dyn FnMut(&Row)) -> Result<(), Broken> {
        let mut rows = Box::pin(rows.try_chunks(ROWS_READ));
        loop {
            let next = self.line.take(within, async {
                // What came before an error is of no use.
                rows.try_next().await.map_err(|stopped| stopped.1)
            });
            let Some(rows) = self.ended(next)? else { return Ok(()) };
            rows.iter().for_each(&mut *each);
        }
    }

    /// Rows by their keys, in the order that the query asks for.
    pub(crate) fn query_in(&mut self, sql: &str, keys: &[&[u8]], mut each: impl FnMut(&Row)) -> Result<(), Broken> {
        let statement = self.prepare(sql, 1)?;
        let values: [&(dyn ToSql + Sync); 1] = [&keys];
        let rows = self
            .line
            .take(self.answer_within, self.client.query_raw(&statement, values));
        let rows = self.ended(rows)?;
        self.read(self.answer_within, rows, &mut each)
    }

    pub(crate) fn execute_each<'v>(
        &mut self,
        sql: &str,
        lists: &[impl AsRef<[Value<'v>]> + Sync],
    ) -> Result<Vec<usize>, Broken> {
        let statement = self.prepare(sql, 1)?;
        let client = &self.client;
        let asked = lists.iter().map(|values| {
            let (statement, values) = (&statement, values.as_ref());
            async move {
                let bound = parameters(values);
                client.execute(statement, &dynamic(&bound)).await
            }
        });
        let asked: FuturesOrdered<_> = asked.collect();
        let changed = self.line.take(self.answer_within, asked.try_collect::<Vec<u64>>());
        Ok(self.ended(changed)?.into_iter().map(|rows| rows as usize).collect())
    }

    /// Adds rows by statements that add several at once.
    pub(crate) fn insert_each<'v>(&mut self, sql: &str, rows: &[impl AsRef<[Value<'v>]> + Sync]) -> Result<(), Broken> {
        // All are sent before the first answer is read.
        let mut parts = Vec::new();
        let mut left = rows;
        while !left.is_empty() {
            let take = 1 << left.len().min(ROWS_AT_ONCE).ilog2();
            let (now, later) = left.split_at(take);
            parts.push((self.prepare(sql, take)?, now));
            left = later;
        }
        let client = &self.client;
        let asked = parts.iter().map(|(statement, rows)| async move {
            let bound: Vec<Bound<'_>> = rows.iter().flat_map(|row| row.as_ref().iter().map(Bound)).collect();
            client.execute(statement, &dynamic(&bound)).await
        });
        let asked: FuturesOrdered<_> = asked.collect();
        let added = self.line.take(ANSWER_WITHIN, asked.try_collect::<Vec<u64>>());
        self.ended(added).map(|_| ())
    }

    pub(crate) fn wait_at_most(&mut self, wait: Duration) -> Result<(), Broken> {
        self.brief(&format!("SET lock_timeout = {}", wait.as_millis()))
    }

    /// From now on answers may take as long as they take: for whoever reads or writes whole tables.
    pub(crate) fn be_patient(&mut self) {
        self.answer_within = LONG;
    }

    /// Has these names to itself until the transaction ends.
    pub(crate) fn lock_each(&mut self, names: &BTreeSet<[u8; 8]>) -> Result<(), Broken> {
        let numbers: Vec<_> = names.iter().map(|name| [i64::from_be_bytes(*name).into()]).collect();
        self.execute_each("SELECT pg_advisory_xact_lock($1)", &numbers)
            .map(|_| ())
    }

    /// This transaction's number, or the smallest number of those that have not ended.
    pub(crate) fn horizon(&mut self, own: bool) -> Result<i64, Broken> {
        let sql = if own {
            "SELECT pg_current_xact_id()::text::bigint"
        } else {
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        };
        let mut number = 0;
        self.query_each(sql, &[[]], |_, row| number = row.get(0))?;
        Ok(number)
    }
}

fn gone() -> Broken {
    Broken::Fault {
        fault: Fault::Unreachable,
        cause: "the connection is gone, or the transaction failed before".to_owned(),
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops it may be a task, whose thread must not be waited on.
            runtime.shutdown_background();
        }
    }
}
