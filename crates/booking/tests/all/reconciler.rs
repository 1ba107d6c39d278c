//! Work that is done because it is due.

mod backup;
pub mod message_delivery;
mod slot_horizon;
