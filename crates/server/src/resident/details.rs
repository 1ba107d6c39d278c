//! From typed details to an appointment: read, check, book. What was typed travels in the forms, never in an address.

use axum::extract::{Path, State};
use axum::response::Response;
use booking::engine::BookingRequest;
use html::error_summary::Errors;
use scheduling::resident::eligibility::Answers;

use super::command::{self, Outcome, Refused};
use super::form_body::Sent;
use super::hold::{self, Held};
use super::page::{self, locale};
use super::typed::{Asked, Details, Mending, Typed};
use super::view::check::{self, CheckPage};
use super::{jurisdiction, times, vaccine};
use crate::answer::Shape;
use crate::api::problem::FieldError;
use crate::app::App;
use crate::request::arrival::Arrived;

/// `POST /hold/{hold}/{token}/details`: the answers once more, or the form with what to mend.
pub async fn details(State(app): State<App>, Path((id, token)): Path<(String, String)>, Sent(form): Sent) -> Response {
    let app = &app;
    let held = match hold::open_sent(app, &id, &token, (&form, "details")).await {
        Ok(held) => held,
        Err(answer) => return answer,
    };
    let typed = Typed::of(&form);
    if held.is_over(app) {
        return hold::over(&held, typed, app);
    }
    if form.has("edit") {
        return page::personal(app, &hold::form_page(&held, typed, Mending::default(), None, app));
    }
    check_or_mend(&held, typed, app)
}

/// Check answers if all can be read, else the form with what to mend.
pub fn check_or_mend(held: &Held, typed: Typed, app: &App) -> Response {
    let questions = vaccine::questions(&held.slot, app);
    match read(held, &typed, &questions, app) {
        Ok(details) => page::personal(
            app,
            &hold::check_page(held, &check(held, typed, details, questions, None, app), app),
        ),
        Err(mending) => page::to_mend(app, hold::form_page(held, typed, mending, None, app)),
    }
}

fn read(held: &Held, typed: &Typed, questions: &[Asked], app: &App) -> Result<Details, Mending> {
    let zone = times::of_slot(&held.slot, app).zone;
    typed.read(questions, app.engine().clock().now().date_in(&zone), locale())
}

fn check(
    held: &Held,
    typed: Typed,
    details: Details,
    questions: Vec<Asked>,
    refused: Option<check::Refused>,
    app: &App,
) -> CheckPage {
    CheckPage {
        base: held.base(),
        time: times::of_slot(&held.slot, app),
        typed,
        details,
        questions,
        doses: vaccine::doses(&held.slot, app),
        key: command::new_key(app),
        refused,
    }
}

/// `POST /hold/{hold}/{token}/book`: books, once, however often it arrives.
pub async fn book(
    State(app): State<App>,
    arrived: Arrived,
    Path((id, token)): Path<(String, String)>,
    Sent(form): Sent,
) -> Response {
    let app = &app;
    let held = match hold::open_sent(app, &id, &token, (&form, "book")).await {
        Ok(held) => held,
        Err(answer) => return answer,
    };
    let (typed, key) = (Typed::of(&form), command::key_of(&form, app));
    let questions = vaccine::questions(&held.slot, app);
    let details = match read(&held, &typed, &questions, app) {
        Ok(details) => details,
        Err(mending) => return page::to_mend(app, hold::form_page(&held, typed, mending, None, app)),
    };
    let route = "POST /hold/{hold}/{token}/book";
    let ask = command::ask(app, arrived, route, Some(held.link()), &key, &typed.bytes(), Shape::One);
    let booking = BookingRequest {
        slot: None,
        resident: details.person.clone(),
        answers: answers(&details),
        dose: details.dose,
    };
    match command::outcome(
        app.resident()
            .book(held.seen.id, &token, vec![booking], true, ask)
            .await,
    ) {
        Outcome::Done(done) => match (command::text(&done, "id"), command::text(&done, "manage_token")) {
            (Some(id), Some(token)) => page::see_other(&format!("/appointment/{id}/{token}?new=1")),
            _ => page::broke(app),
        },
        Outcome::Refused(refused) => not_booked(&held, typed, details, questions, &refused, app),
        Outcome::Invalid(fields) => to_mend(&held, typed, &questions, &fields, app),
        Outcome::NotFound => page::not_found(app),
        Outcome::Failed(failed) => {
            let fields = vec![("key", key), ("at", "check".to_owned())];
            hold::fault_page(failed, format!("{}/book", held.base()), fields, typed, app)
        }
        Outcome::Bug => page::broke(app),
    }
}

fn answers(details: &Details) -> Answers {
    let mut answers = Answers::default();
    for (question, answer) in &details.answers {
        answers.set(question, answer);
    }
    answers
}

/// The rules said no: a time that is gone leads to others, anything else back to the answers.
fn not_booked(
    held: &Held,
    typed: Typed,
    details: Details,
    questions: Vec<Asked>,
    refused: &Refused,
    app: &App,
) -> Response {
    let code = refused.code;
    match code {
        "hold-expired" => hold::gone("hold-expired", code, Some(&held.slot), typed, app),
        "slot-full" => hold::gone("time-gone", code, Some(&held.slot), typed, app),
        "too-late" => hold::gone("too-late", code, Some(&held.slot), typed, app),
        "hold-ended" => hold::over(held, typed, app),
        _ => {
            let words = in_words(refused, app);
            let model = check(held, typed, details, questions, Some(words), app);
            page::refused(app, &hold::check_page(held, &model, app), code)
        }
    }
}

/// A refusal with what to do instead.
fn in_words(refused: &Refused, app: &App) -> check::Refused {
    let code = refused.code;
    let body = match refused.earliest.as_deref().and_then(base::time::parse_date) {
        Some(earliest) => {
            let date = locale().date_long(earliest);
            locale().tell(&format!("refusal-{code}-from-body"), &[("date", (&date).into())])
        }
        None => locale().text(&format!("refusal-{code}-body")),
    };
    check::Refused {
        heading: locale().text(&format!("refusal-{code}-title")),
        body,
        phone: jurisdiction::of(app).phone,
    }
}

/// What the engine found at fault, beside the fields of the form.
fn to_mend(held: &Held, typed: Typed, questions: &[Asked], fields: &[FieldError], app: &App) -> Response {
    let mut errors = Errors::new();
    for FieldError { field, expected } in fields {
        let last = field.rsplit('/').next().unwrap_or_default();
        match questions.iter().find(|question| question.id == last) {
            Some(question) => {
                errors.add(
                    &question.field(),
                    locale().tell("error-question", &[("question", (&question.text).into())]),
                );
            }
            // The contract's own words for its field: true, if drier than ours.
            None => errors.add(form_field(last), expected.clone()),
        }
    }
    let mending = Mending {
        errors,
        ..Mending::default()
    };
    page::to_mend(app, hold::form_page(held, typed, mending, None, app))
}

fn form_field(name: &str) -> &str {
    match name {
        "family_name" => "family-name",
        "birth_date" => "birth-month",
        "phone" => "phone",
        "email" => "email",
        _ => "given-name",
    }
}
