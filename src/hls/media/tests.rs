//! Media playlists as servers write them.

use super::*;
use crate::hls::Document;
use crate::hls::key::{KEY_FORMATS_MAX, KeyMethod};

fn media(text: &[u8]) -> Media<'_> {
    match Document::read(text) {
        Ok(Document::Media(media)) => media,
        other => panic!("{other:?}"),
    }
}

fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}

#[test]
fn parses_a_complete_live_playlist() {
    let text = b"\xef\xbb\xbf#EXTM3U\r\n#EXT-X-VERSION:7\r\n#EXT-X-TARGETDURATION:6\r\n\
        #EXT-X-MEDIA-SEQUENCE:4007\r\n#EXT-X-DISCONTINUITY-SEQUENCE:3\r\n\
        #EXT-X-PLAYLIST-TYPE:EVENT\r\n#EXT-X-INDEPENDENT-SEGMENTS\r\n\
        #EXT-X-START:TIME-OFFSET=-18\r\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"720@0\"\r\n\r\n\
        #EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:00:00.000+0100\r\n\
        #EXTINF:6.006,News, \"at\" seven\r\n#EXT-X-BYTERANGE:1000@720\r\nall.mp4\r\n\
        #EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-11-23T06:00:06Z\"\r\n\
        #EXTINF:5.994\r\n#EXT-X-BYTERANGE:500\r\nall.mp4\r\n\
        #EXT-X-DISCONTINUITY\r\n#EXT-X-GAP\r\n#EXTINF:6,\r\nlost.mp4?a=b#c\r\n\
        #EXT-X-SOMETHING-NEW:A=1\r\n# a remark\r\n#EXT-X-ENDLIST";
    let media = media(text);
    assert_eq!(media.version, Some(7));
    assert_eq!(media.target_duration, Some(secs(6.0)));
    assert_eq!((media.media_sequence, media.discontinuity_sequence), (4_007, 3));
    assert_eq!(media.playlist_type, Some(PlaylistType::Event));
    assert!(media.end_list && media.independent_segments && !media.i_frames_only);
    let [first, second, third] = &media.segments[..] else { panic!("{media:#?}") };
    assert_eq!((first.uri, first.duration), (&b"all.mp4"[..], secs(6.006)));
    assert_eq!(first.title, b"News, \"at\" seven");
    assert_eq!(first.program_date_time, "2026-11-23T06:00:00Z".parse().ok());
    assert_eq!(first.byte_range, Some(ByteRange { length: 1_000, offset: 720 }));
    let init = Map { uri: b"init.mp4", byte_range: Some(ByteRange { length: 720, offset: 0 }) };
    assert_eq!(first.map, Some(init));
    assert_eq!(second.byte_range, Some(ByteRange { length: 500, offset: 1_720 }));
    assert_eq!((second.duration, second.title), (secs(5.994), &b""[..]));
    assert_eq!((second.program_date_time, second.map), (None, Some(init)));
    assert!(third.discontinuity && third.gap && !second.discontinuity && !second.gap);
    assert_eq!((third.uri, third.byte_range), (&b"lost.mp4?a=b#c"[..], None));
    assert!(media.keys(third).is_empty());
}

#[test]
fn skips_malformed_parts() {
    let text = b"#EXTM3U\n\n  \n#EXT-X-TARGETDURATION:\n#EXT-X-MEDIA-SEQUENCE:-1\n\
        #EXT-X-VERSION:x\n#EXT-X-PLAYLIST-TYPE:LIVE\n#EXT-X-MAP:BYTERANGE=\"1@0\"\n\
        orphan.ts\n#EXTINF:abc,\xff\xfe\n\n#EXT-X-BYTERANGE:x\n#EXT-X-PROGRAM-DATE-TIME:today\n\
        \xe9.ts \t\n#EXTINF:-1,\nb.ts\n#EXTINF:3\nc.ts\nd.ts\n#EXTINF:3\n#EXTINF:4,\ne.ts\n#EXTINF:9,";
    let media = media(text);
    assert_eq!((media.version, media.target_duration, media.media_sequence), (None, None, 0));
    assert_eq!(media.playlist_type, None);
    let found: Vec<_> =
        media.segments.iter().map(|found| (found.uri, found.duration.as_secs())).collect();
    let want: [(&[u8], u64); 4] = [(b"\xe9.ts", 0), (b"b.ts", 0), (b"c.ts", 3), (b"e.ts", 4)];
    assert_eq!(found, want);
    assert_eq!(media.segments[0].title, b"\xff\xfe");
    assert_eq!(media.segments[0].byte_range, None);
    assert_eq!(media.segments[0].program_date_time, None);
    assert_eq!(media.segments[0].map, None);
}

