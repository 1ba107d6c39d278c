//! `/appointment/{appointment}/{token}/move`: choose a new time, keep it, confirm it. The old time is given back in the
//! same step in which the new one is sure, never before.

use axum::extract::{Path, State};
use axum::response::Response;
use base::id::{ClinicId, SlotId};
use booking::availability::snapshot::{ClinicAvailability, Snapshot};
use html::layout::Page;
use scheduling::resident::hold::HoldStatus;

use super::appointment::{Opened, no, open};
use super::clinic::{self, Links};
use super::command::{self, Outcome};
use super::form_body::{Form, Query, Sent};
use super::hold::{self, fault_page};
use super::page::{self, locale};
use super::reach::Reach;
use super::results::KM_PER_MILE;
use super::search::address;
use super::times::{self, place_of, town_line};
use super::typed::Typed;
use super::view::clinic::Choosing;
use super::view::hold as hold_view;
use super::view::moving::{ChooseTime, ConfirmMove, choose, confirm};
use crate::answer::Shape;
use crate::api::clinic::tenths_km;
use crate::app::App;
use crate::request::arrival::Arrived;

/// Other clinics offered: one screen of a phone.
const OTHERS: usize = 8;

/// `GET …/move`.
pub async fn see(State(app): State<App>, Path((id, token)): Path<(String, String)>, Query(query): Query) -> Response {
    let app = &app;
    let opened = match movable(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let (snapshot, at) = app.engine().current();
    let asked = ClinicId::parse(query.get("clinic")).unwrap_or(opened.seen.slot.clinic);
    let Some(availability) = snapshot.clinic(asked) else {
        return page::not_found(app);
    };
    let links = Links {
        path: format!("{}/move", opened.base()),
        kept: vec![("clinic", asked.to_string())],
    };
    let reach = Reach::of(&opened.seen, app);
    let clinic = clinic::model((availability, at), &query, &links, Some(&reach), app);
    let model = ChooseTime {
        base: opened.base(),
        now_at: times::of_slot(&opened.seen.slot, app),
        clinic,
        others: others(&opened, &reach, availability, &snapshot, app),
        choosing: Choosing::Keep {
            action: format!("{}/move", opened.base()),
            key: command::new_key(app),
        },
    };
    page::personal(app, &Page::new(locale().text("move-heading"), choose(&model, locale())))
}

async fn movable(app: &App, id: &str, token: &str) -> Result<Opened, Response> {
    let opened = open(app, id, token).await?;
    if opened.can_change(app) {
        return Ok(opened);
    }
    Err(no("refusal-too-late", "too-late", &opened, Vec::new(), app))
}

/// Clinics near this one with open times that the appointment can move to.
fn others(
    opened: &Opened,
    reach: &Reach<'_>,
    shown: &ClinicAvailability,
    snapshot: &Snapshot,
    app: &App,
) -> Vec<(String, String)> {
    let now = app.engine().clock().now();
    let from = place_of(&shown.clinic);
    let mut found: Vec<(u32, &ClinicAvailability)> = snapshot
        .clinics()
        .iter()
        .filter(|other| other.clinic.id != shown.clinic.id)
        .filter(|other| {
            let zone = &other.clinic.zone;
            other
                .slots
                .iter()
                .any(|slot| slot.free > 0 && slot.starts_at > now && reach.has(slot, zone))
        })
        .map(|other| {
            (
                from.zip(place_of(&other.clinic))
                    .map_or(u32::MAX, |(a, b)| tenths_km(a, b)),
                &**other,
            )
        })
        .collect();
    found.sort_by(|a, b| (a.0, &a.1.clinic.name, a.1.clinic.id).cmp(&(b.0, &b.1.clinic.name, b.1.clinic.id)));
    found
        .into_iter()
        .take(OTHERS)
        .map(|(far, other)| {
            let name = ("clinic", (&other.clinic.name).into());
            let words = if far == u32::MAX {
                locale().tell("move-other-in", &[name, ("town", (&town_line(&other.clinic)).into())])
            } else {
                let miles = format!("{:.1}", f64::from(far) / 10.0 / KM_PER_MILE);
                locale().tell("move-other-near", &[name, ("miles", (&miles).into())])
            };
            (
                words,
                address(
                    &format!("{}/move", opened.base()),
                    &[("clinic", other.clinic.id.to_string())],
                ),
            )
        })
        .collect()
}

/// `POST …/move`: keeps the new time.
pub async fn keep(
    State(app): State<App>,
    arrived: Arrived,
    Path((id, token)): Path<(String, String)>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let opened = match movable(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let Ok(slot) = SlotId::parse(form.get("slot")) else {
        return page::not_found(app);
    };
    // One key for all buttons of the page: each time is a request of its own.
    let key = format!("{}-{slot}", command::key_of(&form, app));
    let route = "POST /appointment/{appointment}/{token}/move";
    let ask = command::ask(
        app,
        arrived,
        route,
        Some(opened.link()),
        &key,
        slot.to_string().as_bytes(),
        Shape::Plain,
    );
    let again = vec![(format!("{}/move", opened.base()), "move-choose-again")];
    match command::outcome(app.resident().place_hold(vec![slot], true, ask).await) {
        Outcome::Done(done) => match (command::text(&done, "id"), command::text(&done, "token")) {
            (Some(hold), Some(hold_token)) => page::see_other(&format!("{}/move/{hold}/{hold_token}", opened.base())),
            _ => page::broke(app),
        },
        Outcome::Refused(refused) => no("move-gone", refused.code, &opened, again, app),
        Outcome::Invalid(_) | Outcome::NotFound => no("move-failed", "not-found", &opened, again, app),
        Outcome::Failed(failed) => {
            let fields = vec![("slot", slot.to_string()), ("key", form.get("key").to_owned())];
            fault_page(failed, format!("{}/move", opened.base()), fields, Typed::default(), app)
        }
        Outcome::Bug => page::broke(app),
    }
}

type MoveLink = (String, String, String, String);

/// `GET …/move/{hold}/{hold_token}`: the old time, the new time, and the button.
pub async fn see_new(State(app): State<App>, Path(link): Path<MoveLink>) -> Response {
    let app = &app;
    let (opened, held) = match both(app, &link).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    if held.is_over(app) {
        return over(&opened, &held, app);
    }
    page::personal(app, &confirm_page(&opened, &held, app))
}

async fn both(app: &App, (id, token, hold, hold_token): &MoveLink) -> Result<(Opened, hold::Held), Response> {
    let opened = open(app, id, token).await?;
    let held = hold::open(app, hold, hold_token).await?;
    Ok((opened, held))
}

fn action(opened: &Opened, held: &hold::Held) -> String {
    format!("{}/move/{}/{}", opened.base(), held.id, held.token)
}

fn confirm_page(opened: &Opened, held: &hold::Held, app: &App) -> Page {
    let to = times::of_slot(&held.slot, app);
    let bar = times::bar(&held.seen, &to.zone, &action(opened, held), true, app);
    let model = ConfirmMove {
        base: opened.base(),
        action: action(opened, held),
        from: times::of_slot(&opened.seen.slot, app),
        to,
        key: command::new_key(app),
    };
    let mut page = Page::new(locale().text("move-confirm-heading"), confirm(&model, locale()));
    page.bar = Some(hold_view::bar(&bar, locale()));
    page
}

fn over(opened: &Opened, held: &hold::Held, app: &App) -> Response {
    // Moved already, by an earlier press of the button: the appointment is where this hold was.
    if held.seen.status == HoldStatus::Booked {
        return page::see_other(&opened.base());
    }
    let again = vec![(format!("{}/move", opened.base()), "move-choose-again")];
    no("move-expired", "hold-expired", opened, again, app)
}

/// `POST …/move/{hold}/{hold_token}`: moves.
pub async fn confirm_move(
    State(app): State<App>,
    arrived: Arrived,
    Path(link): Path<MoveLink>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let (opened, held) = match both(app, &link).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    let key = command::key_of(&form, app);
    let route = "POST /appointment/{appointment}/{token}/move/{hold}/{hold_token}";
    let ask = command::ask(
        app,
        arrived,
        route,
        Some(opened.link()),
        &key,
        held.id.as_bytes(),
        Shape::Moved,
    );
    let (appointment, token) = (opened.seen.id, opened.token.as_str());
    match command::outcome(
        app.resident()
            .reschedule(appointment, token, held.seen.id, &held.token, ask)
            .await,
    ) {
        Outcome::Done(_) => page::see_other(&format!("{}?moved=1", opened.base())),
        Outcome::Refused(refused) => match refused.code {
            "hold-expired" | "hold-ended" => over(&opened, &held, app),
            code @ ("wrong-vaccine" | "too-late" | "too-soon" | "too-young" | "not-eligible" | "already-booked") => {
                let again = vec![(format!("{}/move", opened.base()), "move-choose-again")];
                no(&format!("refusal-{code}"), code, &opened, again, app)
            }
            code => no("move-failed", code, &opened, Vec::new(), app),
        },
        Outcome::Invalid(_) | Outcome::NotFound => page::not_found(app),
        Outcome::Failed(failed) => fault_page(
            failed,
            action(&opened, &held),
            vec![("key", key)],
            Typed::default(),
            app,
        ),
        Outcome::Bug => page::broke(app),
    }
}

/// A browser that comes back to the address of a form is led to the page that has it.
pub async fn back(State(app): State<App>, Path(link): Path<MoveLink>) -> Response {
    match both(&app, &link).await {
        Ok((opened, held)) => page::see_other(&action(&opened, &held)),
        Err(answer) => answer,
    }
}

/// `POST …/move/{hold}/{hold_token}/more-time`.
pub async fn more_time(
    State(app): State<App>,
    arrived: Arrived,
    Path(link): Path<MoveLink>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let (opened, held) = match both(app, &link).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    let key = more_key(&form, app);
    let route = "POST /appointment/{appointment}/{token}/move/{hold}/{hold_token}/more-time";
    let ask = command::ask(app, arrived, route, Some(held.link()), &key, b"", Shape::Plain);
    match command::outcome(app.resident().extend_hold(held.seen.id, &held.token, ask).await) {
        Outcome::Done(_) => page::see_other(&action(&opened, &held)),
        Outcome::Refused(refused) if refused.code == "no-extensions-left" => {
            page::coded(page::personal(app, &confirm_page(&opened, &held, app)), refused.code)
        }
        Outcome::Refused(_) | Outcome::Invalid(_) => over(&opened, &held, app),
        Outcome::NotFound => page::not_found(app),
        Outcome::Failed(failed) => {
            let fields = vec![("key", form.get("key").to_owned())];
            fault_page(
                failed,
                format!("{}/more-time", action(&opened, &held)),
                fields,
                Typed::default(),
                app,
            )
        }
        Outcome::Bug => page::broke(app),
    }
}

fn more_key(form: &Form, app: &App) -> String {
    format!("{}-more", command::key_of(form, app))
}

/// `POST …/move/{hold}/{hold_token}/give-up`: the old time stays, the new one is given back.
pub async fn give_up(State(app): State<App>, arrived: Arrived, Path(link): Path<MoveLink>) -> Response {
    let app = &app;
    let (opened, held) = match both(app, &link).await {
        Ok(both) => both,
        Err(answer) => return answer,
    };
    let route = "POST /appointment/{appointment}/{token}/move/{hold}/{hold_token}/give-up";
    let ask = command::ask(app, arrived, route, Some(held.link()), "", b"", Shape::Plain);
    // The new time ends by itself if this fails: nothing that the person must know.
    let _ = command::outcome(app.resident().give_back_hold(held.seen.id, &held.token, ask).await);
    page::see_other(&opened.base())
}
