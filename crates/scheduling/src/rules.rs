//! The rules in force, as versioned, effective-dated data of several authorities side by side: products, dose rules,
//! screening questions. Nothing of them is compiled in; here is only how they are read and asked.

mod document;
pub mod dose_rule;
pub mod product;
pub mod question;

pub use document::DocumentError;

use crate::jurisdiction::Jurisdiction;
use crate::resident::eligibility::Answers;
use base::time::Date;
use dose_rule::{RuleSet, SeriesRule};
use product::{Cvx, Vaccine};
use question::{Condition, Question, QuestionSet};
use std::collections::BTreeMap;

/// Everything in force, and what was or will be.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    jurisdiction: Jurisdiction,
    vaccines: BTreeMap<Cvx, Vaccine>,
    /// By authority, each sorted by the date from which it counts.
    authorities: BTreeMap<String, Vec<RuleSet>>,
    /// Sorted by the date from which they count.
    questions: Vec<QuestionSet>,
}

/// Somebody wants a dose.
#[derive(Debug, Clone, Copy)]
pub struct DoseRequest<'a> {
    /// Of which product.
    pub product: Cvx,
    /// Number in its series.
    pub dose: u8,
    /// Born when.
    pub birth_date: Date,
    /// The clinic's local date of the appointment: ages and intervals count by it.
    pub on: Date,
    /// What was answered.
    pub answers: &'a Answers,
    /// Other live doses of the same person in the same series.
    pub others: &'a [OtherDose],
}

/// Another dose of the same series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtherDose {
    /// Its number.
    pub dose: u8,
    /// Its product.
    pub product: Cvx,
    /// Its local date.
    pub on: Date,
}

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleRefusal {
    /// Too young until this date.
    TooYoung {
        /// The first date that would do.
        from: Date,
    },
    /// Too old, or by an answer.
    NotEligible {
        /// Public sentence, from the data.
        reason: String,
    },
    /// Too close to another dose.
    TooSoon {
        /// The first date that would do.
        earliest: Date,
    },
    /// Not a product of this series, or not the one begun with.
    WrongVaccine {
        /// Those that would do.
        expected: Vec<Cvx>,
    },
}

/// The questions for one product, dose and date.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<'r> {
    /// Of the question set.
    pub version: &'r str,
    /// In order.
    pub questions: Vec<&'r Question>,
}

impl Rules {
    /// Rules out of documents: kind, name, JSON text. The error names the document and what is expected in it.
    pub fn from_documents<'d>(
        documents: impl IntoIterator<Item = (&'d str, &'d str, &'d str)>,
    ) -> Result<Self, DocumentError> {
        let mut rules = Self::default();
        for (kind, name, body) in documents {
            document::read(&mut rules, kind, name, body)?;
        }
        rules.questions.sort_by_key(|set| set.effective_from);
        rules
            .authorities
            .values_mut()
            .for_each(|sets| sets.sort_by_key(|set| set.effective_from));
        Ok(rules)
    }

    /// The jurisdiction.
    pub fn jurisdiction(&self) -> &Jurisdiction {
        &self.jurisdiction
    }
    /// Every product that may be offered, by CVX code.
    pub fn vaccines(&self) -> impl Iterator<Item = &Vaccine> {
        self.vaccines.values()
    }
    /// One product.
    pub fn vaccine(&self, cvx: Cvx) -> Option<&Vaccine> {
        self.vaccines.get(&cvx)
    }
    /// The series that a product belongs to: its vaccine group.
    pub fn series_of(&self, cvx: Cvx) -> Option<&str> {
        self.vaccines.get(&cvx).map(|vaccine| vaccine.group.as_str())
    }

    /// What is missing for the rules to be whole, in sentences for whoever puts documents in force.
    pub fn gaps(&self) -> Vec<String> {
        let mut gaps = Vec::new();
        for authority in self
            .jurisdiction
            .authorities
            .values()
            .filter(|name| !self.authorities.contains_key(*name))
        {
            gaps.push(format!(
                "the jurisdiction follows {authority:?}, of which there are no rules"
            ));
        }
        for vaccine in self.vaccines.values() {
            let group = &vaccine.group;
            let followed = self
                .jurisdiction
                .authorities
                .get(group)
                .or_else(|| self.jurisdiction.authorities.get("*"));
            let Some(sets) = followed.and_then(|name| self.authorities.get(name)) else {
                continue;
            };
            if !sets.iter().any(|set| set.series.contains_key(group)) {
                gaps.push(format!(
                    "{} ({}): no dose rules for {group:?} are followed",
                    vaccine.name, vaccine.cvx
                ));
            }
        }
        if !self.vaccines.is_empty() && self.jurisdiction.authorities.is_empty() {
            gaps.push("the jurisdiction follows no authority, so no dose rules count".to_owned());
        }
        gaps.dedup();
        gaps
    }

