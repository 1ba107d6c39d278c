//! Pure. What people type into the details form, kept exactly as typed from page to page, and how it is read into a
//! person and answers. Whatever cannot be read is named beside its field with an example of what would do.

use std::collections::BTreeMap;

use base::time::{Date, date_text, parse_date};
use html::error_summary::Errors;
use html::form::{Choice, DateField, WrongParts, hidden};
use html::locale::Locale;
use html::{Markup, html};
use scheduling::resident::person::Person;

use super::form_body::Form;
use super::typed_date;
use crate::api::resident::{email_of, name_of, phone_of};
use crate::limit::{ANSWERS_MAX, CODE_CHARACTERS_MAX, DOSE_MAX};

/// Languages that can be asked for: the twelve most spoken at home in the United States after English (Census, ACS),
/// and American Sign Language.
pub const LANGUAGES: &[&str] = &[
    "en", "es", "zh", "vi", "ar", "pt", "ht", "fr", "ru", "ko", "tl", "hi", "ase",
];
/// What a clinic can be asked to prepare.
pub const NEEDS: &[&str] = &[
    "wheelchair",
    "interpreter",
    "low-vision",
    "hearing",
    "lie-down",
    "helper",
];

/// Beginning of the names of answers.
const ANSWER: &str = "q-";

/// Everything typed, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// First name.
    pub given_name: String,
    /// Last name.
    pub family_name: String,
    /// Month, day and year of birth.
    pub birth: [String; 3],
    /// Phone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// Language code.
    pub language: String,
    /// Codes of needs.
    pub needs: Vec<String>,
    /// Number of the dose.
    pub dose: String,
    /// Answers by question.
    pub answers: BTreeMap<String, String>,
}

/// A question of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub id: String,
    /// Its words.
    pub text: String,
    /// Why it is asked.
    pub hint: Option<String>,
    /// How it is answered.
    pub kind: AskedKind,
    /// Whether it must be.
    pub is_required: bool,
}

impl Asked {
    /// The name of its field.
    pub fn field(&self) -> String {
        format!("{ANSWER}{}", self.id)
    }

    /// An answer in words.
    pub fn said(&self, answer: &str, locale: &Locale) -> String {
        match &self.kind {
            AskedKind::YesNo if answer == "yes" => locale.text("yes"),
            AskedKind::YesNo if answer == "no" => locale.text("no"),
            AskedKind::YesNo if answer == "unknown" => locale.text("dont-know"),
            AskedKind::Choice(choices) => choices
                .iter()
                .find(|choice| choice.value == answer)
                .map_or_else(|| answer.to_owned(), |c| c.label.clone()),
            AskedKind::Date => {
                typed_date::read(answer, locale).map_or_else(|| answer.to_owned(), |d| locale.date_plain(d))
            }
            AskedKind::YesNo => answer.to_owned(),
        }
    }
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedKind {
    /// Yes or no.
    YesNo,
    /// One of these.
    Choice(Vec<Choice>),
    /// A date.
    Date,
}

/// What to mend.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mending {
    /// By field.
    pub errors: Errors,
    /// Parts of the date of birth.
    pub wrong_birth: WrongParts,
}

/// What was typed, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Details {
    /// Who.
    pub person: Person,
    /// Number of the dose in its series.
    pub dose: u8,
    /// Answers by question, as the rules read them: `yes`, `no`, `unknown`, a choice's value, YYYY-MM-DD.
    pub answers: BTreeMap<String, String>,
}

impl Typed {
    /// From a form.
    pub fn of(form: &Form) -> Self {
        Self {
            given_name: form.get("given-name").to_owned(),
            family_name: form.get("family-name").to_owned(),
            birth: ["birth-month", "birth-day", "birth-year"].map(|name| form.get(name).to_owned()),
            phone: form.get("phone").to_owned(),
            email: form.get("email").to_owned(),
            language: form.get("language").to_owned(),
            needs: form.all("needs").map(str::to_owned).collect(),
            dose: form.get("dose").to_owned(),
            answers: form
                .beginning(ANSWER)
                .filter(|(_, answer)| !answer.trim().is_empty())
                .take(ANSWERS_MAX)
                .map(|(id, answer)| (id.to_owned(), answer.to_owned()))
                .collect(),
        }
    }

    /// Whether nothing was typed yet.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }

    /// An answer, or an empty text.
    pub fn answer(&self, question: &str) -> &str {
        self.answers.get(question).map_or("", String::as_str)
    }

    /// Everything as fields that travel unseen: in the page, never in an address or a cookie.
    pub fn hidden(&self) -> Markup {
        if self.is_blank() {
            return html! {};
        }
        html! {
            (hidden("given-name", &self.given_name))
            (hidden("family-name", &self.family_name))
            (hidden("birth-month", &self.birth[0]))
            (hidden("birth-day", &self.birth[1]))
            (hidden("birth-year", &self.birth[2]))
            (hidden("phone", &self.phone))
            (hidden("email", &self.email))
            (hidden("language", &self.language))
            (hidden("dose", &self.dose))
            @for need in &self.needs { (hidden("needs", need)) }
            @for (id, answer) in &self.answers { (hidden(&format!("{ANSWER}{id}"), answer)) }
        }
    }

