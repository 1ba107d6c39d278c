//! The server's tests, one binary; modules mirror the URL tree and, for what is pure, the sources.

mod api;
mod message;
mod openapi;
mod process;
mod public_url;
mod request;
mod resident;
mod site;
mod world;
