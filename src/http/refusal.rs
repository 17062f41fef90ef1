//! A request that is refused before a service sees it: malformed, too long or too slow.
//!
//! Only the request line is read, as far as it has arrived.

use super::{Method, PeerAddress, Status};

/// Why a request was refused, and what is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The status of the response.
    pub status: Status,
    /// The method, if it arrived completely.
    pub method: Option<Method>,
    /// The request target as sent, if it arrived completely after a method: any bytes
    /// except spaces and line ends.
    pub target: Option<&'a [u8]>,
    /// The address of the peer, if known.
    pub peer: Option<PeerAddress>,
}

impl<'a> Refusal<'a> {
    /// The refusal of a request of which `came` has arrived.
    #[must_use]
    pub fn new(status: Status, came: &'a [u8], peer: Option<PeerAddress>) -> Self {
        let line_end = memchr::memchr(b'\n', came);
        let line = came.get(..line_end.unwrap_or(came.len())).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut words = line.splitn(3, |&byte| byte == b' ');
        let (method, target, version) = (words.next(), words.next(), words.next());
        let method = method.filter(|_| target.is_some()).and_then(named);
        let is_whole = version.is_some() || line_end.is_some();
        let target = target.filter(|target| method.is_some() && is_whole && !target.is_empty());
        Self { status, method, target, peer }
    }
}

/// The method of this name, if the name is plausible: letters, digits and dashes, as in
/// every registered method.
fn named(name: &[u8]) -> Option<Method> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    let name = str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    name.as_bytes().iter().all(plain).then(|| Method::named(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_request_line_as_far_as_it_arrived() {
        use Method::{Get, Other, Post};
        let cases: [(&[u8], Option<Method>, Option<&str>); 14] = [
            (b"", None, None),
            (b"GE", None, None),
            (b"GET", None, None),
            (b"GET ", Some(Get), None),
            (b"GET /v0/1.t", Some(Get), None),
            (b"GET /v0/1.ts ", Some(Get), Some("/v0/1.ts")),
            (b"GET /v0/1.ts?a HT", Some(Get), Some("/v0/1.ts?a")),
            (b"POST /faults HTTP/1.1\r\nHost", Some(Post), Some("/faults")),
            (b"BREW /\r\n", Some(Other), Some("/")),
            (b"GET  HTTP/1.1\r\n", Some(Get), None),
            (b"nonsense\r\n\r\n", None, None),
            (b"nonsense and /more\n", Some(Other), Some("and")),
            (b"\x16\x03\x01 \x02\x00 \x01\n", None, None),
            (b" / HTTP/1.1\n", None, None),
        ];
        for (came, method, target) in cases {
            let refusal = Refusal::new(Status::BAD_REQUEST, came, None);
            let target = target.map(str::as_bytes);
            assert_eq!((refusal.method, refusal.target), (method, target), "{came:?}");
        }
    }
}
