//! Every limit of the gateway, with its reason. Those of its listeners (header and idle time, streams, drain) are
//! `runtime::http::listener`'s, as for every process.

use base::limit::{Setting, TextSetting, Unit};
use reliability::overload::client_address::Networks;

/// Connections at once from one network.
pub const NETWORK_CONNECTIONS: Setting = Setting {
    key: "gateway.network_connections",
    unit: Unit::Count,
    default: 1_000,
    min: 8,
    max: 100_000,
    reason: "a call centre, a library or a mobile carrier's gateway is one address for hundreds; a tenth of all connections",
    below: "people behind one address shut each other out",
    above: "one machine takes all connections",
};
/// Time for a whole request.
pub const DEADLINE: Setting = Setting {
    key: "gateway.deadline",
    unit: Unit::Milliseconds,
    default: 12_000,
    min: 1_000,
    max: 60_000,
    reason: "a server's body wait and most of its own deadline; people give up after about 10 s",
    below: "a form on a slow line is cut off",
    above: "people wait for what nobody will answer",
};
/// Time for a whole body.
pub const BODY_TIME: Setting = Setting {
    key: "gateway.body_time",
    unit: Unit::Seconds,
    default: 30,
    min: 1,
    max: 600,
    reason: "64 KB on a bad mobile line (100 kbit/s) take 5 s; an import by staff takes longer",
    below: "people on slow lines cannot book",
    above: "slow senders hold connections that others need",
};
/// Time before a body's rate counts.
pub const BODY_GRACE: Setting = Setting {
    key: "gateway.body_grace",
    unit: Unit::Seconds,
    default: 5,
    min: 1,
    max: 60,
    reason: "a phone that changes from one cell to another is silent for some seconds",
    below: "people on the move are cut off",
    above: "a sender of single bytes holds a connection that long",
};
/// Least bytes a second of a body, after the grace.
pub const BODY_RATE: Setting = Setting {
    key: "gateway.body_rate",
    unit: Unit::Bytes,
    default: 500,
    min: 1,
    max: 100_000,
    reason: "the slowest mobile line in use carries twice that",
    below: "a thousand senders of single bytes (RUDY) hold a thousand connections",
    above: "people on slow lines cannot book",
};
/// Largest body that is kept for a second try, and largest answer that is read before it is passed on.
pub const KEPT_BYTES: Setting = Setting {
    key: "gateway.kept_bytes",
    unit: Unit::Bytes,
    default: 131_072,
    min: 0,
    max: 4_194_304,
    reason: "every form (64 KB at most) and every page fits; what is larger streams through and is tried once",
    below: "a server that dies while it answers cuts a page in the middle",
    above: "memory for each request in flight",
};
/// Bytes of a request's headers.
pub const HEADER_BYTES: Setting = Setting {
    key: "gateway.header_bytes",
    unit: Unit::Bytes,
    default: 16_384,
    min: 4_096,
    max: 262_144,
    reason: "twice what browsers send with all their cookies; ours sets none of size",
    below: "browsers with many cookies are refused",
    above: "header bombs reach the servers",
};
/// Headers of a request.
pub const HEADERS: Setting = Setting {
    key: "gateway.headers",
    unit: Unit::Count,
    default: 64,
    min: 16,
    max: 100,
    reason: "browsers send about 20, proxies add a dozen",
    below: "requests through many proxies are refused",
    above: "header bombs reach the servers",
};
/// Bytes of a request's target.
pub const TARGET_BYTES: Setting = Setting {
    key: "gateway.target_bytes",
    unit: Unit::Bytes,
    default: 4_096,
    min: 512,
    max: 32_768,
    reason: "our longest honest address is below 1 KB",
    below: "long searches are refused",
    above: "every log and cache in between carries it",
};
/// Pause between two questions whether a server is ready.
pub const PROBE_PAUSE: Setting = Setting {
    key: "gateway.probe_pause",
    unit: Unit::Milliseconds,
    default: 150,
    min: 20,
    max: 10_000,
    reason: "with two misses of the probe's time a silent server is known within a second",
    below: "probes are a load of their own",
    above: "people wait for a server that is gone",
};
/// What takes longer is no answer to a probe.
pub const PROBE_TIME: Setting = Setting {
    key: "gateway.probe_time",
    unit: Unit::Milliseconds,
    default: 350,
    min: 50,
    max: 10_000,
    reason: "an answer takes a millisecond; twice this and the pause stay below a second",
    below: "a busy machine looks silent",
    above: "people wait for a server that is gone",
};
/// How long a request waits for a server that does not answer probes.
pub const SILENT_PATIENCE: Setting = Setting {
    key: "gateway.silent_patience",
    unit: Unit::Milliseconds,
    default: 700,
    min: 50,
    max: 10_000,
    reason: "the honest page comes within a second of silence; a server that is merely slow still answers most in that time",
    below: "a busy machine turns people away",
    above: "people look at an empty screen",
};
/// Time to connect to a server.
pub const CONNECT_TIME: Setting = Setting {
    key: "gateway.connect_time",
    unit: Unit::Milliseconds,
    default: 300,
    min: 10,
    max: 10_000,
    reason: "within a data centre it takes a millisecond, and a lost packet is sent again after 200",
    below: "one lost packet is taken for a dead server",
    above: "people wait for a host that is gone",
};
/// Failures in a row after which a server is not used for a while.
pub const EJECT_AFTER: Setting = Setting {
    key: "gateway.eject_after",
    unit: Unit::Count,
    default: 5,
    min: 1,
    max: 1_000,
    reason: "what Envoy takes; one broken connection is news of that connection only",
    below: "a hiccup takes a server out",
    above: "many people meet a broken server",
};
/// How long it is not used, the first time.
pub const EJECT_TIME: Setting = Setting {
    key: "gateway.eject_time",
    unit: Unit::Milliseconds,
    default: 5_000,
    min: 100,
    max: 300_000,
    reason: "a restart takes less; each further time adds as much, up to ten times",
    below: "a broken server is back before it is mended",
    above: "one server carries all for longer than needed",
};
/// How long a server that became ready gets less than its share.
pub const SLOW_START: Setting = Setting {
    key: "gateway.slow_start",
    unit: Unit::Milliseconds,
    default: 5_000,
    min: 0,
    max: 300_000,
    reason: "its caches and connections fill within seconds",
    below: "a cold server gets the whole rush",
    above: "the others stay overloaded",
};
/// Retries as a share of requests.
pub const RETRY_PERCENT: Setting = Setting {
    key: "gateway.retry_percent",
    unit: Unit::Count,
    default: 20,
    min: 0,
    max: 100,
    reason: "per hundred requests, as in Finagle: more would turn a slow server into an overloaded one",
    below: "requests in flight at a dying server fail",
    above: "retries make an overload worse",
};
/// Retries a second that are always allowed, saved up for ten seconds.
pub const RETRIES_SAVED: Setting = Setting {
    key: "gateway.retries_per_second",
    unit: Unit::Count,
    default: 50,
    min: 0,
    max: 10_000,
    reason: "when a server dies all it was answering go to another at once: 500 of them",
    below: "requests in flight at a dying server fail",
    above: "retries make an overload worse",
};
/// Pause between two looks at what is open.
pub const LAST_KNOWN_PAUSE: Setting = Setting {
    key: "gateway.last_known_pause",
    unit: Unit::Seconds,
    default: 30,
    min: 1,
    max: 3_600,
    reason: "an opening sells out in 2 to 30 minutes; it costs a server three requests",
    below: "a load of its own",
    above: "the minimal site shows what has long been full",
};
/// Age beyond which last known openings are not shown any more.
pub const LAST_KNOWN_AGE: Setting = Setting {
    key: "gateway.last_known_age",
    unit: Unit::Seconds,
    default: 3_600,
    min: 60,
    max: 86_400,
    reason: "an hour after the last look a number would be a guess; the clinics are shown without one",
    below: "no openings in a short outage",
    above: "people are sent to clinics that have long been full",
};

