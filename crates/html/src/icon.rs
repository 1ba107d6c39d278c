//! The icons: one shape for each meaning, drawn in `currentColor`, hidden from screen readers because a word always
//! stands beside them.

use maud::{Markup, PreEscaped, html};

/// What an icon means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon {
    /// Open, working, done: a circle with a tick.
    Ok,
    /// None left: a circle with a bar.
    None,
    /// Cannot tell: a dashed circle with a question mark.
    Unknown,
    /// Partly off, or an answer to mend: a triangle.
    Warn,
    /// Broken: an octagon.
    Stop,
    /// Information.
    Info,
    /// A time, or how old something is.
    Clock,
    /// A day.
    Calendar,
    /// A telephone number.
    Phone,
    /// Where a clinic is.
    Pin,
    /// Back (mirrored where people read from the right).
    Back,
    /// Onward (mirrored likewise).
    Forward,
    /// Paper.
    Print,
    /// What a clinic gives.
    Vaccine,
}

impl Icon {
    fn paths(self) -> &'static str {
        match self {
            Self::Ok => r#"<circle cx="12" cy="12" r="9.5"/><path d="m7.8 12.4 2.9 2.9 5.6-6"/>"#,
            Self::None => r#"<circle cx="12" cy="12" r="9.5"/><path d="M8 12h8"/>"#,
            Self::Unknown => {
                r#"<circle cx="12" cy="12" r="9.5" stroke-dasharray="3.2 2.8"/><path d="M9.3 9.4a2.8 2.8 0 1 1 4 2.9c-.9.5-1.3 1-1.3 1.9"/><path d="M12 17.2v.1"/>"#
            }
            Self::Warn => r#"<path d="M12 3.2 22 20.4H2z"/><path d="M12 9.6v4.8M12 17.3v.1"/>"#,
            Self::Stop => {
                r#"<path d="M8.2 2.6h7.6l5.6 5.6v7.6l-5.6 5.6H8.2l-5.6-5.6V8.2z"/><path d="M12 7.4v5.4M12 16.4v.1"/>"#
            }
            Self::Info => r#"<circle cx="12" cy="12" r="9.5"/><path d="M12 11.2v5.4M12 7.5v.1"/>"#,
            Self::Clock => r#"<circle cx="12" cy="12" r="9.5"/><path d="M12 6.6V12l3.6 2.1"/>"#,
            Self::Calendar => {
                r#"<rect x="3" y="4.8" width="18" height="16.4" rx="2.4"/><path d="M3 9.8h18M8 2.4v4.4M16 2.4v4.4"/>"#
            }
            Self::Phone => {
                r#"<path d="M8.6 3.6 5.3 3.3a2 2 0 0 0-2 2.4A18.6 18.6 0 0 0 18.4 20.7a2 2 0 0 0 2.4-2l-.3-3.3-4.5-1.5-2 2A13.6 13.6 0 0 1 8.1 10l2-2z"/>"#
            }
            Self::Pin => {
                r#"<path d="M12 22c4.6-5 7-8.7 7-12A7 7 0 0 0 5 10c0 3.3 2.4 7 7 12z"/><circle cx="12" cy="10" r="2.6"/>"#
            }
            Self::Back => r#"<path d="m14.8 5.2-6.8 6.8 6.8 6.8"/>"#,
            Self::Forward => r#"<path d="m9.2 5.2 6.8 6.8-6.8 6.8"/>"#,
            Self::Print => {
                r#"<path d="M7 8.5V3h10v5.5M7 17.5H4.8A1.8 1.8 0 0 1 3 15.7v-5.4a1.8 1.8 0 0 1 1.8-1.8h14.4a1.8 1.8 0 0 1 1.8 1.8v5.4a1.8 1.8 0 0 1-1.8 1.8H17"/><path d="M7 14h10v7H7z"/>"#
            }
            Self::Vaccine => {
                r#"<path d="m17 3 4 4M19 5l-3 3M9.5 9l5.5 5.5M13 6.5l4.5 4.5-8 8H5v-4.5zM5 19l-2.5 2.5"/>"#
            }
        }
    }

    /// The icon as inline SVG of one em and a bit.
    pub fn markup(self) -> Markup {
        let class = match self {
            Self::Back | Self::Forward => "icon mirrors",
            _ => "icon",
        };
        html! {
            svg class=(class) viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" stroke-width="2"
                stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false" {
                (PreEscaped(self.paths()))
            }
        }
    }
}
