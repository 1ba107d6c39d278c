//! What residents see and do: plain pages that work without a script, one file per noun. Whoever comes needs no
//! account; whatever secret opens a page stands in its link.
//!
//! `view` is pure (model in, markup out); the files beside it read requests, ask the engine and choose the view.

pub mod appointment;
pub mod calendar;
pub mod clinic;
pub mod code_lookup;
pub mod command;
pub mod demo_mail;
pub mod details;
pub mod form_body;
pub mod guess_limit;
pub mod hold;
pub mod home;
pub mod jurisdiction;
pub mod moving;
pub mod page;
pub mod reach;
pub mod results;
pub mod screening;
pub mod search;
pub mod shared_link;
pub mod times;
pub mod typed;
pub mod typed_date;
pub mod vaccine;
pub mod view;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use runtime::task;

use crate::app::App;

/// The pages' part of the URL tree, and what is said where there is no page.
pub fn routes(app: &App) -> Router<App> {
    Router::new()
        // find
        .route("/", get(home::see))
        .route("/clinics", get(results::see))
        .route("/clinics/{clinic}", get(clinic::see))
        // keep a time
        .route("/times/{slot}", get(screening::see))
        .route("/holds", post(hold::place))
        .route("/hold/{hold}/{token}", get(hold::see))
        .route("/hold/{hold}/{token}/more-time", get(hold::back).post(hold::more_time))
        .route("/hold/{hold}/{token}/give-up", get(hold::back).post(hold::give_up))
        // book it
        .route("/hold/{hold}/{token}/details", get(hold::back).post(details::details))
        .route("/hold/{hold}/{token}/book", get(hold::back).post(details::book))
        // see, cancel, move, by personal link
        .route("/appointment/{appointment}/{token}", get(appointment::see))
        .route(
            "/appointment/{appointment}/{token}/calendar",
            get(appointment::calendar),
        )
        .route(
            "/appointment/{appointment}/{token}/calendar.ics",
            get(appointment::calendar),
        )
        .route(
            "/appointment/{appointment}/{token}/cancel",
            get(appointment::ask_cancel).post(appointment::cancel),
        )
        .route(
            "/appointment/{appointment}/{token}/move",
            get(moving::see).post(moving::keep),
        )
        .route(
            "/appointment/{appointment}/{token}/move/{hold}/{hold_token}",
            get(moving::see_new).post(moving::confirm_move),
        )
        .route(
            "/appointment/{appointment}/{token}/move/{hold}/{hold_token}/more-time",
            get(moving::back).post(moving::more_time),
        )
        .route(
            "/appointment/{appointment}/{token}/move/{hold}/{hold_token}/give-up",
            get(moving::back).post(moving::give_up),
        )
        // a demonstration's mail
        .route("/demo/mail", get(demo_mail::list))
        .route("/demo/mail/{name}", get(demo_mail::see))
        .route(
            "/appointment/{appointment}/{token}/share",
            get(shared_link::see).post(shared_link::make),
        )
        .route(
            "/appointment/{appointment}/{token}/share/{number}/stop",
            get(shared_link::back).post(shared_link::stop),
        )
        // find it again by its code
        .route("/my-appointment", get(code_lookup::ask).post(code_lookup::look_up))
        .route("/my-appointment/{appointment}/{said_at}/{token}", get(code_lookup::see))
        .route(
            "/my-appointment/{appointment}/{said_at}/{token}/cancel",
            get(code_lookup::back).post(code_lookup::cancel),
        )
        // the rest
        .route("/privacy", get(appointment::privacy))
        .route("/assets/{file}", get(asset))
        .route("/jurisdiction.json", get(jurisdiction::see))
        .method_not_allowed_fallback(wrong_method)
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), bug_in_words))
}

/// A panic behind a page becomes a page, too: whoever sees it can do nothing with JSON.
pub async fn bug_in_words(State(app): State<App>, request: Request, next: Next) -> Response {
    if let Some(response) = task::caught(next.run(request)).await {
        return response;
    }
    task::count_panic("page");
    page::broke(&app)
}

async fn not_found(State(app): State<App>) -> Response {
    page::not_found(&app)
}

async fn wrong_method(State(app): State<App>) -> Response {
    page::wrong_method(&app)
}

/// Our style sheet and mark. Their addresses change with their bytes, so they may be kept for ever.
async fn asset(State(app): State<App>, Path(file): Path<String>) -> Response {
    let Some((media_type, bytes)) = html::style::asset(&format!("/assets/{file}")) else {
        return page::not_found(&app);
    };
    let mut response = (StatusCode::OK, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    response
}
