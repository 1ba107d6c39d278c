//! An appointment found again by its code and a birth date: what it shows, and what it never does.

use std::net::SocketAddr;
use std::time::Duration;

use base::time::Timestamp;
use runtime::clock::Clock;

use super::journey::{book, hold};
use super::{Filled, is_well_made, location, open, words};
use crate::site::{Answered, Site};

/// The code that an appointment's page shows.
async fn code(site: &Site, appointment: &str) -> String {
    let text = open(site, appointment).await.is(200).text();
    let mark = "aria-hidden=\"true\" class=\"nb\">";
    let start = text.find(mark).expect("a code") + mark.len();
    text[start..start + 12].to_owned()
}

fn typed(code: &str, year: &str) -> Filled {
    Filled::default()
        .with("code", code)
        .with("birth-month", "3")
        .with("birth-day", "27")
        .with("birth-year", year)
}

async fn look_up(site: &Site, filled: Filled) -> Answered {
    filled.send(site, "/my-appointment").await
}

#[tokio::test]
async fn who_left_a_contact_sees_the_time_and_cancels_and_nothing_else() {
    let site = Site::start();
    let appointment = book(&site, "Max").await;
    let code = code(&site, &appointment).await;
    is_well_made(&open(&site, "/my-appointment").await.is(200), false);
    // As it is read out on the telephone.
    let said = format!(" {} ", code.to_lowercase().replace('-', " "));
    let found = location(&look_up(&site, typed(&said, "1958")).await);
    assert!(
        !found.contains("1958") && found.starts_with("/my-appointment/apt-"),
        "{found}"
    );
    let page = open(&site, &found).await.is(200);
    is_well_made(&page, true);
    let text = page.text();
    assert!(
        text.contains("Cancel appointment") && text.contains("use your own link"),
        "{text}"
    );
    assert!(
        !text.contains("Max") && !text.contains("/move"),
        "no name, no way to move: {text}"
    );
    // Opening a page, as mail scanners do, changes nothing.
    assert!(open(&site, &format!("{found}/cancel")).await.status.is_redirection());
    assert!(words(&open(&site, &appointment).await.is(200)).contains("Your appointment"));
    let form = Filled::of(&page, &format!("{found}/cancel"));
    for _ in 0..2 {
        let canceled = location(&form.send(&site, &format!("{found}/cancel")).await);
        let page = open(&site, &canceled).await.is(200);
        is_well_made(&page, true);
        assert!(words(&page).contains("Your appointment is canceled"));
    }
}

#[tokio::test]
async fn who_left_none_may_move_too() {
    let site = Site::start();
    let hold = hold(&site, 3).await;
    let form = Filled::of(&open(&site, &hold).await.is(200), &format!("{hold}/details"))
        .person("Ada")
        .with("phone", "");
    let check = form.send(&site, &format!("{hold}/details")).await.is(200);
    let booked = Filled::of(&check, &format!("{hold}/book"))
        .send(&site, &format!("{hold}/book"))
        .await;
    let appointment = location(&booked).split('?').next().expect("an address").to_owned();
    let code = code(&site, &appointment).await;
    assert_eq!(location(&look_up(&site, typed(&code, "1958")).await), appointment);
}

#[tokio::test]
async fn a_wrong_code_and_a_wrong_date_are_one_answer() {
    let site = Site::start();
    let code = code(&site, &book(&site, "Max").await).await;
    let unknown = look_up(&site, typed("0000-0000-00", "1958")).await.is(422);
    let wrong = look_up(&site, typed(&code, "1959")).await.is(422);
    is_well_made(&wrong, true);
    let said = |page: &Answered| words(page);
    assert_eq!(said(&unknown), said(&wrong));
    assert!(said(&wrong).contains("We find no appointment with this code and date of birth"));
    for (filled, says) in [
        (typed("", "1958"), "Type your code"),
        (typed("7KXM-2QRD-9K", "1958"), "Type your code"),
        (typed(&code, "58"), "Year of birth must have four digits"),
        (Filled::default(), "Type the date of birth"),
    ] {
        let page = look_up(&site, filled).await.is(422);
        is_well_made(&page, true);
        assert!(said(&page).contains(says), "{says}: {}", said(&page));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_does_not_tell_which_was_wrong_and_many_at_once_wait_for_each_other() {
    let site = Site::start();
    let code = code(&site, &book(&site, "Max").await).await;
    let from = |n: u16| SocketAddr::from(([10, 0, (n >> 8) as u8, n as u8], 4000));
    let clock = &Clock::real();
    let timed = |code: String, year: &'static str, n: u16| {
        let asking = typed(&code, year).asking(&site, "/my-appointment").from(from(n));
        async move {
            let began = clock.monotonic();
            asking.send_as_is().await.is(422);
            clock.monotonic().saturating_sub(began)
        }
    };
    let mut took = [Vec::new(), Vec::new()];
    for n in 0..9 {
        // One of each at a time, from addresses of their own: neither waits for another.
        let (unknown, wrong) = tokio::join!(
            timed("0000-0000-00".to_owned(), "1958", 2 * n),
            timed(code.clone(), "1959", 2 * n + 1),
        );
        took[0].push(unknown);
        took[1].push(wrong);
    }
    let [unknown, wrong] = took.map(|mut took: Vec<Duration>| {
        took.sort_unstable();
        took[took.len() / 2].as_secs_f64()
    });
    println!("median for a wrong code {unknown:.3} s, for a wrong date {wrong:.3} s");
    assert!((unknown / wrong - 1.0).abs() < 0.1, "{unknown} against {wrong}");

    let again = || {
        typed(&code, "1960")
            .asking(&site, "/my-appointment")
            .from(from(900))
            .send_as_is()
    };
    let (one, two, three, four, five, six) = tokio::join!(again(), again(), again(), again(), again(), again());
    let mut statuses = [one, two, three, four, five, six].map(|answered| answered.status.as_u16());
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        [422, 422, 422, 422, 429, 429],
        "four wait, the others are told to come back"
    );
}

#[tokio::test]
async fn a_page_that_was_never_given_out_opens_nothing() {
    let site = Site::start();
    let appointment = book(&site, "Max").await;
    let id = appointment.split('/').nth(2).expect("an id").to_owned();
    let token = appointment.split('/').nth(3).expect("a token").to_owned();
    let now = Timestamp::parse(&site.now_text()).expect("an instant").seconds();
    for path in [
        format!("/my-appointment/{id}/{now}/{token}"),
        format!("/my-appointment/{id}/0/{token}"),
        format!("/my-appointment/{id}/-99999999999999/{token}"),
        format!("/my-appointment/apt-0/{now}/{token}"),
    ] {
        let page = open(&site, &path).await;
        assert_eq!(page.status.as_u16(), 404, "{path}");
    }
}
