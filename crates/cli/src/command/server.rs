//! `evenkeel server`: one server process. `evenkeel up` starts it; by hand it is for several servers on one database.

use std::net::{SocketAddr, TcpListener};

use clap::{Args, ValueEnum};
use server::public_url::PublicUrl;

use super::{Data, ReadReplica};
use crate::exit::{Exit, Usage};
use crate::serve::{self, Rehearsal};

const EXAMPLES: &str = "\
Examples:
  evenkeel server --name b --listen 127.0.0.1:8081     a second server on the same data

It prints one line once it answers: {\"event\":\"ready\",\"internal\":\"http://127.0.0.1:PORT\"}";

/// Run one server process (`up` does this for you)
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Server {
    #[command(flatten)]
    at: Data,
    #[command(flatten)]
    replica: ReadReplica,
    /// Its name: names its log and its chain of audit events; no two live servers may share one
    #[arg(long, default_value = "a")]
    name: String,
    /// Where to listen, unless a socket is inherited
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address that people use, from which all links are made
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Load the demonstration's data where it is missing
    #[arg(long)]
    demo: bool,
    /// A supervisor holds the other end of stdin: stop when it ends, and leave Ctrl-C to the supervisor
    #[arg(long, hide = true)]
    supervised: bool,
    /// Answer only what comes through this installation's gateway (`evenkeel gateway`)
    #[arg(long)]
    behind_gateway: bool,
    /// Allow what is only for tests and drills: shifting the clock, crash points
    #[arg(long, hide = true)]
    rehearsal: bool,
    /// Where to crash, such as decide:17
    #[arg(long, hide = true, requires = "rehearsal", value_name = "POINT:COUNT")]
    crash_at: Option<String>,
    /// How hard a commit is
    #[arg(long, hide = true, requires = "rehearsal", default_value = "full")]
    durability: Durability,
    /// Leave in clear what should be sealed, to show what a search for people would find
    #[arg(long, hide = true, requires = "rehearsal")]
    unsealed: bool,
}

/// Chains of what several processes write: no server's name.
const SHARED_CHAINS: [&str; 4] = ["import", "erasure", "reads", "restore"];

#[derive(Clone, Copy, ValueEnum)]
enum Durability {
    Full,
    Unsafe,
}

impl Server {
    /// Serves until asked to stop.
    pub fn run(self) -> anyhow::Result<Exit> {
        let public_url = self.public_url.as_deref().map(PublicUrl::parse).transpose()?;
        // It names a chain, a lock and a log file.
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(plain) {
            return Err(Usage("--name: expected 1 to 32 of a to z, 0 to 9 and -".to_owned()).into());
        }
        if SHARED_CHAINS.contains(&self.name.as_str()) {
            return Err(Usage(format!("--name: `{}` names what all servers share", self.name)).into());
        }
        if let Some(spec) = &self.crash_at {
            runtime::hook::arm(spec).map_err(Usage)?;
        }
        let durability = match self.durability {
            Durability::Full => database::connection::Durability::Full,
            Durability::Unsafe => database::connection::Durability::UnsafeForRehearsal,
        };
        let inherited = listenfd::ListenFd::from_env().take_tcp_listener(0)?;
        let socket = inherited.map_or_else(|| TcpListener::bind(self.listen), Ok)?;
        let unsealed = self.unsealed;
        let rehearsal = self.rehearsal.then_some(Rehearsal { durability, unsealed });
        let (name, demo, supervised) = (self.name, self.demo, self.supervised);
        let (database, environment) = (self.at.database_with(&self.replica)?, self.at.environment());
        serve::run(serve::Plan {
            data: self.at.data,
            database,
            environment,
            name,
            socket,
            public_url,
            demo,
            supervised,
            behind_gateway: self.behind_gateway,
            rehearsal,
        })
    }
}
