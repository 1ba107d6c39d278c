//! Sessions as a file: which vaccine is given where, when, in slots of how many minutes, for how many people each. Pure.

use super::table_file::{self, Column, FileLimits, FileRead, Row};
use base::time::{Date, Time, add_days, date_text, parse_date};
use scheduling::rules::product::Cvx;
use std::collections::BTreeMap;

/// The columns (see `docs/import.md`).
pub const COLUMNS: &[Column] = &[
    Column {
        name: "clinic",
        required: true,
    },
    Column {
        name: "date",
        required: true,
    },
    Column {
        name: "vaccine",
        required: true,
    },
    Column {
        name: "start",
        required: true,
    },
    Column {
        name: "end",
        required: true,
    },
    Column {
        name: "slot_minutes",
        required: true,
    },
    Column {
        name: "capacity",
        required: true,
    },
];

/// How far ahead sessions may be published: what finders can ask for at once.
const DAYS_AHEAD_MAX: i64 = 366;

/// A session, as a row says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// `source_id` of its clinic.
    pub clinic: String,
    /// The clinic's local date.
    pub date: Date,
    /// What is given.
    pub product: Cvx,
    /// From when on, by the clinic's clock.
    pub start: Time,
    /// Until when, by the clinic's clock.
    pub end: Time,
    /// Length of a slot.
    pub slot_minutes: u32,
    /// How many can come to each slot.
    pub capacity: u32,
}

/// Reads sessions. `today` is the jurisdiction's local date: what is over cannot be published.
pub fn read(bytes: &[u8], today: Date, limits: FileLimits) -> FileRead<SessionRow> {
    let mut lines: BTreeMap<(String, Date, Cvx, Time), u64> = BTreeMap::new();
    table_file::read(bytes, COLUMNS, limits, |row| {
        let session = session(row, today)?;
        let key = (session.clinic.clone(), session.date, session.product, session.start);
        if let Some(first) = lines.insert(key, row.line) {
            let (start, expected) = (
                row.text("start").to_owned(),
                "each clinic, date, vaccine and start once",
            );
            row.wrong("start", &start, &format!("{expected}; line {first} has the same"));
        }
        Some(session)
    })
}

fn session(row: &mut Row<'_>, today: Date) -> Option<SessionRow> {
    let clinic = row.required("clinic", "the source_id of a clinic", |text| Some(text.to_owned()));
    let last = add_days(today, DAYS_AHEAD_MAX);
    let date_expected = format!("a date, YYYY-MM-DD, from {} to {}", date_text(today), date_text(last));
    let date = row.required("date", &date_expected, |text| {
        parse_date(text).filter(|date| (today..=last).contains(date))
    });
    let product = row.required("vaccine", "a CVX code such as 03 or 140", Cvx::parse);
    let start = row.required("start", "a time of day, HH:MM, such as 09:00", time);
    let end = row.required("end", "a time of day, HH:MM, such as 16:30", time);
    let slot_minutes = row.required("slot_minutes", "a whole number from 5 to 480", |text| {
        whole(text, 5, 480)
    });
    let capacity = row.required("capacity", "a whole number from 1 to 1000", |text| {
        whole(text, 1, 1_000)
    });
    let (start, end, slot_minutes) = (start?, end?, slot_minutes?);
    if minute(end) < minute(start) + slot_minutes {
        let expected = format!("at least {slot_minutes} minutes after start, on the same day");
        let end = row.text("end").to_owned();
        row.wrong("end", &end, &expected);
    }
    Some(SessionRow {
        clinic: clinic?,
        date: date?,
        product: product?,
        start,
        end,
        slot_minutes,
        capacity: capacity?,
    })
}

fn minute(time: Time) -> u32 {
    u32::from(time.hour().unsigned_abs()) * 60 + u32::from(time.minute().unsigned_abs())
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    (digits(hour) && digits(minute)).then(|| Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok())?
}

fn whole(text: &str, min: u32, max: u32) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| digits && (min..=max).contains(number))
}
