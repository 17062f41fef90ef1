//! Executes the hot paths whose instructions `instructions.sh` counts: a number of
//! passes of one path; prints the number of items.
//!
//! `instructions NAME PASSES`; without a name it lists them. Nothing depends on time or
//! chance, so two runs differ by their passes only.
//!
//! | name | item |
//! |---|---|
//! | `split` | a line of a live log at level verbose, extracted |
//! | `parse` | the same, and parsed |
//! | `swarm` | the same passed to the swarm: one `Swarm::handle(Output)` per line |
//! | `progress` | a block of progress, split into lines and parsed |
//! | `swarm_progress` | the same passed to the swarm, one read per block |
//! | `dispatch` | a ready entry of the event table: marked, queued, handled |
//! | `request` | a request through a connection, without socket and reactor |
//! | `httparse` | the same parsed by httparse alone |
//! | `scrape` | a response to `GET /metrics` with 1,000 clients |

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench, which is controlled by its arguments"
)]

#[path = "support/request.rs"]
mod request;
#[path = "support/swarm.rs"]
mod swarm;
#[path = "support/view.rs"]
mod view;

use std::collections::VecDeque;
use std::hint::black_box;
use std::os::fd::AsFd;
use std::rc::Rc;

use ffmpeg_hls_swarm::ffmpeg::lines::LineSplitter;
use ffmpeg_hls_swarm::ffmpeg::log;
use ffmpeg_hls_swarm::ffmpeg::progress::Progress;
use ffmpeg_hls_swarm::http::request::MAX_FIELDS;
use ffmpeg_hls_swarm::http::{Connection, Limits, Method, Request};
use ffmpeg_hls_swarm::reactor::table::{Owner, Table};
use ffmpeg_hls_swarm::swarm::Input;
use ffmpeg_hls_swarm::units::process::Pipe;
use ffmpeg_hls_swarm::units::{ClientId, Tick, Wall};
use mio::{Interest, Poll};

/// Clients of the swarm.
const CLIENTS: u32 = 1_000;

/// Executes this many passes and returns the number of items.
type Path = fn(usize) -> usize;

const PATHS: [(&str, Path); 9] = [
    ("split", split),
    ("parse", parse),
    ("swarm", swarm),
    ("progress", progress),
    ("swarm_progress", swarm_progress),
    ("dispatch", dispatch),
    ("request", request),
    ("httparse", httparse_alone),
    ("scrape", scrape),
];

fn verbose_log() -> Vec<u8> {
    swarm::capture("9.0/live.verbose.stderr")
}

fn lines(passes: usize, mut each: impl FnMut(&[u8])) -> usize {
    let (log, mut splitter, mut count) = (verbose_log(), LineSplitter::new(), 0);
    for _ in 0..passes {
        splitter.feed(black_box(&log), |line, _| {
            count += 1;
            each(line);
        });
    }
    count
}

fn split(passes: usize) -> usize {
    lines(passes, |line| _ = black_box(line))
}

fn parse(passes: usize) -> usize {
    lines(passes, |line| _ = black_box(log::parse(line)))
}

fn swarm(passes: usize) -> usize {
    let (mut swarm, now) = swarm::running(CLIENTS);
    let (log, mut actions) = (verbose_log(), Vec::new());
    let lines: Vec<_> = log.split_inclusive(|&byte| byte == b'\n').collect();
    for pass in 0..passes {
        let client = pass as u32 % CLIENTS;
        for line in &lines {
            swarm::stderr(&mut swarm, now, client, black_box(line), &mut actions);
            actions.clear();
        }
    }
    passes * lines.len()
}

/// The blocks of a live stream's progress.
fn blocks() -> Vec<Vec<u8>> {
    let text = String::from_utf8(swarm::capture("9.0/live.verbose.progress")).unwrap();
    let blocks = text.split_inclusive("progress=continue\n");
    blocks.map(|block| block.as_bytes().to_vec()).collect()
}

fn progress(passes: usize) -> usize {
    let blocks = blocks();
    let (mut splitter, mut progress) = (LineSplitter::new(), Progress::default());
    for _ in 0..passes {
        for block in &blocks {
            splitter.feed(black_box(block), |line, _| _ = black_box(progress.line(line)));
        }
    }
    passes * blocks.len()
}

fn swarm_progress(passes: usize) -> usize {
    let (mut swarm, now) = swarm::running(CLIENTS);
    let (blocks, mut actions) = (blocks(), Vec::new());
    for pass in 0..passes {
        let client = ClientId::new(pass as u32 % CLIENTS);
        for block in &blocks {
            let (pipe, bytes) = (Pipe::Stdout, black_box(block.as_slice()));
            let input = Input::Output { client, pipe, bytes, wall: Wall::default() };
            swarm.handle(now, input, &mut actions);
            actions.clear();
        }
    }
    passes * blocks.len()
}

fn dispatch(passes: usize) -> usize {
    let (poll, mut table) = (Poll::new().unwrap(), Table::default());
    let pipes: Vec<_> = (0..CLIENTS).map(|_| std::io::pipe().unwrap()).collect();
    let insert = |(client, pipe): (u32, &(std::io::PipeReader, std::io::PipeWriter))| {
        let owner = Owner::Output(ClientId::new(client), Pipe::Stderr);
        table.insert(poll.registry(), pipe.0.as_fd(), owner, Interest::READABLE).unwrap()
    };
    let tokens: Vec<_> = (0..).zip(&pipes).map(insert).collect();
    let mut line = VecDeque::new();
    for _ in 0..passes {
        for &token in &tokens {
            if table.mark_ready(black_box(token), false).is_some() {
                line.push_back(token);
            }
        }
        while let Some(token) = line.pop_front() {
            black_box(table.take_turn(token));
        }
    }
    passes * tokens.len()
}

fn request(passes: usize) -> usize {
    let mut connection = Connection::new(Tick::ZERO, Rc::new(Limits::default()));
    let mut service = request::service();
    for _ in 0..passes {
        let head = black_box(request::HEADS[0].1.as_bytes());
        request::exchange(&mut connection, head, &mut service);
    }
    passes
}

fn httparse_alone(passes: usize) -> usize {
    for _ in 0..passes {
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let mut parsed = httparse::Request::new(&mut fields);
        let head = black_box(request::HEADS[0].1.as_bytes());
        assert!(black_box(parsed.parse(head)).unwrap().is_complete());
    }
    passes
}

fn scrape(passes: usize) -> usize {
    let (swarm, now) = view::with_events(CLIENTS);
    let (health, request) = (view::health(), Request::new(Method::Get, "/metrics", &[]));
    for _ in 0..passes {
        black_box(view::scrape_response(black_box(&swarm), now, &health, &request));
    }
    passes
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let name = arguments.next();
    let passes = arguments.next().and_then(|passes| passes.parse().ok()).unwrap_or(1);
    match PATHS.iter().find(|(path, _)| name.as_deref() == Some(path)) {
        Some((_, path)) => println!("{}", path(passes)),
        None => PATHS.iter().for_each(|(path, _)| println!("{path}")),
    }
}
