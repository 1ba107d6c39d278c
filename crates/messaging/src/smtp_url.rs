//! Pure. Where mail is handed in, as one line of configuration: `smtp://[USER@]HOST[:PORT]` asks for STARTTLS and goes no
//! further without, `smtps://…` is TLS from the first byte, `smtp+plain://…` is neither. A password never stands here.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;

/// Longest URL: a host's 253 characters, a user's 64, and the rest.
pub const CHARACTERS_MAX: usize = 400;

/// How the line is kept from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Plain first, then TLS on the same connection (RFC 3207), or nothing is sent.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
    /// Not at all: for a relay on this machine or on a line of its own.
    Plain,
}

/// A checked address of a mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    /// How.
    pub security: Security,
    /// Whom to sign in as, if anyone.
    pub user: Option<String>,
    /// A name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl SmtpUrl {
    /// Reads the line; the error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected =
            || "expected smtp://[USER@]HOST[:PORT], smtps://… or smtp+plain://…, without a password".to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(expected)?;
        let (security, port) = match scheme {
            "smtp" => (Security::StartTls, 587),
            "smtps" => (Security::Tls, 465),
            "smtp+plain" => (Security::Plain, 25),
            _ => return Err(expected()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            None => (None, rest),
            Some((user, _)) if user.contains(':') => {
                return Err("a password does not belong here: put it into DATA/keys/mail.password (mode 0600)".into());
            }
            Some((user, place)) => {
                let user = percent_decode_str(user).decode_utf8().map_err(|_| expected())?;
                (Some(user.into_owned()), place)
            }
        };
        let (host, port) = split_port(place, port).ok_or_else(expected)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || host.len() > 253 || !host.chars().all(plain) {
            return Err(expected());
        }
        let url = Self {
            security,
            user: user.filter(|user| !user.is_empty()),
            host: host.to_owned(),
            port,
        };
        if url.security == Security::Plain && url.user.is_some() && !url.is_loopback() {
            return Err("a password would cross the line in the clear: use smtp:// or smtps:// to sign in".to_owned());
        }
        Ok(url)
    }

    /// Whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Host and port; an IPv6 address stands in brackets.
fn split_port(place: &str, default: u16) -> Option<(&str, u16)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match port.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None => port.is_empty().then_some((host, default)),
        };
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((place, default)),
    }
}
