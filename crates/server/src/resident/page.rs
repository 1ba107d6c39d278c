//! The shell round every page: the jurisdiction, the words, the headers. Strict headers stand here once, so that no
//! page can forget them.

use std::borrow::Cow;
use std::sync::LazyLock;

use axum::response::{IntoResponse as _, Response};
use base::answer::Fault;
use html::layout::{Page, Shell};
use html::locale::Locale;
use html::notice::Gravity;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use runtime::http::trace::{self, Code};

use super::jurisdiction;
use super::view::trouble::{Said, said};
use crate::answer::keeping::{FOR_GATEWAY, PAGES_MAY_BE_KEPT};
use crate::app::App;

/// What a page may load and do: our style sheet, the pictures inside the page, our own forms. Nothing else.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
);
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Asked for anew each time, and still there when someone goes back.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

static ENGLISH: LazyLock<Locale> = LazyLock::new(Locale::english);

/// Whether there are words for a language tag: its first part counts, `en-US` is read in English.
pub fn speaks(tag: &str) -> bool {
    let primary = tag.split('-').next().unwrap_or_default();
    primary.eq_ignore_ascii_case(locale().language())
}

/// The words of a language that somebody named; English where there are none of it.
pub fn locale_for(_language: Option<&str>) -> &'static Locale {
    locale()
}

/// The words of this request's language.
pub fn locale() -> &'static Locale {
    &ENGLISH
}

/// Whom a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Everyone, byte for byte the same: the gateway may give it again.
    Anyone,
    /// Whoever asks: it says the same to everyone, and carries a key of its own for what this visitor does next.
    Visitor,
    /// Whoever holds the link, or typed into the form.
    One,
}

/// A page as an answer.
pub fn answer(app: &App, status: StatusCode, page: &Page, whom: For) -> Response {
    let shell = Shell {
        jurisdiction: jurisdiction::of(app),
        locale: locale(),
        rehearsal: app.is_rehearsal(),
    };
    let mut response = (status, shell.document(page)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HTML);
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if whom == For::One {
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
    } else {
        headers.insert(CACHE_CONTROL, NO_CACHE);
    }
    if whom == For::Anyone && status == StatusCode::OK {
        headers.insert(FOR_GATEWAY, PAGES_MAY_BE_KEPT);
    }
    response
}

/// A personal page that came out as it should.
pub fn personal(app: &App, page: &Page) -> Response {
    answer(app, StatusCode::OK, page, For::One)
}

/// A page that asks to mend what was typed.
pub fn to_mend(app: &App, mut page: Page) -> Response {
    page.has_errors = true;
    coded(
        answer(app, StatusCode::UNPROCESSABLE_ENTITY, &page, For::One),
        "invalid",
    )
}

/// A refusal: the rules say no, the page says what instead.
pub fn refused(app: &App, page: &Page, code: &'static str) -> Response {
    coded(answer(app, StatusCode::CONFLICT, page, For::One), code)
}

/// A fault: 503, with a reference and when to try again.
pub fn failed(app: &App, fault: Fault, mut page: Page) -> Response {
    page.level = html::layout::Level::Gold;
    page.reference = reference();
    let mut response = coded(
        answer(app, StatusCode::SERVICE_UNAVAILABLE, &page, For::One),
        fault.code(),
    );
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(fault.retry_after_s()));
    response
}

/// On to another page of ours, by GET.
pub fn see_other(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // Our paths are ids, tokens and escaped words: always a valid header.
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, location);
    }
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

/// A link that opens nothing: unknown, cut off, or another's. Always the same answer.
pub fn not_found(app: &App) -> Response {
    simple(app, StatusCode::NOT_FOUND, "not-found", Gravity::Info, "not-found")
}

/// A page that exists, asked in a way that does not.
pub fn wrong_method(app: &App) -> Response {
    simple(
        app,
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong-method",
        Gravity::Info,
        "method-not-allowed",
    )
}

/// More was typed than any honest form holds.
pub fn too_large(app: &App) -> Response {
    simple(
        app,
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        Gravity::Info,
        "too-large",
    )
}

/// The form did not arrive in time.
pub fn too_slow(app: &App) -> Response {
    simple(app, StatusCode::REQUEST_TIMEOUT, "too-slow", Gravity::Info, "malformed")
}

/// Our mistake.
pub fn broke(app: &App) -> Response {
    simple(app, StatusCode::INTERNAL_SERVER_ERROR, "broke", Gravity::Stop, "bug")
}

/// A fault while something was only to be shown.
pub fn cannot_show(app: &App, fault: Fault) -> Response {
    let said_page = plain_said(app, "fault-cannot-show", Gravity::Warn);
    failed(
        app,
        fault,
        Page::new(locale().text("fault-cannot-show-title"), said(&said_page, locale())),
    )
}

fn simple(app: &App, status: StatusCode, what: &str, gravity: Gravity, code: &'static str) -> Response {
    let mut page = Page::new(
        locale().text(&format!("{what}-title")),
        said(&plain_said(app, what, gravity), locale()),
    );
    page.reference = reference();
    if status.is_server_error() {
        page.level = html::layout::Level::Gold;
    }
    coded(answer(app, status, &page, For::One), code)
}

fn plain_said(app: &App, what: &str, gravity: Gravity) -> Said {
    Said {
        what: what.to_owned(),
        gravity,
        ways: vec![("/".to_owned(), "start-search")],
        phone: jurisdiction::of(app).phone,
    }
}

/// The trace id of this request, to be said by phone.
fn reference() -> Option<String> {
    trace::current().map(|id| id.to_string())
}

/// Names the refusal or fault for the log line.
pub fn coded(mut response: Response, code: &'static str) -> Response {
    response.extensions_mut().insert(Code(Cow::Borrowed(code)));
    response
}
