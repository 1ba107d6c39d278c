//! The idempotency key of a request, and the scope in which it counts: method, route, id in the path, and who holds
//! the credential (hashed). The same key elsewhere is another key.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use booking::engine::KeyedRequest;
use http::HeaderMap;
use http::request::Parts;
use sha2::{Digest, Sha256};

use crate::answer::AskError;
use crate::limit::{KEY_CHARACTERS_MAX, KEY_CHARACTERS_MIN};

/// The header's name.
pub const HEADER: &str = "idempotency-key";

/// A key as it was sent: 16 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Checks a key's shape.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (KEY_CHARACTERS_MIN..=KEY_CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }

    /// The key of a request, if it carries one; several are malformed, as nobody can say which counts.
    fn of(headers: &HeaderMap) -> Result<Option<Self>, AskError> {
        let mut values = headers.get_all(HEADER).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(Self::parse)
                .map(Some)
                .ok_or(AskError::KeyMissing),
            (Some(_), Some(_)) => Err(AskError::Malformed {
                detail: "There is more than one Idempotency-Key header. Send one.".into(),
                errors: Vec::new(),
            }),
        }
    }

    /// The key in its scope. `route` is method and template (`POST /api/v1/holds/{id}/extend`), `id` the part of the
    /// path that is filled in, `credential` what came behind `Bearer`.
    pub fn within(self, route: &str, id: &str, credential: Option<&str>, body: &[u8]) -> KeyedRequest {
        let mut scope = Sha256::new();
        for part in [route, id] {
            scope.update((part.len() as u64).to_be_bytes());
            scope.update(part);
        }
        if let Some(credential) = credential {
            scope.update(Sha256::digest(credential));
        }
        KeyedRequest {
            scope: scope.finalize().to_vec(),
            key: self.0,
            body_hash: Sha256::digest(body).into(),
        }
    }
}

/// Required: every POST.
impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = AskError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::of(&parts.headers)?.ok_or(AskError::KeyMissing)
    }
}

/// Optional: DELETE.
impl<S: Sync> OptionalFromRequestParts<S> for IdempotencyKey {
    type Rejection = AskError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Self::of(&parts.headers)
    }
}
