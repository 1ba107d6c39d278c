//! Work that is done because it is due, not because somebody asks: no input, idempotent, at their own pace.

pub mod checkpoint;
pub mod hold_expiry;
pub mod housekeeping;
pub mod message_delivery;
pub mod slot_horizon;