    /// One text of everything, by which a repeated request is known to be the same.
    pub fn bytes(&self) -> Vec<u8> {
        let [month, day, year] = &self.birth;
        let mut parts: Vec<&str> = vec![
            &self.given_name,
            &self.family_name,
            month,
            day,
            year,
            &self.phone,
            &self.email,
            &self.language,
            &self.dose,
        ];
        parts.extend(self.needs.iter().map(String::as_str));
        parts.push("");
        parts.extend(
            self.answers
                .iter()
                .flat_map(|(id, answer)| [id.as_str(), answer.as_str()]),
        );
        // No typed text holds a control character.
        parts.join("\u{1}").into_bytes()
    }

    /// Reads it. `today` is the clinic's: nobody is born after it.
    pub fn read(&self, questions: &[Asked], today: Date, locale: &Locale) -> Result<Details, Mending> {
        let mut mending = Mending::default();
        let given_name = name(
            &self.given_name,
            "given-name",
            ["error-given-name", "error-name-long"],
            &mut mending.errors,
            locale,
        );
        let family_name = name(
            &self.family_name,
            "family-name",
            ["error-family-name", "error-name-long"],
            &mut mending.errors,
            locale,
        );
        let birth_date = self.read_birth(today, &mut mending, locale);
        let phone = optional(
            &self.phone,
            phone_of,
            "phone",
            "error-phone",
            &mut mending.errors,
            locale,
        );
        let email = optional(
            &self.email,
            email_of,
            "email",
            "error-email",
            &mut mending.errors,
            locale,
        );
        let mut answers = BTreeMap::new();
        for question in questions {
            if let Some(answer) = read_answer(question, self.answer(&question.id), &mut mending.errors, locale) {
                answers.insert(question.id.clone(), answer);
            }
        }
        match (given_name, family_name, birth_date) {
            (Some(given_name), Some(family_name), Some(birth_date)) if mending.errors.is_empty() => Ok(Details {
                person: Person {
                    given_name,
                    family_name,
                    birth_date,
                    phone,
                    email,
                    language: LANGUAGES
                        .contains(&self.language.as_str())
                        .then(|| self.language.clone()),
                    needs: self
                        .needs
                        .iter()
                        .filter(|need| NEEDS.contains(&need.as_str()))
                        .cloned()
                        .collect(),
                },
                // Chosen from radios with the first one set: anything else is no choice of ours.
                dose: self
                    .dose
                    .parse()
                    .ok()
                    .filter(|dose| (1..=DOSE_MAX).contains(&i64::from(*dose)))
                    .unwrap_or(1),
                answers,
            }),
            _ => Err(mending),
        }
    }

    fn read_birth(&self, today: Date, mending: &mut Mending, locale: &Locale) -> Option<Date> {
        match typed_date::read_parts(&self.birth, today, locale) {
            Ok(date) => Some(date),
            Err((key, wrong)) => {
                mending.wrong_birth = wrong;
                mending
                    .errors
                    .add(&DateField::id_at_fault("birth", wrong), locale.text(key));
                None
            }
        }
    }
}

fn name(typed: &str, field: &str, keys: [&str; 2], errors: &mut Errors, locale: &Locale) -> Option<String> {
    let name = name_of(typed);
    if name.is_none() {
        errors.add(
            field,
            locale.text(if typed.trim().is_empty() { keys[0] } else { keys[1] }),
        );
    }
    name
}

fn optional(
    typed: &str,
    read: fn(&str) -> Option<String>,
    field: &str,
    key: &str,
    errors: &mut Errors,
    locale: &Locale,
) -> Option<String> {
    if typed.trim().is_empty() {
        return None;
    }
    let value = read(typed);
    if value.is_none() {
        errors.add(field, locale.text(key));
    }
    value
}

fn read_answer(question: &Asked, answer: &str, errors: &mut Errors, locale: &Locale) -> Option<String> {
    let answer = answer.trim();
    if answer.is_empty() {
        if question.is_required {
            errors.add(
                &question.field(),
                locale.tell("error-question", &[("question", (&question.text).into())]),
            );
        }
        return None;
    }
    let read = match &question.kind {
        AskedKind::YesNo => ["yes", "no", "unknown"].contains(&answer).then(|| answer.to_owned()),
        AskedKind::Choice(choices) => choices
            .iter()
            .any(|choice| choice.value == answer)
            .then(|| answer.to_owned()),
        AskedKind::Date => parse_date(answer)
            .or_else(|| typed_date::read(answer, locale))
            .map(date_text),
    };
    let read = read.filter(|text| text.len() <= CODE_CHARACTERS_MAX);
    if read.is_none() {
        let key = if question.kind == AskedKind::Date {
            "error-date"
        } else {
            "error-question"
        };
        errors.add(
            &question.field(),
            locale.tell(key, &[("question", (&question.text).into())]),
        );
    }
    read
}
