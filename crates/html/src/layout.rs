//! The page's shell: demonstration notice, header band with the jurisdiction's seal and name, level line, main, footer
//! with the phone. The state's name leads; ours stands in the footer only. Everything comes as data.

use crate::icon::Icon;
use crate::locale::Locale;
use crate::style;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A neutral seal, for a jurisdiction that has given none: a star over water.
pub const NEUTRAL_SEAL: &str = r#"<svg viewBox="0 0 48 48" fill="none" stroke="currentColor"><circle cx="24" cy="24" r="21.5" stroke-width="1.5"/><circle cx="24" cy="24" r="18" stroke-width="1.5"/><path d="m24 11 2.4 5.1 5.6.7-4.1 3.9 1 5.5-4.9-2.7-4.9 2.7 1-5.5-4.1-3.9 5.6-.7z" fill="currentColor" stroke="none"/><path d="M7 28h34M9.5 32.500c2.4-1.8 4.8-1.8 7.3 0s4.8 1.8 7.2 0 4.9-1.8 7.3 0 4.8 1.8 7.2 0M14.5 37c2.1-1.6 4.3-1.6 6.4 0s4.2 1.6 6.3 0 4.2-1.6 6.3 0" stroke-width="1.6" stroke-linecap="round"/></svg>"#;

/// Whose pages these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jurisdiction {
    /// `Massachusetts`.
    pub name: String,
    /// Its seal: SVG of at most 4 KB, from the installation's own configuration (trusted like the program).
    pub seal_svg: String,
    /// Who answers for those who can't use the pages, `617-555-0142`.
    pub phone: Option<String>,
    /// Set when this is a demonstration: as of when its clinics were true (`2021`).
    pub demo_as_of: Option<String>,
}

/// The color of the level line: how things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// All is well.
    #[default]
    Even,
    /// We broke.
    Gold,
}

/// One page, ready but for its shell.
#[derive(Debug)]
pub struct Page {
    /// In the browser's tab, before the service's name.
    pub title: String,
    /// Whether the page asks to mend something: its title starts with `Error: `.
    pub has_errors: bool,
    /// The level line.
    pub level: Level,
    /// Under the header: the hold bar.
    pub bar: Option<Markup>,
    /// Whether `main` opens with a hero of its own, which then carries the level line.
    pub has_hero: bool,
    /// The content.
    pub main: Markup,
    /// The trace id, shown small at the foot where we failed.
    pub reference: Option<String>,
}

impl Page {
    /// A plain page.
    pub fn new(title: impl Into<String>, main: Markup) -> Self {
        Self {
            title: title.into(),
            has_errors: false,
            level: Level::Even,
            bar: None,
            has_hero: false,
            main,
            reference: None,
        }
    }
}

/// What all pages of an installation share.
#[derive(Debug)]
pub struct Shell<'a> {
    /// Whose pages.
    pub jurisdiction: Jurisdiction,
    /// In which language.
    pub locale: &'a Locale,
    /// Said on every page of a rehearsal, whose clock is not the world's.
    pub rehearsal: bool,
}

