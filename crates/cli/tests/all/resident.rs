//! `evenkeel resident erase` and `evenkeel export audit`, as an operator types them.

use crate::installed::Installed;

#[test]
fn what_cannot_be_erased_is_said_and_an_export_of_nothing_is_whole() {
    let mut installed = Installed::new();
    assert_eq!(installed.call(&["export", "audit"]).status.code(), Some(4));
    installed.up(&["--listen", "127.0.0.1:0"]);
    for (args, code, says) in [
        (&["--code", "7KXM"][..], 2, "expected a code such as"),
        (&["--appointment", "slt-1"], 2, "expected the id of an appointment"),
        (
            &["--appointment", "apt-00000000000000000000000001"],
            1,
            "there is no such appointment",
        ),
        (&[], 2, "--appointment"),
    ] {
        let output = installed.call(&[&["resident", "erase"], args].concat());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(code) && text.contains(says),
            "{args:?}: {text}"
        );
    }
    let output = installed.call(&["export", "audit", "--json"]);
    assert_eq!((output.status.code(), output.stdout), (Some(0), Vec::new()));
}
