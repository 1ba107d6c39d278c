//! `/hold/{hold}/{token}`: the time that is kept for someone who types. Placing it, keeping it longer, giving it up,
//! and what is seen when it is over.

use axum::extract::{Path, State};
use axum::response::Response;
use base::id::{HoldId, SlotId};
use booking::engine::{HoldSeen, SlotSeen};
use html::layout::Page;
use html::notice::Gravity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use scheduling::resident::hold::HoldStatus;

use super::command::{self, Outcome};
use super::form_body::{Form, Sent};
use super::page::{self, locale};
use super::typed::{Mending, Typed};
use super::view::details::DetailsPage;
use super::view::trouble::{FaultPage, Said, TimeGone, fault, said, time_gone};
use super::view::{check, details, hold};
use super::{details as details_pages, jurisdiction, screening, times, vaccine};
use crate::answer::Shape;
use crate::app::App;
use crate::request::arrival::Arrived;

/// Unreserved characters of RFC 3986 stay as they are.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A hold that its link opened, with its address.
pub struct Held {
    /// The hold.
    pub seen: HoldSeen,
    /// The one time it keeps.
    pub slot: SlotSeen,
    /// Its id as text.
    pub id: String,
    /// Its secret.
    pub token: String,
}

impl Held {
    /// Its pages' address.
    pub fn base(&self) -> String {
        address(&self.id, &self.token)
    }
    /// For commands.
    pub fn link(&self) -> (&str, &str) {
        (&self.id, &self.token)
    }
    /// Whether people were told that it is over.
    pub fn is_over(&self, app: &App) -> bool {
        self.seen.status != HoldStatus::Held || app.engine().clock().now() >= self.seen.expires_at
    }
}

/// Opens a hold by its link; the error is the page to answer with.
pub async fn open(app: &App, id: &str, token: &str) -> Result<Held, Response> {
    open_or(app, id, token, |fault| page::cannot_show(app, fault)).await
}

/// Opens the hold of a form that was sent: when that fails, the same can be sent again, with all that was typed.
pub async fn open_sent(app: &App, id: &str, token: &str, form: (&Form, &str)) -> Result<Held, Response> {
    let (sent, name) = form;
    open_or(app, id, token, |fault| {
        let fields = vec![("key", command::key_of(sent, app)), ("at", sent.get("at").to_owned())];
        fault_page(
            fault,
            format!("{}/{name}", address(id, token)),
            fields,
            Typed::of(sent),
            app,
        )
    })
    .await
}

async fn open_or(
    app: &App,
    id: &str,
    token: &str,
    failed: impl FnOnce(base::answer::Fault) -> Response,
) -> Result<Held, Response> {
    let Ok(hold) = HoldId::parse(id) else {
        return Err(page::not_found(app));
    };
    let seen = match app.resident().see_hold(hold, token).await {
        Ok(Some(seen)) => seen,
        Ok(None) => return Err(page::not_found(app)),
        Err(fault) => return Err(failed(fault)),
    };
    // Pages keep one time each; holds of several belong to programs, which have their own pages for them.
    let Some(slot) = seen.slots.first().cloned() else {
        return Err(page::not_found(app));
    };
    Ok(Held {
        seen,
        slot,
        id: id.to_owned(),
        token: token.to_owned(),
    })
}

