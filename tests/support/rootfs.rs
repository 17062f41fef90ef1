//! The root file system of the image and of the virtual machine, as made by the scripts
//! of `docs/deploy`, and programs that run to their end within a limit.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::lines::Lines;
use super::processes::Process;
use super::program::PROGRAM;

/// Time limit of a program that copies, builds or starts a container: far more than
/// needed on a busy machine.
const STEP_LIMIT: Duration = Duration::from_secs(120);

/// A script of `docs/deploy`.
pub(crate) fn script(path: &str) -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy").join(path))
}

/// Runs a program to its end: its stdout, or all its output if it failed.
pub(crate) fn done(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdout = Lines::of(child.stdout.take().unwrap());
    let mut stderr = Lines::of(child.stderr.take().unwrap());
    let ended = Process::open(child.id()).unwrap().ends_within(STEP_LIMIT);
    if !ended {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    assert!(ended, "not within {STEP_LIMIT:?}: {command:?}");
    let stdout = stdout.rest().join("\n");
    if status.success() {
        return Ok(stdout);
    }
    Err(format!("{status}\n{stdout}\n{}", stderr.rest().join("\n")))
}

/// A root file system in this folder, with the program under test, this FFmpeg, and the
/// ffprobe next to it.
///
/// Cargo's binary uses the libraries of this machine, so the script collects them;
/// debug information is half of the file and not needed there.
pub(crate) fn rootfs(folder: &Path, ffmpeg: &Path) -> PathBuf {
    let (swarm, root) = (folder.join("swarm"), folder.join("root"));
    done(Command::new("strip").arg("-o").args([swarm.as_os_str(), OsStr::new(PROGRAM)])).unwrap();
    let mut make = script("container/rootfs.sh");
    make.arg("--swarm").arg(&swarm).arg("--ffmpeg").arg(ffmpeg).arg(&root);
    done(&mut make).unwrap();
    root
}
