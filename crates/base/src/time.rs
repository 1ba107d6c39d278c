//! Instants, dates and zones. Instants are UTC microseconds everywhere inside; a zone appears only at the clinic's
//! edge. Zone data is the embedded IANA database, so every machine gives the same answer.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

pub use jiff::civil::{Date, Time, Weekday};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }
    /// From whole seconds since the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000_000)
    }
    /// Whole seconds since the epoch, rounded down.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
    /// How long after `earlier` this is; zero when it is not after.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
    /// Reads RFC 3339 with an offset or `Z`.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_microsecond()))
    }
    fn civil_utc(self) -> jiff::civil::DateTime {
        self.in_zone(&Zone::utc())
    }
    /// The wall clock of a zone at this instant.
    pub fn in_zone(self, zone: &Zone) -> jiff::civil::DateTime {
        zone.0.to_datetime(self.as_jiff())
    }
    /// The local date of a zone at this instant.
    pub fn date_in(self, zone: &Zone) -> Date {
        self.in_zone(zone).date()
    }
    fn as_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
    /// RFC 3339 in whole seconds, UTC: what [`fmt::Display`] writes.
    pub fn rfc3339(self) -> String {
        let mut text = civil_text(self.civil_utc());
        text.push('Z');
        text
    }
    /// RFC 3339 in whole seconds with the zone's offset at that instant, such as `2026-12-01T09:20:00-05:00`.
    pub fn rfc3339_in(self, zone: &Zone) -> String {
        let offset = zone.0.to_offset(self.as_jiff()).seconds();
        let (sign, minutes) = if offset < 0 {
            ('-', -offset / 60)
        } else {
            ('+', offset / 60)
        };
        let wall = self.in_zone(zone);
        format!("{}{sign}{:02}:{:02}", civil_text(wall), minutes / 60, minutes % 60)
    }
}

/// `2026-11-24T14:02:00`. Digit by digit: each answer to a finder says a new instant, and six formatted numbers cost as
/// much as finding the answer.
fn civil_text(wall: jiff::civil::DateTime) -> String {
    let (date, time) = (wall.date(), wall.time());
    let mut text = String::with_capacity(CIVIL_BYTES + "+00:00".len());
    let mut pair = |number: i8, after: &str| {
        text.push(char::from(b'0' + (number / 10) as u8));
        text.push(char::from(b'0' + (number % 10) as u8));
        text.push_str(after);
    };
    let year = date.year().clamp(0, 9999); // what RFC 3339 can say
    pair((year / 100) as i8, "");
    pair((year % 100) as i8, "-");
    pair(date.month(), "-");
    pair(date.day(), "T");
    pair(time.hour(), ":");
    pair(time.minute(), ":");
    pair(time.second(), "");
    text
}
/// What `civil_text` is long.
const CIVIL_BYTES: usize = "2026-11-24T14:02:00".len();

/// RFC 3339 in whole seconds, UTC, such as `2026-11-24T14:02:00Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)),
        )
    }
}

/// A time zone of the embedded IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// Looks a zone up by its IANA name, such as `America/New_York`.
    pub fn named(name: &str) -> Option<Self> {
        jiff::tz::TimeZoneDatabase::bundled().get(name).ok().map(Self)
    }
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
    /// Its IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
    /// The instant of a wall-clock time in this zone. In a gap (spring) the time after it, in a fold (autumn) the
    /// first of the two: what a person who reads the clock would expect.
    pub fn at(&self, date: Date, time: Time) -> Timestamp {
        let instant = self
            .0
            .to_ambiguous_timestamp(date.to_datetime(time))
            .compatible()
            .unwrap_or(jiff::Timestamp::MAX);
        Timestamp(instant.as_microsecond())
    }
    /// The abbreviation people say at that instant without the summer/winter letter where the US has one
    /// (`ET`, `CT`, `MT`, `PT`), else the database's own.
    pub fn spoken_at(&self, instant: Timestamp) -> String {
        let abbreviation = self.0.to_offset_info(instant.as_jiff()).abbreviation().to_owned();
        match abbreviation.as_str() {
            "EST" | "EDT" => "ET".to_owned(),
            "CST" | "CDT" => "CT".to_owned(),
            "MST" | "MDT" => "MT".to_owned(),
            "PST" | "PDT" => "PT".to_owned(),
            _ => abbreviation,
        }
    }
}

/// Reads `YYYY-MM-DD`, exactly that.
pub fn parse_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(n, b)| {
            if n == 4 || n == 7 {
                b == b'-'
            } else {
                b.is_ascii_digit()
            }
        });
    if !shape {
        return None;
    }
    Date::new(
        text[..4].parse().ok()?,
        text[5..7].parse().ok()?,
        text[8..].parse().ok()?,
    )
    .ok()
}

/// Prints `YYYY-MM-DD`.
pub fn date_text(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

/// Calendar days added (negative: taken away); stops at the calendar's ends.
pub fn add_days(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days.clamp(-3_000_000, 3_000_000)))
}

/// Calendar months added, the day clipped to the month's last (CDC: "months" are calendar months).
pub fn add_months(date: Date, months: i64) -> Date {
    date.saturating_add(jiff::Span::new().months(months.clamp(-119_000, 119_000)))
}

/// Whole days from `a` to `b`.
pub fn days_between(a: Date, b: Date) -> i64 {
    i64::from(a.until(b).map_or(0, |span| span.get_days()))
}

/// Completed years of age on `on` for one born on `born`.
pub fn age_on(born: Date, on: Date) -> i16 {
    let birthday_reached = (on.month(), on.day()) >= (born.month(), born.day());
    on.year() - born.year() - i16::from(!birthday_reached)
}
