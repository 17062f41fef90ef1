//! End to end with the fake FFmpeg: readers of stdout and stderr that stall or are
//! missing, and full disks.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a skipped test says so")]
#![allow(clippy::disallowed_methods, reason = "mounts a tiny file system")]

mod support;

use std::fs::{self, File};
use std::io::{PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::fake::Fake;
use support::http::{Scrape, get};
use support::program::{Ended, Setup};

const DROPPED: &str = "hlsswarm_log_lines_dropped_total{stream=\"journal\"}";

fn setup(fake: &Fake, steps: &str, args: &[&str]) -> Setup {
    Setup::faking(fake, steps)
        .args(&["-clients", "2", "-ramp-rate", "200", "-ramp-jitter", "0"])
        .args(args)
}

/// A run of a second that also writes its summary to this file.
fn short(fake: &Fake, file: &Path) -> Setup {
    setup(fake, "wait", &["-duration", "1s", "-summary-json", file.to_str().unwrap()])
}

fn summary_file(fake: &Fake) -> PathBuf {
    fake.path().with_file_name("summary.json")
}

/// Whether the file contains a complete summary.
fn is_whole(file: &Path) -> bool {
    let text = fs::read_to_string(file).unwrap_or_default();
    serde_json::from_str(&text).is_ok_and(|logged: Value| logged["processes"]["started"] == 2)
}

/// A full pipe.
fn full_pipe() -> (std::io::PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

fn full_device() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// Checks that the loss is logged and the run ends normally.
fn lost_summary(ended: &Ended, file: &Path, why: &str) {
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let logged = ended.events("summary_not_printed");
    assert!(logged.len() == 1 && logged[0]["why"].as_str().unwrap().contains(why), "{ended:#?}");
    assert!(is_whole(file), "the file must not wait for the reader");
}

#[test]
fn gives_up_on_an_unread_summary() {
    let fake = Fake::named("ffmpeg");
    let file = summary_file(&fake);
    let (reader, writer) = full_pipe();
    let ended =
        short(&fake, &file).writing_to(writer).start().ended_within(Duration::from_secs(15));
    lost_summary(&ended, &file, "timed out");
    drop(reader);
}

#[test]
fn reports_a_summary_on_a_full_device() {
    let fake = Fake::named("ffmpeg");
    let file = summary_file(&fake);
    let ended = short(&fake, &file).writing_to(full_device()).run();
    lost_summary(&ended, &file, "No space left");
}

#[test]
fn summary_file_on_a_full_disk_costs_a_warning() {
    let fake = Fake::named("ffmpeg");
    let ended = short(&fake, Path::new("/dev/full")).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("exit summary"), "{ended:#?}");
    let full = ended.log.iter().filter(|line| line.contains("No space left"));
    assert_eq!(full.count(), 1, "{ended:#?}");
}

/// A file size limit in units of 512 bytes: less than a summary, a report and the log
/// of a run, and enough for a few lines.
const SIZE_LIMIT: &str = "ulimit -f 4";

#[test]
fn file_size_limit_acts_as_a_full_disk() {
    let (fake, folder) = (Fake::named("ffmpeg"), support::folder());
    let [summary, report, log] = ["run.json", "run.html", "log"].map(|n| folder.path().join(n));
    fs::write(&summary, "of the run before").unwrap();
    let ended = short(&fake, &summary)
        .args(&["-report", report.to_str().unwrap()])
        .born_after(SIZE_LIMIT)
        .run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("exit summary"), "{ended:#?}");
    for name in ["summary_file_not_written", "report_not_written"] {
        let logged = ended.events(name);
        assert!(logged[0]["error"].as_str().unwrap().contains("File too large"), "{ended:#?}");
    }
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names, std::slice::from_ref(&summary), "nothing else is left");
    assert_eq!(fs::read_to_string(&summary).unwrap(), "of the run before");
    // Neither the log nor the text of the summary in a file ends the load.
    let stdout = File::create(folder.path().join("text")).unwrap();
    let setup = setup(&fake, "err-20/sleep-50/exit-1", &["-v", "-duration", "1s"]);
    let setup = setup.born_after(SIZE_LIMIT).logging_to(File::create(&log).unwrap());
    assert_eq!(setup.writing_to(stdout).run().code, Some(0));
    assert_eq!(log.metadata().unwrap().len(), 2048);
}

#[test]
fn access_log_at_its_size_limit_drops_lines() {
    let folder = support::folder();
    let log = folder.path().join("access.log");
    let arguments = ["origin", "-listen", "127.0.0.1:0", "-access-log", log.to_str().unwrap()];
    let mut program = Setup::with(&arguments).born_after(SIZE_LIMIT).start();
    let url = program.stdout(|line| Some(line.to_owned()));
    let address = url.split('/').nth(2).unwrap().parse().unwrap();
    support::until("lines are dropped", || {
        let dropped = "hlsswarm_origin_access_lines_dropped_total";
        get(address, "/nothing");
        Scrape::of(address).get(dropped) > 0.0
    });
    assert_eq!(log.metadata().unwrap().len(), 2048);
    program.stopped();
}

