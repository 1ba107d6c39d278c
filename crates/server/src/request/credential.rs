//! The credential of the resource that the URL names: `Authorization: Bearer …`. Whether it fits is the engine's to
//! say; here only whether one came at all.

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::answer::AskError;
use crate::limit::CREDENTIAL_CHARACTERS_MAX;

/// What stood behind `Bearer`. Never printed.
#[derive(Clone)]
pub struct Credential(String);

impl Credential {
    /// The one credential of a request; none, several or another scheme is `unauthorized`.
    pub fn of(headers: &HeaderMap) -> Result<Self, AskError> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(AskError::Unauthorized);
        };
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim_matches(' '))
            .filter(|token| (1..=CREDENTIAL_CHARACTERS_MAX).contains(&token.len()) && !token.contains(' '))
            .ok_or(AskError::Unauthorized)?;
        Ok(Self(token.to_owned()))
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}

impl<S: Sync> FromRequestParts<S> for Credential {
    type Rejection = AskError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::of(&parts.headers)
    }
}
