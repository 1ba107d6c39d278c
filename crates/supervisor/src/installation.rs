//! The supervisor itself: takes the lock, binds the public socket, and keeps a gateway on it and servers behind it running until asked to
//! stop: one that ended is started again, one that hangs is killed and started again. Read [`Installation::start`] and
//! [`Installation::run`] first.

use std::cell::{Cell, RefCell};
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;

use crate::child::{Child, News, Program, Said};
use crate::handover;
use crate::instance::{self, Instance, InstanceError};
use crate::look::{Seen, look};
use crate::port_holder::{PortHolder, holder_of};
use crate::probe;
use crate::processes::{ByRole, Pids, Processes};
use crate::pulse::{GivenUp, Patience, Pulse};
use crate::restart::Restart;

/// How often a starting server is asked whether it is ready.
const PROBE_PAUSE: Duration = Duration::from_millis(20);
/// A ready server answers within this; what takes longer counts as not ready and is asked again.
const READY_TIME: Duration = Duration::from_secs(2);
/// Between two tries to say in the file what runs, where a disk takes no writes.
const SAVE_AGAIN: Duration = Duration::from_millis(500);
/// Ports after the wanted one that are tried for the offer to a person.
const PORTS_TRIED: u16 = 100;
/// Exit codes of a child that will not change by starting it again: usage, and a newer schema.
const FINAL_CODES: [i32; 2] = [2, 5];

/// A child's arguments after its subcommand, given which start this is (from 0) and the public URL. `--data` and the mark
/// of a supervised child are added to them.
pub type Arguments = Box<dyn Fn(u64, &str) -> Vec<OsString> + Send + Sync>;

/// What a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pages, API and engine.
    Server,
    /// What stands in front of servers.
    Gateway,
}

impl Kind {
    /// The subcommand that it runs, and its name for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Gateway => "gateway",
        }
    }
}

/// One child to keep running.
pub struct Role {
    /// What it is.
    pub kind: Kind,
    /// Its arguments.
    pub arguments: Arguments,
    /// Where it listens on a socket of its own, which is refused while it is dead; without one it is lent the public one.
    pub own: Option<SocketAddr>,
    /// Whether its first start waits for another server's: who comes first makes keys, schema and demonstration.
    pub waits: bool,
}

/// What to run.
pub struct Plan {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// Where the public socket is bound.
    pub listen: SocketAddr,
    /// What links are made of; without one, where the socket turns out to be bound.
    pub public_url: Option<String>,
    /// Our own executable.
    pub program: PathBuf,
    /// The children.
    pub roles: Vec<Role>,
    /// What each finds in its environment beside ours: what arguments would show to everybody on the machine.
    pub environment: Vec<(OsString, OsString)>,
    /// How long the server may be silent before it is replaced.
    pub patience: Patience,
}

/// What a person may want to know while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// A look at the machine saw something.
    Seen(Seen),
    /// Children of a killed supervisor were waited for.
    OrphansGone(usize),
    /// The server does something long before it is ready.
    Progress {
        /// What.
        what: &'a str,
        /// Of `total`.
        done: u64,
        /// How many there are.
        total: u64,
    },
    /// Everything answers: for the first time, or again.
    Ready(&'a Processes),
    /// A child ended unasked, or was killed because it hung, and is started again after `wait`.
    Ended {
        /// Which, for a person.
        who: &'static str,
        /// How, for a person.
        how: &'a str,
        /// Until the next start.
        wait: Duration,
    },
}

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// Another supervisor has this data folder.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// The port is somebody else's.
    #[error("{}", taken(*.address, .holder.as_ref()))]
    PortTaken {
        /// What was wanted.
        address: SocketAddr,
        /// Who has it, when that can be seen.
        holder: Option<PortHolder>,
        /// The same address with the next port that is free.
        free: Option<SocketAddr>,
    },
    /// The public socket cannot be bound for another reason.
    #[error("cannot listen on {address}")]
    Bind {
        /// What was wanted.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
    /// The server ended before it was ever ready, in a way that will not change by itself.
    #[error("the server cannot start; its message stands above")]
    Final {
        /// Its exit code.
        code: i32,
    },
    /// The file system or the kernel said no.
    #[error("{what}")]
    Io {
        /// To what.
        what: String,
        /// How.
        source: io::Error,
    },
}

