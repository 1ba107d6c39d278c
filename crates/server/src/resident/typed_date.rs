//! Pure. Dates as people type them: in three fields, or all in the first one; months as numbers or words.

use base::time::Date;
use html::form::WrongParts;
use html::locale::Locale;

/// Nobody alive was born before (the same bound as the API's).
const FIRST_YEAR: i16 = 1900;

/// A date of birth from month, day and year. When the whole date stands in the first field, it is read from there.
/// The error is the key of a sentence and the parts at fault.
pub fn read_parts(parts: &[String; 3], today: Date, locale: &Locale) -> Result<Date, (&'static str, WrongParts)> {
    let [month, day, year] = parts.each_ref().map(|part| part.trim());
    let all = WrongParts {
        month: true,
        day: true,
        year: true,
    };
    if month.is_empty() && day.is_empty() && year.is_empty() {
        return Err(("error-birth", all));
    }
    let date = if day.is_empty() && year.is_empty() {
        read(month, locale).ok_or(("error-birth-whole", all))?
    } else {
        from_parts(month, day, year, locale)?
    };
    if date > today {
        Err((
            "error-birth-future",
            WrongParts {
                year: true,
                ..WrongParts::default()
            },
        ))
    } else if date.year() < FIRST_YEAR {
        Err((
            "error-birth-early",
            WrongParts {
                year: true,
                ..WrongParts::default()
            },
        ))
    } else {
        Ok(date)
    }
}

fn from_parts(month: &str, day: &str, year: &str, locale: &Locale) -> Result<Date, (&'static str, WrongParts)> {
    let of = |month, day, year| WrongParts { month, day, year };
    let month = month_of(month, locale).ok_or(("error-birth-month", of(true, false, false)))?;
    let day: i8 = whole(day)
        .filter(|day| (1..=31).contains(day))
        .ok_or(("error-birth-day", of(false, true, false)))?;
    let year: i16 = Some(year)
        .filter(|year| year.len() == 4)
        .and_then(whole)
        .ok_or(("error-birth-year", of(false, false, true)))?;
    Date::new(year, month, day).map_err(|_| ("error-birth-no-day", of(false, true, false)))
}

/// A date in one piece: `3/27/1958`, `3-27-1958`, `1958-03-27`, `March 27, 1958`, `27 March 1958`, `03271958`.
pub fn read(text: &str, locale: &Locale) -> Option<Date> {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let (month, day, year) = match words[..] {
        [digits] if digits.len() == 8 && digits.is_ascii() => (&digits[..2], &digits[2..4], &digits[4..]),
        [year, month, day] if year.len() == 4 => (month, day, year),
        [day, month, year] if month_word(month, locale).is_some() => (month, day, year),
        [month, day, year] => (month, day, year),
        _ => return None,
    };
    if year.len() != 4 {
        return None;
    }
    Date::new(whole(year)?, month_of(month, locale)?, whole(day)?).ok()
}

fn month_of(text: &str, locale: &Locale) -> Option<i8> {
    whole(text)
        .filter(|month| (1..=12).contains(month))
        .or_else(|| month_word(text, locale))
}

/// A month by its name or by at least three letters of it.
fn month_word(text: &str, locale: &Locale) -> Option<i8> {
    let text = text.trim_end_matches('.').to_lowercase();
    (text.chars().count() >= 3)
        .then(|| (1..=12).find(|month| locale.month(*month).to_lowercase().starts_with(&text)))?
}

fn whole<N: std::str::FromStr>(text: &str) -> Option<N> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}
