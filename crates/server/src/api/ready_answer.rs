//! Answers of the finding calls, serialised once and given to everyone who asks the same until what they say changes.
//! `as_of` is spliced in at the last moment, so a new one alone costs nothing and never defeats a 304.
//! Bounded; what is not here is simply serialised anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::response::Response;
use base::id::ClinicId;
use base::limit::Settings;
use base::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::answer::keeping::{FOR_GATEWAY, LISTS_MAY_BE_KEPT};
use crate::limit::{ANSWER_KEPT_BYTES, ANSWERS_KEPT};

/// Finders may keep an answer and must ask whether it is still so.
const REVALIDATE: HeaderValue = HeaderValue::from_static("no-cache");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANYONE: HeaderValue = HeaderValue::from_static("*");
/// Two workers on two cores seldom meet on one of sixteen shelves.
const SHELVES: usize = 16;
/// Questions longer than this are nobody's bookmark.
const QUESTION_BYTES_MAX: usize = 256;

/// What an answer was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// One clinic at one version.
    Clinic(ClinicId, u64),
    /// All clinics: the whole snapshot at one version.
    Everything(u64),
}

/// An answer that is written but for its `as_of`.
#[derive(Debug)]
pub struct ReadyAnswer {
    /// What it was made from: once that is at another version the answer is old.
    pub source: Source,
    /// When it stops being true although nothing changed: a slot begins, a day ends.
    pub until: Timestamp,
    /// Whether the snapshot was young enough to say what is free.
    pub can_tell: bool,
    before: Bytes,
    after: Bytes,
    etag: HeaderValue,
}

impl ReadyAnswer {
    /// `entries` is the list's JSON with its name: `"slots":[…]`.
    pub fn new(source: Source, until: Timestamp, can_tell: bool, entries: &[u8], next: Option<&str>) -> Self {
        let before = [b"{", entries, b",\"as_of\":\""].concat();
        // A cursor is base64url: nothing in it needs escaping.
        let after = next.map_or_else(
            || "\",\"next\":null}".to_owned(),
            |next| format!("\",\"next\":\"{next}\"}}"),
        );
        let etag = etag_of(&[&before, after.as_bytes()]);
        Self {
            source,
            until,
            can_tell,
            before: before.into(),
            after: after.into(),
            etag,
        }
    }

    fn bytes(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// 304 to who has it already, else the whole of it.
    pub fn respond(&self, headers: &HeaderMap, as_of: Timestamp) -> Response {
        if matches(headers, &self.etag) {
            return not_modified(&self.etag, REVALIDATE);
        }
        let as_of = as_of.to_string();
        let mut body = Vec::with_capacity(self.bytes() + as_of.len());
        body.extend_from_slice(&self.before);
        body.extend_from_slice(as_of.as_bytes());
        body.extend_from_slice(&self.after);
        let mut response = Response::new(Body::from(body));
        dress(response.headers_mut(), &self.etag, REVALIDATE, JSON);
        response.headers_mut().insert(FOR_GATEWAY, LISTS_MAY_BE_KEPT);
        response
    }
}

/// A weak ETag over these parts.
pub fn etag_of(parts: &[&[u8]]) -> HeaderValue {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let digits = hash.finalize();
    let digits = digits.first_chunk::<12>().expect("SHA-256 gives 32 bytes");
    HeaderValue::from_str(&format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(digits)))
        .expect("base64url in quotes is a header value")
}

/// Whether the client already has what this ETag names (`If-None-Match`, weak comparison, RFC 9110 §13.1.2).
pub fn matches(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(ours) = etag.to_str() else { return false };
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|theirs| {
            theirs == ours || theirs.trim() == "*" || theirs.split(',').any(|tag| opaque(tag) == opaque(ours))
        })
}

/// 304 with the headers that the 200 would have (RFC 9110 §15.4.5).
pub fn not_modified(etag: &HeaderValue, cache: HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    let headers = response.headers_mut();
    headers.insert(ETAG, etag.clone());
    headers.insert(CACHE_CONTROL, cache);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
    response
}

/// The headers of a public answer: what it is, how long it may be kept, and that any page may read it.
pub fn dress(headers: &mut HeaderMap, etag: &HeaderValue, cache: HeaderValue, content_type: HeaderValue) {
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(ETAG, etag.clone());
    headers.insert(CACHE_CONTROL, cache);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
}

/// The kept answers, by call and query as they were sent.
#[derive(Debug)]
pub struct ReadyAnswers {
    shelves: Vec<Mutex<Shelf>>,
    entries_max: usize,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Shelf {
    answers: HashMap<Box<str>, Arc<ReadyAnswer>>,
    bytes: usize,
}

impl ReadyAnswers {
    /// Empty shelves of the size that the settings say.
    pub fn new(settings: &Settings) -> Self {
        Self {
            shelves: (0..SHELVES).map(|_| Mutex::default()).collect(),
            entries_max: (settings.get(&ANSWERS_KEPT) as usize / SHELVES).max(1),
            bytes_max: settings.get(&ANSWER_KEPT_BYTES) as usize / SHELVES,
        }
    }

    /// The kept answer to a question, old or not.
    pub fn find(&self, question: &str) -> Option<Arc<ReadyAnswer>> {
        let shelf = self.shelf(question).lock().unwrap_or_else(PoisonError::into_inner);
        shelf.answers.get(question).cloned()
    }

    /// Keeps an answer. A full shelf is emptied: cheaper than knowing who was asked last, and the popular questions
    /// are back within a moment.
    pub fn keep(&self, question: &str, answer: &Arc<ReadyAnswer>) {
        if question.len() > QUESTION_BYTES_MAX || answer.bytes() > self.bytes_max {
            return;
        }
        let mut shelf = self.shelf(question).lock().unwrap_or_else(PoisonError::into_inner);
        let full = shelf.answers.len() >= self.entries_max || shelf.bytes + answer.bytes() > self.bytes_max;
        if full && !shelf.answers.contains_key(question) {
            shelf.answers.clear();
            shelf.bytes = 0;
        }
        shelf.bytes += answer.bytes();
        if let Some(old) = shelf.answers.insert(question.into(), Arc::clone(answer)) {
            shelf.bytes = shelf.bytes.saturating_sub(old.bytes());
        }
    }

    fn shelf(&self, question: &str) -> &Mutex<Shelf> {
        // FNV-1a: only spreads questions over the shelves; the maps inside hash with a secret.
        let hash = question.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        &self.shelves[(hash >> 32) as usize % SHELVES]
    }
}
