//! The minimal site's sentences, English and Spanish (a draft until a qualified human has reviewed it). In the program and
//! not in a file: they are needed when everything else is gone.

/// A language that the minimal site has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Spanish.
    Spanish,
}

/// All sentences of a language.
pub struct Words {
    pub title: &'static str,
    pub service: &'static str,
    pub down: &'static str,
    pub ours: &'static str,
    pub safe: &'static str,
    pub unknown: &'static str,
    pub again: &'static str,
    pub clinics: &'static str,
    pub no_clinics: &'static str,
    pub cannot_tell: &'static str,
    pub none_then: &'static str,
    pub reference: &'static str,
    pub skip: &'static str,
}

const ENGLISH: Words = Words {
    title: "Our booking system is down",
    service: "Vaccine appointments",
    down: "Our booking system is down. This simple page still works.",
    ours: "This is our problem, not yours. We are fixing it.",
    safe: "Already have an appointment? It is safe. Go at your time.",
    unknown: "We do not know yet if your last step was done. Please do not start again. Load this page again in a few \
              minutes to see the answer.",
    again: "You can't book right now. Try again in a few minutes.",
    clinics: "Clinics",
    no_clinics: "We can't see the clinics right now. There may still be open times.",
    cannot_tell: "We can't see open times for this clinic right now. There may still be some.",
    none_then: "No open times then. There may be some now.",
    reference: "Reference",
    skip: "Skip to content",
};
const SPANISH: Words = Words {
    title: "Nuestro sistema de citas no funciona",
    service: "Citas para vacunarse",
    down: "Nuestro sistema de citas no funciona. Esta página sencilla sí funciona.",
    ours: "El problema es nuestro, no suyo. Lo estamos arreglando.",
    safe: "¿Ya tiene una cita? Sigue en pie. Vaya a su hora.",
    unknown: "Todavía no sabemos si su último paso quedó hecho. Por favor, no empiece de nuevo. Vuelva a cargar esta página \
              en unos minutos para ver la respuesta.",
    again: "En este momento no se pueden hacer citas. Intente de nuevo en unos minutos.",
    clinics: "Clínicas",
    no_clinics: "En este momento no podemos ver las clínicas. Puede que todavía haya horarios libres.",
    cannot_tell: "En este momento no podemos ver los horarios libres de esta clínica. Puede que todavía haya.",
    none_then: "Entonces no había horarios libres. Puede que ahora haya.",
    reference: "Referencia",
    skip: "Ir al contenido",
};

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

    /// Its sentences.
    pub fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
        }
    }

    /// How many open times there were.
    pub fn open_times(self, count: u64) -> String {
        match (self, count) {
            (Self::English, 1) => "1 open time then. It may be gone.".to_owned(),
            (Self::English, _) => format!("{count} open times then. They may be gone."),
            (Self::Spanish, 1) => "Entonces había 1 horario libre. Puede que ya no esté.".to_owned(),
            (Self::Spanish, _) => format!("Entonces había {count} horarios libres. Puede que ya no estén."),
        }
    }

    /// How old what is shown is.
    pub fn as_of(self, minutes: u64) -> String {
        let (hours, rest) = (minutes / 60, minutes % 60);
        match self {
            Self::English if minutes == 0 => "This is what we knew less than a minute ago.".to_owned(),
            Self::English if hours == 0 => format!("This is what we knew {minutes} min ago."),
            Self::English => format!("This is what we knew {hours} h {rest} min ago."),
            Self::Spanish if minutes == 0 => "Esto es lo que sabíamos hace menos de un minuto.".to_owned(),
            Self::Spanish if hours == 0 => format!("Esto es lo que sabíamos hace {minutes} min."),
            Self::Spanish => format!("Esto es lo que sabíamos hace {hours} h {rest} min."),
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
