//! Who an appointment is for: how the `resident` and `answers` of a booking are read, and how little of it is ever
//! shown again.

use std::borrow::Cow;

use base::time::{Date, parse_date};
use scheduling::resident::eligibility::Answers;
use scheduling::resident::person::Person;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::limit::{
    ANSWERS_MAX, CODE_CHARACTERS_MAX, EMAIL_CHARACTERS_MAX, NAME_CHARACTERS_MAX, NEEDS_MAX, PHONE_CHARACTERS_MAX,
};
use crate::request::fields::{self, Findings, Object, Raw};

/// The person an appointment is for. Without phone and e-mail one can book as well, and keeps the code.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Resident)]
#[allow(dead_code, reason = "describes the body; `read` reads it")]
pub struct ResidentRequest {
    /// As it stands in papers.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Ana")]
    pub given_name: String,
    /// As it stands in papers.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S", example = "Reyes")]
    pub family_name: String,
    /// From 1900-01-01 on, not in the future.
    #[schema(format = Date, example = "1980-05-17")]
    pub birth_date: String,
    /// Seven to fifteen digits; spaces, `+ - . ( )` and `x` for an extension may stand between.
    #[schema(min_length = 7, max_length = 32, example = "508-555-0142")]
    pub phone: Option<String>,
    /// An address.
    #[schema(min_length = 3, max_length = 254, example = "ana@example.org")]
    pub email: Option<String>,
    /// Language tag (BCP 47) for letters and calls.
    #[schema(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", example = "es")]
    pub language: Option<String>,
    /// Codes of what the clinic should prepare.
    #[schema(max_items = 20, example = json!(["wheelchair"]))]
    pub needs: Option<Vec<String>>,
}

/// What is shown of a resident: no birth date, phone or e-mail.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResidentShown {
    /// To greet by.
    pub given_name: String,
    /// Language tag; null when none was given.
    #[schema(required)]
    pub language: Option<String>,
    /// Codes of what the clinic should prepare.
    pub needs: Vec<String>,
}

impl From<&Person> for ResidentShown {
    fn from(person: &Person) -> Self {
        Self {
            given_name: person.given_name.clone(),
            language: person.language.clone(),
            needs: person.needs.clone(),
        }
    }
}

/// Describes `answers`: an object by question id, whose ids are data, plus `version`.
#[derive(Debug)]
pub struct AnswersRequest;

impl PartialSchema for AnswersRequest {
    fn schema() -> RefOr<Schema> {
        let text = |max| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .min_length(Some(1))
                .max_length(Some(max))
        };
        let answer = OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::Boolean))
            .item(text(CODE_CHARACTERS_MAX))
            .description(Some(
                "`true` or `false` for `yes_no`, an option's value for `choice`, YYYY-MM-DD for `date`.",
            ))
            .build();
        ObjectBuilder::new()
            .description(Some("Answers to the questions of `GET /questions`, by question id."))
            .property(
                "version",
                text(CODE_CHARACTERS_MAX).description(Some("The `version` of the questions that were answered, from `GET /questions`; one that nobody published is 422.")),
            )
            .additional_properties(Some(Schema::OneOf(answer)))
            .into()
    }
}

impl ToSchema for AnswersRequest {
    fn name() -> Cow<'static, str> {
        "Answers".into()
    }
}

const FIELDS: &[&str] = &[
    "given_name",
    "family_name",
    "birth_date",
    "phone",
    "email",
    "language",
    "needs",
];

/// Reads the `resident` of a booking. `latest_birth` is the last day anyone alive can have been born on.
pub fn read(pointer: &str, raw: Raw<'_>, latest_birth: Date, findings: &mut Findings) -> Option<Person> {
    let fields = Object::open(pointer, raw, FIELDS, findings)?;
    let name = "a name of 1 to 100 characters";
    let given_name = fields.required("given_name", name, findings, name_text);
    let family_name = fields.required("family_name", name, findings, name_text);
    let birth = "a date, YYYY-MM-DD, from 1900-01-01 to today";
    let birth_date = fields.required("birth_date", birth, findings, |raw| {
        fields::text(raw)
            .and_then(|text| parse_date(&text))
            .filter(|date| date.year() >= 1900 && *date <= latest_birth)
    });
    let phone = fields.nullable("phone", "a telephone number of 7 to 15 digits", findings, phone_text);
    let email = fields.nullable("email", "an e-mail address", findings, email_text);
    let language = fields.nullable("language", "a language tag, such as en or es", findings, language_text);
    let needs = fields.nullable("needs", "at most 20 codes, such as wheelchair", findings, need_codes);
    Some(Person {
        given_name: given_name?,
        family_name: family_name?,
        birth_date: birth_date?,
        phone: phone?,
        email: email?,
        language: language?,
        needs: needs?.unwrap_or_default(),
    })
}