    /// The rule of the authority that the jurisdiction follows for a series on a date.
    pub fn series_rule(&self, series: &str, on: Date) -> Option<&SeriesRule> {
        let authorities = &self.jurisdiction.authorities;
        let authority = authorities.get(series).or_else(|| authorities.get("*"))?;
        let set = self
            .authorities
            .get(authority)?
            .iter()
            .rev()
            .find(|set| set.is_in_force(on))?;
        set.series.get(series)
    }

    /// The questions to ask for a product, dose and date.
    pub fn questions(&self, product: Cvx, dose: u8, on: Date) -> Asked<'_> {
        let set = self.questions.iter().rev().find(|set| set.effective_from <= on);
        let Some(set) = set else {
            return Asked {
                version: "0",
                questions: Vec::new(),
            };
        };
        let questions = set
            .questions
            .iter()
            .filter(|question| question.concerns(product, dose))
            .collect();
        Asked {
            version: &set.version,
            questions,
        }
    }

    /// Checks that the answers fit the questions. The error is a JSON pointer within the answers and what is expected.
    ///
    /// A version, where one is given, must be one of these rules: an answer to words that nobody here ever asked is a
    /// slip. An earlier or later one than counts on the date is fine, so that nobody loses a booking because the
    /// questions changed while they typed; what was answered is read by the questions of the date all the same.
    pub fn validate_answers(
        &self,
        product: Cvx,
        dose: u8,
        on: Date,
        answers: &Answers,
    ) -> Result<(), (String, String)> {
        let asked = self.questions(product, dose, on);
        let is_ours =
            |version: &str| version == asked.version || self.questions.iter().any(|set| set.version == version);
        if answers.version.as_deref().is_some_and(|version| !is_ours(version)) {
            let expected = format!("the `version` of GET /questions, here {:?}", asked.version);
            return Err(("/version".to_owned(), expected));
        }
        for question in &asked.questions {
            let pointer = format!("/{}", question.id.replace('~', "~0").replace('/', "~1"));
            match answers.get(&question.id) {
                None if question.required => return Err((pointer, question.expected())),
                Some(answer) if !question.accepts(answer) => return Err((pointer, question.expected())),
                _ => {}
            }
        }
        // Answers to questions that this product does not ask are harmless where another one asks them: a family
        // answers once. Anything else is a slip that should be heard of.
        let known = |id: &str| {
            self.questions
                .iter()
                .any(|set| set.questions.iter().any(|question| question.id == id))
        };
        match answers.ids().find(|id| !known(id)) {
            Some(id) => Err((
                format!("/{}", id.replace('~', "~0").replace('/', "~1")),
                "the id of a question of GET /questions".to_owned(),
            )),
            None => Ok(()),
        }
    }

    /// Whether somebody may have a dose.
    pub fn check(&self, request: &DoseRequest<'_>) -> Result<(), RuleRefusal> {
        self.check_series(request)?;
        let set = self.questions.iter().rev().find(|set| set.effective_from <= request.on);
        let refusing = set
            .into_iter()
            .flat_map(|set| &set.conditions)
            .find(|condition| condition.refuses(request));
        refusing.map_or(Ok(()), |condition: &Condition| {
            Err(RuleRefusal::NotEligible {
                reason: condition.reason.clone(),
            })
        })
    }

    /// What [`Self::check`] looks at first: product, age, and distance to other doses, whatever was answered.
    fn check_series(&self, request: &DoseRequest<'_>) -> Result<(), RuleRefusal> {
        let Some(vaccine) = self.vaccines.get(&request.product) else {
            return Err(RuleRefusal::WrongVaccine { expected: Vec::new() });
        };
        self.series_rule(&vaccine.group, request.on)
            .map_or(Ok(()), |rule| rule.check(request))
    }

    /// Whether a dose of a product is given at all to somebody born then. Whoever knows neither answers nor other doses
    /// can tell that much: where this says no, [`Self::check`] does too, whatever else is known.
    pub fn is_for_age(&self, product: Cvx, dose: u8, birth_date: Date, on: Date) -> bool {
        let request = DoseRequest {
            product,
            dose,
            birth_date,
            on,
            answers: &Answers::default(),
            others: &[],
        };
        self.check_series(&request).is_ok()
    }

    /// Whether any adult may have the first dose of a product without an answer: what a clinic offers to everybody.
    pub fn is_for_any_adult(&self, product: Cvx, on: Date) -> bool {
        let answers = Answers::default();
        [18, 40, 64, 80].into_iter().all(|age| {
            let birth_date = base::time::add_months(on, -12 * age);
            let request = DoseRequest {
                product,
                dose: 1,
                birth_date,
                on,
                answers: &answers,
                others: &[],
            };
            self.check(&request).is_ok()
        })
    }
}
