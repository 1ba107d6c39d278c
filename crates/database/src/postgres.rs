//! PostgreSQL: which servers a URL names, which of them is the primary, and what its words mean in ours. Keeps: never
//! a primary of an older timeline than one already seen, though it still says that it may be written; never a server
//! that cannot keep what we promise.
//!
//! Each connection has a driver of its own on its own thread's time (no tasks): whoever uses it moves it on.

mod session;
mod statement;
mod tables;

pub(crate) use session::Session;
pub(crate) use statement::own_schema;

use crate::connection::Use;
use crate::fault::{Broken, OpenError};
use crate::value::{Owned, Value};
use base::answer::Fault;
use runtime::entropy::Entropy;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type};
use tokio_postgres::{Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Round connecting, starting up and asking a server what it is: a stopped host takes the connection and says nothing.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The same for the former primary, once it kept somebody waiting: others wait for whoever asks it.
const SUSPECT_WITHIN: Duration = Duration::from_secs(1);
/// The oldest version that is tested.
const VERSION_MIN: i64 = 150_000;

/// The servers of one database, and what is known of them. Shared by every connection to it.
pub struct Cluster {
    /// Without its password.
    name: String,
    hosts: Vec<Config>,
    tls: Option<MakeRustlsConnect>,
    seen: Arc<Seen>,
}

/// What the connections of a cluster tell each other.
#[derive(Default)]
pub(crate) struct Seen {
    /// Where the primary was found last.
    last: AtomicUsize,
    /// Whether that one was found and can be trusted; not after a commit there got no answer.
    trusted: AtomicBool,
    /// The highest timeline seen.
    timeline: AtomicI64,
    /// Counted up when every open connection has to be replaced.
    epoch: AtomicU64,
}

impl Seen {
    /// Whoever holds a connection from before replaces it, after all servers were asked.
    pub(crate) fn replace_all(&self) {
        self.suspect();
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }
    /// All servers are asked before one is used again.
    pub(crate) fn suspect(&self) {
        self.trusted.store(false, Ordering::Release);
    }
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }
    fn found(&self, n: usize, timeline: i64) {
        if self.timeline.fetch_max(timeline, Ordering::AcqRel) < timeline {
            self.epoch.fetch_add(1, Ordering::AcqRel);
        }
        self.last.store(n, Ordering::Release);
        self.trusted.store(true, Ordering::Release);
    }
    fn timeline(&self) -> i64 {
        self.timeline.load(Ordering::Acquire)
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether it only follows another.
    pub follows: bool,
    /// Its timeline; 0 where it follows.
    pub timeline: i64,
    /// As `server_version_num`.
    pub version: i64,
    /// Its database's encoding.
    pub encoding: String,
    /// `fsync`, `full_page_writes`, `synchronous_commit`.
    pub durable: [String; 3],
    /// `synchronous_standby_names`.
    pub standbys: String,
    /// How many standbys it has.
    pub followers: i64,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Cluster {
    /// Reads a URL. `sslrootcert=FILE` names the authority of the servers' certificates, else those of the web count.
    pub(crate) fn read(url: &str) -> Result<Self, OpenError> {
        let wrong = |cause: String| OpenError::Url { cause };
        let scheme = ["postgres://", "postgresql://"];
        if !scheme.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(wrong("it does not begin with postgres://".to_owned()));
        }
        let (url, root) = without_root(url);
        let all = Config::from_str(&url).map_err(|error| wrong(in_full(&error)))?;
        let (hosts, ports) = (all.get_hosts(), all.get_ports());
        if hosts.is_empty() {
            return Err(wrong("it names no host".to_owned()));
        }
        if all.get_dbname().is_none_or(str::is_empty) {
            return Err(wrong("it names no database".to_owned()));
        }
        if all.get_user().is_none_or(str::is_empty) {
            return Err(wrong("it names no user".to_owned()));
        }
        let host = |n: usize| single(&all, n, ports.get(n).or(ports.first()).copied().unwrap_or(5432));
        let tls = (all.get_ssl_mode() != SslMode::Disable)
            .then(|| tls(root.as_deref()))
            .transpose()
            .map_err(wrong)?;
        Ok(Self {
            name: redacted(&url),
            hosts: (0..hosts.len()).map(host).collect(),
            tls,
            seen: Arc::default(),
        })
    }

    /// A connection to the primary of the highest timeline.
    pub(crate) fn connect(&self, to: Use) -> Result<Session, OpenError> {
        let last = self.seen.last.load(Ordering::Acquire);
        if self.seen.trusted.load(Ordering::Acquire)
            && let Ok((session, standing)) = self.try_one(last, to)
            && !standing.follows
            && standing.timeline >= self.seen.timeline()
        {
            return Ok(session);
        }
        let mut best: Option<(usize, Session, Standing)> = None;
        let mut causes = Vec::new();
        // The last one comes last: it may be stopped, and keep the others waiting.
        for n in (1..=self.hosts.len()).map(|n| (last + n) % self.hosts.len()) {
            match self.try_one(n, to) {
                Ok((_, standing)) if standing.follows => causes.push(format!("{}: follows another", self.host(n))),
                Ok((session, standing)) => {
                    self.fit(n, &standing)?;
                    let newer = self.seen.timeline() > 0 && standing.timeline > self.seen.timeline();
                    if best
                        .as_ref()
                        .is_none_or(|(_, _, other)| standing.timeline > other.timeline)
                    {
                        best = Some((n, session, standing));
                    }
                    if newer {
                        break; // it took over: the former, which may keep us waiting, has nothing to say
                    }
                }
                Err(cause) => causes.push(format!("{}: {cause}", self.host(n))),
            }
        }
        let seen = self.seen.timeline();
        if let Some((n, _, standing)) = &best
            && standing.timeline < seen
        {
            let (host, had) = (self.host(*n), standing.timeline);
            causes.push(format!(
                "{host}: a former primary, of timeline {had} where {seen} was seen"
            ));
            best = None;
        }
        let Some((n, session, standing)) = best else {
            return Err(OpenError::Cannot {
                path: self.name.clone(),
                cause: causes.join("; "),
            });
        };
        self.seen.found(n, standing.timeline);
        Ok(session.renewed())
    }

    /// A connection to a server that follows; where none does, to any: what it shows may be of any age.
    pub(crate) fn connect_any(&self) -> Result<Session, OpenError> {
        let (mut leading, mut causes) = (None, Vec::new());
        let last = self.seen.last.load(Ordering::Acquire);
        for n in (0..self.hosts.len()).map(|n| (last + n) % self.hosts.len()) {
            match self.try_one(n, Use::Following) {
                Ok((session, standing)) if standing.follows => {
                    self.seen.last.store(n, Ordering::Release);
                    return Ok(session);
                }
                Ok((session, _)) => leading = leading.or(Some(session)),
                Err(cause) => causes.push(format!("{}: {cause}", self.host(n))),
            }
        }
        leading.ok_or_else(|| OpenError::Cannot {
            path: self.name.clone(),
            cause: causes.join("; "),
        })
    }

    /// Whether there are servers of which another may become the primary.
    pub fn has_several(&self) -> bool {
        self.hosts.len() > 1
    }

    /// Looks whether another server took over from the primary that is used. That one need not know of it, and answers
    /// whoever only reads as if nothing had happened.
    pub fn look_out(&self) {
        let last = self.seen.last.load(Ordering::Acquire);
        for n in (1..self.hosts.len()).map(|n| (last + n) % self.hosts.len()) {
            if let Ok((_, standing)) = self.try_one(n, Use::Reading)
                && !standing.follows
                && standing.timeline > self.seen.timeline()
            {
                tracing::warn!(
                    host = self.host(n),
                    timeline = standing.timeline,
                    "another server took over"
                );
                return self.seen.found(n, standing.timeline);
            }
        }
    }

    /// What each server of the URL says of itself, or why it says nothing: for advice at start.
    pub fn standings(&self) -> Vec<(String, Result<Standing, String>)> {
        let ask = |n: usize| self.try_one(n, Use::Reading).map(|(_, standing)| standing);
        (0..self.hosts.len()).map(|n| (self.host(n), ask(n))).collect()
    }

    fn try_one(&self, n: usize, to: Use) -> Result<(Session, Standing), String> {
        let seen = &self.seen;
        let is_last = n == seen.last.load(Ordering::Acquire) && seen.timeline() > 0;
        let within = if is_last && !seen.trusted.load(Ordering::Acquire) {
            SUSPECT_WITHIN
        } else {
            CONNECT_WITHIN
        };
        Session::open(&self.hosts[n], self.tls.as_ref(), within, to, seen)
    }

    fn host(&self, n: usize) -> String {
        let config = &self.hosts[n];
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => format!("{host}:{port}"),
            Some(tokio_postgres::config::Host::Unix(path)) => format!("{}:{port}", path.display()),
            None => "nowhere".to_owned(),
        }
    }

    /// Whether nothing on it is worth keeping: a name that no other database has, or the one beside which such are made.
    fn is_rehearsal(&self) -> bool {
        let name = self.hosts.first().and_then(Config::get_dbname).unwrap_or_default();
        name.starts_with(REHEARSAL) || name == "postgres"
    }

    /// Refuses what could lose an acknowledged booking, or not keep its text.
    fn fit(&self, n: usize, standing: &Standing) -> Result<(), OpenError> {
        let unfit = |cause: String| {
            Err(OpenError::Unfit {
                path: format!("{} ({})", self.name, self.host(n)),
                cause,
            })
        };
        if standing.version < VERSION_MIN {
            let found = standing.version / 10_000;
            return unfit(format!("it is PostgreSQL {found}, 15 or newer is needed"));
        }
        if standing.encoding != "UTF8" {
            let found = &standing.encoding;
            return unfit(format!(
                "its encoding is {found}, UTF8 is needed: make it with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
            ));
        }
        let [fsync, pages, commit] = &standing.durable;
        for (name, value) in [("fsync", fsync), ("full_page_writes", pages)] {
            if value != "on" && !self.is_rehearsal() {
                return unfit(format!(
                    "{name} is {value}: acknowledged bookings could be lost, `on` is needed"
                ));
            }
        }
        if !["on", "remote_apply"].contains(&commit.as_str()) {
            return unfit(format!(
                "synchronous_commit is {commit}: acknowledged bookings could be lost, `on` is needed"
            ));
        }
        Ok(())
    }
}

