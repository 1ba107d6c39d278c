//! One installation on one machine: starts its processes, keeps them running, and stops them.
//!
//! Holds the public socket for life and lends it to the child that serves it, so that while a child is dead
//! connections wait and none is refused. Knows nothing of what is served.

pub mod child;
pub mod handover;
pub mod installation;
pub mod instance;
pub mod look;
pub mod port_holder;
pub mod probe;
pub mod processes;
pub mod pulse;
pub mod restart;
