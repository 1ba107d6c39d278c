//! Wires one server process together: settings, logs, keys, signals, then `server::process::run`.

use std::ffi::OsString;
use std::io::{Write, stdout};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::limit::Settings;
use booking::engine;
use booking::exchange::demo;
use booking::reconciler::backup;
use booking::records::MIGRATIONS;
use booking::sealing::{self, WrongKeys};
use database::Database;
use database::connection::Durability;
use runtime::clock::Clock;
use runtime::entropy::Entropy;
use runtime::secret::{KeyError, KeyRing};
use runtime::shutdown::{Interrupt, Shutdown, on_signals, on_stdin_end};
use runtime::task::Owner;
use runtime::telemetry::{self, Wanted};
use server::process::{self, Ready};
use server::public_url::PublicUrl;

use crate::configuration;
use crate::exit::Exit;
use crate::storage::Storage;

/// Whatever still runs this long after we were asked to stop would only be in the way of the next server.
pub const LAST_RESORT: Duration = Duration::from_secs(2);

/// What is served, and how.
pub struct Plan {
    /// The data folder.
    pub data: PathBuf,
    /// Where the rows are.
    pub database: Database,
    /// The same, for the processes that it starts.
    pub environment: Vec<(OsString, OsString)>,
    /// The server's name.
    pub name: String,
    /// Bound.
    pub socket: TcpListener,
    /// Where people come from.
    pub public_url: Option<PublicUrl>,
    /// Whether to load the demonstration's data.
    pub demo: bool,
    /// Whether a supervisor started us.
    pub supervised: bool,
    /// Whether only what comes through the gateway is answered.
    pub behind_gateway: bool,
    /// What is allowed in a rehearsal only.
    pub rehearsal: Option<Rehearsal>,
}

/// What is allowed in a rehearsal only.
pub struct Rehearsal {
    /// How hard a commit is.
    pub durability: Durability,
    /// Values are left in clear, to show what a search for people would find.
    pub unsealed: bool,
}

/// Serves until asked to stop.
pub fn run(plan: Plan) -> anyhow::Result<Exit> {
    let data = supervisor::installation::prepare(&plan.data)?;
    let settings = configuration::load(&data)?;
    let clock = if plan.rehearsal.is_some() {
        Clock::shiftable()
    } else {
        Clock::real()
    };
    let log = data.join("log").join(format!("server-{}.log", plan.name));
    // A supervised server shares its terminal with `up`: there only what needs a person is said.
    let stderr = if plan.supervised { "error" } else { "info" };
    let _telemetry = telemetry::start(
        &Wanted {
            file: Some((&log, "info")),
            stderr,
        },
        &settings,
        &clock,
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    tracing::info!(
        name = plan.name,
        demo = plan.demo,
        supervised = plan.supervised,
        "the server starts"
    );
    runtime.block_on(serve(Plan { data, ..plan }, settings, clock))?;
    Ok(Exit::Done)
}

async fn serve(plan: Plan, settings: Settings, clock: Clock) -> anyhow::Result<()> {
    let (shutdown, entropy) = (Shutdown::new(), Entropy::real());
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
    let durability = plan
        .rehearsal
        .as_ref()
        .map_or(Durability::Full, |rehearsal| rehearsal.durability);
    let database = plan.database.clone().with_durability(durability);
    if plan.demo {
        say(&serde_json::json!({"event": "progress", "what": "Loading the demonstration", "done": 0, "total": 0}));
        let ensured = demo::ensure(&database, &clock)?;
        tracing::info!(?ensured, "the demonstration is there");
    }
    let keys = keys(&plan, &database, &clock, &entropy)?;
    let engine = engine::Start {
        database,
        keys,
        clock,
        entropy,
        settings,
        name: plan.name,
        owner: Owner::new(Shutdown::new()),
    };
    let storage = Storage::of(&plan.data);
    let said = storage.map(|storage| storage.warning(&plan.data));
    match said {
        Ok(Some(warning)) => tracing::warn!(warning),
        Ok(None) => {}
        // Booking goes on without; the age of the newest backup tells whoever watches.
        Err(cause) => tracing::error!(%cause, "backups will fail until this is mended"),
    }
    let backup = backup::Plan {
        data: plan.data.clone(),
        program: std::env::current_exe()?,
        environment: plan.environment,
    };
    let start = process::Start {
        data: plan.data,
        public: plan.socket,
        public_url: plan.public_url,
        engine,
        backup: Some(backup),
        rehearsal: plan.rehearsal.is_some(),
        behind_gateway: plan.behind_gateway,
        shutdown,
    };
    Ok(process::run(start, say_ready).await?)
}

/// The installation's keys; made where there are neither keys nor anything that was sealed. A key file that was lost must
/// not be made anew: links, codes and names would all be others.
fn keys(plan: &Plan, database: &Database, clock: &Clock, entropy: &Entropy) -> anyhow::Result<KeyRing> {
    let dir = plan.data.join("keys");
    let is_new = matches!(KeyRing::open_existing(&dir), Err(KeyError::Missing(_)));
    if is_new && database.path().is_none_or(Path::is_file) {
        let mut connection = database.connect()?;
        database::migration::migrate(&mut connection, MIGRATIONS, clock.now())?;
        if let Some(id) = sealing::in_force(&mut connection)? {
            return Err(WrongKeys { id, other: false }.into());
        }
    }
    let keys = KeyRing::open_or_create(&dir, entropy)?;
    let unsealed = plan.rehearsal.as_ref().is_some_and(|rehearsal| rehearsal.unsealed);
    if unsealed {
        tracing::warn!("values are left in clear: this is a rehearsal");
        return Ok(keys.unsealed_for_rehearsal());
    }
    Ok(keys)
}

/// Tells whoever started us. They may be gone already; we shall hear that by the pipe.
pub fn say(event: &serde_json::Value) {
    let _ = writeln!(stdout(), "{event}");
}

fn say_ready(ready: &Ready) {
    say(&serde_json::json!({"event": "ready", "internal": ready.internal}));
}

#[expect(
    clippy::disallowed_methods,
    reason = "only the command line decides how a process ends; nothing is unsaved"
)]
pub fn end_at_once() {
    std::process::exit(Exit::Failed as i32);
}
