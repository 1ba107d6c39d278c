//! ZIP codes as a file, so that people find clinics near theirs. Pure.

use super::clinic_file::degrees;
use super::table_file::{self, Column, FileLimits, FileRead};
use crate::records::zip::Zip;
use std::collections::BTreeMap;

/// The columns (see `docs/import.md`).
pub const COLUMNS: &[Column] = &[
    Column {
        name: "zip",
        required: true,
    },
    Column {
        name: "city",
        required: true,
    },
    Column {
        name: "state",
        required: true,
    },
    Column {
        name: "latitude",
        required: true,
    },
    Column {
        name: "longitude",
        required: true,
    },
];

pub(super) const ZIP_EXPECTED: &str =
    "five digits with leading zeros, such as 02351 (a spreadsheet program may have eaten the zero)";

pub(super) fn zip(text: &str) -> Option<String> {
    (text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.to_owned())
}

/// Reads ZIP codes.
pub fn read(bytes: &[u8], limits: FileLimits) -> FileRead<Zip> {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    table_file::read(bytes, COLUMNS, limits, |row| {
        let code = row.required("zip", ZIP_EXPECTED, zip);
        if let Some(code) = &code
            && let Some(first) = lines.insert(code.clone(), row.line)
        {
            row.wrong("zip", code, &format!("each ZIP once; line {first} has the same"));
        }
        let city = row.required("city", "the name of the place", |text| Some(text.to_owned()));
        let state = row.required("state", "two capital letters, such as MA", |text| {
            (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())).then(|| text.to_owned())
        });
        let latitude = row.required("latitude", "degrees north from -90 to 90", |text| degrees(text, 90.0));
        let longitude = row.required("longitude", "degrees east from -180 to 180", |text| {
            degrees(text, 180.0)
        });
        Some(Zip {
            zip: code?,
            city: city?,
            state: state?,
            latitude: latitude?,
            longitude: longitude?,
        })
    })
}
