//! Clinics as a file. Pure. What a source lacks stays missing: a clinic without ZIP or coordinates is found by its name
//! or town.

use super::table_file::{self, Column, FileLimits, FileRead, Row};
use base::time::Zone;
use scheduling::clinic::location::{Clinic, clinic_id};
use std::collections::BTreeMap;

const fn column(name: &'static str, required: bool) -> Column {
    Column { name, required }
}

/// The columns (see `docs/import.md`).
pub const COLUMNS: &[Column] = &[
    column("source_id", true),
    column("name", true),
    column("street", false),
    column("city", false),
    column("state", false),
    column("zip", false),
    column("county", false),
    column("phone", false),
    column("latitude", false),
    column("longitude", false),
    column("zone", false),
    column("hours", false),
    column("notes", false),
];

/// Reads clinics. `zone` is the jurisdiction's, for rows that name none.
pub fn read(bytes: &[u8], zone: &Zone, limits: FileLimits) -> FileRead<Clinic> {
    let mut lines: BTreeMap<String, u64> = BTreeMap::new();
    table_file::read(bytes, COLUMNS, limits, |row| {
        let source_id = row.required(
            "source_id",
            "the id that your list has for the clinic, 1 to 64 characters",
            |text| (text.chars().count() <= 64).then(|| text.to_owned()),
        );
        if let Some(source_id) = &source_id
            && let Some(first) = lines.insert(source_id.clone(), row.line)
        {
            row.wrong(
                "source_id",
                source_id,
                &format!("each clinic once; line {first} has the same"),
            );
        }
        clinic(row, source_id, zone)
    })
}

fn clinic(row: &mut Row<'_>, source_id: Option<String>, zone: &Zone) -> Option<Clinic> {
    let name = row.required(
        "name",
        "the name that people know the clinic by, 1 to 200 characters",
        |text| (text.chars().count() <= 200).then(|| text.to_owned()),
    );
    let state = row.optional("state", "two capital letters, such as MA", |text| {
        (text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())).then(|| text.to_owned())
    });
    let zip = row.optional("zip", super::zip_file::ZIP_EXPECTED, super::zip_file::zip);
    let phone = row.optional("phone", "ten digits, such as 508-555-0142", phone);
    let (latitude, longitude) = coordinates(row);
    let zone = row
        .optional("zone", "an IANA time zone such as America/New_York", Zone::named)
        .unwrap_or_else(|| zone.clone());
    let plain = |column: &str| Some(row.text(column).to_owned()).filter(|text| !text.is_empty());
    let (street, city, county) = (plain("street"), plain("city"), plain("county"));
    let (hours, notes) = (plain("hours"), plain("notes"));
    let source_id = source_id?;
    Some(Clinic {
        id: clinic_id(&source_id),
        source_id,
        name: name?,
        street,
        city,
        state,
        zip,
        county,
        phone,
        latitude,
        longitude,
        zone,
        hours,
        notes,
        made: Vec::new(),
        demonstration: false,
    })
}

/// Ten digits however they are grouped, in one spelling.
fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits
        .strip_prefix('1')
        .filter(|rest| rest.len() == 10)
        .unwrap_or(&digits);
    let plain = text.chars().all(|c| c.is_ascii_digit() || " +-.()".contains(c));
    // Area code and exchange begin with 2 to 9 (North American Numbering Plan).
    let numbered = digits.len() == 10 && !digits.starts_with(['0', '1']) && !digits[3..].starts_with(['0', '1']);
    (plain && numbered).then(|| format!("{}-{}-{}", &digits[..3], &digits[3..6], &digits[6..]))
}

/// Both or neither, within the globe, and not the point 0,0 that stands for "unknown" in many lists.
fn coordinates(row: &mut Row<'_>) -> (Option<f64>, Option<f64>) {
    let latitude = row.optional("latitude", "degrees north from -90 to 90, such as 42.11", |text| {
        degrees(text, 90.0)
    });
    let longitude = row.optional("longitude", "degrees east from -180 to 180, such as -70.92", |text| {
        degrees(text, 180.0)
    });
    match (row.text("latitude").is_empty(), row.text("longitude").is_empty()) {
        (false, true) => row.wrong("longitude", "", "a value, because latitude has one"),
        (true, false) => row.wrong("latitude", "", "a value, because longitude has one"),
        _ => {}
    }
    if latitude.is_some_and(|degrees| degrees == 0.0) && longitude.is_some_and(|degrees| degrees == 0.0) {
        row.wrong("latitude", "0", "where the clinic is, or nothing: 0,0 is in the ocean");
    }
    (latitude, longitude)
}

/// Degrees within a bound either way.
pub(super) fn degrees(text: &str, bound: f64) -> Option<f64> {
    text.parse::<f64>().ok().filter(|degrees| degrees.abs() <= bound)
}
