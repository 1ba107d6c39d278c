//! The JSON API, by the URL tree.

mod appointment;
mod bulk_publish;
mod clinic;
mod degraded;
mod every_call;
mod hold;
mod idempotency_key;
mod question;
mod slot;
