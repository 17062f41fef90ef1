//! Maps paths to resources.
//!
//! Knows the form of the names only; whether a variant or a segment exists is decided
//! elsewhere.

use super::form::{Container, Form};

/// The resource that a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// `/`: the start page.
    Index,
    /// `/health`.
    Health,
    /// `/stream.m3u8`: the master playlist.
    Master(Form),
    /// `/v0/index.m3u8`: the media playlist of a variant.
    Playlist(Form, usize),
    /// `/v0/123.ts`, `/fmp4/v0/123.m4s`: a segment of a variant.
    Segment(Form, usize, u64),
    /// `/fmp4/v0/init.mp4`: the initialization section of a variant.
    Init(Form, usize),
    /// `/aes/key`: the key of all variants.
    Key(Form),
}

/// The kind of a requested resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A master playlist.
    Master,
    /// A media playlist.
    Media,
    /// A segment.
    Segment,
    /// An initialization section.
    Init,
    /// A key.
    Key,
    /// Anything else; no fault applies to it.
    Other,
}

impl ResourceKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Master, Self::Media, Self::Segment, Self::Init, Self::Key, Self::Other];

    /// The kind of the resource at a path, whether or not it exists at present.
    #[must_use]
    pub fn at(path: &str) -> Self {
        route(path).map_or(Self::Other, Resource::kind)
    }

    /// Its name as the value of a label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Media => "media",
            Self::Segment => "segment",
            Self::Init => "init",
            Self::Key => "key",
            Self::Other => "other",
        }
    }
}

impl Resource {
    /// Its kind.
    pub(super) const fn kind(self) -> ResourceKind {
        match self {
            Self::Index | Self::Health => ResourceKind::Other,
            Self::Master(_) => ResourceKind::Master,
            Self::Playlist(..) => ResourceKind::Media,
            Self::Segment(..) => ResourceKind::Segment,
            Self::Init(..) => ResourceKind::Init,
            Self::Key(_) => ResourceKind::Key,
        }
    }
}

/// Path of the media playlist of a variant, relative to its master playlist.
pub(super) fn playlist_path(variant: usize) -> String {
    format!("v{variant}/index.m3u8")
}

/// Path of a segment, relative to its media playlist.
pub(super) fn segment_path(container: Container, index: u64) -> String {
    format!("{index}{}", extension(container))
}

/// Path of an initialization section, relative to its media playlist.
pub(super) const INIT_PATH: &str = "init.mp4";

/// Path of the key, relative to a media playlist.
pub(super) const KEY_PATH: &str = "../key";

const fn extension(container: Container) -> &'static str {
    match container {
        Container::Ts => ".ts",
        Container::Fmp4 => ".m4s",
    }
}

/// Parses a path; `None` if it can name no resource.
pub(super) fn route(path: &str) -> Option<Resource> {
    match path {
        "/" => return Some(Resource::Index),
        "/health" => return Some(Resource::Health),
        _ => {}
    }
    let (form, rest) = Form::of(path)?;
    match rest {
        "stream.m3u8" => return Some(Resource::Master(form)),
        "key" if form.encrypted => return Some(Resource::Key(form)),
        _ => {}
    }
    let (variant, file) = rest.strip_prefix('v')?.split_once('/')?;
    let variant = number(variant)?.try_into().ok()?;
    match file {
        "index.m3u8" => return Some(Resource::Playlist(form, variant)),
        INIT_PATH if form.container == Container::Fmp4 => {
            return Some(Resource::Init(form, variant));
        }
        _ => {}
    }
    let index = number(file.strip_suffix(extension(form.container))?)?;
    Some(Resource::Segment(form, variant, index))
}

