//! The swarm as the only service of a virtual machine, made and booted by the scripts
//! of `docs/deploy/microvm`, in QEMU without hardware virtualization.
//!
//! Skipped if QEMU, cpio or a kernel is missing.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts a virtual machine and reads clocks")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::fake::Fake;
use support::http::Scrape;
use support::lines::Lines;
use support::origin::Origin;
use support::processes::Process;
use support::rootfs::{done, rootfs, script};
use support::tools::{kernel, lean_pair, tool};

/// Time limit for an emulated machine to boot, to play, or to end.
const MACHINE_LIMIT: Duration = Duration::from_secs(120);

/// Memory of the machine in MiB.
const MEMORY_MIB: &str = "512";

/// The files that a machine is booted from.
struct Boot {
    kernel: PathBuf,
    initramfs: PathBuf,
    folder: tempfile::TempDir,
    /// Whether its FFmpeg is a real one.
    plays: bool,
}

impl Boot {
    fn made() -> Option<Self> {
        let (_, _) = (tool("qemu-system-x86_64")?, tool("cpio")?);
        let Some((kernel, modules)) = kernel() else {
            println!("skipped: no kernel for a virtual machine is here; .ci/setup downloads it");
            return None;
        };
        let folder = support::folder();
        // A distribution's FFmpeg, with two hundred libraries, takes a minute to start
        // there.
        let lean = lean_pair();
        if lean.is_none() {
            println!("with a fake FFmpeg, since no lean one is here: nothing is loaded");
        }
        let fake = Fake::named("ffmpeg").beside("ffprobe");
        let root = rootfs(folder.path(), &lean.clone().unwrap_or_else(|| fake.path()));
        let initramfs = folder.path().join("initramfs");
        let mut pack = script("microvm/initramfs.sh");
        pack.arg("--modules").arg(modules).arg(root).arg(&initramfs);
        done(&mut pack).unwrap();
        Some(Self { kernel, initramfs, folder, plays: lean.is_some() })
    }

    /// Boots it with this kernel command line.
    fn machine(&self, words: &[&str]) -> Machine {
        self.booted_from(&self.initramfs, words)
    }

    fn booted_from(&self, initramfs: &Path, words: &[&str]) -> Machine {
        let monitor = self.folder.path().join("monitor");
        let mut command = script("microvm/qemu.sh");
        command.args(["--accel", "tcg", "--memory", MEMORY_MIB, "--scrape", "127.0.0.1:0"]);
        command.arg("--monitor").arg(&monitor).args([&self.kernel, initramfs]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let console = Lines::of(child.stdout.take().unwrap());
        let errors = Lines::of(child.stderr.take().unwrap());
        Machine { child, console, errors, monitor }
    }
}

/// A machine; it ends with the value.
struct Machine {
    child: Child,
    console: Lines,
    errors: Lines,
    monitor: PathBuf,
}

impl Machine {
    /// Waits for a line of the console for which `is` is true.
    fn says(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + MACHINE_LIMIT;
        loop {
            match self.console.pick(1, |line| is(line).then_some(())) {
                Ok(_) => return,
                Err(why) if Instant::now() > deadline || why.starts_with("the pipe ended") => {
                    panic!("no {what}: {why}\n{:?}", self.errors.seen(|l| Some(l.to_owned())))
                }
                Err(_) => {}
            }
        }
    }

    /// Waits for an event of this name for which `is` is true.
    fn logs(&mut self, name: &str, is: impl Fn(&Value) -> bool) {
        let event = |line: &str| serde_json::from_str::<Value>(line).ok();
        self.says(name, |line| event(line).is_some_and(|event| event["msg"] == name && is(&event)));
    }

    fn monitor(&self) -> Monitor {
        let socket = UnixStream::connect(&self.monitor).unwrap();
        socket.set_read_timeout(Some(MACHINE_LIMIT)).unwrap();
        let mut monitor = Monitor { socket };
        monitor.response();
        monitor
    }

