//! The built-in origin under test, and its behaviour on the wire: raw bytes, and how a
//! connection ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::LIMIT;
use super::http::{Reply, Scrape, get};
use super::program::{Program, Setup};

/// An origin.
pub(crate) struct Origin {
    /// The serving program.
    pub(crate) program: Program,
    /// Its listen address on this host.
    pub(crate) address: SocketAddr,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By FIN.
    Fin,
    /// By a reset.
    Rst,
}

/// The bytes received on a connection after one request.
#[derive(Debug)]
pub(crate) struct Wire {
    /// The head with its blank line; empty if none came.
    pub(crate) head: String,
    /// The bytes after the head.
    pub(crate) body: Vec<u8>,
    /// How it ended.
    pub(crate) end: End,
}

impl Origin {
    /// An origin with these extra arguments, on a free port.
    pub(crate) fn with(args: &[&str]) -> Self {
        Self::listening("127.0.0.1:0", args)
    }

    /// The same on this address.
    pub(crate) fn listening(listen: &str, args: &[&str]) -> Self {
        Self::started(Setup::with(&["origin", "-listen", listen, "-seed", "7"]).args(args))
    }

    /// The origin that this starts.
    pub(crate) fn started(setup: Setup) -> Self {
        let mut program = setup.start();
        let url = program.stdout(|line| Some(line.to_owned()));
        let address = url.split('/').nth(2).and_then(|address| address.parse().ok());
        Self { program, address: address.unwrap() }
    }

    /// The URL of a path without its leading slash.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// A connection on which this request was sent, without a request to close.
    pub(crate) fn ask(&self, path: &str) -> TcpStream {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
    }

    /// A connection on which these bytes were sent.
    pub(crate) fn send(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect_timeout(&self.address, LIMIT).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream
    }

    /// Everything received for this path until the origin ends the connection.
    pub(crate) fn wire(&self, path: &str) -> Wire {
        let mut stream = self.ask(path);
        let mut bytes = Vec::new();
        let end = match stream.read_to_end(&mut bytes) {
            Ok(_) => End::Fin,
            Err(e) if e.kind() == ErrorKind::ConnectionReset => End::Rst,
            Err(e) => panic!("{path}: {e} after {} bytes", bytes.len()),
        };
        let blank = bytes.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
        let body = bytes.split_off(blank);
        Wire { head: String::from_utf8(bytes).unwrap(), body, end }
    }

    /// The response to a GET by this client of a swarm.
    pub(crate) fn get_as(&self, client: u32, path: &str) -> String {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: x/client-{client}\r\n\
             Connection: close\r\n\r\n"
        );
        let mut text = String::new();
        self.send(&request).read_to_string(&mut text).unwrap();
        text
    }

    /// Replaces the recipes.
    pub(crate) fn post(&self, recipes: &str) -> (u16, String) {
        let length = recipes.len();
        let request = format!(
            "POST /faults HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{recipes}",
            self.address
        );
        let mut text = String::new();
        self.send(&request).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The response to a plain GET on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Reply {
        get(self.address, path)
    }

    /// One scrape of the origin's own metrics.
    pub(crate) fn scrape(&self) -> Scrape {
        Scrape::of(self.address)
    }

    /// Faults of this kind injected so far.
    pub(crate) fn injected(&self, kind: &str) -> u64 {
        let sample = format!("hlsswarm_origin_faults_injected_total{{kind=\"{kind}\"}}");
        self.scrape().get(&sample) as u64
    }
}

impl Wire {
    /// The stated length of the body.
    pub(crate) fn stated_length(&self) -> usize {
        let field = self.head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        field.unwrap_or_else(|| panic!("no length in {:?}", self.head)).parse().unwrap()
    }
}

/// Whether a connection is open and has nothing to read now.
pub(crate) fn is_silent(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0; 1]);
    stream.set_nonblocking(false).unwrap();
    matches!(peeked, Err(e) if e.kind() == ErrorKind::WouldBlock)
}
