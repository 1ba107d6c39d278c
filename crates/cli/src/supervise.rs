//! Wires the supervisor together: settings, logs, signals, then [`Installation`].

use std::ffi::OsString;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::path::PathBuf;

use database::Database;
use messaging::limit::SMTP_URL;
use runtime::clock::Clock;
use runtime::shutdown::{Interrupt, Shutdown, on_signals};
use runtime::task::Owner;
use runtime::telemetry::{self, Wanted};
use supervisor::installation::{self, Installation, Role};
use supervisor::pulse::Patience;

use crate::advice;
use crate::configuration;
use crate::exit::Exit;
use crate::say::{Say, aloud};
use crate::storage::Storage;

/// What is run, and how it is told.
pub struct Plan {
    /// The data folder.
    pub data: PathBuf,
    /// Where people's connections arrive.
    pub listen: SocketAddr,
    /// The address that people use.
    pub public_url: Option<String>,
    /// Whether a program reads what is said.
    pub json: bool,
    /// Whether demonstration data is served.
    pub demo: bool,
    /// The children.
    pub roles: Vec<Role>,
    /// Where the rows are.
    pub database: Database,
    /// What the server finds in its environment beside our own.
    pub environment: Vec<(OsString, OsString)>,
}

/// Runs until asked to stop.
pub fn run(plan: Plan) -> anyhow::Result<Exit> {
    let data = installation::prepare(&plan.data)?;
    let (settings, clock) = (configuration::load(&data)?, Clock::real());
    // On a terminal a person is told in sentences.
    let filter = if stderr().is_terminal() { "off" } else { "warn" };
    let log = data.join("log").join("up.log");
    let _telemetry = telemetry::start(
        &Wanted {
            file: Some((&log, "info")),
            stderr: filter,
        },
        &settings,
        &clock,
    )?;
    let no_mail = !plan.demo && settings.text(&SMTP_URL).is_empty();
    let no_mail = no_mail.then(|| {
        "No mail goes out, and no page promises one: set mail.smtp_url and mail.from in evenkeel.toml.".to_owned()
    });
    let backups = Storage::of(&data).ok().and_then(|storage| storage.warning(&data));
    let advice = advice::of(&plan.database);
    let said = no_mail.into_iter().chain(backups).chain(advice).collect();
    let mut say = Say::new(plan.json, plan.demo, said);
    let what = installation::Plan {
        data,
        listen: plan.listen,
        public_url: plan.public_url,
        program: std::env::current_exe()?,
        roles: plan.roles,
        environment: plan.environment,
        patience: Patience::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stop = Shutdown::new();
        on_signals(&Owner::new(Shutdown::new()), &stop, Interrupt::Stops)?;
        let started = Installation::start(what, clock, |event| say.tell(&event)).await?;
        started.run(&stop, |event| say.tell(&event)).await?;
        if !plan.json {
            aloud("Stopped.");
        }
        Ok(Exit::Done)
    })
}
