//! Playlists: rewriting changes the URIs and nothing else, and the result is parsed as
//! the same playlist with the new URIs.
//!
//! An input is the text of a playlist.

use std::borrow::Cow;

use ffmpeg_hls_swarm::hls::{Document, Media, Playlist, Scheme, rewrite, without_tls};

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let same = rewrite(input, |uri| Some(uri.to_vec()));
    assert!(matches!(same, Cow::Borrowed(_)) && *same == *input);
    let marked = rewrite(input, |uri| Some(mark(uri)));
    let want: Vec<_> = uris(input).iter().map(|uri| mark(uri)).collect();
    assert_eq!(uris(&marked), want);
    let back = rewrite(&marked, |uri| Some(uri[1..uri.len() - 1].to_vec()));
    assert!(*back == *input, "{:?}", String::from_utf8_lossy(&back));
    let plain = rewrite(input, |uri| without_tls(uri, Scheme::Https));
    assert!(uris(&plain).iter().all(|uri| without_tls(uri, Scheme::Https).is_none()));
    assert_eq!(Playlist::read(input).is_ok(), Playlist::read(&marked).is_ok());
    match (Document::read(input), Document::read(&marked)) {
        (Ok(Document::Media(before)), Ok(Document::Media(after))) => same_media(&before, &after),
        (Ok(Document::Master(before)), Ok(Document::Master(after))) => {
            let before: Vec<_> = before.variants.iter().map(|found| mark(found.uri)).collect();
            let after: Vec<_> = after.variants.iter().map(|found| found.uri).collect();
            assert_eq!(before, after);
        }
        (before, after) => assert_eq!(before.unwrap_err(), after.unwrap_err()),
    }
}

/// Both playlists are equal except for the URIs, which are marked in the second.
fn same_media(before: &Media<'_>, after: &Media<'_>) {
    assert_eq!(before.segments.len(), after.segments.len());
    assert_eq!((before.target_duration, before.end_list), (after.target_duration, after.end_list));
    for (before_segment, segment) in before.segments.iter().zip(&after.segments) {
        assert_eq!(mark(before_segment.uri), segment.uri);
        assert_eq!(before_segment.duration, segment.duration);
        assert_eq!(before_segment.byte_range, segment.byte_range);
        let init = before_segment.map.map(|map| mark(map.uri));
        assert_eq!(init.as_deref(), segment.map.map(|map| map.uri));
        let keys: Vec<_> = before.keys(before_segment).iter().map(|k| k.uri.map(mark)).collect();
        let marked: Vec<_> = after.keys(segment).iter().map(|key| key.uri).collect();
        assert!(keys.iter().map(Option::as_deref).eq(marked));
    }
}

fn mark(uri: &[u8]) -> Vec<u8> {
    [b"[", uri, b"]"].concat()
}

/// Every URI in the order of the text.
fn uris(text: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    rewrite(text, |uri| -> Option<&[u8]> {
        found.push(uri.to_vec());
        None
    });
    found
}
