//! An appointment as its resident sees it: just booked, moved, or later by the personal link; on screen and on paper.

use base::time::{Timestamp, Zone};
use html::icon::Icon;
use html::layout::phone;
use html::locale::Locale;
use html::notice::{Gravity, Notice};
use html::tag::{Tone, tag};
use html::{Markup, PreEscaped, html};
use qrcode::{Color, EcLevel, QrCode};

use super::hold::AppointmentTime;

/// Why the page is seen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was just booked.
    Booked,
    /// It was just moved.
    Moved,
    /// It was just canceled.
    Canceled,
    /// Somebody opened the link.
    Seen,
}

/// Whether an appointment also comes by mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailGoes {
    /// No mail goes out here, and none is promised.
    Nowhere,
    /// They gave no address.
    NoAddress,
    /// To this one, masked.
    To(String),
}

/// What the page shows.
#[derive(Debug)]
pub struct AppointmentPage {
    /// Why it is seen.
    pub moment: Moment,
    /// FHIR Appointment.status.
    pub status: &'static str,
    /// When and where.
    pub time: AppointmentTime,
    /// Said by phone: `7KXM-2QRD-9J`.
    pub code: String,
    /// Whom it is for, to greet by.
    pub given_name: Option<String>,
    /// The whole personal link.
    pub link: String,
    /// Its path: `/appointment/{id}/{token}`.
    pub base: String,
    /// Whether it can be moved and canceled still.
    pub can_change: bool,
    /// Whether it is the resident's own link.
    pub is_own: bool,
    /// Whether it also comes by mail.
    pub mail: MailGoes,
    /// Whether whoever looks may see a demonstration's mail.
    pub sees_mail: bool,
    /// Finds another time, for one that was canceled.
    pub search: String,
    /// The jurisdiction's phone.
    pub phone: Option<String>,
    /// Now.
    pub now: Timestamp,
}

/// The page's title and heading.
pub fn heading(page: &AppointmentPage, locale: &Locale) -> String {
    locale.text(match (page.moment, page.status) {
        (_, "cancelled") => "appointment-canceled",
        (Moment::Booked, _) => "appointment-booked",
        (Moment::Moved, _) => "appointment-moved",
        _ => "appointment-yours",
    })
}

/// The page's content.
pub fn view(page: &AppointmentPage, locale: &Locale) -> Markup {
    if page.status == "cancelled" {
        return canceled(page, locale);
    }
    html! {
        div class="panel" {
            (head(page, locale))
            div class="panel-body" {
                (status(page, locale))
                div {
                    p class="code-label" { (locale.text("appointment-code")) }
                    (code(&page.code))
                }
                div class="qr-row" {
                    (qr(&page.link, &locale.text("appointment-qr")))
                    p { (locale.text("appointment-show")) }
                }
            }
        }
        div class="buttons" {
            a class="button button-primary" href={ (page.base) "/calendar.ics" } {
                (Icon::Calendar.markup()) (locale.text("appointment-calendar"))
            }
        }
        p class="with-icon after screen-only" { (Icon::Print.markup()) span { (locale.text("appointment-print")) } }
        (keep_it(page, locale))
        div class="print-two" {
            section {
                h2 { (locale.text("appointment-on-the-day")) }
                ul class="list" {
                    li { (locale.text("appointment-come-early")) }
                    li { (locale.text("appointment-sleeves")) }
                    li { (locale.text("appointment-insurance")) }
                    li { (locale.text("appointment-ill")) }
                }
            }
            (changing(page, locale))
        }
        p class="print-only reference" {
            (locale.tell("appointment-printed", &[
                ("date", (&locale.date_long(page.now.date_in(&page.time.zone))).into()),
                ("time", (&locale.time(page.now, &page.time.zone)).into()),
            ]))
        }
    }
}

fn head(page: &AppointmentPage, locale: &Locale) -> Markup {
    let time = &page.time;
    html! {
        div class="panel-head" {
            h1 { (if page.moment == Moment::Seen { Icon::Calendar.markup() } else { Icon::Ok.markup() }) span { (heading(page, locale)) } }
            p class="panel-when" {
                span { (locale.date_long(time.date())) }
                span { (locale.time_markup(time.starts_at, &time.zone)) }
            }
            p class="panel-where" {
                span { bdi { (time.clinic) } }
                span { bdi { (time.street) } }
                span { bdi { (time.town) } }
            }
            p class="panel-where after" {
                span { (time.vaccine) }
                @if let Some(name) = &page.given_name { span { (locale.rich("appointment-for", &[("name", html! { bdi { (name) } }.into())])) } }
            }
        }
    }
}

fn status(page: &AppointmentPage, locale: &Locale) -> Markup {
    let tone = match page.status {
        "booked" | "arrived" | "fulfilled" => Tone::Ok,
        "noshow" => Tone::Plain,
        _ => Tone::Unknown,
    };
    html! { @if page.moment == Moment::Seen { p { (tag(tone, &locale.text(&format!("status-{}", page.status)))) } } }
}

