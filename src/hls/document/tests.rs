//! The kind of a playlist; arbitrary bytes; and the crate `m3u8-rs` for comparison.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;

#[test]
fn first_tag_of_one_kind_decides() {
    for (text, want) in [
        ("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:B=1\na\n#EXTINF:2,\nb\n", Ok(true)),
        ("#EXTM3U\n#EXTINF:2,\nb\n#EXT-X-STREAM-INF:B=1\na\n", Ok(false)),
        ("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n", Ok(false)),
        ("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO\n", Ok(true)),
        ("#EXTM3U\n#EXT-X-ENDLIST", Ok(false)),
        ("#EXTM3U\na.ts\n#EXT-X-VERSION:3\n", Err(PlaylistError::Neither)),
        ("#EXTM3U", Err(PlaylistError::Neither)),
        ("<html>", Err(PlaylistError::NotAPlaylist)),
        ("", Err(PlaylistError::NotAPlaylist)),
    ] {
        let found = Document::read(text.as_bytes());
        assert_eq!(found.map(|found| matches!(found, Document::Master(_))), want, "{text}");
    }
    let long = [b"#EXTM3U\n#EXTINF:2,", &vec![b' '; PLAYLIST_BYTES_MAX][..]].concat();
    assert_eq!(Document::read(&long), Err(PlaylistError::Bytes));
}

proptest! {
    #[test]
    fn accepts_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::read(&bytes);
        for start in ["#EXTM3U\n", "#EXTM3U\n#EXTINF:2,\n", "#EXTM3U\n#EXT-X-STREAM-INF:"] {
            let _ = Document::read(&[start.as_bytes(), &bytes].concat());
        }
        for tag in ["KEY", "MAP", "BYTERANGE", "PROGRAM-DATE-TIME", "MEDIA", "SESSION-KEY"] {
            let text = format!("#EXTM3U\n#EXT-X-{tag}:");
            let _ = Document::read(&[text.as_bytes(), &bytes, b"\n#EXTINF:1,\na"].concat());
        }
    }

    #[test]
    fn m3u8_rs_finds_the_same_segments(text in any_media()) {
        let Ok(Document::Media(own)) = Document::read(text.as_bytes()) else { panic!("{text}") };
        let other = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
        prop_assert_eq!(own.target_duration.unwrap().as_secs(), other.target_duration);
        prop_assert_eq!(own.media_sequence, other.media_sequence);
        prop_assert_eq!(own.discontinuity_sequence, other.discontinuity_sequence);
        prop_assert_eq!(own.end_list, other.end_list);
        prop_assert_eq!(own.version, other.version.map(|version| version as u64));
        prop_assert_eq!(own.segments.len(), other.segments.len());
        for (own_segment, other) in own.segments.iter().zip(&other.segments) {
            prop_assert_eq!(own_segment.uri, other.uri.as_bytes());
            prop_assert!((own_segment.duration.as_secs_f32() - other.duration).abs() < 0.001);
            prop_assert_eq!(own_segment.discontinuity, other.discontinuity);
            let ranges = own_segment.byte_range.map(|range| (range.length, Some(range.offset)));
            prop_assert_eq!(ranges, other.byte_range.as_ref().map(|r| (r.length, r.offset)));
            let dates = own_segment.program_date_time.map(|date| date.as_millisecond());
            prop_assert_eq!(dates, other.program_date_time.map(|date| date.timestamp_millis()));
            // It does not apply keys and maps to the segments that follow.
            if let Some(map) = &other.map {
                prop_assert_eq!(own_segment.map.unwrap().uri, map.uri.as_bytes());
            }
            if let Some(key) = &other.key {
                let own_key = own.keys(own_segment).first().unwrap();
                prop_assert_eq!(own_key.uri, key.uri.as_ref().map(|uri| uri.as_bytes()));
                let iv = own_key.iv.map(|iv| format!("0x{iv:032X}"));
                prop_assert_eq!(iv, key.iv.clone());
            }
        }
    }

    #[test]
    fn m3u8_rs_finds_the_same_variants(text in any_master()) {
        let Ok(Document::Master(own)) = Document::read(text.as_bytes()) else { panic!("{text}") };
        let other = m3u8_rs::parse_master_playlist_res(text.as_bytes()).unwrap();
        prop_assert_eq!(own.variants.len(), other.variants.len());
        for (own, other) in own.variants.iter().zip(&other.variants) {
            prop_assert_eq!(own.uri, other.uri.as_bytes());
            prop_assert_eq!(own.bandwidth, Some(other.bandwidth));
            prop_assert_eq!(own.average_bandwidth, other.average_bandwidth);
            let size = other.resolution.map(|size| (size.width as u32, size.height as u32));
            prop_assert_eq!(own.resolution, size);
            prop_assert_eq!(own.frame_rate, other.frame_rate);
            let codecs = other.codecs.as_ref().map(|codecs| codecs.as_bytes());
            prop_assert_eq!(own.attributes.get(b"CODECS"), codecs);
        }
        prop_assert_eq!(own.renditions.len(), other.alternatives.len());
        for (own, other) in own.renditions.iter().zip(&other.alternatives) {
            prop_assert_eq!(own.uri, other.uri.as_ref().map(|uri| uri.as_bytes()));
            prop_assert_eq!((own.group_id, own.name), (other.group_id.as_bytes(), other.name.as_bytes()));
            prop_assert_eq!(own.is_default, other.default);
        }
    }
}

