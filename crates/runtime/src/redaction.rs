//! Pure. Blanks what looks like a person or a secret in a text that is about to leave the machine: e-mail addresses,
//! telephone numbers and other long numbers, dates of birth, codes, tokens. A second lock: what is redacted here holds no
//! such thing by construction. It cannot know names, and blanks too much rather than too little: only instants, ids of
//! ours and trace ids (which open nothing) are kept for certain.

/// Fewest digits of what is taken for a number of a person: telephone numbers have seven and more, dates eight.
const NUMBER_DIGITS_MIN: usize = 7;
/// Fewest characters of what is taken for a secret: ours have 24.
const TOKEN_CHARACTERS_MIN: usize = 16;
/// A long word without digits is taken for a secret when it has that many capitals and as many small letters.
const MIXED_MIN: usize = 5;
/// Characters of a trace id.
const TRACE_CHARACTERS: usize = 32;
/// Characters of an id after its kind and the dash.
const ID_CHARACTERS: usize = 26;
/// Groups of an appointment's code, `7KXM-2QRD-9J`.
const CODE_GROUPS: [usize; 3] = [4, 4, 2];

/// Blanks, and counts what it blanked.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Redactor {
    /// How many places were blanked so far.
    pub blanked: u64,
}

impl Redactor {
    /// A line of a log, of metrics or of another text whose numbers are measurements: where it has quoted parts, only
    /// those can come from outside, and only those are looked at.
    pub fn line(&mut self, line: &str) -> String {
        if !line.contains('"') {
            return if line.starts_with('#') || is_sample(line) {
                line.to_owned()
            } else {
                self.text(line)
            };
        }
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(open) = rest.find('"') {
            let (before, quoted) = rest.split_at(open + 1);
            out.push_str(before);
            let end = end_of_quoted(quoted);
            out.push_str(&self.text(&quoted[..end]));
            rest = &quoted[end..];
            if let Some(after) = rest.strip_prefix('"') {
                out.push('"');
                rest = after;
            }
        }
        out + rest
    }

    /// A text of which nothing is known.
    pub fn text(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = look(rest);
            let taken = found.bytes.max(first.len_utf8());
            match found.mark {
                Some(mark) => {
                    self.blanked += 1;
                    out.push_str(mark);
                }
                None => out.push_str(&rest[..taken]),
            }
            rest = &rest[taken..];
        }
        out
    }
}

/// What a text begins with, and what is put in its place.
struct Found {
    bytes: usize,
    mark: Option<&'static str>,
}

fn look(text: &str) -> Found {
    let keep = |bytes| Found { bytes, mark: None };
    let blank = |bytes, mark| Found {
        bytes,
        mark: Some(mark),
    };
    if let Some(bytes) = instant(text) {
        return keep(bytes);
    }
    let address = length(text, |c| c.is_alphanumeric() || "._%+@-".contains(c));
    let at = text[..address].contains('@') || text[..address].to_ascii_lowercase().contains("%40");
    if at {
        return blank(address, "[e-mail]");
    }
    let word = length(text, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_id(&text[..word]) || is_trace_id(&text[..word]) {
        return keep(word);
    }
    if is_code(&text[..word]) {
        return blank(word, "[code]");
    }
    if is_token(&text[..word]) {
        return blank(word, "[token]");
    }
    if let Some(bytes) = number(text) {
        return blank(bytes, "[number]");
    }
    let plain = length(text, char::is_alphanumeric);
    if digits_in_a_row(&text[..plain]) >= NUMBER_DIGITS_MIN {
        return blank(plain, "[number]");
    }
    keep(plain)
}

/// A sample of the metrics' text without labels: a name and a number.
fn is_sample(line: &str) -> bool {
    line.split_once(' ').is_some_and(|(name, value)| {
        let name_of_metric = name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':');
        name_of_metric && name.starts_with(|c: char| c.is_ascii_alphabetic()) && value.parse::<f64>().is_ok()
    })
}

/// Where a quoted part ends: at the next quote that no backslash precedes, or with the text.
fn end_of_quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}

fn length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// The length of an instant of ours, `2026-11-24T14:12:13.442604Z`: the time of an event, not a date of birth.
fn instant(text: &str) -> Option<usize> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let bytes = text.as_bytes().get(..SHAPE.len())?;
    let fits = SHAPE.iter().zip(bytes).all(|(shape, byte)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    let rest = &text[..].get(SHAPE.len()..)?;
    let fraction = length(rest, |c| c == '.' || c.is_ascii_digit());
    (fits && rest[fraction..].starts_with('Z')).then_some(SHAPE.len() + fraction + 1)
}

fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(kind, digits)| {
        kind.len() == 3
            && kind.bytes().all(|b| b.is_ascii_lowercase())
            && digits.len() == ID_CHARACTERS
            && digits.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

fn is_trace_id(word: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    word.len() == TRACE_CHARACTERS && word.bytes().all(hex)
}

fn is_code(word: &str) -> bool {
    let group = |(part, wanted): (&str, usize)| {
        part.len() == wanted && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    word.split('-').count() == CODE_GROUPS.len() && word.split('-').zip(CODE_GROUPS).all(group)
}

fn is_token(word: &str) -> bool {
    let count = |of: fn(&u8) -> bool| word.bytes().filter(of).count();
    let digits = count(u8::is_ascii_digit);
    let (capitals, small) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let mixed = if digits > 0 {
        capitals + small > 0
    } else {
        capitals >= MIXED_MIN && small >= MIXED_MIN
    };
    word.len() >= TOKEN_CHARACTERS_MIN && mixed
}

/// The length of digits with what people write between them, up to the last digit, when there are enough of them.
fn number(text: &str) -> Option<usize> {
    let begins = text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '(');
    let whole = length(text, |c| c.is_ascii_digit() || "+(). -/".contains(c));
    let end = text[..whole].rfind(|c: char| c.is_ascii_digit())? + 1;
    let digits = text[..end].bytes().filter(u8::is_ascii_digit).count();
    (begins && digits >= NUMBER_DIGITS_MIN).then_some(end)
}

fn digits_in_a_row(word: &str) -> usize {
    let runs = word.split(|c: char| !c.is_ascii_digit());
    runs.map(str::len).max().unwrap_or_default()
}
