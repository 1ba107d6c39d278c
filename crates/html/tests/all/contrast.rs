//! The ratios that the look promises, computed again from the tokens in the style sheet.

use html::contrast::{CONTROL, TEXT, ratio};
use std::collections::BTreeMap;

/// Tokens of one theme: the style sheet's first `:root` block is light, the one inside the media query dark.
fn tokens(block: usize) -> BTreeMap<&'static str, &'static str> {
    let sheet = html::style::SHEET;
    let start = sheet.match_indices(":root").nth(block).expect("a theme").0;
    let body = &sheet[start..start + sheet[start..].find('}').expect("an end")];
    body.lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.trim_end_matches(';').split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(_, value)| value.starts_with('#'))
        .collect()
}

#[track_caller]
fn check(theme: &BTreeMap<&str, &str>, front: &str, ground: &str, least: f64) {
    let color = |name: &str| {
        if name == "white" {
            "#FFFFFF".to_owned()
        } else {
            theme[name].to_owned()
        }
    };
    let got = ratio(&color(front), &color(ground)).expect("colors");
    assert!(got >= least, "{front} on {ground}: {got:.2} is below {least}");
}

#[test]
fn text_and_controls_stand_out_in_both_themes() {
    let (light, dark) = (tokens(0), tokens(1));
    assert_eq!(
        light.keys().collect::<Vec<_>>(),
        dark.keys().collect::<Vec<_>>(),
        "both themes name the same colors"
    );
    assert!(light.len() > 20, "tokens were read");
    for theme in [&light, &dark] {
        for ground in ["page", "surface", "sunken"] {
            check(theme, "ink", ground, TEXT);
            check(theme, "ink-soft", ground, TEXT);
            check(theme, "accent", ground, TEXT);
            check(theme, "stop", ground, TEXT);
            check(theme, "ok", ground, TEXT);
            check(theme, "edge", ground, CONTROL);
        }
        check(theme, "ink", "page", 14.0);
        check(theme, "ink", "surface", 14.0);
        check(theme, "accent-ink", "accent", TEXT);
        check(theme, "accent", "accent-soft", TEXT);
        check(theme, "ink", "accent-soft", TEXT);
        check(theme, "edge", "accent-soft", CONTROL);
        check(theme, "white", "band", TEXT);
        check(theme, "band-soft", "band", TEXT);
        check(theme, "level", "band", CONTROL);
        for state in ["ok", "warn", "stop", "unknown"] {
            check(theme, state, &format!("{state}-soft"), TEXT);
            check(theme, "ink", &format!("{state}-soft"), TEXT);
        }
        check(theme, "focus", "focus-inner", CONTROL);
    }
}

#[test]
fn the_formula_is_the_one_of_wcag() {
    assert_eq!(ratio("#000000", "#FFFFFF").map(|r| (r * 100.0).round()), Some(2100.0));
    assert_eq!(ratio("#12222B", "#F3F6F6").map(|r| (r * 100.0).round()), Some(1499.0)); // the look's own figure
    assert_eq!(ratio("#12222", "#F3F6F6"), None);
    assert_eq!(ratio("#é222B", "#F3F6F6"), None);
}
