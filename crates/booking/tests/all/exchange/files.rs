//! Tables: a file, and exactly what is wrong in it.

use super::LIMITS;
use base::time::{Zone, parse_date};
use booking::exchange::table_file::{FileLimits, FileRead, RowError};
use booking::exchange::{clinic_file, session_file, zip_file};
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn zone() -> Zone {
    Zone::named("America/New_York").unwrap()
}

fn said<T>(file: &FileRead<T>) -> String {
    let mut lines: Vec<_> = file.errors.iter().map(RowError::to_string).collect();
    lines.push(format!("{} right", file.rows.len()));
    lines.join("\n")
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
fn check_clinics(text: &str, expected: Expect) {
    expected.assert_eq(&said(&clinic_file::read(text.as_bytes(), &zone(), LIMITS)));
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "expectations are written in place")]
fn check_sessions(row: &str, expected: Expect) {
    let text = format!("clinic,date,vaccine,start,end,slot_minutes,capacity\n{row}\n");
    expected.assert_eq(&said(&session_file::read(
        text.as_bytes(),
        parse_date("2026-11-24").unwrap(),
        LIMITS,
    )));
}

#[test]
fn clinics_are_told_line_column_value_and_what_is_expected() {
    check_clinics("source_id,name\na,One\nb,Two\n", expect!["2 right"]);
    check_clinics(
        "source_id,name,zip\na,,2351\n,X,02351\n",
        expect![[r#"
        line 2, column name, value "": expected the name that people know the clinic by, 1 to 200 characters
        line 2, column zip, value "2351": expected five digits with leading zeros, such as 02351 (a spreadsheet program may have eaten the zero)
        line 3, column source_id, value "": expected the id that your list has for the clinic, 1 to 64 characters
        0 right"#]],
    );
    check_clinics(
        "source_id,name\na,One\na,Two\n",
        expect![[r#"
        line 3, column source_id, value "a": expected each clinic once; line 2 has the same
        1 right"#]],
    );
    check_clinics(
        "source_id,name,state,phone,zone\na,A,Mass,555-0142,Boston\nb,B,MA,(508) 555-0142,\n",
        expect![[r#"
        line 2, column state, value "Mass": expected two capital letters, such as MA
        line 2, column phone, value "555-0142": expected ten digits, such as 508-555-0142
        line 2, column zone, value "Boston": expected an IANA time zone such as America/New_York
        1 right"#]],
    );
    let places =
        "source_id,name,latitude,longitude\na,A,42.1,-70.9\nb,B,42.1,\nc,C,0,0\nd,D,91,x\ne,E,,\nf,F,NaN,inf\n";
    check_clinics(
        places,
        expect![[r#"
        line 3, column longitude, value "": expected a value, because latitude has one
        line 4, column latitude, value "0": expected where the clinic is, or nothing: 0,0 is in the ocean
        line 5, column latitude, value "91": expected degrees north from -90 to 90, such as 42.11
        line 5, column longitude, value "x": expected degrees east from -180 to 180, such as -70.92
        line 7, column latitude, value "NaN": expected degrees north from -90 to 90, such as 42.11
        line 7, column longitude, value "inf": expected degrees east from -180 to 180, such as -70.92
        2 right"#]],
    );
}

#[test]
fn a_header_must_fit() {
    check_clinics(
        "source_id,name,fone\na,A,1\n",
        expect![[r#"
        line 1, column fone, value "fone": expected one of the columns source_id, name, street, city, state, zip, county, phone, latitude, longitude, zone, hours, notes
        0 right"#]],
    );
    check_clinics(
        "source_id\na\n",
        expect![[r#"
        line 1, column name, value "": expected a column named name
        0 right"#]],
    );
    check_clinics(
        "source_id,name,name\na,A,B\n",
        expect![[r#"
        line 1, column name, value "name": expected each column once
        0 right"#]],
    );
    check_clinics(
        "",
        expect![[r#"
        line 1, column source_id, value "": expected a column named source_id
        line 1, column name, value "": expected a column named name
        0 right"#]],
    );
    check_clinics("\u{feff}source_id,name\na,A\n", expect!["1 right"]);
    check_clinics(
        "source_id,name\na\nb,B,C\n",
        expect![[r#"
        line 2: expected 2 fields, as the header has
        line 2, column name, value "": expected the name that people know the clinic by, 1 to 200 characters
        line 3: expected 2 fields, as the header has
        0 right"#]],
    );
}

#[test]
fn quoted_lines_keep_the_count_of_lines() {
    check_clinics(
        "source_id,name,zip\r\na,\"St. Mary's, \"\"North\"\"\",02351\r\n\r\nb,B,x\r\n",
        expect![[r#"
        line 4, column zip, value "x": expected five digits with leading zeros, such as 02351 (a spreadsheet program may have eaten the zero)
        1 right"#]],
    );
    check_clinics(
        "source_id,name,notes\na,A,\"two\nlines\"\nb,,\n",
        expect![[r#"
        line 2, column notes, value "two\nlines": expected text without control characters
        line 4, column name, value "": expected the name that people know the clinic by, 1 to 200 characters
        0 right"#]],
    );
    check_clinics(
        "source_id,name\na,\"never closed\nb,B\n",
        expect![[r#"
        line 2, column name, value "never closed\nb,B": expected text without control characters
        0 right"#]],
    );
    let file = clinic_file::read(b"source_id,name\na,\xff\nb,B\n", &zone(), LIMITS);
    expect![[r"
        line 2: expected UTF-8 text in CSV (RFC 4180)
        1 right"]]
    .assert_eq(&said(&file));
}

#[test]
fn a_file_has_limits() {
    let limits = FileLimits {
        rows_max: 2,
        field_characters_max: 5,
    };
    let file = clinic_file::read(b"source_id,name\na,A\nb,Bbbbbb\nc,C\nd,D\n", &zone(), limits);
    expect![[r#"
        line 3, column name, value "Bbbbbb": expected at most 5 characters
        line 4: expected at most 2 rows
        1 right"#]]
    .assert_eq(&said(&file));
    let many = format!("source_id,name\n{}", ",\n".repeat(900));
    assert_eq!(clinic_file::read(many.as_bytes(), &zone(), LIMITS).errors.len(), 1_000);
}

#[test]
fn sessions_are_told_what_is_wrong_too() {
    check_sessions("a,2026-12-01,140,09:00,12:00,20,3", expect!["1 right"]);
    check_sessions(
        "a,2026-11-23,3,9:00,12:00,20,3",
        expect![[r#"
        line 2, column date, value "2026-11-23": expected a date, YYYY-MM-DD, from 2026-11-24 to 2027-11-25
        line 2, column vaccine, value "3": expected a CVX code such as 03 or 140
        line 2, column start, value "9:00": expected a time of day, HH:MM, such as 09:00
        0 right"#]],
    );
    check_sessions(
        "a,2027-11-26,140,09:00,24:00,4,0",
        expect![[r#"
        line 2, column date, value "2027-11-26": expected a date, YYYY-MM-DD, from 2026-11-24 to 2027-11-25
        line 2, column end, value "24:00": expected a time of day, HH:MM, such as 16:30
        line 2, column slot_minutes, value "4": expected a whole number from 5 to 480
        line 2, column capacity, value "0": expected a whole number from 1 to 1000
        0 right"#]],
    );
    check_sessions(
        "a,2026-12-01,140,12:00,12:10,20,3",
        expect![[r#"
        line 2, column end, value "12:10": expected at least 20 minutes after start, on the same day
        0 right"#]],
    );
    check_sessions(
        "a,2026-12-01,140,09:00,12:00,20,3\na,2026-12-01,140,09:00,13:00,20,3",
        expect![[r#"
        line 3, column start, value "09:00": expected each clinic, date, vaccine and start once; line 2 has the same
        1 right"#]],
    );
    check_sessions(
        ",12/1/2026,,,,+20,3.5",
        expect![[r#"
        line 2, column clinic, value "": expected the source_id of a clinic
        line 2, column date, value "12/1/2026": expected a date, YYYY-MM-DD, from 2026-11-24 to 2027-11-25
        line 2, column vaccine, value "": expected a CVX code such as 03 or 140
        line 2, column start, value "": expected a time of day, HH:MM, such as 09:00
        line 2, column end, value "": expected a time of day, HH:MM, such as 16:30
        line 2, column slot_minutes, value "+20": expected a whole number from 5 to 480
        line 2, column capacity, value "3.5": expected a whole number from 1 to 1000
        0 right"#]],
    );
}

#[test]
fn zips_keep_their_leading_zero() {
    let text =
        "zip,city,state,latitude,longitude\n02351,Abington,MA,42.1,-70.9\n2351,Abington,MA,42.1,-70.9\n02351,X,ma,,\n";
    expect![[r#"
        line 3, column zip, value "2351": expected five digits with leading zeros, such as 02351 (a spreadsheet program may have eaten the zero)
        line 4, column zip, value "02351": expected each ZIP once; line 2 has the same
        line 4, column state, value "ma": expected two capital letters, such as MA
        line 4, column latitude, value "": expected degrees north from -90 to 90
        line 4, column longitude, value "": expected degrees east from -180 to 180
        1 right"#]].assert_eq(&said(&zip_file::read(text.as_bytes(), LIMITS)));
}

#[test]
fn the_demonstration_is_right() {
    let limits = FileLimits {
        rows_max: 200_000,
        field_characters_max: 1_000,
    };
    let clinics = clinic_file::read(include_bytes!("../../../../../demo/clinics.csv"), &zone(), limits);
    assert_eq!((clinics.rows.len(), &clinics.errors[..]), (452, &[][..]));
    let missing =
        |of: fn(&scheduling::clinic::location::Clinic) -> bool| clinics.rows.iter().filter(|(_, c)| of(c)).count();
    assert_eq!(
        (missing(|c| c.zip.is_none()), missing(|c| c.latitude.is_none())),
        (5, 1)
    );
    let zips = zip_file::read(include_bytes!("../../../../../demo/zips.csv"), limits);
    assert_eq!((zips.rows.len(), &zips.errors[..]), (4_432, &[][..]));
}

proptest! {
    #[test]
    fn nothing_in_a_file_makes_it_panic(bytes: Vec<u8>, text in "(source_id|name|zip|clinic|date|start|end|,|\"|\n|0|12:00|\\PC){0,60}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            let _ = clinic_file::read(bytes, &zone(), LIMITS);
            let _ = session_file::read(bytes, parse_date("2026-11-24").unwrap(), LIMITS);
            let _ = zip_file::read(bytes, LIMITS);
        }
    }
}
