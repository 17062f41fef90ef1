//! The program under test: started with flags, watched by its log, stopped, and
//! cleaned up after whatever happens.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::LIMIT;
use super::fake::{Fake, Faults};
use super::http::Scrape;
use super::lines::Lines;
use super::processes::{MARK, Process, marked};

/// The program under test, as cargo built it.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_ffmpeg-hls-swarm");

/// How long a process may outlive the program: none does longer, not even when
/// the program is killed.
const DYING: Duration = Duration::from_secs(1);

/// The event after which a stalled reader of the log reads no more.
const STALLS_AFTER: &str = "ramp_complete";

/// The program before its start.
pub(crate) struct Setup {
    command: Command,
    url: Option<String>,
    mark: String,
    reader: Reader,
}

/// Who reads the program's log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// One that reads all of it.
    Eager,
    /// One that stalls once the ramp is complete.
    Stalling,
    /// One that has gone.
    Gone,
}

impl Setup {
    /// The program with these arguments alone and an environment that names no
    /// setting of it.
    pub(crate) fn with(args: &[&str]) -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let number = RUNS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{}-{number}", std::process::id());
        let mut command = Command::new(PROGRAM);
        command.env_clear().env(MARK, &mark).args(args);
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, url: None, mark, reader: Reader::Eager }
    }

    /// A load of `url` by this FFmpeg, scraped at a port that the kernel chooses.
    pub(crate) fn load(ffmpeg: &Path, url: &str) -> Self {
        let mut setup = Self::with(&["-metrics", "127.0.0.1:0"]);
        setup.command.arg("-ffmpeg").arg(ffmpeg);
        Self { url: Some(url.to_owned()), ..setup }
    }

    /// A load by the fake that plays these steps. What a fake uses says nothing
    /// of FFmpeg, so the host is left unchecked, and there is no playlist to read.
    pub(crate) fn faking(fake: &Fake, steps: &str) -> Self {
        let url = format!("http://127.0.0.1:9/{steps}");
        Self::load(&fake.path(), &url).args(&["--skip-preflight", "-target-duration", "6s"])
    }

    /// Started by a shell that first does something to itself, such as `ulimit`.
    pub(crate) fn born_after(mut self, doing: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell.arg("-c").arg(format!("{doing}; exec \"$0\" \"$@\"")).arg(PROGRAM);
        shell.args(self.command.get_args());
        shell.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = shell;
        self
    }

    /// More arguments.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// One more variable, or another value for it.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Started by another program with these arguments, such as `unshare`, which
    /// becomes it or starts it.
    pub(crate) fn started_by(mut self, program: &Path, args: &[&str]) -> Self {
        let mut starter = Command::new(program);
        starter.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        starter.args(args).arg(PROGRAM).args(self.command.get_args());
        starter.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = starter;
        self
    }

    /// These faults come to it.
    pub(crate) fn suffering(mut self, faults: &Faults) -> Self {
        self.command.envs(faults.variables());
        self
    }

    /// Its parent ignores this signal, as nohup(1) does, and hands that on.
    pub(crate) fn ignoring(self, signal: &str) -> Self {
        self.born_after(&format!("trap '' {signal}"))
    }

    /// Its log goes there, and is not read.
    pub(crate) fn logging_to(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Its stdout is this, and what it writes there is not read.
    pub(crate) fn writing_to(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// The reader of the log stalls once the ramp is complete.
    pub(crate) fn with_stalled_log(mut self) -> Self {
        self.reader = Reader::Stalling;
        self
    }

    /// The reader of the log is gone before the program begins.
    pub(crate) fn with_closed_log(mut self) -> Self {
        self.reader = Reader::Gone;
        self
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Program {
        self.command.args(self.url);
        if self.reader == Reader::Gone {
            let (_, stderr) = std::io::pipe().unwrap();
            self.command.stderr(stderr);
        }
        let mut child = self.command.spawn().unwrap();
        let stalls = self.reader == Reader::Stalling;
        let log = match child.stderr.take() {
            Some(stderr) => Lines::until(stderr, move |line| stalls && line.contains(STALLS_AFTER)),
            None => Lines::of(std::io::empty()),
        };
        let stdout = match child.stdout.take() {
            Some(stdout) => Lines::of(stdout),
            None => Lines::of(std::io::empty()),
        };
        let process = Process::open(child.id()).unwrap();
        Program { process, child, mark: self.mark, stdout, log }
    }

    /// Starts it and waits for its end.
    pub(crate) fn run(self) -> Ended {
        self.start().ended()
    }
}

/// The program while it runs.
pub(crate) struct Program {
    /// The program's own process.
    pub(crate) process: Process,
    child: Child,
    mark: String,
    stdout: Lines,
    log: Lines,
}

/// The program after its end.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// All of its stdout.
    pub(crate) stdout: String,
    /// All lines of its stderr.
    pub(crate) log: Vec<String>,
}

impl Program {
    /// The first `count` events of this name, as soon as they are there.
    pub(crate) fn events(&mut self, name: &str, count: usize) -> Vec<Value> {
        let picked = self.log.pick(count, |line| event(line).filter(|e| e["msg"] == name));
        picked.unwrap_or_else(|why| panic!("{count} of event {name}: {why}"))
    }

    /// Waits until this client, run with `-v`, has said so many lines that `is`
    /// holds for.
    pub(crate) fn says(&mut self, client: usize, count: usize, is: impl Fn(&str) -> bool) {
        let said = self.log.pick(count, |line| {
            let event = event(line).filter(|e| e["msg"] == "process_stderr")?;
            (event["client_id"] == client && is(event["line"].as_str()?)).then_some(())
        });
        said.unwrap_or_else(|why| panic!("{count} lines of client {client}: {why}"));
    }

    /// The events of this name that were there already.
    pub(crate) fn seen(&mut self, name: &str) -> Vec<Value> {
        self.log.seen(|line| event(line).filter(|e| e["msg"] == name))
    }

    /// The first event of this name.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        self.events(name, 1).remove(0)
    }

    /// The first line of stdout that `pick` makes something of.
    pub(crate) fn stdout<T>(&mut self, pick: impl Fn(&str) -> Option<T>) -> T {
        let picked = self.stdout.pick(1, pick);
        picked.unwrap_or_else(|why| panic!("a line of stdout: {why}")).remove(0)
    }

    /// Where it is scraped.
    pub(crate) fn metrics(&mut self) -> SocketAddr {
        let started = self.event("metrics_server_started");
        let address = started["address"].as_str().and_then(|a| a.parse().ok());
        address.unwrap_or_else(|| panic!("no address in {started}"))
    }

    /// One scrape.
    pub(crate) fn scrape(&mut self) -> Scrape {
        Scrape::of(self.metrics())
    }

    /// The processes of the first `count` starts, as far as they are alive.
    pub(crate) fn children(&mut self, count: usize) -> Vec<Process> {
        let started = self.events("client_started", count);
        let pid = |event: &Value| event["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        started.iter().filter_map(|event| Process::open(pid(event).expect("a pid"))).collect()
    }

    /// Asks again and again what a scrape tells, until it is so.
    pub(crate) fn scraped(&mut self, what: &str, is: impl Fn(&Scrape) -> bool) -> Scrape {
        let address = self.metrics();
        let mut last = Scrape::of(address);
        super::until(what, || {
            last = Scrape::of(address);
            is(&last)
        });
        last
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Its end, which must come within the limit and leave nothing behind.
    pub(crate) fn ended(self) -> Ended {
        self.ended_within(LIMIT)
    }

    /// Its end, which must come this soon and leave nothing behind.
    pub(crate) fn ended_within(mut self, limit: Duration) -> Ended {
        if !self.process.ends_within(limit) {
            let seen = self.log.pick(usize::MAX, |_| Some(())).unwrap_err();
            panic!("did not end within {limit:?}: {seen}");
        }
        let code = self.child.wait().unwrap().code();
        self.left_nothing();
        let log = self.log.rest().to_vec();
        let stdout = self.stdout.rest().iter().map(|line| format!("{line}\n")).collect();
        Ended { code, stdout, log }
    }

    /// Stops it by SIGTERM, once a client received media if any was started; it must
    /// end with code 0 and leave nothing behind.
    pub(crate) fn stopped(mut self) -> Ended {
        self.wait_for_media();
        self.signal(Signal::TERM);
        let ended = self.ended();
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        ended
    }

    /// A run that is stopped before any client received media fails.
    fn wait_for_media(&mut self) {
        let Some(started) = self.seen("metrics_server_started").pop() else { return };
        let address: SocketAddr = started["address"].as_str().unwrap().parse().unwrap();
        if TcpStream::connect(address).is_err() {
            // It is in a network namespace of its own.
            return;
        }
        super::until("a client receives media", || {
            let scrape = Scrape::of(address);
            let played = scrape.find("hlsswarm_clients_played");
            played != Some(0.0) || scrape.get("hlsswarm_clients_started_total") == 0.0
        });
    }

    /// The same for a run in which no client received media: it must end with code 1
    /// and say so.
    pub(crate) fn stopped_without_media(self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.ended();
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert_eq!(ended.events("nothing_played").len(), 1, "{ended:#?}");
        ended
    }

    /// Kills it, as the kernel does when memory runs out; nothing of the run may be
    /// alive after it.
    pub(crate) fn killed(self) {
        self.signal(Signal::KILL);
        assert!(self.process.ends_within(LIMIT));
        self.left_nothing();
    }

    /// Every process of the run, its own among them.
    pub(crate) fn processes(&self) -> Vec<Process> {
        marked(&self.mark)
    }

    fn left_nothing(&self) {
        let deadline = Instant::now() + DYING;
        for process in self.processes() {
            let left = deadline.saturating_duration_since(Instant::now());
            let pid = process.pid;
            assert!(process.ends_within(left), "{pid} is still alive after the end of the run");
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for process in marked(&self.mark) {
            process.signal(Signal::KILL);
        }
    }
}

impl Ended {
    /// Every event of this name.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        self.log.iter().filter_map(|line| event(line)).filter(|e| e["msg"] == name).collect()
    }

    /// Asserts the code and that all it said on stderr is one line with this in it.
    pub(crate) fn refuses(&self, code: i32, said: &str) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.log.len(), 1, "{self:#?}");
        assert!(self.log[0].contains(said), "no {said:?} in {self:#?}");
        assert_eq!(self.stdout, "");
    }
}

/// A line of the log as an event.
fn event(line: &str) -> Option<Value> {
    serde_json::from_str(line).ok()
}
