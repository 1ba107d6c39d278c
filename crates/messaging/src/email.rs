//! One e-mail, from its words to its bytes: text and HTML as alternatives, calendar entries as a part and as files. The
//! same message has the same bytes each time it is built, so that a second copy can be known by its Message-ID. Headers
//! are made of parsed values: no line break in a name becomes a header.

use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use base::time::Timestamp;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MessageBuilder, MultiPart, MultiPartBuilder, MultiPartKind, SinglePart};
use lettre::{Address, Message};

use crate::receipt::Class;

/// An e-mail before it is built.
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    /// Names the message to machines: letters and digits, unique, the same on each attempt.
    pub id: String,
    /// The host that the id is unique at.
    pub host: String,
    /// When it was written: the same on each attempt.
    pub at: Timestamp,
    /// Whom it is from: `Name <name@host>`, or the address alone.
    pub from: String,
    /// The one address it goes to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// As plain text: the whole message.
    pub text: String,
    /// As HTML: the same once more.
    pub html: String,
    /// Calendar entries.
    pub calendars: Vec<Calendar>,
}

/// An entry for the reader's calendar.
#[derive(Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The file's name, such as `appointment.ics`.
    pub name: String,
    /// What it asks of the calendar (RFC 5546): `REQUEST` or `CANCEL`.
    pub method: &'static str,
    /// The file.
    pub text: String,
}

/// It holds an address and a person's words: nothing of it is printed.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(..)")
    }
}
impl std::fmt::Debug for Calendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calendar(..)")
    }
}

/// An e-mail as it goes over the line.
pub struct Built {
    /// From where to whom.
    pub envelope: Envelope,
    /// Headers and body.
    pub bytes: Vec<u8>,
}

/// A value that no e-mail can be made of; says which part was at fault, never its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unbuildable(pub Class);

/// Whether a text is a sender: an address, or `Name <address>`.
pub fn check_sender(text: &str) -> Result<(), String> {
    Mailbox::from_str(text)
        .map(|_| ())
        .map_err(|_| "expected an address, or Name <address>".to_owned())
}

/// The domain of a sender, for whoever has to say where it speaks from.
pub fn domain_of(sender: &str) -> Option<String> {
    Some(Mailbox::from_str(sender).ok()?.email.domain().to_owned())
}

/// The address of a sender, without its name.
pub fn address_of(sender: &str) -> Option<String> {
    Some(Mailbox::from_str(sender).ok()?.email.to_string())
}

/// A sender with a name: its own where it has one, else this one. A name that no header may hold is left out.
pub fn with_name(sender: &str, name: &str) -> String {
    match Mailbox::from_str(sender) {
        Ok(mailbox) if mailbox.name.is_none() && !name.chars().any(char::is_control) => {
            Mailbox::new(Some(name.to_owned()), mailbox.email).to_string()
        }
        _ => sender.to_owned(),
    }
}

impl Email {
    /// Builds it.
    pub fn build(&self) -> Result<Built, Unbuildable> {
        let sender = Mailbox::from_str(&self.from).map_err(|_| Unbuildable(Class::Sender))?;
        let to = Address::from_str(&self.to).map_err(|_| Unbuildable(Class::Recipient))?;
        let at = UNIX_EPOCH + Duration::from_secs(self.at.seconds().max(0) as u64);
        let envelope = Envelope::new(Some(sender.email.clone()), vec![to.clone()]);
        let envelope = envelope.map_err(|_| Unbuildable(Class::Recipient))?;
        let message = headed(Message::builder())
            .from(sender)
            .to(Mailbox::new(None, to))
            .date(at)
            .message_id(Some(format!("<{}@{}>", self.id, self.host)))
            .subject(self.subject.as_str())
            .multipart(self.parts()?)
            .map_err(|_| Unbuildable(Class::Content))?;
        Ok(Built {
            envelope,
            bytes: message.formatted(),
        })
    }

    fn parts(&self) -> Result<MultiPart, Unbuildable> {
        let part = |kind, name: &str| -> MultiPartBuilder {
            MultiPart::builder().kind(kind).boundary(format!("{name}-{}", self.id))
        };
        let mut words = part(MultiPartKind::Alternative, "words")
            .singlepart(SinglePart::plain(self.text.clone()))
            .singlepart(SinglePart::html(self.html.clone()));
        // A program that reads invitations takes one as the message's third form (RFC 6047 §2.4); of several it would
        // see the first only, so those come as files alone.
        if let [only] = &self.calendars[..] {
            let kind = content_type(&format!("text/calendar; charset=utf-8; method={}", only.method))?;
            words = words.singlepart(SinglePart::builder().content_type(kind).body(only.text.clone()));
        }
        let mut whole = part(MultiPartKind::Mixed, "whole").multipart(words);
        for calendar in &self.calendars {
            let kind = if self.calendars.len() == 1 {
                // Named so that a program which has taken the part does not take the file too.
                format!("application/ics; name=\"{}\"", calendar.name)
            } else {
                format!(
                    "text/calendar; charset=utf-8; method={}; name=\"{}\"",
                    calendar.method, calendar.name
                )
            };
            let file = Attachment::new(calendar.name.clone());
            whole = whole.singlepart(file.body(calendar.text.clone(), content_type(&kind)?));
        }
        Ok(whole)
    }
}

/// Says that no person wrote it (RFC 3834), so that out-of-office programs do not answer.
fn headed(builder: MessageBuilder) -> MessageBuilder {
    let mut builder = builder;
    for (name, value) in [
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
    ] {
        let name = HeaderName::new_from_ascii_str(name);
        builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
    }
    builder
}

fn content_type(text: &str) -> Result<ContentType, Unbuildable> {
    ContentType::parse(text).map_err(|_| Unbuildable(Class::Content))
}
