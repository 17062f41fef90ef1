//! What playlists say of their URIs.

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn learned(text: &str) -> (Seen, Catalogue) {
    let base = url("http://h:443/d/list");
    let mut catalogue = Catalogue::default();
    let seen = learn(text.as_bytes(), &base, false, &mut catalogue);
    assert_eq!(learn(text.as_bytes(), &base, false, &mut catalogue), seen, "again");
    (seen, catalogue)
}

#[test]
fn media_playlists_name_segments_keys_and_sections() {
    let (seen, catalogue) = learned(
        "#EXTM3U\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"100@20\"\n\
         #EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:00:10Z\n#EXTINF:2,\n/a b.m4s\n\
         #EXT-X-BYTERANGE:10@0\n#EXTINF:3.5,\nall\n#EXT-X-BYTERANGE:10\n#EXTINF:4,\nall\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\n../c\n\
         #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:1,\n?d\n",
    );
    let secs = |secs: f64| Wall::from_unix_nanos((secs * 1e9) as u64);
    assert_eq!(seen, Seen { is_playlist: true, end: Some(secs(21.5)) });
    let find = |text: &str, offset| {
        let found = catalogue.find(&url(text), offset).unwrap();
        (found.kind, found.media.map_or(0.0, |it| it.as_secs_f64()), found.date, found.opaque)
    };
    use RequestKind::{Init, Key, Segment};
    assert_eq!(find("http://h:443/d/i.mp4", 20), (Init, 0.0, None, false));
    assert_eq!(find("http://h:443/a%20b.m4s", 0), (Segment, 2.0, Some(secs(10.0)), false));
    assert_eq!(find("http://h:443/d/all", 0), (Segment, 3.5, Some(secs(12.0)), false));
    assert_eq!(find("http://h:443/d/all", 10), (Segment, 4.0, Some(secs(15.5)), false));
    assert_eq!(find("http://h:443/d/all", 5), (Segment, 0.0, None, true));
    assert_eq!(find("http://h:443/c", 0), (Segment, 1.0, Some(secs(19.5)), true));
    assert_eq!(find("http://h:443/d/list?d", 0), (Segment, 1.0, Some(secs(20.5)), false));
    assert_eq!(find("http://h:443/d/k", 0), (Key, 0.0, None, false));
}

#[test]
fn master_playlists_name_playlists_and_keys() {
    let (seen, catalogue) = learned(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a\"\n\
         #EXT-X-I-FRAME-STREAM-INF:URI=\"i\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n",
    );
    assert_eq!(seen, Seen { is_playlist: true, end: None });
    for (name, want) in [
        ("v", RequestKind::Playlist),
        ("a", RequestKind::Playlist),
        ("i", RequestKind::Playlist),
        ("k", RequestKind::Key),
    ] {
        let found = catalogue.find(&url(&format!("http://h:443/d/{name}")), 0);
        assert_eq!(found, Some(Known::of(want)), "{name}");
    }
}

#[test]
fn other_texts_are_no_playlists() {
    for (text, is_playlist) in
        [("<html>", false), ("", false), ("#EXTM3U", true), ("\u{feff}#EXTM3U\nx\n", true)]
    {
        assert_eq!(learned(text).0, Seen { is_playlist, end: None }, "{text}");
    }
}

#[test]
fn expansion_is_bounded() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![b'\n'; BYTES_MAX + 1]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 20_000);
    assert_eq!(text(&bomb, Coding::Gzip, false), None);
    assert_eq!(text(b"not gzip", Coding::Gzip, false), None);
    assert_eq!(text(b"x", Coding::Other, false), None);
    let half = &bomb[..bomb.len() / 2];
    assert_eq!(text(half, Coding::Gzip, false), None);
    assert!(text(half, Coding::Gzip, true).is_some_and(|text| text.starts_with(b"\n\n")));
}
