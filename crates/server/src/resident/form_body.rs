//! What a browser sends: names and values of a form or of an address. Bytes that are no UTF-8 are replaced and control
//! characters dropped, so that whatever comes can be shown again beside its field.

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use base::limit::Settings;
use http::request::Parts;

use super::page;
use crate::app::App;
use crate::limit::{BODY_BYTES, BODY_WAIT};

/// Names and values in the order they came; a name may come several times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

/// Names and values that one form may have: our largest has about thirty.
const PAIRS_MAX: usize = 200;

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(text: &[u8]) -> Self {
        let pairs = text
            .split(|byte| *byte == b'&')
            .filter(|part| !part.is_empty())
            .take(PAIRS_MAX)
            .map(|part| {
                let cut = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
                (decoded(&part[..cut]), decoded(part.get(cut + 1..).unwrap_or_default()))
            })
            .collect();
        Self { pairs }
    }

    /// A value, or an empty text.
    pub fn get(&self, name: &str) -> &str {
        self.pairs
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Whether the name came at all.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// All values of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Names with this beginning: the rest of the name, and the value.
    pub fn beginning<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }
}

fn decoded(bytes: &[u8]) -> String {
    let spaced: Vec<u8> = bytes
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let text = percent_encoding::percent_decode(&spaced)
        .decode_utf8_lossy()
        .into_owned();
    text.chars().filter(|c| !c.is_control()).collect()
}

/// An address's query.
#[derive(Debug, Clone)]
pub struct Query(pub Form);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Form::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// A form's body.
#[derive(Debug, Clone)]
pub struct Sent(pub Form);

impl FromRequest<App> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let settings = app.engine().settings();
        let clock = app.engine().clock().clone();
        tokio::select! {
            taken = take(request.into_body(), settings) => taken.ok_or_else(|| page::too_large(app)),
            () = clock.sleep(settings.duration(&BODY_WAIT)) => Err(page::too_slow(app)),
        }
    }
}

async fn take(body: Body, settings: &Settings) -> Option<Sent> {
    let bytes = axum::body::to_bytes(body, settings.get(&BODY_BYTES) as usize)
        .await
        .ok()?;
    Some(Sent(Form::parse(&bytes)))
}
