//! The `Evenkeel-Edge` header: what a gateway tells a server of a request, and by which the server knows that it came
//! through the gateway. Keyed, and good for five seconds: whoever reaches a server's port without the key is refused.
//!
//! The key is a file of its own in the data folder (mode 0600), derived from nothing: a gateway has no business with the
//! keys that open people's data.

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::entropy::Entropy;
use crate::secret::{KeyError, operator_token, same_secret};

/// The header's name.
pub const EDGE: &str = "evenkeel-edge";
/// The key's file, in the data folder.
const FILE: &str = "edge.key";
/// A header that is older, or is of a clock that is further ahead, counts for nothing.
const AGE_MAX: Duration = Duration::from_secs(5);
const VERSION: &str = "1";

/// The key that gateways and servers of one installation share.
#[derive(Clone)]
pub struct EdgeKey(Arc<Zeroizing<String>>);

/// What a gateway says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Who asks.
    pub client: IpAddr,
    /// How long an answer is worth something.
    pub left: Duration,
}

impl EdgeKey {
    /// The installation's, made on first use.
    pub fn open_or_create(data: &Path, entropy: &Entropy) -> Result<Self, KeyError> {
        let text = operator_token(&data.join(FILE), entropy)?;
        if text.len() < 32 {
            let source = io::Error::new(io::ErrorKind::InvalidData, "shorter than a key");
            return Err(KeyError::Io {
                path: data.join(FILE),
                source,
            });
        }
        Ok(Self(Arc::new(text)))
    }

    fn mark(&self, said: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(b"evenkeel/edge/");
        mac.update(said.as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// The header's value.
    pub fn seal(&self, edge: &Edge, now: Timestamp) -> String {
        let millis = now.micros() / 1000;
        let said = format!("{VERSION};{millis};{};{}", edge.client, edge.left.as_millis());
        let mark = self.mark(&said);
        format!("{said};{mark}")
    }

    /// What the value says, if a gateway of ours wrote it just now.
    pub fn open(&self, value: &str, now: Timestamp) -> Option<Edge> {
        let (said, mark) = value.rsplit_once(';')?;
        if !same_secret(mark, &self.mark(said)) {
            return None;
        }
        let mut parts = said.split(';');
        let (version, millis, client, left) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let apart = (now.micros() / 1000).abs_diff(millis.parse::<i64>().ok()?);
        let is_now = u128::from(apart) <= AGE_MAX.as_millis();
        (version == VERSION && parts.next().is_none() && is_now).then_some(())?;
        Some(Edge {
            client: client.parse().ok()?,
            left: Duration::from_millis(left.parse().ok()?),
        })
    }
}
