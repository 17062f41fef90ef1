//! The built-in test origin: synthetic live and VOD HLS from memory.
//!
//! [`Origin::respond`] is a function of the settings, the wall clock and the request;
//! its only state is a cache. Knows no socket.

mod access;
mod bits;
mod cache;
pub mod counts;
mod encryption;
pub mod faults;
pub mod faulty;
pub mod form;
mod fragment;
pub mod media;
mod picture;
pub mod playlist;
mod reply;
mod route;
mod sample;
pub mod settings;
mod sound;
mod texts;
mod transport;

use std::rc::Rc;

pub use encryption::KEY;
pub use faulty::FaultyOrigin;
pub use route::ResourceKind;
pub use settings::{SettingsError, StreamSettings};

use crate::http::{Method, Request, Response};
use crate::units::{Moment, Wall};
use cache::Cache;
use faults::Timeline;
use form::{Container, Form, Timing};
use media::Variant;
use playlist::{VOD_SEGMENTS, Window};
use reply::{Entity, content_tag, words};
use route::{Resource, route};
use texts::{Text, Texts};

/// Media type of a playlist (RFC 8216 §10).
const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";

/// Media type of MPEG-TS segments (RFC 3555) and of fMP4 (RFC 4337).
const TS_TYPE: &str = "video/mp2t";
const MP4_TYPE: &str = "video/mp4";

/// Media type of a key (RFC 8216 §5.1: 16 bytes, binary).
const KEY_TYPE: &str = "application/octet-stream";

/// The bytes of a segment follow from its index, so it never changes under its name;
/// neither does an initialization section or the key.
const SEGMENT_CACHE: &str = "public, max-age=3600, immutable";

/// The origin.
#[derive(Debug)]
pub struct Origin {
    settings: StreamSettings,
    variants: Vec<Variant>,
    segments: Cache,
    texts: Texts,
    timeline: Timeline,
}

