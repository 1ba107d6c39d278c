//! What the gateway may give again (RFC 9213, RFC 5861). Each door says so of its own answers, and only of those that are the
//! same for everybody, byte for byte: a form with a key in it is not, since two people who send one key get one answer.

use http::HeaderValue;
use http::header::HeaderName;

/// Said to the gateway alone; taken out where there is none.
pub const FOR_GATEWAY: HeaderName = HeaderName::from_static("cdn-cache-control");
/// A crowd may see what was so a second ago: with its age, and only of what many ask for at once. Together that is what one
/// server may take to show what another one did.
pub const PAGES_MAY_BE_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=1, stale-while-revalidate=1");
/// A program reads the age, and is better off with a minute-old list than with none; a person whom an old page leads on
/// into an outage is not.
pub const LISTS_MAY_BE_KEPT: HeaderValue =
    HeaderValue::from_static("public, max-age=1, stale-while-revalidate=1, stale-if-error=60");
