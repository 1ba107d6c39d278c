//! `/times/{slot}`: the questions before a time is kept, none of them personal. They are asked again, exactly, when it
//! is booked.

use axum::extract::{Path, State};
use axum::response::Response;
use base::id::SlotId;
use booking::engine::SlotSeen;
use html::error_summary::Errors;
use html::form::Choice;
use html::layout::Page;
use http::StatusCode;
use scheduling::resident::eligibility::Answers;

use super::command;
use super::form_body::Form;
use super::hold::{gone, slot_seen};
use super::page::{self, For, locale};
use super::typed::Typed;
use super::vaccine::{self, Band, NotForBand};
use super::view::screening::{NotForYou, Screening, not_for_you, view};
use super::{jurisdiction, times};
use crate::app::App;

/// `GET /times/{slot}`.
pub async fn see(State(app): State<App>, Path(slot): Path<String>) -> Response {
    let app = &app;
    let Ok(slot) = SlotId::parse(&slot) else {
        return page::not_found(app);
    };
    let Some((seen, free)) = find(slot, app) else {
        return gone("too-late", "too-late", None, Typed::default(), app);
    };
    if seen.starts_at <= app.engine().clock().now() {
        return gone("too-late", "too-late", Some(&seen), Typed::default(), app);
    }
    if free == 0 {
        return gone("time-gone", "slot-full", Some(&seen), Typed::default(), app);
    }
    let page = Page::new(
        locale().text("screening-heading"),
        view(&model(&seen, &Form::default(), Errors::new(), app), locale()),
    );
    page::answer(app, StatusCode::OK, &page, For::Visitor)
}

fn find(slot: SlotId, app: &App) -> Option<(SlotSeen, u16)> {
    let snapshot = app.engine().snapshot();
    let (clinic, slot) = snapshot.slot(slot)?;
    Some((slot_seen(clinic.clinic.id, slot), slot.free))
}

fn model(seen: &SlotSeen, form: &Form, errors: Errors, app: &App) -> Screening {
    let rules = app.engine().rules();
    let time = times::of_slot(seen, app);
    let on = time.date();
    let groups = vaccine::group_questions(seen.vaccine, on, &rules)
        .into_iter()
        .map(|question| {
            let answer = form.get(&question.field()).to_owned();
            (question, answer)
        })
        .collect();
    Screening {
        ages: vaccine::bands(seen.vaccine, on, &rules)
            .into_iter()
            .map(|band| Choice::new(band.code(), band.words(locale())))
            .collect(),
        time,
        age: form.get("age").to_owned(),
        errors,
        key: command::new_key(app),
        groups,
    }
}

/// What the answers before a hold lead to instead of a hold; `None` when it may be placed.
pub fn before_hold(slot: SlotId, form: &Form, app: &App) -> Option<Response> {
    // A slot that is no longer shown gets its answer from the engine.
    let (seen, _) = find(slot, app)?;
    let rules = app.engine().rules();
    let on = times::of_slot(&seen, app).date();
    let mut errors = Errors::new();
    let band = vaccine::bands(seen.vaccine, on, &rules)
        .into_iter()
        .find(|band| band.code() == form.get("age"));
    if band.is_none() {
        errors.add("age", locale().text("error-age"));
    }
    let mut answers = Answers::default();
    for question in vaccine::group_questions(seen.vaccine, on, &rules) {
        match form.get(&question.field()) {
            "" => errors.add(
                &question.field(),
                locale().tell("error-question", &[("question", (&question.text).into())]),
            ),
            answer => answers.set(&question.id, answer),
        }
    }
    let (Some(band), true) = (band, errors.is_empty()) else {
        let screening = model(&seen, form, errors, app);
        return Some(page::to_mend(
            app,
            Page::new(locale().text("screening-heading"), view(&screening, locale())),
        ));
    };
    let why = vaccine::not_for(seen.vaccine, on, band, &answers, &rules)?;
    Some(not_eligible(&seen, band, why, app))
}

fn not_eligible(seen: &SlotSeen, band: Band, why: NotForBand, app: &App) -> Response {
    let age = |months| Some(vaccine::months_words(months, locale()));
    let (from_age, to_age, reason) = match why {
        NotForBand::From(months) => (age(months), None, None),
        NotForBand::To(months) => (None, age(months), None),
        NotForBand::Says(reason) => (None, None, Some(reason)),
    };
    let model = NotForYou {
        time: times::of_slot(seen, app),
        from_age,
        to_age,
        reason,
        instead: instead(seen, band, app),
        phone: jurisdiction::of(app).phone,
    };
    let page = Page::new(locale().text("not-for-you-heading"), not_for_you(&model, locale()));
    page::refused(app, &page, "not-eligible")
}

/// Other vaccines of the clinic that someone of this age can have, where times are open.
fn instead(seen: &SlotSeen, band: Band, app: &App) -> Vec<(String, String)> {
    let (rules, snapshot, now) = (
        app.engine().rules(),
        app.engine().snapshot(),
        app.engine().clock().now(),
    );
    let Some(availability) = snapshot.clinic(seen.clinic) else {
        return Vec::new();
    };
    let on = seen.starts_at.date_in(&availability.clinic.zone);
    let own_group = rules.series_of(seen.vaccine);
    let open = availability
        .slots
        .iter()
        .filter(|slot| slot.starts_at > now && slot.free > 0)
        .map(|slot| slot.vaccine);
    let fitting = open.filter(|cvx| {
        rules.series_of(*cvx) != own_group && vaccine::not_for(*cvx, on, band, &Answers::default(), &rules).is_none()
    });
    vaccine::groups(fitting, &rules)
        .into_iter()
        .map(|group| {
            let words = locale().tell("see-vaccine-times", &[("vaccine", (&group.label).into())]);
            (words, times::clinic_href(seen.clinic, &group.value, None))
        })
        .collect()
}