/// A database whose name says that it is only rehearsed on may lie on a server without `fsync`: tests make hundreds.
const REHEARSAL: &str = "rehearsal_";

/// Makes an empty database beside the one that a URL names, and answers its URL: for tests and rehearsals.
pub fn make_rehearsal(url: &str, name: &str) -> Result<String, OpenError> {
    // Numbers of processes come again, and a server outlives many of them.
    let name = format!("{REHEARSAL}{name}_{:016x}", Entropy::real().bits128() as u64);
    let session = Cluster::read(url)?.connect(Use::Beside);
    let made = session.map(|mut session| session.batch(&format!("CREATE DATABASE {name} TEMPLATE template0")));
    made?.map_err(|broken| OpenError::Cannot {
        path: name.clone(),
        cause: broken.to_string(),
    })?;
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let place = before.rsplit_once('/').map_or(before, |(place, _)| place);
    Ok(format!("{place}/{name}?{query}"))
}

/// One host of several, with what every connection of ours sets.
fn single(all: &Config, n: usize, port: u16) -> Config {
    let mut one = Config::new();
    match &all.get_hosts()[n] {
        tokio_postgres::config::Host::Tcp(host) => one.host(host),
        tokio_postgres::config::Host::Unix(path) => one.host_path(path),
    };
    one.port(port).ssl_mode(all.get_ssl_mode());
    one.user(all.get_user().unwrap_or_default());
    one.dbname(all.get_dbname().unwrap_or_default());
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    one.application_name(all.get_application_name().unwrap_or("evenkeel"));
    one.connect_timeout(CONNECT_WITHIN);
    one.tcp_user_timeout(Duration::from_secs(5));
    one.keepalives_idle(Duration::from_secs(5));
    // Nobody waits for a row longer than for a file's lock; a server that stopped amid a transaction gives its rows back;
    // no role's or database's own time-out may end a COMMIT that waits for its standby.
    one.options("-c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000 -c statement_timeout=0");
    one
}

