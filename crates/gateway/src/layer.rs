//! A file for each layer of `stack.rs`: its metrics, its answer, its failure; the rule is its namesake in
//! `reliability::overload`.

pub mod balancing;
pub mod cache;
pub mod client_address;
pub mod connection_limit;
pub mod deadline;
pub mod forward;
pub mod minimal_site;
pub mod request_framing;
pub mod request_hygiene;
pub mod retry_budget;
