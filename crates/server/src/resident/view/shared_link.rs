//! Links for people who help with an appointment.

use base::time::{Timestamp, Zone};
use html::form::{hidden, primary_button};
use html::layout::back_link;
use html::locale::Locale;
use html::{Markup, html};

/// A link that is shared.
#[derive(Debug)]
pub struct Shared {
    /// Which.
    pub number: u32,
    /// Its path.
    pub path: String,
    /// The whole of it.
    pub link: String,
    /// Since when.
    pub made_at: Timestamp,
}

/// The page.
#[derive(Debug)]
pub struct SharePage {
    /// `/appointment/{id}/{token}`.
    pub base: String,
    /// What is shared now.
    pub links: Vec<Shared>,
    /// Whether another one may be.
    pub can_share: bool,
    /// Of the buttons.
    pub key: String,
    /// The clinic's.
    pub zone: Zone,
}

/// The page's content.
pub fn share(page: &SharePage, locale: &Locale) -> Markup {
    html! {
        (back_link(&page.base, &locale.text("back-to-appointment")))
        h1 { (locale.text("share-heading")) }
        p class="lead" { (locale.text("share-lead")) }
        @for (n, link) in page.links.iter().enumerate() {
            h2 { (locale.tell("share-link", &[("number", (n + 1).into())])) }
            p class="soft" {
                (locale.tell("share-since", &[
                    ("date", (&locale.date_day(link.made_at.date_in(&page.zone))).into()),
                    ("time", (&locale.time(link.made_at, &page.zone)).into()),
                ]))
            }
            p class="personal-link after" { a href=(link.path) dir="ltr" { (link.link) } }
            form method="post" action={ (page.base) "/share/" (link.number) "/stop" } {
                (hidden("key", &page.key))
                div class="buttons" {
                    button class="button button-stop" type="submit" { (locale.tell("share-stop", &[("number", (n + 1).into())])) }
                }
            }
        }
        @if page.can_share {
            form method="post" action={ (page.base) "/share" } {
                (hidden("key", &page.key))
                div class="buttons" { (primary_button(&locale.text(if page.links.is_empty() { "share-make" } else { "share-another" }))) }
            }
        } @else if page.links.is_empty() {
            p { (locale.text("appointment-cannot-change")) }
        } @else {
            p { (locale.text("share-enough")) }
        }
    }
}
