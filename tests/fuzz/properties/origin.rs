//! The origin's playlists and segments, parsed by the crates `m3u8-rs` and `mpeg2ts`:
//! everything served at any time is consistent.
//!
//! An input consists of numbers: segment duration in ms, window, wall clock in ms since
//! the Unix epoch, bit rates. Missing ones are 0.

use std::time::Duration;

use ffmpeg_hls_swarm::http::{Method, Request};
use ffmpeg_hls_swarm::origin::form::{Container, Form, Timing};
use ffmpeg_hls_swarm::origin::media::Variant;
use ffmpeg_hls_swarm::origin::playlist::{VOD_SEGMENTS, Window, target_duration_secs};
use ffmpeg_hls_swarm::origin::{Origin, StreamSettings};
use ffmpeg_hls_swarm::units::{Moment, Wall};
use m3u8_rs::{MediaPlaylist, MediaSegment, VariantStream};
use mpeg2ts::ts::{ReadTsPacket, TsPacket, TsPacketReader, TsPayload};

/// Larger segments are not parsed: they take too long, and do not differ.
const READ_BYTES_MAX: u64 = 400_000;

/// PIDs of the video and the audio stream.
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

/// Ticks of 90 kHz between pictures and between AAC frames.
const STEPS: [(u16, u64); 2] = [(VIDEO, 3_600), (AUDIO, 1_920)];

/// Where a PTS wraps.
const WRAP: u64 = 1 << 33;

/// Checks the properties for one input.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut numbers = text.split_ascii_whitespace().map(|word| word.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0_u64);
    let (segment_duration, window) = (Duration::from_millis(next()), next() as usize);
    let wall = Wall::from_unix_nanos(next().saturating_mul(1_000_000));
    let variant_bitrates: Vec<u64> = numbers.take(20).collect();
    let settings = StreamSettings { variant_bitrates, segment_duration, window };
    match Origin::new(settings.clone()) {
        Err(error) => {
            let said = error.to_string();
            assert!(said.contains("give ") && !said.contains('\n'), "{said:?} has no remedy");
        }
        Ok(mut origin) => serve(&mut origin, &settings, wall),
    }
}

/// Every form has its master playlist; each variant is checked in one container, live
/// and on demand, the first in MPEG-TS without a key.
fn serve(origin: &mut Origin, settings: &StreamSettings, wall: Wall) {
    for (place, form) in Form::all().into_iter().enumerate() {
        let (status, text) = get(origin, wall, &format!("{}stream.m3u8", form.folder()));
        assert_eq!(status, 200);
        let master = m3u8_rs::parse_master_playlist_res(&text).unwrap();
        assert_eq!(master.variants.len(), settings.variant_bitrates.len());
        let bitrates = settings.variant_bitrates.iter().enumerate();
        for ((number, &bitrate), named) in bitrates.zip(&master.variants) {
            let variant = Variant::new(bitrate, settings.segment_duration);
            assert_eq!(named.uri, format!("v{number}/index.m3u8"));
            said_of(form, &variant, named);
            let uri = format!("{}{}", form.folder(), named.uri);
            match form.timing {
                _ if number % 4 != place / 2 => {}
                Timing::Live => live(origin, settings, wall, (form, &variant), &uri),
                Timing::Vod => on_demand(origin, wall, (form, &variant), &uri),
            }
        }
    }
}

/// Checks the statements of the master playlist about a variant.
fn said_of(form: Form, variant: &Variant, named: &VariantStream) {
    let average = named.average_bandwidth.unwrap();
    assert!(average <= named.bandwidth && variant.bitrate() <= named.bandwidth);
    // A block of padding per segment may exceed the requested rate.
    assert!(average <= variant.bitrate() || form.encrypted);
    let shortest = variant.shortest_segment().as_secs_f64();
    assert!(variant.segment_bytes(form) as f64 * 8.0 <= named.bandwidth as f64 * shortest + 8.0);
    let size = named.resolution.map(|size| (size.width as u32, size.height as u32));
    assert_eq!(size, Some(variant.resolution()));
    assert_eq!(named.codecs.as_deref(), Some(variant.codecs().as_str()));
}

/// Checks that the live playlist follows the clock.
fn live(
    origin: &mut Origin,
    settings: &StreamSettings,
    wall: Wall,
    what: (Form, &Variant),
    uri: &str,
) {
    let (form, variant) = what;
    let window = Window::at(wall, settings.segment_duration, settings.window);
    let (status, text) = get(origin, wall, uri);
    assert_eq!(status == 200, window.end > 0, "a playlist exists once a segment does");
    if status != 200 {
        return;
    }
    let playlist = m3u8_rs::parse_media_playlist_res(&text).unwrap();
    assert_eq!(playlist.media_sequence, window.first);
    assert_eq!(playlist.segments.len() as u64, window.end - window.first);
    assert!(playlist.segments.len() <= settings.window && !playlist.end_list);
    durations(&playlist, form, variant, window.first);
    let dates: Option<Vec<i64>> = playlist.segments.iter().map(date_ms).collect();
    let dates = dates.expect("every segment has its date before the year 9999");
    let now_ms = (wall.as_unix_nanos() / 1_000_000) as i64;
    for (index, date) in (window.first..).zip(&dates) {
        let begin = variant.span(index).start.as_millis() as i64;
        assert_eq!(*date, begin);
        // The pictures of a segment may start one picture after the segment itself.
        assert!(*date <= now_ms + 40, "a segment of the future");
    }
    if let (Some(first), Some(last)) = (playlist.segments.first(), playlist.segments.last()) {
        for segment in [first, last] {
            let path = uri.replace("index.m3u8", &segment.uri);
            let (status, bytes) = get(origin, wall, &path);
            assert_eq!(status, 200, "{path} is listed but missing");
            assert_eq!(bytes.len() as u64, variant.segment_bytes(form), "{path}");
        }
        let beyond = uri.replace("index.m3u8", &name(form, window.end));
        assert_eq!(get(origin, wall, &beyond).0, 404, "a segment before its time");
    }
    if variant.segment_bytes(form) <= READ_BYTES_MAX && form == Form::LIVE {
        read_back(variant, window.first);
    }
}