impl Shell<'_> {
    /// The whole document.
    pub fn document(&self, page: &Page) -> String {
        let locale = self.locale;
        let title = locale.tell(
            if page.has_errors { "title-error" } else { "title" },
            &[
                ("page", (&page.title).into()),
                ("jurisdiction", (&self.jurisdiction.name).into()),
            ],
        );
        let body_class = match (page.level, page.has_hero) {
            (Level::Gold, _) => "level-gold",
            (Level::Even, true) => "with-hero",
            (Level::Even, false) => "",
        };
        html! {
            (DOCTYPE)
            html lang=(locale.language()) dir=(locale.direction()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="format-detection" content="telephone=no";
                    title { (title) }
                    link rel="stylesheet" href=(style::sheet_path());
                    link rel="icon" type="image/svg+xml" href=(style::logo_path());
                }
                body class=[(!body_class.is_empty()).then_some(body_class)] {
                    a class="skip" href="#main" { (locale.text("skip")) }
                    (self.header())
                    @if let Some(bar) = &page.bar { (bar) }
                    main id="main" { (page.main) }
                    (self.footer(page.reference.as_deref()))
                }
            }
        }
        .into_string()
    }

    fn header(&self) -> Markup {
        let locale = self.locale;
        html! {
            header {
                (self.demo_notice())
                div class="band" {
                    div class="wide band-row" {
                        a class="brand" href="/" {
                            span class="seal" aria-hidden="true" { (PreEscaped(&self.jurisdiction.seal_svg)) }
                            span class="brand-text" {
                                bdi class="brand-name" { (self.jurisdiction.name) }
                                span class="brand-line" { (locale.text("service-name")) }
                            }
                        }
                    }
                }
            }
        }
    }

    fn demo_notice(&self) -> Markup {
        let locale = self.locale;
        html! {
            @if let Some(year) = &self.jurisdiction.demo_as_of {
                div class="demo" {
                    p class="wide" {
                        (Icon::Info.markup())
                        span {
                            // Each sentence keeps together: "Not a place to go" must not be read in halves.
                            strong { (locale.text("demo-title")) } " "
                            @if !year.is_empty() { span class="nb" { (locale.tell("demo-as-of", &[("year", year.into())])) } " " }
                            span class="nb" { (locale.text("demo-not-a-place")) }
                            @if self.rehearsal { " " (locale.text("rehearsal-clock")) }
                        }
                    }
                }
            } @else if self.rehearsal {
                div class="demo" { p class="wide" { (Icon::Info.markup()) span { (locale.text("rehearsal-clock")) } } }
            }
        }
    }

    fn footer(&self, reference: Option<&str>) -> Markup {
        let locale = self.locale;
        html! {
            footer {
                div class="wide" {
                    @if let Some(number) = &self.jurisdiction.phone {
                        p class="with-icon help" {
                            (Icon::Phone.markup())
                            span { (locale.rich("footer-help", &[("phone", phone(number, true).into())])) }
                        }
                    }
                    div class="foot-row" {
                        p class="foot-links" { a href="/privacy" { (locale.text("footer-privacy")) } }
                        p class="runs-on" { (mark()) span { (locale.text("footer-runs-on")) } }
                    }
                    @if let Some(reference) = reference {
                        p class="reference" { (locale.rich("footer-reference", &[("reference", html! { span dir="ltr" class="nb" { (reference) } }.into())])) }
                    }
                }
            }
        }
    }
}

/// A phone number that never breaks across lines; `dial` makes it a link.
pub fn phone(number: &str, dial: bool) -> Markup {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let href = if digits.len() == 10 {
        format!("tel:+1{digits}")
    } else {
        format!("tel:{digits}")
    };
    html! {
        @if dial { a class="nb" dir="ltr" href=(href) { strong { (number) } } }
        @else { bdi class="nb" dir="ltr" { (number) } }
    }
}

/// The mark of Evenkeel, in the color of the text around it.
fn mark() -> Markup {
    html! {
        svg class="mark" viewBox="0 0 48 48" width="28" height="28" aria-hidden="true" focusable="false" {
            path d="M10.5 19.5a14 14 0 0 1 27 0" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round" {}
            path d="M3 25h42" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round" {}
            path d="M8.2 30h31.6a16 16 0 0 1-31.6 0z" fill="currentColor" {}
        }
    }
}

/// "Need help? Call us at …", where there is someone to call.
pub fn call_us(number: Option<&str>, locale: &Locale) -> Markup {
    html! {
        @if let Some(number) = number {
            p class="after" { (locale.rich("call-us", &[("phone", phone(number, true).into())])) }
        }
    }
}

/// A link that stands alone with an arrow back.
pub fn back_link(href: &str, words: &str) -> Markup {
    html! { p class="back" { a href=(href) { (Icon::Back.markup()) span { (words) } } } }
}

/// A link that stands alone with an arrow onward.
pub fn onward_link(href: &str, words: &str) -> Markup {
    html! { p class="onward" { a href=(href) { (Icon::Forward.markup()) span { (words) } } } }
}
