//! What we keep and why, in plain words.

use html::locale::Locale;
use html::{Markup, html};

/// The page's content.
pub fn view(locale: &Locale) -> Markup {
    html! {
        h1 { (locale.text("privacy-heading")) }
        div class="prose after" {
            p { (locale.text("privacy-what")) }
            p { (locale.text("privacy-why")) }
            p { (locale.text("privacy-link")) }
            p { (locale.text("privacy-no-tracking")) }
        }
    }
}
