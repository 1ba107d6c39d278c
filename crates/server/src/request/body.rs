//! Takes a JSON body off the wire: media type, size, time. What it says is read by `fields`.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;

use crate::answer::AskError;
use crate::app::App;
use crate::limit::{BODY_BYTES, BODY_DISCARDED_BYTES, BODY_WAIT};
use crate::request::fields::{self, Object};

/// A JSON body's bytes, whole and within the limit.
#[derive(Debug, Clone)]
pub struct JsonBody(pub Bytes);

impl FromRequest<App> for JsonBody {
    type Rejection = AskError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let bytes = take(&parts.headers, body, app).await?;
        media_type(&parts.headers, &bytes)?;
        Ok(Self(bytes))
    }
}

/// The body of a POST without fields: nothing, or `{}`.
#[derive(Debug, Clone)]
pub struct EmptyBody(pub Bytes);

impl FromRequest<App> for EmptyBody {
    type Rejection = AskError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let JsonBody(bytes) = JsonBody::from_request(request, app).await?;
        if !bytes.is_empty() {
            fields::read_body(&bytes, |raw, findings| Object::open("", raw, &[], findings).map(|_| ()))?;
        }
        Ok(Self(bytes))
    }
}

/// `application/json`, UTF-8, not compressed. Without a body there is nothing to have a type.
fn media_type(headers: &HeaderMap, body: &[u8]) -> Result<(), AskError> {
    if body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        return Ok(());
    }
    let plain = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    // Of two, one on the way may believe the first and we the second.
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(is_json),
        _ => false,
    };
    if plain && json {
        Ok(())
    } else {
        Err(AskError::UnsupportedMediaType)
    }
}

fn is_json(media_type: &str) -> bool {
    let mut parts = media_type.split(';').map(str::trim);
    let json = parts
        .next()
        .is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    json && parts.filter(|part| !part.is_empty()).all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        !name.trim().eq_ignore_ascii_case("charset") || value.trim_matches(['"', ' ']).eq_ignore_ascii_case("utf-8")
    })
}

async fn take(headers: &HeaderMap, body: Body, app: &App) -> Result<Bytes, AskError> {
    let settings = app.engine().settings();
    let max = settings.get(&BODY_BYTES) as usize;
    let discarded = settings.get(&BODY_DISCARDED_BYTES) as usize;
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max.saturating_add(discarded)) {
        return Err(AskError::TooLarge { max });
    }
    let clock = app.engine().clock().clone();
    let wait = settings.duration(&BODY_WAIT);
    tokio::select! {
        bytes = collect(body, max, discarded) => bytes,
        // Not 408: the contract's list of plain codes is closed, and a body that is cut short cannot be read.
        () = clock.sleep(wait) => Err(AskError::Malformed {
            detail: format!("The body did not arrive within {} s. Nothing was done.", wait.as_secs_f64()),
            errors: Vec::new(),
        }),
    }
}

/// Collects up to `max` bytes. What is above is read and thrown away, up to `discarded`: who is cut off while
/// writing would see a broken connection instead of our answer.
async fn collect(mut body: Body, max: usize, discarded: usize) -> Result<Bytes, AskError> {
    let mut taken = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| AskError::Malformed {
            detail: "The body broke off.".into(),
            errors: Vec::new(),
        })?;
        let Ok(data) = frame.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length <= max {
            taken.extend_from_slice(&data);
        } else if length > max.saturating_add(discarded) {
            break;
        }
    }
    if length > max {
        Err(AskError::TooLarge { max })
    } else {
        Ok(taken.freeze())
    }
}
