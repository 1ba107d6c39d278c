//! What comes through, what goes to another server, and what people are told when nothing does.

use std::net::TcpListener;

use base::limit::Settings;
use runtime::clock::Clock;
use runtime::shutdown::Shutdown;
use runtime::task::Owner;

use crate::gate::{Gate, KEY, folder};
use crate::misbehaving_server::Manner;

#[test]
fn safe_and_keyed_requests_go_to_another_server_and_others_are_told_that_nobody_knows() {
    for manner in [Manner::HangsUp, Manner::Half, Manner::Garbage] {
        let gate = Gate::before(&[manner, Manner::Well]);
        for _ in 0..20 {
            assert_eq!(gate.ask("GET", "/", ""), (200, "well".to_owned()), "{manner:?}");
            assert_eq!(gate.ask("POST", "/api/v1/holds", KEY).0, 200, "{manner:?}");
        }
        let gate = Gate::before(&[manner, manner]);
        let (status, body) = gate.ask("POST", "/api/v1/holds", "");
        assert!(
            status == 503 && body.contains("\"outcome-unknown\""),
            "{manner:?}: {body}"
        );
        // To one server only: done twice would be worse than not known.
        assert_eq!(gate.asked(0) + gate.asked(1), 1, "{manner:?}");
        let (status, body) = gate.ask("GET", "/api/v1/clinics", "");
        assert!(status == 503 && body.contains("\"unreachable\""), "{manner:?}: {body}");
    }
}

#[test]
fn a_slow_server_is_avoided() {
    let gate = Gate::before(&[Manner::Slow(100), Manner::Well]);
    for _ in 0..60 {
        assert_eq!(gate.ask("GET", "/", "").0, 200);
    }
    assert!(gate.asked(0) < 10, "{} of 60", gate.asked(0));
}

#[test]
fn with_nobody_there_people_get_a_page_and_programs_a_problem() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = Gate::of(
        Vec::new(),
        vec![nowhere],
        Settings::default(),
        (Clock::real(), Owner::new(Shutdown::new())),
    );
    let (status, page) = gate.ask("GET", "/appointments", "Accept-Language: es-PR\r\n");
    assert!(
        status == 503 && page.contains("lang=\"es\"") && page.contains("Sigue en pie"),
        "{page}"
    );
    // Nothing was ever known: that is not "none left".
    assert!(page.contains("Puede que todavía haya horarios libres"), "{page}");
    let (status, problem) = gate.ask("POST", "/api/v1/appointments", KEY);
    assert!(status == 503 && problem.contains("\"unreachable\""), "{problem}");
    assert_eq!(gate.ask("GET", "/livez", "").0, 200);
    assert_eq!(
        gate.ask("GET", "/readyz", ""),
        (503, "{\"failing\":[\"servers\"]}".to_owned())
    );
    assert_eq!(gate.ask("GET", &html::style::sheet_path(), "").0, 200);
}

#[test]
fn what_two_readers_could_take_differently_is_refused() {
    let gate = Gate::before(&[Manner::Well]);
    for headers in [
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +2\r\n",
    ] {
        assert_eq!(gate.ask("GET", "/", headers).0, 400, "{headers}");
    }
    assert_eq!(gate.ask("GET", "/../x", "").0, 400);
    assert_eq!(gate.ask("GET", &format!("/?{}", "x".repeat(5_000)), "").0, 414);
    let many = (0..70).fold(String::new(), |all, n| format!("{all}X-{n}: y\r\n"));
    assert_eq!(gate.ask("GET", "/", &many).0, 431);
    assert_eq!(gate.asked(0), 0);
}

#[test]
fn the_minimal_page_has_the_jurisdictions_name_phone_and_clinics_and_keeps_them() {
    let gate = Gate::before(&[Manner::Known]);
    let kept = gate.folder.join("gateway/last-known.json");
    gate.until("the clinics were looked up", || kept.exists());
    let clinics = |page: &str| ["Mill Clinic", "Massachusetts", "tel:+16175550142"].map(|what| page.contains(what));
    for (language, said) in [
        (
            "en",
            [
                "There were 38 then",
                "There were none then",
                "We can&#39;t tell",
                "Can&#39;t use this site?",
            ],
        ),
        (
            "es",
            [
                "Entonces había 38",
                "Entonces no quedaba ninguno",
                "No lo sabemos",
                "¿No puede usar este sitio?",
            ],
        ),
    ] {
        let (status, page) = gate.ask("GET", "/", &format!("Accept-Language: {language}\r\n"));
        assert_eq!((status, clinics(&page)), (503, [true; 3]), "{page}");
        for what in said {
            assert!(
                page.contains(what) || page.contains(&what.replace("&#39;", "'")),
                "{what}: {page}"
            );
        }
        assert!(
            page.contains(&format!("lang=\"{language}\"")) && !page.contains('⟦'),
            "{page}"
        );
    }
    // Another one, started in the outage, with nobody there.
    let folder = folder();
    std::fs::create_dir(folder.join("gateway")).unwrap();
    std::fs::copy(&kept, folder.join("gateway/last-known.json")).unwrap();
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let clock_and_owner = (Clock::real(), Owner::new(Shutdown::new()));
    let gate = Gate::in_folder(folder, Vec::new(), vec![nowhere], Settings::default(), clock_and_owner);
    let (status, page) = gate.ask("GET", "/", "");
    assert_eq!(
        (status, clinics(&page)),
        (503, [true; 3]),
        "after a restart in the outage: {page}"
    );
}
