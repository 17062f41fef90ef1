//! The kind of a resource by its path, for want of anything better.

use crate::exchange::RequestKind;

/// Extensions of media segments.
const SEGMENTS: [&str; 16] = [
    "ts", "m2ts", "mts", "m4s", "m4f", "mp4", "m4v", "m4a", "cmfv", "cmfa", "aac", "mp3", "ac3",
    "ec3", "vtt", "webvtt",
];

/// The kind by the extension of the last part of a path.
pub(super) fn of_path(path: &str) -> RequestKind {
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("m3u8" | "m3u") => RequestKind::Playlist,
        Some("key") => RequestKind::Key,
        Some(extension) if SEGMENTS.contains(&extension) => RequestKind::Segment,
        _ => RequestKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_name_kinds() {
        for (path, want) in [
            ("/a/b.m3u8", RequestKind::Playlist),
            ("/a/B.M3U8", RequestKind::Playlist),
            ("/initech_a007.ts", RequestKind::Segment),
            ("/a.m3u8/b.m4s", RequestKind::Segment),
            ("/k.key", RequestKind::Key),
            ("/a.m3u8/", RequestKind::Other),
            ("/", RequestKind::Other),
            ("/a", RequestKind::Other),
        ] {
            assert_eq!(of_path(path), want, "{path}");
        }
    }
}
