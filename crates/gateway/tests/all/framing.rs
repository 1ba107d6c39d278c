//! Requests that two readers could take differently: refused as they came, before anybody has chosen one reading.

use crate::gate::Gate;
use crate::misbehaving_server::Manner;

/// The statuses of all answers to these bytes.
fn statuses(gate: &Gate, bytes: &str) -> Vec<String> {
    let said = gate.say(&bytes.replace("HOST", &format!("Host: {}\r\n", gate.public)));
    let answers = said.split("HTTP/1.1 ").skip(1);
    answers.map(|answer| answer[..3].to_owned()).collect()
}

#[test]
fn smuggling_pairs_are_refused_whatever_stands_first() {
    let gate = Gate::before(&[Manner::Well]);
    let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: 0x4\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Transfer-Encoding: chunked\n",
    ] {
        let said = statuses(&gate, &format!("POST / HTTP/1.1\r\nHOST{headers}\r\n{smuggled}"));
        assert_eq!(said, ["400"], "{headers:?}");
    }
    let old = format!("POST / HTTP/1.0\r\nHOSTTransfer-Encoding: chunked\r\n\r\n{smuggled}");
    assert_eq!(statuses(&gate, &old), ["400"]);
    assert_eq!(gate.asked(0), 0, "{:?}", gate.servers[0].heads);
}

#[test]
fn what_came_before_a_doubtful_request_is_answered_and_nothing_after_it() {
    let gate = Gate::before(&[Manner::Well]);
    let fine = "GET /fine HTTP/1.1\r\nHOST\r\n";
    let doubtful = "POST /doubtful HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n";
    assert_eq!(
        statuses(&gate, &format!("{fine}{fine}{doubtful}{fine}")),
        ["200", "200", "400"]
    );
    assert_eq!(gate.asked(0), 2);
}

#[test]
fn honest_bodies_pass_one_after_the_other() {
    let gate = Gate::before(&[Manner::Well]);
    let chunked =
        "POST /a HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: u\r\n\r\n";
    let sized = "POST /b HTTP/1.1\r\nHOSTContent-Length: 4\r\n\r\n\r\n\r\n";
    let last = "GET /c HTTP/1.1\r\nHOSTConnection: close\r\n\r\n";
    let said = statuses(&gate, &format!("{sized}{chunked}\r\n{sized}{last}"));
    assert_eq!(said, ["200"; 4]);
}
