//! The shell says what every page must say.

use html::html;
use html::layout::{Jurisdiction, Page, Shell};
use html::locale::Locale;
use std::sync::LazyLock;

static ENGLISH: LazyLock<Locale> = LazyLock::new(Locale::english);

fn shell(demo: Option<&str>) -> Shell<'static> {
    Shell {
        jurisdiction: Jurisdiction {
            name: "Massachusetts".into(),
            seal_svg: "<svg></svg>".into(),
            phone: Some("617-555-0142".into()),
            demo_as_of: demo.map(str::to_owned),
        },
        locale: &ENGLISH,
        rehearsal: false,
    }
}

#[test]
fn every_page_of_a_demonstration_says_so_first() {
    let document = shell(Some("2021")).document(&Page::new("Find", html! { h1 { "Find" } }));
    let notice = document.find("Demonstration.").expect("the notice");
    assert!(notice < document.find("brand-name").expect("the name"));
    assert!(document.contains("Clinics as of 2021.") && document.contains("Not a place to go."));
    assert!(
        !shell(None)
            .document(&Page::new("Find", html! {}))
            .contains("Demonstration")
    );
}

#[test]
fn the_title_says_when_there_is_something_to_mend() {
    let mut page = Page::new("Your details", html! {});
    assert!(
        shell(None)
            .document(&page)
            .contains("<title>Your details – Massachusetts vaccine appointments</title>")
    );
    page.has_errors = true;
    assert!(shell(None).document(&page).contains("<title>Error: Your details"));
}

#[test]
fn no_page_names_a_third_party_or_runs_a_script() {
    let document = shell(Some("2021")).document(&Page::new("Find", html! {}));
    for never in ["<script", "http://", "https://", " style=", "onclick", "⟦"] {
        assert!(!document.contains(never), "{never}");
    }
    assert!(document.contains(r#"lang="en""#));
}
