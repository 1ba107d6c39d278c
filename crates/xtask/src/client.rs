//! The client that every outside suite speaks with: that of `rehearsal`, under the name that the suites know.

pub use rehearsal::client::{Answer, Ask, Client, SendError};
