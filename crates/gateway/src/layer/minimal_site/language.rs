//! Which language a visitor reads the minimal site in, and its words: embedded, since they are needed when everything else
//! is gone.

use html::locale::Locale;

/// A language that the minimal site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Spanish, a draft until a qualified human has reviewed it.
    Spanish,
}

/// The words of every language.
pub struct Words {
    english: Locale,
    spanish: Locale,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            english: Locale::minimal_english(),
            spanish: Locale::minimal_spanish(),
        }
    }
}

impl Words {
    /// Those of one.
    pub fn of(&self, language: Language) -> &Locale {
        match language {
            Language::English => &self.english,
            Language::Spanish => &self.spanish,
        }
    }
}

impl Language {
    /// The language that was chosen by link, else the one that the browser likes more.
    pub fn chosen(query: &str, accepted: &str) -> Self {
        let linked = query.split('&').find_map(|pair| pair.strip_prefix("lang="));
        match linked {
            Some("es") => return Self::Spanish,
            Some("en") => return Self::English,
            _ => {}
        }
        if liking(accepted, "es") > liking(accepted, "en") {
            Self::Spanish
        } else {
            Self::English
        }
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    /// The other one, for who was given the wrong one.
    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Spanish,
            Self::Spanish => Self::English,
        }
    }
}

/// How much `Accept-Language` likes a language, in thousandths (RFC 9110 §12.4.2).
fn liking(accepted: &str, language: &str) -> u32 {
    let likings = accepted.split(',').filter_map(|part| {
        let (tag, quality) = part.split_once(';').unwrap_or((part, "q=1"));
        let primary = tag.trim().split('-').next()?;
        let quality: f32 = quality.trim().strip_prefix("q=").and_then(|text| text.parse().ok())?;
        primary
            .eq_ignore_ascii_case(language)
            .then_some((quality.clamp(0.0, 1.0) * 1000.0) as u32)
    });
    likings.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_link_first_then_the_browser() {
        for (query, accepted, wanted) in [
            ("", "", "en"),
            ("", "es-MX,es;q=0.9,en;q=0.8", "es"),
            ("", "en-US,en;q=0.9,es;q=0.8", "en"),
            ("", "fr", "en"),
            ("lang=es", "en", "es"),
            ("a=b&lang=en", "es", "en"),
        ] {
            assert_eq!(Language::chosen(query, accepted).code(), wanted, "{query} {accepted}");
        }
    }
}
