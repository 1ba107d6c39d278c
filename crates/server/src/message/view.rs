//! Pure. A mail about appointments, as text and as HTML: what, when with its zone, where, the code, the personal link,
//! what to bring. The text is the whole mail; the HTML says the same.

use html::locale::Locale;
use html::mail::{Frame, button, code, facts, heading, link, list, paragraph, soft, subheading, whole};
use html::{Markup, html};
use scheduling::resident::message::Occasion;

use crate::resident::view::hold::AppointmentTime;

/// What a mail says.
#[derive(Debug)]
pub struct Mail {
    /// What it tells.
    pub occasion: Occasion,
    /// Whose mail it is.
    pub jurisdiction: String,
    /// Whom to call.
    pub phone: Option<String>,
    /// Whether nothing of it is real.
    pub is_demo: bool,
    /// At least one.
    pub entries: Vec<Entry>,
}

/// One appointment of it.
#[derive(Debug)]
pub struct Entry {
    /// When and where.
    pub time: AppointmentTime,
    /// Whom it is for.
    pub given_name: String,
    /// Said by phone.
    pub code: String,
    /// The whole personal link.
    pub link: String,
    /// Where to find another time.
    pub search: String,
}

/// Neutral: it shows on a locked screen.
pub fn subject(mail: &Mail, locale: &Locale) -> String {
    title(mail, locale)
}

fn title(mail: &Mail, locale: &Locale) -> String {
    let count = [("count", mail.entries.len().into())];
    match mail.occasion {
        Occasion::Booked => locale.tell("mail-booked", &count),
        Occasion::Moved => locale.tell("mail-moved", &count),
        Occasion::Cancelled => locale.tell("mail-canceled", &count),
        Occasion::LinkSentAnew => locale.text("mail-link-anew"),
    }
}

/// When it is, with its zone in full once: a mail is read in other zones too.
fn when(time: &AppointmentTime, locale: &Locale) -> String {
    locale.tell(
        "mail-when",
        &[
            ("date", (&locale.date_long(time.date())).into()),
            ("time", (&locale.clock(time.starts_at, &time.zone)).into()),
            ("zone", (&locale.zone_long(&time.zone)).into()),
        ],
    )
}

/// The same as HTML: date and time each in one piece.
fn when_markup(time: &AppointmentTime, locale: &Locale) -> Markup {
    let (date, clock) = (locale.date_long(time.date()), locale.clock(time.starts_at, &time.zone));
    let zone = locale.zone_long(&time.zone);
    locale.rich(
        "mail-when",
        &[
            ("date", whole(&date).into()),
            ("time", whole(&clock).into()),
            ("zone", whole(&zone).into()),
        ],
    )
}

/// Clinic, street and town, as far as known.
fn place(time: &AppointmentTime) -> impl Iterator<Item = &String> {
    [&time.clinic, &time.street, &time.town]
        .into_iter()
        .filter(|line| !line.is_empty())
}

fn on_the_day(locale: &Locale) -> Vec<String> {
    vec![
        locale.text("appointment-come-early"),
        locale.text("appointment-sleeves"),
        locale.text("appointment-insurance"),
        locale.text("appointment-ill"),
    ]
}

fn canceled_sentence(entry: &Entry, locale: &Locale) -> String {
    let time = &entry.time;
    locale.tell(
        "canceled-by-you",
        &[
            ("date", (&locale.date_day(time.date())).into()),
            ("time", (&locale.time(time.starts_at, &time.zone)).into()),
        ],
    )
}

fn call(mail: &Mail, locale: &Locale) -> Option<String> {
    let phone = mail.phone.as_ref()?;
    Some(locale.tell("mail-call", &[("phone", phone.into())]))
}

fn demo(mail: &Mail, locale: &Locale) -> Option<String> {
    mail.is_demo
        .then(|| format!("{} {}", locale.text("demo-title"), locale.text("demo-not-a-place")))
}

