//! From a time to a booked appointment, without a script and without a cookie.

use super::{Filled, is_well_made, location, open, words};
use crate::site::Site;

/// Keeps a time for an adult and returns its page's address.
pub async fn hold(site: &Site, capacity: u64) -> String {
    let slot = site.slot("03", capacity).await;
    let screening = open(site, &format!("/times/{}", slot.id)).await.is(200);
    is_well_made(&screening, false);
    let held = Filled::of(&screening, "/holds")
        .with("age", "216-780")
        .send(site, "/holds")
        .await;
    location(&held)
}

/// Books, and returns the appointment's address without its question mark.
pub async fn book(site: &Site, given_name: &str) -> String {
    let hold = hold(site, 3).await;
    let form = Filled::of(&open(site, &hold).await.is(200), &format!("{hold}/details")).person(given_name);
    let check = form.send(site, &format!("{hold}/details")).await.is(200);
    let booked = Filled::of(&check, &format!("{hold}/book"))
        .send(site, &format!("{hold}/book"))
        .await;
    location(&booked).split('?').next().expect("an address").to_owned()
}

#[tokio::test]
async fn a_person_books_and_sees_it() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let page = open(&site, &hold).await.is(200);
    is_well_made(&page, true);
    let text = page.text();
    assert!(
        text.contains("9 minutes left") && text.contains("You are not booked yet."),
        "{text}"
    );

    let details = format!("{hold}/details");
    let check = Filled::of(&page, &details)
        .person("Sam")
        .with("needs", "wheelchair")
        .send(&site, &details)
        .await
        .is(200);
    is_well_made(&check, true);
    let said = words(&check);
    for says in [
        "Check your answers",
        "MMR",
        "Sam Sample",
        "March 27, 1958",
        "413-555-0188",
        "A way in without steps",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }

    let form = Filled::of(&check, &format!("{hold}/book"));
    let booked = location(&form.send(&site, &format!("{hold}/book")).await);
    let again = location(&form.send(&site, &format!("{hold}/book")).await);
    assert_eq!(booked, again, "pressed twice, booked once");
    for never in ["Sam", "1958", "0188"] {
        assert!(!booked.contains(never), "nothing typed stands in an address");
    }

    let page = open(&site, &booked).await.is(200);
    is_well_made(&page, true);
    let said = words(&page);
    for says in [
        "You are booked",
        "Your code",
        "For Sam",
        "Worcester Clinic",
        " ET",
        "Add to calendar",
        "Go at your time.",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(
        !said.contains("1958") && !said.contains("413-555-0188"),
        "no more of a person than to greet by: {said}"
    );
    assert!(page.text().contains("role=\"img\""), "with its square code");
    let later = open(&site, booked.split('?').next().expect("an address")).await.is(200);
    assert!(words(&later).contains("Your appointment"));
}

#[tokio::test]
async fn what_is_wrong_is_said_twice_and_what_was_typed_stays() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let details = format!("{hold}/details");
    let form = Filled::of(&open(&site, &hold).await, &details);
    let page = form
        .with("given-name", "\"Zoë\" <b>")
        .with("birth-month", "3")
        .with("birth-day", "27")
        .with("birth-year", "58")
        .with("email", "not an address")
        .send(&site, &details)
        .await
        .is(422);
    is_well_made(&page, true);
    let text = page.text();
    assert!(text.contains("<title>Error: Your details"), "{text}");
    assert!(text.contains("There is a problem with 3 answers"), "{text}");
    let order: Vec<_> = ["#family-name", "#birth-year", "#email"]
        .map(|id| text.find(&format!("href=\"{id}\"")))
        .into();
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "in the order of the fields: {order:?}"
    );
    for kept in [
        "value=\"&quot;Zoë&quot; &lt;b&gt;\"",
        "value=\"58\"",
        "value=\"not an address\"",
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert_eq!(
        words(&page)
            .matches("Year of birth must have four digits, like 1958")
            .count(),
        2
    );
}