/// Requests a second from which on an address is hot.
pub const CACHE_HOT: Setting = Setting {
    key: "gateway.cache_hot",
    unit: Unit::Count,
    default: 20,
    min: 1,
    max: 1_000_000,
    reason: "of fewer a server does not notice anything, and each sees what is so at that instant; 1 keeps whatever may be kept",
    below: "one person may see what was so a second ago",
    above: "a crowd of refreshers reaches the servers",
};
/// Addresses that are counted and kept.
pub const CACHE_ENTRIES: Setting = Setting {
    key: "gateway.cache_entries",
    unit: Unit::Count,
    default: 2_000,
    min: 1,
    max: 100_000,
    reason: "every clinic's times and a search near every ZIP code that people live in; those not asked for lately make room",
    below: "a crowd at many clinics reaches the servers",
    above: "memory: up to `gateway.kept_bytes` each",
};
/// How long it goes on accepting after it was told to end, where no supervisor keeps its socket.
pub const DRAIN_NOTICE: Setting = Setting {
    key: "gateway.drain_notice",
    unit: Unit::Milliseconds,
    default: 0,
    min: 0,
    max: 60_000,
    reason: "`/readyz` says 503 from the first instant; twice the pause of whoever asks it gives them time to send people \
             elsewhere. Under `up` no such time is needed: the next gateway has the same socket",
    below: "no such span",
    above: "a restart takes longer",
};

