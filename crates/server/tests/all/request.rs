//! Tests of what a request is told apart by before any door sees it.
