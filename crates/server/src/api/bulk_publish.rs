//! `GET /$bulk-publish`: SMART Scheduling Links (smart-on-fhir/smart-scheduling-links, 2021), so that any finder can
//! show our times and send people to book them. The manifest names NDJSON files: clinics (Location), what they give
//! (Schedule) and a file of times for each local day (Slot).
//!
//! A publication stays the same for as long as finders may keep it; its slots are written out while they are sent,
//! from the snapshot it was made of, so that no copy of them lies in memory.

mod day_file;
mod resource;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base::time::{Date, Timestamp, date_text, parse_date};
use booking::availability::snapshot::Snapshot;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::ready_answer::{dress, etag_of, matches, not_modified};
use crate::answer::AskError;
use crate::app::App;
use crate::limit::PUBLICATION_AGE;
use crate::request::path::PathId;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NDJSON: HeaderValue = HeaderValue::from_static("application/fhir+ndjson");
/// Where the files lie.
const FOLDER: &str = "/smart";

/// What is published, and where.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The instant that the files describe.
    #[schema(format = DateTime)]
    pub transaction_time: String,
    /// This manifest's own address.
    pub request: String,
    /// The files.
    pub output: Vec<PublishedFile>,
    /// Always empty.
    #[schema(value_type = Vec<Object>)]
    pub error: Vec<()>,
}

/// One NDJSON file.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishedFile {
    /// Location, Schedule or Slot.
    pub r#type: &'static str,
    /// Where it is.
    #[schema(format = "uri")]
    pub url: String,
    /// Which states it is about.
    pub extension: FileExtension,
}

/// Which states a file is about.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FileExtension {
    /// Two letters each.
    pub state: Vec<String>,
}

/// A publication: a snapshot, and what was worked out from it once.
#[derive(Debug)]
struct Publication {
    made_at: Timestamp,
    snapshot: Arc<Snapshot>,
    manifest: Published,
    locations: Published,
    schedules: Published,
    /// The ETag of each day's file.
    days: BTreeMap<Date, HeaderValue>,
}

#[derive(Debug)]
struct Published {
    body: Bytes,
    etag: HeaderValue,
}

impl Published {
    fn new(body: Vec<u8>) -> Self {
        Self {
            etag: etag_of(&[&body]),
            body: body.into(),
        }
    }
}

/// Makes a publication when the last one is old.
#[derive(Debug, Default)]
pub struct Publisher {
    current: Mutex<Option<Arc<Publication>>>,
}

impl Publisher {
    fn current(&self, app: &App) -> Arc<Publication> {
        let now = app.engine().clock().now();
        let age = app.engine().settings().duration(&PUBLICATION_AGE);
        // Held while a new one is made: a dozen finders that come at once are worth one.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match current.as_ref() {
            Some(publication) if now < publication.made_at + age => Arc::clone(publication),
            _ => Arc::clone(current.insert(Arc::new(Publication::new(app, now)))),
        }
    }
}

impl Publication {
    fn new(app: &App, now: Timestamp) -> Self {
        let (snapshot, as_of) = app.engine().current();
        let days = fingerprints(&snapshot, now);
        let rules = app.engine().rules();
        let locations = Published::new(resource::locations(&snapshot, app.public_url()));
        let schedules = Published::new(resource::schedules(&snapshot, &rules));
        let manifest = manifest(app, &snapshot, as_of, days.keys());
        let mut body = Vec::new();
        serde_json::to_writer(&mut body, &manifest).expect("a manifest is plain values");
        // As with lists: a new instant alone is no news.
        let files: Vec<&str> = manifest.output.iter().map(|file| file.url.as_str()).collect();
        let etag = etag_of(&[
            files.concat().as_bytes(),
            locations.etag.as_bytes(),
            schedules.etag.as_bytes(),
            &days
                .values()
                .flat_map(|tag| tag.as_bytes().to_vec())
                .collect::<Vec<u8>>(),
        ]);
        let manifest = Published {
            body: body.into(),
            etag,
        };
        Self {
            made_at: now,
            snapshot,
            manifest,
            locations,
            schedules,
            days,
        }
    }
}

