//! Reads the jurisdiction's documents (JSON) into rules. What a document may say is described in `docs/import.md`.

use super::Rules;
use super::dose_rule::{AgeRange, DoseRule, Path, RuleSet, SeriesRule, Span};
use super::product::{Cvx, Vaccine};
use super::question::{Choice, Condition, Question, QuestionKind, QuestionSet};
use crate::jurisdiction::{Demonstration, Jurisdiction};
use base::time::{Date, Zone, parse_date};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// A document that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentError {
    kind: String,
    name: String,
    expected: String,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.kind, self.name, self.expected)
    }
}

impl std::error::Error for DocumentError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JurisdictionDocument {
    name: String,
    zone: String,
    phone: Option<String>,
    languages: Vec<String>,
    demonstration: Option<Demonstration>,
    #[serde(default)]
    authorities: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductsDocument {
    #[allow(dead_code, reason = "every document names its version; the record keeps it")]
    version: String,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    products: Vec<ProductEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductEntry {
    cvx: String,
    name: String,
    group: String,
    group_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesDocument {
    authority: String,
    version: String,
    effective_from: String,
    effective_to: Option<String>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    series: BTreeMap<String, SeriesEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeriesEntry {
    #[serde(default)]
    same_product: bool,
    paths: Vec<PathEntry>,
    #[serde(default)]
    products: BTreeMap<String, AgeEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathEntry {
    name: String,
    #[serde(default)]
    start: AgeEntry,
    doses: Vec<DoseEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoseEntry {
    min_age: Option<String>,
    max_age: Option<String>,
    min_interval: Option<String>,
    #[serde(default)]
    min_interval_since: BTreeMap<u8, String>,
    #[serde(default)]
    products: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AgeEntry {
    min_age: Option<String>,
    max_age: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionsDocument {
    version: String,
    effective_from: String,
    #[serde(default, rename = "note")]
    _note: Option<String>,
    questions: Vec<QuestionEntry>,
    #[serde(default)]
    conditions: Vec<ConditionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionEntry {
    id: String,
    text: String,
    hint: Option<String>,
    kind: String,
    #[serde(default)]
    options: Vec<OptionEntry>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    products: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionEntry {
    value: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionEntry {
    #[serde(default)]
    products: Vec<String>,
    question: String,
    refuse_if: Option<String>,
    unless: Option<String>,
    refuse_within: Option<String>,
    below_age: Option<i16>,
    reason: String,
}

pub(super) fn read(rules: &mut Rules, kind: &str, name: &str, body: &str) -> Result<(), DocumentError> {
    let wrong = |expected: String| DocumentError {
        kind: kind.to_owned(),
        name: name.to_owned(),
        expected,
    };
    match kind {
        "jurisdiction" => rules.jurisdiction = jurisdiction(parse(body).map_err(wrong)?).map_err(wrong)?,
        "products" => products(rules, parse(body).map_err(wrong)?).map_err(wrong)?,
        "rules" => {
            let document: RulesDocument = parse(body).map_err(wrong)?;
            let authority = document.authority.clone();
            rules
                .authorities
                .entry(authority)
                .or_default()
                .push(rule_set(document).map_err(wrong)?);
        }
        "questions" => rules
            .questions
            .push(question_set(parse(body).map_err(wrong)?).map_err(wrong)?),
        _ => return Err(wrong("expected jurisdiction, products, rules or questions".to_owned())),
    }
    Ok(())
}

fn parse<'d, T: Deserialize<'d>>(body: &'d str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| error.to_string())
}

fn jurisdiction(document: JurisdictionDocument) -> Result<Jurisdiction, String> {
    let zone = Zone::named(&document.zone).ok_or_else(|| {
        format!(
            "/zone: {:?}: expected an IANA name such as America/New_York",
            document.zone
        )
    })?;
    if document.languages.is_empty() {
        return Err("/languages: expected at least one language tag, such as en".to_owned());
    }
    Ok(Jurisdiction {
        name: document.name,
        zone,
        phone: document.phone,
        languages: document.languages,
        demonstration: document.demonstration,
        authorities: document.authorities,
    })
}

fn products(rules: &mut Rules, document: ProductsDocument) -> Result<(), String> {
    // The last version counts: a product that it leaves out is no longer offered.
    rules.vaccines.clear();
    for (n, entry) in document.products.into_iter().enumerate() {
        let cvx = cvx(&format!("/products/{n}/cvx"), &entry.cvx)?;
        let vaccine = Vaccine {
            cvx,
            name: entry.name,
            group: entry.group,
            group_name: entry.group_name,
        };
        rules.vaccines.insert(cvx, vaccine);
    }
    Ok(())
}

fn rule_set(document: RulesDocument) -> Result<RuleSet, String> {
    let mut series = BTreeMap::new();
    for (name, entry) in document.series {
        let at = format!("/series/{}", pointer(&name));
        let mut paths = Vec::new();
        for (n, path) in entry.paths.into_iter().enumerate() {
            paths.push(read_path(&format!("{at}/paths/{n}"), path)?);
        }
        let mut products = BTreeMap::new();
        for (code, entry) in &entry.products {
            let at = format!("{at}/products/{}", pointer(code));
            products.insert(
                cvx(&at, code)?,
                age(&at, entry.min_age.as_deref(), entry.max_age.as_deref())?,
            );
        }
        series.insert(
            name,
            SeriesRule {
                same_product: entry.same_product,
                paths,
                products,
            },
        );
    }
    Ok(RuleSet {
        version: document.version,
        effective_from: date("/effective_from", &document.effective_from)?,
        effective_to: document
            .effective_to
            .map(|text| date("/effective_to", &text))
            .transpose()?,
        series,
    })
}

fn read_path(at: &str, path: PathEntry) -> Result<Path, String> {
    if path.doses.is_empty() {
        return Err(format!("{at}/doses: expected at least one dose"));
    }
    let mut doses = Vec::new();
    for (n, dose) in path.doses.iter().enumerate() {
        let at = format!("{at}/doses/{n}");
        let mut min_interval_since = BTreeMap::new();
        for (number, text) in &dose.min_interval_since {
            min_interval_since.insert(*number, span(&format!("{at}/min_interval_since/{number}"), text)?);
        }
        doses.push(DoseRule {
            age: age(&at, dose.min_age.as_deref(), dose.max_age.as_deref())?,
            min_interval: optional_span(&format!("{at}/min_interval"), dose.min_interval.as_deref())?
                .unwrap_or_default(),
            min_interval_since,
            products: codes(&format!("{at}/products"), &dose.products)?,
        });
    }
    let start = age(
        &format!("{at}/start"),
        path.start.min_age.as_deref(),
        path.start.max_age.as_deref(),
    )?;
    Ok(Path {
        name: path.name,
        start,
        doses,
    })
}

fn question_set(document: QuestionsDocument) -> Result<QuestionSet, String> {
    let mut questions = Vec::new();
    for (n, entry) in document.questions.into_iter().enumerate() {
        let at = format!("/questions/{n}");
        let kind = QuestionKind::ALL.into_iter().find(|kind| kind.code() == entry.kind);
        let kind = kind.ok_or_else(|| format!("{at}/kind: {:?}: expected yes_no, choice or date", entry.kind))?;
        if (kind == QuestionKind::Choice) == entry.options.is_empty() {
            return Err(format!(
                "{at}/options: expected at least one for a choice, none for other kinds"
            ));
        }
        // `version` says in `answers` which wording was answered, so no question can be called that.
        if entry.id.is_empty() || entry.id == "version" {
            return Err(format!("{at}/id: {:?}: expected a name other than version", entry.id));
        }
        questions.push(Question {
            products: codes(&format!("{at}/products"), &entry.products)?,
            kind,
            options: entry
                .options
                .into_iter()
                .map(|option| Choice {
                    value: option.value,
                    text: option.text,
                })
                .collect(),
            id: entry.id,
            text: entry.text,
            hint: entry.hint,
            required: entry.required,
        });
    }
    let mut conditions = Vec::new();
    for (n, entry) in document.conditions.into_iter().enumerate() {
        let at = format!("/conditions/{n}");
        if !questions.iter().any(|question| question.id == entry.question) {
            return Err(format!(
                "{at}/question: {:?}: expected the id of a question above",
                entry.question
            ));
        }
        if entry.refuse_if.is_none() && entry.unless.is_none() && entry.refuse_within.is_none() {
            return Err(format!("{at}: expected refuse_if, unless or refuse_within"));
        }
        conditions.push(Condition {
            products: codes(&format!("{at}/products"), &entry.products)?,
            question: entry.question,
            refuse_if: entry.refuse_if,
            unless: entry.unless,
            refuse_within: optional_span(&format!("{at}/refuse_within"), entry.refuse_within.as_deref())?,
            below_age: entry.below_age,
            reason: entry.reason,
        });
    }
    let effective_from = date("/effective_from", &document.effective_from)?;
    Ok(QuestionSet {
        version: document.version,
        effective_from,
        questions,
        conditions,
    })
}

/// A key as a step of a JSON pointer (RFC 6901).
fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn cvx(at: &str, text: &str) -> Result<Cvx, String> {
    Cvx::parse(text).ok_or_else(|| format!("{at}: {text:?}: expected a CVX code such as \"03\""))
}

fn codes(at: &str, codes: &[String]) -> Result<Vec<Cvx>, String> {
    codes
        .iter()
        .enumerate()
        .map(|(n, code)| cvx(&format!("{at}/{n}"), code))
        .collect()
}

fn date(at: &str, text: &str) -> Result<Date, String> {
    parse_date(text).ok_or_else(|| format!("{at}: {text:?}: expected a date, YYYY-MM-DD"))
}

fn age(at: &str, from: Option<&str>, until: Option<&str>) -> Result<AgeRange, String> {
    let from = optional_span(&format!("{at}/min_age"), from)?.unwrap_or_default();
    Ok(AgeRange {
        from,
        until: optional_span(&format!("{at}/max_age"), until)?,
    })
}

fn optional_span(at: &str, text: Option<&str>) -> Result<Option<Span>, String> {
    text.map(|text| span(at, text)).transpose()
}

/// CDSi's way to write a span: `6 months - 4 days`, `1 year`, `28 days`.
fn span(at: &str, text: &str) -> Result<Span, String> {
    read_span(text).ok_or_else(|| {
        format!("{at}: {text:?}: expected a span such as \"6 months\", \"28 days\" or \"6 months - 4 days\"")
    })
}

fn read_span(text: &str) -> Option<Span> {
    let (mut span, mut sign, mut words) = (Span::default(), 1, text.split_whitespace());
    let mut next = words.next()?;
    loop {
        // Beyond a thousand of anything it is a slip, and sums must not overflow.
        let number: i64 = next.parse().ok().filter(|number| (0..=1_000).contains(number))?;
        let (months, days) = match words.next()?.trim_end_matches('s') {
            "year" => (12 * number, 0),
            "month" => (number, 0),
            "week" => (0, 7 * number),
            "day" => (0, number),
            _ => return None,
        };
        span.months += sign * months;
        span.days += sign * days;
        sign = match words.next() {
            None => return Some(span),
            Some("+") => 1,
            Some("-") => -1,
            Some(_) => return None,
        };
        next = words.next()?;
    }
}
