//! The developer's tool, tested from outside: each rule of tidy catches a planted violation and lets the same thing,
//! rightly done, pass.

#![allow(clippy::unwrap_used, reason = "a test")]

mod bench;
mod loadtest;
mod release;
mod suite;
mod tidy;
