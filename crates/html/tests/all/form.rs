//! Fields keep what was typed, escape it, and are tied to their hint and error.

use html::form::{Choice, DateField, Question, TextField, Width, WrongParts};

fn name<'a>(value: &'a str, error: Option<&'a str>) -> TextField<'a> {
    TextField {
        name: "given-name",
        label: "First name",
        hint: Some("As on your card"),
        error,
        value,
        kind: "text",
        autocomplete: "given-name",
        width: Width::Full,
        longest: 100,
    }
}

#[test]
fn what_was_typed_is_kept_and_escaped() {
    let markup = name("\"><script>", Some("Type it")).markup().into_string();
    assert!(markup.contains(r#"value="&quot;&gt;&lt;script&gt;""#), "{markup}");
    assert!(
        markup.contains(r#"aria-describedby="given-name-hint given-name-error""#),
        "{markup}"
    );
    assert!(markup.contains(r#"aria-invalid="true""#));
    assert!(!name("Ana", None).markup().into_string().contains("aria-invalid"));
}

#[test]
fn a_date_marks_only_the_part_at_fault() {
    let wrong = WrongParts {
        year: true,
        ..WrongParts::default()
    };
    let markup = DateField {
        name: "birth",
        legend: "Date of birth",
        hint: "For example, 3 27 1958",
        error: Some("Year of birth must have four digits, like 1958"),
        wrong,
        typed: ["3", "27", "58"],
        labels: ["Month", "Day", "Year"],
    }
    .markup()
    .into_string();
    assert_eq!(markup.matches("is-wrong").count(), 1);
    assert_eq!(DateField::id_at_fault("birth", wrong), "birth-year");
    assert!(markup.contains(r#"value="58""#));
}

#[test]
fn a_question_is_a_fieldset_whose_first_answer_has_its_name() {
    let choices = [Choice::new("yes", "Yes"), Choice::new("no", "No")];
    let question = Question {
        name: "q-1",
        legend: "Are you ill today?",
        hint: None,
        error: None,
        choices: &choices,
    };
    let markup = question.radios("no").into_string();
    assert!(
        markup.starts_with(r#"<fieldset class="field"><legend class="label">Are you ill today?</legend>"#),
        "{markup}"
    );
    assert_eq!(markup.matches(r#"id="q-1""#).count(), 1);
    assert!(markup.contains(r#"value="no" checked"#), "{markup}");
}
