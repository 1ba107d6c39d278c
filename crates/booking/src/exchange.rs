//! What comes in and goes out in bulk.

pub mod clinic_file;
pub mod demo;
pub mod export;
pub mod import;
pub mod session_file;
pub mod table_file;
pub mod zip_file;
