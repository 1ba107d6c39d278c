//! A wrong configuration stops the start and is named.

use crate::installed::Installed;

#[test]
fn a_wrong_setting_is_named_with_its_line() {
    let installed = Installed::new();
    std::fs::create_dir(installed.data()).unwrap();
    for (content, expected) in [
        ("[booking.hold]\nlifetime = 1\n", "line 2: booking.hold.lifetime: "),
        ("http.idle_tim = 60\n", "did you mean http.idle_time?"),
    ] {
        std::fs::write(installed.data().join("evenkeel.toml"), content).unwrap();
        let output = installed.call(&["up", "--listen", "127.0.0.1:0"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && text.contains(expected), "{text}");
    }
}