/// One ETag a day, over what a finder would see there.
fn fingerprints(snapshot: &Snapshot, now: Timestamp) -> BTreeMap<Date, HeaderValue> {
    let mut hashes: BTreeMap<Date, Sha256> = BTreeMap::new();
    for availability in snapshot.clinics() {
        for slot in availability.slots.iter().filter(|slot| slot.starts_at > now) {
            let hash = hashes
                .entry(slot.starts_at.date_in(&availability.clinic.zone))
                .or_default();
            hash.update(slot.id.to_bytes());
            hash.update(slot.free.to_be_bytes());
        }
    }
    hashes
        .into_iter()
        .map(|(day, hash)| (day, etag_of(&[&hash.finalize()])))
        .collect()
}

fn manifest<'a>(app: &App, snapshot: &Snapshot, as_of: Timestamp, days: impl Iterator<Item = &'a Date>) -> Manifest {
    let mut states: Vec<String> = snapshot
        .clinics()
        .iter()
        .filter_map(|c| c.clinic.state.clone())
        .collect();
    states.sort_unstable();
    states.dedup();
    let extension = FileExtension { state: states };
    let file = |r#type, name: &str| PublishedFile {
        r#type,
        url: app.public_url().link(&format!("{FOLDER}/{name}")),
        extension: extension.clone(),
    };
    let mut output = vec![
        file("Location", "locations.ndjson"),
        file("Schedule", "schedules.ndjson"),
    ];
    output.extend(days.map(|day| file("Slot", &format!("slots-{}.ndjson", date_text(*day)))));
    Manifest {
        transaction_time: as_of.to_string(),
        request: app.public_url().link("/$bulk-publish"),
        output,
        error: Vec::new(),
    }
}

/// SMART Scheduling Links: what is published, and where.
#[utoipa::path(
    get, path = "/$bulk-publish", tag = "publish", operation_id = "bulk_publish",
    responses((status = 200, description = "The manifest of the bulk publication.", body = Manifest)),
)]
pub async fn publish(State(app): State<App>, headers: HeaderMap) -> Response {
    let publication = app.publisher().current(&app);
    respond(&app, &headers, &publication.manifest.etag, JSON, || {
        Body::from(publication.manifest.body.clone())
    })
}

/// SMART Scheduling Links: one file of the publication.
#[utoipa::path(
    get, path = "/smart/{file}", tag = "publish", operation_id = "bulk_publish_file",
    params(("file" = String, Path, description = "A file that the manifest names.", example = "locations.ndjson")),
    responses((status = 200, description = "FHIR resources, one a line.", body = String, content_type = "application/fhir+ndjson")),
)]
pub async fn file(State(app): State<App>, PathId(name): PathId, headers: HeaderMap) -> Result<Response, AskError> {
    let publication = app.publisher().current(&app);
    let whole = match name.as_str() {
        "locations.ndjson" => Some(&publication.locations),
        "schedules.ndjson" => Some(&publication.schedules),
        _ => None,
    };
    if let Some(whole) = whole {
        return Ok(respond(&app, &headers, &whole.etag, NDJSON, || {
            Body::from(whole.body.clone())
        }));
    }
    let day = name
        .strip_prefix("slots-")
        .and_then(|rest| rest.strip_suffix(".ndjson"))
        .and_then(parse_date);
    let (day, etag) = day
        .and_then(|day| publication.days.get_key_value(&day))
        .ok_or(AskError::NotFound)?;
    let (snapshot, made_at) = (Arc::clone(&publication.snapshot), publication.made_at);
    let origin = app.public_url().origin();
    Ok(respond(&app, &headers, etag, NDJSON, || {
        Body::new(day_file::DayFile::new(snapshot, *day, made_at, origin.to_owned()))
    }))
}

fn respond(
    app: &App,
    headers: &HeaderMap,
    etag: &HeaderValue,
    content_type: HeaderValue,
    body: impl FnOnce() -> Body,
) -> Response {
    let age = app.engine().settings().get(&PUBLICATION_AGE);
    let cache = HeaderValue::from_str(&format!("public, max-age={age}")).expect("digits are a header value");
    if matches(headers, etag) {
        return not_modified(etag, cache);
    }
    let mut response = Response::new(body());
    dress(response.headers_mut(), etag, cache, content_type);
    response
}
