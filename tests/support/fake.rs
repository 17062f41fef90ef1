//! The fake FFmpeg of `tests/fakes`, compiled once and linked under any name.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The fake under a name of its own; its folder goes when the value goes.
pub(crate) struct Fake {
    folder: tempfile::TempDir,
    name: String,
}

impl Fake {
    /// The fake with this name, which may change what it does (see its source).
    ///
    /// A hard link, not a copy: a file that any process holds open for writing,
    /// such as one forked in mid-copy, cannot be executed (ETXTBSY).
    pub(crate) fn named(name: &str) -> Self {
        let fake = Self { folder: super::folder(), name: name.to_owned() };
        fs::hard_link(compiled(), fake.path()).unwrap();
        fake
    }

    /// Another name for it in the same folder.
    pub(crate) fn beside(self, name: &str) -> Self {
        fs::hard_link(compiled(), self.folder.path().join(name)).unwrap();
        self
    }

    /// Where it is.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Takes it away, as a package manager does in the middle of an update.
    pub(crate) fn vanish(&self) {
        fs::remove_file(self.path()).unwrap();
    }

    /// Puts it back.
    pub(crate) fn reappear(&self) {
        fs::hard_link(compiled(), self.path()).unwrap();
    }
}

/// The compiled fake, kept between runs as long as its source does not change.
fn compiled() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fakes/fake_ffmpeg.c");
        let mut hash = DefaultHasher::new();
        fs::read(&source).unwrap().hash(&mut hash);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let done = folder.join(format!("fake-{:016x}", hash.finish()));
        if !done.exists() {
            let part = folder.join(format!("fake-{}.part", std::process::id()));
            let mut cc = Command::new("cc");
            let cc = cc.args(["-O1", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&part).arg(&source);
            assert!(cc.status().expect("cc starts").success(), "the fake does not compile");
            fs::rename(part, &done).unwrap();
        }
        done
    })
}
