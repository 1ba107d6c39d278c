//! What holds for every call that the description names, without a list of them here: whoever adds a call is tested.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::site::{Site, fresh_key, resident};

/// A call of the description, with a path that exists.
struct Call {
    method: String,
    path: String,
    takes_credential: bool,
    takes_body: bool,
}

async fn calls(site: &Site) -> Vec<Call> {
    let slot = site.slot("03", 3).await;
    let hold = site.hold(&slot).await;
    let appointment = site
        .book(&site.hold(&slot).await, "Ana")
        .send()
        .await
        .is(201)
        .string("/id");
    let described = site.ask("GET", "/api/openapi.json").send().await.is(200).json();
    assert_eq!(described["openapi"], "3.1.0");
    let mut calls = Vec::new();
    for (path, item) in described["paths"].as_object().expect("paths") {
        let id = if path.contains("/holds/") {
            &hold.id
        } else {
            &appointment
        };
        let mut filled = path.replace("{id}", id).replace("{file}", "locations.ndjson");
        if path.ends_with("/slots") {
            filled = format!("{filled}?clinic={}", slot.clinic);
        } else if path.ends_with("/questions") {
            filled = format!("{filled}?slot={}", slot.id);
        }
        for (method, operation) in item.as_object().expect("operations") {
            calls.push(Call {
                method: method.to_uppercase(),
                path: filled.clone(),
                takes_credential: operation["security"].is_array(),
                takes_body: operation["requestBody"].is_object(),
            });
        }
    }
    assert!(calls.len() >= 15, "{} calls", calls.len());
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_that_takes_a_credential_is_closed_without_and_with_a_foreign_one() {
    let site = Site::start();
    let foreign_hold = site.hold(&site.slot("03", 3).await).await;
    let foreign = site
        .book(&site.hold(&site.slot("03", 3).await).await, "Zoe")
        .send()
        .await
        .is(201);
    let foreign_token = foreign.string("/manage_token");
    let mut tried = 0;
    for call in calls(&site).await.iter().filter(|call| call.takes_credential) {
        let body = json!({"hold": foreign_hold.id, "token": foreign_hold.token});
        let ask = || {
            let asking = site.ask(&call.method, &call.path);
            if call.takes_body { asking.json(&body) } else { asking }
        };
        let name = format!("{} {}", call.method, call.path);
        assert_eq!(ask().send().await.problem(401, "unauthorized"), "", "{name}");
        let twice = ask()
            .bearer(&foreign_token)
            .also("authorization", &format!("Bearer {foreign_token}"));
        assert_eq!(twice.send().await.problem(401, "unauthorized"), "", "{name}");
        for token in [
            foreign_token.as_str(),
            foreign_hold.token.as_str(),
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "x",
        ] {
            assert_eq!(
                ask().bearer(token).send().await.problem(404, "not-found"),
                "",
                "{name} with {token}"
            );
        }
        tried += 1;
    }
    assert_eq!(tried, 5, "calls that take a credential");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_cannot_be_one_is_answered_like_one_that_nobody_has() {
    let site = Site::start();
    let long = "a".repeat(65);
    for id in ["apt-nobody", "%ff", long.as_str()] {
        let path = format!("/api/v1/appointments/{id}");
        let ask = || site.ask("GET", &path);
        assert_eq!(ask().send().await.problem(401, "unauthorized"), "", "{id}");
        assert_eq!(ask().bearer("x").send().await.problem(404, "not-found"), "", "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_not_allowed_and_the_answer_says_which_are() {
    let site = Site::start();
    let mut allowed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for call in calls(&site).await {
        let path = call.path.split('?').next().expect("a path").to_owned();
        allowed.entry(path).or_default().push(call.method);
    }
    for (path, methods) in &allowed {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            if methods.iter().any(|allowed| allowed == method) {
                continue;
            }
            let answer = site.ask(method, path).send().await;
            answer.problem(405, "method-not-allowed");
            let allow = answer.header("allow");
            for allowed in methods {
                assert!(allow.contains(allowed.as_str()), "{method} {path}: Allow: {allow}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_with_a_body_reads_it_strictly() {
    let site = Site::start();
    let nested = format!(r#"{{"slot":{}1{}}}"#, "[".repeat(16), "]".repeat(16));
    let mut tried = 0;
    for call in calls(&site).await.iter().filter(|call| call.method == "POST") {
        let name = format!("{} {}", call.method, call.path);
        let ask = || site.ask("POST", &call.path).bearer("AAAAAAAAAAAAAAAAAAAAAAAA");
        for body in [
            &b"{"[..],
            b"\xff\xfe",
            b"{\"a\":\"\xc3\"}",
            nested.as_bytes(),
            b"{\"a\":1,}",
            b"{\"unheard_of\":1}",
        ] {
            ask().text(body.to_vec()).send().await.problem(400, "malformed");
        }
        assert_eq!(ask().text("[1]").send().await.problem(422, "invalid"), "", "{name}");
        ask().text(vec![b' '; 70_000]).send().await.problem(413, "too-large");
        for media_type in [
            "text/plain",
            "application/xml",
            "application/json; charset=latin1",
            "application/x-www-form-urlencoded",
        ] {
            ask()
                .text("{}")
                .header("content-type", media_type)
                .send()
                .await
                .problem(415, "unsupported-media-type");
        }
        ask()
            .text("{}")
            .header("content-encoding", "gzip")
            .send()
            .await
            .problem(415, "unsupported-media-type");
        ask().bytes("{}").send().await.problem(415, "unsupported-media-type");
        for second in ["application/json", "text/plain"] {
            ask()
                .text("{}")
                .also("content-type", second)
                .send()
                .await
                .problem(415, "unsupported-media-type");
        }
        ask()
            .text("{}")
            .header("content-encoding", "identity")
            .also("content-encoding", "gzip")
            .send()
            .await
            .problem(415, "unsupported-media-type");
        let keys = ask().text("{}").key(&fresh_key()).also("idempotency-key", &fresh_key());
        let problem = keys.send_as_is().await;
        problem.problem(400, "malformed");
        assert!(problem.text().contains("Idempotency-Key"), "{}", problem.text());
        if call.takes_body {
            ask().send().await.problem(400, "malformed");
        }
        let with_query = format!("{}?dry_run=1", call.path);
        site.ask("POST", &with_query)
            .bearer("x")
            .text("{}")
            .send()
            .await
            .problem(400, "malformed");
        tried += 1;
    }
    assert_eq!(tried, 5, "calls by POST");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_closed_to_frames_and_sniffing() {
    let site = Site::start();
    let mut answers = Vec::new();
    for call in calls(&site).await {
        answers.push(site.ask(&call.method, &call.path).send().await);
        answers.push(site.ask("PATCH", &call.path).send().await);
    }
    answers.push(site.ask("GET", "/api/v1/nothing").send().await);
    answers.push(site.ask("GET", "/").header("host", "evil.test").send().await);
    for answer in &answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        // What any page may read is data, and is never shown as a page itself.
        if answer.header("access-control-allow-origin").is_empty() {
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            assert_eq!(answer.header("x-frame-options"), "DENY");
        }
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert!(!answer.header("cache-control").is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_hosts() {
    let site = Site::start();
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/clinics/",
        "/api/v2/clinics",
        "/api/v1/holds/a/b/c",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            site.ask(method, path).send().await.problem(404, "not-found");
        }
    }
    for host in [
        "evil.test",
        "127.0.0.1:8081",
        "127.0.0.1",
        "127.0.0.1:8080.evil.test",
        "a b",
    ] {
        site.ask("GET", "/api/v1/clinics")
            .header("host", host)
            .send()
            .await
            .problem(421, "unknown-host");
    }
    site.ask("GET", "/api/v1/clinics")
        .without("host")
        .send()
        .await
        .problem(421, "unknown-host");
    for host in ["localhost:8080", "[::1]:8080"] {
        site.ask("GET", "/api/v1/clinics")
            .header("host", host)
            .send()
            .await
            .is(200);
    }
    for path in ["/livez", "/readyz"] {
        let answer = site.ask("GET", path).header("host", "10.0.0.7").send().await.is(200);
        assert_eq!(answer.json(), json!({"failing": []}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_description_is_documented_for_people() {
    let site = Site::start();
    let text = include_str!("../../../../../docs/api.md");
    let described = site.ask("GET", "/api/openapi.json").send().await.is(200).json();
    for path in described["paths"].as_object().expect("paths").keys() {
        let short = path.trim_start_matches("/api/v1").trim_end_matches("{file}");
        assert!(text.contains(short), "{path} is not in docs/api.md");
    }
    for code in server::answer::CODES {
        let row = format!("| `{}` | {} |", code.code, code.status);
        let fault = format!("| `{}` |", code.code);
        assert!(
            text.contains(&row) || text.contains(&fault) || code.code == "bug",
            "{} is not in docs/api.md",
            code.code
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_takes_both_doses_of_several_people_in_one_step() {
    let site = Site::start();
    let (first, second) = (site.slot("03", 3).await, site.later_slot("03", 3).await);
    let hold = site.hold_all(&[&first, &first, &second, &second]).await;
    let booking = |slot: &str, name: &str, dose: u8| -> Value {
        let mut person = resident(name);
        person["phone"] = json!("508-555-0177");
        json!({"slot": slot, "resident": person, "answers": {}, "dose": dose})
    };
    let bookings = json!([
        booking(&second.id, "Ana", 2),
        booking(&first.id, "Ana", 1),
        booking(&first.id, "Bea", 1),
        booking(&second.id, "Bea", 2),
    ]);
    let body = json!({"hold": hold.id, "token": hold.token, "bookings": bookings});
    let booked = site
        .ask("POST", "/api/v1/appointments")
        .json(&body)
        .send()
        .await
        .is(201)
        .json();
    let doses: Vec<&Value> = booked["appointments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["dose"])
        .collect();
    assert_eq!(doses, [2, 1, 1, 2]);
}