/// Reads the `answers` of a booking, which may be left out like an empty object.
pub fn read_answers(booking: &Object<'_>, findings: &mut Findings) -> Option<Answers> {
    let Some(raw) = booking.get("answers") else {
        return Some(Answers::default());
    };
    let object = Object::open_any(&booking.at("answers"), raw, findings)?;
    if object.entries().count() > ANSWERS_MAX {
        findings.invalid(booking.at("answers"), format!("at most {ANSWERS_MAX} answers"));
        return None;
    }
    let mut answers = Answers::default();
    let mut whole = true;
    for (name, raw) in object.entries() {
        if name == "version" {
            match fields::text_of(raw, 1, CODE_CHARACTERS_MAX) {
                Some(version) => answers.version = Some(version.into_owned()),
                None => whole = refuse(&object, name, "the `version` of the questions", findings),
            }
        } else if let Some(answer) = answer_text(raw) {
            answers.set(name, &answer);
        } else {
            whole = refuse(&object, name, "true or false, an option's value, or a date", findings);
        }
    }
    whole.then_some(answers)
}

fn refuse(object: &Object<'_>, name: &str, expected: &str, findings: &mut Findings) -> bool {
    findings.invalid(object.at(name), expected);
    false
}

fn answer_text(raw: Raw<'_>) -> Option<String> {
    match fields::boolean(raw) {
        Some(true) => Some("yes".into()),
        Some(false) => Some("no".into()),
        None => fields::text_of(raw, 1, CODE_CHARACTERS_MAX).map(Cow::into_owned),
    }
}

/// A name without the blanks around it. Control characters are never part of one.
pub fn name_of(text: &str) -> Option<String> {
    let name = text.trim();
    let fits = (1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// A telephone number as it was typed, if it holds 7 to 15 digits (ITU-T E.164) and nothing strange.
pub fn phone_of(text: &str) -> Option<String> {
    let phone = text.trim();
    let digits = phone.bytes().filter(u8::is_ascii_digit).count();
    let plain = phone.chars().all(|c| c.is_ascii_digit() || " +-.()x".contains(c));
    (plain && (7..=15).contains(&digits) && phone.len() <= PHONE_CHARACTERS_MAX).then(|| phone.to_owned())
}

/// An e-mail address, if it could be one: something before the last `@`, a host after it, no blanks.
pub fn email_of(text: &str) -> Option<String> {
    let email = text.trim();
    let (before, host) = email.rsplit_once('@')?;
    let fits = email.len() <= EMAIL_CHARACTERS_MAX
        && !before.is_empty()
        && !host.is_empty()
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    fits.then(|| email.to_owned())
}

/// A language tag of the common shapes.
pub fn language_of(text: &str) -> Option<String> {
    let mut parts = text.split('-');
    let primary = parts.next()?;
    let fits = (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && text.split('-').count() <= 4
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    fits.then(|| text.to_owned())
}

fn name_text(raw: Raw<'_>) -> Option<String> {
    name_of(&fields::text(raw)?)
}

fn phone_text(raw: Raw<'_>) -> Option<String> {
    phone_of(&fields::text(raw)?)
}

fn email_text(raw: Raw<'_>) -> Option<String> {
    email_of(&fields::text(raw)?)
}

fn language_text(raw: Raw<'_>) -> Option<String> {
    language_of(&fields::text(raw)?)
}

fn need_codes(raw: Raw<'_>) -> Option<Vec<String>> {
    let entries = fields::array(raw).filter(|entries| entries.len() <= NEEDS_MAX)?;
    entries
        .into_iter()
        .map(|raw| {
            let code = fields::text_of(raw, 1, CODE_CHARACTERS_MAX)?;
            let plain = code
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'));
            plain.then(|| code.into_owned())
        })
        .collect()
}
