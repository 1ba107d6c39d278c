//! The first error of a kind is marked in its line, the next ones are not; a kind is a place, whatever else is said.

use std::io;
use std::sync::{Arc, Mutex};

use runtime::clock::Clock;
use runtime::error_kind::{KINDS_MAX, KindLayer, errors, new_errors};
use runtime::log_line::JsonLine;
use runtime::task;
use serde_json::Value;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The `new_kind` of each line that was said.
fn marks(say: impl FnOnce()) -> Vec<Option<String>> {
    let paper = Paper::default();
    let writer = paper.clone();
    let lines = tracing_subscriber::fmt::layer()
        .event_format(JsonLine::new(Clock::real()))
        .with_writer(move || writer.clone());
    let registry = tracing_subscriber::registry()
        .with(KindLayer::default().with_filter(KindLayer::LEVEL))
        .with(lines);
    tracing::subscriber::with_default(registry, say);
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let kind = |line: &str| {
        let line: Value = serde_json::from_str(line).expect(line);
        line["new_kind"].as_str().map(str::to_owned)
    };
    text.lines().map(kind).collect()
}

#[test]
fn the_first_of_a_kind_stands_out() {
    let (all, new) = (errors(), new_errors());
    let said = marks(|| {
        for cause in ["one", "another"] {
            tracing::error!(cause, "a read failed");
            tracing::info!("in between");
            tracing::warn!("also in between");
        }
        tracing::error!(code = "bug", location = "src/x.rs:7:1", "a panic: this is a bug");
        tracing::error!(code = "bug", location = "src/x.rs:7:1", "caught elsewhere");
    });
    let shown: Vec<&str> = said.iter().map(|kind| kind.as_deref().unwrap_or("-")).collect();
    assert!(shown[0].contains("tests/all/error_kind.rs:"), "{shown:?}");
    assert_eq!(shown[1..], ["-", "-", "-", "-", "-", "bug at src/x.rs:7:1", "-"]);
    // Other tests of this process may log errors meanwhile.
    assert!(errors() >= all + 4 && new_errors() >= new + 2);
}

#[test]
fn a_request_that_failed_is_of_the_kind_of_its_code() {
    let said = marks(|| {
        for (status, code) in [
            (503_u16, "read-only"),
            (503, "read-only"),
            (409, "slot-full"),
            (503, "busy"),
        ] {
            tracing::warn!(target: "request", status, code);
        }
    });
    let expected = [Some("request read-only"), None, None, Some("request busy")];
    assert_eq!(said, expected.map(|kind| kind.map(str::to_owned)));
}

#[test]
fn what_a_machine_calls_its_folders_is_no_part_of_a_kind() {
    let said = marks(|| {
        let location = "/home/x/.cargo/registry/src/index.crates.io-1/tokio-1.54.0/src/lib.rs:1:2";
        tracing::error!(code = "bug", location, "a panic: this is a bug");
    });
    assert_eq!(said, [Some("bug at tokio-1.54.0/src/lib.rs:1:2".to_owned())]);
}

#[test]
fn kinds_are_bounded() {
    let said = marks(|| {
        for n in 0..KINDS_MAX + 10 {
            tracing::error!(location = format!("place {n}"), "made up");
        }
    });
    assert_eq!(said.iter().flatten().count(), KINDS_MAX);
}

#[test]
fn a_caught_panic_says_where_it_happened() {
    let said = marks(|| {
        task::panics_at("src/y.rs:3:1".to_owned());
        task::count_panic("request");
        // The next one is not blamed on the same place.
        task::count_panic("request");
    });
    assert_eq!(said[0].as_deref(), Some("bug at src/y.rs:3:1"));
    assert!(
        said[1].as_deref().is_some_and(|kind| kind.contains("task.rs:")),
        "{said:?}"
    );
}
