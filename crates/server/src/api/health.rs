//! `GET /livez` and `GET /readyz`: whether the process lives, and whether it should get work. Names of failing checks,
//! nothing else. Asked by machines, by address.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer;
use crate::app::App;

/// The one check whose failing only a restart mends.
const COMMITTER: &str = "committer";

/// What does not work.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Names of the checks that fail; none when all is well.
    pub failing: Vec<&'static str>,
}

/// Whether the process lives.
///
/// 503 means: restart it.
#[utoipa::path(
    get, path = "/livez", tag = "health", operation_id = "livez",
    responses(
        (status = 200, description = "It lives.", body = Health),
        (status = 503, description = "It does not get on.", body = Health),
    ),
)]
pub async fn livez(State(app): State<App>) -> Response {
    health(
        app.engine()
            .failing()
            .into_iter()
            .filter(|check| *check == COMMITTER)
            .collect(),
    )
}

/// Whether the process should get work.
///
/// 503 means: send people elsewhere. Finding may still work.
#[utoipa::path(
    get, path = "/readyz", tag = "health", operation_id = "readyz",
    responses(
        (status = 200, description = "It can do all of its work.", body = Health),
        (status = 503, description = "Some checks fail.", body = Health),
    ),
)]
pub async fn readyz(State(app): State<App>) -> Response {
    health(app.engine().failing())
}

fn health(failing: Vec<&'static str>) -> Response {
    let status = if failing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    answer::json(status, &Health { failing })
}