/// The code in its groups, spelled to a screen reader one character at a time.
fn code(code: &str) -> Markup {
    let spelled: Vec<String> = code.chars().filter(|c| *c != '-').map(String::from).collect();
    html! {
        p class="code" dir="ltr" lang="en" {
            span class="hidden-words" { (spelled.join(" ")) }
            span aria-hidden="true" class="nb" { (code) }
        }
    }
}

/// A QR code on white with the four modules of quiet zone that the standard asks for (ISO/IEC 18004).
fn qr(text: &str, label: &str) -> Markup {
    const QUIET: usize = 4;
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return html! {};
    };
    let width = code.width();
    let mut path = String::new();
    for (n, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            use std::fmt::Write as _;
            let _ = write!(path, "M{} {}h1v1h-1z", n % width + QUIET, n / width + QUIET);
        }
    }
    let side = width + 2 * QUIET;
    html! {
        div class="qr" {
            svg viewBox={ "0 0 " (side) " " (side) } role="img" aria-label=(label) shape-rendering="crispEdges" {
                (PreEscaped(format!(r##"<path fill="#FFFFFF" d="M0 0h{side}v{side}H0z"/><path fill="#000000" d="{path}"/>"##)))
            }
        }
    }
}

fn keep_it(page: &AppointmentPage, locale: &Locale) -> Markup {
    html! {
        @if page.moment != Moment::Seen {
            h2 { (locale.text("appointment-keep-title")) }
            p {
                @match &page.mail {
                    MailGoes::Nowhere => { (locale.text("appointment-keep-body")) }
                    MailGoes::NoAddress => { (locale.text("appointment-keep-no-contact")) }
                    MailGoes::To(address) => {
                        (locale.rich("appointment-keep-mailed", &[("address", html! { bdi class="nb" { (address) } }.into())]))
                    }
                }
            }
            @if page.sees_mail && page.mail != MailGoes::NoAddress {
                p class="after screen-only" { a href="/demo/mail" { (locale.text("demo-mail-see")) } }
            }
            p class="personal-link after" { a href=(page.base) dir="ltr" { (page.link) } }
        }
    }
}

fn changing(page: &AppointmentPage, locale: &Locale) -> Markup {
    html! {
        section {
            h2 { (locale.text("appointment-change-title")) }
            @if page.can_change {
                div class="buttons buttons-row screen-only" {
                    a class="button" href={ (page.base) "/move" } { (locale.text("appointment-move")) }
                    a class="button button-stop" href={ (page.base) "/cancel" } { (locale.text("appointment-cancel")) }
                }
                @if let Some(number) = &page.phone {
                    p class="print-only" {
                        (locale.rich("appointment-change-print", &[("phone", phone(number, false).into())]))
                    }
                }
            } @else {
                p { (locale.text("appointment-cannot-change")) }
            }
            @if page.can_change && page.is_own {
                p class="after screen-only" { a href={ (page.base) "/share" } { (locale.text("appointment-share")) } }
            }
            p class="after" { (locale.text("appointment-if-down")) }
            p class="after meta" { (locale.text("appointment-private")) }
        }
    }
}

fn canceled(page: &AppointmentPage, locale: &Locale) -> Markup {
    let time = &page.time;
    let (date, at) = (locale.date_day(time.date()), locale.time(time.starts_at, &time.zone));
    let words = [("date", (&date).into()), ("time", (&at).into())];
    html! {
        (Notice {
            gravity: if page.moment == Moment::Canceled { Gravity::Done } else { Gravity::Info },
            heading: heading(page, locale),
            body: html! { p { (locale.tell("canceled-by-you", &words)) } },
            is_page_heading: true,
        }.markup())
        p class="soft" { bdi { (time.clinic) } br; (time.vaccine) }
        h2 { (locale.text("canceled-new-time")) }
        div class="buttons" { a class="button button-primary" href=(page.search) { (locale.text("canceled-choose")) } }
    }
}

/// Asks once before canceling, and offers the move first.
pub fn ask_to_cancel(page: &AppointmentPage, key: &str, locale: &Locale) -> Markup {
    let time = &page.time;
    html! {
        (html::layout::back_link(&page.base, &locale.text("cancel-keep")))
        h1 { (locale.text("cancel-heading")) }
        p class="lead" {
            (locale.date_day_markup(time.date())) ", " (locale.time_markup(time.starts_at, &time.zone)) br;
            bdi { (time.clinic) } br; (time.vaccine)
        }
        p class="after" { (locale.text("cancel-someone-else")) }
        div class="buttons" {
            a class="button button-primary" href={ (page.base) "/move" } { (locale.text("cancel-move-instead")) }
        }
        form method="post" action={ (page.base) "/cancel" } {
            (html::form::hidden("key", key))
            div class="buttons" { button class="button button-stop" type="submit" { (locale.text("cancel-button")) } }
        }
    }
}

/// The calendar's zone-free instant: `20261201T142000Z`.
pub fn calendar_instant(at: Timestamp) -> String {
    at.rfc3339_in(&Zone::utc())
        .replace(['-', ':'], "")
        .replace("+0000", "Z")
}
