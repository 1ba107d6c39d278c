//! `GET /api/openapi.json`: the description that the code gives of itself. The calls describe what is their own; what
//! HTTP says for all of them (bad requests, credentials, keys, faults) is added here once, by rule.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, Info, OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, Required,
    Response as ResponseDoc, ResponseBuilder, Tag,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::problem::{FieldError, Problem, Retry};
use super::ready_answer::{dress, etag_of, matches, not_modified};
use crate::limit::{KEY_CHARACTERS_MAX, KEY_CHARACTERS_MIN};

/// What stands before the calls.
pub fn preface() -> OpenApi {
    let mut info = Info::new("Evenkeel", env!("CARGO_PKG_VERSION"));
    info.description = Some("Find and book vaccine appointments. docs/api.md explains every call and code.".into());
    info.license = Some(utoipa::openapi::License::new("MIT OR Apache-2.0"));
    let tags = [
        ("find", "Clinics, appointment times, vaccines, questions."),
        ("book", "Holding and booking. Every POST needs an Idempotency-Key."),
        ("manage", "An appointment by its manage token."),
        ("publish", "SMART Scheduling Links for finders."),
        ("health", "For machines."),
    ];
    let tags = tags.map(|(name, description)| {
        let mut tag = Tag::new(name);
        tag.description = Some(description.into());
        tag
    });
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// Adds to every call what is the same for all of them.
pub fn complete(mut described: OpenApi) -> OpenApi {
    let components = described.components.get_or_insert_with(Components::new);
    for (name, schema) in [
        (Problem::name(), Problem::schema()),
        (FieldError::name(), FieldError::schema()),
        (Retry::name(), Retry::schema()),
    ] {
        components.schemas.insert(name.into_owned(), schema);
    }
    for (name, description) in [
        ("hold_token", "The `token` of the hold that the URL names."),
        (
            "manage_token",
            "The `manage_token` of the appointment that the URL names.",
        ),
    ] {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
            .build();
        components
            .security_schemes
            .insert(name.to_owned(), RefOr::T(SecurityScheme::Http(scheme)));
    }
    for (path, item) in &mut described.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(path, method, operation);
        }
    }
    described
}

/// The calls under a path.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn complete_operation(path: &str, method: &str, operation: &mut Operation) {
    add(operation, 414, "`too-large`: the address, at the gateway.");
    add(operation, 431, "`too-large`: the headers, at the gateway.");
    if path == "/livez" || path == "/readyz" {
        return;
    }
    let writes = method != "GET";
    let takes_query = operation
        .parameters
        .as_ref()
        .is_some_and(|parameters| parameters.iter().any(is_in_query));
    let takes_credential = operation.security.is_some();
    if writes {
        operation
            .parameters
            .get_or_insert_default()
            .push(RefOr::T(key_parameter(method == "POST")));
        add(
            operation,
            503,
            "A fault: `busy`, `timed-out`, `unreachable`, `read-only`, `outcome-unknown`.",
        );
    } else if !takes_credential {
        add_not_modified(operation);
    }
    if path.starts_with("/api/") {
        add(operation, 400, "`malformed`, `idempotency-key-missing`.");
    }
    if takes_credential {
        add(operation, 401, "`unauthorized`: no credential.");
        add(operation, 503, "A fault: `busy`, `timed-out`, `unreachable`.");
    }
    if takes_credential || path.contains('{') || path.ends_with("/slots") || path.ends_with("/questions") {
        add(
            operation,
            404,
            "`not-found`: nothing here, or nothing for this credential.",
        );
    }
    if method == "POST" {
        add(operation, 408, "`malformed`: the body came too slowly for the gateway.");
        add(operation, 413, "`too-large`.");
        add(operation, 415, "`unsupported-media-type`.");
    }
    if writes || takes_query {
        add(
            operation,
            422,
            "`invalid`: `errors` names the fields. `idempotency-key-reused`.",
        );
    }
    add(operation, 421, "`unknown-host`.");
    add(operation, 500, "`bug`.");
}

fn is_in_query(parameter: &RefOr<Parameter>) -> bool {
    matches!(
        parameter,
        RefOr::T(Parameter {
            parameter_in: ParameterIn::Query,
            ..
        })
    )
}

fn key_parameter(required: bool) -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(KEY_CHARACTERS_MIN))
        .max_length(Some(KEY_CHARACTERS_MAX))
        .pattern(Some("^[!-~]*$"))
        .build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(if required { Required::True } else { Required::False })
        .description(Some(
            "A new one for each new request, the same one for a retry. Visible ASCII.",
        ))
        .schema(Some(Schema::Object(text)))
        .example(Some("01939f2e-7d5c-7b1a-9a52-1f0b5c0a4e11".into()))
        .build()
}

fn add(operation: &mut Operation, status: u16, description: &str) {
    let problem = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", problem);
    if status == 503 {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).build();
        response = response.header(
            "Retry-After",
            HeaderBuilder::new().schema(Some(Schema::Object(seconds))).build(),
        );
    }
    insert(operation, status, response.build());
}

fn add_not_modified(operation: &mut Operation) {
    insert(
        operation,
        304,
        ResponseBuilder::new().description("As `If-None-Match` says.").build(),
    );
}

fn insert(operation: &mut Operation, status: u16, response: ResponseDoc) {
    operation
        .responses
        .responses
        .entry(status.to_string())
        .or_insert(RefOr::T(response));
}

/// The description, written once.
#[derive(Debug, Clone)]
pub struct OpenApiJson {
    body: Bytes,
    etag: HeaderValue,
}

impl OpenApiJson {
    /// Writes it.
    pub fn new(described: &OpenApi) -> Self {
        let body = serde_json::to_vec(described).expect("a description is plain values");
        Self {
            etag: etag_of(&[&body]),
            body: body.into(),
        }
    }

    /// Gives it.
    #[allow(clippy::unused_async, reason = "axum asks for a future")]
    pub async fn respond(self, headers: HeaderMap) -> Response {
        let cache = HeaderValue::from_static("public, max-age=300");
        if matches(&headers, &self.etag) {
            return not_modified(&self.etag, cache);
        }
        let mut response = Response::new(self.body.into());
        dress(
            response.headers_mut(),
            &self.etag,
            cache,
            HeaderValue::from_static("application/json"),
        );
        response
    }
}
