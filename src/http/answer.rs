//! A response as a client reads it: a head, then a body of a known length, in
//! chunks, or until the connection ends (RFC 9112 §6 and §7).
//!
//! Bytes in, pieces of the body out; nothing of the body is kept. Only an answer of
//! 200 is of use here, so any other status is an error. Knows no socket and no clock.

use std::fmt;

/// Bytes of all heads and trailers of an answer: twice what nginx and Go send at most
/// unless told otherwise.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Bytes of a line before a chunk, its extensions among them.
const CHUNK_LINE_BYTES_MAX: usize = 1024;

/// Header fields of a head.
const FIELDS_MAX: usize = 64;

/// Why an answer is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerError {
    /// What came is no head of HTTP/1.x.
    NotHttp,
    /// Head or trailer is longer than [`HEAD_BYTES_MAX`].
    HeadTooLong,
    /// Any status but 200.
    Status(u16),
    /// The length of the body cannot be told, or a chunk is none.
    Framing,
    /// The body is longer than was allowed.
    BodyTooLong,
    /// The connection ended before the answer did.
    Cut,
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("the answer is not HTTP"),
            Self::HeadTooLong => f.write_str("the answer's head is too long"),
            Self::Status(status) => write!(f, "answered {status}"),
            Self::Framing => f.write_str("the answer's body has no proper length"),
            Self::BodyTooLong => f.write_str("the answer is too long"),
            Self::Cut => f.write_str("closed before the end of the answer"),
        }
    }
}

impl std::error::Error for AnswerError {}

