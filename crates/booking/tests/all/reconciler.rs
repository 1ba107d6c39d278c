//! Work that is done because it is due.

mod backup;
mod message_delivery;
mod slot_horizon;
