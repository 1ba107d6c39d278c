//! Screening questions and what their answers mean, as versioned data.

use super::DoseRequest;
use super::dose_rule::Span;
use super::product::Cvx;
use base::time::{Date, parse_date};

/// A version of the questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuestionSet {
    /// Its version.
    pub version: String,
    /// First appointment date it counts for.
    pub effective_from: Date,
    /// In order.
    pub questions: Vec<Question>,
    /// Which answers make somebody not eligible.
    pub conditions: Vec<Condition>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Key of its answer.
    pub id: String,
    /// Public words.
    pub text: String,
    /// Why it is asked, in public words.
    pub hint: Option<String>,
    /// What is answered.
    pub kind: QuestionKind,
    /// For a choice: what can be chosen.
    pub options: Vec<Choice>,
    /// Whether a booking must answer it.
    pub required: bool,
    /// Only for these products; empty: for all.
    pub products: Vec<Cvx>,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuestionKind {
    /// `yes` or `no`.
    YesNo,
    /// One of the options' values.
    Choice,
    /// YYYY-MM-DD.
    Date,
}

impl QuestionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::YesNo, Self::Choice, Self::Date];
    /// As in `API.md`.
    pub fn code(self) -> &'static str {
        match self {
            Self::YesNo => "yes_no",
            Self::Choice => "choice",
            Self::Date => "date",
        }
    }
}

/// One thing that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The answer.
    pub value: String,
    /// Public words.
    pub text: String,
}

impl Question {
    /// Whether it is asked for a product.
    pub fn concerns(&self, product: Cvx, _dose: u8) -> bool {
        self.products.is_empty() || self.products.contains(&product)
    }
    /// Whether an answer is one.
    pub fn accepts(&self, answer: &str) -> bool {
        match self.kind {
            QuestionKind::YesNo => matches!(answer, "yes" | "no" | "unknown"),
            QuestionKind::Choice => self.options.iter().any(|option| option.value == answer),
            QuestionKind::Date => parse_date(answer).is_some(),
        }
    }
    /// What an answer must be, for an error.
    pub fn expected(&self) -> String {
        match self.kind {
            QuestionKind::YesNo => "true or false (or \"yes\", \"no\", \"unknown\")".to_owned(),
            QuestionKind::Choice => {
                let values: Vec<_> = self.options.iter().map(|option| option.value.as_str()).collect();
                format!("one of {}", values.join(", "))
            }
            QuestionKind::Date => "a date, YYYY-MM-DD".to_owned(),
        }
    }
}

/// An answer that makes somebody not eligible for some products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Only for these products; empty: for all.
    pub products: Vec<Cvx>,
    /// The question.
    pub question: String,
    /// With this answer it refuses; with `unless`, any other answer, and none, does.
    pub refuse_if: Option<String>,
    /// Refuses unless this is answered.
    pub unless: Option<String>,
    /// For a date: refuses when the appointment is earlier than this long after it.
    pub refuse_within: Option<Span>,
    /// Only below this age, if given: completed years on the appointment's date.
    pub below_age: Option<i16>,
    /// Public sentence.
    pub reason: String,
}

impl Condition {
    /// Whether it stands in the way of a request.
    pub fn refuses(&self, request: &DoseRequest<'_>) -> bool {
        if !(self.products.is_empty() || self.products.contains(&request.product)) {
            return false;
        }
        if self
            .below_age
            .is_some_and(|age| base::time::age_on(request.birth_date, request.on) >= age)
        {
            return false;
        }
        let answer = request.answers.get(&self.question);
        let refused = self.refuse_if.as_deref().is_some_and(|value| answer == Some(value));
        let missing = self.unless.as_deref().is_some_and(|value| answer != Some(value));
        let within = self.refuse_within.is_some_and(|span| {
            answer
                .and_then(parse_date)
                .is_some_and(|answered| request.on < span.after(answered))
        });
        refused || missing || within
    }
}
