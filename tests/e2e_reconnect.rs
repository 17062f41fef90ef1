//! The default reconnect options with every real FFmpeg of this machine: a broken
//! connection is replaced, and no ending of a response makes FFmpeg request a playlist
//! endlessly.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::disallowed_methods, reason = "an origin beside the program needs threads")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use support::LIMIT;
use support::media::{SEGMENTS, presentation};
use support::program::{Program, Setup};
use support::tools::real_ffmpegs;

/// The behaviour of the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    /// Playlists as in HTTP/1.0: they end by the close.
    Http10,
    /// Playlists shorter than their Content-Length.
    TooLong,
    /// Chunked playlists without the last chunk.
    NoLastChunk,
    /// The first request gets no response.
    ClosedFirst,
    /// The response to the first request breaks off; ranges are supported.
    CutFirst,
}

/// An origin of the presentation, and the requested paths.
struct Origin {
    address: SocketAddr,
    asked: Receiver<String>,
}

impl Origin {
    fn start(folder: &'static Path, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (report, asked) = channel();
        thread::spawn(move || {
            let mut first = true;
            for peer in listener.incoming() {
                let peer = Peer { stream: peer.unwrap(), folder, behaviour, first };
                first = false;
                let report = report.clone();
                thread::spawn(move || peer.serve(&report));
            }
        });
        Self { address, asked }
    }

    /// The number of playlist requests before the request for the last segment.
    fn playlists_until_played(&self, what: &str) -> usize {
        let last = format!("/low/seg{}.ts", SEGMENTS - 1);
        let mut playlists = Vec::new();
        loop {
            let path = self.asked.recv_timeout(LIMIT);
            let path = path.unwrap_or_else(|why| panic!("{what}: {why} after {playlists:?}"));
            if path == last {
                return playlists.len();
            }
            if path.ends_with(".m3u8") {
                playlists.push(path);
            }
            assert!(playlists.len() <= 8, "{what}: asked again and again: {playlists:?}");
        }
    }
}

/// One connection of the origin.
struct Peer {
    stream: TcpStream,
    folder: &'static Path,
    behaviour: Behaviour,
    first: bool,
}

impl Peer {
    /// Serves requests until the peer closes or the behaviour requires a close.
    fn serve(mut self, report: &Sender<String>) {
        let mut lines = BufReader::new(self.stream.try_clone().unwrap()).lines();
        while let Some(Ok(request)) = lines.next() {
            let path = request.split(' ').nth(1).unwrap().to_owned();
            let fields: Vec<String> =
                lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let range = fields.iter().find_map(|field| field.strip_prefix("Range: bytes="));
            let from = range.and_then(|range| range.strip_suffix('-')?.parse().ok());
            let _ = report.send(path.clone());
            let kept = self.respond(&path, from.unwrap_or(0)).unwrap_or(false);
            if !kept {
                break;
            }
        }
    }

    /// Sends a response; returns whether the connection is kept.
    fn respond(&mut self, path: &str, from: usize) -> std::io::Result<bool> {
        let file: PathBuf = self.folder.join(path.trim_start_matches('/'));
        let body = std::fs::read(file).unwrap_or_default();
        let len = body.len();
        let (head, body, kept) = match self.behaviour {
            Behaviour::ClosedFirst if self.first => return Ok(false),
            Behaviour::CutFirst => {
                let end = if self.first { len / 2 } else { len };
                let range = format!("Content-Range: bytes {from}-{}/{len}", len - 1);
                let head = format!("HTTP/1.1 206 OK\r\n{range}\r\nContent-Length: {}", len - from);
                (head, body[from..end].to_vec(), !self.first)
            }
            _ if !path.ends_with(".m3u8") => {
                (format!("HTTP/1.1 200 OK\r\nContent-Length: {len}"), body, true)
            }
            Behaviour::Http10 => ("HTTP/1.0 200 OK".to_owned(), body, false),
            Behaviour::TooLong => {
                (format!("HTTP/1.1 200 OK\r\nContent-Length: {}", len + 1), body, false)
            }
            Behaviour::NoLastChunk => {
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked".to_owned();
                (head, [format!("{len:x}\r\n").as_bytes(), &body, b"\r\n"].concat(), false)
            }
            Behaviour::ClosedFirst => {
                (format!("HTTP/1.1 200 OK\r\nContent-Length: {len}"), body, true)
            }
        };
        self.stream.write_all(format!("{head}\r\n\r\n").as_bytes())?;
        self.stream.write_all(&body)?;
        Ok(kept)
    }
}

/// Plays each behaviour with each FFmpeg, one after the other: on a busy host many
/// programs at once would exceed FFmpeg's start limit.
fn each_plays(behaviours: &[Behaviour], path: &str, mut then: impl FnMut(&str, &Origin, Program)) {
    let Some(folder) = presentation() else { return };
    for ffmpeg in real_ffmpegs() {
        for &behaviour in behaviours {
            let origin = Origin::start(folder, behaviour);
            let url = format!("http://{}/{path}", origin.address);
            // A failed attempt has no successor within the time of the test.
            let args = ["-clients", "1", "-backoff-initial", "1h", "-backoff-max", "1h"];
            let more = ["-target-duration", "2s", "--skip-preflight"];
            let setup = Setup::load(&ffmpeg, &url).args(&args).args(&more);
            then(&format!("{} {behaviour:?} {path}", ffmpeg.display()), &origin, setup.start());
        }
    }
}

/// Checks that no response is reported as truncated, up to the end of the attempt.
fn was_whole(what: &str, mut program: Program) {
    program.event("client_exited");
    let scrape = program.scrape();
    for kind in ["playlist", "segment"] {
        let name = format!("hlsswarm_request_errors_total{{kind=\"{kind}\",reason=\"truncated\"}}");
        assert_eq!(scrape.get(&name), 0.0, "{what}: {}", scrape.text);
    }
    program.stopped();
}

#[test]
fn requests_a_playlist_once_however_its_response_ends() {
    each_plays(
        &[Behaviour::TooLong, Behaviour::NoLastChunk],
        "low/vod.m3u8",
        |what, origin, program| {
            assert_eq!(origin.playlists_until_played(what), 1, "{what}");
            program.stopped();
        },
    );
    each_plays(&[Behaviour::Http10], "low/vod.m3u8", |what, origin, program| {
        assert_eq!(origin.playlists_until_played(what), 1, "{what}");
        was_whole(what, program);
    });
}

#[test]
fn requests_playlists_without_length_once_each() {
    each_plays(&[Behaviour::Http10], "master.m3u8", |what, origin, program| {
        assert_eq!(origin.playlists_until_played(what), 3, "{what}");
        was_whole(what, program);
    });
}

#[test]
fn retries_a_broken_first_playlist_in_the_same_attempt() {
    let behaviours = [Behaviour::ClosedFirst, Behaviour::CutFirst];
    each_plays(&behaviours, "low/vod.m3u8", |what, origin, program| {
        assert_eq!(origin.playlists_until_played(what), 2, "{what}");
        program.stopped();
    });
}
