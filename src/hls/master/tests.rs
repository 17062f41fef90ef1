//! Master playlists as servers write them.

use super::*;
use crate::hls::Document;
use crate::hls::key::KeyMethod;

fn master(text: &[u8]) -> Master<'_> {
    match Document::read(text) {
        Ok(Document::Master(master)) => master,
        other => panic!("{other:?}"),
    }
}

#[test]
fn parses_a_complete_presentation() {
    let text = b"#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n\n\
        #EXT-X-SESSION-DATA:DATA-ID=\"com.example.title\",VALUE=\"A, B\"\n\
        #EXT-X-SESSION-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=YES,\
        AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio/de.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC\",INSTREAM-ID=\"CC1\"\n\
        #EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=2168183,BANDWIDTH=2177116,\
        CODECS=\"avc1.640020,mp4a.40.2\",RESOLUTION=960x540,FRAME-RATE=59.940,\
        CLOSED-CAPTIONS=NONE,AUDIO=\"aac\"\nv5/prog_index.m3u8?token=a,b\n\
        #EXT-X-STREAM-INF:BANDWIDTH=200000\n\n# low\nhttps://cdn.example/low.m3u8\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=187492,RESOLUTION=1920x1080,URI=\"v7/iframe.m3u8\"\n";
    let master = master(text);
    assert_eq!((master.version, master.independent_segments), (Some(6), true));
    let [first, second] = master.variants[..] else { panic!("{master:#?}") };
    assert_eq!(first.uri, b"v5/prog_index.m3u8?token=a,b");
    assert_eq!(first.bandwidth, Some(2_177_116));
    assert_eq!(first.average_bandwidth, Some(2_168_183));
    assert_eq!((first.resolution, first.frame_rate), (Some((960, 540)), Some(59.94)));
    assert_eq!(first.attributes.get(b"CODECS"), Some(&b"avc1.640020,mp4a.40.2"[..]));
    assert_eq!(first.attributes.get(b"AUDIO"), Some(&b"aac"[..]));
    assert_eq!(second.uri, b"https://cdn.example/low.m3u8");
    assert_eq!((second.average_bandwidth, second.resolution), (None, None));
    let [frames] = master.i_frame_streams[..] else { panic!("{master:#?}") };
    assert_eq!((frames.uri, frames.bandwidth), (&b"v7/iframe.m3u8"[..], Some(187_492)));
    let [audio, captions] = master.renditions[..] else { panic!("{master:#?}") };
    assert_eq!((audio.kind, audio.uri), (RenditionKind::Audio, Some(&b"audio/de.m3u8"[..])));
    assert_eq!((audio.group_id, audio.name), (&b"aac"[..], "Deutsch".as_bytes()));
    assert_eq!((audio.language, audio.is_default), (Some(&b"de"[..]), true));
    assert_eq!((captions.kind, captions.uri), (RenditionKind::ClosedCaptions, None));
    assert!(!captions.is_default);
    assert_eq!(master.session_keys[0].method, KeyMethod::SampleAes);
    assert_eq!(master.session_keys[0].uri, Some(&b"skd://k"[..]));
    assert_eq!(master.session_data[0].get(b"VALUE"), Some(&b"A, B"[..]));
}

#[test]
fn skips_malformed_parts() {
    let text = b"#EXTM3U x-tvg-url=\"a\"\r\r\norphan.m3u8\r\n\
        #EXT-X-STREAM-INF: PROGRAM-ID=1, BANDWIDTH = 7 , RESOLUTION=\"640X360\",CODECS=avc1,,\r\n\
        #EXT-X-STREAM-INF:BANDWIDTH=x\r\n\xe9.m3u8\r\n\
        #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1\r\n#EXT-X-MEDIA:\r\n#EXT-X-ENDLIST\r\n\
        #EXT-X-STREAM-INF:\r\nb\r\n#EXT-X-STREAM-INF";
    let found = master(text);
    let [first, second] = found.variants[..] else { panic!("{found:#?}") };
    assert_eq!((first.uri, first.bandwidth), (&b"\xe9.m3u8"[..], None));
    assert_eq!((second.uri, second.attributes), (&b"b"[..], Attributes::default()));
    assert!(found.i_frame_streams.is_empty());
    assert_eq!(
        (found.renditions[0].kind, found.renditions[0].name),
        (RenditionKind::Other, &b""[..])
    );
    let odd =
        master(b"#EXTM3U\n#EXT-X-STREAM-INF: PROGRAM-ID=1, BANDWIDTH= 7,RESOLUTION=\"640X360\"\na");
    assert_eq!(odd.variants[0].resolution, Some((640, 360)));
}

#[test]
fn limits_entries() {
    let mut text = format!("#EXTM3U\n{}", "#EXT-X-STREAM-INF:B=1\na\n".repeat(ENTRIES_MAX));
    assert_eq!(master(text.as_bytes()).variants.len(), ENTRIES_MAX);
    text.push_str("#EXT-X-STREAM-INF:B=1\na\n");
    assert_eq!(Document::read(text.as_bytes()), Err(PlaylistError::Entries));
}
