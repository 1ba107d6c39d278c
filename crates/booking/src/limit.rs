//! The numbers of the engine that an installation may turn, each with its reason.

pub mod backup;

use base::limit::{Setting, TextSetting, Unit};

/// Where the rows are, when not in a file of the data folder.
pub const DATABASE_URL: TextSetting = TextSetting {
    key: "database.url",
    // Nine hosts of the longest names (RFC 1035), and the rest.
    characters_max: 4_096,
    check: |text| {
        database::Database::postgres(text)
            .map(|_| ())
            .map_err(|error| error.to_string())
    },
    expected: "postgres://USER:PASSWORD@HOST:PORT/DATABASE, with several HOST:PORT divided by commas",
    absent: "`EVENKEEL_DATABASE`, else `DATA/evenkeel.sqlite`",
    reason: "a jurisdiction that outgrows one machine runs on PostgreSQL; the file must then be its owner's alone",
    secret: true,
};

/// Servers that follow the database, from which is read what is free.
pub const READ_REPLICA: TextSetting = TextSetting {
    key: "database.read-replica",
    absent: "`EVENKEEL_READ_REPLICA`, else the primary is asked",
    reason: "what is free is read from a standby, so that the primary has only bookings to do, and is shown though it is lost",
    ..DATABASE_URL
};

/// Every text of the engine.
pub const TEXTS: &[&TextSetting] = &[&DATABASE_URL, &READ_REPLICA];

/// How long a hold lasts.
pub const HOLD_LIFETIME: Setting = Setting {
    key: "booking.hold.lifetime",
    unit: Unit::Seconds,
    default: 600,
    min: 1,
    max: 1_800,
    reason: "long enough to type a form on a phone, short enough that an abandoned place is offered again the same morning",
    below: "people lose their place mid-form",
    above: "bots park on places",
};

/// How often a hold may be extended.
pub const HOLD_EXTENSIONS: Setting = Setting {
    key: "booking.hold.extensions",
    unit: Unit::Count,
    default: 10,
    min: 10,
    max: 30,
    reason: "WCAG 2.2.1 asks for at least ten",
    below: "someone who types slowly, or with help, cannot finish",
    above: "a place can be parked for a whole morning",
};

/// How long after its expiry a hold is freed.
pub const HOLD_GRACE: Setting = Setting {
    key: "booking.hold.grace",
    unit: Unit::Seconds,
    default: 30,
    min: 0,
    max: 120,
    reason: "a booking that arrived in time may wait in the queue; it must find its place",
    below: "-",
    above: "places stay taken long after people were told they are free again",
};

/// Commands that may wait for the committer.
pub const QUEUE: Setting = Setting {
    key: "booking.committer.queue",
    unit: Unit::Count,
    default: 4_096,
    min: 64,
    max: 65_536,
    reason: "about a quarter of a second of work at the measured rate: who waits longer had better hear `busy` at once",
    below: "a short burst is turned away although it could be served",
    above: "people wait for answers that come after their phone gave up",
};

/// Commands decided in one transaction.
pub const BATCH: Setting = Setting {
    key: "booking.committer.batch",
    unit: Unit::Count,
    default: 256,
    min: 1,
    max: 4_096,
    reason: "one sync to disk is shared by all; beyond some hundreds the sync is no longer what costs",
    below: "-",
    above: "the first of a batch waits for the last",
};

/// Pause between two batches.
pub const GAP: Setting = Setting {
    key: "booking.committer.gap",
    unit: Unit::Milliseconds,
    default: 1,
    min: 0,
    max: 100,
    reason: "SQLite's lock is not fair: other processes get it only while nobody holds it",
    below: "-",
    above: "every booking waits that much longer",
};

/// How long outcomes of idempotency keys are kept.
pub const OUTCOME_RETENTION: Setting = Setting {
    key: "booking.outcome.retention",
    unit: Unit::Seconds,
    default: 86_400,
    min: 3_600,
    max: 604_800,
    reason: "a phone that was off for a night still gets the answer to its request",
    below: "a late retry books a second time",
    above: "the table grows without anyone asking",
};

