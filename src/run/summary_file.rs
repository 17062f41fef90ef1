//! Writes a summary or report file completely or not at all.
//!
//! The file is written next to its destination, synced and renamed (rename(2)), so that
//! no reader sees a part of it and a failed write keeps the file of the previous run.
//! Does not know the contents.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::reactor::blocking::call;
use crate::reactor::blocking::tail::Tail;

/// Mode of a new file, before the umask (open(2)).
const NEW_MODE: u32 = 0o666;

/// Mode bits that chmod(2) sets.
const MODE_BITS: u32 = 0o7777;

/// Mode bits of the group.
const GROUP_BITS: u32 = 0o070;

/// Random characters, out of 62, in the name of the temporary file: unpredictable, and
/// distinct from a file that a killed run left behind.
const RANDOM_CHARACTERS: usize = 12;

/// Time limit for creating a file: a network file system without its server blocks
/// indefinitely.
const CHECK_TIME: Duration = Duration::from_secs(10);

/// Checks before the run whether a file can be created at this path. Leaves nothing
/// behind.
///
/// # Errors
/// The reason if it cannot.
pub(super) fn check(path: &Path) -> io::Result<()> {
    match Place::of(path)? {
        Place::Direct(path) => open_directly(&path).map(drop),
        Place::Beside { target, .. } => create_beside(&target)?.close(),
    }
}

/// Writes the text to the path and replaces an existing file. Its mode and owner are
/// kept, the owner as far as this user may set it.
///
/// # Errors
/// The text could not be written; an existing regular file is unchanged.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let (target, before) = match Place::of(path)? {
        Place::Direct(path) => return open_directly(&path)?.write_all(text.as_bytes()),
        Place::Beside { target, before } => (target, before),
    };
    // Dropping it removes it, unless it was renamed.
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

/// [`check`] for a file that may be on a network file system, until `stop` becomes
/// readable.
///
/// # Errors
/// The reason if it cannot, also if the file system does not respond in time.
pub(super) fn check_unless(stop: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    call::within(CHECK_TIME, stop, move || check(&path))?
}

/// [`write()`] for a file that may be on a network file system, within the rest of the
/// time for the shutdown.
///
/// # Errors
/// As for [`write()`]; after a time-out the file system may still write it.
pub(super) fn write_last(tail: &mut Tail<'_>, path: &Path, text: String) -> io::Result<()> {
    let path = path.to_owned();
    call::until(|done| tail.readable(done), move || write(&path, &text))?
}

/// How a file is written.
enum Place {
    /// Directly: a device or a pipe, which must not be replaced.
    Direct(PathBuf),
    /// By a temporary file that replaces the target; with the metadata of an existing
    /// one.
    Beside { target: PathBuf, before: Option<Metadata> },
}

impl Place {
    /// A link is followed, so that it is kept and its target is replaced.
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

/// Never waits: a pipe without a reader, or a full one, is an error.
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

/// Gives the file the owner and the mode of the one that it replaces. If the group
/// cannot be set, the file's own group gets no access.
fn take_after(file: &File, before: &Metadata) -> io::Result<()> {
    if fchown(file, Some(before.uid()), Some(before.gid())).is_err() {
        let _ = fchown(file, None, Some(before.gid()));
    }
    let mut mode = before.mode() & MODE_BITS;
    if file.metadata()?.gid() != before.gid() {
        mode &= !GROUP_BITS;
    }
    // After the owner, since changing that clears mode bits (chown(2)).
    file.set_permissions(Permissions::from_mode(mode))
}

fn folder(target: &Path) -> &Path {
    let folder = target.parent().filter(|parent| *parent != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// Makes the rename itself durable; the file is complete without it.
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
    fn creates_or_replaces_a_file_and_leaves_nothing_else() {
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
    fn check_keeps_existing_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        check(&path).unwrap();
        assert!(names(directory.path()).is_empty());
        write(&path, "kept").unwrap();
        check(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    }

    #[test]
    fn keeps_a_link_and_replaces_its_target() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("link"), directory.path().join("target"));
        fs::write(&target, "old").unwrap();
        symlink("target", &link).unwrap();
        write(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(target).unwrap(), "new");
    }

    #[test]
    fn replacing_keeps_mode_and_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.json");
        write(&path, "new").unwrap();
        let made_by_hand = directory.path().join("by-hand");
        fs::write(&made_by_hand, "").unwrap();
        let usual = fs::metadata(made_by_hand).unwrap().mode();
        assert_eq!(fs::metadata(&path).unwrap().mode(), usual, "the umask decides");
        // Another owner, if this user may change owners.
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
    fn does_not_follow_a_link_in_place_of_the_temporary_file() {
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
    fn reports_unwritable_paths_before_and_after() {
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
    fn writes_to_a_device_without_replacing_it() {
        write(Path::new("/dev/null"), "text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        check(Path::new("/dev/full")).unwrap();
        let full = write(Path::new("/dev/full"), "text").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn pipe_without_a_reader_does_not_block() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = write(&pipe, "text").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENXIO));
    }

    /// A file system of 16 KiB, unmounted when dropped.
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
    fn full_disk_keeps_the_previous_file() {
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
