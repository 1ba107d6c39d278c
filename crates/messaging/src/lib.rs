//! Messages to the outside world: an e-mail is built, handed to an outlet, and what became of it is a receipt. Knows no
//! nouns of ours: whoever sends decides what is said, to whom, how often, and when again.

pub mod email;
pub mod folder;
pub mod limit;
pub mod outlet;
pub mod receipt;
pub mod retry;
pub mod smtp;
pub mod smtp_url;
