//! What we try on purpose, from outside: clients that write down what they asked and what they were told, and checkers
//! that judge such a history; crowds that come whether a site answers or not. Reaches a site by its public HTTP only, so that it works on any server that speaks the
//! API; knows nothing of our engine.

pub mod checker;
pub mod client;
pub mod crowd;
pub mod history;
pub mod ledger;
pub mod loadtest;
pub mod look;
pub mod recorder;
pub mod request;
