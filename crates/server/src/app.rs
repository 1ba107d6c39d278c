//! What every door holds: the engine, the resident's handle on it, the public address, and the answers kept ready.
//! Cheap to clone. Holds no state that a restart would miss.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use base::time::Timestamp;
use booking::engine::{Ask, Engine, KeyedRequest, Render};
use booking::role::resident::Resident;
use runtime::http::edge::EdgeKey;

use crate::api::bulk_publish::Publisher;
use crate::api::ready_answer::ReadyAnswers;
use crate::limit::{AVAILABILITY_AGE, DEADLINE, PROXIES};
use crate::public_url::PublicUrl;
use crate::request::arrival::Arrived;
use crate::request::client_network::Proxies;
use crate::request::edge;
use crate::resident::guess_limit::GuessLimit;
use crate::resident::home::Counted;

/// The state of the router.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    resident: Resident,
    public_url: PublicUrl,
    rehearsal: bool,
    ready_answers: ReadyAnswers,
    publisher: Publisher,
    counted: Counted,
    demo_mail: OnceLock<PathBuf>,
    guesses: GuessLimit,
    proxies: Proxies,
    edge: OnceLock<EdgeKey>,
}

impl App {
    /// Doors to `engine` for people who come by `public_url`. `rehearsal`: the clock may be shifted, and every page
    /// says so.
    pub fn new(engine: Engine, public_url: PublicUrl, rehearsal: bool) -> Self {
        let inner = Inner {
            resident: Resident::new(engine.clone()),
            ready_answers: ReadyAnswers::new(engine.settings()),
            publisher: Publisher::default(),
            counted: Counted::default(),
            demo_mail: OnceLock::new(),
            guesses: GuessLimit::default(),
            proxies: Proxies::new(engine.settings().text(&PROXIES)),
            edge: OnceLock::new(),
            engine,
            public_url,
            rehearsal,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The booking engine.
    pub fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// All that a resident may do.
    pub fn resident(&self) -> &Resident {
        &self.inner.resident
    }

    /// Where links begin.
    pub fn public_url(&self) -> &PublicUrl {
        &self.inner.public_url
    }

    /// Whether this process was started to be tried out, with a clock that may be shifted.
    pub fn is_rehearsal(&self) -> bool {
        self.inner.rehearsal
    }

    /// Names the folder of a demonstration's mail, once.
    pub fn set_demo_mail(&self, folder: PathBuf) {
        let _ = self.inner.demo_mail.set(folder);
    }

    /// The folder of a demonstration's mail, where there is one.
    pub fn demo_mail(&self) -> Option<&Path> {
        self.inner.demo_mail.get().map(PathBuf::as_path)
    }

    /// The finding calls' answers, kept ready.
    pub fn ready_answers(&self) -> &ReadyAnswers {
        &self.inner.ready_answers
    }

    /// The bulk publication.
    pub fn publisher(&self) -> &Publisher {
        &self.inner.publisher
    }

    /// What the first page counts.
    pub fn counted(&self) -> &Counted {
        &self.inner.counted
    }

    /// What slows tries at codes.
    pub fn guesses(&self) -> &GuessLimit {
        &self.inner.guesses
    }

    /// The proxies in front of us.
    pub fn proxies(&self) -> &Proxies {
        &self.inner.proxies
    }

    /// From now on only what comes through a gateway with this key is answered.
    pub fn behind_gateway(&self, key: EdgeKey) {
        let _ = self.inner.edge.set(key);
    }

    /// The key of the gateway before us, where there is one.
    pub fn edge(&self) -> Option<&EdgeKey> {
        self.inner.edge.get()
    }

    /// Whether the snapshot is young enough to say what is free. If not, the answer is "cannot tell".
    pub fn can_tell(&self) -> bool {
        self.can_tell_at(self.engine().clock().now(), self.engine().as_of())
    }

    /// The same for a snapshot that was current at `as_of`.
    pub fn can_tell_at(&self, now: Timestamp, as_of: Timestamp) -> bool {
        now.since(as_of) <= self.engine().settings().duration(&AVAILABILITY_AGE)
    }

    /// The envelope of a command whose request arrived just now.
    pub fn ask(&self, key: Option<KeyedRequest>, render: Render) -> Ask {
        self.ask_since(Arrived(self.engine().clock().now()), key, render)
    }

    /// The envelope of a command: when its request arrived, and how long from now an answer is worth something.
    pub fn ask_since(&self, arrived: Arrived, key: Option<KeyedRequest>, render: Render) -> Ask {
        Ask {
            arrived: arrived.0,
            deadline: edge::within(self.engine().settings().duration(&DEADLINE)),
            key,
            render,
        }
    }
}
