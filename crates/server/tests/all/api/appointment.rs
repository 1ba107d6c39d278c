//! `/api/v1/appointments`.

use serde_json::{Value, json};

use crate::site::{Site, resident};

const APPOINTMENTS: &str = "/api/v1/appointments";

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_booked() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let hold = site.hold(&slot).await;
    let booked = site.book(&hold, "Ana").send().await.is(201);
    let appointment = booked.json();
    let names: Vec<&str> = appointment
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        ["code", "dose", "id", "manage_token", "manage_url", "slot", "status"]
    );
    assert_eq!(
        (&appointment["status"], &appointment["dose"]),
        (&json!("booked"), &json!(1))
    );
    assert_eq!(appointment["slot"], slot.shown());
    let code = booked.string("/code");
    let groups: Vec<usize> = code.split('-').map(str::len).collect();
    assert_eq!(groups, [4, 4, 2], "{code}");
    assert!(
        code.chars()
            .all(|c| "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U-".contains(c)),
        "{code}"
    );
    let (token, url) = (booked.string("/manage_token"), booked.string("/manage_url"));
    assert!(
        url.starts_with("http://127.0.0.1:8080/") && url.contains(&token),
        "{url}"
    );
    assert_eq!(site.free(&slot).await, 0, "the held place is the booked one");
    site.book(&hold, "Bea").send().await.problem(409, "hold-ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_booked_whole_or_not_at_all() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let hold = site.hold_all(&[&slot, &slot]).await;
    let booking = |name: &str| json!({"slot": slot.id, "resident": resident(name), "answers": {}});
    let body = |bookings: Vec<Value>| json!({"hold": hold.id, "token": hold.token, "bookings": bookings});

    for (bookings, field) in [
        (vec![booking("Ana")], "/bookings"),
        (vec![booking("Ana"), booking("Bea"), booking("Cleo")], "/bookings"),
    ] {
        let answer = site.ask("POST", APPOINTMENTS).json(&body(bookings)).send().await;
        assert!(answer.problem(422, "invalid").starts_with(field));
    }
    let single = json!({"hold": hold.id, "token": hold.token, "resident": resident("Ana"), "answers": {}});
    site.ask("POST", APPOINTMENTS)
        .json(&single)
        .send()
        .await
        .problem(422, "invalid");
    let mut second = booking("Bea");
    second["resident"]["birth_date"] = json!("soon");
    let answer = site
        .ask("POST", APPOINTMENTS)
        .json(&body(vec![booking("Ana"), second]))
        .send()
        .await;
    assert_eq!(answer.problem(422, "invalid"), "/bookings/1/resident/birth_date");

    let booked = site
        .ask("POST", APPOINTMENTS)
        .json(&body(vec![booking("Ana"), booking("Bea")]))
        .send()
        .await
        .is(201)
        .json();
    let appointments = booked["appointments"].as_array().expect("a list");
    assert_eq!(appointments.len(), 2);
    assert_ne!(appointments[0]["id"], appointments[1]["id"]);
    assert_ne!(appointments[0]["manage_token"], appointments[1]["manage_token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_one_booking_answers_with_a_list() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let hold = site.hold(&slot).await;
    let bookings = json!([{"slot": slot.id, "resident": resident("Ana"), "answers": {}, "dose": 1}]);
    let body = json!({"hold": hold.id, "token": hold.token, "bookings": bookings});
    let booked = site.ask("POST", APPOINTMENTS).json(&body).send().await.is(201).json();
    assert_eq!(booked["appointments"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_not_right_are_named_together() {
    let site = Site::start();
    let hold = site.hold(&site.slot("03", 3).await).await;
    let good = json!({"hold": hold.id, "token": hold.token, "resident": resident("Ana"), "answers": {}, "dose": 1});
    let table: Vec<(&str, Value, &str)> = vec![
        ("/resident", json!(null), "/resident"),
        ("/resident", json!([]), "/resident"),
        (
            "/resident",
            json!({}),
            "/resident/given_name /resident/family_name /resident/birth_date",
        ),
        ("/resident/given_name", json!(""), "/resident/given_name"),
        ("/resident/given_name", json!("   "), "/resident/given_name"),
        ("/resident/given_name", json!("x".repeat(101)), "/resident/given_name"),
        ("/resident/given_name", json!("a\u{0}b"), "/resident/given_name"),
        ("/resident/given_name", json!(1), "/resident/given_name"),
        ("/resident/birth_date", json!("1980-02-30"), "/resident/birth_date"),
        ("/resident/birth_date", json!("1899-12-31"), "/resident/birth_date"),
        ("/resident/birth_date", json!("2999-01-01"), "/resident/birth_date"),
        ("/resident/birth_date", json!("17.5.1980"), "/resident/birth_date"),
        ("/resident/phone", json!("call me"), "/resident/phone"),
        ("/resident/phone", json!("123"), "/resident/phone"),
        ("/resident/email", json!("nobody"), "/resident/email"),
        ("/resident/email", json!("a b@example.org"), "/resident/email"),
        ("/resident/language", json!("english please"), "/resident/language"),
        ("/resident/needs", json!("wheelchair"), "/resident/needs"),
        ("/resident/needs", json!([1]), "/resident/needs"),
        ("/dose", json!(0), "/dose"),
        ("/dose", json!(-1), "/dose"),
        ("/dose", json!(1.5), "/dose"),
        ("/dose", json!("1"), "/dose"),
        ("/dose", json!(null), "/dose"),
        ("/answers", json!([]), "/answers"),
        ("/answers", json!({"version": 3}), "/answers/version"),
        ("/answers", json!({"version": "q0"}), "/answers/version"),
        ("/answers", json!({"pregnant": {}}), "/answers/pregnant"),
        ("/hold", json!("hld-00000000000000000000000000"), "/hold"),
        ("/hold", json!("nonsense"), "/hold"),
        ("/token", json!("wrong-wrong-wrong-wrong"), "/hold"),
        ("/token", json!(""), "/token"),
    ];
    for (pointer, value, fields) in table {
        let mut body = good.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("the parent")[name] = value.clone();
        let answer = site.ask("POST", APPOINTMENTS).json(&body).send().await;
        assert_eq!(answer.problem(422, "invalid"), fields, "{pointer} = {value}");
    }
    for number in ["1e999", "99999999999999999999999999", "-1e999"] {
        let body = good.to_string().replace(r#""dose":1"#, &format!(r#""dose":{number}"#));
        let answer = site.ask("POST", APPOINTMENTS).text(body).send().await;
        assert_eq!(answer.problem(422, "invalid"), "/dose", "{number}");
    }
    for unknown in ["/nickname", "/resident/nickname"] {
        let mut body = good.clone();
        let (parent, name) = unknown.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("the parent")[name] = json!(1);
        let answer = site.ask("POST", APPOINTMENTS).json(&body).send().await;
        assert_eq!(answer.problem(400, "malformed"), unknown);
    }
    site.ask("POST", APPOINTMENTS).json(&good).send().await.is(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_and_an_unknown_hold_are_the_same_answer() {
    let site = Site::start();
    let hold = site.hold(&site.slot("03", 3).await).await;
    let errors = |hold: &str, token: &str| {
        let body = json!({"hold": hold, "token": token, "resident": resident("Ana"), "answers": {}});
        let asking = site.ask("POST", APPOINTMENTS).json(&body);
        async move { asking.send().await.json()["errors"].clone() }
    };
    let wrong_token = errors(&hold.id, "AAAAAAAAAAAAAAAAAAAAAAAA").await;
    let unknown = errors("hld-00000000000000000000000000", &hold.token).await;
    let garbage = errors("garbage", &hold.token).await;
    assert_eq!(wrong_token, unknown);
    assert_eq!(wrong_token, garbage);
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_without_phone_and_email_can_book_and_one_with_both_too() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let hold = site.hold(&slot).await;
    let mut person = resident("Ana");
    for (name, value) in [
        ("phone", json!("+1 (508) 555-0142")),
        ("email", json!("ana@example.org")),
        ("language", json!("es")),
        ("needs", json!(["wheelchair"])),
    ] {
        person[name] = value;
    }
    let body = json!({"hold": hold.id, "token": hold.token, "resident": person});
    let booked = site.ask("POST", APPOINTMENTS).json(&body).send().await.is(201);
    let seen = site.see(&booked).send().await.is(200);
    assert_eq!(
        seen.json()["resident"],
        json!({"given_name": "Ana", "language": "es", "needs": ["wheelchair"]})
    );
    for secret in ["1980", "555", "example.org", "Reyes"] {
        assert!(!seen.text().contains(secret), "{secret} is shown in {}", seen.text());
    }
    let hold = site.hold(&slot).await;
    let mut person = resident("Bea");
    for name in ["phone", "email", "language", "needs"] {
        person[name] = json!(null);
    }
    let body = json!({"hold": hold.id, "token": hold.token, "resident": person});
    let booked = site.ask("POST", APPOINTMENTS).json(&body).send().await.is(201);
    let seen = site.see(&booked).send().await.is(200).json();
    assert_eq!(
        seen["resident"],
        json!({"given_name": "Bea", "language": null, "needs": []})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_person_is_booked_once_for_a_dose() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let with_contact = |name: &str| {
        let mut person = resident(name);
        person["phone"] = json!("508-555-0142");
        person
    };
    for (n, expected) in [(1, 201), (2, 409)] {
        let hold = site.hold(&slot).await;
        let body = json!({"hold": hold.id, "token": hold.token, "resident": with_contact("Ana"), "answers": {}});
        let answer = site.ask("POST", APPOINTMENTS).json(&body).send().await;
        assert_eq!(answer.status.as_u16(), expected, "time {n}: {}", answer.text());
        if expected == 409 {
            answer.problem(409, "already-booked");
            assert!(
                !answer.text().contains("apt-"),
                "a stranger learns nothing about the appointment"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_cancelled_once_and_says_so_twice() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let hold = site.hold(&slot).await;
    let booked = site.book(&hold, "Ana").send().await.is(201);
    let cancel = format!("{APPOINTMENTS}/{}/cancel", booked.string("/id"));
    site.ask("POST", &cancel).send().await.problem(401, "unauthorized");
    site.ask("POST", &cancel)
        .bearer(&hold.token)
        .send()
        .await
        .problem(404, "not-found");
    for _ in 0..2 {
        let answer = site
            .ask("POST", &cancel)
            .bearer(&booked.string("/manage_token"))
            .send()
            .await
            .is(200);
        assert_eq!(answer.string("/status"), "cancelled");
        assert_eq!(answer.string("/code"), booked.string("/code"));
    }
    assert_eq!(site.free(&slot).await, 1);
    assert_eq!(site.see(&booked).send().await.is(200).string("/status"), "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_moves_and_stays_the_same() {
    let site = Site::start();
    let (old, new) = (site.slot("03", 1).await, site.slot("03", 2).await);
    let booked = site.book(&site.hold(&old).await, "Ana").send().await.is(201);
    let (id, token) = (booked.string("/id"), booked.string("/manage_token"));
    let hold = site.hold(&new).await;
    let move_to = format!("{APPOINTMENTS}/{id}/reschedule");
    let body = json!({"hold": hold.id, "token": hold.token});

    site.ask("POST", &move_to)
        .json(&body)
        .send()
        .await
        .problem(401, "unauthorized");
    site.ask("POST", &move_to)
        .bearer(&hold.token)
        .json(&body)
        .send()
        .await
        .problem(404, "not-found");
    let wrong = json!({"hold": hold.id, "token": token});
    let answer = site.ask("POST", &move_to).bearer(&token).json(&wrong).send().await;
    assert_eq!(answer.problem(422, "invalid"), "/hold");
    let answer = site.ask("POST", &move_to).bearer(&token).text("{}").send().await;
    assert_eq!(answer.problem(422, "invalid"), "/hold /token");

    let moved = site
        .ask("POST", &move_to)
        .bearer(&token)
        .json(&body)
        .send()
        .await
        .is(200);
    for same in ["/id", "/code", "/manage_token", "/manage_url"] {
        assert_eq!(moved.string(same), booked.string(same));
    }
    assert_eq!(moved.json()["slot"], new.shown());
    assert_eq!((site.free(&old).await, site.free(&new).await), (1, 1));
    assert_eq!(
        site.see(&booked).send().await.is(200).json()["slot"],
        new.shown(),
        "the link still works"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn seeing_takes_the_right_token() {
    let site = Site::start();
    let slot = site.slot("03", 3).await;
    let mine = site.book(&site.hold(&slot).await, "Ana").send().await.is(201);
    let other = site.book(&site.hold(&slot).await, "Bea").send().await.is(201);
    let path = format!("{APPOINTMENTS}/{}", mine.string("/id"));
    let foreign = site
        .ask("GET", &path)
        .bearer(&other.string("/manage_token"))
        .send()
        .await;
    foreign.problem(404, "not-found");
    let unknown = site
        .ask("GET", &format!("{APPOINTMENTS}/apt-00000000000000000000000000"))
        .bearer("x")
        .send()
        .await;
    let nonsense = site.ask("GET", &format!("{APPOINTMENTS}/%ff")).bearer("x").send().await;
    let tell = |answer: &crate::site::Answered| (answer.json()["detail"].clone(), answer.json()["title"].clone());
    assert_eq!(tell(&foreign), tell(&unknown));
    assert_eq!(tell(&foreign), tell(&nonsense));
    for header in ["Basic YTpi", "Bearer", "Bearer ", "Token x", ""] {
        site.ask("GET", &path)
            .header("authorization", header)
            .send()
            .await
            .problem(401, "unauthorized");
    }
    let in_query = format!("{path}?token={}", mine.string("/manage_token"));
    site.ask("GET", &in_query).send().await.is(401);
}