/// `POST /holds`: keeps a time, unless the answers before it say that it is not for this person.
pub async fn place(State(app): State<App>, arrived: Arrived, Sent(form): Sent) -> Response {
    let app = &app;
    let Ok(slot) = SlotId::parse(form.get("slot")) else {
        return page::not_found(app);
    };
    if form.has("screened")
        && let Some(answer) = screening::before_hold(slot, &form, app)
    {
        return answer;
    }
    let (key, typed) = (command::key_of(&form, app), Typed::of(&form));
    let ask = command::ask(
        app,
        arrived,
        "POST /holds",
        None,
        &key,
        slot.to_string().as_bytes(),
        Shape::Plain,
    );
    match command::outcome(app.resident().place_hold(vec![slot], true, ask).await) {
        Outcome::Done(hold) => {
            let (Some(id), Some(token)) = (command::text(&hold, "id"), command::text(&hold, "token")) else {
                return page::broke(app);
            };
            if typed.is_blank() {
                return page::see_other(&format!("/hold/{id}/{token}"));
            }
            // What was typed must not stand in an address: the next page is the answer itself.
            let again = |fault| {
                let fields = vec![("slot", slot.to_string()), ("key", key.clone())];
                fault_page(fault, "/holds".to_owned(), fields, typed.clone(), app)
            };
            match open_or(app, id, token, again).await {
                Ok(held) => details_pages::check_or_mend(&held, typed, app),
                Err(answer) => answer,
            }
        }
        Outcome::Refused(refused) => {
            let snapshot = app.engine().snapshot();
            let seen = snapshot
                .slot(slot)
                .map(|(clinic, slot)| slot_seen(clinic.clinic.id, slot));
            let why = if refused.code == "too-late" {
                "too-late"
            } else {
                "time-gone"
            };
            gone(why, refused.code, seen.as_ref(), typed, app)
        }
        Outcome::Invalid(_) | Outcome::NotFound => gone("too-late", "not-found", None, typed, app),
        Outcome::Failed(failed) => {
            let fields = vec![("slot", slot.to_string()), ("key", key)];
            fault_page(failed, "/holds".to_owned(), fields, typed, app)
        }
        Outcome::Bug => page::broke(app),
    }
}

/// `GET /hold/{hold}/{token}`: the details form, or what became of the hold.
pub async fn see(State(app): State<App>, Path((id, token)): Path<(String, String)>) -> Response {
    match open(&app, &id, &token).await {
        Ok(held) if held.is_over(&app) => over(&held, Typed::default(), &app),
        Ok(held) => page::personal(
            &app,
            &form_page(&held, Typed::default(), Mending::default(), None, &app),
        ),
        Err(answer) => answer,
    }
}

/// A browser that comes back to the address of a form, as after a restart, is led to the hold.
pub async fn back(Path((id, token)): Path<(String, String)>) -> Response {
    page::see_other(&address(&id, &token))
}

/// The address of a hold's page. What came in a path is escaped again: nobody else's words make a header.
fn address(id: &str, token: &str) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    format!("/hold/{}/{}", escaped(id), escaped(token))
}

/// `POST /hold/{hold}/{token}/more-time`: keeps it longer, and shows the same page again with the typing.
pub async fn more_time(
    State(app): State<App>,
    arrived: Arrived,
    Path((id, token)): Path<(String, String)>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let held = match open_sent(app, &id, &token, (&form, "more-time")).await {
        Ok(held) => held,
        Err(answer) => return answer,
    };
    let typed = Typed::of(&form);
    let key = format!("{}-more", command::key_of(&form, app));
    let route = "POST /hold/{hold}/{token}/more-time";
    let ask = command::ask(app, arrived, route, Some(held.link()), &key, b"", Shape::Plain);
    match command::outcome(app.resident().extend_hold(held.seen.id, &token, ask).await) {
        Outcome::Done(_) => match open_sent(app, &id, &token, (&form, "more-time")).await {
            Ok(held) => again(&held, &form, typed, Some("hold-more-done"), app),
            Err(answer) => answer,
        },
        Outcome::Refused(refused) if refused.code == "no-extensions-left" => {
            page::coded(again(&held, &form, typed, Some("hold-more-refused"), app), refused.code)
        }
        Outcome::Refused(_) | Outcome::Invalid(_) => over(&held, typed, app),
        Outcome::NotFound => page::not_found(app),
        Outcome::Failed(failed) => {
            let fields = vec![("key", form.get("key").to_owned()), ("at", form.get("at").to_owned())];
            fault_page(failed, format!("{}/more-time", held.base()), fields, typed, app)
        }
        Outcome::Bug => page::broke(app),
    }
}

/// The page from which "More time" was pressed: check answers, or the form.
fn again(held: &Held, form: &Form, typed: Typed, says: Option<&'static str>, app: &App) -> Response {
    if form.get("at") == "check" {
        return details_pages::check_or_mend(held, typed, app);
    }
    page::personal(app, &form_page(held, typed, Mending::default(), says, app))
}

