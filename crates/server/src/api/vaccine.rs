//! `GET /api/v1/vaccines`: what can be given here, by CVX code.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{self, AskError};
use crate::app::App;
use crate::request::query::{Query, RawQuery};

/// A vaccine product.
#[derive(Debug, Serialize, ToSchema)]
pub struct Vaccine {
    /// CVX code.
    #[schema(example = "03")]
    pub cvx: String,
    /// As it is known.
    #[schema(example = "MMR")]
    pub name: String,
    /// The group whose doses make one series.
    #[schema(example = "MMR")]
    pub group: String,
}

/// All vaccines.
#[derive(Debug, Serialize, ToSchema)]
pub struct VaccineList {
    /// By CVX code.
    pub vaccines: Vec<Vaccine>,
}

/// The vaccines that appointment times here are for.
#[utoipa::path(
    get, path = "/api/v1/vaccines", tag = "find", operation_id = "list_vaccines",
    responses((status = 200, description = "Vaccines, by code.", body = VaccineList)),
)]
pub async fn list(State(app): State<App>, RawQuery(query): RawQuery, headers: HeaderMap) -> Result<Response, AskError> {
    Query::none(&query)?;
    let rules = app.engine().rules();
    let vaccines = rules
        .vaccines()
        .map(|vaccine| Vaccine {
            cvx: vaccine.cvx.to_string(),
            name: vaccine.name.clone(),
            group: vaccine.group.clone(),
        })
        .collect();
    Ok(answer::public_json(&headers, &VaccineList { vaccines }))
}
