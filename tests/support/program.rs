//! The program under test: started with flags, observed through its log, stopped, and
//! always cleaned up.

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

/// Longest time that a process may outlive the program, even if the program is killed.
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

/// The reader of the program's log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Reads everything.
    Eager,
    /// One that stalls once the ramp is complete.
    Stalling,
    /// Has closed the pipe.
    Gone,
}

impl Setup {
    /// The program with these arguments, and an environment without any of its
    /// settings.
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

    /// A load of `url` by this FFmpeg, scraped at a free port.
    pub(crate) fn load(ffmpeg: &Path, url: &str) -> Self {
        let mut setup = Self::with(&["-metrics", "127.0.0.1:0"]);
        setup.command.arg("-ffmpeg").arg(ffmpeg);
        Self { url: Some(url.to_owned()), ..setup }
    }

    /// A load by the fake with these steps. The fake's cost differs from FFmpeg's, so
    /// the host is not checked, and there is no playlist to read.
    pub(crate) fn faking(fake: &Fake, steps: &str) -> Self {
        let url = format!("http://127.0.0.1:9/{steps}");
        Self::load(&fake.path(), &url).args(&["--skip-preflight", "-target-duration", "6s"])
    }

    /// Started by a shell that first runs this, such as `ulimit`.
    pub(crate) fn born_after(mut self, doing: &str) -> Self {
        let mut shell = Command::new("sh");
        shell.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell.arg("-c").arg(format!("{doing}; exec \"$0\" \"$@\"")).arg(PROGRAM);
        shell.args(self.command.get_args());
        shell.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = shell;
        self
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Started by another program with these arguments, such as `unshare`, which
    /// executes or starts it.
    pub(crate) fn started_by(mut self, program: &Path, args: &[&str]) -> Self {
        let mut starter = Command::new(program);
        starter.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        starter.args(args).arg(PROGRAM).args(self.command.get_args());
        starter.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.command = starter;
        self
    }

    /// Injects these faults.
    pub(crate) fn suffering(mut self, faults: &Faults) -> Self {
        self.command.envs(faults.variables());
        self
    }

    /// Its parent ignores this signal, as nohup(1) does, and it inherits that.
    pub(crate) fn ignoring(self, signal: &str) -> Self {
        self.born_after(&format!("trap '' {signal}"))
    }

    /// Its log goes there and is not read.
    pub(crate) fn logging_to(mut self, stderr: impl Into<Stdio>) -> Self {
        self.command.stderr(stderr);
        self
    }

    /// Its stdout is this and is not read.
    pub(crate) fn writing_to(mut self, stdout: impl Into<Stdio>) -> Self {
        self.command.stdout(stdout);
        self
    }

    /// The reader of the log stalls when the ramp is complete.
    pub(crate) fn with_stalled_log(mut self) -> Self {
        self.reader = Reader::Stalling;
        self
    }

    /// The log is closed before the program starts.
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
    /// The first `count` events of this name, as soon as there are that many.
    pub(crate) fn events(&mut self, name: &str, count: usize) -> Vec<Value> {
        let picked = self.log.pick(count, |line| event(line).filter(|e| e["msg"] == name));
        picked.unwrap_or_else(|why| panic!("{count} of event {name}: {why}"))
    }

    /// Waits until this client, run with `-v`, has logged this many lines for which
    /// `is` is true.
    pub(crate) fn says(&mut self, client: usize, count: usize, is: impl Fn(&str) -> bool) {
        let said = self.log.pick(count, |line| {
            let event = event(line).filter(|e| e["msg"] == "process_stderr")?;
            (event["client_id"] == client && is(event["line"].as_str()?)).then_some(())
        });
        said.unwrap_or_else(|why| panic!("{count} lines of client {client}: {why}"));
    }

    /// The events of this name so far.
    pub(crate) fn seen(&mut self, name: &str) -> Vec<Value> {
        self.log.seen(|line| event(line).filter(|e| e["msg"] == name))
    }

    /// The first event of this name.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        self.events(name, 1).remove(0)
    }

    /// The first result of `pick` on a line of stdout.
    pub(crate) fn stdout<T>(&mut self, pick: impl Fn(&str) -> Option<T>) -> T {
        let picked = self.stdout.pick(1, pick);
        picked.unwrap_or_else(|why| panic!("a line of stdout: {why}")).remove(0)
    }

    /// Its scrape address.
    pub(crate) fn metrics(&mut self) -> SocketAddr {
        let started = self.event("metrics_server_started");
        let address = started["address"].as_str().and_then(|a| a.parse().ok());
        address.unwrap_or_else(|| panic!("no address in {started}"))
    }

    /// One scrape.
    pub(crate) fn scrape(&mut self) -> Scrape {
        Scrape::of(self.metrics())
    }

    /// The live processes of the first `count` starts.
    pub(crate) fn children(&mut self, count: usize) -> Vec<Process> {
        let started = self.events("client_started", count);
        let pid = |event: &Value| event["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        started.iter().filter_map(|event| Process::open(pid(event).expect("a pid"))).collect()
    }

    /// Scrapes until the condition is true.
    pub(crate) fn scraped(&mut self, what: &str, is: impl Fn(&Scrape) -> bool) -> Scrape {
        let address = self.metrics();
        let mut last = Scrape::of(address);
        super::until(what, || {
            last = Scrape::of(address);
            is(&last)
        });
        last
    }

    /// Sends a signal to the program only.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Its end, which must come within the limit without leaving a process.
    pub(crate) fn ended(self) -> Ended {
        self.ended_within(LIMIT)
    }

    /// Its end, which must come within this time without leaving a process.
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
    /// exit with code 0 without leaving a process.
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
            // It runs in a network namespace of its own.
            return;
        }
        super::until("a client receives media", || {
            let scrape = Scrape::of(address);
            let played = scrape.find("hlsswarm_clients_played");
            played != Some(0.0) || scrape.get("hlsswarm_clients_started_total") == 0.0
        });
    }

    /// The same for a run in which no client received media: it must exit with code 1
    /// and say so.
    pub(crate) fn stopped_without_media(self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.ended();
        assert_eq!(ended.code, Some(1), "{ended:#?}");
        assert_eq!(ended.events("nothing_played").len(), 1, "{ended:#?}");
        ended
    }

    /// Kills it, as the kernel does when memory is exhausted; no process of the run may
    /// survive.
    pub(crate) fn killed(self) {
        self.signal(Signal::KILL);
        assert!(self.process.ends_within(LIMIT));
        self.left_nothing();
    }

    /// Every process of the run, including its own.
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

    /// Checks the exit code, and that stderr is one line that contains this.
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
