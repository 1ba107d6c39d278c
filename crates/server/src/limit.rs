//! Every limit of the doors, with its reason. The numbers that `docs/api.md` promises to clients are constants here;
//! the numbers an installation may turn are settings, listed once more in [`ALL`].

use base::limit::{Setting, TextSetting, Unit};

/// Deepest nesting of a JSON body. Part of the public contract.
pub const NESTING_MAX: usize = 16;
/// Entries of a list when the query does not say. Part of the public contract.
pub const LIST_DEFAULT: usize = 50;
/// Most entries of a list. Part of the public contract.
pub const LIST_MAX: usize = 200;
/// Smallest search radius in kilometres. Part of the public contract.
pub const WITHIN_KM_MIN: f64 = 1.0;
/// Largest search radius in kilometres. Part of the public contract.
pub const WITHIN_KM_MAX: f64 = 500.0;
/// Search radius in kilometres when the query does not say. Part of the public contract.
pub const WITHIN_KM_DEFAULT: f64 = 40.0;
/// Most days of slots in one question: a year with its leap day. Part of the public contract.
pub const DAYS_MAX: i64 = 366;
/// Days after the first, when the query does not say. Part of the public contract.
pub const DAYS_DEFAULT: i64 = 14;
/// Most entries of one hold: a large family, both doses. Part of the public contract.
pub const HOLD_ENTRIES_MAX: usize = 12;
/// Shortest idempotency key: below 16 characters keys of different people meet. Part of the public contract.
pub const KEY_CHARACTERS_MIN: usize = 16;
/// Longest idempotency key. Part of the public contract.
pub const KEY_CHARACTERS_MAX: usize = 255;
/// Longest id in characters. Part of the public contract.
pub const ID_CHARACTERS_MAX: usize = 64;
/// Longest credential we look at; ours are a fraction of it.
pub const CREDENTIAL_CHARACTERS_MAX: usize = 256;
/// Longest given or family name: the longest on record is shorter.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// Longest e-mail address (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const EMAIL_CHARACTERS_MAX: usize = 254;
/// Longest telephone number as typed: 15 digits (ITU-T E.164), a plus, an extension and separators.
pub const PHONE_CHARACTERS_MAX: usize = 32;
/// Most needs one resident may name.
pub const NEEDS_MAX: usize = 20;
/// Longest code of a need, and longest answer to a question.
pub const CODE_CHARACTERS_MAX: usize = 64;
/// Most answers in one booking.
pub const ANSWERS_MAX: usize = 50;
/// Highest number of a dose in its series: no series of the dose rules is longer.
pub const DOSE_MAX: i64 = 20;
/// Field errors named in one answer: enough to mend a form, too few to make a body a weapon.
pub const FIELD_ERRORS_MAX: usize = 20;
/// Nearest open times offered when one is gone (the public sentence says "these three").
pub const NEAREST: usize = 3;

/// Largest body.
pub const BODY_BYTES: Setting = Setting {
    key: "server.body.max",
    unit: Unit::Bytes,
    default: 65_536,
    min: 16_384,
    max: 1_048_576,
    reason: "the largest honest body, a family of twelve with all answers, is about 12 KB",
    below: "a family with long names and answers is refused",
    above: "memory per waiting request grows until a few thousand of them fill the machine",
};
/// What is read and thrown away of a body that is too large, so that the sender gets to read the answer.
pub const BODY_DISCARDED_BYTES: Setting = Setting {
    key: "server.body.discarded",
    unit: Unit::Bytes,
    default: 33_554_432,
    min: 0,
    max: 134_217_728,
    reason: "a sender that is cut off while it writes sees a broken connection instead of 413; most oversized bodies are photographs",
    below: "nothing goes wrong below: at 0 the connection is simply closed",
    above: "a sender can make the server read for minutes",
};
/// How long a body may take to arrive.
pub const BODY_WAIT: Setting = Setting {
    key: "server.body.wait",
    unit: Unit::Milliseconds,
    default: 10_000,
    min: 1_000,
    max: 60_000,
    reason: "64 KB on a bad mobile line (100 kbit/s) take 5 s",
    below: "people on slow lines cannot book",
    above: "slow senders hold connections that others need",
};
/// How long a command may wait for its decision, counted from its arrival.
pub const DEADLINE: Setting = Setting {
    key: "server.deadline",
    unit: Unit::Milliseconds,
    default: 5_000,
    min: 500,
    max: 30_000,
    reason: "people give up after about 10 s; the other half of that is for the line and a retry",
    below: "a slow disk turns into refused work that would have succeeded",
    above: "the queue fills with commands whose senders have left",
};
/// Answers kept ready for the two finding calls.
pub const ANSWERS_KEPT: Setting = Setting {
    key: "server.answers.kept",
    unit: Unit::Count,
    default: 4_096,
    min: 64,
    max: 65_536,
    reason: "the popular questions (452 clinics, a few hundred ZIPs, a handful of vaccines) at about 10 KB each stay below 40 MB",
    below: "the popular questions push each other out and are serialised for each visitor",
    above: "memory, most of it for questions that nobody repeats",
};
/// Largest answer that is kept ready.
pub const ANSWER_KEPT_BYTES: Setting = Setting {
    key: "server.answers.bytes",
    unit: Unit::Bytes,
    default: 33_554_432,
    min: 1_048_576,
    max: 1_073_741_824,
    reason: "all kept answers together; 32 MB is a fifth of what a server with 100,000 open slots may use",
    below: "the popular questions push each other out and are serialised for each visitor",
    above: "memory that the snapshot and the database's own cache need",
};
/// Age of the snapshot beyond which we no longer claim to know what is free.
pub const AVAILABILITY_AGE: Setting = Setting {
    key: "server.availability.age",
    unit: Unit::Seconds,
    default: 600,
    min: 10,
    max: 86_400,
    reason: "an opening sells out in 2 to 30 minutes; ten minutes after the last confirmation a number would be a guess",
    below: "a failover of the database turns every number into `null`",
    above: "people are sent to clinics that have long been full",
};
/// How long finders may keep a bulk publication, which is also how long it stays the same.
pub const PUBLICATION_AGE: Setting = Setting {
    key: "server.publication.age",
    unit: Unit::Seconds,
    default: 60,
    min: 10,
    max: 3_600,
    reason: "SMART Scheduling Links forbids polling a file more than once a minute, so nobody honest can see it fresher",
    below: "each finder makes the server write out all slots again",
    above: "finders send people to times that are gone",
};

/// The proxies in front of us, whose word on who asks counts.
pub const PROXIES: TextSetting = TextSetting {
    key: "server.proxies",
    characters_max: 1_000,
    check: crate::request::client_network::check,
    expected: "addresses or networks with commas between: `127.0.0.1, 10.0.0.0/8`; each must add to `X-Forwarded-For`",
    absent: "the address of the connection counts, and everybody behind a proxy is one network",
    reason: "tries at codes are slowed by network: behind a proxy that is not named, one guesser slows everybody",
    secret: false,
};

/// All texts of this crate.
pub const TEXTS: &[&TextSetting] = &[&PROXIES];

/// All settings of this crate.
pub const ALL: &[&Setting] = &[
    &BODY_BYTES,
    &BODY_DISCARDED_BYTES,
    &BODY_WAIT,
    &DEADLINE,
    &ANSWERS_KEPT,
    &ANSWER_KEPT_BYTES,
    &AVAILABILITY_AGE,
    &PUBLICATION_AGE,
];
