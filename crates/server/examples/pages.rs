//! Temporary: serves the pages on demo rows, to look at them.
#![allow(clippy::all, clippy::pedantic, missing_docs)]
use base::id::*; use base::time::*; use base::limit::Settings;
use booking::{engine::*, records, records::document::Document, records::zip::Zip};
use database::{Database, migration::migrate};
use scheduling::clinic::{location::Clinic, session::Session, slot::{Slot, slot_id}};
use scheduling::rules::product::Cvx;
use runtime::{clock::Clock, entropy::Entropy, http::{metrics::Metrics, trace::Trace}, secret::KeyRing, shutdown::Shutdown, task::Owner};
fn csv(path: &str) -> Vec<std::collections::HashMap<String,String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut rows: Vec<Vec<String>> = vec![]; let mut row = vec![]; let mut cell = String::new(); let mut q = false;
    let mut it = text.chars().peekable();
    while let Some(c) = it.next() { match c {
        '"' if q && it.peek()==Some(&'"') => { cell.push('"'); it.next(); }
        '"' => q = !q,
        ',' if !q => row.push(std::mem::take(&mut cell)),
        '\n' if !q => { row.push(std::mem::take(&mut cell)); rows.push(std::mem::take(&mut row)); }
        '\r' => {}
        c => cell.push(c) } }
    let head = rows.remove(0);
    rows.into_iter().map(|r| head.iter().cloned().zip(r).collect()).collect()
}
#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let clock = Clock::shiftable(); let now = clock.now();
    let database = Database::memory("pages");
    let mut c = database.connect().unwrap();
    migrate(&mut c, records::MIGRATIONS, now).unwrap();
    let mut tx = c.begin().unwrap();
    let docs = [("jurisdiction","jurisdiction.json"),("products","products/2026-09.json"),("rules","rules/cdsi-4.64-508.json"),("rules","rules/demo-department-2026.json"),("questions","questions/2026-09.json")];
    for (kind, file) in docs { let body = std::fs::read_to_string(format!("demo/{file}")).unwrap();
        records::document::save(&mut tx, &Document { kind: kind.into(), name: file.into(), version: "1".into(), body }, now).unwrap(); }
    for z in csv("demo/zips.csv") { let (Ok(latitude), Ok(longitude)) = (z["latitude"].parse(), z["longitude"].parse()) else { continue };
        records::zip::save(&mut tx, &Zip { zip: z["zip"].clone(), city: z["city"].clone(), state: z["state"].clone(), latitude, longitude }).unwrap(); }
    let zone = Zone::named("America/New_York").unwrap(); let today = now.date_in(&zone);
    let s = |t: &String| (!t.is_empty()).then(|| t.clone());
    let mut n = 0u128;
    for (i, r) in csv("demo/clinics.csv").into_iter().enumerate() {
        let id = ClinicId::from_bits(i as u128 + 1);
        records::clinic::save(&mut tx, &Clinic { id, source_id: r["source_id"].clone(), name: r["name"].clone(), street: s(&r["street"]), city: s(&r["city"]), state: s(&r["state"]), zip: s(&r["zip"]), county: s(&r["county"]), phone: Some("508-555-0123".into()), latitude: r["latitude"].parse().ok(), longitude: r["longitude"].parse().ok(), zone: zone.clone(), hours: Some("Mon to Sat 9:00 AM to 6:00 PM".into()), notes: None, made: vec!["phone".into(),"hours".into()], demonstration: true }, now).unwrap();
        if i % 17 == 5 { continue }
        for day in 0..14 { if (i + day) % 7 == 3 { continue }
            for (k, cvx) in ["309","140","03"].iter().enumerate() { if (i + k) % 3 == 0 && k > 0 { continue }
                n += 1; let date = add_days(today, day as i64);
                let product = Cvx::parse(cvx).unwrap();
                let session = SessionId::from_bits(n);
                records::session::insert_new(&mut tx, &Session { id: session, clinic: id, date, product }, now).unwrap();
                for h in 0..20 { let starts_at = zone.at(date, Time::constant(9,0,0,0)) + std::time::Duration::from_secs(1200 * h as u64 * 2 + 600 * k as u64);
                    let cap = 1 + ((i + h + day) % 4) as u32;
                    let full = i % 17 == 7 || (h + i) % 5 == 0;
                    records::slot::insert_new(&mut tx, &Slot { id: slot_id(session, starts_at), clinic: id, session, product, date, starts_at, ends_at: starts_at + std::time::Duration::from_secs(1200), capacity: cap, held: 0, booked: if full { cap } else { 0 } }).unwrap();
                } } } }
    tx.commit().ok().unwrap();
    let entropy = Entropy::real();
    let engine = Engine::start(Start { database, keys: KeyRing::for_tests(), clock: clock.clone(), entropy: entropy.clone(), settings: Settings::default(), name: "s".into(), owner: Owner::new(Shutdown::new()) }).unwrap();
    let url = server::public_url::PublicUrl::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let router = server::route::router(server::app::App::new(engine, url, false), Trace::new(clock.clone(), entropy, &Metrics::new(&clock)));
    let l = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    eprintln!("up"); axum::serve(l, router).await.unwrap();
}
