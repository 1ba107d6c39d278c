//! Dose rules of one authority: from which age, how far apart, which product. Ages count on the appointment's local
//! date; "months" are calendar months; a dose is never scheduled early (CDC's 4-day grace is for judging given doses).

use super::product::Cvx;
use super::{DoseRequest, RuleRefusal};
use base::time::{Date, add_days, add_months};
use std::collections::BTreeMap;

/// A span as rules say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Calendar months; a year is twelve.
    pub months: i64,
    /// Days; a week is seven. May be negative ("6 months - 4 days").
    pub days: i64,
}

impl Span {
    /// The date this long after another.
    pub fn after(self, date: Date) -> Date {
        add_days(add_months(date, self.months), self.days)
    }
    /// To order spans: thirds of a day, a month counted as 30⅓ days.
    fn length(self) -> i64 {
        self.months * 91 + self.days * 3
    }
}

/// Rules of one authority from a date on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSet {
    /// Its version.
    pub version: String,
    /// First appointment date it counts for.
    pub effective_from: Date,
    /// Last one, if it ends.
    pub effective_to: Option<Date>,
    /// By series.
    pub series: BTreeMap<String, SeriesRule>,
}

impl RuleSet {
    /// Whether it counts for appointments on a date.
    pub fn is_in_force(&self, on: Date) -> bool {
        self.effective_from <= on && self.effective_to.is_none_or(|to| on <= to)
    }
}

/// Rules of one series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesRule {
    /// Whether all doses must be of the product begun with.
    pub same_product: bool,
    /// Ways through the series, such as begun as a child or as an adult: a dose that fits one of them is fine.
    pub paths: Vec<Path>,
    /// Ages of single products, beside those of the doses. Where any is named, others are not given.
    pub products: BTreeMap<Cvx, AgeRange>,
}

/// One way through a series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path {
    /// As its authority calls it.
    pub name: String,
    /// The age at the first dose that leads here.
    pub start: AgeRange,
    /// By number; a later dose than the last follows the last (a yearly dose, a booster).
    pub doses: Vec<DoseRule>,
}

/// One dose of a path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DoseRule {
    /// Ages.
    pub age: AgeRange,
    /// At least this long after the dose before.
    pub min_interval: Span,
    /// At least this long after certain earlier doses, by their number.
    pub min_interval_since: BTreeMap<u8, Span>,
    /// Only these; empty: any of the series.
    pub products: Vec<Cvx>,
}

impl DoseRule {
    fn gives(&self, product: Cvx) -> bool {
        self.products.is_empty() || self.products.contains(&product)
    }

    /// The first date for this dose, given earlier ones by number and date: never before any of them.
    fn earliest(&self, before: impl Iterator<Item = (u8, Date)>) -> Option<Date> {
        let mut last: Option<(u8, Date)> = None;
        let mut earliest: Option<Date> = None;
        for (number, on) in before {
            let since = self.min_interval_since.get(&number).copied().unwrap_or_default();
            earliest = earliest.max(Some(since.after(on).max(on)));
            last = last.max(Some((number, on)));
        }
        earliest.max(last.map(|(_, on)| self.min_interval.after(on)))
    }
}

/// From an age, up to another, which is no longer in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgeRange {
    /// Not younger.
    pub from: Span,
    /// Younger than this.
    pub until: Option<Span>,
}

