//! What typed places mean.

use expect_test::{Expect, expect};
use server::resident::search::{Search, understand};

#[track_caller]
fn check(typed: &str, expected: &Expect) {
    let known = [
        ("Worcester", "Big Y"),
        ("Springfield", "CVS (Main St)"),
        ("Springdale", "Town Hall"),
        ("", "Hospital"),
    ];
    let meant = understand(typed, |zip| zip == "01602", known.into_iter());
    expected.assert_eq(&format!("{meant:?}"));
}

#[test]
fn a_place_is_a_zip_a_town_or_a_name() {
    check("01602", &expect![[r#"Ok(Zip("01602"))"#]]);
    check(" 01602-0001 ", &expect![[r#"Ok(Zip("01602"))"#]]);
    check("0 1602", &expect![[r#"Ok(Zip("01602"))"#]]);
    check("1602", &expect![[r#"Err(UnknownZip("1602"))"#]]);
    check("99999", &expect![[r#"Err(UnknownZip("99999"))"#]]);
    check("WORCESTER", &expect![[r#"Ok(Town("Worcester"))"#]]);
    check("Worcester, Massachusetts", &expect![[r#"Ok(Town("Worcester"))"#]]);
    check("worces", &expect![[r#"Ok(Town("Worcester"))"#]]);
    check("spring", &expect![[r#"Err(Towns(["Springdale", "Springfield"]))"#]]);
    check("big y", &expect![[r#"Ok(Name("big y"))"#]]);
    check("cvs main", &expect![[r#"Ok(Name("cvs main"))"#]]);
    check("  ", &expect!["Err(Empty)"]);
    check("???", &expect!["Err(Unknown)"]);
    check("atlantis", &expect!["Err(Unknown)"]);
}

#[test]
fn an_address_escapes_what_was_typed() {
    let search = Search {
        place: "a&b=c #ü".into(),
        vaccine: "DTaP/Tdap".into(),
        ..Search::default()
    };
    expect!["/clinics?q=a%26b%3Dc%20%23%C3%BC&vaccine=DTaP%2FTdap"].assert_eq(&search.href("/clinics"));
}
