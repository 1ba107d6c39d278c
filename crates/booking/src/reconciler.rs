//! Work that is done because it is due, not because somebody asks: no input, idempotent, at their own pace.

pub mod backup;
pub mod checkpoint;
pub mod data_retention;
pub mod heads;
pub mod hold_expiry;
pub mod housekeeping;
pub mod message_delivery;
pub mod read_audit;
pub mod resealing;
pub mod slot_horizon;
