//! A notice: what broke or is going on, what is safe, what happens next. One on a page, the gravest.

use crate::icon::Icon;
use maud::{Markup, html};

/// How grave a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gravity {
    /// Something to know.
    Info,
    /// It went well.
    Done,
    /// Paused, or partly off.
    Warn,
    /// Broken.
    Stop,
    /// We do not know (yet).
    Unknown,
}

/// A notice whose heading is the page's `h1` when `is_page_heading`, else a bold sentence.
#[derive(Debug)]
pub struct Notice {
    /// How grave.
    pub gravity: Gravity,
    /// First sentence.
    pub heading: String,
    /// The rest.
    pub body: Markup,
    /// Whether the heading names the whole page.
    pub is_page_heading: bool,
}

impl Notice {
    /// The notice as a block.
    pub fn markup(&self) -> Markup {
        let (class, icon) = match self.gravity {
            Gravity::Info => ("notice notice-info", Icon::Info),
            Gravity::Done => ("notice notice-ok", Icon::Ok),
            Gravity::Warn => ("notice notice-warn", Icon::Warn),
            Gravity::Stop => ("notice notice-stop", Icon::Stop),
            Gravity::Unknown => ("notice notice-unknown", Icon::Unknown),
        };
        html! {
            div class=(class) {
                (icon.markup())
                div {
                    @if self.is_page_heading { h1 class="notice-heading" { (self.heading) } }
                    @else { p class="notice-heading" { (self.heading) } }
                    (self.body)
                }
            }
        }
    }
}
