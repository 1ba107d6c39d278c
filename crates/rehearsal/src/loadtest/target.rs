//! Where a load test aims. Keeps that it aims at this machine alone unless somebody says by name that the site is theirs:
//! a slip of the keyboard must not take down another site. The addresses are looked up once, so that what was allowed
//! is what is asked.

use std::net::SocketAddr;

use hyper::Uri;

/// The port of plain HTTP.
const HTTP: u16 = 80;

/// A site that may be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As it was given.
    pub url: String,
    /// What requests name as their host.
    pub authority: String,
    /// What a visitor of pages opens.
    pub path: String,
    /// Where it answers.
    pub addresses: Vec<SocketAddr>,
}

/// A site that is not loaded.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NoTarget {
    /// No URL of ours.
    #[error("{0}: expected a URL such as http://127.0.0.1:8080")]
    NotAUrl(String),
    /// TLS.
    #[error("{0}: only http; aim at the listener behind TLS, whose cost is not ours to measure")]
    NotPlain(String),
    /// Its name leads nowhere.
    #[error("{host}: {cause}")]
    Unknown {
        /// Which name.
        host: String,
        /// What was said.
        cause: String,
    },
    /// Another machine, and nobody said that it is theirs.
    #[error(
        "{host} is {address}, not this machine: a load test takes a site down for everybody. If it is yours, and \
         whoever looks after it knows, say --i-own-this-site {host}"
    )]
    NotOurs {
        /// Which name.
        host: String,
        /// Where it leads.
        address: SocketAddr,
    },
}

impl Target {
    /// The site at this URL. `owned` is the host that the caller says is theirs.
    pub async fn find(url: &str, owned: Option<&str>) -> Result<Self, NoTarget> {
        let parts = Parts::of(url)?;
        let unknown = |cause: String| NoTarget::Unknown {
            host: parts.host.clone(),
            cause,
        };
        let found = tokio::net::lookup_host((parts.host.as_str(), parts.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(|error| unknown(error.to_string()))?.collect();
        if addresses.is_empty() {
            return Err(unknown("has no address".to_owned()));
        }
        parts.allowed(&addresses, owned)?;
        Ok(Self {
            url: url.to_owned(),
            authority: parts.authority,
            path: parts.path,
            addresses,
        })
    }
}

/// What a URL says.
#[derive(Debug, PartialEq, Eq)]
pub struct Parts {
    /// The host, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Host and port as a request says them.
    pub authority: String,
    /// The path, at least `/`.
    pub path: String,
}

impl Parts {
    /// Takes a URL apart.
    pub fn of(url: &str) -> Result<Self, NoTarget> {
        let wrong = || NoTarget::NotAUrl(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(NoTarget::NotPlain(url.to_owned())),
            _ => return Err(wrong()),
        }
        let authority = uri.authority().ok_or_else(wrong)?;
        // A name and password would be sent nowhere, so that they must not be given.
        if authority.as_str().contains('@') {
            return Err(wrong());
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            host,
            port: uri.port_u16().unwrap_or(HTTP),
            authority: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }

    /// Whether a site with these addresses may be loaded: each is this machine's own, or its host was named as owned.
    pub fn allowed(&self, addresses: &[SocketAddr], owned: Option<&str>) -> Result<(), NoTarget> {
        let elsewhere = addresses
            .iter()
            .find(|address| !address.ip().to_canonical().is_loopback());
        match elsewhere {
            Some(address) if owned != Some(self.host.as_str()) => Err(NoTarget::NotOurs {
                host: self.host.clone(),
                address: *address,
            }),
            _ => Ok(()),
        }
    }
}
