//! Finding a clinic and a time.

use super::{is_well_made, open, words};
use crate::site::Site;

#[tokio::test]
async fn the_first_page_asks_one_question_and_is_small() {
    let site = Site::start();
    let home = open(&site, "/").await.is(200);
    is_well_made(&home, false);
    let said = words(&home);
    assert!(said.contains("Find a vaccine appointment near you."), "{said}");
    assert!(said.contains("Booking is working"), "{said}");
    let text = home.text();
    let sheet = text
        .split('"')
        .find(|part| part.starts_with("/assets/"))
        .expect("a style sheet");
    let sheet = open(&site, sheet).await.is(200);
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(home.body.len() + sheet.body.len() < 100_000);
}

#[tokio::test]
async fn a_clinic_is_found_by_zip_town_or_name() {
    let site = Site::start();
    for (query, says, not) in [
        ("01602", "Worcester Clinic", "Boston Clinic"),
        ("01602-1234", "Worcester Clinic", "Boston Clinic"),
        ("worcester, MA", "One clinic in Worcester", "Boston Clinic"),
        ("without place", "We don't know how far this is", "Boston Clinic"),
        ("BOSTON CLINIC", "One clinic named", "Worcester"),
    ] {
        let page = open(&site, &format!("/clinics?q={}", query.replace(' ', "+")))
            .await
            .is(200);
        is_well_made(&page, false);
        let said = words(&page);
        assert!(said.contains(says) && !said.contains(not), "{query}: {said}");
    }
    let near = words(&open(&site, "/clinics?q=01602").await);
    assert!(
        near.contains("2.0 miles away") && near.contains("times open") && near.contains(" ET"),
        "{near}"
    );
}

#[tokio::test]
async fn farther_away_is_one_press_farther() {
    let site = Site::start();
    let wider = words(&open(&site, "/clinics?q=01602&within=50").await.is(200));
    assert!(wider.contains("Boston Clinic"), "{wider}");
    let none = open(&site, "/clinics?q=02108&within=1&vaccine=141").await.is(200);
    let said = words(&none);
    assert!(
        said.contains("No clinics within 1 mile of 02108") && said.contains("Look within 50 miles"),
        "{said}"
    );
}

#[tokio::test]
async fn an_unclear_place_is_asked_about_beside_its_field() {
    let site = Site::start();
    for (query, says) in [
        ("", "Type a ZIP code, like 01608"),
        ("99999", "We don't know the ZIP code 99999"),
        ("123", "We don't know the ZIP code 123"),
        ("%3Cb%3Eatlantis", "We found no town or clinic called"),
    ] {
        let page = open(&site, &format!("/clinics?q={query}")).await.is(422);
        is_well_made(&page, true);
        let text = page.text();
        assert!(
            text.contains("<title>Error: ") && text.contains("href=\"#q\""),
            "{text}"
        );
        assert!(
            words(&page).matches(says).count() == 2,
            "in the summary and beside the field: {}",
            words(&page)
        );
        assert!(!text.contains("<b>atlantis"), "what was typed is escaped");
    }
}

#[tokio::test]
async fn a_clinic_shows_its_days_and_the_times_of_one() {
    let site = Site::start();
    let id = crate::world::WORCESTER;
    let page = open(&site, &format!("/clinics/{id}")).await.is(200);
    is_well_made(&page, false);
    let said = words(&page);
    for says in [
        "Choose a day",
        "Open times as of",
        "Morning",
        "10:00 AM",
        "1 left",
        "Times are Eastern Time (ET).",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(!said.contains("Choose a vaccine"), "it has only one");
    let later = open(
        &site,
        &format!(
            "/clinics/{id}?day={}",
            base::time::date_text(base::time::add_days(site.today(), 9))
        ),
    )
    .await;
    assert!(words(&later).contains("Earlier days"));
    open(&site, "/clinics/cln-7zzzzzzzzzzzzzzzzzzzzzzzzz").await.is(404);
    open(&site, "/clinics/nonsense").await.is(404);
}

#[tokio::test]
async fn a_clinic_without_times_says_so_and_not_that_none_are_left() {
    let site = Site::start();
    let said = words(&open(&site, "/clinics?q=without+place").await);
    assert!(
        said.contains("No times posted yet") && !said.contains("None left"),
        "{said}"
    );
}
