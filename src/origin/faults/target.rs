//! The resources that a fault can apply to.

use std::fmt;

use super::super::Thing;

/// The resources that a fault can apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Everything that belongs to the stream.
    All,
    /// Master and media playlists.
    Playlists,
    /// Master playlists.
    Master,
    /// Media playlists.
    Media,
    /// Segments.
    Segments,
    /// Initialization sections.
    Init,
    /// Keys.
    Keys,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::All,
        Self::Playlists,
        Self::Master,
        Self::Media,
        Self::Segments,
        Self::Init,
        Self::Keys,
    ];

    /// The target of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name)
    }

    /// Its name, as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Playlists => "playlists",
            Self::Master => "master",
            Self::Media => "media",
            Self::Segments => "segments",
            Self::Init => "init",
            Self::Keys => "keys",
        }
    }

    /// Whether it includes this kind of resource.
    #[must_use]
    pub fn has(self, thing: Thing) -> bool {
        match self {
            Self::All => thing != Thing::Other,
            Self::Playlists => matches!(thing, Thing::Master | Thing::Media),
            Self::Master => thing == Thing::Master,
            Self::Media => thing == Thing::Media,
            Self::Segments => thing == Thing::Segment,
            Self::Init => thing == Thing::Init,
            Self::Keys => thing == Thing::Key,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_follows_from_the_path() {
        for (path, thing) in [
            ("/stream.m3u8", Thing::Master),
            ("/vod/stream.m3u8", Thing::Master),
            ("/v0/index.m3u8", Thing::Media),
            ("/v0/7.ts", Thing::Segment),
            ("/fmp4/v0/7.m4s", Thing::Segment),
            ("/fmp4/v0/init.mp4", Thing::Init),
            ("/aes/key", Thing::Key),
            ("/metrics", Thing::Other),
            ("/faults", Thing::Other),
            ("/nothing.m3u8", Thing::Other),
            ("/", Thing::Other),
        ] {
            assert_eq!(Thing::at(path), thing, "{path}");
            assert_eq!(Target::All.has(thing), thing != Thing::Other);
        }
    }
}
