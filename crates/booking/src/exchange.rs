//! What comes in and goes out in bulk.

pub mod backup;
pub mod clinic_file;
pub mod copy;
pub mod demo;
pub mod drill;
pub mod export;
pub mod import;
pub mod relocation;
pub mod restore;
pub mod session_file;
pub mod table_file;
pub mod zip_file;