/// The whole mail as plain text.
pub fn text(mail: &Mail, locale: &Locale) -> String {
    let mut lines = Vec::new();
    let mut block = |block: Vec<String>| {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(block);
    };
    if let Some(demo) = demo(mail, locale) {
        block(vec![demo]);
    }
    block(vec![title(mail, locale)]);
    if mail.occasion == Occasion::Cancelled {
        for entry in &mail.entries {
            block(vec![
                canceled_sentence(entry, locale),
                entry.time.clinic.clone(),
                entry.time.vaccine.clone(),
                locale.tell("appointment-for", &[("name", (&entry.given_name).into())]),
            ]);
            block(vec![locale.text("canceled-new-time"), entry.search.clone()]);
        }
    } else {
        for entry in &mail.entries {
            let mut facts = vec![when(&entry.time, locale)];
            facts.extend(place(&entry.time).cloned());
            facts.push(entry.time.vaccine.clone());
            facts.push(locale.tell("appointment-for", &[("name", (&entry.given_name).into())]));
            facts.push(locale.tell("mail-code", &[("code", (&entry.code).into())]));
            block(facts);
            block(vec![locale.text("mail-link"), entry.link.clone()]);
        }
        block(vec![locale.text("mail-link-private"), locale.text("mail-link-ends")]);
        let mut day = vec![locale.text("appointment-on-the-day")];
        day.extend(on_the_day(locale).into_iter().map(|line| format!("- {line}")));
        block(day);
        block(vec![locale.text("appointment-if-down")]);
    }
    block(
        call(mail, locale)
            .into_iter()
            .chain([locale.text("mail-why")])
            .collect(),
    );
    lines.join("\n") + "\n"
}

/// The same as HTML.
pub fn document(mail: &Mail, locale: &Locale) -> String {
    let title = title(mail, locale);
    let demo = demo(mail, locale);
    Frame {
        title: &title,
        jurisdiction: &mail.jurisdiction,
        demo: demo.as_deref(),
        main: if mail.occasion == Occasion::Cancelled {
            canceled(mail, &title, locale)
        } else {
            standing(mail, &title, locale)
        },
        foot: html! {
            @if let Some(call) = call(mail, locale) { (call) " " }
            (locale.text("mail-why"))
        },
    }
    .document(locale)
}

fn standing(mail: &Mail, title: &str, locale: &Locale) -> Markup {
    html! {
        (heading(title))
        @for entry in &mail.entries { (standing_entry(entry, locale)) }
        (soft(&html! { (locale.text("mail-link-private")) " " (locale.text("mail-link-ends")) }))
        (subheading(&locale.text("appointment-on-the-day")))
        (list(&on_the_day(locale)))
        (paragraph(&html! { (locale.text("appointment-if-down")) }))
    }
}

fn standing_entry(entry: &Entry, locale: &Locale) -> Markup {
    let time = &entry.time;
    let mut lines: Vec<Markup> = place(time).map(|line| html! { bdi { (line) } }).collect();
    lines.push(html! { (time.vaccine) });
    lines.push(locale.rich(
        "appointment-for",
        &[("name", html! { bdi { (entry.given_name) } }.into())],
    ));
    html! {
        (facts(&when_markup(time, locale), &lines))
        (paragraph(&locale.rich("mail-code", &[("code", code(&entry.code).into())])))
        (button(&entry.link, &locale.text("mail-button")))
        (soft(&link(&entry.link)))
    }
}

fn canceled(mail: &Mail, title: &str, locale: &Locale) -> Markup {
    html! {
        (heading(title))
        @for entry in &mail.entries {
            (paragraph(&html! { (canceled_sentence(entry, locale)) }))
            (soft(&html! {
                bdi { (entry.time.clinic) } br;
                (entry.time.vaccine) br;
                (locale.rich("appointment-for", &[("name", html! { bdi { (entry.given_name) } }.into())]))
            }))
            (paragraph(&html! { (locale.text("canceled-new-time")) }))
            (button(&entry.search, &locale.text("canceled-choose")))
        }
    }
}
