//! `/my-appointment`: an appointment found again by its code and a birth date. Shows its time, cancels it, and sends a
//! fresh link to the address on file; only where there is no way to reach anybody does it open everything.
//!
//! Keeps that a wrong code and a wrong birth date cannot be told apart, neither by words nor by time, that guesses are
//! slowed, and that the birth date is never in an address.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use base::answer::Fault;
use base::id::AppointmentId;
use base::time::{Date, Timestamp, Zone};
use booking::engine::{FoundByCode, SaidCode};
use html::form::DateField;
use html::layout::Page;
use html::notice::Gravity;
use http::StatusCode;
use scheduling::resident::appointment::Status;
use scheduling::resident::code::Code;

use super::command::{self, Outcome};
use super::form_body::{Query, Sent};
use super::hold::fault_page;
use super::page::{self, For, locale};
use super::typed::Typed;
use super::view::code_lookup::{FoundPage, LookUp, Sending, ask_for_code, found};
use super::view::trouble::{Said, said};
use super::{jurisdiction, times, typed_date};
use crate::answer::Shape;
use crate::app::App;
use crate::request::arrival::Arrived;
use crate::request::client_network::Client;

/// Every look takes this long, found or not: many times what it needs, so that its time says nothing.
const LOOK_TAKES: Duration = Duration::from_millis(200);
/// Longest code as typed: ten characters, with whatever people put between them.
pub const CODE_TYPED_MAX: usize = 40;

/// `GET /my-appointment`.
pub async fn ask(State(app): State<App>) -> Response {
    let page = Page::new(
        locale().text("lookup-heading"),
        ask_for_code(&LookUp::default(), locale()),
    );
    page::answer(&app, StatusCode::OK, &page, For::Visitor)
}

/// `POST /my-appointment`.
pub async fn look_up(State(app): State<App>, arrived: Arrived, Client(from): Client, Sent(form): Sent) -> Response {
    let app = &app;
    let mut asked = LookUp {
        code: form.get("code").chars().take(CODE_TYPED_MAX).collect(),
        birth: ["birth-month", "birth-day", "birth-year"].map(|name| form.get(name).to_owned()),
        ..LookUp::default()
    };
    let Some((code, born)) = read(&mut asked, arrived.0) else {
        return to_mend(&asked, app);
    };
    match looked_at(app, from, code, born).await {
        Look::Found(found) => opened(&found, arrived, app).await,
        Look::Nothing => {
            asked.errors.add("code", locale().text("error-lookup"));
            to_mend(&asked, app)
        }
        Look::TooMany => too_many(app),
        Look::Failed(fault) => page::cannot_show(app, fault),
    }
}

fn read(asked: &mut LookUp, now: Timestamp) -> Option<(Code, Date)> {
    let code = Code::parse(&asked.code);
    if code.is_none() {
        asked.errors.add("code", locale().text("error-code"));
    }
    // Somebody born today is a day old somewhere: any zone will do.
    let born = typed_date::read_parts(&asked.birth, now.date_in(&Zone::utc()), locale());
    if let Err((key, wrong)) = born {
        asked.wrong_birth = wrong;
        asked
            .errors
            .add(&DateField::id_at_fault("birth", wrong), locale().text(key));
    }
    code.zip(born.ok())
}

fn to_mend(asked: &LookUp, app: &App) -> Response {
    page::to_mend(
        app,
        Page::new(locale().text("lookup-heading"), ask_for_code(asked, locale())),
    )
}

enum Look {
    Found(Box<FoundByCode>),
    Nothing,
    TooMany,
    Failed(Fault),
}

/// Waits as long as this network and this code must, then looks; the answer comes when its time has come.
async fn looked_at(app: &App, from: IpAddr, code: Code, born: Date) -> Look {
    let clock = app.engine().clock();
    let Ok(attempt) = app.guesses().arrives(from, code, clock.monotonic()) else {
        return Look::TooMany;
    };
    clock.sleep(attempt.wait).await;
    let began = clock.monotonic();
    let found = app.resident().find_by_code(code, born).await;
    clock
        .sleep((began + LOOK_TAKES).saturating_sub(clock.monotonic()))
        .await;
    match found {
        Ok(Some(found)) => {
            attempt.was_right();
            Look::Found(Box::new(found))
        }
        Ok(None) => Look::Nothing,
        Err(fault) => Look::Failed(fault),
    }
}

fn too_many(app: &App) -> Response {
    let model = Said {
        what: "lookup-too-many".to_owned(),
        gravity: Gravity::Warn,
        ways: vec![("/my-appointment".to_owned(), "lookup-again")],
        phone: jurisdiction::of(app).phone,
    };
    let page = Page::new(locale().text("lookup-too-many-title"), said(&model, locale()));
    page::coded(
        page::answer(app, StatusCode::TOO_MANY_REQUESTS, &page, For::One),
        "rate-limited",
    )
}

