//! One server process from start to end: engine, public doors, internal doors, drain. Owns the order of these things;
//! whoever calls it owns the arguments and the signals.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use booking::engine::{self, Engine, StartError};
use booking::reconciler::backup::{self, Backups};
use booking::reconciler::message_delivery::Delivery;
use runtime::http::edge::EdgeKey;
use runtime::http::listener::{self, Listener};
use runtime::http::metrics::Metrics;
use runtime::http::operator::Operator;
use runtime::http::trace::Trace;
use runtime::secret::{KeyError, operator_token};
use runtime::shutdown::Shutdown;

use crate::app::App;
use crate::public_url::PublicUrl;
use crate::resident::jurisdiction;
use crate::{backup_metrics, engine_metrics, internal, message, route};

/// The file with the operator's token, in the data folder.
const OPERATOR_TOKEN: &str = "operator.token";
/// The folder of a demonstration's mail, in the data folder.
const DEMO_MAIL: &str = "demo-mail";
/// The folder of keys, in the data folder.
const KEYS: &str = "keys";
/// What the engine's threads get after the last request has been answered: they finish a batch, which takes
/// milliseconds. With the listener's drain time the process is gone two seconds after it was asked.
const ENGINE_STOP: Duration = Duration::from_millis(400);

/// What a server needs to start.
pub struct Start {
    /// The data folder.
    pub data: PathBuf,
    /// Bound, perhaps inherited: the door for people and programs.
    pub public: TcpListener,
    /// Where people come from. `None`: by the address of `public`, which then must be loopback.
    pub public_url: Option<PublicUrl>,
    /// The engine's share.
    pub engine: engine::Start,
    /// Who makes backups when they are due; nobody, when another server does.
    pub backup: Option<backup::Plan>,
    /// The clock may be shifted, and every page says so.
    pub rehearsal: bool,
    /// Only what comes through the installation's gateway is answered.
    pub behind_gateway: bool,
    /// Asked when the process should end.
    pub shutdown: Shutdown,
}

/// Where a started server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The public address, with the real port.
    pub public: String,
    /// The internal listener's address.
    pub internal: String,
}

/// The server could not start, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The engine did not start.
    #[error(transparent)]
    Engine(#[from] engine::StartError),
    /// A socket did not do.
    #[error("a socket cannot be used: {0}")]
    Socket(#[from] io::Error),
    /// The operator's token cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// On an address that others reach, links need a name.
    #[error("{address} is reachable from other machines: say under which address people come, with --public-url")]
    PublicUrlMissing {
        /// Where it listens.
        address: std::net::SocketAddr,
    },
    /// The engine asked to stop by itself: its name was taken over.
    #[error("another live server has this server's name: this one has stopped")]
    NameLost,
}

/// Serves until asked to stop, then drains. `ready` is called once the doors are open.
pub async fn run(start: Start, ready: impl FnOnce(&Ready)) -> Result<(), ServerError> {
    let Start {
        data,
        public,
        public_url,
        engine,
        backup,
        rehearsal,
        behind_gateway,
        shutdown,
    } = start;
    listener::raise_file_limit();
    let (clock, entropy, settings) = (engine.clock.clone(), engine.entropy.clone(), engine.settings.clone());
    let public_url = public_url.map_or_else(|| loopback_url(&public), Ok)?;
    let operator = Operator::new(operator_token(&data.join(OPERATOR_TOKEN), &entropy)?);
    let engine = Engine::start(engine)?;
    for language in jurisdiction::languages_without_words(&engine.rules().jurisdiction().languages) {
        tracing::warn!(
            language,
            "the jurisdiction lists a language that there are no words for: pages are not in it"
        );
    }
    let metrics = Metrics::new(&clock);
    engine_metrics::register(&engine, &metrics);
    if let Some(plan) = backup {
        let backups = Backups::start(plan, &settings, &clock, engine.owner()).map_err(StartError::Thread)?;
        backup_metrics::register(&backups, &metrics);
    }
    let trace = Trace::new(clock.clone(), entropy.clone(), &settings, &metrics);
    let app = App::new(engine.clone(), public_url, rehearsal);
    if behind_gateway {
        app.behind_gateway(EdgeKey::open_or_create(&data, &entropy)?);
    }
    deliver(&app, &data)?;
    let public = Listener::new(public, &settings, &clock)?;
    let internal = Listener::new(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, &settings, &clock)?;
    ready(&Ready {
        public: app.public_url().origin().to_owned(),
        internal: format!("http://{}", internal.local_address()?),
    });
    let stop = Shutdown::new();
    let engine_stops = engine.owner().shutdown().clone();
    let asked = async {
        let by_itself = tokio::select! {
            () = shutdown.wait() => false,
            () = engine_stops.wait() => true,
        };
        stop.request();
        by_itself
    };
    let (by_itself, cut, _) = tokio::join!(
        asked,
        public.serve(route::router(app.clone(), trace.clone()), &stop),
        internal.serve(internal::router(app, metrics, operator, trace), &stop),
    );
    let unfinished = engine.owner().stop_and_join(ENGINE_STOP).await;
    tracing::info!(connections_cut = cut, ?unfinished, "the server has stopped");
    if by_itself { Err(ServerError::NameLost) } else { Ok(()) }
}

/// From now on messages go out. Where none does, the log says so once.
fn deliver(app: &App, data: &Path) -> Result<(), engine::StartError> {
    let demo_folder = data.join(DEMO_MAIL);
    app.set_demo_mail(demo_folder.clone());
    let composer = app.clone();
    let delivery = Delivery {
        keys: data.join(KEYS),
        demo_folder,
        host: app.public_url().host().to_owned(),
        compose: Arc::new(move |letter| message::compose(&composer, letter)),
    };
    app.engine().deliver(delivery)?;
    if !app.engine().sends_mail() {
        tracing::warn!("no mail goes out and no page promises one: mail.smtp_url is not set");
    }
    Ok(())
}

/// The address that people on this machine use.
fn loopback_url(public: &TcpListener) -> Result<PublicUrl, ServerError> {
    let address = public.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(ServerError::PublicUrlMissing { address });
    }
    PublicUrl::parse(&format!("http://{address}")).map_err(|_| ServerError::PublicUrlMissing { address })
}
