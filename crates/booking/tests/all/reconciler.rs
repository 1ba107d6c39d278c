//! Work that is done because it is due.

mod slot_horizon;
