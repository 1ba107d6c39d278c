//! `/appointment/{appointment}/{token}/share`: links for people who help, each their own, each stopped alone. Only whoever
//! came by the resident's own link gets here; to all others there is no such page.

use axum::extract::{Path, State};
use axum::response::Response;
use booking::engine::Whose;
use html::layout::Page;

use super::appointment::{Opened, open};
use super::command::{self, Outcome};
use super::form_body::Sent;
use super::hold::fault_page;
use super::page::{self, locale};
use super::times;
use super::typed::Typed;
use super::view::shared_link::{SharePage, Shared, share};
use crate::answer::Shape;
use crate::app::App;
use crate::request::arrival::Arrived;

async fn own(app: &App, id: &str, token: &str) -> Result<Opened, Response> {
    let opened = open(app, id, token).await?;
    if opened.seen.opened_by == Whose::Resident {
        Ok(opened)
    } else {
        Err(page::not_found(app))
    }
}

/// `GET …/share`.
pub async fn see(State(app): State<App>, Path((id, token)): Path<(String, String)>) -> Response {
    let app = &app;
    let opened = match own(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let most = app.engine().settings().get(&booking::limit::LINKS_SHARED) as usize;
    let zone = times::of_slot(&opened.seen.slot, app).zone;
    let links = opened.seen.shared.iter().map(|link| Shared {
        number: link.number,
        path: format!("/appointment/{id}/{}", link.token),
        link: app.public_url().link(&format!("/appointment/{id}/{}", link.token)),
        made_at: link.made_at,
    });
    let model = SharePage {
        base: opened.base(),
        links: links.collect(),
        can_share: opened.can_change(app) && opened.seen.shared.len() < most,
        key: command::new_key(app),
        zone,
    };
    page::personal(app, &Page::new(locale().text("share-heading"), share(&model, locale())))
}

/// `POST …/share`: makes one.
pub async fn make(
    State(app): State<App>,
    arrived: Arrived,
    Path((id, token)): Path<(String, String)>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let opened = match own(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let key = command::key_of(&form, app);
    let route = "POST /appointment/{appointment}/{token}/share";
    let ask = command::ask(app, arrived, route, Some(opened.link()), &key, b"", Shape::Plain);
    let outcome = command::outcome(app.resident().share_link(opened.seen.id, &token, ask).await);
    done(&outcome, &opened, "share", key, app)
}

/// `POST …/share/{number}/stop`.
pub async fn stop(
    State(app): State<App>,
    arrived: Arrived,
    Path((id, token, number)): Path<(String, String, u32)>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let opened = match own(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    // One key for all buttons of the page: each link is a request of its own.
    let key = format!("{}-{number}", command::key_of(&form, app));
    let route = "POST /appointment/{appointment}/{token}/share/{number}/stop";
    let body = number.to_be_bytes();
    let ask = command::ask(app, arrived, route, Some(opened.link()), &key, &body, Shape::Plain);
    let outcome = command::outcome(app.resident().stop_link(opened.seen.id, &token, number, ask).await);
    done(
        &outcome,
        &opened,
        &format!("share/{number}/stop"),
        form.get("key").to_owned(),
        app,
    )
}

/// Back to the page that shows what there is now.
fn done(outcome: &Outcome, opened: &Opened, action: &str, key: String, app: &App) -> Response {
    match outcome {
        // Too late to share: the page says so by offering nothing.
        Outcome::Done(_) | Outcome::Refused(_) => page::see_other(&format!("{}/share", opened.base())),
        Outcome::Invalid(_) | Outcome::NotFound => page::not_found(app),
        Outcome::Failed(failed) => fault_page(
            *failed,
            format!("{}/{action}", opened.base()),
            vec![("key", key)],
            Typed::default(),
            app,
        ),
        Outcome::Bug => page::broke(app),
    }
}

/// A browser that comes back to the address of a button is led to the page that has it.
pub async fn back(State(app): State<App>, Path((id, token, _)): Path<(String, String, u32)>) -> Response {
    match own(&app, &id, &token).await {
        Ok(opened) => page::see_other(&format!("{}/share", opened.base())),
        Err(answer) => answer,
    }
}