/// How long after an appointment its resident's details are kept.
pub const RESIDENT_RETENTION: Setting = Setting {
    key: "booking.resident.retention",
    unit: Unit::Days,
    default: 400,
    min: 8,
    max: 3_650,
    reason: "a year and a month: series of doses span twelve months, and this season's dose asks about the last one",
    below: "stored answers, kept for up to seven days, outlive what they tell of",
    above: "whoever gets in reads about people who came years ago",
};

/// How often the change feed looks for commits of other processes.
pub const FOLLOW: Setting = Setting {
    key: "booking.availability.follow",
    unit: Unit::Milliseconds,
    default: 20,
    min: 5,
    max: 1_000,
    reason: "what others booked is seen within 50 ms; asking costs a few microseconds",
    below: "the processor is busy with looking",
    above: "people choose times that are gone",
};

/// How long the database may say nothing before booking is paused.
pub const PAUSE_AFTER: Setting = Setting {
    key: "booking.pause.after",
    unit: Unit::Milliseconds,
    default: 800,
    min: 100,
    max: 5_000,
    reason: "whoever books hears within a second that it is paused, not after ten that something took too long",
    below: "a busy moment of the database turns people away",
    above: "people wait for a server that is gone",
};

/// How old what a read replica shows may be.
pub const REPLICA_AGE: Setting = Setting {
    key: "database.read-replica.age",
    unit: Unit::Milliseconds,
    default: 2_000,
    min: 500,
    max: 60_000,
    reason: "a moment behind is told and harms nobody; beyond it the primary is asked instead, as long as it answers",
    below: "the primary is asked whenever a standby is busy",
    above: "people choose times that are gone",
};

/// Commits kept in the change table.
pub const CHANGES_KEPT: Setting = Setting {
    key: "booking.availability.changes",
    unit: Unit::Count,
    default: 10_000,
    min: 100,
    max: 1_000_000,
    reason: "some seconds of full load: a follower that fell further behind reads everything anew",
    below: "followers read everything anew too often",
    above: "the table grows without anyone asking",
};

/// Pages of the write-ahead log beyond which a checkpoint waits for readers.
pub const LOG_PAGES: Setting = Setting {
    key: "booking.checkpoint.pages",
    unit: Unit::Count,
    default: 65_536,
    min: 1_024,
    max: 262_144,
    reason: "256 MiB of log: soft checkpoints keep up with anything but a reader that stays",
    below: "bookings wait for checkpoints",
    above: "a start after a crash reads a long log",
};

/// Rows of one imported file.
pub const IMPORT_ROWS: Setting = Setting {
    key: "booking.import.rows",
    unit: Unit::Count,
    default: 200_000,
    min: 1_000,
    max: 2_000_000,
    reason: "four times all ZIP codes of the United States; a file is held in memory while it is checked",
    below: "a state cannot publish a month of sessions at once",
    above: "the import needs more memory than a small machine has",
};

/// Characters of one field of an imported file.
pub const IMPORT_FIELD: Setting = Setting {
    key: "booking.import.field",
    unit: Unit::Count,
    default: 1_000,
    min: 200,
    max: 10_000,
    reason: "notes of a paragraph; beyond that a quote was not closed",
    below: "a name of the allowed length does not fit",
    above: "pages become long with what nobody reads",
};

/// Mails to one address in 24 hours.
pub const MAILS_PER_ADDRESS: Setting = Setting {
    key: "messages.per_address",
    unit: Unit::Count,
    default: 3,
    min: 1,
    max: 1_000,
    reason: "nobody has shown that an address is theirs: it may be a stranger's. Booking, moving and canceling once fit; what exceeds waits until a day has passed",
    below: "nobody hears of anything",
    above: "anyone can fill a stranger's mailbox through us",
};

/// The longest wait before the second attempt.
pub const MAIL_RETRY_FIRST: Setting = Setting {
    key: "messages.retry.first",
    unit: Unit::Milliseconds,
    default: 60_000,
    min: 100,
    max: 3_600_000,
    reason: "servers that put off unknown senders take them after one to five minutes",
    below: "a server that asked for patience is pressed",
    above: "a short hiccup delays a confirmation by an hour",
};

