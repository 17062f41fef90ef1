//! A cache of generated playlists: the last one of each name.
//!
//! Many clients request the same playlist within one segment duration, so its text and
//! tag are kept. Bounded by the number of names. Knows neither clock nor the contents
//! of a playlist.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::form::Form;
use super::reply::content_tag;

/// Identifies a playlist: its form and the number of its variant; `None` is the master
/// playlist.
type Name = (Form, Option<usize>);

/// A playlist with its tag.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// The bytes.
    pub(super) bytes: Rc<[u8]>,
    /// A strong entity tag, with its quotes.
    pub(super) etag: String,
}

/// Playlists, each with its version.
#[derive(Debug, Default)]
pub(super) struct Texts {
    made: BTreeMap<Name, (u64, Text)>,
}

impl Texts {
    /// The playlist of this name in this version; generated unless the cached one has
    /// the same version.
    pub(super) fn get(&mut self, name: Name, version: u64, make: impl FnOnce() -> String) -> Text {
        if let Some((of, text)) = self.made.get(&name)
            && *of == version
        {
            return text.clone();
        }
        let bytes = make().into_bytes();
        let text = Text { etag: content_tag(&bytes), bytes: bytes.into() };
        self.made.insert(name, (version, text.clone()));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_a_playlist_once_per_version() {
        let mut texts = Texts::default();
        let first = texts.get((Form::LIVE, Some(0)), 7, || "a".into());
        let again = texts.get((Form::LIVE, Some(0)), 7, || panic!("made twice"));
        assert!(Rc::ptr_eq(&first.bytes, &again.bytes));
        assert_eq!(first.etag, again.etag);
        for (name, version) in
            [((Form::LIVE, Some(0)), 8), ((Form::LIVE, Some(1)), 7), ((Form::VOD, Some(0)), 7)]
        {
            let other = texts.get(name, version, || "b".into());
            assert_eq!(*other.bytes, *b"b");
            assert_ne!(other.etag, first.etag);
        }
        // The clock was set back.
        assert_eq!(*texts.get((Form::LIVE, Some(0)), 7, || "a".into()).bytes, *b"a");
        assert_eq!(texts.made.len(), 3, "the last one of each name");
    }
}
