//! The public socket: bound here once, lent to each child as file 3 in systemd's manner (`LISTEN_FDS`). Keeps that
//! no connection is refused while a child is replaced: the socket's queue is the same before and after.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::Command;

use command_fds::{CommandFdExt, FdMapping};
use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait while no child accepts; the kernel takes less where `net.core.somaxconn` is lower.
const WAITING_CONNECTIONS: i32 = 4096;
/// Where a child finds the socket: the first file after stdin, stdout and stderr (`sd_listen_fds(3)`).
const CHILD_FILE: i32 = 3;

const PRIVATE_PORTS: std::ops::Range<u16> = 15_000..32_000;

/// Binds the public socket; port 0 picks a free one.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier process that are still being closed do not hold the port; a listening one does.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(WAITING_CONNECTIONS)?;
    Ok(socket.into())
}

/// Makes the command's process inherit the socket.
pub fn lend(command: &mut Command, socket: &TcpListener) -> io::Result<()> {
    let parent_fd = socket.try_clone()?.into();
    command
        .fd_mappings(vec![FdMapping {
            parent_fd,
            child_fd: CHILD_FILE,
        }])
        .map_err(io::Error::other)?;
    command
        .env("LISTEN_FDS", "1")
        .env_remove("LISTEN_PID")
        .env_remove("LISTEN_FDNAMES");
    Ok(())
}

/// Makes the command's process inherit no socket, also none that we were given ourselves.
pub fn lend_nothing(command: &mut Command) {
    for name in ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"] {
        command.env_remove(name);
    }
}

/// Ports for sockets behind the gateway, `count` of them, from `from` on. Below those that the kernel gives to outgoing
/// connections (`ip_local_port_range`): of those one could be taken while its server is dead, or meet itself.
pub fn private_ports(from: u16, count: usize) -> Vec<SocketAddr> {
    let from = from.clamp(PRIVATE_PORTS.start, PRIVATE_PORTS.end - 1);
    let ports = (from..PRIVATE_PORTS.end).chain(PRIVATE_PORTS.start..from);
    ports
        .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .filter(|address| bind(*address).is_ok())
        .take(count)
        .collect()
}

/// Where a process on this machine reaches a socket bound to `address`: "all addresses" is not one to connect to.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => (Ipv4Addr::LOCALHOST, v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => (Ipv6Addr::LOCALHOST, v6.port()).into(),
        address => address,
    }
}
