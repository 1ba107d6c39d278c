//! `GET /$bulk-publish` and its files.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::site::Site;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is a resource"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publication_says_what_the_lists_say() {
    let site = Site::start();
    let full = site.slot("03", 1).await;
    site.hold(&full).await;
    let answer = site.ask("GET", "/$bulk-publish").send().await.is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("cache-control").contains("max-age="));
    let manifest = answer.json();
    assert_eq!(manifest["request"], "http://127.0.0.1:8080/$bulk-publish");
    assert_eq!(manifest["error"], json!([]));
    assert!(manifest["transactionTime"].as_str().is_some_and(|at| at.ends_with('Z')));

    let (mut locations, mut schedules, mut slots) = (Vec::new(), Vec::new(), Vec::new());
    for output in manifest["output"].as_array().expect("a list") {
        assert_eq!(output["extension"]["state"], json!(["MA"]));
        let url = output["url"].as_str().expect("text");
        let path = url.strip_prefix("http://127.0.0.1:8080").expect("our own address");
        let file = site.ask("GET", path).send().await.is(200);
        assert_eq!(file.header("content-type"), "application/fhir+ndjson");
        match output["type"].as_str() {
            Some("Location") => locations.extend(lines(&file.text())),
            Some("Schedule") => schedules.extend(lines(&file.text())),
            Some("Slot") => slots.extend(lines(&file.text())),
            other => panic!("{other:?}"),
        }
        site.ask("GET", path)
            .header("if-none-match", &file.header("etag"))
            .send()
            .await
            .is(304);
    }
    assert_eq!(locations.len(), 4);
    let references: BTreeSet<String> = schedules
        .iter()
        .map(|schedule| format!("Schedule/{}", schedule["id"].as_str().expect("text")))
        .collect();
    assert!(!slots.is_empty());
    for slot in &slots {
        assert!(
            references.contains(slot["schedule"]["reference"].as_str().expect("text")),
            "{slot}"
        );
        assert!(
            slot["start"]
                .as_str()
                .is_some_and(|start| start.ends_with("-05:00") || start.ends_with("-04:00"))
        );
        assert!(slot["id"].as_str().is_some_and(|id| id.len() <= 64));
    }
    let of_full = slots
        .iter()
        .find(|slot| slot["id"] == full.id.as_str())
        .expect("full ones too");
    assert_eq!(of_full["status"], "busy");
    let link = of_full["extension"][0]["valueUrl"].as_str().expect("a deep link");
    assert!(
        link.starts_with("http://127.0.0.1:8080/") && link.contains(&full.id),
        "{link}"
    );
    for resource in locations.iter().chain(&schedules) {
        let id = resource["id"].as_str().expect("text");
        assert!(
            id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
            "{id}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_files_are_not_there() {
    let site = Site::start();
    for path in [
        "/smart/other.ndjson",
        "/smart/slots-2001-01-01.ndjson",
        "/smart/slots-.ndjson",
        "/smart/..%2f..",
        "/smart/",
    ] {
        site.ask("GET", path).send().await.is(404);
    }
}
