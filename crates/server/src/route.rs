//! The URL tree, on one screen.

use axum::routing::{any, get};
use axum::{Router, middleware};
use runtime::http::trace::Trace;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer::AskError;
use crate::api::{appointment, bulk_publish, clinic, health, hold, openapi, question, slot, vaccine};
use crate::app::App;
use crate::guard::{self, Guard};
use crate::resident;

/// The calls of the API, each with its description. `docs/openapi.json` is made from exactly these.
fn calls() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::preface())
        // finding
        .routes(routes!(clinic::list))
        .routes(routes!(slot::list))
        .routes(routes!(vaccine::list))
        .routes(routes!(question::list))
        // booking
        .routes(routes!(hold::place))
        .routes(routes!(hold::give_back))
        .routes(routes!(hold::extend))
        .routes(routes!(appointment::book))
        // managing, by personal link
        .routes(routes!(appointment::see))
        .routes(routes!(appointment::cancel))
        .routes(routes!(appointment::reschedule))
        // for finders and machines
        .routes(routes!(bulk_publish::publish))
        .routes(routes!(bulk_publish::file))
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
}

/// The description of the API, OpenAPI 3.1.
pub fn description() -> OpenApi {
    let (_, described) = calls().split_for_parts();
    openapi::complete(described)
}

/// Everything on the public port.
pub fn router(app: App, trace: Trace) -> Router {
    let guard = Guard {
        app: app.clone(),
        trace,
    };
    let (calls, described) = calls().split_for_parts();
    let openapi_json = openapi::OpenApiJson::new(&openapi::complete(described));
    let api = calls
        .route(
            "/api/openapi.json",
            get(move |headers| openapi_json.clone().respond(headers)),
        )
        .route("/api", any(not_found))
        .route("/api/", any(not_found))
        .route("/api/{*rest}", any(not_found))
        .method_not_allowed_fallback(method_not_allowed);
    resident::routes(&app)
        .merge(api)
        // Outside of all others: what they refuse is counted and has a trace id too.
        .layer(middleware::from_fn_with_state(guard, guard::guard))
        .with_state(app)
}

async fn not_found() -> AskError {
    AskError::NotFound
}

async fn method_not_allowed() -> AskError {
    AskError::MethodNotAllowed
}
