//! Work that is done because it is due.

mod backup;
mod slot_horizon;
