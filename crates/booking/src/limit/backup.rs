//! The numbers and texts of backups that an installation may turn, each with its reason.

use base::limit::{Setting, TextSetting, Unit};

/// How old the newest backup becomes before another is made.
pub const EVERY: Setting = Setting {
    key: "backup.every",
    unit: Unit::Seconds,
    default: 3_600,
    min: 0,
    max: 604_800,
    reason: "an hour of bookings is what a call centre can ring up again in a day; 0 makes none by itself",
    below: "-",
    above: "more appointments are lost with the machine than anybody can ask for again",
};

/// How long a backup is kept.
pub const KEPT_DAYS: Setting = Setting {
    key: "backup.kept_days",
    unit: Unit::Days,
    default: 7,
    min: 1,
    max: 3_660,
    reason: "a mistake of a Friday is found on a Monday; an hourly backup makes 168 files",
    below: "a mistake is found after the last copy without it is gone",
    above: "erased people stay in copies for longer than any law allows",
};

/// Backups kept whatever their age.
pub const KEPT_LAST: Setting = Setting {
    key: "backup.kept_last",
    unit: Unit::Count,
    default: 3,
    min: 1,
    max: 1_000,
    reason: "when backups have failed for weeks the last ones are worth more than ever",
    below: "a clock that jumps ahead would delete everything",
    above: "age alone should decide",
};

/// How often a restore is rehearsed.
pub const DRILL_EVERY: Setting = Setting {
    key: "backup.drill_every",
    unit: Unit::Days,
    default: 7,
    min: 0,
    max: 366,
    reason: "a backup that was never restored is a hope; weekly, as operators of databases do; 0 makes none by itself",
    below: "-",
    above: "a year of backups may turn out to be worthless",
};

/// How long one backup or drill may take, sending included.
pub const TIME: Setting = Setting {
    key: "backup.time",
    unit: Unit::Seconds,
    default: 3_600,
    min: 1,
    max: 86_400,
    reason: "10 GB at 3 MB/s; one that hangs must not keep the next from being made",
    below: "no backup comes to its end",
    above: "a hanging line goes unnoticed for a day",
};

/// How long the command that takes a backup away may run.
pub const COMMAND_TIME: Setting = Setting {
    key: "backup.command_time",
    unit: Unit::Seconds,
    default: 1_800,
    min: 1,
    max: 86_400,
    reason: "5 GB at 3 MB/s; a command that waits for a password waits for ever",
    below: "no file is taken away",
    above: "a hanging command goes unnoticed for a day",
};

/// Pages read before bookings get their turn at the disk.
pub const PAGES: Setting = Setting {
    key: "backup.pages",
    unit: Unit::Count,
    default: 256,
    min: 1,
    max: 16_384,
    reason: "1 MiB takes about a millisecond",
    below: "a backup takes hours",
    above: "bookings wait for the processor and the disk",
};

/// The pause after them.
pub const PAUSE: Setting = Setting {
    key: "backup.pause",
    unit: Unit::Milliseconds,
    default: 2,
    min: 0,
    max: 1_000,
    reason: "some 300 MB a second; on a fast disk bookings feel no difference between 0 and 10 ms, on a slow one they do",
    below: "-",
    above: "the log cannot begin anew for as long as the copying lasts, and grows",
};

/// Every number of backups.
pub const ALL: &[&Setting] = &[
    &EVERY,
    &KEPT_DAYS,
    &KEPT_LAST,
    &DRILL_EVERY,
    &TIME,
    &COMMAND_TIME,
    &PAGES,
    &PAUSE,
];

/// Longest path, URL or command line: the kernel's own limit on a path.
const TEXT_MAX: usize = 4_096;

/// What it must be is found out where it is used.
#[expect(clippy::unnecessary_wraps, reason = "the register asks every text for its check")]
fn any(_: &str) -> Result<(), String> {
    Ok(())
}

/// Where backups go.
pub const DESTINATION: TextSetting = TextSetting {
    key: "backup.destination",
    expected: "the absolute path of a folder that exists, or s3://BUCKET/PREFIX",
    absent: "`DATA/backups`, which is lost together with the machine",
    characters_max: TEXT_MAX,
    check: any,
    reason: "a backup on the machine it should save is none",
    secret: false,
};

/// What takes them further.
pub const COMMAND: TextSetting = TextSetting {
    key: "backup.command",
    expected: "a line for the shell; `{}` stands for the file, else it comes on standard input",
    absent: "nothing is run",
    characters_max: TEXT_MAX,
    check: any,
    reason: "whatever else takes a file off the machine: rsync, rclone, a tape",
    secret: false,
};

/// Where the object storage answers.
pub const S3_ENDPOINT: TextSetting = TextSetting {
    key: "backup.s3.endpoint",
    expected: "a URL such as `https://s3.example.org`",
    absent: "`AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, else Amazon's",
    characters_max: TEXT_MAX,
    check: any,
    reason: "many providers speak S3",
    secret: false,
};

/// The object storage's region.
pub const S3_REGION: TextSetting = TextSetting {
    key: "backup.s3.region",
    expected: "a region's name, such as `eu-central-1`",
    absent: "`AWS_REGION` or `AWS_DEFAULT_REGION`, else `us-east-1`",
    characters_max: TEXT_MAX,
    check: any,
    reason: "requests are signed for a region",
    secret: false,
};

/// The name of the object storage's key.
pub const S3_ACCESS_KEY: TextSetting = TextSetting {
    key: "backup.s3.access_key",
    expected: "the name of an access key",
    absent: "`AWS_ACCESS_KEY_ID`",
    characters_max: TEXT_MAX,
    check: any,
    reason: "who may write there",
    secret: false,
};

/// The object storage's key.
pub const S3_SECRET_KEY: TextSetting = TextSetting {
    key: "backup.s3.secret_key",
    expected: "the access key's secret",
    absent: "`AWS_SECRET_ACCESS_KEY`",
    characters_max: TEXT_MAX,
    check: any,
    reason: "who may write there; the file must then be its owner's alone",
    secret: true,
};

/// Every text of backups.
pub const TEXTS: &[&TextSetting] = &[
    &DESTINATION,
    &COMMAND,
    &S3_ENDPOINT,
    &S3_REGION,
    &S3_ACCESS_KEY,
    &S3_SECRET_KEY,
];