    /// The whole console output, once the machine has powered off.
    fn powered_off(mut self) -> String {
        let process = Process::open(self.child.id()).unwrap();
        assert!(
            process.ends_within(MACHINE_LIMIT),
            "{:#?}",
            self.console.seen(|l| Some(l.to_owned()))
        );
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.console.rest().join("\n")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// QEMU's monitor.
struct Monitor {
    socket: UnixStream,
}

impl Monitor {
    /// The output before the next prompt.
    fn response(&mut self) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"(qemu) ") {
            let mut byte = [0];
            self.socket.read_exact(&mut byte).unwrap();
            text.extend(byte);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    fn ask(&mut self, command: &str) -> String {
        self.socket.write_all(format!("{command}\n").as_bytes()).unwrap();
        self.response()
    }

    /// The address on this host that is forwarded to the machine.
    fn forwarded(&mut self) -> SocketAddr {
        let forwards = self.ask("info usernet");
        let row = forwards.lines().find(|line| line.contains("HOST_FORWARD"));
        let row = row.unwrap_or_else(|| panic!("nothing is forwarded: {forwards}"));
        let port = row.split_ascii_whitespace().nth(3).unwrap().parse().unwrap();
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

#[test]
fn machine_boots_loads_serves_scrapes_and_powers_off() {
    let Some(boot) = Boot::made() else { return };
    let origin = Origin::with(&[]);
    let url = match boot.plays {
        true => format!("STREAM_URL=http://10.0.2.2:{}/v0/index.m3u8", origin.address.port()),
        false => "STREAM_URL=http://127.0.0.1:9/err-1/wait".to_owned(),
    };
    let flags = ["--", "-seed", "7", "--skip-preflight"];
    let words = [&[&url, "CLIENTS=2", "LOG_LEVEL=info"], &flags[..]].concat();
    let mut machine = boot.machine(&words);
    machine.logs("ramp_complete", |_| true);
    let mut monitor = machine.monitor();
    let address = monitor.forwarded();
    // Logged every few seconds; polling would take the machine's CPU.
    machine.logs("progress", |event| !boot.plays || event["bytes"].as_u64() > Some(0));
    let scrape = Scrape::of(address);
    assert_eq!(scrape.get("hlsswarm_clients_target"), 2.0);
    for sample in ["hlsswarm_requests_total{kind=\"segment\"}", "hlsswarm_tcp_rtt_seconds_count"] {
        assert_eq!(scrape.get(sample) > 0.0, boot.plays, "{}", scrape.text);
    }
    monitor.ask("system_powerdown");
    machine.says("button", |line| line == "init: the power button was pressed");
    let console = machine.powered_off();
    assert!(console.contains("stopped by SIGTERM"), "{console}");
    assert!(console.contains("-seed 7"), "{console}");
    assert!(console.contains("init: exit code 0"), "{console}");
    let complaints = console.lines().filter(|line| line.starts_with("init: "));
    assert_eq!(complaints.count(), 2, "{console}");
    reports_errors(&boot);
}

fn reports_errors(boot: &Boot) {
    let console = boot.machine(&["reboot=k", "CLIENTS=0", "STREAM_URL=http://h/"]).powered_off();
    assert!(console.contains("CLIENTS in the environment"), "{console}");
    assert!(console.contains("init: exit code 2"), "{console}");
    let why = done(script("microvm/initramfs.sh").args([Path::new("/proc"), &boot.initramfs]));
    assert!(why.unwrap_err().contains("create it with rootfs.sh"));
    // A killed swarm cannot log its end.
    let root = boot.folder.path().join("killed");
    fs::create_dir_all(root.join("bin")).unwrap();
    let source = root.join("killed.c");
    fs::write(&source, "#include <signal.h>\nint main(void) { return raise(SIGKILL); }\n").unwrap();
    let mut cc = Command::new("cc");
    done(cc.arg("-static").arg("-o").arg(root.join("bin/ffmpeg-hls-swarm")).arg(source)).unwrap();
    let initramfs = boot.folder.path().join("initramfs-killed");
    done(script("microvm/initramfs.sh").args([&root, &initramfs])).unwrap();
    let console = boot.booted_from(&initramfs, &[]).powered_off();
    assert!(console.contains("init: the swarm was killed by signal 9"), "{console}");
    assert!(console.contains("init: exit code 137"), "{console}");
}
