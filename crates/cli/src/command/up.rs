//! `evenkeel up`: everything on this machine, under a small supervisor.

use std::ffi::OsString;
use std::net::SocketAddr;

use clap::Args;
use server::public_url::PublicUrl;
use supervisor::handover::private_ports;
use supervisor::installation::{Arguments, Kind, Role, UpError};

use super::{Data, ReadReplica};
use crate::exit::{Exit, Usage};
use crate::supervise;

const EXAMPLES: &str = "\
Examples:
  evenkeel up                                          on http://127.0.0.1:8080, with demonstration data
  evenkeel up --listen 127.0.0.1:9000                  on another port (0 picks a free one)
  evenkeel up --listen 0.0.0.0:80 --public-url https://vax.example.org
  evenkeel up --database postgres://evenkeel@db1,db2,db3/evenkeel
                                                       on PostgreSQL; see docs/operator/scale-out.md
  evenkeel up --zones 2                                two servers behind the gateway: one may die
  evenkeel up --json                                   prints one line once everything answers";

/// Start everything on this machine
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Up {
    #[command(flatten)]
    at: Data,
    #[command(flatten)]
    replica: ReadReplica,
    /// Where people's connections arrive
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address that people use, from which all links are made; needed when others can reach --listen
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// How many servers to start, each as if in a zone of its own, all on one database
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    zones: u8,
    /// Start without demonstration data
    #[arg(long)]
    empty: bool,
    /// Print one JSON object once everything answers, and nothing else on stdout
    #[arg(long)]
    json: bool,
    /// Allow what is only for tests and drills
    #[arg(long, hide = true)]
    rehearsal: bool,
    /// Where the server crashes, such as decide:17; several are taken in turn, one a start
    #[arg(long, hide = true, requires = "rehearsal", value_name = "POINT:COUNT")]
    crash_at: Vec<String>,
    /// Leave in clear what should be sealed, to show what a search for people would find
    #[arg(long, hide = true, requires = "rehearsal")]
    unsealed: bool,
}

impl Up {
    /// Runs until asked to stop.
    pub fn run(self) -> anyhow::Result<Exit> {
        if self.public_url.is_none() && !self.listen.ip().is_loopback() {
            let why = "others can reach this address, and links in pages need the address that they use";
            return Err(Usage(format!(
                "--listen {}: {why}; give it with --public-url URL",
                self.listen
            ))
            .into());
        }
        let origin = |url| PublicUrl::parse(url).map(|url| url.origin().to_owned());
        let public_url = self.public_url.as_deref().map(origin).transpose()?;
        // Wrong words are said before anything is made.
        let database = self.at.database_with(&self.replica)?;
        let mut environment = self.at.environment();
        environment.extend(self.replica.environment());
        let (given, data, listen, json, demo) = (self.at.database, self.at.data, self.listen, self.json, !self.empty);
        let mut again = format!(" --data {}", data.display());
        again.extend(given.is_some().then_some(" --database URL".to_owned()));
        again.extend(self.public_url.as_deref().map(|url| format!(" --public-url {url}")));
        again.extend((self.zones > 1).then(|| format!(" --zones {}", self.zones)));
        again.extend((!demo).then_some(" --empty".to_owned()));
        again.extend(json.then_some(" --json".to_owned()));
        let roles = roles(self.zones, demo, self.rehearsal, self.unsealed, &self.crash_at)?;
        let done = supervise::run(supervise::Plan {
            data,
            listen,
            public_url,
            json,
            demo,
            roles,
            database,
            environment,
        });
        done.map_err(|error| match error.downcast_ref() {
            Some(UpError::PortTaken { free: Some(free), .. }) => {
                anyhow::anyhow!("{error:#}\nThis one is free: evenkeel up --listen {free}{again}")
            }
            _ => error,
        })
    }
}

/// The gateway on the public socket, and behind it each server on a port of its own.
fn roles(zones: u8, demo: bool, rehearsal: bool, unsealed: bool, crash_at: &[String]) -> anyhow::Result<Vec<Role>> {
    // Somewhere else for each process, so that two that start at once do not choose the same.
    let from = 15_000 + (std::process::id().wrapping_mul(17) % 17_000) as u16;
    let ports = private_ports(from, zones.into());
    anyhow::ensure!(
        ports.len() == usize::from(zones),
        "no free port for the servers behind the gateway"
    );
    let to: Vec<OsString> = ports
        .iter()
        .flat_map(|address| ["--to".into(), address.to_string().into()])
        .collect();
    let gateway = Role {
        kind: Kind::Gateway,
        arguments: Box::new(move |_, url| {
            let mut list: Vec<OsString> = vec!["--public-url".into(), url.into()];
            list.extend(to.iter().cloned());
            list
        }),
        own: None,
        waits: false,
    };
    let servers = ports.into_iter().zip('a'..).map(|(address, name)| {
        let is_first = name == 'a';
        // What is crashed on purpose is the first: the others show that one is enough.
        let crashes = if is_first { crash_at.to_vec() } else { Vec::new() };
        Role {
            kind: Kind::Server,
            arguments: arguments(name, address, demo && is_first, rehearsal, unsealed, crashes),
            own: Some(address),
            waits: !is_first,
        }
    });
    Ok(std::iter::once(gateway).chain(servers).collect())
}

fn arguments(
    name: char,
    address: SocketAddr,
    demo: bool,
    rehearsal: bool,
    unsealed: bool,
    crash_at: Vec<String>,
) -> Arguments {
    Box::new(move |start, public_url| {
        let (name, address) = (name.to_string(), address.to_string());
        let words = [
            "--name",
            &name,
            "--public-url",
            public_url,
            "--listen",
            &address,
            "--behind-gateway",
        ];
        let mut list: Vec<OsString> = words.map(OsString::from).to_vec();
        list.extend(demo.then(|| "--demo".into()));
        list.extend(rehearsal.then(|| "--rehearsal".into()));
        list.extend(unsealed.then(|| "--unsealed".into()));
        // Past the last one it runs without: a crash test ends with a server that stays.
        let crash = crash_at.get(start as usize);
        list.extend(crash.into_iter().flat_map(|spec| ["--crash-at".into(), spec.into()]));
        list
    })
}
