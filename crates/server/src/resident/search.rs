//! Pure. What people type to find a clinic, and what it may mean: a ZIP code, a town, a clinic's name, or something we
//! must ask about again.

use base::time::{Date, parse_date};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::form_body::Form;
use super::view::results::Around;

/// Longest text of a place that we look at: the longest clinic's name is shorter.
pub const fn place_words_max() -> usize {
    100
}

/// Towns named when we ask which one was meant.
const TOWNS_NAMED: usize = 8;
/// Unreserved characters of RFC 3986 stay as they are.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A search as it stands in an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// As it was typed.
    pub place: String,
    /// A vaccine's code, or nothing for any.
    pub vaccine: String,
    /// First day to look at.
    pub from: Option<Date>,
    /// Miles around a ZIP code, if not the usual.
    pub within: Option<u32>,
    /// How many clinics to show, if not the usual.
    pub show: Option<usize>,
}

impl Search {
    /// From a query. What cannot be read counts as not given: a search changes nothing.
    pub fn read(query: &Form) -> Self {
        Self {
            place: query.get("q").trim().chars().take(place_words_max()).collect(),
            vaccine: query.get("vaccine").chars().take(place_words_max()).collect(),
            from: parse_date(query.get("from")),
            within: query
                .get("within")
                .parse()
                .ok()
                .filter(|miles| (1..=500).contains(miles)),
            show: query
                .get("show")
                .parse()
                .ok()
                .filter(|count| (1..=1_000).contains(count)),
        }
    }

    /// The address of its results.
    pub fn href(&self, path: &str) -> String {
        let mut pairs = vec![("q", self.place.clone()), ("vaccine", self.vaccine.clone())];
        if let Some(from) = self.from {
            pairs.push(("from", base::time::date_text(from)));
        }
        if let Some(within) = self.within {
            pairs.push(("within", within.to_string()));
        }
        if let Some(show) = self.show {
            pairs.push(("show", show.to_string()));
        }
        address(path, &pairs)
    }
}

/// A path with a query of the pairs that say something.
pub fn address(path: &str, pairs: &[(&str, String)]) -> String {
    let mut out = path.to_owned();
    for (n, (name, value)) in pairs.iter().filter(|(_, value)| !value.is_empty()).enumerate() {
        out.push(if n == 0 { '?' } else { '&' });
        out.push_str(name);
        out.push('=');
        out.extend(utf8_percent_encode(value, QUERY));
    }
    out
}

/// Why we must ask again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unclear {
    /// Nothing was typed.
    Empty,
    /// A ZIP code that we do not have.
    UnknownZip(String),
    /// Nothing by that name.
    Unknown,
    /// Several towns begin like that.
    Towns(Vec<String>),
}

/// What a typed place means, given whether a ZIP code exists, the towns that have clinics and the clinics' names.
pub fn understand<'a>(
    typed: &str,
    zip_exists: impl Fn(&str) -> bool,
    towns_and_names: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<Around, Unclear> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(Unclear::Empty);
    }
    if let Some(zip) = zip_of(typed) {
        return if zip_exists(&zip) {
            Ok(Around::Zip(zip))
        } else {
            Err(Unclear::UnknownZip(zip))
        };
    }
    let wanted = folded(without_state(typed));
    if wanted.is_empty() {
        return Err(Unclear::Unknown);
    }
    if let Some((town, _)) = towns_and_names.clone().find(|(town, _)| folded(town) == wanted) {
        return Ok(Around::Town(town.to_owned()));
    }
    if towns_and_names.clone().any(|(_, name)| name_fits(name, &wanted)) {
        return Ok(Around::Name(typed.to_owned()));
    }
    let mut towns: Vec<String> = towns_and_names
        .filter(|(town, _)| folded(town).starts_with(&wanted))
        .map(|(town, _)| town.to_owned())
        .collect();
    towns.sort_unstable();
    towns.dedup();
    match towns.len() {
        0 => Err(Unclear::Unknown),
        1 => Ok(Around::Town(towns.swap_remove(0))),
        _ => {
            towns.truncate(TOWNS_NAMED);
            Err(Unclear::Towns(towns))
        }
    }
}

/// Whether each word that was typed begins a word of the name.
pub fn name_fits(name: &str, wanted: &str) -> bool {
    let name = folded(name);
    wanted
        .split(' ')
        .all(|word| name.split(' ').any(|of_name| of_name.starts_with(word)))
}

/// A ZIP code, also as ZIP+4 or with blanks in it; `None` when letters were typed.
fn zip_of(typed: &str) -> Option<String> {
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    let others_are_separators = typed
        .chars()
        .all(|c| c.is_ascii_digit() || c.is_whitespace() || c == '-');
    (others_are_separators && !digits.is_empty()).then(|| match digits.len() {
        9 => digits[..5].to_owned(),
        _ => digits,
    })
}

/// `Worcester, MA` means Worcester.
fn without_state(typed: &str) -> &str {
    match typed.rsplit_once(',') {
        Some((town, state)) if !town.trim().is_empty() && state.trim().len() <= 20 => town,
        _ => typed,
    }
}

/// Lower case, letters and digits, single blanks between words.
pub fn folded(text: &str) -> String {
    let mut out = String::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(
            word.chars()
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase),
        );
    }
    out
}
