//! The style sheet and the mark, under addresses that change when their bytes do, so that they may be kept for ever.

/// The one style sheet of all pages.
pub const SHEET: &str = include_str!("style.css");
/// The mark of Evenkeel, also the icon of the browser's tab.
pub const LOGO: &str = include_str!("logo.svg");

/// Where the style sheet lives: `/assets/<hash>.css`.
pub fn sheet_path() -> String {
    format!("/assets/{:016x}.css", fingerprint(SHEET.as_bytes()))
}

/// Where the mark lives: `/assets/<hash>.svg`.
pub fn logo_path() -> String {
    format!("/assets/{:016x}.svg", fingerprint(LOGO.as_bytes()))
}

/// What to serve for a path under `/assets/`: media type and bytes.
pub fn asset(path: &str) -> Option<(&'static str, &'static str)> {
    if path == sheet_path() {
        Some(("text/css; charset=utf-8", SHEET))
    } else if path == logo_path() {
        Some(("image/svg+xml", LOGO))
    } else {
        None
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): names a version of our own bytes; guards nothing.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
