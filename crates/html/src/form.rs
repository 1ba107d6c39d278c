//! Fields of forms: label, hint, error and control, always in that order and tied together for screen readers.
//! A field's name is also its element's id, so that the error summary can link to it.

use crate::icon::Icon;
use maud::{Markup, html};

/// How wide a text field is drawn: as wide as what belongs in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// As wide as the column.
    Full,
    /// A ZIP code.
    Zip,
    /// Two digits.
    Two,
    /// Four digits.
    Four,
}

impl Width {
    fn class(self) -> &'static str {
        match self {
            Self::Full => "input",
            Self::Zip => "input input-zip",
            Self::Two => "input input-two",
            Self::Four => "input input-four",
        }
    }
}

/// A text field.
#[derive(Debug, Clone, Copy)]
pub struct TextField<'a> {
    /// Name in the form and id of the element.
    pub name: &'a str,
    /// Above the field.
    pub label: &'a str,
    /// Below the label.
    pub hint: Option<&'a str>,
    /// What to mend.
    pub error: Option<&'a str>,
    /// What was typed.
    pub value: &'a str,
    /// `text`, `tel`, `email`.
    pub kind: &'static str,
    /// What a browser may fill in (WCAG 1.3.5).
    pub autocomplete: &'static str,
    /// How wide.
    pub width: Width,
    /// Longest accepted text, in characters.
    pub longest: usize,
}

impl TextField<'_> {
    /// The field.
    pub fn markup(&self) -> Markup {
        html! {
            div class=(group_class(self.error)) {
                label class="label" for=(self.name) { (self.label) }
                (hint_and_error(self.name, self.hint, self.error))
                input class=(input_class(self.width, self.error.is_some())) id=(self.name) name=(self.name) type=(self.kind)
                    value=(self.value) autocomplete=(self.autocomplete) maxlength=(self.longest)
                    spellcheck="false" aria-describedby=[described_by(self.name, self.hint, self.error)]
                    aria-invalid=[self.error.map(|_| "true")];
            }
        }
    }
}

fn group_class(error: Option<&str>) -> &'static str {
    if error.is_some() { "field has-error" } else { "field" }
}

fn input_class(width: Width, wrong: bool) -> String {
    format!("{}{}", width.class(), if wrong { " is-wrong" } else { "" })
}

fn described_by(name: &str, hint: Option<&str>, error: Option<&str>) -> Option<String> {
    match (hint, error) {
        (None, None) => None,
        (Some(_), None) => Some(format!("{name}-hint")),
        (None, Some(_)) => Some(format!("{name}-error")),
        (Some(_), Some(_)) => Some(format!("{name}-hint {name}-error")),
    }
}

fn hint_and_error(name: &str, hint: Option<&str>, error: Option<&str>) -> Markup {
    html! {
        @if let Some(hint) = hint { p class="hint" id={ (name) "-hint" } { (hint) } }
        @if let Some(error) = error {
            p class="error" id={ (name) "-error" } { (Icon::Warn.markup()) span { (error) } }
        }
    }
}

/// One of several answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Sent when chosen.
    pub value: String,
    /// Shown.
    pub label: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            label: label.into(),
        }
    }
}

/// A question with its answers: one `fieldset`, the legend is the question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Name of the answers; the first one's id, so that the error summary's link lands on it.
    pub name: &'a str,
    /// The question.
    pub legend: &'a str,
    /// Why we ask.
    pub hint: Option<&'a str>,
    /// What to mend.
    pub error: Option<&'a str>,
    /// The answers.
    pub choices: &'a [Choice],
}

