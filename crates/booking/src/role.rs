//! One handle per role: what it lacks, its holder cannot do.

pub mod resident;
pub mod wanted;