#[tokio::test]
async fn more_time_keeps_the_typing_and_moves_the_end() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let details = format!("{hold}/details");
    site.shift_minutes(5);
    let page = open(&site, &hold).await;
    assert!(page.text().contains("4 minutes left"), "{}", page.text());
    let form = Filled::of(&page, &details).with("given-name", "Half").with("at", "");
    let more = form.send(&site, &format!("{hold}/more-time")).await.is(200);
    is_well_made(&more, true);
    assert!(
        more.text().contains("9 minutes left") && more.text().contains("value=\"Half\""),
        "{}",
        more.text()
    );
}

#[tokio::test]
async fn an_answer_can_be_changed_from_the_check() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let details = format!("{hold}/details");
    let check = Filled::of(&open(&site, &hold).await, &details)
        .person("Ana")
        .send(&site, &details)
        .await
        .is(200);
    assert!(check.text().contains(&format!("formaction=\"{details}#given-name\"")));
    let back = Filled::of(&check, &format!("{hold}/book"))
        .with("edit", "given-name")
        .send(&site, &details)
        .await
        .is(200);
    assert!(back.text().contains("Your details") && back.text().contains("value=\"Ana\""));
    assert!(!back.text().contains("Error: "));
}

#[tokio::test]
async fn a_time_that_ran_out_while_typing_offers_others_and_keeps_the_typing() {
    let site = Site::start();
    let hold = hold(&site, 1).await;
    let details = format!("{hold}/details");
    let form = Filled::of(&open(&site, &hold).await, &details).person("Slow");
    let check = form.send(&site, &details).await.is(200);
    let book = Filled::of(&check, &format!("{hold}/book"));
    site.shift_minutes(11);
    let gone = book.send(&site, &format!("{hold}/book")).await.is(409);
    is_well_made(&gone, true);
    let said = words(&gone);
    for says in [
        "Your time to book ran out",
        "What you typed is still here",
        "These three open times are the closest to it",
    ] {
        assert!(said.contains(says), "{says}: {said}");
    }
    assert_eq!(gone.text().matches("action=\"/holds\"").count(), 3);
    // Choosing one of them goes straight on to the check: nothing has to be typed again.
    let check = Filled::of(&gone, "/holds").send(&site, "/holds").await.is(200);
    let said = words(&check);
    assert!(
        said.contains("Check your answers") && said.contains("Slow Sample"),
        "{said}"
    );
    // The page of the hold says so too.
    let over = open(&site, &hold).await.is(409);
    assert!(words(&over).contains("You are not booked."));
}

#[tokio::test]
async fn someone_else_first_means_the_nearest_three() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let screening = open(&site, &format!("/times/{}", slot.id)).await;
    let form = Filled::of(&screening, "/holds").with("age", "216-780");
    site.hold(&slot).await;
    let gone = form.send(&site, "/holds").await.is(409);
    is_well_made(&gone, true);
    let said = words(&gone);
    assert!(
        said.contains("Someone else took that time first") && said.contains("These three open times"),
        "{said}"
    );
    assert!(!said.contains("What you typed"), "nothing was typed yet");
    open(&site, &format!("/times/{}", slot.id)).await.is(409);
}

#[tokio::test]
async fn too_young_is_said_before_a_place_is_kept() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let screening = open(&site, &format!("/times/{}", slot.id)).await;
    let form = Filled::of(&screening, "/holds");
    let unanswered = form.send(&site, "/holds").await.is(422);
    is_well_made(&unanswered, true);
    assert_eq!(words(&unanswered).matches("Choose an age").count(), 2);
    let no = form.clone().with("age", "0-6").send(&site, "/holds").await.is(409);
    is_well_made(&no, true);
    assert!(
        words(&no).contains("MMR is given here from the age of 1 year"),
        "{}",
        words(&no)
    );
    assert_eq!(site.free(&slot).await, 1, "no place was kept");
}

