//! Which path names which resource.
//!
//! Knows the shape of the names alone: whether there is such a variant or such a
//! segment is decided elsewhere.

/// The two forms in which the programme is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A window that slides with the clock, from the root.
    Live,
    /// A fixed number of segments with an end, under `/vod/`.
    Vod,
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// `/`: what there is.
    Index,
    /// `/health`.
    Health,
    /// `/stream.m3u8`: the master playlist.
    Master,
    /// `/v0/index.m3u8`: the media playlist of a variant.
    Playlist(Form, usize),
    /// `/v0/123.ts`: a segment of a variant.
    Segment(Form, usize, u64),
}

/// Path of the media playlist of a variant, relative to its master playlist.
pub(super) fn playlist_path(variant: usize) -> String {
    format!("v{variant}/index.m3u8")
}

/// Path of a segment, relative to its media playlist.
pub(super) fn segment_path(index: u64) -> String {
    format!("{index}.ts")
}

/// Reads a path; `None` is a path that can name nothing.
pub(super) fn route(path: &str) -> Option<Resource> {
    match path {
        "/" => return Some(Resource::Index),
        "/health" => return Some(Resource::Health),
        "/stream.m3u8" | "/vod/stream.m3u8" => return Some(Resource::Master),
        _ => {}
    }
    let (form, rest) = match path.strip_prefix("/vod/") {
        Some(rest) => (Form::Vod, rest),
        None => (Form::Live, path.strip_prefix('/')?),
    };
    let (variant, file) = rest.strip_prefix('v')?.split_once('/')?;
    let variant = number(variant)?.try_into().ok()?;
    if file == "index.m3u8" {
        return Some(Resource::Playlist(form, variant));
    }
    Some(Resource::Segment(form, variant, number(file.strip_suffix(".ts")?)?))
}

/// A decimal number without sign or leading zero, so that each resource has one
/// name.
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
    fn paths_name_what_they_should() {
        use Resource::{Health, Index, Master, Playlist, Segment};
        let cases = [
            ("/", Some(Index)),
            ("/health", Some(Health)),
            ("/stream.m3u8", Some(Master)),
            ("/vod/stream.m3u8", Some(Master)),
            ("/v0/index.m3u8", Some(Playlist(Form::Live, 0))),
            ("/v12/index.m3u8", Some(Playlist(Form::Live, 12))),
            ("/vod/v1/index.m3u8", Some(Playlist(Form::Vod, 1))),
            ("/v2/897708600.ts", Some(Segment(Form::Live, 2, 897_708_600))),
            ("/v2/18446744073709551615.ts", Some(Segment(Form::Live, 2, u64::MAX))),
            ("/vod/v0/0.ts", Some(Segment(Form::Vod, 0, 0))),
            ("/v2/18446744073709551616.ts", None),
            ("/v0/07.ts", None),
            ("/v0/+7.ts", None),
            ("/v0/-7.ts", None),
            ("/v0/.ts", None),
            ("/v00/7.ts", None),
            ("/v/7.ts", None),
            ("/v0/7.ts/", None),
            ("/v0/7.mp4", None),
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
    fn names_lead_back_to_their_resource() {
        for (root, form) in [("/", Form::Live), ("/vod/", Form::Vod)] {
            let playlist = format!("{root}{}", playlist_path(3));
            assert_eq!(route(&playlist), Some(Resource::Playlist(form, 3)));
            let folder = playlist.rsplit_once('/').unwrap().0;
            let segment = format!("{folder}/{}", segment_path(u64::MAX));
            assert_eq!(route(&segment), Some(Resource::Segment(form, 3, u64::MAX)));
        }
    }
}