impl Origin {
    /// An origin that serves `settings`.
    ///
    /// # Errors
    ///
    /// Those of [`StreamSettings::check`].
    pub fn new(settings: StreamSettings) -> Result<Self, SettingsError> {
        settings.check()?;
        let duration = settings.segment_duration;
        let variants = settings.variant_bitrates.iter();
        let variants = variants.map(|rate| Variant::new(*rate, duration)).collect();
        let segments = Cache::new(settings.memory_bytes());
        let timeline = Timeline::new(duration);
        Ok(Self { settings, variants, segments, texts: Texts::default(), timeline })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &StreamSettings {
        &self.settings
    }

    /// Where media time of the live stream jumps.
    #[must_use]
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The same, to be changed; cached playlists become invalid.
    pub fn timeline_mut(&mut self) -> &mut Timeline {
        self.texts = Texts::default();
        &mut self.timeline
    }

    /// Responds to a request at a point in time.
    #[must_use]
    pub fn respond(&mut self, at: Moment, request: &Request<'_>) -> Response {
        if !matches!(request.method, Method::Get | Method::Head) {
            let allow = vec![("Allow", "GET, HEAD".into())];
            return words(405, "only GET and HEAD are allowed", allow);
        }
        let entity = match route(request.path) {
            Some(Resource::Index) => return words(200, &self.index(), vec![]),
            Some(Resource::Health) => return words(200, "ok", vec![]),
            Some(Resource::Master(form)) => Some(self.master(form)),
            Some(Resource::Playlist(form, variant)) => self.media_playlist(at.wall, form, variant),
            Some(Resource::Segment(form, variant, index)) => {
                self.segment(at.wall, form, variant, index)
            }
            Some(Resource::Init(form, variant)) => self.initialization(form, variant),
            Some(Resource::Key(_)) => Some(constant(KEY.to_vec(), KEY_TYPE)),
            None => None,
        };
        match entity {
            Some(entity) => entity.response(request),
            None => words(404, "no such resource, or not at this time", vec![]),
        }
    }

    fn window(&self, wall: Wall) -> Window {
        Window::at(wall, self.settings.segment_duration, self.settings.window)
    }

    fn master(&mut self, form: Form) -> Entity {
        let text = self.texts.get((form, None), 0, || playlist::master(form, &self.variants));
        self.playlist(text)
    }

    /// A media playlist. There is no live one before its first segment is complete,
    /// which happens only with a clock near the Unix epoch.
    fn media_playlist(&mut self, wall: Wall, form: Form, number: usize) -> Option<Entity> {
        let window = self.window(wall);
        let variant = self.variants.get(number)?;
        let name = (form, Some(number));
        let text = match form.timing {
            Timing::Vod => self.texts.get(name, 0, || playlist::vod(form, variant)),
            Timing::Live if window.end == 0 => return None,
            Timing::Live => {
                let timeline = &self.timeline;
                let live = || playlist::live(form, variant, window, timeline);
                self.texts.get(name, window.end, live)
            }
        };
        Some(self.playlist(text))
    }

    fn playlist(&self, text: Text) -> Entity {
        // Half a target duration, so that a cache never hides a segment for as long as
        // a client waits between two reloads (RFC 8216 §6.3.4).
        let target = self.variants.first().map_or(0, playlist::target_duration_secs);
        let cache_control = match target / 2 {
            0 => "no-cache".into(),
            half => format!("max-age={half}").into(),
        };
        let Text { bytes, etag } = text;
        Entity { bytes, content_type: PLAYLIST_TYPE, etag, cache_control }
    }

    fn segment(&mut self, wall: Wall, form: Form, number: usize, index: u64) -> Option<Entity> {
        let window = self.window(wall);
        let variant = self.variants.get(number)?;
        let (kept, media) = match form.timing {
            Timing::Live => (window.served(), self.timeline.media_of(index)),
            Timing::Vod => (0..VOD_SEGMENTS, index),
        };
        if !kept.contains(&index) {
            return None;
        }
        let make = || variant.segment_of(form, index, media);
        let bytes: Rc<[u8]> = self.segments.get(form, number, index, &kept, make);
        let nanos = self.settings.segment_duration.as_nanos();
        let mark = mark(form);
        let etag = format!("\"{mark}{}-{nanos}-{index}\"", variant.bitrate());
        let content_type = media_type(form);
        let cache_control = SEGMENT_CACHE.into();
        Some(Entity { bytes, content_type, etag, cache_control })
    }

    fn initialization(&self, form: Form, variant: usize) -> Option<Entity> {
        let variant = self.variants.get(variant)?;
        Some(constant(variant.initialization_of(form), media_type(form)))
    }

    /// The start page, for people.
    fn index(&self) -> String {
        let mut lines = vec![
            String::from("The test origin of ffmpeg-hls-swarm. Synthetic HLS:"),
            String::new(),
            format!("Live, and the same under /vod with an end after {VOD_SEGMENTS} segments:"),
            String::new(),
        ];
        lines.extend(Form::all().into_iter().filter(|form| form.timing == Timing::Live).map(
            |form| format!("{:<24}{}", format!("{}stream.m3u8", form.folder()), words_for(form)),
        ));
        lines.extend([String::new(), String::from("Also /health. Variants:"), String::new()]);
        lines.extend(self.variants.iter().enumerate().map(|(number, variant)| {
            let (width, height) = variant.resolution();
            format!("v{number}: {width}x{height}, {} bit/s", variant.bitrate())
        }));
        lines.join("\n")
    }
}

/// A small resource that never changes.
fn constant(bytes: Vec<u8>, content_type: &'static str) -> Entity {
    let etag = content_tag(&bytes);
    Entity { bytes: bytes.into(), content_type, etag, cache_control: SEGMENT_CACHE.into() }
}

/// Media type of a form's media; for encrypted media that of the decrypted ones.
const fn media_type(form: Form) -> &'static str {
    match form.container {
        Container::Ts => TS_TYPE,
        Container::Fmp4 => MP4_TYPE,
    }
}

/// Distinguishes the entity tags of a form's segments from those of other forms.
const fn mark(form: Form) -> &'static str {
    match (form.encrypted, form.container) {
        (false, Container::Ts) => "",
        (false, Container::Fmp4) => "fmp4-",
        (true, Container::Ts) => "aes-",
        (true, Container::Fmp4) => "aes-fmp4-",
    }
}

/// The description of a form, for people.
const fn words_for(form: Form) -> &'static str {
    match (form.encrypted, form.container) {
        (false, Container::Ts) => "MPEG-TS",
        (false, Container::Fmp4) => "fMP4",
        (true, Container::Ts) => "MPEG-TS, AES-128",
        (true, Container::Fmp4) => "fMP4, AES-128",
    }
}

#[cfg(test)]
mod tests;
