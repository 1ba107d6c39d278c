//! Moving an appointment: the old time stays until the new one is sure.

use base::time::{add_days, add_months, date_text};

use super::journey::book;
use super::{Filled, is_well_made, location, open, words};
use crate::site::{Answered, Site, SlotOfSite};

/// The page to choose on, at a day so many days ahead.
async fn choosing(site: &Site, appointment: &str, days: i64) -> Answered {
    let day = date_text(add_days(site.today(), days));
    let page = open(site, &format!("{appointment}/move?day={day}")).await.is(200);
    is_well_made(&page, true);
    page
}

fn offers(page: &Answered, slot: &SlotOfSite) -> bool {
    page.text().contains(&format!("name=\"slot\" value=\"{}\"", slot.id))
}

/// What an appointment's page says, but for when it was printed.
async fn standing(site: &Site, appointment: &str) -> String {
    let said = words(&open(site, appointment).await.is(200));
    said.split(" Printed ").next().expect("a beginning").to_owned()
}

#[tokio::test]
async fn an_appointment_moves_and_keeps_its_link_and_code() {
    let site = Site::start();
    let appointment = book(&site, "Max").await;
    let before = standing(&site, &appointment).await;
    let choosing = open(&site, &format!("{appointment}/move")).await.is(200);
    is_well_made(&choosing, true);
    let said = words(&choosing);
    assert!(
        said.contains("You keep it until the new time is sure.") && said.contains("Boston Clinic"),
        "{said}"
    );

    let day = base::time::date_text(base::time::add_days(site.today(), 6));
    let choosing = open(
        &site,
        &format!("{appointment}/move?clinic=cln-00000000000000000000000002&day={day}"),
    )
    .await
    .is(200);
    let form = Filled::of(&choosing, &format!("{appointment}/move"));
    let confirm = location(&form.send(&site, &format!("{appointment}/move")).await);
    assert_eq!(
        confirm,
        location(&form.send(&site, &format!("{appointment}/move")).await),
        "pressed twice, held once"
    );
    let page = open(&site, &confirm).await.is(200);
    is_well_made(&page, true);
    assert!(page.text().contains("You still have your old time."), "{}", page.text());
    assert_eq!(before, standing(&site, &appointment).await, "nothing changed yet");

    let form = Filled::of(&page, &confirm);
    let moved = location(&form.send(&site, &confirm).await);
    assert_eq!(
        moved,
        location(&form.send(&site, &confirm).await),
        "pressed twice, moved once"
    );
    let after = words(&open(&site, &moved).await.is(200));
    assert!(
        after.contains("Your appointment is moved") && after.contains("Boston Clinic"),
        "{after}"
    );
    let code = |said: &str| said.split("Your code ").nth(1).map(|rest| rest[..20].to_owned());
    assert_eq!(code(&before), code(&after));
    assert_eq!(
        location(&open(&site, &confirm).await),
        appointment,
        "the page of the move leads to the appointment"
    );
}

#[tokio::test]
async fn the_old_time_stays_when_the_new_one_runs_out_or_is_given_up() {
    let site = Site::start();
    let appointment = book(&site, "Kay").await;
    let before = standing(&site, &appointment).await;
    let moving = format!("{appointment}/move");
    let confirm = location(
        &Filled::of(&open(&site, &moving).await, &moving)
            .send(&site, &moving)
            .await,
    );
    let page = open(&site, &confirm).await;
    let more = Filled::of(&page, &confirm)
        .send(&site, &format!("{confirm}/more-time"))
        .await;
    assert_eq!(location(&more), confirm);
    assert_eq!(
        location(&Filled::default().send(&site, &format!("{confirm}/give-up")).await),
        appointment
    );
    assert_eq!(before, standing(&site, &appointment).await);

    let confirm = location(
        &Filled::of(&open(&site, &moving).await, &moving)
            .send(&site, &moving)
            .await,
    );
    let form = Filled::of(&open(&site, &confirm).await, &confirm);
    site.shift_minutes(11);
    let late = form.send(&site, &confirm).await.is(409);
    is_well_made(&late, true);
    assert!(
        words(&late).contains("You still have your old time. Choose a new time again."),
        "{}",
        words(&late)
    );
    assert_eq!(before, standing(&site, &appointment).await);
}

#[tokio::test]
async fn the_time_that_an_appointment_has_is_no_choice() {
    let site = Site::start();
    let (its, other) = (site.slot("03", 3).await, site.slot("03", 2).await);
    let appointment = site.book_for_birth(&its, add_months(site.today(), -480)).await;
    let page = choosing(&site, &appointment, 1).await;
    assert!(offers(&page, &other) && !offers(&page, &its), "{}", page.text());
    assert!(
        words(&page).contains("2 left"),
        "it is not counted either: {}",
        words(&page)
    );

    let only = site
        .book_for_birth(&site.only_slot().await, add_months(site.today(), -480))
        .await;
    let page = choosing(&site, &only, 3).await;
    assert!(
        words(&page).contains("This clinic has no other times for your appointment."),
        "{}",
        words(&page)
    );
}

#[tokio::test]
async fn only_times_for_the_persons_age_on_that_day_are_a_choice() {
    let site = Site::start_with_children();
    let its = site.slot("03", 3).await;
    let adult = site.book_for_birth(&its, add_months(site.today(), -480)).await;
    // Thirteen in five days.
    let child = add_days(add_months(site.today(), -156), 5);
    let child = site.book_for_birth(&its, child).await;
    let children = [
        site.slot_on("94", 4).await,
        site.slot_on("94", 5).await,
        site.slot_on("94", 6).await,
    ];
    let everyone = site.slot_on("03", 4).await;
    for (days, children, can_have) in [
        (4, &children[0], true),
        (5, &children[1], false),
        (6, &children[2], false),
    ] {
        assert!(!offers(&choosing(&site, &adult, days).await, children), "{days}");
        assert_eq!(
            offers(&choosing(&site, &child, days).await, children),
            can_have,
            "{days}"
        );
    }
    let page = choosing(&site, &adult, 4).await;
    assert!(offers(&page, &everyone), "{}", page.text());
    let said = words(&page);
    assert!(
        said.contains("Boston Clinic") && !said.contains("Clinic Without Place") && !said.contains("MMRV"),
        "no clinic with times for others only: {said}"
    );
    assert!(words(&choosing(&site, &child, 4).await).contains("Clinic Without Place"));

    // At the clinic for children alone an adult is told that there is nothing, and not why.
    let elsewhere = format!("{adult}/move?clinic=cln-00000000000000000000000004");
    let said = words(&open(&site, &elsewhere).await.is(200));
    assert!(
        said.contains("no other times for your appointment") && !said.contains("age"),
        "{said}"
    );
}
