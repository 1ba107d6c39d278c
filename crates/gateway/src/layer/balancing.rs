//! Chooses the server for a try, and learns from how it went. Has no answer of its own: where nobody is left to choose,
//! the minimal site speaks.

use reliability::overload::balancing::choose;

use crate::upstream::Upstream;
use crate::visit::Shared;

/// The server for the next try, and its place in the list; none when all were tried.
pub fn next<'a>(shared: &'a Shared, tried: &[usize]) -> Option<(usize, &'a Upstream)> {
    let now = shared.clock.monotonic();
    let all = shared.upstreams.all();
    let candidates: Vec<_> = all.iter().map(|upstream| upstream.candidate(now)).collect();
    let bits = shared.entropy.bits128();
    let at = choose(&candidates, tried, (bits as u64, (bits >> 64) as u64))?;
    Some((at, &all[at]))
}