/// The longest wait before any later attempt.
pub const MAIL_RETRY_MOST: Setting = Setting {
    key: "messages.retry.most",
    unit: Unit::Milliseconds,
    default: 3_600_000,
    min: 1_000,
    max: 86_400_000,
    reason: "RFC 5321 §4.5.4.1 asks for at least half an hour between later attempts; the wait is drawn below this",
    below: "a server that is down for a day gets thousands of attempts",
    above: "mail comes a day after the server is well again",
};

/// The longest pause while the mail server does not answer at all.
pub const MAIL_AWAY_PAUSE: Setting = Setting {
    key: "messages.away_pause",
    unit: Unit::Milliseconds,
    default: 60_000,
    min: 100,
    max: 3_600_000,
    reason: "one attempt a minute finds a server that is back soon enough, and costs nothing while it is away",
    below: "a server that is starting is pressed",
    above: "mail waits long after the server is back",
};

/// After this long from the first attempt a message is given up.
pub const MAIL_GIVE_UP: Setting = Setting {
    key: "messages.give_up",
    unit: Unit::Seconds,
    default: 172_800,
    min: 1,
    max: 864_000,
    reason: "a mail server that is down over a weekend's night is back by then; RFC 5321 §4.5.4.1 gives up after four to five days, when most appointments are over",
    below: "a short outage turns every message into work for a person",
    above: "messages arrive after the appointment",
};

/// How long messages that ended are kept.
pub const MAILS_KEPT: Setting = Setting {
    key: "messages.kept",
    unit: Unit::Days,
    default: 30,
    min: 1,
    max: 366,
    reason: "long enough to answer \"I never got a mail\"; of a delivered one only that it was, of one given up all it says, sealed",
    below: "what was given up on Friday is gone on Monday",
    above: "the table grows without anyone asking, and addresses are kept for nothing",
};

/// How long after an appointment's end its links open it still.
pub const LINK_LASTS: Setting = Setting {
    key: "booking.link.lasts",
    unit: Unit::Seconds,
    default: 86_400,
    min: 3_600,
    max: 2_592_000,
    reason: "a day later people still look up where they were; after that a link in an old mail opens nothing",
    below: "somebody who comes late finds their own appointment gone",
    above: "links in old mails and histories open for whoever finds them",
};

/// Links to one appointment that its resident may have shared and not stopped.
pub const LINKS_SHARED: Setting = Setting {
    key: "booking.link.shared",
    unit: Unit::Count,
    default: 3,
    min: 1,
    max: 10,
    reason: "a daughter, a neighbour who drives, a care home",
    below: "nobody can help",
    above: "one appointment is managed by a crowd, and rows grow at a stranger's wish",
};

/// Time between two fresh links to the same contact.
pub const LINK_ANEW: Setting = Setting {
    key: "booking.link.anew",
    unit: Unit::Seconds,
    default: 600,
    min: 60,
    max: 86_400,
    reason: "mails take minutes; who looks up a code again meanwhile must not end the link that is on its way",
    below: "each impatient look-up ends the link before it arrives",
    above: "somebody who lost the mail waits for the next",
};

/// How long an appointment can be cancelled after its code and birth date were said.
pub const CODE_LASTS: Setting = Setting {
    key: "booking.code.lasts",
    unit: Unit::Seconds,
    default: 900,
    min: 60,
    max: 3_600,
    reason: "long enough to read the page and decide, short enough for a library's computer",
    below: "somebody who reads slowly has to begin again",
    above: "the next person at the same computer can go back and cancel",
};

/// Every setting of the engine.
pub const ALL: &[&Setting] = &[
    &HOLD_LIFETIME,
    &HOLD_EXTENSIONS,
    &HOLD_GRACE,
    &QUEUE,
    &BATCH,
    &GAP,
    &OUTCOME_RETENTION,
    &RESIDENT_RETENTION,
    &FOLLOW,
    &PAUSE_AFTER,
    &REPLICA_AGE,
    &CHANGES_KEPT,
    &LOG_PAGES,
    &IMPORT_ROWS,
    &IMPORT_FIELD,
    &MAILS_PER_ADDRESS,
    &MAIL_RETRY_FIRST,
    &MAIL_RETRY_MOST,
    &MAIL_AWAY_PAUSE,
    &MAIL_GIVE_UP,
    &MAILS_KEPT,
    &LINK_LASTS,
    &LINKS_SHARED,
    &LINK_ANEW,
    &CODE_LASTS,
];
