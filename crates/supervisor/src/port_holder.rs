//! Who listens on a port of this machine, found in `/proc`: for telling a person why a port cannot be had.

use std::path::Path;

/// A process that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortHolder {
    /// Its id.
    pub pid: u32,
    /// Its command's name.
    pub name: String,
}

/// The process that listens on this TCP port; `None` when nobody does, or somebody whom this user may not see.
pub fn holder_of(port: u16) -> Option<PortHolder> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    let mut pids = crate::processes::all();
    // A parent that lends its socket is older than the children it lends it to, and is the one to talk about.
    pids.sort_unstable();
    let pid = pids.into_iter().find(|pid| holds(*pid, &inodes))?;
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(PortHolder {
        pid,
        name: name.trim().to_owned(),
    })
}

/// The inodes of sockets that listen on `port`, out of a table like `/proc/net/tcp` (`proc(5)`): the second column is
/// `address:port` in hexadecimal, the fourth the state, the tenth the inode.
pub fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    const LISTENING: &str = "0A";
    let mut inodes = Vec::new();
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = columns.as_slice() else {
            continue;
        };
        let local = local
            .rsplit_once(':')
            .and_then(|(_, hex)| u16::from_str_radix(hex, 16).ok());
        if *state == LISTENING && local == Some(port) {
            inodes.push((*inode).to_owned());
        }
    }
    inodes
}

fn holds(pid: u32, inodes: &[String]) -> bool {
    let files = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd"));
    let links = files
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|file| std::fs::read_link(file.path()).ok());
    links
        .filter_map(|link| link.into_os_string().into_string().ok())
        .any(|link| {
            let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            inode.is_some_and(|inode| inodes.iter().any(|held| held == inode))
        })
}
