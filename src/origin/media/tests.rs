//! Reads segments back with the crate `mpeg2ts`.

use mpeg2ts::ts::{ReadTsPacket, TsPacket, TsPacketReader, TsPayload};
use proptest::prelude::*;

use super::*;

/// 2026-11-23 07:00 UTC in segments of two seconds.
const TODAY: u64 = 897_708_600;

const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

fn variant(bitrate: u64, millis: u64) -> Variant {
    Variant::new(bitrate, Duration::from_millis(millis))
}

fn packets(bytes: &[u8]) -> Vec<TsPacket> {
    let mut reader = TsPacketReader::new(bytes);
    std::iter::from_fn(|| reader.read_ts_packet().unwrap()).collect()
}

/// Segments `first..first + count`, one after the other.
fn stream(variant: Variant, first: u64, count: u64) -> Vec<TsPacket> {
    let bytes: Vec<u8> = (first..first + count).flat_map(|n| variant.segment(n)).collect();
    packets(&bytes)
}

/// The PTS of every PES packet on `pid`.
fn presentation_times(packets: &[TsPacket], pid: u16) -> Vec<u64> {
    let starts = packets.iter().filter(|p| p.header.pid.as_u16() == pid);
    let times = starts.filter_map(|p| match &p.payload {
        Some(TsPayload::PesStart(pes)) => Some(pes.header.pts.unwrap().as_u64()),
        _ => None,
    });
    times.collect()
}

/// Position and value of every PCR.
fn clocks(packets: &[TsPacket]) -> Vec<(usize, u64)> {
    let all = packets.iter().enumerate();
    let clocks = all.filter_map(|(place, packet)| {
        let clock = packet.adaptation_field.as_ref()?.pcr?;
        Some((place, clock.as_u64()))
    });
    clocks.collect()
}

/// Differences of adjacent values of a counter that wraps at `wrap`.
fn steps(values: &[u64], wrap: u64) -> Vec<u64> {
    values.windows(2).map(|pair| (pair[1] + wrap - pair[0]) % wrap).collect()
}

#[test]
fn sizes_reach_the_bitrate_within_a_percent() {
    for bitrate in [BITRATE_MIN, 200_000, 600_000, 1_500_000, 5_000_000, BITRATE_MAX] {
        for millis in [1_000, 1_500, 2_000, 6_006, 10_000] {
            let variant = variant(bitrate, millis);
            let segment = variant.segment(TODAY);
            assert_eq!(segment.len() as u64, variant.segment_bytes(Form::LIVE));
            let bits = segment.len() as u64 * 8;
            let asked = bitrate * millis / 1000;
            assert!(bits <= asked && bits * 100 >= asked * 99, "{bits} of {asked} bits");
        }
    }
}

#[test]
fn segment_follows_from_its_index() {
    let variant = variant(600_000, 2_000);
    assert_eq!(variant.segment(TODAY), variant.segment(TODAY));
    assert_ne!(variant.segment(TODAY), variant.segment(TODAY + 1));
}

#[test]
fn tables_come_first_and_name_the_streams() {
    let packets = stream(variant(200_000, 2_000), TODAY, 1);
    let Some(TsPayload::Pat(association)) = &packets[0].payload else { panic!("no PAT") };
    let Some(TsPayload::Pmt(map)) = &packets[1].payload else { panic!("no PMT") };
    assert_eq!(association.table[0].program_map_pid, packets[1].header.pid);
    let streams: Vec<(u8, u16)> =
        map.es_info.iter().map(|s| (s.stream_type as u8, s.elementary_pid.as_u16())).collect();
    assert_eq!(streams, [(0x1B, VIDEO), (0x0F, AUDIO)]);
    assert_eq!(map.pcr_pid.unwrap().as_u16(), VIDEO);
}

#[test]
fn picture_size_follows_the_bitrate() {
    let cases = [
        (0, (320, 180), "avc1.42C00D,mp4a.40.2"),
        (200_000, (320, 180), "avc1.42C00D,mp4a.40.2"),
        (400_000, (640, 360), "avc1.42C01E,mp4a.40.2"),
        (1_000_000, (960, 540), "avc1.42C01F,mp4a.40.2"),
        (5_000_000, (1280, 720), "avc1.42C01F,mp4a.40.2"),
        (u64::MAX, (1920, 1080), "avc1.42C029,mp4a.40.2"),
    ];
    for (bitrate, resolution, codecs) in cases {
        let variant = variant(bitrate, 2_000);
        assert_eq!(variant.resolution(), resolution);
        assert_eq!(variant.codecs(), codecs);
    }
}

