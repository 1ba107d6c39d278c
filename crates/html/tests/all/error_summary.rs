//! The error summary: order, links, plural.

use expect_test::expect;
use html::error_summary::{Errors, error_summary};
use html::locale::Locale;

#[test]
fn errors_stand_in_the_order_of_the_fields_and_link_to_them() {
    let mut errors = Errors::new();
    errors.add("given-name", "Type your first name".into());
    errors.add("phone", "Phone number needs ten digits, like 413-555-0188".into());
    errors.add("given-name", "a second word about the same field is dropped".into());
    let locale = Locale::english();
    expect![[r##"<div class="error-summary" role="alert" tabindex="-1" autofocus aria-labelledby="error-summary-title"><h2 id="error-summary-title">There is a problem with 2 answers</h2><ul><li><a href="#given-name">Type your first name</a></li><li><a href="#phone">Phone number needs ten digits, like 413-555-0188</a></li></ul></div>"##]]
        .assert_eq(&error_summary(&errors, &locale).into_string());
    assert_eq!(error_summary(&Errors::new(), &locale).into_string(), "");
}
