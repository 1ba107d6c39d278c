//! Follows the bytes of an HTTP/1.1 connection from head to head, as strictly as anybody reads them, and says from which
//! request on they can be read in two ways: whoever stands before us may read them in the other, and what it takes for
//! one request's body is then the next one's head (smuggling). HTTP/2 frames its requests itself.

use super::request_hygiene::{Unclean, framing};

/// Longest line of a head that is followed; the listener takes less.
const LINE_MAX: usize = 1 << 20;
/// The first line of HTTP/2 (RFC 9113 §3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2.0";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a request's first line.
    Start,
    /// In its head.
    Head,
    /// So many bytes of a body to come.
    Body(u64),
    /// Before a chunk's size.
    Size,
    /// So many bytes of a chunk to come.
    Chunk(u64),
    /// Before the end of a chunk's line.
    ChunkEnd,
    /// After the last chunk.
    Trailer,
    /// HTTP/2.
    NotOurs,
    /// Whatever comes now, nobody knows where it begins.
    Lost,
}

/// One connection's bytes, as far as they came.
#[derive(Debug)]
pub struct RequestFraming {
    state: State,
    /// Requests that came whole.
    whole: u64,
    line: Vec<u8>,
    lengths: Vec<String>,
    encodings: Vec<String>,
    is_old: bool,
}

impl Default for RequestFraming {
    fn default() -> Self {
        Self {
            state: State::Start,
            whole: 0,
            line: Vec::new(),
            lengths: Vec::new(),
            encodings: Vec::new(),
            is_old: false,
        }
    }
}

impl RequestFraming {
    /// The next bytes that came.
    pub fn came(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::NotOurs | State::Lost => return,
                State::Body(left) => {
                    bytes = past(bytes, left, &mut self.state, State::Body);
                    if self.state == State::Body(0) {
                        self.is_whole();
                    }
                }
                State::Chunk(left) => {
                    bytes = past(bytes, left, &mut self.state, State::Chunk);
                    if self.state == State::Chunk(0) {
                        self.state = State::ChunkEnd;
                    }
                }
                _ => bytes = self.lines(bytes),
            }
        }
    }

    /// From which request of the connection on, counted from 0, it is in doubt what was meant.
    pub fn unclean_from(&self) -> Option<u64> {
        (self.state == State::Lost).then_some(self.whole)
    }

    fn lines<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            self.line.extend_from_slice(bytes);
            if self.line.len() > LINE_MAX {
                self.state = State::Lost;
            }
            return &[];
        };
        self.line.extend_from_slice(&bytes[..end]);
        let mut line = std::mem::take(&mut self.line);
        // A line ends with both (RFC 9112 §2.2 lets readers differ).
        self.state = match line.pop() {
            Some(b'\r') if !line.contains(&b'\r') && !line.contains(&0) => self.line_came(&line).unwrap_or(State::Lost),
            _ => State::Lost,
        };
        &bytes[end + 1..]
    }

    /// What comes after this line.
    fn line_came(&mut self, line: &[u8]) -> Result<State, Unclean> {
        match self.state {
            State::Start if line.is_empty() => Ok(State::Start),
            State::Start if line == HTTP2 => Ok(State::NotOurs),
            State::Start => {
                self.is_old = line.ends_with(b" HTTP/1.0");
                self.lengths.clear();
                self.encodings.clear();
                Ok(State::Head)
            }
            State::Head if line.is_empty() => self.head_ended(),
            State::Head => self.header(line).map(|()| State::Head),
            State::Size => size(line).map(|size| if size == 0 { State::Trailer } else { State::Chunk(size) }),
            State::ChunkEnd if line.is_empty() => Ok(State::Size),
            State::Trailer if line.is_empty() => Ok(self.is_whole()),
            State::Trailer => Ok(State::Trailer),
            _ => Err(Unclean::Framing),
        }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Unclean> {
        let colon = line.iter().position(|byte| *byte == b':').ok_or(Unclean::Framing)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        // A line that goes on from the one before begins with white space; and `Content-Length : 5` is one for some.
        if name.is_empty() || name.iter().any(|byte| *byte <= b' ' || *byte >= 127) {
            return Err(Unclean::Framing);
        }
        let value = || String::from_utf8_lossy(value.trim_ascii()).into_owned();
        if name.eq_ignore_ascii_case(b"content-length") {
            self.lengths.push(value());
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.encodings.push(value());
        }
        Ok(())
    }

    fn head_ended(&mut self) -> Result<State, Unclean> {
        let (lengths, encodings): (Vec<&str>, Vec<&str>) = (
            self.lengths.iter().map(String::as_str).collect(),
            self.encodings.iter().map(String::as_str).collect(),
        );
        framing(&lengths, &encodings)?;
        match (lengths.first(), encodings.first()) {
            (_, Some(_)) if self.is_old => Err(Unclean::Framing),
            (_, Some(_)) => Ok(State::Size),
            (Some(length), None) => match length.parse().map_err(|_| Unclean::Framing)? {
                0 => Ok(self.is_whole()),
                length => Ok(State::Body(length)),
            },
            (None, None) => Ok(self.is_whole()),
        }
    }

    fn is_whole(&mut self) -> State {
        self.whole += 1;
        self.state = State::Start;
        State::Start
    }
}

/// What is left of `bytes` after as much of the `left` as they have.
fn past<'a>(bytes: &'a [u8], left: u64, state: &mut State, then: fn(u64) -> State) -> &'a [u8] {
    let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *state = then(left - here as u64);
    &bytes[here..]
}

fn size(line: &[u8]) -> Result<u64, Unclean> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = str::from_utf8(digits).map_err(|_| Unclean::Framing)?;
    let is_hex = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(()).ok_or(Unclean::Framing)?;
    u64::from_str_radix(digits, 16).map_err(|_| Unclean::Framing)
}
