//! `GET /api/v1/questions`: what a booking of a slot will ask.

use axum::extract::State;
use axum::response::Response;
use base::id::SlotId;
use http::HeaderMap;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::answer::{self, AskError};
use crate::app::App;
use crate::limit::{DOSE_MAX, ID_CHARACTERS_MAX};
use crate::request::fields::Findings;
use crate::request::query::{Query, RawQuery, whole};

/// How a question is answered.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code, reason = "describes the answer")]
pub enum QuestionKind {
    /// `true` or `false`.
    YesNo,
    /// The value of one of the options.
    Choice,
    /// YYYY-MM-DD.
    Date,
}

/// One answer that can be chosen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuestionOption)]
pub struct OptionShown {
    /// What the answer says.
    pub value: String,
    /// What people read.
    pub text: String,
}

/// A question.
#[derive(Debug, Serialize, ToSchema)]
pub struct Question {
    /// Its name in `answers`.
    pub id: String,
    /// What people read.
    pub text: String,
    /// How it is answered.
    #[schema(value_type = QuestionKind)]
    pub kind: &'static str,
    /// For `choice`: what can be chosen. Else empty.
    pub options: Vec<OptionShown>,
    /// Whether a booking without an answer is refused.
    pub required: bool,
}

/// The questions of a booking.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuestionList {
    /// Names this wording and these rules; may be sent along in `answers`.
    pub version: String,
    /// In the order to ask them.
    pub questions: Vec<Question>,
}

/// The query of `GET /questions`.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the query; `list` reads it")]
pub struct QuestionQuery {
    /// The slot's id.
    #[param(min_length = 1, max_length = 64, example = "slt-01jd3v8qk2s0v6m2x4y8z0a1b2")]
    slot: String,
    /// Number in the series.
    #[param(required = false, minimum = 1, maximum = 20, default = 1)]
    dose: u8,
}

/// What a booking of this slot will ask.
#[utoipa::path(
    get, path = "/api/v1/questions", tag = "find", operation_id = "list_questions", params(QuestionQuery),
    responses((status = 200, description = "The questions; none is a good answer too.", body = QuestionList)),
)]
pub async fn list(State(app): State<App>, RawQuery(raw): RawQuery, headers: HeaderMap) -> Result<Response, AskError> {
    let query = Query::parse(&raw, &["slot", "dose"])?;
    let mut findings = Findings::default();
    let id = query.required("slot", "the id of an appointment time", &mut findings, |text| {
        (1..=ID_CHARACTERS_MAX)
            .contains(&text.chars().count())
            .then(|| SlotId::parse(text).ok())
    });
    let expected = "a whole number from 1 to 20";
    let dose = query.optional("dose", expected, &mut findings, |text| whole(text, 1, DOSE_MAX as u64));
    let (id, dose) = findings.conclude(id.zip(dose))?;
    let snapshot = app.engine().snapshot();
    let (clinic, slot) = id.and_then(|id| snapshot.slot(id)).ok_or(AskError::NotFound)?;
    let rules = app.engine().rules();
    let asked = rules.questions(
        slot.vaccine,
        dose.unwrap_or(1) as u8,
        slot.starts_at.date_in(&clinic.clinic.zone),
    );
    let questions = asked
        .questions
        .iter()
        .map(|question| Question {
            id: question.id.clone(),
            text: question.text.clone(),
            kind: question.kind.code(),
            options: question
                .options
                .iter()
                .map(|option| OptionShown {
                    value: option.value.clone(),
                    text: option.text.clone(),
                })
                .collect(),
            required: question.required,
        })
        .collect();
    let list = QuestionList {
        version: asked.version.to_string(),
        questions,
    };
    Ok(answer::public_json(&headers, &list))
}
