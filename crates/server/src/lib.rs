//! The doors: JSON for programs under `/api/v1`, pages for people on `/`. Turns bytes into typed commands for the
//! booking engine and its verdicts into answers. Decides nothing, stores nothing, knows no SQL.
//!
//! Read `route` first: the whole URL tree on one screen.

pub mod answer;
pub mod api;
pub mod app;
mod backup_metrics;
pub mod engine_metrics;
pub mod guard;
pub mod internal;
pub mod limit;
pub mod message;
pub mod process;
pub mod public_url;
pub mod request;
pub mod resident;
pub mod route;
