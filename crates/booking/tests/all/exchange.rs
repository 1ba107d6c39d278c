//! Files in: what is read, what is said to be wrong, and what an import leaves in the database.

mod backup;
mod copy;
mod drill;
mod files;
mod import;
mod relocation;

use booking::exchange::table_file::FileLimits;

pub const LIMITS: FileLimits = FileLimits {
    rows_max: 1_000,
    field_characters_max: 300,
};
