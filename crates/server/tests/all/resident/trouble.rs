//! When it does not go on: links that open nothing, wrong methods, and the world failing.

use super::journey::{book, hold};
use super::{Filled, is_well_made, open, words};
use crate::site::Site;

#[tokio::test]
async fn a_link_that_opens_nothing_always_says_the_same() {
    let site = Site::start();
    let appointment = book(&site, "Lee").await;
    let hold = hold(&site, 3).await;
    let (id, _) = appointment.rsplit_once('/').expect("a token");
    let (hold_id, hold_token) = hold.rsplit_once('/').expect("a token");
    let expected = words(&open(&site, "/nowhere").await.is(404));
    assert!(expected.contains("We can't find this page"), "{expected}");
    for path in [
        format!("{id}/wrong"),
        format!("{id}/{hold_token}"),
        format!("{hold_id}/wrong"),
        "/appointment/apt-00000000000000000000000000/wrong".to_owned(),
        "/appointment/nonsense/wrong".to_owned(),
        "/times/nonsense".to_owned(),
        "/assets/other.css".to_owned(),
    ] {
        let page = open(&site, &path).await.is(404);
        is_well_made(&page, true);
        assert_eq!(words(&page), expected, "{path}");
        assert!(
            page.text().contains("If you call us about this page, say:"),
            "it has a reference"
        );
    }
    for path in [
        format!("{id}/wrong/cancel"),
        format!("{hold_id}/wrong/book"),
        format!("{hold_id}/wrong/give-up"),
    ] {
        Filled::default().send(&site, &path).await.is(404);
    }
}

#[tokio::test]
async fn a_bug_of_ours_is_a_page_with_a_reference() {
    let site = Site::start();
    let app = site.app();
    let broken = axum::Router::new()
        .route("/", axum::routing::get(|| async { broken_promise() }))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            server::resident::bug_in_words,
        ))
        .with_state(app);
    let page = crate::site::ask(&broken, "GET", "/").send().await.is(500);
    is_well_made(&page, true);
    assert!(words(&page).contains("This is our mistake."), "{}", words(&page));
}

fn broken_promise() -> &'static str {
    panic!("a bug, planted")
}

#[tokio::test]
async fn a_wrong_method_is_said_in_words() {
    let site = Site::start();
    let page = open(&site, "/holds").await.is(405);
    is_well_made(&page, true);
    assert_eq!(page.header("allow"), "POST");
    assert!(words(&page).contains("use the buttons on the page"));
}

#[tokio::test]
async fn too_much_text_is_said_in_words() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let page = Filled::default()
        .with("given-name", &"x".repeat(70_000))
        .send(&site, &format!("{hold}/details"))
        .await;
    let page = page.is(413);
    is_well_made(&page, true);
    assert!(words(&page).contains("make your answers shorter"));
}

#[tokio::test]
async fn a_fault_keeps_the_typing_and_asks_the_same_again_with_the_same_key() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let (details, book) = (format!("{hold}/details"), format!("{hold}/book"));
    let form = Filled::of(&open(&site, &hold).await, &details).person("Fay");
    let check = form.send(&site, &details).await.is(200);
    let sent = Filled::of(&check, &book);
    site.stop_writing();
    let page = sent.send(&site, &book).await.is(503);
    is_well_made(&page, true);
    assert!(!page.header("retry-after").is_empty());
    let said = words(&page);
    assert!(
        said.contains("Check again") && said.contains("What you typed is still here"),
        "{said}"
    );
    let again = Filled::of(&page, &book);
    assert_eq!(again.get("key"), sent.get("key"));
    assert_eq!((again.get("given-name"), again.get("birth-year")), ("Fay", "1958"));
    // Finding goes on, and says that booking does not.
    assert!(words(&open(&site, "/").await.is(200)).contains("You can't book right now"));
    open(&site, "/clinics?q=01602").await.is(200);
}
