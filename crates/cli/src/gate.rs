//! Wires one gateway process together: settings, logs, signals, then `gateway::process::run`.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use gateway::limit::DRAIN_NOTICE;
use gateway::process::{self, News, Start};
use gateway::upstream::Address;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::shutdown::{Interrupt, Shutdown, on_signals_with, on_stdin_end};
use runtime::task::Owner;
use runtime::telemetry::{self, Wanted};
use tokio::sync::mpsc;

use crate::configuration;
use crate::exit::Exit;
use crate::serve::{LAST_RESORT, end_at_once, say};

/// How long a gateway that was told to end goes on accepting until its supervisor has another one on the same socket.
const RELIEVED_WITHIN: Duration = Duration::from_secs(2);

/// Settings that wait to be followed.
const RELOADS_WAITING: usize = 4;

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
        let (reload, reloads) = mpsc::channel(RELOADS_WAITING);
        let folder = data.clone();
        // Settings that cannot be used change nothing: those in force stay.
        on_signals_with(&signals, &shutdown, interrupt, move || {
            match configuration::load(&folder) {
                // When several wait the last is what counts, and the file says the same to all.
                Ok(settings) => drop(reload.try_send(settings)),
                Err(error) => tracing::error!(error = format!("{error:#}"), "the settings cannot be read again"),
            }
        })?;
        let (released, mut notice) = (Shutdown::new(), settings.duration(&DRAIN_NOTICE));
        if plan.supervised {
            notice = RELIEVED_WITHIN;
            on_stdin_end(&signals, &released)?;
            let (asked, shutdown, clock) = (released.clone(), shutdown.clone(), clock.clone());
            signals.spawn("last resort", async move {
                asked.wait().await;
                shutdown.request();
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
            released,
            notice,
        };
        process::run(start, reloads, |news| {
            say(&match news {
                News::Ready(internal) => serde_json::json!({"event": "ready", "internal": internal}),
                News::Draining => serde_json::json!({"event": "draining"}),
            });
        })
        .await?;
        Ok(Exit::Done)
    })
}
