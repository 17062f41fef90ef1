//! The image without a shell, made by the scripts of `docs/deploy/container` and run by
//! podman: read-only, not as root, with the limits of a container.
//!
//! Skipped if podman is missing or cannot run a container here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, reason = "starts containers")]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]

mod support;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use support::LIMIT;
use support::fake::Fake;
use support::http::Scrape;
use support::lines::Lines;
use support::origin::Origin;
use support::processes::Process;
use support::rootfs::{done, rootfs, script};
use support::tools::{lean_pair, tool};

/// Options for running a container here; a hard limit above the host's is refused.
const RUN: [&str; 11] = [
    "--runtime",
    "runc",
    "run",
    "--network=host",
    "--ulimit",
    "nofile=4096:4096",
    "--ulimit",
    "nproc=4096:4096",
    "--read-only",
    "--cap-drop=ALL",
    "--name",
];

/// User of the image.
const USER: &str = "65532";

/// A unique name.
fn name() -> String {
    static NAMES: AtomicU32 = AtomicU32::new(0);
    let number = NAMES.fetch_add(1, Ordering::Relaxed);
    format!("ffmpeg-hls-swarm-test-{}-{number}", std::process::id())
}

/// An image; removed with the value.
struct Image {
    podman: PathBuf,
    name: String,
    root: PathBuf,
    _folder: tempfile::TempDir,
}

impl Image {
    /// The image of the Containerfile; `None`, with the reason printed, if it cannot be
    /// made or run.
    fn made() -> Option<Self> {
        let (podman, _) = (tool("podman")?, tool("runc")?);
        let folder = support::folder();
        if let Err(why) = runs_here(&podman, folder.path()) {
            println!("skipped: podman cannot run a container here: {why}");
            return None;
        }
        let root = rootfs(folder.path(), &lean_pair().or_else(|| tool("ffmpeg"))?);
        let containerfile = script("container/Containerfile");
        let name = name();
        let mut build = Command::new(&podman);
        build.args(["build", "-q", "--layers=false", "--format", "docker", "-t", &name, "-f"]);
        build.arg(containerfile.get_program()).arg(&root);
        done(&mut build).unwrap();
        Some(Self { podman, name, root, _folder: folder })
    }

    /// A container of it with these options of podman and these arguments.
    fn run(&self, options: &[&str], args: &[&str]) -> Container {
        let name = name();
        let mut command = Command::new(&self.podman);
        command.args(RUN).arg(&name).args(options).arg(&self.name).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Lines::of(child.stdout.take().unwrap());
        let log = Lines::of(child.stderr.take().unwrap());
        Container { podman: self.podman.clone(), name, child, stdout, log }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = done(Command::new(&self.podman).args(["rmi", "--force", &self.name]));
    }
}

/// Whether a trivial container runs here.
fn runs_here(podman: &Path, folder: &Path) -> Result<(), String> {
    let (root, source) = (folder.join("tried"), folder.join("tried.c"));
    fs::create_dir(&root).unwrap();
    fs::write(&source, "int main(void) { return 0; }\n").unwrap();
    let tried = root.join("tried");
    done(Command::new("cc").arg("-static").arg("-o").args([&tried, &source]))?;
    let mut run = Command::new(podman);
    let name = name();
    run.args(RUN).args([&name, "--rootfs"]).arg(&root).arg("/tried");
    let ran = done(&mut run);
    let _ = done(Command::new(podman).args(["rm", "--force", &name]));
    ran.map(drop)
}

/// A container; removed with the value.
struct Container {
    podman: PathBuf,
    name: String,
    child: Child,
    stdout: Lines,
    log: Lines,
}

/// A container after its end.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    log: String,
}

impl Container {
    fn podman(&self, args: &[&str]) -> Result<String, String> {
        done(Command::new(&self.podman).args(args).arg(&self.name))
    }

    /// The first event of this name.
    fn event(&mut self, name: &str) -> Value {
        let event = |line: &str| {
            let event = serde_json::from_str::<Value>(line).ok()?;
            (event["msg"] == name).then_some(event)
        };
        let picked = self.log.pick(1, event);
        picked.unwrap_or_else(|why| panic!("event {name}: {why}")).remove(0)
    }

    /// Its first process, seen from this host.
    fn first_process(&self) -> Process {
        let pid = self.podman(&["inspect", "--format", "{{.State.Pid}}"]).unwrap();
        Process::open(pid.trim().parse().unwrap()).unwrap()
    }

    fn ended(mut self) -> Ended {
        let process = Process::open(self.child.id()).unwrap();
        assert!(process.ends_within(LIMIT), "{:?}", self.log.seen(|line| Some(line.to_owned())));
        let code = self.child.wait().unwrap().code();
        Ended { code, stdout: self.stdout.rest().join("\n"), log: self.log.rest().join("\n") }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.podman(&["rm", "--force", "--time", "0"]);
        let _ = self.child.wait();
    }
}

