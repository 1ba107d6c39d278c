//! Made sessions.

mod session_plan;
