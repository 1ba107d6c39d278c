//! The one id in a path. What is not even text names nothing, like an id that nobody has: the answer is the same, also
//! to somebody without a credential.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

use crate::limit::ID_CHARACTERS_MAX;

/// The id as it was sent, at most 64 characters; empty, which is nobody's id, when it cannot be one.
#[derive(Debug, Clone)]
pub struct PathId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for PathId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if id.len() <= ID_CHARACTERS_MAX => Ok(Self(id)),
            _ => Ok(Self(String::new())),
        }
    }
}
