//! The pages for residents, through the router as a browser without scripts uses them.

mod calendar;
mod code_lookup;
mod find;
mod guess_limit;
mod journey;
mod jurisdiction;
mod moving;
mod search;
mod shared_link;
mod trouble;
mod typed;
mod view;

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::site::{Answered, Asking, Site};

/// A form as a browser sends it: its hidden fields, and what a person filled in.
#[derive(Debug, Clone, Default)]
pub struct Filled(BTreeMap<String, String>);

impl Filled {
    /// The hidden fields of the page's form with this action.
    #[track_caller]
    pub fn of(page: &Answered, action: &str) -> Self {
        let text = page.text();
        let start = text
            .find(&format!("action=\"{action}\""))
            .unwrap_or_else(|| panic!("no form {action} in {text}"));
        let form = &text[start..start + text[start..].find("</form>").expect("the form ends")];
        let mut fields = BTreeMap::new();
        for input in form
            .split("<input")
            .filter(|input| input.trim_start().starts_with("type=\"hidden\""))
        {
            fields.insert(attribute(input, "name"), attribute(input, "value"));
        }
        Self(fields)
    }

    /// With a field filled in.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With the details of a person.
    pub fn person(self, given_name: &str) -> Self {
        self.with("given-name", given_name)
            .with("family-name", "Sample")
            .with("birth-month", "3")
            .with("birth-day", "27")
            .with("birth-year", "1958")
            .with("phone", "413-555-0188")
    }

    /// A field's value.
    #[track_caller]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no field {name} in {:?}", self.0))
    }

    fn body(&self) -> String {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        self.0
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// As a request, not yet sent.
    pub fn asking(&self, site: &Site, path: &str) -> Asking {
        let asking = site.ask("POST", path).bytes(self.body());
        asking.header("content-type", "application/x-www-form-urlencoded")
    }

    /// Sends it.
    pub async fn send(&self, site: &Site, path: &str) -> Answered {
        self.asking(site, path).send_as_is().await
    }
}

#[track_caller]
fn attribute(tag: &str, name: &str) -> String {
    let start = tag
        .find(&format!("{name}=\""))
        .unwrap_or_else(|| panic!("no {name} in {tag}"))
        + name.len()
        + 2;
    let value = &tag[start..start + tag[start..].find('"').expect("the attribute ends")];
    value
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Opens a page.
pub async fn open(site: &Site, path: &str) -> Answered {
    site.ask("GET", path).send().await
}

/// The words of a page's main part, tags taken out: what a person reads.
pub fn words(page: &Answered) -> String {
    let text = page.text();
    let main = text.find("<main").map_or(text.as_str(), |at| {
        &text[at..text.find("</main>").unwrap_or(text.len())]
    });
    let mut out = String::new();
    let mut in_tag = false;
    for c in main.chars() {
        match c {
            '<' => {
                in_tag = true;
                out.push(' ');
            }
            '>' => in_tag = false,
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What each page must have, whatever it says.
#[track_caller]
pub fn is_well_made(page: &Answered, personal: bool) {
    let text = page.text();
    assert!(!text.contains('⟦'), "a message is missing: {text}");
    assert!(
        !text.contains("<script") && !text.contains(" style="),
        "no script and no inline style: {text}"
    );
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert!(page.header("set-cookie").is_empty(), "residents need no cookie");
    if personal {
        assert_eq!(
            (page.header("cache-control"), page.header("x-robots-tag")),
            ("no-store".into(), "noindex".into())
        );
    }
    assert!(
        page.body.len() < 60_000,
        "small enough for a bad line: {}",
        page.body.len()
    );
}

/// Keeps a time for an adult; the address of its page.
#[track_caller]
pub fn location(answer: &Answered) -> String {
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    answer.header("location")
}
