//! What the playlists of a run say of URLs, and which servers need TLS.
//!
//! Shared by all clients. Bounded: holds the hash of a URL, not its text, and the older
//! half of the entries goes when the newer half is full. An entry that is in use is
//! written again whenever its playlist is.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::time::Duration;

use url::{Position, Url};

use crate::exchange::RequestKind;
use crate::hls::{Scheme, without_tls};
use crate::units::{ClientId, Wall};

/// Entries of half a catalogue: as many as a playlist has segments at most, so that the
/// last playlist is known in full. Both halves take about 15 MB then.
const HALF_ENTRIES: usize = crate::hls::limits::SEGMENTS_MAX;

/// Servers known to need TLS. A stream uses a few; each takes about 100 bytes.
const TLS_SERVERS_MAX: usize = 4096;

/// Playlists of a client that are remembered as loaded: a variant and its renditions,
/// with room for changes of the variant. Each takes 8 bytes.
const LOADED_MAX: usize = 16;

/// Playlists whose last text is remembered. Each takes about 40 bytes.
const TEXTS_MAX: usize = 16_384;

/// A map whose hashes are the same in every run.
type Map<V> = HashMap<u64, V, BuildHasherDefault<DefaultHasher>>;

/// What is known of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// What it is.
    pub(super) kind: RequestKind,
    /// Whether its first bytes cannot be recognised: it is encrypted as a whole, or it
    /// begins in the middle of a segment.
    pub(super) opaque: bool,
    /// Its duration (`EXTINF`).
    pub(super) media: Option<Duration>,
    /// The date of its begin.
    pub(super) date: Option<Wall>,
}

impl Known {
    /// A URL of which only its kind is known.
    pub(super) const fn of(kind: RequestKind) -> Self {
        Self { kind, opaque: false, media: None, date: None }
    }
}

/// The last text of a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Text {
    hash: u64,
    /// The date of the end of its last segment.
    end: Option<Wall>,
}

/// What is known of all URLs.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    new: Map<Known>,
    old: Map<Known>,
    texts: Map<Text>,
    tls: HashSet<(String, u16), BuildHasherDefault<DefaultHasher>>,
    /// Hashes of the playlists that each client has loaded, by its index.
    loaded: Vec<Vec<u64>>,
}

impl Catalogue {
    /// Knows the run's own URL alone.
    pub(super) fn new(url: &Url) -> Self {
        let mut catalogue = Self::default();
        let plain = catalogue.plain(url.as_str().as_bytes(), Scheme::Http);
        let plain = plain.and_then(|plain| Url::parse(std::str::from_utf8(&plain).ok()?).ok());
        catalogue.add(plain.as_ref().unwrap_or(url), 0, Known::of(RequestKind::Playlist));
        catalogue
    }

    /// What is known of the part of a resource that begins at `offset`. A part in the
    /// middle of a known one has its kind alone.
    pub(super) fn find(&self, url: &Url, offset: u64) -> Option<Known> {
        let find = |key| self.new.get(&key).or_else(|| self.old.get(&key));
        let whole =
            || find(key(url, 0)).map(|whole| Known { opaque: true, ..Known::of(whole.kind) });
        find(key(url, offset)).copied().or_else(whole)
    }

    /// Adds what is known of a part of a resource, or replaces it.
    pub(super) fn add(&mut self, url: &Url, offset: u64, known: Known) {
        if self.new.len() >= HALF_ENTRIES {
            self.old = std::mem::take(&mut self.new);
            // Their entries may have gone; the next playlists add them again.
            self.texts.clear();
        }
        self.new.insert(key(url, offset), known);
    }

    /// Whether this text of a playlist has been added already; `Some` has the date of
    /// its end.
    pub(super) fn text_end(&self, url: &Url, text: &[u8]) -> Option<Option<Wall>> {
        let known = self.texts.get(&key(url, 0))?;
        (known.hash == hash_of(text)).then_some(known.end)
    }

    /// Remembers the text of a playlist all of whose URIs have been added.
    pub(super) fn add_text(&mut self, url: &Url, text: &[u8], end: Option<Wall>) {
        if self.texts.len() >= TEXTS_MAX {
            self.texts.clear();
        }
        self.texts.insert(key(url, 0), Text { hash: hash_of(text), end });
    }

    /// Whether a server is known to need TLS.
    pub(super) fn needs_tls(&self, host: &str, port: u16) -> bool {
        // The set is nearly always empty or tiny, so the copy costs little.
        !self.tls.is_empty() && self.tls.contains(&(host.to_owned(), port))
    }

