//! Rules that hold documents and code together.

use super::check;

const README: (&str, &str) = ("README.md", "See [the map](ARCHITECTURE.md).\n");

#[test]
fn every_path_named_in_a_document_exists() {
    let map = |text| {
        [
            README,
            ("crates/base/src/id.rs", "//! Typed ids."),
            ("ARCHITECTURE.md", text),
        ]
    };
    check(
        "paths",
        &map("`crates/base/src/id.rs`, `base/src/{id}.rs`, `id.rs`, `crates/*/src`, `DATA/keys/`, `/api/v1`"),
        &[],
    );
    check(
        "paths",
        &map("`crates/base/src/gone.rs`"),
        &["ARCHITECTURE.md:1: names `crates/base/src/gone.rs`"],
    );
    check(
        "paths",
        &map("`base/src/{id,gone}.rs`"),
        &["ARCHITECTURE.md:1: names `base/src/gone.rs`"],
    );
    check("paths", &map("`gone.rs`"), &["ARCHITECTURE.md:1: names `gone.rs`"]);
    check(
        "paths",
        &map("[gone](docs/gone.md)"),
        &["ARCHITECTURE.md:1: links to `docs/gone.md`"],
    );
    check("paths", &map("```\n`gone.rs`\n```"), &[]);
    check(
        "paths",
        &[README],
        &[
            "README.md:1: links to `ARCHITECTURE.md`",
            "ARCHITECTURE.md: does not exist",
        ],
    );
}

#[test]
fn every_setting_is_documented_and_every_documented_setting_is() {
    let source = "//! Limits of holds.\npub const A: Setting = Setting { key: \"booking.hold.lifetime\", default: 1 };";
    let code = ("crates/booking/src/limit.rs", source);
    check(
        "settings",
        &[code, ("docs/settings.md", "| `booking.hold.lifetime` | 10 |\n")],
        &[],
    );
    check(
        "settings",
        &[code],
        &["crates/booking/src/limit.rs:2: the setting `booking.hold.lifetime` has no row"],
    );
    let gone = (
        "docs/settings.md",
        "| `booking.hold.lifetime` | 10 |\n| `booking.gone` | 1 |\n",
    );
    check(
        "settings",
        &[code, gone],
        &["docs/settings.md:2: `booking.gone` is no setting"],
    );
    let again = ("crates/server/src/limit.rs", source);
    let documented = ("docs/settings.md", "| `booking.hold.lifetime` | 10 |\n");
    check(
        "settings",
        &[code, again, documented],
        &["crates/server/src/limit.rs:2: the key"],
    );
}

#[test]
fn every_metric_is_documented() {
    let source = "//! What is counted.\nfn f(r: &mut Registry) { r.register(\"holds\", \"Holds placed\", a); name(\"process_open_fds\"); }";
    let code = ("crates/booking/src/metrics.rs", source);
    check(
        "metrics",
        &[code, ("docs/metrics.md", "`evenkeel_holds_total`, `process_open_fds`")],
        &[],
    );
    check(
        "metrics",
        &[code, ("docs/metrics.md", "`process_open_fds`")],
        &["crates/booking/src/metrics.rs:2: the metric `evenkeel_holds` is not in docs/metrics.md"],
    );
}

#[test]
fn every_refusal_and_fault_code_is_documented() {
    let source = "//! The ways to say no.\nimpl Refusal { fn code(&self) -> &str { match self { A => \"slot-full\", B => \"too-soon\" } } }";
    let code = ("crates/scheduling/src/refusal.rs", source);
    check("codes", &[code, ("docs/api.md", "`slot-full` `too-soon`")], &[]);
    check(
        "codes",
        &[code, ("docs/api.md", "`slot-full`")],
        &["crates/scheduling/src/refusal.rs:2: the code `too-soon` is not in docs/api.md"],
    );
}

#[test]
fn every_text_asked_for_is_defined_and_every_text_defined_is_asked_for() {
    let page = |body: &str| {
        (
            "crates/server/src/resident/home.rs",
            format!("//! The first page.\n{body}"),
        )
    };
    let check = |body: &str, ftl: &str, expected: &[&str]| {
        let (path, text) = page(body);
        check("fluent", &[(path, &text), ("locales/en/resident.ftl", ftl)], expected);
    };
    check(
        "fn f(l: &Locale) { html! { h1 { (l.text(\"home\")) } }; }",
        "home = Find\n",
        &[],
    );
    check(
        "fn f(l: &Locale) { html! { h1 { (l.text(\"gone\")) } }; l.text(\"home\"); }",
        "home = Find\n",
        &["crates/server/src/resident/home.rs:2: `gone` is not among"],
    );
    check(
        "fn f(l: &Locale) { l.text(\"home\"); }",
        "home = Find\nold = Old\n",
        &["locales/en/resident.ftl:2: nobody asks for `old`"],
    );
    check(
        "fn f(l: &Locale) { l.text(&format!(\"month-{n}\")); }",
        "month-1 = January\n",
        &[],
    );
    check(
        "fn f(l: &Locale) { gone(\"time-gone\"); l.text(&format!(\"{what}-title\")); }",
        "time-gone-title = Gone\nother-title = Other\n",
        &["locales/en/resident.ftl:2: nobody asks for `other-title`"],
    );
    check(
        "fn f(l: &Locale) { l.text(\"home\"); }",
        "home = Find at { -name }\n-name = Evenkeel\n",
        &[],
    );
    check(
        "fn f(l: &Locale) { l.text(\"a\"); }",
        "a = A\na = B\n",
        &["locales/en/resident.ftl:2: `a` is defined twice"],
    );
}
