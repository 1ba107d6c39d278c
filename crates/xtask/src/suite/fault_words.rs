//! What the site says while the world fails: true and complete in the API, and plain on the pages.

use anyhow::{Result, ensure};

use crate::client::Answer;

/// Checks that a fault's words are true and complete, and of one of these codes; which.
pub fn true_words(answer: &Answer, codes: &[&str]) -> Result<String> {
    let problem = answer.json();
    let (code, detail) = (
        problem["code"].as_str().unwrap_or_default(),
        problem["detail"].as_str().unwrap_or_default(),
    );
    ensure!(codes.contains(&code), "expected one of {codes:?}: {}", answer.text());
    let with_key = ["timed-out", "outcome-unknown"].contains(&code);
    let says = if with_key {
        "same Idempotency-Key"
    } else {
        "Nothing happened"
    };
    ensure!(detail.contains(says), "{code} does not say {says:?}: {detail}");
    ensure!(
        problem["retry"]["with_same_key"] == with_key,
        "{code}: whether the key is needed: {problem}"
    );
    let after = answer.header("retry-after").and_then(|after| after.parse::<u64>().ok());
    ensure!(
        after.is_some() && problem["retry"]["after_s"].as_u64() == after,
        "{code}: when to try again: {problem}"
    );
    ensure!(problem["trace_id"].is_string(), "{code} has no reference: {problem}");
    Ok(code.to_owned())
}

/// What the page for a fault says, as people read it.
pub fn sentence(code: &str) -> &'static str {
    match code {
        "busy" => "Nothing was changed.",
        "timed-out" => "You will not book twice.",
        "outcome-unknown" => "Please do not start again.",
        _ => "Nothing was booked or changed.",
    }
}

/// How old what an answer shows is, in seconds.
pub fn age_s(as_of: &str) -> Result<i64> {
    let at: jiff::Timestamp = as_of.parse()?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs().cast_signed();
    Ok(now - at.as_second())
}
