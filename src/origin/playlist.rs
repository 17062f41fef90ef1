//! Playlists (RFC 8216), as a function of the settings and the wall clock.
//!
//! Segment `n` covers the time from `n` to `n + 1` segment durations since the Unix
//! epoch, so the media sequence follows from the clock alone, and a restarted origin
//! continues the stream. Knows neither the bytes of a segment nor how a playlist is
//! requested.

use std::fmt::Write;
use std::ops::Range;
use std::time::Duration;

use jiff::Timestamp;

use super::encryption;
use super::faults::Timeline;
use super::form::{Container, Form};
use super::media::Variant;
use super::picture::FRAME_RATE;
use super::route::{INIT_PATH, KEY_PATH, playlist_path, segment_path};
use crate::units::{Wall, nanos};

/// Segments of the form on demand.
pub const VOD_SEGMENTS: u64 = 30;

/// The live segments at a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The oldest segment that is still served.
    pub oldest: u64,
    /// The first segment of the playlist.
    pub first: u64,
    /// One past the last segment of the playlist, the first that is not complete.
    pub end: u64,
}

impl Window {
    /// The window of `length` segments at `wall`.
    ///
    /// A segment that has left the playlist remains available for the length of the
    /// playlist and of one more segment (RFC 8216 §6.2.2).
    #[must_use]
    pub fn at(wall: Wall, segment_duration: Duration, length: usize) -> Self {
        let end = wall.as_unix_nanos() / nanos(segment_duration).max(1);
        let length = length as u64;
        let first = end.saturating_sub(length);
        Self { oldest: first.saturating_sub(length + 1), first, end }
    }

    /// The segments that are available.
    #[must_use]
    pub const fn served(&self) -> Range<u64> {
        self.oldest..self.end
    }
}

/// The master playlist (§4.3.4) of a form.
#[must_use]
pub fn master(form: Form, variants: &[Variant]) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for (number, variant) in variants.iter().enumerate() {
        let (width, height) = variant.resolution();
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},RESOLUTION={width}x{height},\
             CODECS=\"{}\",FRAME-RATE={FRAME_RATE}.000\n{}",
            peak_bitrate(form, variant),
            variant.average_bitrate(form),
            variant.codecs(),
            playlist_path(number),
        );
    }
    text
}

/// The live media playlist (§4.3.3): it has no end, each segment has a date, and jumps
/// of media time are marked (§4.3.2.3 and §4.3.3.3).
#[must_use]
pub fn live(form: Form, variant: &Variant, window: Window, timeline: &Timeline) -> String {
    let mut text = head(form, variant, window.first);
    if !timeline.is_even() {
        let jumps = timeline.jumps_before(window.first);
        let _ = writeln!(text, "#EXT-X-DISCONTINUITY-SEQUENCE:{jumps}");
    }
    text.push_str(&preparation(form));
    for index in window.first..window.end {
        if timeline.jumps_at(index) {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if let Some(date) = date(variant.span(index).start) {
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date}");
        }
        segment(&mut text, form, variant, index);
    }
    text
}

