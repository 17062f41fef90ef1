//! A response as a client reads it: its head and its body.
//!
//! Bytes in, pieces of the body out; the body is not kept. Only status 200 is of use
//! here: any other is an error. `framing` finds the end of the body. Knows no socket and
//! no clock.

use super::framing::{Framing, values};
use super::response_error::ResponseError;

/// Longest head of a response in bytes, interim responses and trailers included: twice
/// the default limit of nginx and Go.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Most header fields of a head.
const FIELDS_MAX: usize = 64;

/// What a fetch from another server yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetched<'a> {
    /// The next piece of the body.
    Body(&'a [u8]),
    /// The body is complete.
    Whole,
    /// The fetch failed, for this reason in a few words; pieces received before are
    /// to be discarded.
    Failed(&'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Body(Framing),
}

/// The reader of one response.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    head: Vec<u8>,
    /// Bytes that heads and trailers may still take.
    head_room: usize,
    /// Bytes that the body may still take.
    body_room: u64,
    keeps_alive: bool,
    location: Option<String>,
}

impl ResponseReader {
    /// A reader that accepts a body of at most `body_bytes_max` bytes.
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

    /// Takes the next bytes and calls `each` with every piece of the body in them.
    ///
    /// # Errors
    /// The response cannot be used; the reader must not be fed again.
    pub fn feed(
        &mut self,
        mut bytes: &[u8],
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<(), ResponseError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            let State::Body(framing) = self.state else {
                bytes = rest;
                self.take_head_byte(byte)?;
                continue;
            };
            if framing == Framing::Done {
                // The server sent more than the response: its next bytes are not a head.
                self.keeps_alive = false;
                return Ok(());
            }
            let Some(most) = framing.body_bytes() else {
                bytes = rest;
                if matches!(framing, Framing::Trailer { .. }) {
                    self.take_head_room()?;
                }
                self.state = State::Body(framing.after_byte(byte)?);
                continue;
            };
            let count = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at_checked(count).unwrap_or((bytes, &[]));
            let room = self.body_room.checked_sub(count as u64);
            self.body_room = room.ok_or(ResponseError::BodyTooLong)?;
            each(piece);
            bytes = rest;
            self.state = State::Body(framing.after_body(count as u64));
        }
        Ok(())
    }

    /// Whether the response is complete.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Body(Framing::Done))
    }

    /// Whether the connection can carry another request after this response.
    #[must_use]
    pub const fn keeps_alive(&self) -> bool {
        self.keeps_alive
    }

    /// `Location` of a head whose status is not 200, if it is UTF-8.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.location.as_deref()
    }

    /// The connection ended.
    ///
    /// # Errors
    /// [`ResponseError::Cut`] unless this ended the response as well.
    pub const fn closed(&mut self) -> Result<(), ResponseError> {
        match self.state {
            State::Body(Framing::UntilClose | Framing::Done) => {
                self.state = State::Body(Framing::Done);
                self.keeps_alive = false;
                Ok(())
            }
            _ => Err(ResponseError::Cut),
        }
    }

    fn take_head_byte(&mut self, byte: u8) -> Result<(), ResponseError> {
        self.take_head_room()?;
        self.head.push(byte);
        if self.head.ends_with(b"\n\r\n") || self.head.ends_with(b"\n\n") {
            let head = std::mem::take(&mut self.head);
            self.state = self.after_head(&head)?;
        }
        Ok(())
    }

    fn take_head_room(&mut self) -> Result<(), ResponseError> {
        self.head_room = self.head_room.checked_sub(1).ok_or(ResponseError::HeadTooLong)?;
        Ok(())
    }

    /// The state after a whole head. Accepts status 200 alone.
    fn after_head(&mut self, head: &[u8]) -> Result<State, ResponseError> {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut parsed = httparse::Response::new(&mut fields);
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) => {}
            _ => return Err(ResponseError::NotHttp),
        }
        match parsed.code {
            Some(200) => {}
            // Interim responses precede the final one (RFC 9110 §15.2).
            Some(100 | 102..=199) => return Ok(State::Head),
            Some(status) => {
                let location = values(&parsed, "Location").next();
                let location = location.and_then(|value| std::str::from_utf8(value).ok());
                self.location = location.map(|text| text.trim().to_owned());
                return Err(ResponseError::Status(status));
            }
            None => return Err(ResponseError::NotHttp),
        }
        let framing = Framing::of(&parsed)?;
        match framing {
            Framing::Sized(length) if length > self.body_room => {
                return Err(ResponseError::BodyTooLong);
            }
            _ => {}
        }
        let closes = values(&parsed, "Connection")
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"close"));
        self.keeps_alive = parsed.version == Some(1) && !closes && framing != Framing::UntilClose;
        Ok(State::Body(framing))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body, whether it is complete, and whether the connection can be reused.
    type Seen = Result<(Vec<u8>, bool, bool), ResponseError>;

    fn read(pieces: &[&[u8]], closed: bool) -> Seen {
        let (mut reader, mut body) = (ResponseReader::new(100), Vec::new());
        for piece in pieces {
            reader.feed(piece, &mut |piece| body.extend_from_slice(piece))?;
        }
        if closed {
            reader.closed()?;
        }
        Ok((body, reader.is_done(), reader.keeps_alive()))
    }

    fn whole(body: &str, keeps_alive: bool) -> Seen {
        Ok((body.into(), true, keeps_alive))
    }

    /// Bytes of a response, whether the connection ends after them, and what is read.
    fn cases() -> Vec<(&'static str, bool, Seen)> {
        use ResponseError::{BodyTooLong, Cut, Framing, NotHttp, Status};
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
    fn reads_every_framing() {
        for (text, closed, want) in cases() {
            assert_eq!(read(&[text.as_bytes()], closed), want, "{text:?}");
        }
    }

    #[test]
    fn reports_the_location_of_a_redirect() {
        for (field, want) in [
            ("location:  /b?c \r\n", Some("/b?c")),
            ("Location: \r\nLocation: /c\r\n", Some("")),
            ("Location: \u{fe}\r\n", Some("\u{fe}")),
            ("Elsewhere: /b\r\n", None),
        ] {
            let mut reader = ResponseReader::new(100);
            let head = format!("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n{field}\r\n");
            let fed = reader.feed(head.as_bytes(), &mut |_| {});
            assert_eq!(
                (fed, reader.location()),
                (Err(ResponseError::Status(302)), want),
                "{field}"
            );
        }
    }

    #[test]
    fn reads_byte_by_byte() {
        for (text, closed, want) in cases() {
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes, closed), want, "{text:?}");
        }
    }

    #[test]
    fn limits_heads_bodies_and_chunk_lines() {
        let head = b"HTTP/1.1 200 OK\r\n";
        let long = [&head[..], &b"A: b\r\n".repeat(HEAD_BYTES_MAX / 6)].concat();
        assert_eq!(read(&[&long], false), Err(ResponseError::HeadTooLong));
        let endless = [&head[..], b"\r\n", &[b'x'; 101]].concat();
        assert_eq!(read(&[&endless], false), Err(ResponseError::BodyTooLong));
        let line = [&head[..], b"Transfer-Encoding: chunked\r\n\r\n1;", &[b'x'; 2000]].concat();
        assert_eq!(read(&[&line], false), Err(ResponseError::Framing));
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(HEAD_BYTES_MAX / 25 + 1);
        assert_eq!(read(&[&interim], false), Err(ResponseError::HeadTooLong));
    }

    proptest! {
        #[test]
        fn any_chunking_reads_the_same(
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