fn check(text: &str) -> Result<(), String> {
    Networks::parse(text).map(|_| ())
}

/// The proxies in front of us, whose word on who asks counts.
pub const PROXIES: TextSetting = TextSetting {
    key: "gateway.proxies",
    characters_max: 1_000,
    check,
    expected: "addresses or networks with commas between: `127.0.0.1, 10.0.0.0/8`; each must add to `X-Forwarded-For`",
    absent: "the address of the connection counts",
    reason: "limits count by network: behind a proxy that is not named, everybody is one",
    secret: false,
};

fn check_proxy_protocol(text: &str) -> Result<(), String> {
    (text == "v2")
        .then_some(())
        .ok_or_else(|| format!("expected `v2` or nothing, not {text:?}"))
}

/// Whether each connection begins with what a proxy says of it.
pub const PROXY_PROTOCOL: TextSetting = TextSetting {
    key: "gateway.proxy_protocol",
    characters_max: 8,
    check: check_proxy_protocol,
    expected: "`v2` where every connection comes from a proxy of `gateway.proxies` and begins with a PROXY header",
    absent: "connections begin with a request",
    reason: "a proxy that passes on TLS unread has no other way to say who asks; never guessed, since anybody could then say so",
    secret: false,
};

fn check_path(text: &str) -> Result<(), String> {
    (!text.contains('\0'))
        .then_some(())
        .ok_or_else(|| "expected a path".to_owned())
}

/// The certificate.
pub const TLS_CERTIFICATE: TextSetting = TextSetting {
    key: "tls.certificate",
    characters_max: 4_096,
    check: check_path,
    expected: "the PEM file of the certificate and those above it, relative to the data folder",
    absent: "the gateway speaks HTTP without TLS",
    reason: "with one the gateway can stand on the Internet by itself; read again when it changes, and on SIGHUP",
    secret: false,
};

/// Its key.
pub const TLS_KEY: TextSetting = TextSetting {
    key: "tls.key",
    characters_max: 4_096,
    check: check_path,
    expected: "the PEM file of the certificate's private key, relative to the data folder",
    absent: "the gateway speaks HTTP without TLS",
    reason: "belongs to `tls.certificate`; only its path stands here",
    secret: false,
};

/// Time for TLS to come about.
pub const TLS_TIME: Setting = Setting {
    key: "tls.handshake_time",
    unit: Unit::Seconds,
    default: 5,
    min: 1,
    max: 60,
    reason: "two round trips on a bad mobile line take two seconds",
    below: "phones on bad networks are cut off",
    above: "few connections that say nothing hold places that others need",
};

/// All texts of this crate.
pub const TEXTS: &[&TextSetting] = &[&PROXIES, &PROXY_PROTOCOL, &TLS_CERTIFICATE, &TLS_KEY];

/// All settings of this crate.
pub const ALL: &[&Setting] = &[
    &NETWORK_CONNECTIONS,
    &DEADLINE,
    &BODY_TIME,
    &BODY_GRACE,
    &BODY_RATE,
    &KEPT_BYTES,
    &HEADER_BYTES,
    &HEADERS,
    &TARGET_BYTES,
    &PROBE_PAUSE,
    &PROBE_TIME,
    &SILENT_PATIENCE,
    &CONNECT_TIME,
    &EJECT_AFTER,
    &EJECT_TIME,
    &SLOW_START,
    &RETRY_PERCENT,
    &RETRIES_SAVED,
    &LAST_KNOWN_PAUSE,
    &LAST_KNOWN_AGE,
    &CACHE_HOT,
    &CACHE_ENTRIES,
    &DRAIN_NOTICE,
    &TLS_TIME,
];
