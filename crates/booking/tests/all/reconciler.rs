//! Work that is done because it is due.

mod message_delivery;
mod slot_horizon;
