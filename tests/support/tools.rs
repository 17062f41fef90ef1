//! Programs of the machine that tests use. A missing one skips the test, with a line
//! that says so.

use std::env;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Folders with servers that are not in a user's PATH.
const SYSTEM_FOLDERS: &str = "/usr/sbin:/sbin";

/// The path of a program; `None`, with a line that says so, if it is not installed.
pub(crate) fn tool(name: &str) -> Option<PathBuf> {
    let path = format!("{}:{SYSTEM_FOLDERS}", env::var("PATH").unwrap_or_default());
    let found = env::split_paths(&path).map(|folder| folder.join(name)).find(|file| {
        file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    });
    if found.is_none() {
        println!("skipped: {name} is not here; .ci/setup installs it");
    }
    found
}

/// Every real FFmpeg of this machine: the installed one, and the newer one that
/// `.ci/setup` keeps or `FFMPEG_NEW` names.
pub(crate) fn real_ffmpegs() -> Vec<PathBuf> {
    tool("ffmpeg").into_iter().chain(newer_ffmpeg()).collect()
}

fn newer_ffmpeg() -> Option<PathBuf> {
    let found = named_or_cached("FFMPEG_NEW", "ffmpeg-newer");
    if found.is_none() {
        println!("skipped with a newer FFmpeg: none is here; .ci/setup installs it");
    }
    found
}

/// The lean FFmpeg that `docs/lean-ffmpeg.sh` built into the project's cache, or that
/// `FFMPEG_LEAN` names.
pub(crate) fn lean_ffmpeg() -> Option<PathBuf> {
    let found = named_or_cached("FFMPEG_LEAN", "lean/ffmpeg");
    if found.is_none() {
        println!(
            "skipped: no lean FFmpeg is here; \
             docs/lean-ffmpeg.sh ~/.cache/ffmpeg-hls-swarm/lean builds it"
        );
    }
    found
}

/// The folder of the Python packages that check manifests against their schemas, kept
/// by `.ci/setup`.
pub(crate) fn deploy_tools() -> Option<PathBuf> {
    let marker = named_or_cached("DEPLOY_TOOLS", "deploy-tools/kubernetes_validate/__init__.py");
    let found = marker.and_then(|file| Some(file.parent()?.parent()?.to_owned()));
    if found.is_none() {
        println!("skipped: the schemas of Kubernetes are not here; .ci/setup installs them");
    }
    found
}

/// A lean FFmpeg with its ffprobe next to it, for tests that copy it with all its
/// libraries.
pub(crate) fn lean_pair() -> Option<PathBuf> {
    let places = ["lean/ffmpeg", "lean-static/ffmpeg"];
    let mut found = places.iter().filter_map(|file| named_or_cached("FFMPEG_LEAN", file));
    found.find(|ffmpeg| ffmpeg.with_file_name("ffprobe").is_file())
}

/// The kernel for virtual machines that `.ci/setup` keeps: its image, and the folder of
/// its modules.
pub(crate) fn kernel() -> Option<(PathBuf, PathBuf)> {
    let folder = named_or_cached("KERNEL_VM", "kernel/vmlinuz")?;
    let folder = folder.parent()?;
    Some((folder.join("vmlinuz"), folder.join("modules")))
}

/// The file that a variable names, or this one in the project's cache.
fn named_or_cached(variable: &str, file: &str) -> Option<PathBuf> {
    let cache = || {
        let own = env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty());
        let folder = own
            .map(PathBuf::from)
            .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))?;
        Some(folder.join("ffmpeg-hls-swarm").join(file))
    };
    let file = env::var_os(variable).map(PathBuf::from).or_else(cache);
    file.filter(|file| file.is_file())
}

/// What promtool reports about a scrape; `None` without promtool.
pub(crate) fn promtool_says(scrape: &str) -> Option<String> {
    let mut check = Command::new(tool("promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all(scrape.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    Some(said)
}
