//! What does the reactor add to a ready pipe between epoll and its handler?
//!
//! The floor is a bare loop: epoll_wait(2) for 64 events, edge-triggered, a read(2) of
//! each pipe and the handler. The reactor does the same with its event table, ready
//! queue, polls and deadlines. The handler is the same in both: it writes the next line
//! into the pipe that was read, so that every pipe always has one and neither loop ever
//! sleeps. A figure is the CPU time of 100,000 lines, including their write(2).
//!
//! The pipes of the reactor are those of real children, which only keep them open; the
//! bench writes into them by `/proc/PID/fd/2`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a bench, which measures time and starts children"
)]

#[path = "support/cpu_time.rs"]
mod cpu_time;

use std::ffi::CString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{PipeReader, PipeWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use cpu_time::CpuTime;
use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use ffmpeg_hls_swarm::ffmpeg::capabilities::Capabilities;
use ffmpeg_hls_swarm::ffmpeg::command::{Map, Template};
use ffmpeg_hls_swarm::ffmpeg::options::Options;
use ffmpeg_hls_swarm::http::redact::Masking;
use ffmpeg_hls_swarm::http::{Request, Response, Status};
use ffmpeg_hls_swarm::reactor::host::journal::{Format, Journal};
use ffmpeg_hls_swarm::reactor::host::signals::Signals;
use ffmpeg_hls_swarm::reactor::process::child::Spawner;
use ffmpeg_hls_swarm::reactor::process::children::Children;
use ffmpeg_hls_swarm::reactor::process::orphans;
use ffmpeg_hls_swarm::reactor::table::ServiceKey;
use ffmpeg_hls_swarm::reactor::{
    Application, Driver, HttpService, Reactor, Status as ServiceStatus, Vitals,
};
use ffmpeg_hls_swarm::swarm::{Action, Input};
use ffmpeg_hls_swarm::units::process::Pipe;
use ffmpeg_hls_swarm::units::{ClientId, Moment, Tick};
use rustix::event::epoll;
use rustix::event::epoll::{CreateFlags, Event, EventData, EventFlags};

/// More than are handled in one turn, so that every turn is full.
const PIPES: u32 = 128;

/// Lines of one measurement, so that the start of the loop does not matter.
const LINES: u64 = 100_000;

/// Events that the reactor handles in one turn (`reactor/process/pipes.rs`).
const EVENTS_PER_POLL: usize = 64;

const READ_BYTES: usize = 64 * 1024;

const LINE: &[u8] = b"[hls @ 0x55d0c8a3b2c0] [verbose] HLS request for url 'http://127.0.0.1:17080/seg00018.ts', offset 0, playlist 0\n";

/// Responds to each line with the next one.
struct Echo {
    writers: Vec<File>,
    left: u64,
    began: Duration,
    took: Option<Duration>,
}

impl Echo {
    fn new(lines: u64) -> Self {
        Self { writers: Vec::new(), left: lines, began: cpu_time::now(), took: None }
    }

    fn hold(&mut self, pid: u32) {
        let pipe = OpenOptions::new().write(true).open(format!("/proc/{pid}/fd/2")).unwrap();
        self.writers.push(pipe);
        if self.writers.len() == PIPES as usize {
            for writer in &mut self.writers {
                writer.write_all(LINE).unwrap();
            }
            self.began = cpu_time::now();
        }
    }

    fn respond_to(&mut self, client: ClientId) {
        self.writers[client.index()].write_all(LINE).unwrap();
        self.left = self.left.saturating_sub(1);
        if self.left == 0 && self.took.is_none() {
            self.took = Some(cpu_time::now() - self.began);
        }
    }
}

impl Driver for Echo {
    fn handle(&mut self, _: Tick, input: Input<'_>, actions: &mut Vec<Action>) {
        match input {
            Input::Started => {
                let clients = (0..PIPES).map(ClientId::new);
                actions.extend(clients.map(|client| Action::Spawn { client }));
            }
            Input::Spawned { pid, .. } => self.hold(pid),
            Input::Output { client, pipe: Pipe::Stderr, bytes, .. } => {
                assert_eq!(bytes.len(), LINE.len(), "more than a line was read");
                self.respond_to(client);
                if self.took.is_some() {
                    actions.push(Action::Finish);
                }
            }
            // Comes once a second in addition to the output.
            Input::MemorySeen { .. } => {}
            other => panic!("{other:?} came in between"),
        }
    }

    fn next_deadline(&self) -> Option<Tick> {
        None
    }
}

impl HttpService for Echo {
    fn respond(&mut self, _: Moment, _: &mut Vitals<'_>, _: &Request<'_>) -> Response {
        Response::text(Status::NOT_FOUND, "")
    }
}

impl ServiceStatus for Echo {
    fn status(&self, _: Tick) -> String {
        String::new()
    }

    fn is_stopping(&self, _: Tick) -> bool {
        false
    }
}

impl Application for Echo {
    fn service(&mut self, _: ServiceKey) -> &mut dyn HttpService {
        self
    }
}

/// The command of the version that logs times.
fn template() -> Template {
    let options = Options::new("http://127.0.0.1:9/".parse().unwrap());
    let version = include_bytes!("../tests/data/ffmpeg-9.0.2-version.txt");
    let help = include_bytes!("../tests/data/ffmpeg-9.0.2-help.txt");
    let capabilities = Capabilities::parse(version, help).unwrap();
    Template::new(&options, Map::All, &capabilities).unwrap()
}

fn by_reactor(program: &Path, journal: &Journal, lines: u64) -> Duration {
    let spawner = Spawner::new(Vec::new(), None).unwrap();
    let program = CString::new(program.as_os_str().as_bytes()).unwrap();
    let children = Children::new(spawner, program, template(), PIPES);
    let signals = Signals::block().unwrap();
    let mut reactor = Reactor::new(journal.clone(), signals, Vec::new(), Some(children)).unwrap();
    let mut echo = Echo::new(lines);
    reactor.run(&mut echo).unwrap();
    orphans::end_all();
    echo.took.unwrap()
}

fn by_bare_loop(lines: u64) -> Duration {
    let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let pipes: Vec<(PipeReader, PipeWriter)> =
        (0..PIPES).map(|_| std::io::pipe().unwrap()).collect();
    for (key, (reader, writer)) in pipes.iter().enumerate() {
        rustix::io::ioctl_fionbio(reader, true).unwrap();
        let (data, flags) = (EventData::new_u64(key as u64), EventFlags::IN | EventFlags::ET);
        epoll::add(&epoll, reader, data, flags).unwrap();
        rustix::io::write(writer, LINE).unwrap();
    }
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS_PER_POLL);
    let mut buffer = vec![0; READ_BYTES];
    let (began, mut left) = (cpu_time::now(), lines);
    loop {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None).unwrap();
        for event in &events {
            let (reader, writer) = &pipes[event.data.u64() as usize];
            assert_eq!(rustix::io::read(reader, &mut buffer).unwrap(), LINE.len());
            rustix::io::write(writer, LINE).unwrap();
            left -= 1;
            if left == 0 {
                return cpu_time::now() - began;
            }
        }
    }
}

fn dispatch(criterion: &mut Criterion<CpuTime>) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("holds");
    fs::write(&program, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let journal = Journal::install(tracing::Level::ERROR, Format::Text, Masking::default());
    let mut group = criterion.benchmark_group("dispatch");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(LINES));
    group.bench_function("floor", |bench| {
        bench.iter_custom(|times| by_bare_loop(times * LINES));
    });
    group.bench_function("reactor", |bench| {
        bench.iter_custom(|times| by_reactor(&program, &journal, times * LINES));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = cpu_time::criterion(Duration::from_secs(5));
    targets = dispatch
}
criterion_main!(benches);
