//! The numbers and texts of sending mail that an installation may turn, each with its reason.

use base::limit::{Setting, TextSetting, Unit};

use crate::email::check_sender;
use crate::smtp_url::{CHARACTERS_MAX, SmtpUrl};

/// Where mail is handed in.
pub const SMTP_URL: TextSetting = TextSetting {
    key: "mail.smtp_url",
    characters_max: CHARACTERS_MAX,
    check: |text| SmtpUrl::parse(text).map(|_| ()),
    expected: "smtp://[USER@]HOST[:PORT], smtps://… or smtp+plain://…, without a password",
    absent: "no mail goes out, and no page promises one",
    reason: "your provider's or your own relay's address; the password is a line in `DATA/keys/mail.password`",
    secret: false,
};

/// Whom mail is from.
pub const FROM: TextSetting = TextSetting {
    key: "mail.from",
    // A display name of 60 characters and the longest address (RFC 5321 §4.5.3.1.3).
    characters_max: 320,
    check: check_sender,
    expected: "an address, perhaps with a name: `Vaccines <no-reply@example.org>`",
    absent: "with `mail.smtp_url` the server does not start",
    reason: "needed with `mail.smtp_url`: an address of a domain whose SPF and DKIM name that server, or mail lands in spam",
    secret: false,
};

/// A certificate to trust beside the public ones.
pub const CA_FILE: TextSetting = TextSetting {
    key: "mail.ca_file",
    characters_max: 4_096,
    check: |_| Ok(()),
    expected: "the path of a PEM file",
    absent: "the public certificate authorities alone",
    reason: "a relay with a certificate of your own",
    secret: false,
};

/// How long a connection and its greeting may take.
pub const CONNECT_TIME: Setting = Setting {
    key: "mail.connect_time",
    unit: Unit::Seconds,
    default: 10,
    min: 1,
    max: 60,
    reason: "three lost packets on a connection (1 + 2 + 4 s) and the greeting",
    below: "a busy relay is never reached",
    above: "a dead relay holds up everything behind it",
};

/// How long one command may take.
pub const COMMAND_TIME: Setting = Setting {
    key: "mail.command_time",
    unit: Unit::Seconds,
    default: 30,
    min: 1,
    max: 300,
    reason: "relays that scan what they get answer within seconds; RFC 5321 §4.5.3.2 allows minutes, for a world of modems",
    below: "a relay that scans mail is cut off, and its mails arrive twice",
    above: "a relay that hangs holds up everything behind it",
};

/// How long a whole message may take.
pub const SEND_TIME: Setting = Setting {
    key: "mail.send_time",
    unit: Unit::Seconds,
    default: 60,
    min: 2,
    max: 600,
    reason: "connection, five commands and 20 KB; a relay that is slow in every one of them is as good as away",
    below: "honest messages are cut off, and arrive twice",
    above: "a slow relay holds up everything behind it",
};

/// Messages over one connection.
pub const REUSE: Setting = Setting {
    key: "mail.reuse",
    unit: Unit::Count,
    default: 20,
    min: 1,
    max: 1_000,
    reason: "a TLS handshake costs as much as several messages; providers close after some tens to hundreds",
    below: "no such number",
    above: "providers take one long connection for a flood",
};

/// Messages under way at once.
pub const CONNECTIONS: Setting = Setting {
    key: "mail.connections",
    unit: Unit::Count,
    default: 4,
    min: 1,
    max: 64,
    reason: "a relay that takes 100 ms a message then takes 40 a second; providers allow about ten connections",
    below: "no such number",
    above: "providers refuse connections",
};

/// Every number.
pub const ALL: &[&Setting] = &[&CONNECT_TIME, &COMMAND_TIME, &SEND_TIME, &REUSE, &CONNECTIONS];
/// Every text.
pub const TEXTS: &[&TextSetting] = &[&SMTP_URL, &FROM, &CA_FILE];
