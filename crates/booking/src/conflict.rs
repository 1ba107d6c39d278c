//! Work that met another writer is done again. Where writers are alone none ever does: whoever has the lock is alone.

use database::Broken;

/// How often at most. Each time the other one has ended: a row's lock, or the end of a deadlock, was waited for.
const TIMES: u32 = 8;

/// Does something, again where another writer was in the way. It must be one transaction.
pub(crate) fn again<T>(mut work: impl FnMut() -> Result<T, Broken>) -> Result<T, Broken> {
    let mut left = TIMES;
    loop {
        match work() {
            Err(Broken::Conflict(_) | Broken::Violation(_)) if left > 0 => left -= 1,
            done => return done,
        }
    }
}
