//! The programs compiled from `tests/fakes`: the fake FFmpeg, linked under any name,
//! and the shim that injects faults into the program under test.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The fake under a name of its own; its folder is removed with the value.
pub(crate) struct Fake {
    folder: tempfile::TempDir,
    name: String,
}

impl Fake {
    /// The fake with this name, which can change its behaviour (see its source).
    ///
    /// A hard link, not a copy: a file that any process has open for writing, such as
    /// one forked during the copy, cannot be executed (ETXTBSY).
    pub(crate) fn named(name: &str) -> Self {
        let fake = Self { folder: super::folder(), name: name.to_owned() };
        fs::hard_link(compiled(), fake.path()).unwrap();
        fake
    }

    /// Adds another name for it in the same folder.
    pub(crate) fn beside(self, name: &str) -> Self {
        fs::hard_link(compiled(), self.folder.path().join(name)).unwrap();
        self
    }

    /// Its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Removes it, as a package manager does during an update.
    pub(crate) fn vanish(&self) {
        fs::remove_file(self.path()).unwrap();
    }

    /// Replaces it atomically, as a package manager does.
    pub(crate) fn replace_by(&self, content: &[u8], mode: u32) {
        let beside = self.folder.path().join("replacement");
        fs::write(&beside, content).unwrap();
        fs::set_permissions(&beside, PermissionsExt::from_mode(mode)).unwrap();
        fs::rename(beside, self.path()).unwrap();
    }

    /// Makes it accessible to other users.
    pub(crate) fn share(&self) {
        fs::set_permissions(self.folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// Restores it.
    pub(crate) fn reappear(&self) {
        fs::hard_link(compiled(), self.path()).unwrap();
    }
}

/// Faults that only the program under test sees: see `tests/fakes/faults.c`.
pub(crate) struct Faults {
    folder: tempfile::TempDir,
    file: File,
}

impl Faults {
    /// No fault.
    pub(crate) fn none() -> Self {
        let folder = super::folder();
        let file = File::create_new(folder.path().join("faults")).unwrap();
        file.write_all_at(&[0; 24], 0).unwrap();
        Self { folder, file }
    }

    /// The variables that load the shim into a program.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 2] {
        [("LD_PRELOAD", shim().to_owned()), ("FAULTS", self.folder.path().join("faults"))]
    }

    /// Sets the wall clock this many seconds ahead.
    pub(crate) fn set_wall_ahead_secs(&self, secs: i64) {
        self.file.write_all_at(&(secs * 1_000_000_000).to_ne_bytes(), 0).unwrap();
    }

    /// Makes every clone(2) fail with this errno; 0 removes the fault.
    pub(crate) fn fail_clone(&self, errno: i64) {
        self.file.write_all_at(&errno.to_ne_bytes(), 8).unwrap();
    }

    /// Makes every fsync(2) hang.
    pub(crate) fn hang_fsync(&self) {
        self.file.write_all_at(&1_i64.to_ne_bytes(), 16).unwrap();
    }
}

/// The compiled fake.
fn compiled() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| compile("fake_ffmpeg.c", &["-O1"], &[]))
}

/// The compiled shim.
fn shim() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| compile("faults.c", &["-O1", "-shared", "-fPIC"], &["-ldl"]))
}

/// Compiles a source; the result is kept between runs until the source changes.
fn compile(source: &str, options: &[&str], libraries: &[&str]) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes").join(source);
    let mut hash = DefaultHasher::new();
    fs::read(&path).unwrap().hash(&mut hash);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let done = folder.join(format!("fake-{:016x}", hash.finish()));
    if !done.exists() {
        let part = folder.join(format!("{source}-{}.part", std::process::id()));
        let mut cc = Command::new("cc");
        let cc = cc.args(options).args(["-Wall", "-Wextra", "-Werror", "-o"]).arg(&part);
        let status = cc.arg(&path).args(libraries).status().expect("cc starts");
        assert!(status.success(), "{source} does not compile");
        fs::rename(part, &done).unwrap();
    }
    done
}
