//! Pure. The register of public codes: each with its status, and the words that `docs/api.md` repeats.

/// A public code and its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeText {
    /// Kebab-case, stable.
    pub code: &'static str,
    /// The HTTP status it comes with.
    pub status: u16,
    /// The kind of problem.
    pub title: &'static str,
    /// What happened and what to do.
    pub detail: &'static str,
}

const fn text(code: &'static str, status: u16, title: &'static str, detail: &'static str) -> CodeText {
    CodeText {
        code,
        status,
        title,
        detail,
    }
}

/// Every code that this server answers with.
pub const CODES: &[CodeText] = &[
    text(
        "malformed",
        400,
        "The request cannot be read",
        "Send UTF-8 JSON with the fields of this call only.",
    ),
    text(
        "idempotency-key-missing",
        400,
        "No usable Idempotency-Key",
        "Send one Idempotency-Key of 16 to 255 visible ASCII characters: a new one for each new request, the same one for a retry.",
    ),
    text(
        "unauthorized",
        401,
        "No credential",
        "Send the token of what the URL names: Authorization: Bearer ...",
    ),
    text(
        "not-found",
        404,
        "Nothing here",
        "There is nothing here, or this credential does not open it.",
    ),
    text(
        "method-not-allowed",
        405,
        "Method not allowed",
        "This path has other methods: see the Allow header.",
    ),
    text("too-large", 413, "The body is too large", "Send a smaller body."),
    text(
        "unsupported-media-type",
        415,
        "Not JSON",
        "Send the body as Content-Type: application/json, in UTF-8, not compressed.",
    ),
    text(
        "unknown-host",
        421,
        "Unknown host",
        "This server does not answer for the host that was asked.",
    ),
    text(
        "invalid",
        422,
        "Some fields are not valid",
        "Look at `errors`: each names a field and what is expected there.",
    ),
    text(
        "idempotency-key-reused",
        422,
        "The Idempotency-Key was used for another body",
        "A key stands for one request. Nothing was done. Use a new key for a new request.",
    ),
    text(
        "slot-full",
        409,
        "No place left at this time",
        "Someone else took the last place. Nothing was held. `nearest` has the open times closest to it.",
    ),
    text(
        "hold-expired",
        409,
        "The hold has expired",
        "The time was kept as long as was said. Nothing was booked. Hold a time again; `nearest` has the open times closest to it.",
    ),
    text(
        "hold-ended",
        409,
        "The hold has ended",
        "It was booked or given back before. Nothing was changed.",
    ),
    text(
        "no-extensions-left",
        409,
        "The hold cannot be extended again",
        "It ends at `expires_at`. Book it before, or hold a time again.",
    ),
    text(
        "already-booked",
        409,
        "There is an appointment already",
        "This person has a live appointment for this dose. The link to it goes to the contact on file. Nothing was booked.",
    ),
    text(
        "too-soon",
        409,
        "Too soon after the dose before",
        "The interval to the dose before is shorter than the rules allow. Nothing was booked.",
    ),
    text(
        "too-young",
        409,
        "Too young for this vaccine",
        "On the day of the appointment the person is younger than the rules allow for this vaccine. Nothing was booked.",
    ),
    text(
        "not-eligible",
        409,
        "Not eligible",
        "By these answers the person cannot have this vaccine here now. Nothing was booked.",
    ),
    text(
        "wrong-vaccine",
        409,
        "Another vaccine than the series needs",
        "The slot's vaccine does not fit the doses before it, or the appointment it replaces. Nothing was changed.",
    ),
    text(
        "too-late",
        409,
        "Too late",
        "The time has begun or is over, or the appointment was cancelled. Nothing was changed.",
    ),
    text(
        "busy",
        503,
        "Busy",
        "More is waiting than can be done in time. Nothing happened. Try again shortly.",
    ),
    text(
        "timed-out",
        503,
        "Not decided in time",
        "The request was not decided in time. Try again with the same Idempotency-Key: it is done at most once.",
    ),
    text(
        "unreachable",
        503,
        "Booking is paused",
        "The database does not answer. Nothing happened. Finding goes on; appointments that were made are safe.",
    ),
    text(
        "read-only",
        503,
        "Booking is paused",
        "Nothing can be written right now. Nothing happened. Finding goes on; appointments that were made are safe.",
    ),
    text(
        "outcome-unknown",
        503,
        "It is not known yet whether this was done",
        "Do not start again. Send the same request with the same Idempotency-Key: the answer says what happened.",
    ),
    text(
        "bug",
        500,
        "Something is wrong on our side",
        "This is our mistake. It was reported. Nothing was done.",
    ),
];

/// The words of a code. One that is not registered is a bug, and says so.
pub fn text_of(code: &str) -> CodeText {
    let unknown = || {
        text(
            "bug",
            500,
            "Something is wrong on our side",
            "This is our mistake. It was reported.",
        )
    };
    CODES
        .iter()
        .find(|known| known.code == code)
        .copied()
        .unwrap_or_else(unknown)
}
