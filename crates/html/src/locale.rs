//! The words of one language: Fluent messages from the embedded `.ftl`, and dates, times and numbers as its readers
//! write them. A time of day always says its zone.

use base::time::{Date, Timestamp, Weekday, Zone};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use maud::{Markup, PreEscaped, Render, html};
use unic_langid::{LanguageIdentifier, langid};

/// The residents' English.
pub const RESIDENT_EN: &str = include_str!("../../../locales/en/resident.ftl");
/// What stands around every page, by language.
const SHELL_EN: &str = include_str!("../../../locales/en/shell.ftl");
const SHELL_ES: &str = include_str!("../../../locales/es/shell.ftl");
/// The minimal site.
const MINIMAL_EN: &str = include_str!("../../../locales/en/minimal.ftl");
const MINIMAL_ES: &str = include_str!("../../../locales/es/minimal.ftl");

/// Beginnings of keys that are put together at run time (`month-3`, `fault-busy-title`); the test that looks for
/// unused keys leaves these to the tests of whoever puts them together.
pub const FAMILIES: &[&str] = &[
    "month-",
    "weekday-",
    "zone-",
    "fault-",
    "refusal-",
    "language-",
    "need-",
    "status-",
    "part-",
    "vaccine-group-",
];

/// What a message is told.
#[derive(Debug, Clone)]
pub enum Told<'a> {
    /// Words.
    Text(&'a str),
    /// A count: chooses the plural, and is grouped (`1,240`).
    Number(u64),
    /// Markup, spliced in by [`Locale::rich`] only.
    Rich(Markup),
}

impl<'a> From<&'a str> for Told<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}
impl<'a> From<&'a String> for Told<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}
impl From<u64> for Told<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
impl From<usize> for Told<'_> {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}
impl From<Markup> for Told<'_> {
    fn from(markup: Markup) -> Self {
        Self::Rich(markup)
    }
}

/// What a message is told, by name.
pub type Args<'a> = [(&'static str, Told<'a>)];

/// Where markup will be spliced in: this character and the argument's number, from Unicode's private area, which no
/// message and no name of a person may hold.
const SPLICE: u32 = 0xE000;

/// One language.
pub struct Locale {
    language: &'static str,
    direction: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl std::fmt::Debug for Locale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Locale").field(&self.language).finish()
    }
}

impl Locale {
    /// English for residents.
    pub fn english() -> Self {
        Self::embedded("en", langid!("en-US"), &[SHELL_EN, RESIDENT_EN])
    }

    /// The minimal site's English.
    pub fn minimal_english() -> Self {
        Self::embedded("en", langid!("en-US"), &[SHELL_EN, MINIMAL_EN])
    }

    /// The minimal site's Spanish: a draft.
    pub fn minimal_spanish() -> Self {
        Self::embedded("es", langid!("es-US"), &[SHELL_ES, MINIMAL_ES])
    }

    fn embedded(language: &'static str, plural_rules: LanguageIdentifier, parts: &[&str]) -> Self {
        Self::of(language, "ltr", plural_rules, parts).expect("the embedded messages are well formed")
    }

    /// A language from its messages; the error names what is wrong with them.
    pub fn of(
        language: &'static str,
        direction: &'static str,
        plural_rules: LanguageIdentifier,
        parts: &[&str],
    ) -> Result<Self, String> {
        let mut bundle = FluentBundle::new_concurrent(vec![plural_rules]);
        // Names and addresses get <bdi> in the markup; invisible marks inside words would break copying and searching.
        bundle.set_use_isolating(false);
        bundle.set_formatter(Some(|value, _| match value {
            FluentValue::Number(number) if number.value >= 0.0 => Some(grouped(number.value as u64)),
            _ => None,
        }));
        for part in parts {
            let resource = FluentResource::try_new((*part).to_owned()).map_err(|(_, errors)| format!("{errors:?}"))?;
            bundle.add_resource(resource).map_err(|errors| format!("{errors:?}"))?;
        }
        Ok(Self {
            language,
            direction,
            bundle,
        })
    }