/// What comes of asking another server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched<'a> {
    /// The next piece of the body.
    Body(&'a [u8]),
    /// That was all of it.
    Whole,
    /// There is no answer, or what came of it is to be forgotten; why, in a few words.
    Failed(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of the body are left.
    Sized(u64),
    /// In the line before a chunk.
    ChunkLine {
        size: u64,
        seen: usize,
        digits: bool,
    },
    /// So many bytes of the chunk are left.
    Chunk(u64),
    /// At the line end after a chunk.
    ChunkEnd,
    /// After the last chunk; whether the line is empty so far.
    Trailer {
        empty: bool,
    },
    UntilClose,
    Done,
}

/// An answer that is being read.
#[derive(Debug)]
pub struct Answer {
    state: State,
    head: Vec<u8>,
    /// Bytes that heads and trailers may still have.
    head_room: usize,
    /// Bytes that the body may still have.
    body_room: u64,
    keeps_alive: bool,
    location: Option<String>,
}

impl Answer {
    /// Nothing of it is there yet; its body may have so many bytes.
    #[must_use]
    pub const fn new(body_bytes_max: u64) -> Self {
        Self {
            state: State::Head,
            head: Vec::new(),
            head_room: HEAD_BYTES_MAX,
            body_room: body_bytes_max,
            keeps_alive: false,
            location: None,
        }
    }

    /// Takes the next bytes and hands on what of them is body.
    ///
    /// # Errors
    /// The answer is of no use; nothing more is to be fed.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), AnswerError> {
        while !bytes.is_empty() {
            let most = match self.state {
                State::Sized(left) | State::Chunk(left) => left,
                State::UntilClose => u64::MAX,
                State::Done => {
                    // What comes after the end was not asked for.
                    self.keeps_alive = false;
                    return Ok(());
                }
                _ => {
                    let Some((&byte, rest)) = bytes.split_first() else { break };
                    bytes = rest;
                    self.state = self.step(byte)?;
                    continue;
                }
            };
            let count = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            self.body_room =
                self.body_room.checked_sub(count as u64).ok_or(AnswerError::BodyTooLong)?;
            each(piece);
            bytes = rest;
            self.state = match self.state {
                State::Sized(left) if left == count as u64 => State::Done,
                State::Sized(left) => State::Sized(left - count as u64),
                State::Chunk(left) if left == count as u64 => State::ChunkEnd,
                State::Chunk(left) => State::Chunk(left - count as u64),
                other => other,
            };
        }
        Ok(())
    }

    /// Whether all of it was read.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Whether the connection takes another request once this answer is done.
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }

    /// `Location` of a head whose status is not 200, if that is text.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The connection ended.
    ///
    /// # Errors
    /// [`AnswerError::Cut`] unless that was the end of the answer too.
    pub const fn closed(&mut self) -> Result<(), AnswerError> {
        match self.state {
            State::UntilClose | State::Done => {
                self.state = State::Done;
                self.keeps_alive = false;
                Ok(())
            }
            _ => Err(AnswerError::Cut),
        }
    }

    /// A byte of what stands around the body.
    fn step(&mut self, byte: u8) -> Result<State, AnswerError> {
        match self.state {
            State::Head => {
                self.take_head_room()?;
                self.head.push(byte);
                if self.head.ends_with(b"\n\r\n") || self.head.ends_with(b"\n\n") {
                    let head = std::mem::take(&mut self.head);
                    return self.body_after(&head);
                }
                Ok(State::Head)
            }
            State::ChunkLine { size, seen, digits } => chunk_line(byte, size, seen, digits),
            State::ChunkEnd => match byte {
                b'\r' => Ok(State::ChunkEnd),
                b'\n' => Ok(State::ChunkLine { size: 0, seen: 0, digits: true }),
                _ => Err(AnswerError::Framing),
            },
            State::Trailer { empty } => {
                self.take_head_room()?;
                Ok(match byte {
                    b'\n' if empty => State::Done,
                    b'\n' => State::Trailer { empty: true },
                    b'\r' => State::Trailer { empty },
                    _ => State::Trailer { empty: false },
                })
            }
            other => Ok(other),
        }
    }

    fn take_head_room(&mut self) -> Result<(), AnswerError> {
        self.head_room = self.head_room.checked_sub(1).ok_or(AnswerError::HeadTooLong)?;
        Ok(())
    }

    /// How the body goes that follows this head.
    fn body_after(&mut self, head: &[u8]) -> Result<State, AnswerError> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            _ => return Err(AnswerError::NotHttp),
        }
        match parsed.code {
            Some(200) => {}
            // Interim answers come before the one that counts (RFC 9110 §15.2).
            Some(100 | 102..=199) => return Ok(State::Head),
            Some(status) => {
                let mut fields = parsed.headers.iter();
                let location = fields.find(|field| field.name.eq_ignore_ascii_case("Location"));
                let location = location.and_then(|field| std::str::from_utf8(field.value).ok());
                self.location = location.map(|text| text.trim().to_owned());
                return Err(AnswerError::Status(status));
            }
            None => return Err(AnswerError::NotHttp),
        }
        let values = |name: &'static str| {
            let fields = parsed.headers.iter();
            fields.filter(move |f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.trim_ascii())
        };
        let closes = values("Connection")
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"));
        self.keeps_alive = parsed.version == Some(1) && !closes;
        let mut codings = values("Transfer-Encoding");
        if let Some(coding) = codings.next() {
            let lone = codings.next().is_none() && values("Content-Length").next().is_none();
            return match coding.eq_ignore_ascii_case(b"chunked") && lone {
                true => Ok(State::ChunkLine { size: 0, seen: 0, digits: true }),
                false => Err(AnswerError::Framing),
            };
        }
        let mut lengths = values("Content-Length");
        let Some(text) = lengths.next() else {
            self.keeps_alive = false;
            return Ok(State::UntilClose);
        };
        if lengths.any(|other| other != text) {
            return Err(AnswerError::Framing);
        }
        match length(text).ok_or(AnswerError::Framing)? {
            0 => Ok(State::Done),
            length if length > self.body_room => Err(AnswerError::BodyTooLong),
            length => Ok(State::Sized(length)),
        }
    }
}

