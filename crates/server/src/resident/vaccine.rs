//! Vaccines, their groups, ages and questions, as pages need them from the rules in force.

use std::collections::BTreeSet;

use base::time::{Date, add_days, add_months};
use booking::engine::SlotSeen;
use html::form::Choice;
use html::locale::Locale;
use scheduling::resident::eligibility::Answers;
use scheduling::rules::dose_rule::{AgeRange, Span};
use scheduling::rules::product::Cvx;
use scheduling::rules::question::{Question, QuestionKind};
use scheduling::rules::{DoseRequest, RuleRefusal, Rules};

use super::times;
use super::typed::{Asked, AskedKind};
use crate::app::App;

/// Ages in months at which people think of themselves as another group; the vaccine's own limits are added.
const CUTS: [i64; 6] = [6, 36, 60, 144, 216, 780];
/// Older than anyone.
const OLDEST_MONTHS: i64 = 12 * 120;

/// A product's name.
pub fn name(cvx: Cvx, app: &App) -> String {
    app.engine()
        .rules()
        .vaccine(cvx)
        .map_or_else(|| cvx.to_string(), |vaccine| vaccine.name.clone())
}

/// The group of a product: what an address and a search say.
pub fn group(cvx: Cvx, app: &App) -> String {
    app.engine()
        .rules()
        .series_of(cvx)
        .map_or_else(|| cvx.to_string(), str::to_owned)
}

/// The groups of these products, each once, by name: code and name.
pub fn groups(products: impl IntoIterator<Item = Cvx>, rules: &Rules) -> Vec<Choice> {
    let products: BTreeSet<Cvx> = products.into_iter().collect();
    let mut groups: Vec<Choice> = products
        .into_iter()
        .filter_map(|cvx| rules.vaccine(cvx))
        .map(|vaccine| Choice::new(vaccine.group.clone(), vaccine.group_name.clone()))
        .collect();
    groups.sort_unstable_by(|a, b| a.label.cmp(&b.label));
    groups.dedup();
    groups
}

/// The products that an address means: a group's, or one by its code.
pub fn products(asked: &str, rules: &Rules) -> Vec<Cvx> {
    rules
        .vaccines()
        .filter(|v| v.group == asked || v.cvx.to_string() == asked)
        .map(|v| v.cvx)
        .collect()
}

/// What a group or product is called.
pub fn asked_name(asked: &str, rules: &Rules) -> Option<String> {
    rules.vaccines().find_map(|vaccine| {
        if vaccine.group == asked {
            Some(vaccine.group_name.clone())
        } else {
            (vaccine.cvx.to_string() == asked).then(|| vaccine.name.clone())
        }
    })
}

/// The questions that a booking of a slot asks.
pub fn questions(slot: &SlotSeen, app: &App) -> Vec<Asked> {
    let on = date_of(slot, app);
    app.engine()
        .rules()
        .questions(slot.vaccine, 1, on)
        .questions
        .into_iter()
        .map(asked)
        .collect()
}

/// How many doses the series of a slot's vaccine has.
pub fn doses(slot: &SlotSeen, app: &App) -> u8 {
    let rules = app.engine().rules();
    let rule = rules
        .series_of(slot.vaccine)
        .and_then(|series| rules.series_rule(series, date_of(slot, app)));
    rule.map_or(1, |rule| rule.dose_count(slot.vaccine))
}

fn date_of(slot: &SlotSeen, app: &App) -> Date {
    times::of_slot(slot, app).date()
}

fn asked(question: &Question) -> Asked {
    Asked {
        id: question.id.clone(),
        text: question.text.clone(),
        hint: question.hint.clone(),
        kind: match question.kind {
            QuestionKind::YesNo => AskedKind::YesNo,
            QuestionKind::Choice => AskedKind::Choice(
                question
                    .options
                    .iter()
                    .map(|option| Choice::new(option.value.clone(), option.text.clone()))
                    .collect(),
            ),
            QuestionKind::Date => AskedKind::Date,
        },
        is_required: question.required,
    }
}

/// An age band: from so many months on, up to so many, which are no longer in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Youngest, in months.
    pub from: i64,
    /// The next band's youngest.
    pub until: i64,
}

/// The bands to choose from for a product on a date: cut where its own limits are, so that each band has one answer.
pub fn bands(product: Cvx, on: Date, rules: &Rules) -> Vec<Band> {
    let mut cuts: BTreeSet<i64> = CUTS.into_iter().collect();
    for range in age_ranges(product, on, rules) {
        cuts.extend(
            [Some(range.from), range.until]
                .into_iter()
                .flatten()
                .filter(|s| s.days == 0)
                .map(|s| s.months),
        );
    }
    cuts.extend([0, OLDEST_MONTHS]);
    let cuts: Vec<i64> = cuts
        .into_iter()
        .filter(|cut| (0..=OLDEST_MONTHS).contains(cut))
        .collect();
    cuts.windows(2)
        .map(|pair| Band {
            from: pair[0],
            until: pair[1],
        })
        .collect()
}

