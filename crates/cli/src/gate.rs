//! Wires one gateway process together: settings, logs, signals, then `gateway::process::run`.

use std::net::TcpListener;
use std::path::PathBuf;

use gateway::process::{self, Start};
use gateway::upstream::Address;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::shutdown::{Interrupt, Shutdown, on_signals, on_stdin_end};
use runtime::task::Owner;
use runtime::telemetry::{self, Wanted};

use crate::configuration;
use crate::exit::Exit;
use crate::serve::{LAST_RESORT, end_at_once, say};

/// What is served, and how.
pub struct Plan {
    /// The data folder.
    pub data: PathBuf,
    /// Bound.
    pub socket: TcpListener,
    /// The host that people use.
    pub host: String,
    /// The servers.
    pub servers: Vec<Address>,
    /// Whether a supervisor started us.
    pub supervised: bool,
}

/// Serves until asked to stop.
pub fn run(plan: Plan) -> anyhow::Result<Exit> {
    let data = supervisor::installation::prepare(&plan.data)?;
    let (settings, clock) = (configuration::load(&data)?, Clock::real());
    let log = data.join("log").join("gateway.log");
    // A supervised one shares its terminal with `up`: there only what needs a person is said.
    let stderr = if plan.supervised { "error" } else { "info" };
    let _telemetry = telemetry::start(
        &Wanted {
            file: Some((&log, "info")),
            stderr,
        },
        &settings,
        &clock,
    )?;
    // People's connections live on the cores' own runtimes; this one probes, fetches, and answers on the internal port.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tracing::info!(
        servers = plan.servers.len(),
        supervised = plan.supervised,
        "the gateway starts"
    );
    runtime.block_on(async {
        let shutdown = Shutdown::new();
        let signals = Owner::new(Shutdown::new());
        let interrupt = if plan.supervised {
            Interrupt::Ignored
        } else {
            Interrupt::Stops
        };
        on_signals(&signals, &shutdown, interrupt)?;
        if plan.supervised {
            on_stdin_end(&signals, &shutdown)?;
            let (asked, clock) = (shutdown.clone(), clock.clone());
            signals.spawn("last resort", async move {
                asked.wait().await;
                clock.sleep(LAST_RESORT).await;
                tracing::error!("did not drain in time: ending at once");
                end_at_once();
            });
        }
        let start = Start {
            data,
            public: plan.socket,
            host: plan.host,
            servers: plan.servers,
            clock,
            entropy: Entropy::real(),
            settings,
            shutdown,
        };
        process::run(start, |internal| {
            say(&serde_json::json!({"event": "ready", "internal": internal}));
        })
        .await?;
        Ok(Exit::Done)
    })
}
