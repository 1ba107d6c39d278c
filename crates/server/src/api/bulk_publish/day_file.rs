//! A day's slots as NDJSON, written clinic by clinic while the file is sent: at a hundred thousand slots all files
//! together are some 50 MB, which nobody needs in memory at once.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base::time::{Date, Time, Timestamp, add_days};
use booking::availability::snapshot::{ClinicAvailability, Snapshot};
use bytes::Bytes;
use http_body::{Body, Frame};

use super::resource::EXTENSION;

/// A frame is sent once it has this many bytes: some 30 lines.
const FRAME_BYTES: usize = 16_384;

/// The body of a day's file.
#[derive(Debug)]
pub struct DayFile {
    snapshot: Arc<Snapshot>,
    day: Date,
    after: Timestamp,
    origin: String,
    next_clinic: usize,
}

impl DayFile {
    /// The slots of a local `day` that begin after `after`.
    pub fn new(snapshot: Arc<Snapshot>, day: Date, after: Timestamp, origin: String) -> Self {
        Self {
            snapshot,
            day,
            after,
            origin,
            next_clinic: 0,
        }
    }

    fn write_clinic(&self, availability: &ClinicAvailability, lines: &mut Vec<u8>) {
        let clinic = &availability.clinic;
        let begin = clinic.zone.at(self.day, Time::midnight());
        let end = clinic.zone.at(add_days(self.day, 1), Time::midnight());
        let first = availability
            .slots
            .partition_point(|slot| slot.starts_at <= self.after || slot.starts_at < begin);
        // The telephone number comes from outside and may need escaping; all else is ours.
        let phone = clinic.phone.as_ref().map_or_else(String::new, |phone| {
            let phone = serde_json::Value::from(phone.as_str());
            format!(r#"{{"url":"{EXTENSION}/booking-phone","valueString":{phone}}},"#)
        });
        for slot in availability.slots[first..]
            .iter()
            .take_while(|slot| slot.starts_at < end)
        {
            // A time with no place left is published too, as busy, so that finders can tell full from closed.
            let line = format!(
                concat!(
                    r#"{{"resourceType":"Slot","id":"{id}","schedule":{{"reference":"Schedule/{clinic}.{vaccine}"}},"#,
                    r#""status":"{status}","start":"{start}","end":"{end}","extension":["#,
                    r#"{{"url":"{extension}/booking-deep-link","valueUrl":"{origin}/times/{id}"}},{phone}"#,
                    r#"{{"url":"{extension}/slot-capacity","valueInteger":{free}}}]}}"#,
                    "\n"
                ),
                id = slot.id,
                clinic = clinic.id,
                vaccine = slot.vaccine,
                status = if slot.free > 0 { "free" } else { "busy" },
                start = slot.starts_at.rfc3339_in(&clinic.zone),
                end = slot.ends_at.rfc3339_in(&clinic.zone),
                extension = EXTENSION,
                origin = self.origin,
                phone = phone,
                free = slot.free,
            );
            lines.extend_from_slice(line.as_bytes());
        }
    }
}

impl Body for DayFile {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let mut lines = Vec::new();
        while lines.len() < FRAME_BYTES && self.next_clinic < self.snapshot.clinics().len() {
            let availability = Arc::clone(&self.snapshot.clinics()[self.next_clinic]);
            self.write_clinic(&availability, &mut lines);
            self.next_clinic += 1;
        }
        if lines.is_empty() {
            Poll::Ready(None)
        } else {
            Poll::Ready(Some(Ok(Frame::data(lines.into()))))
        }
    }
}