fn without_root(url: &str) -> (String, Option<String>) {
    let Some((before, query)) = url.split_once('?') else {
        return (url.to_owned(), None);
    };
    let (roots, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(|part| part.starts_with("sslrootcert="));
    let root = roots.first().map(|part| part["sslrootcert=".len()..].to_owned());
    let rest = rest.join("&");
    if rest.is_empty() {
        (before.to_owned(), root)
    } else {
        (format!("{before}?{rest}"), root)
    }
}

fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let rest = rest.split('?').next().unwrap_or_default();
    match rest.rsplit_once('@') {
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{place}")
        }
        None => format!("{scheme}://{rest}"),
    }
}

fn tls(root: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let mut roots = rustls::RootCertStore::empty();
    match root {
        Some(file) => {
            let read = rustls::pki_types::CertificateDer::pem_file_iter(file);
            let certificates = read.map_err(|error| format!("sslrootcert: {file}: {error}"))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| format!("sslrootcert: {file}: {error}"))?;
                roots
                    .add(certificate)
                    .map_err(|error| format!("sslrootcert: {file}: {error}"))?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// An error with what caused it: the driver's own text leaves that out.
pub(crate) fn in_full(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// What a refused statement means. Its transaction is over in any case.
pub(crate) fn broken(error: &tokio_postgres::Error) -> Broken {
    let cause = in_full(error);
    let fault = |fault: Fault| Broken::Fault {
        fault,
        cause: cause.clone(),
    };
    let Some(code) = error.code() else {
        return fault(Fault::Unreachable);
    };
    match code {
        code if code.code().starts_with("23") => Broken::Violation(cause),
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Broken::Conflict(cause),
        &SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED | &SqlState::TOO_MANY_CONNECTIONS => {
            fault(Fault::Busy)
        }
        &SqlState::READ_ONLY_SQL_TRANSACTION | &SqlState::DISK_FULL => fault(Fault::ReadOnly),
        _ => fault(Fault::Unreachable),
    }
}

/// Whether a COMMIT that was answered with an error was certainly refused as a whole.
pub(crate) fn is_refused(error: &tokio_postgres::Error) -> bool {
    let refused = |code: &SqlState| code.code().starts_with("23") || code.code().starts_with("40");
    error.code().is_some_and(refused)
}

/// A whole number of any width.
pub(crate) fn integer(row: &Row, column: usize) -> Option<i64> {
    let read = match *row.columns()[column].type_() {
        Type::INT4 => row
            .try_get::<_, Option<i32>>(column)
            .map(|number| number.map(i64::from)),
        _ => row.try_get(column),
    };
    read.unwrap_or_else(|error| panic!("column {column} of a row of ours: {error}"))
}

/// Whatever stands in a column.
pub(crate) fn owned(row: &Row, column: usize) -> Owned {
    fn read<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, column: usize) -> Option<T> {
        row.try_get(column)
            .unwrap_or_else(|error| panic!("column {column} of a row of ours: {error}"))
    }
    let value = match *row.columns()[column].type_() {
        Type::FLOAT8 => read(row, column).map(Owned::Real),
        Type::TEXT | Type::VARCHAR | Type::NAME => read(row, column).map(Owned::Text),
        Type::BYTEA => read(row, column).map(Owned::Blob),
        _ => integer(row, column).map(Owned::Integer),
    };
    value.unwrap_or(Owned::Null)
}

/// A parameter on its way.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub &'a Value<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Value::Null => Ok(IsNull::Yes),
            Value::Integer(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Value::Integer(v) if *ty == Type::INT8 => v.to_sql(ty, out),
            Value::Real(v) if *ty == Type::FLOAT8 => v.to_sql(ty, out),
            Value::Text(v) if <&str as ToSql>::accepts(ty) => v.to_sql(ty, out),
            Value::Blob(v) if *ty == Type::BYTEA => v.to_sql(ty, out),
            other => Err(format!("a parameter of type {ty} was given {other:?}").into()),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    tokio_postgres::types::to_sql_checked!();
}
