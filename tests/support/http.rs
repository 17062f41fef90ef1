//! A tiny HTTP client on raw bytes, and the Prometheus text format as a map.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::LIMIT;

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// Field names in lower case with their values.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body as text; invalid UTF-8 is replaced.
    pub(crate) body: String,
}

/// A connection.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// A new connection.
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, LIMIT).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes as they are; a connection closed by the server is no failure.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// The next response; `head` says that it belongs to a HEAD request and has no
    /// body. `None` if the server closed instead.
    pub(crate) fn reply(&mut self, head: bool) -> Option<Reply> {
        let blank = loop {
            match self.unread.windows(4).position(|w| w == b"\r\n\r\n") {
                Some(at) => break at,
                None if self.more() => {}
                None => return None,
            }
        };
        let text = String::from_utf8(self.unread.drain(..blank + 4).collect()).unwrap();
        let mut lines = text.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |n| n.parse().unwrap());
        let length = if head { 0 } else { length };
        while self.unread.len() < length {
            assert!(self.more(), "closed in the middle of a body after {text}");
        }
        let body: Vec<u8> = self.unread.drain(..length).collect();
        let body = String::from_utf8_lossy(&body).into_owned();
        Some(Reply { status, headers, body })
    }

    /// Whether the server closes without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.unread.is_empty() && !self.more()
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(n) => {
                self.unread.extend_from_slice(&buffer[..n]);
                n > 0
            }
            Err(e) if e.kind() == ErrorKind::ConnectionReset => false,
            Err(e) => panic!("no byte from the server: {e}"),
        }
    }
}

/// GET on a connection of its own.
pub(crate) fn get(address: SocketAddr, path: &str) -> Reply {
    let mut connection = Connection::to(address);
    connection.send(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"));
    connection.reply(false).unwrap_or_else(|| panic!("{path}: closed without a reply"))
}

/// One scrape: samples by name with labels as written, and the text itself.
pub(crate) struct Scrape {
    /// The body.
    pub(crate) text: String,
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    /// Scrapes `/metrics`.
    pub(crate) fn of(address: SocketAddr) -> Self {
        let reply = get(address, "/metrics");
        assert_eq!(reply.status, 200, "{}", reply.body);
        Self::from_reply(reply)
    }

    /// The scrape in this response.
    pub(crate) fn from_reply(reply: Reply) -> Self {
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        let samples = reply.body.lines().filter(|l| !l.starts_with('#')).filter_map(sample);
        Self { samples: samples.collect(), text: reply.body.clone() }
    }

    /// The value of a sample, labels as in the text: `name{state="running"}`.
    pub(crate) fn get(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("no {sample} in\n{}", self.text))
    }

    /// The same; `None` if there is no such sample.
    pub(crate) fn find(&self, sample: &str) -> Option<f64> {
        self.samples.get(sample).copied()
    }

    /// The sum over all labels of a family.
    pub(crate) fn sum(&self, family: &str) -> f64 {
        let of_family = |name: &str| name.split('{').next() == Some(family);
        self.samples.iter().filter(|(name, _)| of_family(name)).map(|(_, value)| value).sum()
    }
}
