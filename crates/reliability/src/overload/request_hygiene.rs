//! Which requests are not passed on as they are: framing that two readers could take differently, headers that speak for one
//! connection only, paths that say the same thing in several ways.

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclean {
    /// A length and an encoding, several lengths, or an encoding other than `chunked`.
    Framing,
    /// A path that leads out of the root, or is none.
    Path,
    /// A target longer than it may be.
    LongTarget,
    /// More or longer headers than there may be.
    Headers,
}

/// Headers of one connection (RFC 9110 §7.6.1); what `Connection` names comes on top.
pub const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What clients say of who they are: only what we say ourselves may reach a server.
pub const FORGEABLE: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "evenkeel-edge",
];

/// Whether these framing headers can be read in one way only (RFC 9112 §6.1, §6.3).
pub fn framing(lengths: &[&str], encodings: &[&str]) -> Result<(), Unclean> {
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (lengths, encodings) {
        ([], []) => Ok(()),
        ([length], []) if digits(length) => Ok(()),
        ([], [encoding]) if encoding.trim().eq_ignore_ascii_case("chunked") => Ok(()),
        _ => Err(Unclean::Framing),
    }
}

/// The path said in one way: no empty segments, no `.` and `..`, however they are written. An encoded slash stays: it is
/// part of a segment.
pub fn path(path: &str) -> Result<String, Unclean> {
    let rest = path.strip_prefix('/').ok_or(Unclean::Path)?;
    let (mut kept, mut is_folder): (Vec<&str>, bool) = (Vec::new(), false);
    for segment in rest.split('/') {
        is_folder = true;
        match segment.to_ascii_lowercase().replace("%2e", ".").as_str() {
            "" | "." => {}
            ".." => {
                kept.pop().ok_or(Unclean::Path)?;
            }
            _ => {
                kept.push(segment);
                is_folder = false;
            }
        }
    }
    let mut whole = String::with_capacity(path.len());
    for segment in &kept {
        whole.push('/');
        whole.push_str(segment);
    }
    if is_folder || whole.is_empty() {
        whole.push('/');
    }
    Ok(whole)
}