#[test]
fn image_without_a_shell_runs_the_program() {
    let Some(image) = Image::made() else { return };
    holds_three_programs(&image.root);
    let origin = Origin::with(&[]);
    runs_by_the_environment(&image, &origin);
    runs_by_flags(&image, &origin);
    keeps_exit_codes(&image, &origin);
    reaps_orphans(&image);
}

fn holds_three_programs(root: &Path) {
    let names = fs::read_dir(root.join("bin")).unwrap().map(|file| file.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["ffmpeg", "ffmpeg-hls-swarm", "ffprobe"]);
    let why = done(script("container/rootfs.sh").arg(root)).unwrap_err();
    assert!(why.contains("is not empty"), "{why}");
}

/// A port that is unused as long as the value lives, since it is bound at another
/// loopback address.
fn port() -> (TcpListener, String) {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = held.local_addr().unwrap().port();
    (held, format!("127.0.0.2:{port}"))
}

fn runs_by_the_environment(image: &Image, origin: &Origin) {
    let (_held, scraped) = port();
    // A name to resolve, which FFmpeg must do without a shell or a local resolver.
    let url = format!("STREAM_URL=http://localhost:{}/stream.m3u8", origin.address.port());
    let port = format!("METRICS_PORT={scraped}");
    let mut container = image.run(&["-e", &url, "-e", "CLIENTS=2", "-e", &port], &[]);
    container.event("ramp_complete");
    let first = container.first_process();
    let status = fs::read_to_string(format!("/proc/{}/status", first.pid)).unwrap();
    assert!(status.contains(&format!("\nUid:\t{USER}\t{USER}\t{USER}\t{USER}\n")), "{status}");
    support::until("segments come", || {
        let scrape = Scrape::of(scraped.parse().unwrap());
        scrape.get("hlsswarm_segments_downloaded_total") > 0.0
    });
    container.podman(&["healthcheck", "run"]).unwrap();
    container.podman(&["stop", "--time", "30"]).unwrap();
    let ended = container.ended();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("exit summary"), "{ended:#?}");
    assert!(ended.stdout.contains("stopped by SIGTERM"), "{ended:#?}");
    assert!(ended.log.contains(r#""msg":"shutdown_complete""#), "{ended:#?}");
    assert!(!ended.stdout.contains(r#""msg""#), "{ended:#?}");
}

fn runs_by_flags(image: &Image, origin: &Origin) {
    let url = origin.url("stream.m3u8");
    let flags = ["-clients", "1", "-duration", "1s", "-metrics", "", "-variant", "lowest", &url];
    let ended = image.run(&[], &flags).ended();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("-duration was over"), "{ended:#?}");
    // The result of ffprobe.
    assert!(ended.log.contains("200000") && !ended.log.contains("variants_unknown"), "{ended:#?}");
}

fn keeps_exit_codes(image: &Image, origin: &Origin) {
    let (held, nobody) = port();
    let taken = held.local_addr().unwrap().to_string();
    let url = origin.url("stream.m3u8");
    let cases: [(&[&str], i32, &str); 4] = [
        (&[], 2, "no URL"),
        (&["-clients", "0", &url], 2, "-clients"),
        (&["-metrics", &taken, &url], 1, &taken),
        (&["healthcheck", &nobody], 1, "no response"),
    ];
    for (args, code, said) in cases {
        let ended = image.run(&[], args).ended();
        assert_eq!(ended.code, Some(code), "{args:?}: {ended:#?}");
        assert!(ended.log.contains(said), "{args:?}: {ended:#?}");
        assert_eq!(ended.stdout, "", "{args:?}");
    }
}

fn reaps_orphans(image: &Image) {
    let fake = Fake::named("ffmpeg");
    let folder = fake.path().parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let volume = format!("{}:/fake:ro", folder.display());
    let (_held, scraped) = port();
    let args = [
        "-ffmpeg",
        "/fake/ffmpeg",
        "--skip-preflight",
        "-clients",
        "5",
        "-ramp-rate",
        "50",
        "-backoff-initial",
        "100ms",
        "-backoff-max",
        "100ms",
        "-metrics",
        &scraped,
        "http://127.0.0.1:9/close/daemon-1/exit-3",
    ];
    let mut container = image.run(&["--volume", &volume], &args);
    container.event("ramp_complete");
    let first = container.first_process();
    // Daemons live for a second; no zombie may remain.
    support::until("orphans are reaped", || {
        let scrape = Scrape::of(scraped.parse().unwrap());
        let starts = scrape.get("hlsswarm_clients_started_total");
        starts > 50.0 && (first.children().len() as f64) < starts * 0.8
    });
    container.podman(&["stop", "--time", "30"]).unwrap();
    let ended = container.ended();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
}