impl Question<'_> {
    /// As rows of which one may be chosen.
    pub fn radios(&self, chosen: &str) -> Markup {
        self.rows("radio", &|value| value == chosen)
    }

    /// As rows of which any may be chosen.
    pub fn checkboxes(&self, chosen: &[String]) -> Markup {
        self.rows("checkbox", &|value| chosen.iter().any(|one| one == value))
    }

    fn rows(&self, kind: &str, chosen: &dyn Fn(&str) -> bool) -> Markup {
        html! {
            fieldset class=(group_class(self.error)) aria-describedby=[described_by(self.name, self.hint, self.error)] {
                legend class="label" { (self.legend) }
                (hint_and_error(self.name, self.hint, self.error))
                div class="choices" {
                    @for (n, choice) in self.choices.iter().enumerate() {
                        label class="choice" {
                            input type=(kind) name=(self.name) value=(choice.value) checked[chosen(&choice.value)]
                                id=[(n == 0).then_some(self.name)] aria-invalid=[self.error.map(|_| "true")];
                            span { (choice.label) }
                        }
                    }
                }
            }
        }
    }
}

/// A list of which one is chosen.
pub fn select(
    name: &str,
    label: &str,
    hint: Option<&str>,
    choices: &[Choice],
    chosen: &str,
    autocomplete: &str,
) -> Markup {
    html! {
        div class="field" {
            label class="label" for=(name) { (label) }
            (hint_and_error(name, hint, None))
            div class="select" {
                select id=(name) name=(name) autocomplete=[(!autocomplete.is_empty()).then_some(autocomplete)]
                    aria-describedby=[described_by(name, hint, None)] {
                    @for choice in choices {
                        option value=(choice.value) selected[choice.value == chosen] { (choice.label) }
                    }
                }
            }
        }
    }
}

/// Which parts of a date are to be mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WrongParts {
    /// The month.
    pub month: bool,
    /// The day.
    pub day: bool,
    /// The year.
    pub year: bool,
}

/// A date of birth in three fields, whose names are `{name}-month`, `{name}-day` and `{name}-year`.
#[derive(Debug, Clone, Copy)]
pub struct DateField<'a> {
    /// Beginning of the three names, and id of the first part.
    pub name: &'a str,
    /// The question.
    pub legend: &'a str,
    /// With an example.
    pub hint: &'a str,
    /// What to mend.
    pub error: Option<&'a str>,
    /// At which parts.
    pub wrong: WrongParts,
    /// What was typed: month, day, year.
    pub typed: [&'a str; 3],
    /// What the parts are called.
    pub labels: [&'a str; 3],
}

impl DateField<'_> {
    /// The id that the error summary should link to: the first part at fault.
    pub fn id_at_fault(name: &str, wrong: WrongParts) -> String {
        match wrong {
            WrongParts { month: true, .. } => format!("{name}-month"),
            WrongParts { day: true, .. } => format!("{name}-day"),
            WrongParts { year: true, .. } => format!("{name}-year"),
            _ => format!("{name}-month"),
        }
    }

    /// The fields.
    pub fn markup(&self) -> Markup {
        let parts = [
            ("month", Width::Two, self.wrong.month, "bday-month"),
            ("day", Width::Two, self.wrong.day, "bday-day"),
            ("year", Width::Four, self.wrong.year, "bday-year"),
        ];
        html! {
            fieldset class=(group_class(self.error)) aria-describedby=[described_by(self.name, Some(self.hint), self.error)] {
                legend class="label" { (self.legend) }
                (hint_and_error(self.name, Some(self.hint), self.error))
                div class="date-parts" {
                    @for (n, (part, width, wrong, autocomplete)) in parts.into_iter().enumerate() {
                        div {
                            label class="part-label" for={ (self.name) "-" (part) } { (self.labels[n]) }
                            // The month may be typed as a word, so its field is not for digits alone.
                            input class=(input_class(width, wrong)) id={ (self.name) "-" (part) } name={ (self.name) "-" (part) }
                                type="text" inputmode=[(part != "month").then_some("numeric")] value=(self.typed[n])
                                autocomplete=(autocomplete) maxlength="32" aria-invalid=[wrong.then_some("true")];
                        }
                    }
                }
            }
        }
    }
}

/// A value that travels with the form, unseen.
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// The one filled button of a page.
pub fn primary_button(words: &str) -> Markup {
    html! { button class="button button-primary" type="submit" { (words) } }
}