/// A decimal number without sign or leading zero, so that each resource has one name.
fn number(digits: &str) -> Option<u64> {
    let value: u64 = digits.parse().ok()?;
    let plain = digits.starts_with(|c: char| c.is_ascii_digit());
    let short = digits == "0" || !digits.starts_with('0');
    (plain && short).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_paths() {
        use Resource::{Health, Index, Init, Key, Master, Playlist, Segment};
        const FMP4: Form = Form { container: Container::Fmp4, ..Form::LIVE };
        const AES: Form = Form { encrypted: true, ..Form::VOD };
        let cases = [
            ("/", Some(Index)),
            ("/health", Some(Health)),
            ("/stream.m3u8", Some(Master(Form::LIVE))),
            ("/vod/stream.m3u8", Some(Master(Form::VOD))),
            ("/fmp4/stream.m3u8", Some(Master(FMP4))),
            ("/fmp4/v3/init.mp4", Some(Init(FMP4, 3))),
            ("/fmp4/v3/7.m4s", Some(Segment(FMP4, 3, 7))),
            ("/vod/aes/key", Some(Key(AES))),
            ("/vod/aes/v0/7.ts", Some(Segment(AES, 0, 7))),
            ("/v0/index.m3u8", Some(Playlist(Form::LIVE, 0))),
            ("/v12/index.m3u8", Some(Playlist(Form::LIVE, 12))),
            ("/vod/v1/index.m3u8", Some(Playlist(Form::VOD, 1))),
            ("/v2/897708600.ts", Some(Segment(Form::LIVE, 2, 897_708_600))),
            ("/v2/18446744073709551615.ts", Some(Segment(Form::LIVE, 2, u64::MAX))),
            ("/vod/v0/0.ts", Some(Segment(Form::VOD, 0, 0))),
            ("/v2/18446744073709551616.ts", None),
            ("/v0/07.ts", None),
            ("/v0/+7.ts", None),
            ("/v0/-7.ts", None),
            ("/v0/.ts", None),
            ("/v00/7.ts", None),
            ("/v/7.ts", None),
            ("/v0/7.ts/", None),
            ("/v0/7.mp4", None),
            ("/v0/7.m4s", None),
            ("/v0/init.mp4", None),
            ("/fmp4/v0/7.ts", None),
            ("/fmp4/init.mp4", None),
            ("/key", None),
            ("/fmp4/key", None),
            ("/aes/v0/key", None),
            ("/aes", None),
            ("/vod/vod/v0/7.ts", None),
            ("/vod", None),
            ("//v0/7.ts", None),
            ("", None),
            ("stream.m3u8", None),
            ("/Stream.m3u8", None),
        ];
        for (path, expected) in cases {
            assert_eq!(route(path), expected, "{path}");
        }
    }

    #[test]
    fn generated_paths_parse_to_their_resource() {
        for form in Form::all() {
            let playlist = format!("{}{}", form.folder(), playlist_path(3));
            assert_eq!(route(&playlist), Some(Resource::Playlist(form, 3)));
            let folder = playlist.rsplit_once('/').unwrap().0;
            let segment = format!("{folder}/{}", segment_path(form.container, u64::MAX));
            assert_eq!(route(&segment), Some(Resource::Segment(form, 3, u64::MAX)));
            let init = format!("{folder}/{INIT_PATH}");
            let has_init = form.container == Container::Fmp4;
            assert_eq!(route(&init), has_init.then_some(Resource::Init(form, 3)));
            let key = format!("{}{}", form.folder(), KEY_PATH.trim_start_matches("../"));
            assert_eq!(route(&key), form.encrypted.then_some(Resource::Key(form)));
        }
    }

    #[test]
    fn every_path_has_a_kind() {
        let cases = [
            ("/", ResourceKind::Other),
            ("/health", ResourceKind::Other),
            ("/vod/stream.m3u8", ResourceKind::Master),
            ("/aes/v0/index.m3u8", ResourceKind::Media),
            ("/v0/7.ts", ResourceKind::Segment),
            ("/aes/fmp4/v0/7.m4s", ResourceKind::Segment),
            ("/aes/fmp4/v0/init.mp4", ResourceKind::Init),
            ("/aes/fmp4/key", ResourceKind::Key),
        ];
        for (path, kind) in cases {
            assert_eq!(ResourceKind::at(path), kind, "{path}");
        }
    }
}
