//! The file of a summary or a report: whole, or not there.
//!
//! Written beside its place, synced and moved there (rename(2)), so that nobody
//! reads half of it and a run that fails to write leaves the file of the run
//! before. Knows nothing of what is in it.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::reactor::blocking::call;
use crate::reactor::blocking::tail::Tail;

/// Mode of a file that was not there, less the bits of the umask (open(2)).
const NEW_MODE: u32 = 0o666;

/// Bits of a mode that chmod(2) sets.
const MODE_BITS: u32 = 0o7777;

/// What the group of a file may do.
const GROUP_BITS: u32 = 0o070;

/// Random characters in the name of the temporary file, of 62: nobody finds it in
/// advance, and what a killed run left is not met again.
const RANDOM_CHARACTERS: usize = 12;

/// How long a file system may take to make a file: a network file system that has lost
/// its server blocks for ever.
const CHECK_TIME: Duration = Duration::from_secs(10);

/// Whether a file can be made at this path, told before the run and not after it.
/// Leaves nothing behind.
///
/// # Errors
/// Why not.
pub(super) fn check(path: &Path) -> io::Result<()> {
    match Place::of(path)? {
        Place::Direct(path) => open_directly(&path).map(drop),
        Place::Beside { target, .. } => create_beside(&target)?.close(),
    }
}

/// Writes the text to the path, in place of what is there. Mode and owner of a file
/// that was there are kept, the owner as far as this user may.
///
/// # Errors
/// The text could not be written; a regular file that was there is unchanged.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let (target, before) = match Place::of(path)? {
        Place::Direct(path) => return open_directly(&path)?.write_all(text.as_bytes()),
        Place::Beside { target, before } => (target, before),
    };
    // Removed when it is dropped, unless it was moved.
    let mut temporary = create_beside(&target)?;
    if let Some(before) = before {
        take_after(temporary.as_file(), &before)?;
    }
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(&target).map_err(|failed| failed.error)?;
    sync_directory(&target);
    Ok(())
}

/// [`check`] for a file that may be on a network, until `stop` becomes readable.
///
/// # Errors
/// Why not, a file system that does not respond in time among it.
pub(super) fn check_unless(stop: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    call::within(CHECK_TIME, stop, move || check(&path))?
}

/// [`write()`] for a file that may be on a network, within what is left of the time for
/// the shutdown.
///
/// # Errors
/// As [`write()`]; a file system that does not respond in time may yet take it.
pub(super) fn write_last(tail: &mut Tail<'_>, path: &Path, text: String) -> io::Result<()> {
    let path = path.to_owned();
    call::until(|done| tail.readable(done), move || write(&path, &text))?
}

/// How a file is written.
enum Place {
    /// As it is: a device or a pipe, which must not be replaced.
    Direct(PathBuf),
    /// By a temporary file that is moved to the target; with what is there now.
    Beside { target: PathBuf, before: Option<Metadata> },
}

impl Place {
    /// A link is followed, so that it stays and its target is replaced.
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => Ok(Self::Direct(path.to_owned())),
            Ok(found) => Ok(Self::Beside { target: fs::canonicalize(path)?, before: Some(found) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.file_name().is_none() {
                    return Err(io::ErrorKind::InvalidFilename.into());
                }
                Ok(Self::Beside { target: path.to_owned(), before: None })
            }
            Err(error) => Err(error),
        }
    }
}

/// Never waits: a pipe without a reader is an error, and so is one that is full.
fn open_directly(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

/// A new file (`O_EXCL`) in the target's folder.
fn create_beside(target: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".ffmpeg-hls-swarm-")
        .suffix(".tmp")
        .rand_bytes(RANDOM_CHARACTERS)
        .permissions(Permissions::from_mode(NEW_MODE))
        .tempfile_in(folder(target))
}

/// Gives the file the owner and the mode of the one that it replaces. The group of
/// another file must not read this one.
fn take_after(file: &File, before: &Metadata) -> io::Result<()> {
    if fchown(file, Some(before.uid()), Some(before.gid())).is_err() {
        let _ = fchown(file, None, Some(before.gid()));
    }
    let mut mode = before.mode() & MODE_BITS;
    if file.metadata()?.gid() != before.gid() {
        mode &= !GROUP_BITS;
    }
    // After the owner, since a change of that takes bits away (chown(2)).
    file.set_permissions(Permissions::from_mode(mode))
}

fn folder(target: &Path) -> &Path {
    let folder = target.parent().filter(|parent| *parent != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// Makes the move itself last over a power cut; the file is whole without it.
fn sync_directory(target: &Path) {
    if let Ok(directory) = File::open(folder(target)) {
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
    fn a_file_that_is_replaced_keeps_its_mode_and_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        write(&path, "new").unwrap();
        let made_by_hand = directory.path().join("by-hand");
        fs::write(&made_by_hand, "").unwrap();
        let usual = fs::metadata(made_by_hand).unwrap().mode();
        assert_eq!(fs::metadata(&path).unwrap().mode(), usual, "the umask decides");
        // Another owner where this user may give files away.
        let _ = std::os::unix::fs::chown(&path, Some(54_871), Some(54_872));
        for mode in [0o600, 0o640, 0o604, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let before = fs::metadata(&path).unwrap();
            write(&path, "replaced").unwrap();
            let after = fs::metadata(&path).unwrap();
            assert_eq!(after.mode() & MODE_BITS, mode);
            assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
            assert_ne!(after.ino(), before.ino());
        }
    }

    #[test]
    fn a_link_in_the_place_of_the_temporary_file_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (path, victim) = (directory.path().join("run.json"), directory.path().join("victim"));
        fs::write(&victim, "kept").unwrap();
        let guess = directory.path().join(format!(".run.json.{}.tmp", std::process::id()));
        symlink(&victim, &guess).unwrap();
        check(&path).unwrap();
        write(&path, "text").unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "kept");
        assert!(fs::symlink_metadata(&guess).unwrap().is_symlink(), "it is not ours to remove");
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