impl AgeRange {
    fn check(self, born: Date, on: Date) -> Result<(), RuleRefusal> {
        let from = self.from.after(born);
        if on < from {
            return Err(RuleRefusal::TooYoung { from });
        }
        match self.until {
            Some(until) if on >= until.after(born) => Err(RuleRefusal::NotEligible {
                reason: "This vaccine is for younger people.".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The smallest range that holds both.
    fn hull(self, other: Self) -> Self {
        let from = if self.from.length() <= other.from.length() {
            self.from
        } else {
            other.from
        };
        let until = self
            .until
            .zip(other.until)
            .map(|(a, b)| if a.length() >= b.length() { a } else { b });
        Self { from, until }
    }

    /// What both hold.
    fn meet(self, other: Self) -> Self {
        let from = if self.from.length() >= other.from.length() {
            self.from
        } else {
            other.from
        };
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => Some(if a.length() <= b.length() { a } else { b }),
            (a, b) => a.or(b),
        };
        Self { from, until }
    }
}

impl Path {
    fn dose(&self, number: u8) -> Option<&DoseRule> {
        let place = usize::from(number.max(1)) - 1;
        self.doses.get(place).or_else(|| self.doses.last())
    }

    fn check(&self, request: &DoseRequest<'_>) -> Result<(), RuleRefusal> {
        let Some(dose) = self.dose(request.dose) else {
            return Ok(());
        };
        // The doses there are decide which way somebody went: on another way their products would not do.
        let went = request
            .others
            .iter()
            .all(|other| self.dose(other.dose).is_none_or(|dose| dose.gives(other.product)));
        if !went || !dose.gives(request.product) {
            return Err(RuleRefusal::WrongVaccine {
                expected: dose.products.clone(),
            });
        }
        let first = request
            .others
            .iter()
            .find(|other| other.dose == 1)
            .map(|other| other.on);
        if let Some(begun) = first.or((request.dose == 1).then_some(request.on)) {
            self.start.check(request.birth_date, begun)?;
        }
        dose.age.check(request.birth_date, request.on)?;
        self.check_intervals(dose, request)
    }

    fn check_intervals(&self, dose: &DoseRule, request: &DoseRequest<'_>) -> Result<(), RuleRefusal> {
        let before = request.others.iter().filter(|other| other.dose < request.dose);
        let earliest = dose.earliest(before.map(|other| (other.dose, other.on)));
        if let Some(earliest) = earliest.filter(|earliest| request.on < *earliest) {
            return Err(RuleRefusal::TooSoon { earliest });
        }
        // A later dose that is booked already must not come too soon after this one either.
        for after in request.others.iter().filter(|other| other.dose > request.dose) {
            let Some(rule) = self.dose(after.dose) else { continue };
            let next = !request
                .others
                .iter()
                .any(|other| (request.dose + 1..after.dose).contains(&other.dose));
            let apart = if next { rule.min_interval } else { Span::default() };
            let since = rule.min_interval_since.get(&request.dose).copied().unwrap_or_default();
            let earliest = apart.after(request.on).max(since.after(request.on)).max(request.on);
            if after.on < earliest {
                return Err(RuleRefusal::TooSoon { earliest });
            }
        }
        Ok(())
    }
}

impl SeriesRule {
    /// Whether a dose fits: product, age, and its distance to the doses before and after it.
    pub(super) fn check(&self, request: &DoseRequest<'_>) -> Result<(), RuleRefusal> {
        if !self.products.is_empty() && !self.products.contains_key(&request.product) {
            return Err(RuleRefusal::WrongVaccine {
                expected: self.products.keys().copied().collect(),
            });
        }
        if let Some(other) = request
            .others
            .iter()
            .find(|other| self.same_product && other.product != request.product)
        {
            return Err(RuleRefusal::WrongVaccine {
                expected: vec![other.product],
            });
        }
        if let Some(age) = self.products.get(&request.product) {
            age.check(request.birth_date, request.on)?;
        }
        let mut nearest: Option<RuleRefusal> = None;
        for path in &self.paths {
            match path.check(request) {
                Ok(()) => return Ok(()),
                Err(refusal) => {
                    nearest = Some(match nearest {
                        Some(before) => nearer(before, refusal),
                        None => refusal,
                    });
                }
            }
        }
        nearest.map_or(Ok(()), Err)
    }

    /// The ages at which a first dose of a product is given, over all paths.
    pub fn first_dose_age(&self, product: Cvx) -> AgeRange {
        let of_path = |path: &Path| {
            let dose = path.doses.first().filter(|dose| dose.gives(product))?;
            Some(path.start.meet(dose.age))
        };
        let over_paths = self
            .paths
            .iter()
            .filter_map(of_path)
            .reduce(AgeRange::hull)
            .unwrap_or_default();
        self.products
            .get(&product)
            .map_or(over_paths, |age| age.meet(over_paths))
    }

    /// How many doses the longest path that begins with a product has; at least 1.
    pub fn dose_count(&self, product: Cvx) -> u8 {
        let begins = |path: &&Path| path.doses.first().is_some_and(|dose| dose.gives(product));
        let longest = self.paths.iter().filter(begins).map(|path| path.doses.len()).max();
        longest.map_or(1, |count| u8::try_from(count).unwrap_or(u8::MAX)).max(1)
    }
}

/// Of what two paths say, the one that tells somebody most: a date to come back on, the sooner the better, then which
/// product, then no.
fn nearer(a: RuleRefusal, b: RuleRefusal) -> RuleRefusal {
    use RuleRefusal::{NotEligible, TooSoon, TooYoung, WrongVaccine};
    match (a, b) {
        (TooSoon { earliest: a }, TooSoon { earliest: b }) => TooSoon { earliest: a.min(b) },
        (TooYoung { from: a }, TooYoung { from: b }) => TooYoung { from: a.min(b) },
        (WrongVaccine { expected: mut a }, WrongVaccine { expected: b }) => {
            a.extend(b);
            a.sort_unstable();
            a.dedup();
            WrongVaccine { expected: a }
        }
        (soon @ TooSoon { .. }, _) | (_, soon @ TooSoon { .. }) => soon,
        (young @ TooYoung { .. }, _) | (_, young @ TooYoung { .. }) => young,
        // Product fits on one path, age on none: the age is the reason.
        (no @ NotEligible { .. }, _) | (_, no @ NotEligible { .. }) => no,
    }
}
