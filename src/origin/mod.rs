//! The built-in test origin: live and VOD HLS, synthesised, from memory.
//!
//! [`Origin::respond`] is a function of the settings, the wall clock and the
//! request; the only state is a cache of segments. Knows no socket.

mod bits;
mod cache;
pub mod media;
mod picture;
pub mod playlist;
mod reply;
mod route;
pub mod settings;
mod sound;
mod transport;

use std::rc::Rc;

pub use settings::{Settings, SettingsError};

use crate::http::{Method, Request, Response};
use crate::units::{Moment, Wall};
use cache::Cache;
use media::Variant;
use playlist::{VOD_SEGMENTS, Window};
use reply::{Entity, content_tag, words};
use route::{Form, Resource, route};

/// Media type of a playlist (RFC 8216 §10).
const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";

/// Media type of a segment (RFC 3555).
const SEGMENT_TYPE: &str = "video/mp2t";

/// A segment never changes under its name: the bytes follow from its index.
const SEGMENT_CACHE: &str = "public, max-age=3600, immutable";

/// The origin.
#[derive(Debug)]
pub struct Origin {
    settings: Settings,
    variants: Vec<Variant>,
    live: Cache,
    vod: Cache,
}

impl Origin {
    /// An origin that serves `settings`.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::check`].
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let duration = settings.segment_duration;
        let variants = settings.variant_bitrates.iter();
        let variants = variants.map(|rate| Variant::new(*rate, duration)).collect();
        Ok(Self { settings, variants, live: Cache::default(), vod: Cache::default() })
    }

    /// What is served.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers a request at a point in time.
    #[must_use]
    pub fn respond(&mut self, at: Moment, request: &Request<'_>) -> Response {
        if !matches!(request.method, Method::Get | Method::Head) {
            let allow = vec![("Allow", "GET, HEAD".into())];
            return words(405, "only GET and HEAD are served here", allow);
        }
        let entity = match route(request.path) {
            Some(Resource::Index) => return words(200, &self.index(), vec![]),
            Some(Resource::Health) => return words(200, "ok", vec![]),
            Some(Resource::Master) => Some(self.playlist(playlist::master(&self.variants))),
            Some(Resource::Playlist(form, variant)) => self.media_playlist(at.wall, form, variant),
            Some(Resource::Segment(form, variant, index)) => {
                self.segment(at.wall, form, variant, index)
            }
            None => None,
        };
        match entity {
            Some(entity) => entity.answer(request),
            None => words(404, "there is no such thing, or not at this time", vec![]),
        }
    }

    fn window(&self, wall: Wall) -> Window {
        Window::at(wall, self.settings.segment_duration, self.settings.window)
    }

    /// A media playlist. A live one is not there before its first segment is,
    /// which only a clock near the Unix epoch can bring about.
    fn media_playlist(&self, wall: Wall, form: Form, variant: usize) -> Option<Entity> {
        let variant = self.variants.get(variant)?;
        let text = match form {
            Form::Vod => playlist::vod(variant),
            Form::Live => {
                let window = self.window(wall);
                (window.end > 0).then(|| playlist::live(variant, window))?
            }
        };
        Some(self.playlist(text))
    }

    fn playlist(&self, text: String) -> Entity {
        // Half a target duration, so that a cache never hides a segment for as
        // long as a client waits between two reloads (RFC 8216 §6.3.4).
        let target = self.variants.first().map_or(0, playlist::target_duration_secs);
        let cache_control = match target / 2 {
            0 => "no-cache".into(),
            half => format!("max-age={half}").into(),
        };
        let etag = content_tag(text.as_bytes());
        let bytes = text.into_bytes().into();
        Entity { bytes, content_type: PLAYLIST_TYPE, etag, cache_control }
    }

    fn segment(&mut self, wall: Wall, form: Form, number: usize, index: u64) -> Option<Entity> {
        let window = self.window(wall);
        let variant = self.variants.get(number)?;
        let (cache, kept) = match form {
            Form::Live => (&mut self.live, window.served()),
            Form::Vod => (&mut self.vod, 0..VOD_SEGMENTS),
        };
        if !kept.contains(&index) {
            return None;
        }
        let bytes: Rc<[u8]> = cache.get(number, index, &kept, || variant.segment(index));
        let nanos = self.settings.segment_duration.as_nanos();
        let etag = format!("\"{}-{nanos}-{index}\"", variant.bitrate());
        let cache_control = SEGMENT_CACHE.into();
        Some(Entity { bytes, content_type: SEGMENT_TYPE, etag, cache_control })
    }

    /// What there is, for people.
    fn index(&self) -> String {
        let mut lines = vec![
            String::from("The test origin of ffmpeg-hls-swarm. Synthetic HLS:"),
            String::new(),
            String::from("/stream.m3u8      live"),
            format!("/vod/stream.m3u8  on demand, {VOD_SEGMENTS} segments"),
            String::from("/health"),
            String::new(),
        ];
        lines.extend(self.variants.iter().enumerate().map(|(number, variant)| {
            let (width, height) = variant.resolution();
            format!("v{number}: {width}x{height}, {} bit/s", variant.bitrate())
        }));
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