impl Band {
    /// As sent by the form.
    pub fn code(self) -> String {
        format!("{}-{}", self.from, self.until)
    }

    /// As people say it.
    pub fn words(self, locale: &Locale) -> String {
        if self.from == 0 {
            return locale.tell("age-under", &[("age", (&months_words(self.until, locale)).into())]);
        }
        if self.until >= OLDEST_MONTHS {
            return locale.tell("age-over", &[("age", (&months_words(self.from, locale)).into())]);
        }
        let last = if self.until % 12 == 0 && self.until >= 24 {
            self.until - 12
        } else {
            self.until - 1
        };
        if last <= self.from {
            return months_words(self.from, locale);
        }
        let to = months_words(last, locale);
        if self.from % 12 == 0 && self.from >= 24 {
            let from = (self.from / 12).to_string();
            return locale.tell("age-years-to", &[("from", (&from).into()), ("to", (&to).into())]);
        }
        locale.tell(
            "age-to",
            &[
                ("from", (&months_words(self.from, locale)).into()),
                ("to", (&to).into()),
            ],
        )
    }

    /// Dates of birth of the youngest, one between, and the oldest of the band on a date.
    fn births(self, on: Date) -> [Date; 3] {
        let youngest = add_months(on, -self.from);
        let oldest = add_days(add_months(on, -self.until), 1);
        [youngest, add_months(on, -i64::midpoint(self.from, self.until)), oldest]
    }
}

/// `6 months`, `5 years`.
pub fn months_words(months: i64, locale: &Locale) -> String {
    let (key, count) = if months % 12 == 0 && months >= 12 {
        ("age-years", months / 12)
    } else {
        ("age-months", months)
    };
    locale.tell(key, &[("count", (count.max(0) as u64).into())])
}

fn age_ranges(product: Cvx, on: Date, rules: &Rules) -> Vec<AgeRange> {
    let rule = rules
        .series_of(product)
        .and_then(|series| rules.series_rule(series, on));
    rule.map(|rule| vec![rule.first_dose_age(product)]).unwrap_or_default()
}

/// Why a band may not have a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotForBand {
    /// Given from this age on.
    From(i64),
    /// Given up to this age.
    To(i64),
    /// What the rules say.
    Says(String),
}

/// Whether nobody of a band may have the first dose of a product on a date, given these answers.
pub fn not_for(product: Cvx, on: Date, band: Band, answers: &Answers, rules: &Rules) -> Option<NotForBand> {
    let ranges = age_ranges(product, on, rules);
    let births = band.births(on);
    let months = |span: Span| span.months + i64::from(span.days > 0);
    if let Some(range) = ranges
        .iter()
        .find(|range| births.iter().all(|born| on < range.from.after(*born)))
    {
        return Some(NotForBand::From(months(range.from)));
    }
    let too_old = |range: &&AgeRange| {
        range
            .until
            .is_some_and(|until| births.iter().all(|born| on >= until.after(*born)))
    };
    if let Some(until) = ranges.iter().find(too_old).and_then(|range| range.until) {
        return Some(NotForBand::To(months(until)));
    }
    // Beyond ages only what was asked before the hold can refuse here; everything else is asked with the details.
    answers.ids().next()?;
    let mut says = None;
    for born in births {
        match check(product, on, born, answers, rules) {
            Err(RuleRefusal::NotEligible { reason }) => says = Some(reason),
            _ => return None,
        }
    }
    says.map(NotForBand::Says)
}

fn check(product: Cvx, on: Date, birth_date: Date, answers: &Answers, rules: &Rules) -> Result<(), RuleRefusal> {
    rules.check(&DoseRequest {
        product,
        dose: 1,
        birth_date,
        on,
        answers,
        others: &[],
    })
}

/// Questions about groups that may book now: without an answer the rules say no to somebody, and one of the answers
/// makes it a yes. Asked before a hold, so that nobody keeps a place in vain.
pub fn group_questions(product: Cvx, on: Date, rules: &Rules) -> Vec<Asked> {
    let births: Vec<Date> = [120, 200, 480, 800]
        .into_iter()
        .map(|months| add_months(on, -months))
        .collect();
    let opens = |question: &Asked, value: &str| {
        let mut answers = Answers::default();
        answers.set(&question.id, value);
        births.iter().any(|born| {
            let without = check(product, on, *born, &Answers::default(), rules);
            matches!(without, Err(RuleRefusal::NotEligible { .. }))
                && check(product, on, *born, &answers, rules).is_ok()
        })
    };
    let all = rules.questions(product, 1, on).questions.into_iter().map(asked);
    all.filter(|question| match &question.kind {
        AskedKind::YesNo => ["yes", "no"].into_iter().any(|value| opens(question, value)),
        AskedKind::Choice(choices) => choices.iter().any(|choice| opens(question, &choice.value)),
        AskedKind::Date => false,
    })
    .collect()
}
