//! A file for each layer of the gateway, by the same name: the layer acts, its namesake here decides.

pub mod balancing;
pub mod cache;
pub mod client_address;
pub mod connection_limit;
pub mod deadline;
pub mod minimal_site;
pub mod proxy_protocol;
pub mod request_framing;
pub mod request_hygiene;
pub mod retry_budget;
