//! A line of the log is one JSON object whatever is in its fields, and times are the clock's.

use std::io;
use std::sync::{Arc, Mutex};

use base::time::Timestamp;
use runtime::clock::Clock;
use runtime::log_line::JsonLine;
use serde_json::{Value, json};
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

fn lines(say: impl FnOnce()) -> Vec<Value> {
    let paper = Paper::default();
    let writer = paper.clone();
    let clock = Clock::manual(Timestamp::from_micros(1_800_000_000_000_042));
    let layer = tracing_subscriber::fmt::layer()
        .event_format(JsonLine::new(clock))
        .with_writer(move || writer.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect()
}

#[test]
fn every_kind_of_field_is_json() {
    let nothing: Option<&str> = None;
    let error = io::Error::other("a \"quoted\" cause");
    let said = lines(|| {
        tracing::warn!(
            target: "somewhere", count = 3, minus = -4, yes = true, half = 0.5, none_such = f64::NAN, nothing,
            route = "/slots", %error, list = ?["a"], "it happened"
        );
    });
    let expected = json!({
        "timestamp": "2027-01-15T08:00:00.000042Z", "level": "WARN", "target": "somewhere", "message": "it happened",
        "count": 3, "minus": -4, "yes": true, "half": 0.5, "none_such": null, "route": "/slots",
        "error": "a \"quoted\" cause", "list": "[\"a\"]",
    });
    assert_eq!(said, [expected]);
}

#[test]
fn no_text_can_end_its_line_or_its_string() {
    // What an attacker would send: a line of his own, and every byte that JSON treats as special.
    let all: String = (0..=0x7f_u8).map(char::from).chain("é☃\u{2028}😀".chars()).collect();
    let forged = "x\",\"level\":\"ERROR\"}\n{\"timestamp\":\"";
    let said = lines(|| {
        tracing::info!(text = all.as_str(), shown = %all, forged, "{forged}");
    });
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["text"], all);
    assert_eq!(said[0]["shown"], all);
    assert_eq!(said[0]["forged"], forged);
    assert_eq!(said[0]["message"], forged);
    assert_eq!(said[0]["level"], "INFO");
}
