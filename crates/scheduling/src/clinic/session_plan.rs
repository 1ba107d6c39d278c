//! What a demonstration makes up of a clinic: its hours, phone and sessions. A pure function of seed, clinic and local
//! date (and of the products in force), so that every machine shows the same and two may write it at once. Each open
//! day has a product that any adult may book without answers. Doesn't know what was written before.

use super::session::{Session, session_id};
use super::slot::{Slot, slots_of};
use super::split_mix::SplitMix64;
use crate::rules::Rules;
use crate::rules::product::Cvx;
use base::id::ClinicId;
use base::time::{Date, Time, Weekday, Zone};

/// A session and its slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSession {
    /// The session.
    pub session: Session,
    /// In order of time.
    pub slots: Vec<Slot>,
}

/// Which products may be planned on a date: the same for every clinic, so worked out once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// For any adult, without answers.
    pub for_any_adult: Vec<Cvx>,
    /// For some: by age or answers.
    pub for_some: Vec<Cvx>,
}

impl Offer {
    /// What the rules in force allow on a date.
    pub fn of(rules: &Rules, on: Date) -> Self {
        let (for_any_adult, for_some) = rules
            .vaccines()
            .map(|vaccine| vaccine.cvx)
            .partition(|product| rules.is_for_any_adult(*product, on));
        Self {
            for_any_adult,
            for_some,
        }
    }
}

// What each sequence is for, so that hours, phone and days are independent.
const HOURS: u64 = 1;
const PHONE: u64 = 2;
const RANGE: u64 = 3;
const DAY: u64 = 4;

fn chance(seed: u64, clinic: ClinicId, what: u64, more: u64) -> SplitMix64 {
    let bits = clinic.bits();
    SplitMix64::of(&[seed, (bits >> 64) as u64, bits as u64, what, more])
}

/// Opening hours of a week: whole hours of the wall clock, `None` for a closed day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Week {
    weekdays: (i8, i8),
    /// Besides the weekend, one day may be closed.
    closed: Option<Weekday>,
    saturday: Option<(i8, i8)>,
    sunday: Option<(i8, i8)>,
}

const WEEKDAYS: [Weekday; 5] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
];

impl Week {
    fn of(seed: u64, clinic: ClinicId) -> Self {
        let mut chance = chance(seed, clinic, HOURS, 0);
        let weekdays = (8 + chance.below(3) as i8, 16 + chance.below(4) as i8);
        let closed = chance.is_lucky(25).then(|| WEEKDAYS[chance.below(5) as usize]);
        let short = |chance: &mut SplitMix64| (9 + chance.below(2) as i8, 13 + chance.below(4) as i8);
        let saturday = chance.is_lucky(70).then(|| short(&mut chance));
        let sunday = chance.is_lucky(20).then(|| short(&mut chance));
        Self {
            weekdays,
            closed,
            saturday,
            sunday,
        }
    }

    fn on(self, day: Weekday) -> Option<(i8, i8)> {
        match day {
            Weekday::Saturday => self.saturday,
            Weekday::Sunday => self.sunday,
            _ if self.closed == Some(day) => None,
            _ => Some(self.weekdays),
        }
    }
}

/// Opening hours in words: `Monday to Friday 9 am to 5 pm, Saturday 10 am to 2 pm, Sunday closed`.
pub fn opening_hours_text(seed: u64, clinic: ClinicId) -> String {
    let week = Week::of(seed, clinic);
    let said = |hours: Option<(i8, i8)>| match hours {
        Some((open, close)) => format!("{} to {}", clock_text(open), clock_text(close)),
        None => "closed".to_owned(),
    };
    let mut parts = vec![format!("Monday to Friday {}", said(Some(week.weekdays)))];
    if let Some(day) = week.closed {
        parts.push(format!("{} closed", day_name(day)));
    }
    parts.push(format!("Saturday {}", said(week.saturday)));
    parts.push(format!("Sunday {}", said(week.sunday)));
    parts.join(", ")
}

fn clock_text(hour: i8) -> String {
    let (of_twelve, half) = (
        if hour % 12 == 0 { 12 } else { hour % 12 },
        if hour < 12 { "am" } else { "pm" },
    );
    format!("{of_twelve} {half}")
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "Monday",
        Weekday::Tuesday => "Tuesday",
        Weekday::Wednesday => "Wednesday",
        Weekday::Thursday => "Thursday",
        Weekday::Friday => "Friday",
        Weekday::Saturday => "Saturday",
        Weekday::Sunday => "Sunday",
    }
}

/// A telephone number of 555-0100 to 555-0199, which nobody has (North American Numbering Plan: for fiction).
pub fn phone(seed: u64, clinic: ClinicId) -> String {
    format!("617-555-{:04}", 100 + chance(seed, clinic, PHONE, 0).below(100))
}

/// The sessions of a clinic on a local date; none when it is closed, or when no product is for any adult.
pub fn plan(seed: u64, clinic: ClinicId, date: Date, zone: &Zone, rules: &Rules) -> Vec<PlannedSession> {
    plan_of(seed, clinic, date, zone, &Offer::of(rules, date))
}

/// [`plan`], for who plans many clinics on one date.
pub fn plan_of(seed: u64, clinic: ClinicId, date: Date, zone: &Zone, offer: &Offer) -> Vec<PlannedSession> {
    let Some((open, close)) = Week::of(seed, clinic).on(date.weekday()) else {
        return Vec::new();
    };
    let day = i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day());
    let mut chance = chance(seed, clinic, DAY, day as u64);
    let products = products_of_day(seed, clinic, offer, &mut chance);
    products
        .into_iter()
        .map(|product| session(clinic, date, zone, product, (open, close), &mut chance))
        .collect()
}

/// One to four products out of the clinic's own range; the first is for any adult.
fn products_of_day(seed: u64, clinic: ClinicId, offer: &Offer, chance_of_day: &mut SplitMix64) -> Vec<Cvx> {
    let mut range = chance(seed, clinic, RANGE, 0);
    let (mut adult, mut some) = (offer.for_any_adult.clone(), offer.for_some.clone());
    range.shuffle(&mut adult);
    range.shuffle(&mut some);
    adult.truncate(2 + range.below(3) as usize);
    some.truncate(1 + range.below(3) as usize);
    chance_of_day.shuffle(&mut adult);
    let mut rest = adult.split_off(adult.len().min(1));
    let Some(first) = adult.pop() else { return Vec::new() };
    rest.append(&mut some);
    chance_of_day.shuffle(&mut rest);
    // Weights out of ten for one, two, three and four products: two and a bit a day.
    let more = [0, 0, 1, 1, 1, 1, 2, 2, 2, 3][chance_of_day.below(10) as usize];
    std::iter::once(first).chain(rest.into_iter().take(more)).collect()
}

fn session(
    clinic: ClinicId,
    date: Date,
    zone: &Zone,
    product: Cvx,
    (open, close): (i8, i8),
    chance: &mut SplitMix64,
) -> PlannedSession {
    let hours = (2 + chance.below(3) as i8).min(close - open);
    let start = open + chance.below((close - open - hours) as u64 + 1) as i8;
    let minutes = [15, 20, 20, 30][chance.below(4) as usize];
    let begins = Time::constant(start, 0, 0, 0);
    let session = Session {
        id: session_id(clinic, date, product, begins),
        clinic,
        date,
        product,
    };
    let mut slots = slots_of(
        &session,
        zone,
        (begins, Time::constant(start + hours, 0, 0, 0)),
        minutes,
        1,
    );
    for slot in &mut slots {
        slot.capacity = 1 + chance.below(6) as u32;
    }
    PlannedSession { session, slots }
}
