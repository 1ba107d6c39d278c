//! Links for people who help: made, used, stopped.

use super::journey::book;
use super::{Filled, is_well_made, location, open, words};
use crate::site::Site;

#[tokio::test]
async fn a_link_for_somebody_who_helps_is_made_used_and_stopped() {
    let site = Site::start();
    let appointment = book(&site, "Max").await;
    let share = format!("{appointment}/share");
    assert!(open(&site, &appointment).await.text().contains(&share));
    let page = open(&site, &share).await.is(200);
    is_well_made(&page, true);
    let form = Filled::of(&page, &share);
    for _ in 0..2 {
        assert_eq!(
            location(&form.send(&site, &share).await),
            share,
            "pressed twice, one link"
        );
    }
    let page = open(&site, &share).await.is(200);
    is_well_made(&page, true);
    let text = page.text();
    assert!(text.contains("Link 1") && !text.contains("Link 2"), "{text}");
    let start = text.find("class=\"personal-link after\"><a href=\"").expect("a link") + 37;
    let helper = text[start..start + text[start..].find('"').expect("it ends")].to_owned();
    assert!(
        helper != appointment && helper.starts_with("/appointment/apt-"),
        "{helper}"
    );

    let seen = open(&site, &helper).await.is(200);
    is_well_made(&seen, true);
    assert!(words(&seen).contains("Move to another time") && !seen.text().contains("/share"));
    open(&site, &format!("{helper}/move")).await.is(200);
    assert_eq!(open(&site, &format!("{helper}/share")).await.status.as_u16(), 404);

    let stop = format!("{share}/1/stop");
    let form = Filled::of(&page, &stop);
    assert!(
        open(&site, &stop).await.status.is_redirection(),
        "opening it stops nothing"
    );
    open(&site, &helper).await.is(200);
    for _ in 0..2 {
        assert_eq!(location(&form.send(&site, &stop).await), share);
    }
    assert_eq!(open(&site, &helper).await.status.as_u16(), 404);
    open(&site, &appointment).await.is(200);
}
