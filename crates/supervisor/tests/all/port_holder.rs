//! Who has a port is told by process id and name, also when it is another user.

use std::net::TcpListener;

use supervisor::port_holder::{holder_of, listening_inodes};

#[test]
fn a_listening_process_is_found_by_its_port_and_named() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(socket) = TcpListener::bind(address) else {
            continue;
        };
        let holder = holder_of(socket.local_addr().unwrap().port()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(!holder.name.is_empty());
    }
}

#[test]
fn a_port_that_nobody_has_is_nobodys() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(holder_of(port), None);
}

#[test]
fn only_listening_sockets_of_that_port_count() {
    let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:ABCD 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 100 0 0 10 0
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4244 1 0 100 0 0 10 0
";
    assert_eq!(listening_inodes(table, 8080), ["4242"]);
    assert!(listening_inodes("", 8080).is_empty());
}
