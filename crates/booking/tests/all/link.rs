//! Links to an appointment on real rows: whose each is, what stops it, and what a code and a birth date open.

use crate::site::{fresh, person, site, site_on, text};
use base::limit::Settings;
use base::time::{Timestamp, parse_date};
use booking::engine::{SaidCode, Whose};
use messaging::limit::{FROM, SMTP_URL};
use scheduling::resident::code::Code;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_link_is_its_own_and_is_stopped_alone() {
    let site = site(&[2]);
    let (id, token) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let shared = site
        .resident
        .share_link(id, &token, site.ask("share-key-0000001", ""))
        .await
        .unwrap();
    let again = site
        .resident
        .share_link(id, &token, site.ask("share-key-0000001", ""))
        .await
        .unwrap();
    assert_eq!((shared.status, again.replayed), (200, true), "one press, one link");
    let own = site.resident.see_appointment(id, &token).await.unwrap().unwrap();
    assert_eq!((own.opened_by, own.shared.len()), (Whose::Resident, 1));
    let helper = own.shared[0].token.clone();
    assert_ne!(helper, token);
    let seen = site.resident.see_appointment(id, &helper).await.unwrap().unwrap();
    assert_eq!((seen.opened_by, seen.shared.len()), (Whose::Helper, 0));
    // Whoever helps shares nothing on.
    let on = site.resident.share_link(id, &helper, site.ask("", "")).await.unwrap();
    assert_eq!(text(&on), "not-found");
    site.resident.stop_link(id, &token, 1, site.ask("", "")).await.unwrap();
    assert!(site.resident.see_appointment(id, &helper).await.unwrap().is_none());
    let cancel = site.resident.cancel(id, &helper, site.ask("", "")).await.unwrap();
    assert_eq!(text(&cancel), "not-found");
    assert!(site.resident.see_appointment(id, &token).await.unwrap().is_some());
    // Another one is another secret.
    site.resident.share_link(id, &token, site.ask("", "")).await.unwrap();
    let own = site.resident.see_appointment(id, &token).await.unwrap().unwrap();
    assert_ne!(own.shared[0].token, helper);
    let cancel = site
        .resident
        .cancel(id, &own.shared[0].token, site.ask("", ""))
        .await
        .unwrap();
    assert_eq!(cancel.status, 200, "who helps may cancel");
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_needs_its_birth_date_and_buys_some_minutes() {
    let site = site(&[2]);
    let (id, token) = site.book(site.slots[0], person(1), 1).await.unwrap();
    let (other, _) = site.book(site.slots[0], person(2), 1).await.unwrap();
    let code = site.resident.see_appointment(id, &token).await.unwrap().unwrap().code;
    let code = Code::parse(&code).unwrap();
    let born = parse_date("1980-05-17").unwrap();
    let wrong = parse_date("1980-05-18").unwrap();
    assert!(site.resident.find_by_code(code, wrong).await.unwrap().is_none());
    let unknown = Code::parse("0000-0000-00").unwrap();
    assert!(site.resident.find_by_code(unknown, born).await.unwrap().is_none());
    let found = site.resident.find_by_code(code, born).await.unwrap().unwrap();
    assert_eq!(found.seen.id, id);
    assert!(
        site.resident
            .see_by_code(id, found.said.clone())
            .await
            .unwrap()
            .is_some()
    );
    // It is for this appointment, and for the instant at which it was said.
    assert!(
        site.resident
            .see_by_code(other, found.said.clone())
            .await
            .unwrap()
            .is_none()
    );
    let moved = SaidCode {
        at: Timestamp::from_seconds(found.said.at.seconds() + 1),
        ..found.said.clone()
    };
    assert!(site.resident.see_by_code(id, moved.clone()).await.unwrap().is_none());
    let refused = site.resident.cancel_by_code(id, moved, site.ask("", "")).await.unwrap();
    assert_eq!(text(&refused), "not-found");
    let cancelled = site
        .resident
        .cancel_by_code(id, found.said, site.ask("", ""))
        .await
        .unwrap();
    assert_eq!(cancelled.status, 200);
    site.assert_whole();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_sent_anew_ends_the_one_before() {
    let mut settings = Settings::default();
    // Nobody delivers here: what goes out is not this test's concern.
    settings.set_text(&SMTP_URL, "smtp+plain://127.0.0.1:25").unwrap();
    settings.set_text(&FROM, "no-reply@example.org").unwrap();
    let site = site_on(fresh(), &[2], "a", settings);
    let mut who = person(1);
    who.email = Some("somebody@example.org".to_owned());
    let (id, token) = site.book(site.slots[0], who, 1).await.unwrap();
    let seen = site.resident.see_appointment(id, &token).await.unwrap().unwrap();
    let born = parse_date("1980-05-17").unwrap();
    let found = site
        .resident
        .find_by_code(Code::parse(&seen.code).unwrap(), born)
        .await
        .unwrap()
        .unwrap();
    for _ in 0..2 {
        let sent = site
            .resident
            .send_link_anew(id, found.said.clone(), site.ask("", ""))
            .await
            .unwrap();
        assert_eq!(sent.status, 200);
    }
    // The mail is on its way, for hours where the day's mails are used up: until then the old link is all she has. It
    // opens what it opened, and tells nobody the new one.
    let seen = site.resident.see_appointment(id, &token).await.unwrap().unwrap();
    assert_eq!(seen.manage_token, token);
    let shared = site.resident.share_link(id, &token, site.ask("", "")).await.unwrap();
    assert_eq!(shared.status, 200);
    let mut connection = site.database.connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.execute(
        "UPDATE outbox SET state = 'delivered' WHERE occasion = 'link-sent-anew'",
        &[],
    )
    .unwrap();
    tx.commit().unwrap();
    assert!(
        site.resident.see_appointment(id, &token).await.unwrap().is_none(),
        "the old link is over"
    );
    let cancel = site.resident.cancel(id, &token, site.ask("", "")).await.unwrap();
    assert_eq!(text(&cancel), "not-found");
    let found = site.resident.see_by_code(id, found.said).await.unwrap().unwrap();
    assert!(found.link_sent_at.is_some());
    let anew = found.seen.manage_token;
    assert!(site.resident.see_appointment(id, &anew).await.unwrap().is_some());
    site.assert_whole();
}
