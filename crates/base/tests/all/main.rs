//! Tests of `base`, one module per file of `src`.

mod answer;
mod id;
mod limit;
mod time;