fn has_contact(found: &FoundByCode) -> bool {
    let person = found.seen.resident.as_ref();
    person.is_some_and(|person| person.email.is_some() || person.phone.is_some())
}

/// On to the page of what was found. The link that was in use ends only where a new one is on its way.
async fn opened(found: &FoundByCode, arrived: Arrived, app: &App) -> Response {
    let (id, said) = (found.seen.id, &found.said);
    if !has_contact(found) {
        // Nobody can be sent a link: who knows the code and the birth date is who we would send it to.
        return page::see_other(&format!("/appointment/{id}/{}", found.seen.manage_token));
    }
    // Sent at most once in some minutes whoever asks, so no key is needed. A fault here is no reason to show nothing:
    // the appointment can be canceled without the mail.
    let ask = command::ask(app, arrived, "POST /my-appointment", None, "", b"", Shape::Plain);
    let _ = app.resident().send_link_anew(id, said.clone(), ask).await;
    page::see_other(&base(id, said))
}

fn base(id: AppointmentId, said: &SaidCode) -> String {
    format!("/my-appointment/{id}/{}/{}", said.at.seconds(), said.token)
}

type SaidLink = (String, i64, String);

async fn open(app: &App, (id, at, token): &SaidLink) -> Result<FoundByCode, Response> {
    let id = AppointmentId::parse(id).map_err(|_| page::not_found(app))?;
    let said = SaidCode {
        at: Timestamp::from_seconds((*at).clamp(0, i64::from(u32::MAX))),
        token: token.clone(),
    };
    match app.resident().see_by_code(id, said).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(over(app)),
        Err(fault) => Err(page::cannot_show(app, fault)),
    }
}

/// The minutes are over, or there was never such a page: the same answer.
fn over(app: &App) -> Response {
    let model = Said {
        what: "lookup-over".to_owned(),
        gravity: Gravity::Info,
        ways: vec![("/my-appointment".to_owned(), "lookup-again")],
        phone: jurisdiction::of(app).phone,
    };
    let page = Page::new(locale().text("lookup-over-title"), said(&model, locale()));
    page::coded(page::answer(app, StatusCode::NOT_FOUND, &page, For::One), "not-found")
}

fn sending(found: &FoundByCode) -> Sending {
    let email = found
        .seen
        .resident
        .as_ref()
        .is_some_and(|person| person.email.is_some());
    match found.link_sent_at {
        Some(at) if email => Sending::Mailed { at },
        _ => Sending::CannotBeSent,
    }
}

/// `GET /my-appointment/{appointment}/{said_at}/{token}`.
pub async fn see(State(app): State<App>, Path(link): Path<SaidLink>, Query(query): Query) -> Response {
    let app = &app;
    let found_by = match open(app, &link).await {
        Ok(found_by) => found_by,
        Err(answer) => return answer,
    };
    let seen = &found_by.seen;
    let model = FoundPage {
        base: base(seen.id, &found_by.said),
        time: times::of_slot(&seen.slot, app),
        is_canceled: seen.status == Status::Cancelled,
        just_canceled: query.has("canceled"),
        can_cancel: seen.status == Status::Booked && app.engine().clock().now() < seen.slot.starts_at,
        sending: sending(&found_by),
        key: command::new_key(app),
        phone: jurisdiction::of(app).phone,
    };
    page::personal(
        app,
        &Page::new(locale().text("lookup-found-heading"), found(&model, locale())),
    )
}

/// `POST /my-appointment/{appointment}/{said_at}/{token}/cancel`.
pub async fn cancel(
    State(app): State<App>,
    arrived: Arrived,
    Path(link): Path<SaidLink>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let found = match open(app, &link).await {
        Ok(found) => found,
        Err(answer) => return answer,
    };
    let (id, base) = (found.seen.id, base(found.seen.id, &found.said));
    let key = command::key_of(&form, app);
    let route = "POST /my-appointment/{appointment}/{said_at}/{token}/cancel";
    let ask = command::ask(app, arrived, route, Some((&link.0, &link.2)), &key, b"", Shape::Plain);
    match command::outcome(app.resident().cancel_by_code(id, found.said, ask).await) {
        Outcome::Done(_) => page::see_other(&format!("{base}?canceled=1")),
        // It began meanwhile: its page says what can be done still.
        Outcome::Refused(_) => page::see_other(&base),
        Outcome::Invalid(_) | Outcome::NotFound => over(app),
        Outcome::Failed(failed) => fault_page(
            failed,
            format!("{base}/cancel"),
            vec![("key", key)],
            Typed::default(),
            app,
        ),
        Outcome::Bug => page::broke(app),
    }
}

/// A browser that comes back to the address of the button is led to the page that has it.
pub async fn back(State(app): State<App>, Path(link): Path<SaidLink>) -> Response {
    match open(&app, &link).await {
        Ok(found) => page::see_other(&base(found.seen.id, &found.said)),
        Err(answer) => answer,
    }
}
