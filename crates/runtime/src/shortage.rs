//! Telling what we ran out of ourselves from what others failed at: a question that could not be asked says nothing of whom it
//! was for.

use std::io;

use nix::errno::Errno;

/// Whether something failed for want of something on our side: files, memory, a local port.
pub fn is_ours(error: &io::Error) -> bool {
    let wants = [
        Errno::EMFILE,
        Errno::ENFILE,
        Errno::ENOMEM,
        Errno::ENOBUFS,
        Errno::EADDRNOTAVAIL,
    ];
    error
        .raw_os_error()
        .is_some_and(|code| wants.contains(&Errno::from_raw(code)))
}
