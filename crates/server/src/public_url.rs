//! Pure. The address under which people reach this installation. Links come from it alone, never from a Host header;
//! a request for another host is none of ours.

use std::fmt;

use http::uri::Authority;

/// A checked public address: scheme and authority, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host: String,
    port: u16,
    https: bool,
}

/// The text is not an address we can build links from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrlError {
    text: String,
}

impl fmt::Display for PublicUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a public address: expected http://HOST[:PORT] or https://HOST[:PORT] without a path",
            self.text
        )
    }
}

impl std::error::Error for PublicUrlError {}

impl PublicUrl {
    /// Reads `https://HOST[:PORT]`; a single slash at the end is forgiven.
    pub fn parse(text: &str) -> Result<Self, PublicUrlError> {
        let wrong = || PublicUrlError { text: text.to_owned() };
        let trimmed = text.strip_suffix('/').unwrap_or(text);
        let (https, authority) = if let Some(rest) = trimmed.strip_prefix("https://") {
            (true, rest)
        } else {
            (false, trimmed.strip_prefix("http://").ok_or_else(wrong)?)
        };
        let default_port = if https { 443 } else { 80 };
        let (host, port) = split_authority(authority).ok_or_else(wrong)?;
        Ok(Self {
            origin: trimmed.to_ascii_lowercase(),
            host: host.to_ascii_lowercase(),
            port: port.unwrap_or(default_port),
            https,
        })
    }

    /// `https://HOST[:PORT]`, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host alone: what ids are unique at.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether people come by https: then cookies are `Secure`.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the address works on this machine only.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// A link to a path of ours, which begins with a slash.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Whether a request for this authority is for us. On loopback every loopback name with our port is.
    pub fn answers_to(&self, authority: &str) -> bool {
        // What browsers send is what links say; anything else is taken apart.
        if self.origin.split_once("://").is_some_and(|(_, ours)| ours == authority) {
            return true;
        }
        let Some((host, port)) = split_authority(authority) else {
            return false;
        };
        let port = port.unwrap_or(if self.https { 443 } else { 80 });
        if port != self.port {
            return false;
        }
        host.eq_ignore_ascii_case(&self.host) || (self.is_loopback() && is_loopback(&host))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

/// Host and port of an authority; `None` when it is not one, or names a user.
fn split_authority(authority: &str) -> Option<(String, Option<u16>)> {
    let parsed: Authority = authority.parse().ok()?;
    // A port that is there and not a number must not pass for no port at all.
    let port_text = parsed.as_str().strip_prefix(parsed.host())?.strip_prefix(':');
    if port_text.is_some() && parsed.port_u16().is_none() {
        return None;
    }
    Some((parsed.host().to_owned(), parsed.port_u16()))
}

fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}