/// Checks that the playlist on demand ends, and does not depend on the clock.
fn on_demand(origin: &mut Origin, wall: Wall, (form, variant): (Form, &Variant), uri: &str) {
    let (status, text) = get(origin, wall, uri);
    assert_eq!(status, 200);
    let playlist = m3u8_rs::parse_media_playlist_res(&text).unwrap();
    assert!(playlist.end_list && playlist.media_sequence == 0);
    assert_eq!(playlist.segments.len() as u64, VOD_SEGMENTS);
    durations(&playlist, form, variant, 0);
}

/// The name of a segment in its playlist.
fn name(form: Form, index: u64) -> String {
    match form.container {
        Container::Ts => format!("{index}.ts"),
        Container::Fmp4 => format!("{index}.m4s"),
    }
}

/// Each segment lasts as long as its pictures, and not longer than stated.
fn durations(playlist: &MediaPlaylist, form: Form, variant: &Variant, first: u64) {
    assert_eq!(playlist.target_duration, target_duration_secs(variant));
    for (index, segment) in (first..).zip(&playlist.segments) {
        let span = variant.span(index);
        let pictures = (span.end - span.start).as_secs_f64();
        assert!((f64::from(segment.duration) - pictures).abs() < 0.000_6);
        assert!(segment.duration.round() as u64 <= playlist.target_duration);
        assert_eq!(segment.uri, name(form, index));
    }
}

fn date_ms(segment: &MediaSegment) -> Option<i64> {
    segment.program_date_time.map(|date| date.timestamp_millis())
}

/// Two consecutive segments are one stream: packets, counters and clocks continue.
fn read_back(variant: &Variant, first: u64) {
    let segments = [first, first + 1].map(|index| variant.segment(index));
    for segment in &segments {
        assert_eq!(segment.len() as u64, variant.segment_bytes(Form::LIVE));
    }
    let packets = packets(&segments.concat());
    for (pid, step) in STEPS {
        let own: Vec<&TsPacket> =
            packets.iter().filter(|packet| packet.header.pid.as_u16() == pid).collect();
        let counters: Vec<u8> =
            own.iter().map(|packet| packet.header.continuity_counter.as_u8()).collect();
        assert!(counters.windows(2).all(|pair| (pair[0] + 1) % 16 == pair[1]), "a packet is lost");
        let times: Vec<u64> = own.iter().filter_map(|packet| presentation(packet)).collect();
        let steady = times.windows(2).all(|pair| (pair[1] + WRAP - pair[0]) % WRAP == step);
        assert!(steady && !times.is_empty(), "presentation times of {pid:#x} are not steady");
        if pid == VIDEO {
            let span = variant.span(first).start..variant.span(first + 1).end;
            let pictures = (span.end - span.start).as_millis() / 40;
            assert_eq!(times.len() as u128, pictures);
        }
    }
    let clocks: Vec<u64> = packets.iter().filter_map(clock).collect();
    let half = WRAP * 300 / 2;
    let forward = |pair: &[u64]| (pair[1] + WRAP * 300 - pair[0]) % (WRAP * 300) < half;
    assert!(clocks.windows(2).all(forward), "the clock goes back");
    for place in [0, packets.len() / 2] {
        assert!(matches!(packets[place].payload, Some(TsPayload::Pat(_))), "no table at the start");
        assert!(matches!(packets[place + 1].payload, Some(TsPayload::Pmt(_))));
    }
}

fn packets(bytes: &[u8]) -> Vec<TsPacket> {
    let mut reader = TsPacketReader::new(bytes);
    std::iter::from_fn(|| reader.read_ts_packet().unwrap()).collect()
}

fn presentation(packet: &TsPacket) -> Option<u64> {
    match &packet.payload {
        Some(TsPayload::PesStart(pes)) => Some(pes.header.pts?.as_u64()),
        _ => None,
    }
}

fn clock(packet: &TsPacket) -> Option<u64> {
    Some(packet.adaptation_field.as_ref()?.pcr?.as_u64())
}

fn get(origin: &mut Origin, wall: Wall, path: &str) -> (u16, Vec<u8>) {
    let request = Request::new(Method::Get, path, &[]);
    let response = origin.respond(Moment { wall, ..Moment::default() }, &request);
    (response.status.0, response.body.bytes().to_vec())
}
