//! The glossary's bans.

use super::check;

const FILE: &str = "crates/server/src/route.rs";

#[test]
fn no_file_is_a_drawer() {
    check(
        "glossary",
        &[("crates/server/src/utils.rs", "//! Things.")],
        &["crates/server/src/utils.rs: `utils` names a drawer"],
    );
    check(
        "glossary",
        &[("crates/server/src/hold_manager.rs", "//! Things.")],
        &["crates/server/src/hold_manager.rs:"],
    );
    check("glossary", &[("crates/server/src/hold.rs", "//! Holds.")], &[]);
}

#[test]
fn no_type_has_a_banned_word() {
    check(
        "glossary",
        &[(FILE, "//! Routes.\npub struct HoldManager;")],
        &["crates/server/src/route.rs:2: `HoldManager`"],
    );
    check(
        "glossary",
        &[(FILE, "//! Routes.\npub enum User {}")],
        &["crates/server/src/route.rs:2: `User`: not `User`; a Resident"],
    );
    check("glossary", &[(FILE, "//! Routes.\npub struct Managed;")], &[]);
}

#[test]
fn the_public_reads_no_word_of_the_inside() {
    let ftl = |text| [("locales/en/resident.ftl", text)];
    check("glossary", &ftl("slot-full = Someone took that time. { $slot }\n"), &[]);
    check(
        "glossary",
        &ftl("full = This slot is full\n"),
        &["locales/en/resident.ftl:1: the public never reads `slot`"],
    );
    check(
        "glossary",
        &ftl("full =\n    Please retry later\n"),
        &["locales/en/resident.ftl:2: the public never reads `retry`"],
    );
    check(
        "glossary",
        &ftl("wait = Your queue ticket: { $ticket }\n"),
        &["locales/en/resident.ftl:1: the public never reads `queue ticket`"],
    );
    check("glossary", &ftl("# a slot\nwhere = At the marketplace\n"), &[]);
    check(
        "glossary",
        &[
            ("locales/en/ops.ftl", "full = This slot is full\n"),
            (FILE, "//! Routes."),
        ],
        &[],
    );
}