/// `POST /hold/{hold}/{token}/give-up`: someone else can have it now.
pub async fn give_up(State(app): State<App>, arrived: Arrived, Path((id, token)): Path<(String, String)>) -> Response {
    let app = &app;
    let held = match open(app, &id, &token).await {
        Ok(held) => held,
        Err(answer) => return answer,
    };
    // Without a key: giving back twice says the same as once.
    let route = "POST /hold/{hold}/{token}/give-up";
    let ask = command::ask(app, arrived, route, Some(held.link()), "", b"", Shape::Plain);
    match command::outcome(app.resident().give_back_hold(held.seen.id, &token, ask).await) {
        Outcome::Failed(failed) => fault_page(
            failed,
            format!("{}/give-up", held.base()),
            Vec::new(),
            Typed::default(),
            app,
        ),
        Outcome::Bug => page::broke(app),
        Outcome::NotFound => page::not_found(app),
        _ => page::see_other(&held.base()),
    }
}

/// The details form of a hold.
pub fn form_page(held: &Held, typed: Typed, mending: Mending, says: Option<&'static str>, app: &App) -> Page {
    let time = times::of_slot(&held.slot, app);
    let bar = times::bar(&held.seen, &time.zone, &held.base(), false, app);
    let model = DetailsPage {
        sends_mail: app.engine().sends_mail(),
        base: held.base(),
        time,
        typed,
        mending,
        questions: vaccine::questions(&held.slot, app),
        key: command::new_key(app),
        says,
        doses: vaccine::doses(&held.slot, app),
    };
    let mut page = Page::new(locale().text("details-heading"), details::view(&model, locale()));
    page.bar = Some(hold::bar(&bar, locale()));
    page
}

/// Check answers, with the bar.
pub fn check_page(held: &Held, model: &check::CheckPage, app: &App) -> Page {
    let bar = times::bar(&held.seen, &model.time.zone, &held.base(), false, app);
    let mut page = Page::new(locale().text("check-heading"), check::view(model, locale()));
    page.bar = Some(hold::bar(&bar, locale()));
    page
}

/// What is said when a hold is over, with the typing kept and the nearest times.
pub fn over(held: &Held, typed: Typed, app: &App) -> Response {
    match held.seen.status {
        HoldStatus::Booked => {
            let model = Said {
                what: "hold-booked".to_owned(),
                gravity: Gravity::Done,
                ways: Vec::new(),
                phone: jurisdiction::of(app).phone,
            };
            let page = Page::new(locale().text("hold-booked-title"), said(&model, locale()));
            page::refused(app, &page, "hold-ended")
        }
        HoldStatus::GivenBack => gone("hold-ended", "hold-ended", Some(&held.slot), typed, app),
        HoldStatus::Held | HoldStatus::Expired => gone("hold-expired", "hold-expired", Some(&held.slot), typed, app),
    }
}

/// A time that cannot be had: why, and the nearest others.
pub fn gone(why: &'static str, code: &'static str, slot: Option<&SlotSeen>, typed: Typed, app: &App) -> Response {
    let key = command::new_key(app);
    let (nearest, all_times) = match slot {
        Some(slot) => (
            times::nearest(slot, typed, key, app),
            times::of_slot(slot, app).clinic_href,
        ),
        None => (
            hold::Nearest {
                times: Vec::new(),
                key,
                typed,
                action: "/holds".to_owned(),
            },
            "/".to_owned(),
        ),
    };
    let model = TimeGone {
        why,
        nearest,
        all_times,
        phone: jurisdiction::of(app).phone,
    };
    let page = Page::new(locale().text(&format!("{why}-title")), time_gone(&model, locale()));
    page::refused(app, &page, code)
}

/// A fault, with everything needed to ask the same again.
pub fn fault_page(
    failed: base::answer::Fault,
    action: String,
    fields: Vec<(&'static str, String)>,
    typed: Typed,
    app: &App,
) -> Response {
    let model = FaultPage {
        fault: failed,
        action,
        fields,
        typed,
        phone: jurisdiction::of(app).phone,
    };
    let title = locale().text(&format!("fault-{}-title", failed.code()));
    page::failed(app, failed, Page::new(title, fault(&model, locale())))
}

/// An open slot as the engine shows a kept one.
pub fn slot_seen(clinic: base::id::ClinicId, slot: &booking::availability::snapshot::OpenSlot) -> SlotSeen {
    SlotSeen {
        id: slot.id,
        clinic,
        starts_at: slot.starts_at,
        ends_at: slot.ends_at,
        vaccine: slot.vaccine,
    }
}