/// The media playlist on demand (§4.3.3.5): the first [`VOD_SEGMENTS`] segments, and an
/// end.
#[must_use]
pub fn vod(form: Form, variant: &Variant) -> String {
    let mut text = head(form, variant, 0);
    text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
    text.push_str(&preparation(form));
    for index in 0..VOD_SEGMENTS {
        segment(&mut text, form, variant, index);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// The first lines of both media playlists.
fn head(form: Form, variant: &Variant, first: u64) -> String {
    let target = target_duration_secs(variant);
    // EXTINF in fractions of a second needs version 3, EXT-X-MAP version 6 (§7).
    let version = match form.container {
        Container::Ts => 3,
        Container::Fmp4 => 6,
    };
    format!(
        "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{target}\n\
         #EXT-X-MEDIA-SEQUENCE:{first}\n"
    )
}

/// The tags before the first segment: a key, and the initialization section, which is
/// encrypted with it.
fn preparation(form: Form) -> String {
    let mut text = String::new();
    if form.encrypted {
        let _ = write!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"{KEY_PATH}\"");
        if let Some(iv) = encryption::stated_iv(form.container) {
            let _ = write!(text, ",IV=0x{:032X}", u128::from_be_bytes(iv));
        }
        text.push('\n');
    }
    if form.container == Container::Fmp4 {
        let _ = writeln!(text, "#EXT-X-MAP:URI=\"{INIT_PATH}\"");
    }
    text
}

/// A segment's duration and name (§4.3.2.1).
fn segment(text: &mut String, form: Form, variant: &Variant, index: u64) {
    let Range { start, end } = variant.span(index);
    let duration = end.saturating_sub(start);
    let (secs, millis) = (duration.as_secs(), duration.subsec_millis());
    let _ = writeln!(text, "#EXTINF:{secs}.{millis:03},\n{}", segment_path(form.container, index));
}

/// `EXT-X-TARGETDURATION` (§4.3.3.1): no rounded segment duration exceeds it.
#[must_use]
pub fn target_duration_secs(variant: &Variant) -> u64 {
    variant.longest_segment().as_secs_f64().ceil() as u64
}

/// `BANDWIDTH` (§4.3.4.2): the highest bit rate of a segment. It is the requested bit
/// rate unless the pictures do not divide a segment evenly.
fn peak_bitrate(form: Form, variant: &Variant) -> u64 {
    let bits = u128::from(variant.segment_bytes(form)) * 8;
    let shortest = variant.shortest_segment().as_millis().max(1);
    let peak = (bits * 1_000).div_ceil(shortest);
    variant.bitrate().max(u64::try_from(peak).unwrap_or(u64::MAX))
}

/// A time since the Unix epoch for `EXT-X-PROGRAM-DATE-TIME` (§4.3.2.6): ISO 8601, in
/// UTC, to the millisecond. `None` after the year 9999.
fn date(since_epoch: Duration) -> Option<String> {
    let date = Timestamp::from_second(since_epoch.as_secs().try_into().ok()?).ok()?;
    let date = date.checked_add(Duration::from_millis(since_epoch.subsec_millis().into())).ok()?;
    Some(format!("{date:.3}"))
}

#[cfg(test)]
mod tests {
    use super::super::form::Timing;
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn even(millis: u64) -> Timeline {
        Timeline::new(Duration::from_millis(millis))
    }

    fn variant(bitrate: u64, millis: u64) -> Variant {
        Variant::new(bitrate, Duration::from_millis(millis))
    }

    fn window(wall_nanos: u64, millis: u64) -> Window {
        Window::at(Wall::from_unix_nanos(wall_nanos), Duration::from_millis(millis), 6)
    }

    #[test]
    fn lists_a_segment_once_it_is_complete() {
        let at = 1_795_417_200 * SECOND;
        let complete = window(at, 2_000);
        assert_eq!(complete, Window { oldest: 897_708_587, first: 897_708_594, end: 897_708_600 });
        assert_eq!(window(at + 2 * SECOND - 1, 2_000), complete);
        assert_eq!(window(at + 2 * SECOND, 2_000).end, 897_708_601);
        assert_eq!(window(at - 1, 2_000).end, 897_708_599);
    }

    #[test]
    fn serves_a_segment_for_a_window_and_one_after_it_left() {
        // Segment 100 leaves the playlist of six at the end of segment 106.
        let served: Vec<u64> =
            (95..120).filter(|n| window(n * 2 * SECOND, 2_000).served().contains(&100)).collect();
        assert_eq!(served, (101..=113).collect::<Vec<_>>());
    }

    #[test]
    fn window_is_short_near_the_epoch() {
        assert_eq!(window(0, 2_000), Window { oldest: 0, first: 0, end: 0 });
        assert_eq!(window(5 * SECOND, 2_000), Window { oldest: 0, first: 0, end: 2 });
        assert!(window(0, 2_000).served().is_empty());
    }

    #[test]
    fn the_master_playlist_names_every_variant() {
        let variants = [variant(200_000, 2_000), variant(1_500_000, 2_000)];
        let expected = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n\
            #EXT-X-STREAM-INF:BANDWIDTH=200000,AVERAGE-BANDWIDTH=199280,RESOLUTION=320x180,\
            CODECS=\"avc1.42C00D,mp4a.40.2\",FRAME-RATE=25.000\nv0/index.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1500000,AVERAGE-BANDWIDTH=1499488,RESOLUTION=960x540,\
            CODECS=\"avc1.42C01F,mp4a.40.2\",FRAME-RATE=25.000\nv1/index.m3u8\n";
        assert_eq!(master(Form::LIVE, &variants), expected);
    }

    #[test]
    fn the_live_playlist_dates_every_segment() {
        let window = Window { oldest: 0, first: 897_708_594, end: 897_708_596 };
        let expected = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n\
            #EXT-X-MEDIA-SEQUENCE:897708594\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-23T06:59:48.000Z\n#EXTINF:2.000,\n897708594.ts\n\
            #EXT-X-PROGRAM-DATE-TIME:2026-11-23T06:59:50.000Z\n#EXTINF:2.000,\n897708595.ts\n";
        assert_eq!(live(Form::LIVE, &variant(200_000, 2_000), window, &even(2_000)), expected);
    }

    #[test]
    fn the_playlist_on_demand_ends() {
        let text = vod(Form::VOD, &variant(200_000, 2_000));
        assert!(text.starts_with(
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:2.000,\n0.ts\n"
        ));
        assert!(text.ends_with("29.ts\n#EXT-X-ENDLIST\n"));
        assert_eq!(text.matches("#EXTINF").count() as u64, VOD_SEGMENTS);
    }

    #[test]
    fn a_form_needs_a_key_and_a_map_before_its_segments() {
        let map = "#EXT-X-MAP:URI=\"init.mp4\"\n";
        let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"../key\"";
        let iv = "IV=0x696E697469616C2D766563746F722D31";
        let cases = [
            (false, Container::Ts, 3, String::new()),
            (false, Container::Fmp4, 6, map.to_owned()),
            (true, Container::Ts, 3, format!("{key}\n")),
            (true, Container::Fmp4, 6, format!("{key},{iv}\n{map}")),
        ];
        let window = Window { oldest: 0, first: 7, end: 9 };
        let variant = variant(200_000, 2_000);
        for (encrypted, container, version, tags) in cases {
            let form = |timing| Form { timing, encrypted, container };
            let head = format!("#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:2\n");
            let live = live(form(Timing::Live), &variant, window, &even(2_000));
            let start = format!("{head}#EXT-X-MEDIA-SEQUENCE:7\n{tags}#EXT-X-PROGRAM");
            assert!(live.starts_with(&start), "{live}");
            let vod = vod(form(Timing::Vod), &variant);
            let type_ = "#EXT-X-PLAYLIST-TYPE:VOD\n";
            let start = format!("{head}#EXT-X-MEDIA-SEQUENCE:0\n{type_}{tags}#EXTINF");
            assert!(vod.starts_with(&start), "{vod}");
        }
    }

    #[test]
    fn states_uneven_durations_exactly() {
        let odd = variant(200_000, 1_500);
        let window = Window { oldest: 0, first: 1_000_001, end: 1_000_003 };
        let text = live(Form::LIVE, &odd, window, &even(1_500));
        // Pictures come every 40 ms, so segment durations alternate.
        assert!(text.contains("#EXT-X-TARGETDURATION:2\n"));
        assert!(text.contains("T08:40:01.520Z\n#EXTINF:1.480,\n1000001.ts\n"), "{text}");
        assert!(text.contains("T08:40:03.000Z\n#EXTINF:1.520,\n1000002.ts\n"), "{text}");
        let shortest = odd.segment_bytes(Form::LIVE) as f64 * 8.0 / 1.48;
        assert!(peak_bitrate(Form::LIVE, &odd) as f64 >= shortest);
    }

    #[test]
    fn dates_have_milliseconds_and_an_end() {
        let cases = [
            (Duration::ZERO, Some("1970-01-01T00:00:00.000Z")),
            (Duration::from_millis(951_782_400_040), Some("2000-02-29T00:00:00.040Z")),
            (Duration::from_millis(u64::MAX), None),
        ];
        for (time, expected) in cases {
            assert_eq!(date(time).as_deref(), expected);
        }
    }
}