#[test]
fn closed_stdout_is_no_failure() {
    let fake = Fake::named("ffmpeg");
    let file = summary_file(&fake);
    let (_, writer) = std::io::pipe().unwrap();
    let ended = short(&fake, &file).writing_to(writer).run();
    assert_eq!((ended.code, ended.events("summary_not_printed").len()), (Some(0), 0));
    assert!(is_whole(&file));
}

#[test]
fn printing_to_a_full_device_is_a_failure() {
    let fake = Fake::named("ffmpeg");
    let ffmpeg = fake.path();
    for args in [&["--help"][..], &["-version"], &["--print-cmd", "-ffmpeg"]] {
        let mut setup = Setup::with(args);
        if args.contains(&"-ffmpeg") {
            setup = setup.args(&[ffmpeg.to_str().unwrap()]);
        }
        setup.writing_to(full_device()).run().refuses(1, "cannot write to stdout: No space left");
    }
}

#[test]
fn runs_with_closed_standard_descriptors() {
    let fake = Fake::named("ffmpeg");
    let file = summary_file(&fake);
    for closed in [">&-", "2>&-", "<&- >&- 2>&-"] {
        // FFmpeg must not inherit a descriptor of ours in place of a closed one.
        let steps = "report/exit-1";
        let args = ["-duration", "1s", "-summary-json", file.to_str().unwrap()];
        let ended = setup(&fake, steps, &args).born_after(&format!("exec {closed}")).run();
        assert_eq!(ended.code, Some(0), "{closed}: {ended:#?}");
        for exited in ended.events("client_exited") {
            let stderr = exited["stderr"].as_str().unwrap();
            for born in ["report fds 0 1 2", "report stdin /dev/null"] {
                assert!(stderr.contains(born), "{closed}: {stderr}");
            }
        }
        let logged = fs::read_to_string(&file).unwrap();
        let logged: Value = serde_json::from_str(&logged).unwrap();
        assert!(logged["processes"]["started"].as_u64().unwrap() >= 2, "{closed}: {logged:#}");
        assert_eq!(ended.stdout.is_empty(), closed.contains(" >&-") || closed == ">&-");
    }
}

#[test]
fn log_on_a_full_disk_drops_lines_only() {
    let fake = Fake::named("ffmpeg");
    let file = summary_file(&fake);
    // Without a log the port is unknown, so the result is read from the summary file.
    let ended = short(&fake, &file).logging_to(full_device()).run();
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(!ended.stdout.is_empty() && is_whole(&file));
    let logged: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(logged["host"]["journal_lines_dropped"].as_u64().unwrap() > 0, "{logged:#}");
}

/// A file system of 64 KiB, unmounted when dropped.
struct Tiny(tempfile::TempDir);

impl Tiny {
    /// `None`, with a line that says so, without the right to mount.
    fn mount() -> Option<Self> {
        let tiny = Self(support::folder());
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(tiny.0.path());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|done| done.success());
        if !mounted {
            println!("skipped: a file system cannot be mounted here");
        }
        mounted.then_some(tiny)
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).stderr(Stdio::null()).status();
    }
}

#[test]
fn log_continues_once_the_disk_has_room() {
    let Some(tiny) = Tiny::mount() else { return };
    let fake = Fake::named("ffmpeg");
    let log = tiny.0.path().join("log");
    let filler = tiny.0.path().join("filler");
    let args = ["-v", "-backoff-initial", "20ms", "-backoff-max", "50ms"];
    let setup = setup(&fake, "err-20/sleep-50/exit-1", &args);
    let program = setup.logging_to(File::options().append(true).create(true).open(&log).unwrap());
    let program = program.start();
    let address = || {
        let text = fs::read_to_string(&log).ok()?;
        let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let logged = events.filter_map(|e| e["address"].as_str().map(str::to_owned)).next();
        logged.and_then(|address| address.parse().ok())
    };
    let mut found = None;
    support::until("the port is logged", || {
        found = address();
        found.is_some()
    });
    let scrape = || Scrape::of(found.unwrap());
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    support::until("lines are dropped", || scrape().get(DROPPED) > 0.0);
    let (starts, length) = ("hlsswarm_clients_started_total", log.metadata().unwrap().len());
    let started = scrape().get(starts);
    support::until("clients start on", || scrape().get(starts) >= started + 4.0);
    fs::remove_file(&filler).unwrap();
    support::until("the log goes on", || log.metadata().unwrap().len() > length + 1000);
    program.signal(rustix::process::Signal::TERM);
    assert_eq!(program.ended().code, Some(0));
    let text = fs::read_to_string(&log).unwrap();
    let broken = text.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count();
    assert!(broken <= 2, "a torn line stands for itself: {broken} are broken");
}
