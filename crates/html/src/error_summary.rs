//! What is to be mended on a form: each line links to its field and says the same words as stand there.

use crate::locale::Locale;
use maud::{Markup, html};

/// The errors of one form, in the order of its fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors {
    list: Vec<FieldError>,
}

/// One field's error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The name of the field; also the id of its element.
    pub field: String,
    /// What to type, with an example.
    pub words: String,
}

impl Errors {
    /// No errors yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds one; a field's first error stays its only one.
    pub fn add(&mut self, field: &str, words: String) {
        if self.of(field).is_none() {
            self.list.push(FieldError {
                field: field.to_owned(),
                words,
            });
        }
    }
    /// Whether nothing is to be mended.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    /// A field's error.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.list
            .iter()
            .find(|error| error.field == field)
            .map(|error| error.words.as_str())
    }
    /// Every error, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &FieldError> {
        self.list.iter()
    }
}

/// The summary, first in `main`; nothing when there is nothing to mend. It takes the focus when the page opens.
pub fn error_summary(errors: &Errors, locale: &Locale) -> Markup {
    if errors.is_empty() {
        return html! {};
    }
    html! {
        div class="error-summary" role="alert" tabindex="-1" autofocus aria-labelledby="error-summary-title" {
            h2 id="error-summary-title" { (locale.tell("error-summary-title", &[("count", errors.list.len().into())])) }
            ul {
                @for error in errors.iter() {
                    li { a href={ "#" (error.field) } { (error.words) } }
                }
            }
        }
    }
}
