//! How much room is left on a disk.

use std::path::Path;

use nix::sys::statvfs::statvfs;

/// Bytes that this user may still write where `path` is; `None` when nobody can tell.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let disk = statvfs(path).ok()?;
    Some(disk.blocks_available() * disk.fragment_size())
}
