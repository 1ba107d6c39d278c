//! What concerns a resident: who they are, what they hold, what they booked, and how they get back to it.

pub mod appointment;
pub mod code;
pub mod eligibility;
pub mod hold;
pub mod identity;
pub mod message;
pub mod person;
pub mod personal_link;
