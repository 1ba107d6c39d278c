//! Answers to the screening questions, as given. What they mean is data (`rules::question`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Answers by question id: `yes`, `no`, `unknown`, a choice's value, or a date. Personal: `Debug` shows nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// Of the questions that were shown, if the answering side says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(default)]
    by_question: BTreeMap<String, String>,
}

impl Answers {
    /// Sets an answer.
    pub fn set(&mut self, question: &str, answer: &str) {
        self.by_question.insert(question.to_owned(), answer.to_owned());
    }
    /// An answer.
    pub fn get(&self, question: &str) -> Option<&str> {
        self.by_question.get(question).map(String::as_str)
    }
    /// Which questions are answered.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_question.keys().map(String::as_str)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers(..)")
    }
}
