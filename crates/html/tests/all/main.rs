//! Tests of the parts of our pages; modules mirror `src`.

mod contrast;
mod error_summary;
mod form;
mod layout;
mod locale;
