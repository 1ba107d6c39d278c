//! How a page asks the engine: the same commands, keys and kept answers as the API, so that one press of a button has
//! one effect however often it arrives.

use base::answer::Fault;
use booking::engine::{Ask, KeyedRequest, Reply};
use http::StatusCode;
use serde::Deserialize;

use super::form_body::Form;
use crate::answer::{self, Shape};
use crate::api::problem::FieldError;
use crate::app::App;
use crate::request::arrival::Arrived;
use crate::request::idempotency_key::IdempotencyKey;

/// What became of a command.
#[derive(Debug)]
pub enum Outcome {
    /// Done: the API's answer.
    Done(serde_json::Value),
    /// The rules say no.
    Refused(Refused),
    /// These fields do not do.
    Invalid(Vec<FieldError>),
    /// The link opens nothing.
    NotFound,
    /// The world failed.
    Failed(Fault),
    /// We did.
    Bug,
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its public code.
    pub code: &'static str,
    /// From when on it would do: YYYY-MM-DD.
    pub earliest: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ProblemBody {
    earliest: Option<String>,
    errors: Vec<ErrorBody>,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    field: String,
    expected: String,
}

/// A new key for a form that is being made.
pub fn new_key(app: &App) -> String {
    let bits = app.engine().entropy().uuid_v7(app.engine().clock().now());
    format!("{bits:032x}")
}

/// The key of a form that was sent; a new one when it carries none, as a form made by hand may.
pub fn key_of(form: &Form, app: &App) -> String {
    IdempotencyKey::parse(form.get("key")).map_or_else(|| new_key(app), |_| form.get("key").to_owned())
}

/// The envelope of a command of ours. `route` is the page's method and template, `id` and `token` are those in its
/// path, `body` is what the command says.
pub fn ask(
    app: &App,
    arrived: Arrived,
    route: &str,
    link: Option<(&str, &str)>,
    key: &str,
    body: &[u8],
    shape: Shape,
) -> Ask {
    let keyed: Option<KeyedRequest> = IdempotencyKey::parse(key)
        .map(|key| key.within(route, link.map_or("", |(id, _)| id), link.map(|(_, token)| token), body));
    app.ask_since(arrived, keyed, answer::render(app, StatusCode::OK, shape))
}

/// Reads the engine's reply.
pub fn outcome(reply: Result<Reply, Fault>) -> Outcome {
    let reply = match reply {
        Ok(reply) => reply,
        Err(fault) => return Outcome::Failed(fault),
    };
    if reply.bug {
        return Outcome::Bug;
    }
    let problem = || serde_json::from_slice::<ProblemBody>(&reply.body).unwrap_or_default();
    match (reply.status, reply.code) {
        (200..=299, _) => Outcome::Done(serde_json::from_slice(&reply.body).unwrap_or_default()),
        (404, _) => Outcome::NotFound,
        (_, Some(code)) if code != "invalid" => Outcome::Refused(Refused {
            code,
            earliest: problem().earliest,
        }),
        (422, _) => Outcome::Invalid(
            problem()
                .errors
                .into_iter()
                .map(|e| FieldError {
                    field: e.field,
                    expected: e.expected,
                })
                .collect(),
        ),
        _ => Outcome::Bug,
    }
}

/// A text of an answer.
pub fn text<'a>(answer: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    answer.get(name)?.as_str()
}
