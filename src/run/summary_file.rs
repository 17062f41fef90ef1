//! The summary's file: whole, or not there.
//!
//! Written beside its place, synced and moved there (rename(2)), so that nobody
//! reads half of it and a run that fails to write leaves the file of the run
//! before. Knows nothing of what is in it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Whether a file can be made at this path, told before the run and not after it.
/// Leaves nothing behind.
///
/// # Errors
/// Why not.
pub(super) fn check(path: &Path) -> io::Result<()> {
    match Place::of(path)? {
        Place::Direct(path) => open_directly(&path).map(drop),
        Place::Beside { temporary, .. } => {
            create(&temporary)?;
            fs::remove_file(temporary)
        }
    }
}

/// Writes the text to the path, in place of what is there.
///
/// # Errors
/// The text could not be written; a regular file that was there is unchanged.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    match Place::of(path)? {
        Place::Direct(path) => open_directly(&path)?.write_all(text.as_bytes()),
        Place::Beside { temporary, target } => {
            let written = write_new(&temporary, text).and_then(|()| {
                fs::rename(&temporary, &target)?;
                sync_directory(&target);
                Ok(())
            });
            if written.is_err() {
                // What is left of it is of no use; its own failure says nothing new.
                let _ = fs::remove_file(&temporary);
            }
            written
        }
    }
}

/// How a file is written.
enum Place {
    /// As it is: a device or a pipe, which must not be replaced.
    Direct(PathBuf),
    /// By a temporary file that is moved to the target.
    Beside { temporary: PathBuf, target: PathBuf },
}

impl Place {
    /// A link is followed, so that it stays and its target is replaced.
    fn of(path: &Path) -> io::Result<Self> {
        let target = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => return Ok(Self::Direct(path.to_owned())),
            Ok(_) => fs::canonicalize(path)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let Some(name) = target.file_name() else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        // The process id keeps two runs with one target apart.
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        Ok(Self::Beside { temporary: target.with_file_name(hidden), target })
    }
}

/// Never waits: a pipe without a reader is an error, and so is one that is full.
fn open_directly(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// What a killed run of the same process id left is overwritten; in a container
/// that is every run.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW);
    options.open(path)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes the move itself last over a power cut; the file is whole without it.
fn sync_directory(target: &Path) {
    let directory = target.parent().filter(|parent| *parent != Path::new(""));
    if let Ok(directory) = File::open(directory.unwrap_or(Path::new("."))) {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test mounts and unmounts a tiny file system")]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_made_or_replaced_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        for text in ["one longer text\n", "two\n"] {
            check(&path).unwrap();
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(names(directory.path()), ["run.json"]);
    }

    #[test]
    fn a_check_leaves_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        check(&path).unwrap();
        assert!(names(directory.path()).is_empty());
        write(&path, "kept").unwrap();
        check(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    }

    #[test]
    fn a_link_stays_and_its_target_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        fs::write(&target, "old").unwrap();
        symlink("target", &link).unwrap();
        write(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(target).unwrap(), "new");
    }

    #[test]
    fn what_cannot_be_written_is_said_before_and_after() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing/run.json");
        for (path, kind) in [
            (missing.as_path(), io::ErrorKind::NotFound),
            (directory.path(), io::ErrorKind::IsADirectory),
        ] {
            assert_eq!(check(path).unwrap_err().kind(), kind);
            assert_eq!(write(path, "text").unwrap_err().kind(), kind);
        }
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        write(Path::new("/dev/null"), "text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        check(Path::new("/dev/full")).unwrap();
        let full = write(Path::new("/dev/full"), "text").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_pipe_without_a_reader_does_not_stop_the_run() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = write(&pipe, "text").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENXIO));
    }

    /// A file system of 16 KiB, unmounted when it is dropped.
    struct Tiny(tempfile::TempDir);

    impl Tiny {
        /// `None` without the right to mount.
        fn mount() -> Option<Self> {
            let tiny = Self(tempfile::tempdir().unwrap());
            let mut mount = Command::new("mount");
            mount.args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"]).arg(tiny.0.path());
            let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|done| done.success());
            mounted.then_some(tiny)
        }
    }

    impl Drop for Tiny {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).stderr(Stdio::null()).status();
        }
    }

    #[test]
    fn a_full_disk_leaves_the_file_of_the_run_before() {
        let Some(tiny) = Tiny::mount() else {
            println!("skipped: a file system cannot be mounted here");
            return;
        };
        let path = tiny.0.path().join("run.json");
        write(&path, "before\n").unwrap();
        let error = write(&path, &"x".repeat(64 * 1024)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\n");
        assert_eq!(names(tiny.0.path()), ["run.json"]);
    }
}
