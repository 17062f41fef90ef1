//! The properties of a playlist that are needed before a run: whether it is a master
//! playlist, its first variant, and the target duration of a media playlist.
//!
//! The start of a playlist suffices if it contains these. For everything else see
//! [`Document`](super::Document).

use std::time::Duration;

use url::Url;

use super::limits::{PlaylistError, TARGET_DURATION_MAX};
use super::lines::{Line, Lines};

/// The kind of a playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Playlist {
    /// A master playlist.
    Master {
        /// The URI of its first variant, as written.
        first_variant: String,
    },
    /// A media playlist.
    Media {
        /// Longest segment, rounded to a second; 1 s or more.
        target_duration: Duration,
    },
}

impl Playlist {
    /// Parses a playlist, or its start.
    ///
    /// # Errors
    /// See [`PlaylistError`].
    pub fn read(text: &[u8]) -> Result<Self, PlaylistError> {
        let mut lines = Lines::of(text).ok_or(PlaylistError::NotAPlaylist)?;
        while let Some(line) = lines.next() {
            match line {
                Line::Tag(b"EXT-X-TARGETDURATION", value) => {
                    let found = target_duration(value)?;
                    return Ok(Self::Media { target_duration: found });
                }
                Line::Tag(b"EXT-X-STREAM-INF", _) => {
                    let uri = lines.find_map(|line| match line {
                        Line::Uri(uri) => std::str::from_utf8(uri).ok(),
                        Line::Tag(..) => None,
                    });
                    let first_variant = uri.ok_or(PlaylistError::VariantUri)?.to_owned();
                    return Ok(Self::Master { first_variant });
                }
                _ => {}
            }
        }
        Err(PlaylistError::Neither)
    }
}

/// A number of whole seconds. A fraction, which the RFC does not allow here, is
/// ignored, as in FFmpeg.
fn target_duration(value: &[u8]) -> Result<Duration, PlaylistError> {
    let value = value.trim_ascii();
    let digits = value.split(|&byte| byte == b'.').next().unwrap_or_default();
    let number = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
    let secs = number.and_then(|text| text.parse().ok()).map(Duration::from_secs);
    secs.filter(|&found| (Duration::from_secs(1)..=TARGET_DURATION_MAX).contains(&found))
        .ok_or(PlaylistError::TargetDuration)
}

/// A URI in a playlist, resolved against the URL of the playlist after redirects (RFC
/// 8216 §4.1).
///
/// # Errors
/// [`PlaylistError::VariantUri`] if the result is not an http or https URL.
pub fn resolve(playlist: &Url, uri: &str) -> Result<Url, PlaylistError> {
    let url = playlist.join(uri).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or(PlaylistError::VariantUri)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::PlaylistError::{Neither, NotAPlaylist, TargetDuration, VariantUri};
    use super::*;

    fn media(secs: u64) -> Result<Playlist, PlaylistError> {
        Ok(Playlist::Media { target_duration: Duration::from_secs(secs) })
    }

    fn master(uri: &str) -> Result<Playlist, PlaylistError> {
        Ok(Playlist::Master { first_variant: uri.to_owned() })
    }

    #[test]
    fn finds_target_duration_or_first_variant() {
        for (text, want) in [
            ("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n", media(2)),
            ("#EXTM3U\r\n#EXT-X-TARGETDURATION:10\r\n", media(10)),
            ("\u{feff}#EXTM3U \n#EXT-X-TARGETDURATION: 6.006 \n", media(6)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:600", media(600)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:601\n", Err(TargetDuration)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:0\n", Err(TargetDuration)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:-4\n", Err(TargetDuration)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:+4\n", Err(TargetDuration)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:99999999999999999999\n", Err(TargetDuration)),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:\n", Err(TargetDuration)),
            ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\n# no\nlow/a.m3u8?x=y\nb\n", {
                master("low/a.m3u8?x=y")
            }),
            ("#EXTM3U\n#EXT-X-MEDIA:URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:B=1\r\nb\r\n", master("b")),
            ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", Err(VariantUri)),
            ("#EXTM3U\n#EXTINF:2,\na.ts\n", Err(Neither)),
            ("#EXTM3U", Err(Neither)),
            ("<html>#EXTM3U\n#EXT-X-TARGETDURATION:2\n", Err(NotAPlaylist)),
            ("", Err(NotAPlaylist)),
        ] {
            assert_eq!(Playlist::read(text.as_bytes()), want, "{text:?}");
        }
    }

    #[test]
    fn resolves_a_variant_against_its_playlist() {
        let base = Url::parse("https://h:8443/live/master.m3u8?t=1").unwrap();
        for (uri, want) in [
            ("low/a.m3u8?x=y", Some("https://h:8443/live/low/a.m3u8?x=y")),
            ("/a.m3u8", Some("https://h:8443/a.m3u8")),
            ("//cdn/a.m3u8", Some("https://cdn/a.m3u8")),
            ("http://other/a.m3u8", Some("http://other/a.m3u8")),
            ("file:///etc/passwd", None),
            ("data:text/plain,x", None),
            ("https://", None),
        ] {
            let found = resolve(&base, uri);
            assert_eq!(found.as_ref().map(Url::as_str).ok(), want, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn accepts_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Playlist::read(&bytes);
            let _ = Playlist::read(&[b"#EXTM3U\n#EXT-X-TARGETDURATION:", bytes.as_slice()].concat());
            let _ = Playlist::read(&[b"#EXTM3U\n#EXT-X-STREAM-INF:\n", bytes.as_slice()].concat());
        }
    }
}
