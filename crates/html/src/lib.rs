//! What every page of ours is made of: the shell, forms, errors, tags, notices, icons, words and the style sheet.
//! Pure: values in, markup out. Knows no HTTP, no database, and no noun of the product but what a caller hands it.

pub mod contrast;
pub mod error_summary;
pub mod form;
pub mod icon;
pub mod layout;
pub mod locale;
pub mod mail;
pub mod notice;
pub mod style;
pub mod tag;

pub use maud::{Markup, PreEscaped, html};