#[test]
fn timestamps_wrap_in_mid_stream() {
    // 2^33 ticks are 95,443.7 s.
    let packets = stream(variant(200_000, 2_000), 47_720, 4);
    for (pid, step) in [(VIDEO, 3_600), (AUDIO, 1_920)] {
        let times = presentation_times(&packets, pid);
        assert!(times.windows(2).any(|pair| pair[0] > pair[1]), "no wrap");
        assert!(steps(&times, 1 << 33).iter().all(|s| *s == step));
    }
}

#[test]
fn spans_join_and_follow_the_clock() {
    let even = variant(600_000, 2_000);
    assert_eq!(
        even.span(TODAY),
        Duration::from_secs(2 * TODAY)..Duration::from_secs(2 * TODAY + 2)
    );
    let odd = variant(600_000, 1_500);
    assert_eq!(odd.span(1), Duration::from_millis(1_520)..Duration::from_millis(3_000));
    for index in TODAY..TODAY + 20 {
        assert_eq!(odd.span(index).end, odd.span(index + 1).start);
    }
}

#[test]
fn maximum_index_has_a_segment() {
    let variant = variant(BITRATE_MAX, 10_000);
    assert_eq!(variant.segment(u64::MAX).len() as u64, variant.segment_bytes(Form::LIVE));
    assert_eq!(variant.span(u64::MAX).start, Duration::from_millis(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Counters, timestamps and the clock continue across segments, and every access
    /// unit arrives before it is due.
    #[test]
    fn separately_made_segments_fit_together(
        bitrate in BITRATE_MIN..3_000_000,
        millis in 1_000u64..4_000,
        first in prop_oneof![0..100u64, 47_000..48_000u64, TODAY - 9..TODAY + 9, 0..u64::MAX / 2],
    ) {
        let variant = variant(bitrate, millis);
        let packets = stream(variant, first, 3);
        prop_assert_eq!(packets.len() as u64 * 188, 3 * variant.segment_bytes(Form::LIVE));
        for pid in [0, 0x1000, VIDEO, AUDIO] {
            let on_pid = packets.iter().filter(|p| p.header.pid.as_u16() == pid);
            let counters: Vec<u64> =
                on_pid.map(|p| u64::from(p.header.continuity_counter.as_u8())).collect();
            prop_assert!(steps(&counters, 16).iter().all(|s| *s == 1), "PID {}", pid);
        }
        for (pid, step) in [(VIDEO, 3_600), (AUDIO, 1_920)] {
            let times = presentation_times(&packets, pid);
            prop_assert!(steps(&times, 1 << 33).iter().all(|s| *s == step), "PID {}", pid);
        }
        check_clock(&packets)?;
    }
}

/// Checks that PCRs are at most 100 ms apart (ISO/IEC 13818-1 §2.7.2) and that access
/// units arrive completely before their PTS, by less than a second.
fn check_clock(packets: &[TsPacket]) -> Result<(), TestCaseError> {
    const WRAP: u64 = (1 << 33) * 300;
    let clocks = clocks(packets);
    let values: Vec<u64> = clocks.iter().map(|(_, clock)| *clock).collect();
    for step in steps(&values, WRAP) {
        prop_assert!((1..=2_700_000).contains(&step), "{} ticks between two PCRs", step);
    }
    let video = presentation_times(packets, VIDEO);
    prop_assert_eq!(video.len(), clocks.len());
    for (pts, next) in video.iter().zip(values.iter().skip(1)) {
        // The next PCR is sent after the last byte of this unit.
        let spare = (pts * 300 + WRAP - next) % WRAP;
        prop_assert!(spare < 27_000_000, "a picture has {} ticks to spare", spare);
    }
    let mut clock = values[0];
    for packet in packets {
        clock = packet.adaptation_field.as_ref().and_then(|f| f.pcr).map_or(clock, |c| c.as_u64());
        if packet.header.pid.as_u16() != AUDIO {
            continue;
        }
        let Some(TsPayload::PesStart(pes)) = &packet.payload else { continue };
        let spare = (pes.header.pts.unwrap().as_u64() * 300 + WRAP - clock) % WRAP;
        prop_assert!((2_700_000..27_000_000).contains(&spare), "sound has {} to spare", spare);
    }
    Ok(())
}