fn taken(address: SocketAddr, holder: Option<&PortHolder>) -> String {
    match holder {
        Some(PortHolder { pid, name }) => format!("{address} is taken by {name} (process {pid})"),
        None => format!("{address} is taken by a process that this user cannot see"),
    }
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> UpError {
    let what = what.into();
    move |source| UpError::Io { what, source }
}

/// Makes the data folder and the folders that every process expects in it; only its owner may look inside.
pub fn prepare(data: &Path) -> Result<PathBuf, UpError> {
    for folder in [data.to_owned(), data.join("run"), data.join("log")] {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(io_error(folder.display().to_string()))?;
    }
    data.canonicalize().map_err(io_error(data.display().to_string()))
}

/// A running supervisor.
pub struct Installation {
    plan: Plan,
    clock: Clock,
    socket: TcpListener,
    public_url: String,
    _instance: Instance,
}

impl Installation {
    /// Takes the lock and the public socket; a second supervisor stops here.
    pub async fn start(plan: Plan, clock: Clock, mut tell: impl FnMut(Event<'_>)) -> Result<Self, UpError> {
        let instance = Instance::take(&plan.data, &clock).await?;
        for seen in look(&plan.data, clock.now()) {
            tell(Event::Seen(seen));
        }
        let orphans = instance::wait_for_orphans(&plan.data, &clock).await;
        if orphans > 0 {
            tell(Event::OrphansGone(orphans));
        }
        // Of an earlier supervisor that was killed: it names processes that are gone.
        if let Err(error) = Processes::remove(&plan.data) {
            tracing::warn!(%error, "run/processes.json is not current");
        }
        let socket = bind(plan.listen)?;
        let address = socket.local_addr().map_err(io_error("the public socket"))?;
        let public_url = plan.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        Ok(Self {
            plan,
            clock,
            socket,
            public_url,
            _instance: instance,
        })
    }

    /// Keeps everything running until `stop` is requested; then lets it drain: whoever stands in front first, so that what
    /// is behind still answers what was let in.
    pub async fn run(self, stop: &Shutdown, tell: impl FnMut(Event<'_>)) -> Result<(), UpError> {
        let board = Board {
            living: RefCell::new(vec![None; self.plan.roles.len()]),
            first: Shutdown::new(),
            was_full: Cell::new(false),
            tell: RefCell::new(tell),
        };
        let (front, back) = (stop.part(), Shutdown::new());
        let keep = |place: usize, stop: Shutdown| {
            let (this, board, front) = (&self, &board, &front);
            async move {
                let kept = this.keep(place, board, &stop).await;
                // One that can never start ends all.
                if kept.is_err() {
                    front.request();
                }
                kept
            }
        };
        let of = |kind: Kind, stop: &Shutdown| {
            let places = (0..self.plan.roles.len()).filter(|place| self.plan.roles[*place].kind == kind);
            join_all(places.map(|place| keep(place, stop.clone())).collect::<Vec<_>>())
        };
        let gateways = async {
            let kept = of(Kind::Gateway, &front).await;
            front.wait().await;
            back.request();
            kept
        };
        let (gateways, servers) = tokio::join!(gateways, of(Kind::Server, &back));
        if let Err(error) = Processes::remove(&self.plan.data) {
            tracing::warn!(%error, "run/processes.json stays, and says that we run");
        }
        gateways.into_iter().chain(servers).collect()
    }

    /// One child after the other in one role.
    async fn keep<T: FnMut(Event<'_>)>(&self, place: usize, board: &Board<T>, stop: &Shutdown) -> Result<(), UpError> {
        let role = &self.plan.roles[place];
        let (mut restart, mut was_ready) = (Restart::default(), false);
        // Somebody asked these to end: each has the socket until the next one is there.
        let (mut leaving, mut is_there) = (FuturesUnordered::new(), Shutdown::new());
        if role.waits {
            tokio::select! {
                () = board.first.wait() => {}
                () = stop.wait() => return Ok(()),
            }
        }
        for start in 0.. {
            let patience = Patience {
                start: restart.start_patience(self.plan.patience.start),
                ..self.plan.patience
            };
            let there = is_there.clone();
            let mut life = pin!(self.life(place, start, patience, (stop, &there), board));
            let ended = loop {
                tokio::select! {
                    ended = &mut life => break ended,
                    Some(()) = leaving.next(), if !leaving.is_empty() => {}
                }
            };
            let (how, code, healthy) = match ended {
                Ok(Life::Stopped) => break,
                Ok(Life::Leaving(child)) => {
                    tracing::info!(
                        who = role.kind.word(),
                        pid = child.pid(),
                        "it was asked to end and is relieved"
                    );
                    self.forget(place, board);
                    was_ready = true;
                    is_there = Shutdown::new();
                    leaving.push(relieved(*child, is_there.clone()));
                    continue;
                }
                Ok(Life::Ended { how, code, healthy }) => (how, code, healthy),
                Ok(Life::GivenUp { why, healthy }) => {
                    if matches!(why, GivenUp::Mute(_)) {
                        restart.was_mute();
                    }
                    (why.to_string(), None, healthy)
                }
                // Too many files or processes, or the program is being replaced: all pass.
                Err(error) => (error.to_string(), None, None),
            };
            was_ready |= healthy.is_some();
            if was_ready {
                self.forget(place, board);
            }
            if let Some(code) = code.filter(|code| !was_ready && FINAL_CODES.contains(code)) {
                return Err(UpError::Final { code });
            }
            let (who, wait) = (role.kind.word(), restart.ended(healthy.unwrap_or_default()));
            tracing::warn!(
                who,
                how,
                wait_ms = wait.as_millis() as u64,
                "it ended unasked and is started again"
            );
            board.tell(Event::Ended { who, how: &how, wait });
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                () = stop.wait() => break,
            }
        }
        is_there.request();
        while leaving.next().await.is_some() {}
        Ok(())
    }

    /// One child from its start to its end; `stop` ends it, and the other is asked once it is ready.
    async fn life<T: FnMut(Event<'_>)>(
        &self,
        place: usize,
        start: u64,
        patience: Patience,
        (stop, is_there): (&Shutdown, &Shutdown),
        board: &Board<T>,
    ) -> io::Result<Life> {
        let role = &self.plan.roles[place];
        let lent = role.own.is_none().then_some(&self.socket);
        let mut child = Child::start(&self.program(role, start), lent)?;
        let who = role.kind.word();
        tracing::info!(who, pid = child.pid(), "it was started");
        let mut pulse = Pulse::new(&self.clock, patience);
        let (mut ready_since, mut given_up, mut unsaved) = (None, None, false);
        loop {
            let opening = pulse.internal().is_some() && ready_since.is_none() && given_up.is_none();
            tokio::select! {
                // In this order: whatever it has said is heard before it is judged by its silence.
                biased;
                () = stop.wait() => {
                    child.stop().await?;
                    return Ok(Life::Stopped);
                }
                news = child.next() => match news? {
                    News::Said(said) => {
                        pulse.said(&said);
                        if said == Said::Draining && ready_since.is_some() {
                            return Ok(Life::Leaving(Box::new(child)));
                        }
                        if let Said::Progress { what, done, total } = &said {
                            board.tell(Event::Progress { what, done: *done, total: *total });
                        }
                    }
                    News::Ended(status) => {
                        // One that hung was well until it was last heard, not until we gave it up.
                        let until = given_up.map_or_else(|| self.clock.monotonic(), |_| pulse.heard());
                        let healthy = ready_since.map(|since| until.saturating_sub(since));
                        return Ok(match given_up {
                            Some(why) => Life::GivenUp { why, healthy },
                            None => Life::Ended { how: status.to_string(), code: status.code(), healthy },
                        });
                    }
                },
                () = self.answers(role, pulse.internal().unwrap_or_default().to_owned()), if opening => {
                    ready_since = Some(self.clock.monotonic());
                    is_there.request();
                    tracing::info!(who, pid = child.pid(), "it is ready");
                    unsaved = !self.note(place, board, child.pid(), pulse.internal().unwrap_or_default());
                }
                () = self.clock.sleep(SAVE_AGAIN), if unsaved => {
                    unsaved = !self.save(&self.processes(&board.living()), false);
                }
                why = pulse.given_up(), if given_up.is_none() => {
                    tracing::error!(who, pid = child.pid(), %why, "it hangs");
                    unsaved = false;
                    if ready_since.is_some() {
                        self.forget(place, board);
                    }
                    // What is stopped or locked up cannot drain.
                    child.kill()?;
                    given_up = Some(why);
                }
            }
        }
    }

    /// A child is ready. Returns whether the file says so, where it should.
    fn note<T: FnMut(Event<'_>)>(&self, place: usize, board: &Board<T>, pid: u32, internal: &str) -> bool {
        board.living.borrow_mut()[place] = Some((pid, internal.to_owned()));
        if self.plan.roles[place].kind == Kind::Server {
            board.first.request();
        }
        let living = board.living();
        let is_full = living.iter().all(Option::is_some);
        board.was_full.set(board.was_full.get() || is_full);
        // Before all have been ready once there is nothing to read.
        if !board.was_full.get() {
            return true;
        }
        let processes = self.processes(&living);
        // The file first: whoever reads the ready line may look there.
        let saved = self.save(&processes, true);
        if is_full {
            board.tell(Event::Ready(&processes));
        }
        saved
    }

    /// Says in the file what runs; returns whether it could be written. A full disk is no reason to take down what still
    /// answers.
    fn save(&self, processes: &Processes, first: bool) -> bool {
        let saved = processes.save(&self.plan.data);
        if let Err(error) = &saved
            && first
        {
            tracing::warn!(%error, "run/processes.json is not current; it is tried again");
        }
        saved.is_ok()
    }

    /// Nobody who reads the file may take a process that is gone for one that runs.
    fn forget<T: FnMut(Event<'_>)>(&self, place: usize, board: &Board<T>) {
        board.living.borrow_mut()[place] = None;
        if !board.was_full.get() {
            return;
        }
        let saved = self.processes(&board.living()).save(&self.plan.data);
        // Where a disk is too full for a new file it still lets go of the old one.
        if let Err(error) = saved.or_else(|_| Processes::remove(&self.plan.data)) {
            tracing::warn!(%error, "run/processes.json is not current");
        }
    }

    fn program(&self, role: &Role, start: u64) -> Program {
        let mut args: Vec<OsString> = vec![role.kind.word().into()];
        args.extend((role.arguments)(start, &self.public_url));
        args.extend([
            "--data".into(),
            self.plan.data.clone().into(),
            instance::SUPERVISED.into(),
        ]);
        Program {
            path: self.plan.program.clone(),
            args,
            environment: self.plan.environment.clone(),
        }
    }

    /// The public socket.
    pub fn socket(&self) -> &TcpListener {
        &self.socket
    }

    fn address(&self) -> SocketAddr {
        handover::reachable(self.socket.local_addr().unwrap_or(self.plan.listen))
    }

    /// Waits until it says that it is ready: a server that it can serve; a gateway, which may speak TLS only on the public
    /// socket, on its internal listener that it lives, since what it needs beside that is the servers' news.
    async fn answers(&self, role: &Role, internal: String) {
        let host = probe::authority(&self.public_url);
        let address = role.own.unwrap_or_else(|| self.address());
        loop {
            let said = match role.kind {
                Kind::Server => probe::status(address, host, "/readyz", READY_TIME).await,
                Kind::Gateway => probe::status_of(&internal, "/livez", READY_TIME).await,
            };
            if matches!(said, Ok(200)) {
                return;
            }
            self.clock.sleep(PROBE_PAUSE).await;
        }
    }

    /// What runs now, by what each place holds.
    fn processes(&self, living: &[Option<(u32, String)>]) -> Processes {
        let of = |kind: Kind| {
            let both = self
                .plan
                .roles
                .iter()
                .zip(living)
                .filter(move |(role, _)| role.kind == kind);
            both.filter_map(|(role, living)| living.as_ref().map(|(pid, internal)| (role, *pid, internal.clone())))
        };
        let url = |role: &Role| format!("http://{}", role.own.unwrap_or_else(|| self.address()));
        let internal = |kind| of(kind).map(|(_, _, internal)| internal).collect();
        Processes {
            event: "ready".to_owned(),
            public: self.public_url.clone(),
            watch: None,
            status: None,
            internal: ByRole {
                server: internal(Kind::Server),
                gateway: internal(Kind::Gateway),
                ..ByRole::default()
            },
            servers: of(Kind::Server).map(|(role, ..)| url(role)).collect(),
            pids: Pids {
                supervisor: std::process::id(),
                gateway: of(Kind::Gateway).map(|(_, pid, _)| pid).collect(),
                server: of(Kind::Server).map(|(_, pid, _)| pid).collect(),
                watch: vec![],
            },
            sign_in: None,
            data: self.plan.data.clone(),
        }
    }
}

/// What all children's keepers share; they run in one task.
struct Board<T> {
    /// Process and internal listener of each role that is ready.
    living: RefCell<Vec<Option<(u32, String)>>>,
    /// Requested once a server was ready for the first time.
    first: Shutdown,
    /// Whether all were ready at once.
    was_full: Cell<bool>,
    tell: RefCell<T>,
}

impl<T: FnMut(Event<'_>)> Board<T> {
    fn tell(&self, event: Event<'_>) {
        (self.tell.borrow_mut())(event);
    }

    fn living(&self) -> Vec<Option<(u32, String)>> {
        self.living.borrow().clone()
    }
}

enum Life {
    /// We were asked to stop, and it has stopped.
    Stopped,
    /// Somebody else asked it to stop: it does so, and still has the socket.
    Leaving(Box<Child>),
    /// It ended by itself, or somebody ended it.
    Ended {
        how: String,
        code: Option<i32>,
        /// For how long it was well; `None` when it never was.
        healthy: Option<Duration>,
    },
    /// It hung, and we killed it.
    GivenUp {
        why: GivenUp,
        /// The same.
        healthy: Option<Duration>,
    },
}

/// Waits until the next one is there, or this one is gone by itself, and sees to its end.
async fn relieved(mut child: Child, next: Shutdown) {
    let gone = async { while !matches!(child.next().await, Ok(News::Ended(_)) | Err(_)) {} };
    let is_gone = tokio::select! {
        () = gone => true,
        () = next.wait() => false,
    };
    if !is_gone && let Err(error) = child.stop().await {
        tracing::warn!(%error, "a child that was relieved cannot be waited for");
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, UpError> {
    handover::bind(address).map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => {
            let ports = (1..=PORTS_TRIED).filter_map(|n| address.port().checked_add(n));
            let free = ports
                .map(|port| SocketAddr::new(address.ip(), port))
                .find(|near| handover::bind(*near).is_ok());
            UpError::PortTaken {
                address,
                holder: holder_of(address.port()),
                free,
            }
        }
        _ => UpError::Bind { address, source },
    })
}