    /// For `<html lang>`.
    pub fn language(&self) -> &'static str {
        self.language
    }
    /// For `<html dir>`.
    pub fn direction(&self) -> &'static str {
        self.direction
    }
    /// Whether the language has this message.
    pub fn has(&self, key: &str) -> bool {
        self.bundle
            .get_message(key)
            .is_some_and(|message| message.value().is_some())
    }

    /// A message that is told nothing. A missing one shows as `⟦key⟧`, which no test lets through.
    pub fn text(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A message with what it is told.
    pub fn tell(&self, key: &str, args: &Args) -> String {
        let mut fluent = FluentArgs::new();
        for (name, value) in args {
            match value {
                Told::Text(text) => fluent.set(*name, FluentValue::from(*text)),
                Told::Number(number) => fluent.set(*name, FluentValue::from(*number as f64)),
                Told::Rich(markup) => fluent.set(*name, FluentValue::from(markup.0.as_str())),
            }
        }
        self.format(key, Some(&fluent))
    }

    /// A message into which markup is spliced: the message and texts are escaped, the markup is not.
    pub fn rich(&self, key: &str, args: &Args) -> Markup {
        let mut fluent = FluentArgs::new();
        for (n, (name, value)) in args.iter().enumerate() {
            match value {
                Told::Text(text) => fluent.set(*name, FluentValue::from(*text)),
                Told::Number(number) => fluent.set(*name, FluentValue::from(*number as f64)),
                Told::Rich(_) => fluent.set(*name, FluentValue::from(splice_mark(n).to_string())),
            }
        }
        let mut out = self.format(key, Some(&fluent)).render().into_string();
        for (n, (_, value)) in args.iter().enumerate() {
            if let Told::Rich(markup) = value {
                out = out.replace(splice_mark(n), &markup.0);
            }
        }
        PreEscaped(out)
    }

    fn format(&self, key: &str, args: Option<&FluentArgs>) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return format!("⟦{key}⟧");
        };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors).into_owned();
        if errors.is_empty() {
            text
        } else {
            format!("⟦{key}: {errors:?}⟧")
        }
    }

    /// `9:20 AM`, for places where the zone is said once above.
    pub fn clock(&self, at: Timestamp, zone: &Zone) -> String {
        let wall = at.in_zone(zone);
        let (hour, minute) = (wall.time().hour(), wall.time().minute());
        let hour12 = (hour + 11) % 12 + 1;
        let half = if hour < 12 { "am" } else { "pm" };
        self.tell(
            "clock",
            &[
                ("hour", (&hour12.to_string()).into()),
                ("hour24", (&hour.to_string()).into()),
                ("minute", (&format!("{minute:02}")).into()),
                ("half", half.into()),
            ],
        )
    }

    /// `9:20 AM ET`.
    pub fn time(&self, at: Timestamp, zone: &Zone) -> String {
        self.tell(
            "clock-zone",
            &[
                ("clock", (&self.clock(at, zone)).into()),
                ("zone", (&self.zone_short(zone)).into()),
            ],
        )
    }

    /// `9:20 AM ET`, never broken across lines, with the machine's spelling beside it.
    pub fn time_markup(&self, at: Timestamp, zone: &Zone) -> Markup {
        html! { time class="nb" datetime=(at.rfc3339_in(zone)) { (self.time(at, zone)) } }
    }

    /// `ET`; the zone's own name where we know no abbreviation.
    pub fn zone_short(&self, zone: &Zone) -> String {
        self.zone_word("zone-short-", zone)
    }

    /// `Eastern Time (ET)`.
    pub fn zone_long(&self, zone: &Zone) -> String {
        self.zone_word("zone-long-", zone)
    }

    fn zone_word(&self, family: &str, zone: &Zone) -> String {
        let key = format!("{family}{}", zone.name().replace('/', "-"));
        if self.has(&key) {
            self.text(&key)
        } else {
            zone.name().replace('_', " ")
        }
    }

    /// `Tuesday, December 1, 2026`.
    pub fn date_long(&self, date: Date) -> String {
        self.date("date-long", date)
    }
    /// `Tuesday, December 1`.
    pub fn date_day(&self, date: Date) -> String {
        self.date("date-day", date)
    }
    /// `Tuesday, December 1`, never broken across lines.
    pub fn date_day_markup(&self, date: Date) -> Markup {
        html! { span class="nb" { (self.date_day(date)) } }
    }
    /// `Tue, Dec 1`.
    pub fn date_short(&self, date: Date) -> String {
        self.date("date-short", date)
    }
    /// `Dec 1`.
    pub fn day_month(&self, date: Date) -> String {
        self.date("date-day-month", date)
    }
    /// `December 1, 1958`: a date of birth, whose weekday nobody knows.
    pub fn date_plain(&self, date: Date) -> String {
        self.date("date-plain", date)
    }
    /// `Tue`.
    pub fn weekday_short(&self, date: Date) -> String {
        self.text(&format!("weekday-short-{}", weekday(date)))
    }
    /// `December`.
    pub fn month(&self, month: i8) -> String {
        self.text(&format!("month-{month}"))
    }

    fn date(&self, key: &str, date: Date) -> String {
        let (day, year) = (date.day().to_string(), date.year().to_string());
        self.tell(
            key,
            &[
                ("weekday", (&self.text(&format!("weekday-{}", weekday(date)))).into()),
                ("weekday-short", (&self.weekday_short(date)).into()),
                ("month", (&self.month(date.month())).into()),
                (
                    "month-short",
                    (&self.text(&format!("month-short-{}", date.month()))).into(),
                ),
                ("day", (&day).into()),
                ("year", (&year).into()),
            ],
        )
    }

    /// `12 seconds`, `31 minutes`, `2 hours`, `3 days`: how old something is, in the largest whole unit.
    pub fn span(&self, seconds: u64) -> String {
        let (key, count) = match seconds {
            0..=89 => ("span-seconds", seconds),
            90..=5_399 => ("span-minutes", (seconds + 30) / 60),
            5_400..=172_799 => ("span-hours", (seconds + 1_800) / 3_600),
            _ => ("span-days", seconds / 86_400),
        };
        self.tell(key, &[("count", count.into())])
    }
}

fn splice_mark(n: usize) -> char {
    char::from_u32(SPLICE + n as u32).expect("a message is told fewer than six thousand things")
}

fn weekday(date: Date) -> i8 {
    match date.weekday() {
        Weekday::Monday => 1,
        Weekday::Tuesday => 2,
        Weekday::Wednesday => 3,
        Weekday::Thursday => 4,
        Weekday::Friday => 5,
        Weekday::Saturday => 6,
        Weekday::Sunday => 7,
    }
}

/// `1240` as `1,240`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
