//! The shell of a mail's HTML: one column that any mail program shows. Styles stand in the tags, since many programs drop
//! all others; where one keeps a style sheet, dark is dark. Nothing is loaded from outside, so that no one learns when or
//! where it is read.

use crate::locale::Locale;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The look's tokens, light (`style.css` holds both themes; mail programs know no variables).
const PAGE: &str = "margin:0;padding:0;background:#F3F6F6;color:#12222B;font:400 17px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif";
const BAND: &str = "background:#0A3A47;color:#FFFFFF;border-bottom:4px solid #84CBDC;padding:16px 20px;font-weight:700";
const DEMO: &str = "background:#FFF2D3;color:#7A4B00;padding:10px 20px;font-size:14px";
const CARD: &str = "max-width:608px;margin:0 auto;background:#FFFFFF;color:#12222B";
const MAIN: &str = "padding:20px";
const H1: &str = "margin:0 0 16px;font-size:26px;line-height:1.2;font-weight:700";
const H2: &str = "margin:28px 0 8px;font-size:20px;line-height:1.3;font-weight:600";
const P: &str = "margin:0 0 12px";
const SOFT: &str = "margin:0 0 12px;color:#475863;font-size:15px";
const FACTS: &str = "margin:0 0 16px;padding:14px 16px;background:#DDECEF;color:#12222B;border-radius:12px";
const WHEN: &str = "margin:0 0 6px;font-size:20px;font-weight:700";
const CODE: &str = "font-size:22px;font-weight:700;letter-spacing:0.06em;white-space:nowrap";
const LINK: &str = "color:#0B5566;text-decoration:underline;overflow-wrap:anywhere";
const BUTTON: &str = "display:inline-block;padding:14px 22px;background:#0B5566;color:#FFFFFF;border-radius:10px;font-weight:600;text-decoration:none";
const LIST: &str = "margin:0 0 12px;padding:0 0 0 22px";
const FOOT: &str = "padding:16px 20px 24px;border-top:1px solid #CBD5D8;color:#475863;font-size:14px";

/// The tokens' dark side, for programs that keep a style sheet.
const DARK: &str = "@media (prefers-color-scheme:dark){\
.page{background:#0D161B!important;color:#EAF1F3!important}\
.card{background:#152129!important;color:#EAF1F3!important}\
.band{background:#082B35!important}\
.demo{background:#33280D!important;color:#F2C25C!important}\
.facts{background:#123640!important;color:#EAF1F3!important}\
.soft,.foot{color:#AEBDC5!important}\
.foot{border-color:#2B3B45!important}\
.link{color:#84CBDC!important}\
.button{background:#84CBDC!important;color:#06232B!important}}";

/// What stands round a mail's words.
#[derive(Debug)]
pub struct Frame<'a> {
    /// Its title: the subject.
    pub title: &'a str,
    /// Whose mail it is.
    pub jurisdiction: &'a str,
    /// Said first where it is a demonstration.
    pub demo: Option<&'a str>,
    /// The words.
    pub main: Markup,
    /// Said last, small: why it was sent.
    pub foot: Markup,
}

impl Frame<'_> {
    /// The whole document.
    pub fn document(&self, locale: &Locale) -> String {
        html! {
            (DOCTYPE)
            html lang=(locale.language()) dir=(locale.direction()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="supported-color-schemes" content="light dark";
                    meta name="format-detection" content="telephone=no,date=no,address=no";
                    title { (self.title) }
                    style { (PreEscaped(DARK)) }
                }
                body class="page" style=(PAGE) {
                    div class="card" style=(CARD) {
                        // Roles instead of tags: old mail programs show unknown tags as one line.
                        div role="banner" {
                            @if let Some(demo) = self.demo { div class="demo" style=(DEMO) { (demo) } }
                            div class="band" style=(BAND) { (self.jurisdiction) }
                        }
                        div role="main" style=(MAIN) { (self.main) }
                        div role="contentinfo" class="foot" style=(FOOT) { (self.foot) }
                    }
                }
            }
        }
        .into_string()
    }
}

/// The heading.
pub fn heading(words: &str) -> Markup {
    html! { h1 style=(H1) { (words) } }
}
/// A heading below it.
pub fn subheading(words: &str) -> Markup {
    html! { h2 style=(H2) { (words) } }
}
/// A paragraph.
pub fn paragraph(words: &Markup) -> Markup {
    html! { p style=(P) { (words) } }
}
/// A paragraph of less weight.
pub fn soft(words: &Markup) -> Markup {
    html! { p class="soft" style=(SOFT) { (words) } }
}
/// The box with what counts: a first line of weight, then others.
pub fn facts(first: &Markup, others: &[Markup]) -> Markup {
    html! {
        div class="facts" style=(FACTS) {
            p style=(WHEN) { (first) }
            @for line in others { div { (line) } }
        }
    }
}
/// A code that is read aloud.
pub fn code(code: &str) -> Markup {
    html! { span dir="ltr" style=(CODE) { (code) } }
}
/// Words that are never broken across lines.
pub fn whole(words: &str) -> Markup {
    html! { span style="white-space:nowrap" { (words) } }
}
/// The one thing to press.
pub fn button(href: &str, words: &str) -> Markup {
    html! { p style=(P) { a class="button" style=(BUTTON) href=(href) { (words) } } }
}
/// A link that shows where it leads.
pub fn link(href: &str) -> Markup {
    html! { a class="link" style=(LINK) dir="ltr" href=(href) { (href) } }
}
/// A list.
pub fn list(lines: &[String]) -> Markup {
    html! { ul style=(LIST) { @for line in lines { li { (line) } } } }
}
