//! `/demo/mail`: what a demonstration would have sent. For whoever sits at the machine alone: the mails hold personal
//! links. Elsewhere, and for everyone else, there is no such page.

use std::convert::Infallible;
use std::path::Path as FilePath;

use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse as _, Response};
use booking::demo_mail::{self, Kept};
use html::layout::Page;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use runtime::http::listener::ClientAddress;

use super::page::{self, locale};
use super::view::demo_mail::{ShownMail, view};
use crate::app::App;

/// Mails on the page.
const SHOWN: usize = 50;
/// A mail as it looks: its own styles, and nothing from anywhere.
const MAIL_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'");
/// What a proxy says about whom it speaks for: then whoever asks sits elsewhere.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// Whether a request comes from this machine itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Near(bool);

impl<S: Send + Sync> FromRequestParts<S> for Near {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let client = parts.extensions.get::<ClientAddress>();
        let is_loopback = client.is_some_and(|ClientAddress(address)| address.ip().to_canonical().is_loopback());
        let is_forwarded = FORWARDED.iter().any(|name| parts.headers.contains_key(*name));
        Ok(Self(is_loopback && !is_forwarded))
    }
}

/// Whether the page is there for whoever asks.
pub fn is_open_to(near: Near, app: &App) -> bool {
    near.0 && app.engine().shows_mail() && app.demo_mail().is_some()
}

fn folder(near: Near, app: &App) -> Option<&FilePath> {
    app.demo_mail().filter(|_| is_open_to(near, app))
}

/// `GET /demo/mail`.
pub async fn list(State(app): State<App>, near: Near) -> Response {
    let Some(folder) = folder(near, &app) else {
        return page::not_found(&app);
    };
    match demo_mail::list(folder, SHOWN) {
        Ok(mails) => {
            let shown: Vec<ShownMail> = mails.into_iter().map(shown).collect();
            let a_day = app.engine().settings().get(&booking::limit::MAILS_PER_ADDRESS);
            let content = view(&shown, a_day, locale());
            page::personal(&app, &Page::new(locale().text("demo-mail-heading"), content))
        }
        Err(error) => {
            tracing::error!(%error, "the demonstration's mail cannot be read");
            page::broke(&app)
        }
    }
}

fn shown(kept: Kept) -> ShownMail {
    ShownMail {
        at: demo_mail::written_at(&kept),
        name: kept.name,
        to: kept.to,
        subject: kept.subject,
        text: kept.text,
    }
}

/// `GET /demo/mail/{name}`: one as a mail program shows it, or with `.eml` as the file itself.
pub async fn see(State(app): State<App>, near: Near, Path(name): Path<String>) -> Response {
    let Some(folder) = folder(near, &app) else {
        return page::not_found(&app);
    };
    if let Some(name) = name.strip_suffix(".eml") {
        return demo_mail::eml(folder, name).map_or_else(|| page::not_found(&app), file);
    }
    demo_mail::one(folder, &name).map_or_else(|| page::not_found(&app), look)
}

fn file(bytes: Vec<u8>) -> Response {
    let mut response = (StatusCode::OK, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("message/rfc822"));
    headers.insert(
        CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"mail.eml\""),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn look(kept: Kept) -> Response {
    let mut response = (StatusCode::OK, kept.html).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, MAIL_POLICY);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}
