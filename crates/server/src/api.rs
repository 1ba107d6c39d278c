//! The JSON API: one file per noun, each with its answers' shapes, its reading of requests and its calls. `docs/api.md`
//! tells people what is promised; `docs/openapi.json` is generated from here.

pub mod appointment;
pub mod bulk_publish;
pub mod clinic;
pub mod health;
pub mod hold;
pub mod openapi;
pub mod problem;
pub mod question;
pub mod ready_answer;
pub mod resident;
pub mod slot;
pub mod vaccine;
