//! `/appointment/{appointment}/{token}`: an appointment by its personal link. Seeing, canceling, and its calendar file.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use base::id::AppointmentId;
use booking::engine::{AppointmentSeen, Whose};
use html::layout::Page;
use html::notice::Gravity;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use scheduling::resident::appointment::Status;
use scheduling::resident::message::masked;

use super::calendar::{self, Entry};
use super::command::{self, Outcome};
use super::demo_mail::{self, Near};
use super::form_body::{Query, Sent};
use super::hold::fault_page;
use super::page::{self, For, locale};
use super::typed::Typed;
use super::view::appointment::{AppointmentPage, MailGoes, Moment, ask_to_cancel, heading, view};
use super::view::trouble::{Said, said};
use super::{jurisdiction, search, times};
use crate::answer::Shape;
use crate::app::App;
use crate::request::arrival::Arrived;

/// An appointment that its link opened.
pub struct Opened {
    /// The appointment.
    pub seen: AppointmentSeen,
    /// Its id as text.
    pub id: String,
    /// Its secret.
    pub token: String,
}

impl Opened {
    /// Its pages' address.
    pub fn base(&self) -> String {
        format!("/appointment/{}/{}", self.id, self.token)
    }
    /// For commands.
    pub fn link(&self) -> (&str, &str) {
        (&self.id, &self.token)
    }
    /// Whether it can be moved and canceled still.
    pub fn can_change(&self, app: &App) -> bool {
        self.seen.status == Status::Booked && app.engine().clock().now() < self.seen.slot.starts_at
    }
}

/// Opens an appointment by its link; the error is the page to answer with.
pub async fn open(app: &App, id: &str, token: &str) -> Result<Opened, Response> {
    let Ok(appointment) = AppointmentId::parse(id) else {
        return Err(page::not_found(app));
    };
    match app.resident().see_appointment(appointment, token).await {
        Ok(Some(seen)) => Ok(Opened {
            seen,
            id: id.to_owned(),
            token: token.to_owned(),
        }),
        Ok(None) => Err(page::not_found(app)),
        Err(fault) => Err(page::cannot_show(app, fault)),
    }
}

fn model(opened: &Opened, moment: Moment, app: &App) -> AppointmentPage {
    let time = times::of_slot(&opened.seen.slot, app);
    let person = opened.seen.resident.as_ref();
    let search = search::address("/", &[("vaccine", opened.seen.series.clone())]);
    AppointmentPage {
        moment,
        status: opened.seen.status.code(),
        search: if time.clinic_href == "/" {
            search
        } else {
            time.clinic_href.clone()
        },
        time,
        code: opened.seen.code.clone(),
        given_name: person.map(|person| person.given_name.clone()),
        link: app.public_url().link(&opened.base()),
        base: opened.base(),
        can_change: opened.can_change(app),
        is_own: opened.seen.opened_by == Whose::Resident,
        mail: mail(person.and_then(|person| person.email.as_deref()), app),
        sees_mail: false,
        phone: jurisdiction::of(app).phone,
        now: app.engine().clock().now(),
    }
}

/// Whether a mail goes to whoever gave this address.
fn mail(email: Option<&str>, app: &App) -> MailGoes {
    match email {
        _ if !app.engine().sends_mail() => MailGoes::Nowhere,
        None => MailGoes::NoAddress,
        Some(email) => MailGoes::To(masked(email)),
    }
}

/// `GET /appointment/{appointment}/{token}`.
pub async fn see(
    State(app): State<App>,
    near: Near,
    Path((id, token)): Path<(String, String)>,
    Query(query): Query,
) -> Response {
    let opened = match open(&app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let moment = ["new", "moved", "canceled"].into_iter().find(|name| query.has(name));
    let moment = match moment {
        Some("new") => Moment::Booked,
        Some("moved") => Moment::Moved,
        Some("canceled") => Moment::Canceled,
        _ => Moment::Seen,
    };
    let mut model = model(&opened, moment, &app);
    model.sees_mail = demo_mail::is_open_to(near, &app);
    page::personal(&app, &Page::new(heading(&model, locale()), view(&model, locale())))
}

/// `GET /appointment/{appointment}/{token}/cancel`: asks once.
pub async fn ask_cancel(State(app): State<App>, Path((id, token)): Path<(String, String)>) -> Response {
    let opened = match open(&app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    if !opened.can_change(&app) {
        return page::see_other(&opened.base());
    }
    let model = model(&opened, Moment::Seen, &app);
    let key = command::new_key(&app);
    page::personal(
        &app,
        &Page::new(locale().text("cancel-heading"), ask_to_cancel(&model, &key, locale())),
    )
}

/// `POST /appointment/{appointment}/{token}/cancel`.
pub async fn cancel(
    State(app): State<App>,
    arrived: Arrived,
    Path((id, token)): Path<(String, String)>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let opened = match open(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let key = command::key_of(&form, app);
    let route = "POST /appointment/{appointment}/{token}/cancel";
    let ask = command::ask(app, arrived, route, Some(opened.link()), &key, b"", Shape::Plain);
    match command::outcome(app.resident().cancel(opened.seen.id, &token, ask).await) {
        Outcome::Done(_) => page::see_other(&format!("{}?canceled=1", opened.base())),
        Outcome::Refused(refused) => no(
            &format!("refusal-{}", refused.code),
            refused.code,
            &opened,
            Vec::new(),
            app,
        ),
        Outcome::Invalid(_) | Outcome::NotFound => page::not_found(app),
        Outcome::Failed(failed) => fault_page(
            failed,
            format!("{}/cancel", opened.base()),
            vec![("key", key)],
            Typed::default(),
            app,
        ),
        Outcome::Bug => page::broke(app),
    }
}

/// A refusal on its own page, with the way back to the appointment.
pub fn no(
    what: &str,
    code: &'static str,
    opened: &Opened,
    mut ways: Vec<(String, &'static str)>,
    app: &App,
) -> Response {
    ways.push((opened.base(), "back-to-appointment"));
    let model = Said {
        what: what.to_owned(),
        gravity: Gravity::Warn,
        ways,
        phone: jurisdiction::of(app).phone,
    };
    page::refused(
        app,
        &Page::new(locale().text(&format!("{what}-title")), said(&model, locale())),
        code,
    )
}

/// `GET /appointment/{appointment}/{token}/calendar.ics`.
pub async fn calendar(State(app): State<App>, Path((id, token)): Path<(String, String)>) -> Response {
    let app = &app;
    let opened = match open(app, &id, &token).await {
        Ok(opened) => opened,
        Err(answer) => return answer,
    };
    let jurisdiction = jurisdiction::of(app);
    let time = times::of_slot(&opened.seen.slot, app);
    let file = calendar::file(
        &Entry {
            id: &opened.id,
            host: app.public_url().host(),
            time: &time,
            changed_at: opened.seen.changed_at,
            sequence: opened.seen.sequence,
            is_canceled: opened.seen.status == Status::Cancelled,
            phone: jurisdiction.phone.as_deref(),
            is_demo: jurisdiction.demo_as_of.is_some(),
            asks: None,
        },
        locale(),
    );
    let mut response = (StatusCode::OK, file).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"appointment.ics\""),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

/// `GET /privacy`.
pub async fn privacy(State(app): State<App>) -> Response {
    let page = Page::new(locale().text("privacy-heading"), super::view::privacy::view(locale()));
    page::answer(&app, StatusCode::OK, &page, For::Anyone)
}
