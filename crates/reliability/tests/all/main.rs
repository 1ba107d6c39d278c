//! Tables and properties of the rules.

mod balancing;
mod layers;