    /// The http form of a URI, whose server is remembered to need TLS; `None` if the
    /// URI does not change. `base` is the scheme of the resource that names it.
    pub(super) fn plain(&mut self, uri: &[u8], base: Scheme) -> Option<Vec<u8>> {
        let plain = without_tls(uri, base)?;
        let url = Url::parse(&String::from_utf8_lossy(&plain)).ok();
        if let Some(url) = url
            && let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default())
        {
            self.add_tls(host.trim_matches(['[', ']']), port);
        }
        Some(plain)
    }

    fn add_tls(&mut self, host: &str, port: u16) {
        if self.tls.len() < TLS_SERVERS_MAX {
            self.tls.insert((host.to_owned(), port));
        }
    }

    /// Whether a client has loaded this playlist before.
    pub(super) fn has_loaded(&self, client: ClientId, url: &Url) -> bool {
        self.loaded.get(client.index()).is_some_and(|loaded| loaded.contains(&key(url, 0)))
    }

    /// Notes that a client has loaded this playlist.
    pub(super) fn loads(&mut self, client: ClientId, url: &Url) {
        if self.has_loaded(client, url) {
            return;
        }
        if self.loaded.len() <= client.index() {
            self.loaded.resize_with(client.index() + 1, Vec::new);
        }
        if let Some(loaded) = self.loaded.get_mut(client.index()) {
            if loaded.len() >= LOADED_MAX {
                loaded.remove(0);
            }
            loaded.push(key(url, 0));
        }
    }

    /// Forgets what a client has loaded.
    pub(super) fn forget(&mut self, client: ClientId) {
        if let Some(loaded) = self.loaded.get_mut(client.index()) {
            *loaded = Vec::new();
        }
    }
}

/// The key of a part of a resource. 64 bits: two of a million URLs are confused with a
/// probability of 1 in 10 million.
fn key(url: &Url, offset: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Neither a fragment nor a password is part of a request.
    url[Position::BeforeHost..Position::AfterQuery].hash(&mut hasher);
    offset.hash(&mut hasher);
    hasher.finish()
}

fn hash_of(text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn finds_parts_of_resources() {
        let mut catalogue = Catalogue::new(&url("http://h/a.m3u8"));
        let media = Some(Duration::from_secs(2));
        let known = Known { media, ..Known::of(RequestKind::Segment) };
        let init = Known::of(RequestKind::Init);
        catalogue.add(&url("http://h/all.mp4"), 0, init);
        catalogue.add(&url("http://h/all.mp4"), 700, known);
        assert_eq!(catalogue.find(&url("http://h/all.mp4"), 0), Some(init));
        assert_eq!(catalogue.find(&url("http://h/all.mp4#x"), 700), Some(known));
        let middle = catalogue.find(&url("http://h/all.mp4"), 800).unwrap();
        assert_eq!((middle.kind, middle.media, middle.opaque), (RequestKind::Init, None, true));
        assert_eq!(catalogue.find(&url("http://h/all.mp4?x"), 0), None);
    }

    #[test]
    fn keeps_the_newer_half() {
        let mut catalogue = Catalogue::new(&url("http://h/"));
        let at = |n: usize| url(&format!("http://h/{n}.ts"));
        catalogue.add_text(&at(0), b"text", None);
        for n in 0..=2 * HALF_ENTRIES {
            catalogue.add(&at(n), 0, Known::of(RequestKind::Segment));
        }
        assert!(catalogue.new.len() + catalogue.old.len() <= 2 * HALF_ENTRIES);
        assert_eq!(catalogue.find(&at(0), 0), None);
        assert!(catalogue.find(&at(HALF_ENTRIES + 1), 0).is_some());
        assert_eq!(catalogue.text_end(&at(0), b"text"), None);
    }

    #[test]
    fn remembers_what_a_client_has_loaded() {
        let mut catalogue = Catalogue::new(&url("http://h/"));
        let client = ClientId::new(3);
        let at = |n: usize| url(&format!("http://h/{n}.m3u8"));
        assert!(!catalogue.has_loaded(client, &at(0)));
        catalogue.loads(client, &at(0));
        assert!(catalogue.has_loaded(client, &at(0)));
        assert!(!catalogue.has_loaded(ClientId::new(1), &at(0)));
        catalogue.forget(client);
        assert!(!catalogue.has_loaded(client, &at(0)));
        for n in 0..=LOADED_MAX {
            catalogue.loads(client, &at(n));
            catalogue.loads(client, &at(n));
        }
        assert!(!catalogue.has_loaded(client, &at(0)), "the oldest of too many is forgotten");
        assert!(catalogue.has_loaded(client, &at(1)));
        assert!(catalogue.has_loaded(client, &at(LOADED_MAX)));
    }

    #[test]
    fn knows_which_servers_need_tls() {
        let mut catalogue = Catalogue::new(&url("https://[::1]/"));
        assert!(catalogue.needs_tls("::1", 443) && !catalogue.needs_tls("::1", 80));
        for port in 0..=u16::MAX {
            catalogue.add_tls("h", port);
        }
        assert_eq!(catalogue.tls.len(), TLS_SERVERS_MAX);
    }
}
