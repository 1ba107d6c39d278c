//! Clinics: what a demonstration makes up of them, the same on every machine.

mod session_plan;
