//! Pure. What residents see: a model in, markup out, one file per noun. Knows neither engine nor HTTP; all words come
//! from the locale.

pub mod appointment;
pub mod check;
pub mod clinic;
pub mod code_lookup;
pub mod demo_mail;
pub mod details;
pub mod hold;
pub mod home;
pub mod moving;
pub mod privacy;
pub mod results;
pub mod screening;
pub mod shared_link;
pub mod trouble;
