//! `evenkeel gateway`: one gateway process. `evenkeel up` starts it; by hand it stands before servers elsewhere.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use clap::Args;
use gateway::upstream::Address;
use server::public_url::PublicUrl;

use crate::exit::{Exit, Usage};
use crate::gate;

const EXAMPLES: &str = "\
Examples:
  evenkeel gateway --listen 0.0.0.0:80 --public-url http://vax.example.org \\
                   --to 10.0.1.5:8081 --to 10.0.1.6:8081 --to-far 10.0.2.5:8081

Servers that are started with --behind-gateway need the same edge.key in their data folder.
It prints one line once it answers: {\"event\":\"ready\",\"internal\":\"http://127.0.0.1:PORT\"}";

/// Run one gateway process (`up` does this for you)
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Gateway {
    /// The data folder: settings, the edge key, the last known openings
    #[arg(long, value_name = "DIR", default_value = "./evenkeel-data")]
    data: PathBuf,
    /// Where to listen, unless a socket is inherited
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address that people use
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// A server of this zone
    #[arg(long, value_name = "ADDR:PORT", required = true)]
    to: Vec<SocketAddr>,
    /// A server of another zone: used when this one has too few
    #[arg(long, value_name = "ADDR:PORT")]
    to_far: Vec<SocketAddr>,
    /// A supervisor holds the other end of stdin: stop when it ends, and leave Ctrl-C to the supervisor
    #[arg(long, hide = true)]
    supervised: bool,
}

impl Gateway {
    /// Serves until asked to stop.
    pub fn run(self) -> anyhow::Result<Exit> {
        let public_url = self.public_url.as_deref().map(PublicUrl::parse).transpose()?;
        let near = self.to.iter().map(|address| (address, true));
        let far = self.to_far.iter().map(|address| (address, false));
        let server = |(address, is_near): (&SocketAddr, bool)| {
            let authority = address.to_string().parse();
            authority
                .map(|authority| Address { authority, is_near })
                .map_err(|_| Usage(format!("--to {address}: expected an address with its port")))
        };
        let servers = near.chain(far).map(server).collect::<Result<Vec<_>, _>>()?;
        let inherited = listenfd::ListenFd::from_env().take_tcp_listener(0)?;
        let socket = inherited.map_or_else(|| TcpListener::bind(self.listen), Ok)?;
        let host = match public_url {
            Some(url) => url
                .origin()
                .split_once("://")
                .map_or(String::new(), |(_, host)| host.to_owned()),
            None => socket.local_addr()?.to_string(),
        };
        gate::run(gate::Plan {
            data: self.data,
            socket,
            host,
            servers,
            supervised: self.supervised,
        })
    }
}
