//! Where an installation's backups go, out of its configuration and the environment; and the bar and the signals of a
//! command that works on them for long.

use std::io::{IsTerminal, stderr};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use base::limit::Settings;
use booking::exchange::backup::{ENDING, Step};
use booking::limit::backup as limit;
use indicatif::{ProgressBar, ProgressStyle};
use runtime::clock::Clock;
use runtime::destination::object_storage::Access;
use runtime::destination::{Destination, DestinationError, Place};
use runtime::shutdown::{Interrupt, Shutdown, on_signals};
use runtime::task::Owner;
use zeroize::Zeroizing;

use crate::configuration;
use crate::exit::{Exit, Usage};

/// The configured place for backups.
pub struct Storage {
    /// Numbers in force.
    pub settings: Settings,
    /// Where they are kept.
    pub destination: Destination,
    /// What takes them further.
    pub command: Option<String>,
    /// For other places of the same kind.
    pub access: Access,
}

impl Storage {
    /// Reads `DATA/evenkeel.toml` and the environment. Without a destination it is `DATA/backups`, made here.
    pub fn of(data: &Path) -> anyhow::Result<Self> {
        let settings = configuration::load(data)?;
        let access = access(&settings);
        let destination = if let Some(text) = settings.given(&limit::DESTINATION) {
            in_folder(text, &access).map_err(|error| Usage(error.to_string()))?
        } else {
            let folder = data.join("backups");
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
            made.map_err(|source| anyhow::anyhow!("{}: {source}", folder.display()))?;
            Place::folder(&folder).destination
        };
        Ok(Self {
            destination,
            command: settings.given(&limit::COMMAND).map(str::to_owned),
            settings,
            access,
        })
    }

    /// What a person should know once about where backups go, if it is not good.
    pub fn warning(&self, data: &Path) -> Option<String> {
        (self.command.is_none() && self.destination.is_on_disk_of(data)).then(|| {
            format!(
                "Backups go to {}, on the same disk as the data, and are lost with it. Name another place: \
                 backup.destination or backup.command in {}/evenkeel.toml.",
                self.destination,
                data.display()
            )
        })
    }
}

/// A configured destination is a folder or a prefix, never one file; it may be away for now.
fn in_folder(text: &str, access: &Access) -> Result<Destination, DestinationError> {
    if !text.contains("://") && !Path::new(text).is_absolute() {
        return Err(DestinationError {
            place: format!("{} = {text:?}", limit::DESTINATION.key),
            cause: format!("expected {}", limit::DESTINATION.expected),
        });
    }
    let folder = if text.contains("://") || text.ends_with('/') {
        text.to_owned()
    } else {
        format!("{text}/")
    };
    Ok(Place::named(&folder, ENDING, access)?.destination)
}

/// The credentials of object storage: what the file says, else the names that every tool of Amazon's reads.
pub fn access(settings: &Settings) -> Access {
    let of = |setting, names: &[&str]| {
        let said = settings.given(setting).map(str::to_owned);
        said.or_else(|| names.iter().find_map(|name| variable(name)))
    };
    Access {
        endpoint: of(&limit::S3_ENDPOINT, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
        region: of(&limit::S3_REGION, &["AWS_REGION", "AWS_DEFAULT_REGION"]),
        access_key: of(&limit::S3_ACCESS_KEY, &["AWS_ACCESS_KEY_ID"]),
        secret_key: of(&limit::S3_SECRET_KEY, &["AWS_SECRET_ACCESS_KEY"]).map(Zeroizing::new),
        session_token: variable("AWS_SESSION_TOKEN").map(Zeroizing::new),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command line is where the environment is read"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Refuses root on somebody else's data: the files it would make could not be replaced by their owner afterwards.
pub fn refuse_foreign_root(data: &Path) -> anyhow::Result<()> {
    let owner = data.metadata()?.uid();
    if nix::unistd::geteuid().is_root() && owner != 0 {
        let hint = format!("run it as that one, such as: sudo -u '#{owner}' evenkeel …");
        return Err(Usage(format!("{} belongs to user {owner}: {hint}", data.display())).into());
    }
    Ok(())
}

/// After it was asked to stop, work that sends or fetches gets this long; what it leaves is cleared by the next.
const LAST_RESORT: Duration = Duration::from_secs(1);

/// Work that takes long: seen by a person on a terminal, ended by Ctrl-C or SIGTERM.
pub struct LongWork {
    bar: ProgressBar,
    stop: Shutdown,
    step: Option<Step>,
    /// Hears the signals.
    _signals: tokio::runtime::Runtime,
}

impl LongWork {
    /// From now on signals ask it to stop.
    pub fn new(json: bool) -> anyhow::Result<Self> {
        let signals = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let stop = Shutdown::new();
        {
            let _inside = signals.enter();
            let owner = Owner::new(Shutdown::new());
            on_signals(&owner, &stop, Interrupt::Stops)?;
            let asked = stop.wait();
            owner.spawn("last resort", async move {
                asked.await;
                Clock::real().sleep(LAST_RESORT).await;
                eprintln!("evenkeel: stopped");
                end_at_once();
            });
        }
        let bar = if json || !stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        Ok(Self {
            bar,
            stop,
            step: None,
            _signals: signals,
        })
    }

    /// Shows how far it is; says whether to go on.
    pub fn watch(&mut self, step: Step, done: u64, total: u64) -> ControlFlow<()> {
        if self.step.replace(step) != Some(step) {
            self.bar.set_style(style(step));
            self.bar.set_message(step.text());
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
        if self.stop.requested() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Whether somebody asked it to stop.
    pub fn stop(&self) -> &Shutdown {
        &self.stop
    }

    /// Takes the bar away, so that something can be said.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(step: Step) -> ProgressStyle {
    let template = match step {
        Step::CopyingRows | Step::Comparing => "{msg:10} {wide_bar} {human_pos}/{human_len} rows",
        Step::Copying | Step::Packing | Step::Checking | Step::Unpacking => "{msg:10} {wide_bar} {bytes}/{total_bytes}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[expect(
    clippy::disallowed_methods,
    reason = "only the command line decides how a process ends; no file has its name before it is whole"
)]
fn end_at_once() {
    std::process::exit(Exit::Failed as i32);
}

/// `8.1 MB`.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// `45 s`, `12 min`, `3 h 12 min`, `5 days`.
pub fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        seconds => format!("{} days", seconds / 86_400),
    }
}