#[tokio::test]
async fn the_exact_rules_are_asked_again_when_it_is_booked() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let (details, book) = (format!("{hold}/details"), format!("{hold}/book"));
    let form = Filled::of(&open(&site, &hold).await, &details)
        .person("Pat")
        .with("q-pregnant", "yes");
    let check = form.send(&site, &details).await.is(200);
    let no = Filled::of(&check, &book).send(&site, &book).await.is(409);
    is_well_made(&no, true);
    let said = words(&no);
    assert!(
        said.contains("This person can't have this vaccine here now") && said.contains("Nothing was booked"),
        "{said}"
    );
    assert!(said.contains("Check your answers"), "and can be mended: {said}");
    let mended = Filled::of(&no, &book).with("q-pregnant", "no").send(&site, &book).await;
    assert!(location(&mended).starts_with("/appointment/"));
}

#[tokio::test]
async fn giving_up_frees_the_time_at_once() {
    let site = Site::start();
    let slot = site.slot("03", 1).await;
    let screening = open(&site, &format!("/times/{}", slot.id)).await;
    let hold = location(
        &Filled::of(&screening, "/holds")
            .with("age", "216-780")
            .send(&site, "/holds")
            .await,
    );
    assert_eq!(site.free(&slot).await, 0);
    let gone = location(&Filled::default().send(&site, &format!("{hold}/give-up")).await);
    assert_eq!(gone, hold);
    assert_eq!(site.free(&slot).await, 1);
    let page = open(&site, &hold).await.is(409);
    assert!(words(&page).contains("You gave up this time"), "{}", words(&page));
}

#[tokio::test]
async fn a_hold_that_was_booked_says_so_and_books_no_second_time() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let details = format!("{hold}/details");
    let form = Filled::of(&open(&site, &hold).await, &details).person("Once");
    let check = form.send(&site, &details).await.is(200);
    let book = format!("{hold}/book");
    location(&Filled::of(&check, &book).send(&site, &book).await);
    let second = Filled::of(&check, &book)
        .with("key", "another-key-of-another-press")
        .send(&site, &book)
        .await
        .is(409);
    assert!(words(&second).contains("This time is booked"), "{}", words(&second));
    assert!(words(&open(&site, &hold).await).contains("You do not need to book again"));
}

#[tokio::test]
async fn an_appointment_is_canceled_after_asking_once() {
    let site = Site::start();
    let appointment = book(&site, "Cora").await;
    let asking = open(&site, &format!("{appointment}/cancel")).await.is(200);
    is_well_made(&asking, true);
    let said = words(&asking);
    assert!(
        said.find("Move it to another time") < said.find("Cancel appointment"),
        "the move is offered first: {said}"
    );
    let form = Filled::of(&asking, &format!("{appointment}/cancel"));
    let canceled = location(&form.send(&site, &format!("{appointment}/cancel")).await);
    assert_eq!(
        canceled,
        location(&form.send(&site, &format!("{appointment}/cancel")).await)
    );
    let page = open(&site, &canceled).await.is(200);
    is_well_made(&page, true);
    let said = words(&page);
    assert!(
        said.contains("is canceled. Someone else can have that time now."),
        "{said}"
    );
    assert!(
        said.contains("Choose a new time") && !said.contains("Your code"),
        "{said}"
    );
}

#[tokio::test]
async fn a_browser_that_comes_back_to_a_forms_address_is_led_on() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    for form in ["details", "book", "more-time", "give-up"] {
        assert_eq!(location(&open(&site, &format!("{hold}/{form}")).await), hold, "{form}");
    }
    let strange = location(&open(&site, "/hold/a%0D%0Ab/%2F%2Fevil/details").await);
    assert_eq!(
        strange, "/hold/a%0D%0Ab/%2F%2Fevil",
        "nobody else's words make a header or lead away"
    );
}