/// A length in bytes: digits alone (RFC 9110 §8.6).
fn length(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// A byte of the line before a chunk: its size in hexadecimal digits, then perhaps
/// extensions, which mean nothing here.
fn chunk_line(byte: u8, size: u64, seen: usize, digits: bool) -> Result<State, AnswerError> {
    if seen >= CHUNK_LINE_BYTES_MAX {
        return Err(AnswerError::Framing);
    }
    match byte {
        b'\n' if seen == 0 => Err(AnswerError::Framing),
        b'\n' if size == 0 => Ok(State::Trailer { empty: true }),
        b'\n' => Ok(State::Chunk(size)),
        b';' | b' ' | b'\t' | b'\r' if seen > 0 => {
            Ok(State::ChunkLine { size, seen: seen + 1, digits: false })
        }
        _ if !digits => Ok(State::ChunkLine { size, seen: seen + 1, digits }),
        _ => {
            let digit = char::from(byte).to_digit(16).ok_or(AnswerError::Framing)?;
            let size = size.checked_mul(16).and_then(|size| size.checked_add(u64::from(digit)));
            let size = size.ok_or(AnswerError::BodyTooLong)?;
            Ok(State::ChunkLine { size, seen: seen + 1, digits })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Body, whether it is done and whether the connection can be used again.
    type Seen = Result<(Vec<u8>, bool, bool), AnswerError>;

    fn read(pieces: &[&[u8]], closed: bool) -> Seen {
        let (mut answer, mut body) = (Answer::new(100), Vec::new());
        for piece in pieces {
            answer.feed(piece, &mut |piece| body.extend_from_slice(piece))?;
        }
        if closed {
            answer.closed()?;
        }
        Ok((body, answer.is_done(), answer.keeps_alive()))
    }

    fn whole(body: &str, keeps_alive: bool) -> Seen {
        Ok((body.into(), true, keeps_alive))
    }

    /// The bytes of an answer, and what is read from them.
    fn cases() -> Vec<(&'static str, bool, Seen)> {
        use AnswerError::{BodyTooLong, Cut, Framing, NotHttp, Status};
        vec![
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, whole("hi", true)),
            ("HTTP/1.1 200 OK\ncontent-length: 2\n\nhi", false, whole("hi", true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, whole("", true)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nhi", false, whole("h", false)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: a, Close\r\n\r\nhi",
                false,
                whole("hi", false),
            ),
            ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, whole("hi", false)),
            ("HTTP/1.0 200 OK\r\n\r\nhi", true, whole("hi", false)),
            ("HTTP/1.1 200 OK\r\n\r\nhi", false, Ok((b"hi".into(), false, false))),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0A;x=y\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
                false,
                whole("hi0123456789", true),
            ),
            ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", true, whole("", false)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", true, Err(Cut)),
            ("HTTP/1.1 200 OK\r\nContent-Le", true, Err(Cut)),
            ("", true, Err(Cut)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", true, Err(Cut)),
            ("HTTP/1.1 404 No\r\n\r\n", false, Err(Status(404))),
            ("HTTP/1.1 101 No\r\n\r\n", false, Err(Status(101))),
            ("HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", false, Err(Status(301))),
            ("SSH-2.0-x\r\n\r\n", false, Err(NotHttp)),
            ("\r\n\r\n", false, Err(NotHttp)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", false, Err(BodyTooLong)),
            ("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", false, Err(Framing)),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n", false, Err(Framing)),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                false,
                Err(Framing),
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                false,
                Err(Framing),
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, Err(Framing)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", false, Err(Framing)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n", false, Err(Framing)),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", false, Err(Framing)),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
                false,
                Err(BodyTooLong),
            ),
        ]
    }

    #[test]
    fn bodies_end_where_their_heads_say() {
        for (text, closed, want) in cases() {
            assert_eq!(read(&[text.as_bytes()], closed), want, "{text:?}");
        }
    }

    #[test]
    fn a_redirect_says_where_to() {
        for (field, want) in [
            ("location:  /b?c \r\n", Some("/b?c")),
            ("Location: \r\nLocation: /c\r\n", Some("")),
            ("Location: \u{fe}\r\n", Some("\u{fe}")),
            ("Elsewhere: /b\r\n", None),
        ] {
            let mut answer = Answer::new(100);
            let head = format!("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n{field}\r\n");
            let fed = answer.feed(head.as_bytes(), &mut |_| {});
            assert_eq!((fed, answer.location()), (Err(AnswerError::Status(302)), want), "{field}");
        }
    }

    #[test]
    fn the_cuts_change_nothing() {
        for (text, closed, want) in cases() {
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes, closed), want, "{text:?}");
        }
    }

    #[test]
    fn everything_has_its_limit() {
        let head = b"HTTP/1.1 200 OK\r\n";
        let long = [&head[..], &b"A: b\r\n".repeat(HEAD_BYTES_MAX / 6)].concat();
        assert_eq!(read(&[&long], false), Err(AnswerError::HeadTooLong));
        let endless = [&head[..], b"\r\n", &[b'x'; 101]].concat();
        assert_eq!(read(&[&endless], false), Err(AnswerError::BodyTooLong));
        let line = [&head[..], b"Transfer-Encoding: chunked\r\n\r\n1;", &[b'x'; 2000]].concat();
        assert_eq!(read(&[&line], false), Err(AnswerError::Framing));
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(HEAD_BYTES_MAX / 25 + 1);
        assert_eq!(read(&[&interim], false), Err(AnswerError::HeadTooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_the_same_however_they_are_cut(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            chunked in any::<bool>(),
            size in 1_usize..20,
        ) {
            let coding = if chunked { "Transfer-Encoding: chunked\r\n" } else { "" };
            let head = format!("HTTP/1.1 200 OK\r\n{coding}\r\n");
            let all = [head.as_bytes(), &bytes].concat();
            let pieces: Vec<&[u8]> = all.chunks(size).collect();
            prop_assert_eq!(read(&pieces, true), read(&[&all], true));
        }
    }
}