/// The URIs of the keys of each segment.
fn keys(text: &str) -> Vec<Vec<&str>> {
    let media = media(text.as_bytes());
    let uri = |key: &Key<'_>| {
        let uri = key.uri.unwrap();
        let start = text.find(str::from_utf8(uri).unwrap()).unwrap();
        &text[start..start + uri.len()]
    };
    media.segments.iter().map(|segment| media.keys(segment).iter().map(uri).collect()).collect()
}

#[test]
fn key_applies_until_the_next_of_its_format() {
    let segment = "#EXTINF:2,\ns\n";
    let key = |uri: &str, format: &str| {
        format!("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"{uri}\",KEYFORMAT=\"{format}\"\n")
    };
    let text = [
        "#EXTM3U\n",
        segment,
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n",
        segment,
        segment,
        &key("k2", "com.apple.streamingkeydelivery"),
        &key("k3", "urn:uuid:edef8ba9"),
        segment,
        &key("k4", "identity"),
        segment,
        &key("k5", "urn:uuid:edef8ba9"),
        &key("k6", "urn:uuid:edef8ba9"),
        segment,
        "#EXT-X-KEY:METHOD=NONE\n",
        segment,
        &key("k7", "identity"),
        "#EXT-X-KEY:METHOD=NONE\n",
        &key("k8", "identity"),
        segment,
    ]
    .concat();
    let want: [&[&str]; 8] = [
        &[],
        &["k1"],
        &["k1"],
        &["k1", "k2", "k3"],
        &["k2", "k3", "k4"],
        &["k2", "k4", "k6"],
        &[],
        &["k8"],
    ];
    assert_eq!(keys(&text), want);
}

#[test]
fn parses_and_limits_keys() {
    let text =
        b"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=k?a=b,IV=0Xc0ffEE,KEYFORMATVERSIONS=\"1\"\n\
        #EXTINF:2,\ns\n";
    let found = media(text);
    let [key] = found.keys(&found.segments[0]) else { panic!("{found:#?}") };
    assert_eq!(
        (key.method, key.uri, key.iv),
        (KeyMethod::Aes128, Some(&b"k?a=b"[..]), Some(0xc0_ffee))
    );
    assert_eq!(key.format, b"identity");
    assert_eq!(key.attributes.get(b"KEYFORMATVERSIONS"), Some(&b"1"[..]));

    let mut text = String::from("#EXTM3U\n");
    for number in 0..1_000 {
        let key = format!("#EXT-X-KEY:METHOD=X,KEYFORMAT={number}\n#EXTINF:1,\ns\n");
        text.push_str(&key);
    }
    let found = media(text.as_bytes());
    assert!(found.keys.len() <= KEY_FORMATS_MAX * 1_000);
    assert_eq!(found.keys(&found.segments[999]).len(), KEY_FORMATS_MAX);
    assert_eq!(found.keys[0].method, KeyMethod::Other(b"X"));
}

#[test]
fn parses_a_playlist_of_days_and_refuses_a_longer_one() {
    let segment = "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T07:00:00.000Z\n#EXTINF:2.000,\n\
                   https://cdn.example/live/channel/1080p/segment_0123456789.ts\n";
    let mut text = format!("#EXTM3U\n{}", segment.repeat(SEGMENTS_MAX));
    assert!(text.len() > 10_000_000);
    assert_eq!(media(text.as_bytes()).segments.len(), SEGMENTS_MAX);
    text.push_str("#EXTINF:2,\na.ts\n");
    assert_eq!(Document::read(text.as_bytes()), Err(PlaylistError::Segments));
}
