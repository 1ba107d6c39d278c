//! A tag: icon, word and border, so that no state is told by color alone.

use crate::icon::Icon;
use maud::{Markup, html};

/// The looks a state may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Open, working, done.
    Ok,
    /// None left: a fact, plainly outlined.
    Plain,
    /// Old or partly off.
    Warn,
    /// Broken or canceled.
    Stop,
    /// Cannot tell: dashed and hatched, never empty and never zero.
    Unknown,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Ok => "tag tag-ok",
            Self::Plain => "tag tag-plain",
            Self::Warn => "tag tag-warn",
            Self::Stop => "tag tag-stop",
            Self::Unknown => "tag tag-unknown",
        }
    }
    fn icon(self) -> Icon {
        match self {
            Self::Ok => Icon::Ok,
            Self::Plain => Icon::None,
            Self::Warn => Icon::Clock,
            Self::Stop => Icon::Stop,
            Self::Unknown => Icon::Unknown,
        }
    }
}

/// A tag of this look, with its word.
pub fn tag(tone: Tone, word: &str) -> Markup {
    html! { span class=(tone.class()) { (tone.icon().markup()) span { (word) } } }
}