const NAME: &str = "[a-z0-9/._?=-]{1,20}";

fn any_segment() -> impl Strategy<Value = String> {
    use prop::option::of;
    let key = of((NAME, of(any::<u128>())));
    let range = of((any::<u32>(), any::<u32>()));
    let date = of(0_i64..4_000_000_000_000);
    let parts = (key, of(NAME), any::<bool>(), date, 0_u32..20_000, range, NAME);
    parts.prop_map(|(key, map, discontinuity, date, millis, range, name)| {
        let mut text = String::new();
        if let Some((uri, iv)) = key {
            let iv = iv.map(|iv| format!(",IV=0x{iv:032X}")).unwrap_or_default();
            let _ = writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\"{iv}");
        }
        if let Some(uri) = map {
            let _ = writeln!(text, "#EXT-X-MAP:URI=\"{uri}\"");
        }
        if discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if let Some(date) = date.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) {
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{date:.3}");
        }
        let _ = writeln!(text, "#EXTINF:{}.{:03},", millis / 1000, millis % 1000);
        if let Some((length, offset)) = range {
            let _ = writeln!(text, "#EXT-X-BYTERANGE:{length}@{offset}");
        }
        let _ = writeln!(text, "{name}");
        text
    })
}

fn any_media() -> impl Strategy<Value = String> {
    let segments = prop::collection::vec(any_segment(), 0..20);
    let head = (1_u64..100, any::<u32>(), any::<u32>(), any::<bool>());
    (head, segments).prop_map(|((target, sequence, jumps, ends), segments)| {
        let end = if ends { "#EXT-X-ENDLIST\n" } else { "" };
        format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{target}\n\
             #EXT-X-MEDIA-SEQUENCE:{sequence}\n#EXT-X-DISCONTINUITY-SEQUENCE:{jumps}\n{}{end}",
            segments.concat()
        )
    })
}

fn any_master() -> impl Strategy<Value = String> {
    use prop::option::of;
    let variant =
        (any::<u32>(), of(any::<u32>()), of((1_u32..9999, 1_u32..9999)), of(1_u32..240), NAME);
    let variant = variant.prop_map(|(peak, average, size, rate, uri)| {
        let mut text =
            format!("#EXT-X-STREAM-INF:BANDWIDTH={peak},CODECS=\"avc1.640020,mp4a.40.2\"");
        let _ = average.map(|average| write!(text, ",AVERAGE-BANDWIDTH={average}"));
        let _ = size.map(|(width, height)| write!(text, ",RESOLUTION={width}x{height}"));
        let _ = rate.map(|rate| write!(text, ",FRAME-RATE={rate}.000"));
        format!("{text}\n{uri}\n")
    });
    let rendition = (NAME, NAME, any::<bool>(), of(NAME));
    let rendition = rendition.prop_map(|(group, name, is_default, uri)| {
        let is_default = if is_default { "YES" } else { "NO" };
        let uri = uri.map(|uri| format!(",URI=\"{uri}\"")).unwrap_or_default();
        format!(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{name}\",DEFAULT={is_default}{uri}\n"
        )
    });
    let renditions = prop::collection::vec(rendition, 0..4);
    let variants = prop::collection::vec(variant, 1..8);
    (renditions, variants).prop_map(|(renditions, variants)| {
        format!("#EXTM3U\n{}{}", renditions.concat(), variants.concat())
    })
}
