//! The resources that a fault can apply to.

use std::fmt;

use super::super::ResourceKind;

/// The resources that a fault can apply to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultTarget {
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

impl FaultTarget {
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
    pub fn has(self, kind: ResourceKind) -> bool {
        match self {
            Self::All => kind != ResourceKind::Other,
            Self::Playlists => matches!(kind, ResourceKind::Master | ResourceKind::Media),
            Self::Master => kind == ResourceKind::Master,
            Self::Media => kind == ResourceKind::Media,
            Self::Segments => kind == ResourceKind::Segment,
            Self::Init => kind == ResourceKind::Init,
            Self::Keys => kind == ResourceKind::Key,
        }
    }
}

impl fmt::Display for FaultTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_follows_from_the_path() {
        for (path, kind) in [
            ("/stream.m3u8", ResourceKind::Master),
            ("/vod/stream.m3u8", ResourceKind::Master),
            ("/v0/index.m3u8", ResourceKind::Media),
            ("/v0/7.ts", ResourceKind::Segment),
            ("/fmp4/v0/7.m4s", ResourceKind::Segment),
            ("/fmp4/v0/init.mp4", ResourceKind::Init),
            ("/aes/key", ResourceKind::Key),
            ("/metrics", ResourceKind::Other),
            ("/faults", ResourceKind::Other),
            ("/nothing.m3u8", ResourceKind::Other),
            ("/", ResourceKind::Other),
        ] {
            assert_eq!(ResourceKind::at(path), kind, "{path}");
            assert_eq!(FaultTarget::All.has(kind), kind != ResourceKind::Other);
        }
    }
}
