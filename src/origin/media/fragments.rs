//! Reads fMP4 back with the crate `mp4-atom`.

use mp4_atom::{Any, Codec, DecodeMaybe, FourCC, Mdat, Moof, Moov, Traf};
use proptest::prelude::*;

use super::*;

/// 2026-11-23 07:00 UTC in segments of two seconds.
const TODAY: u64 = 897_708_600;

const FMP4: Form = Form { container: Container::Fmp4, ..Form::LIVE };

fn variant(bitrate: u64, millis: u64) -> Variant {
    Variant::new(bitrate, Duration::from_millis(millis))
}

fn boxes(mut bytes: &[u8]) -> Vec<Any> {
    std::iter::from_fn(|| Any::decode_maybe(&mut bytes).unwrap()).collect()
}

/// A fragment and its data.
fn read(bytes: &[u8]) -> (Moof, Mdat) {
    match <[Any; 2]>::try_from(boxes(bytes)) {
        Ok([Any::Moof(head), Any::Mdat(data)]) => (head, data),
        other => panic!("{other:?}"),
    }
}

fn movie(variant: Variant) -> Moov {
    match <[Any; 2]>::try_from(boxes(&variant.initialization_of(FMP4))) {
        Ok([Any::Ftyp(file), Any::Moov(movie)]) => {
            assert!(file.compatible_brands.contains(&FourCC::new(b"iso6")));
            movie
        }
        other => panic!("{other:?}"),
    }
}

/// The samples of a track, cut from the fragment as a reader would.
fn samples<'a>(fragment: &'a [u8], track: &Traf) -> Vec<&'a [u8]> {
    assert!(track.tfhd.default_base_is_moof);
    let [run] = &track.trun[..] else { panic!("{track:?}") };
    let mut at = run.data_offset.unwrap() as usize;
    let sizes = run.samples.iter().map(|s| s.size.or(track.tfhd.default_sample_size).unwrap());
    let cut = sizes.map(|size| {
        at += size as usize;
        &fragment[at - size as usize..at]
    });
    cut.collect()
}

/// When a track starts, how many samples it has and how long each lasts.
fn course(track: &Traf) -> (u64, u64, u64) {
    let begin = track.tfdt.as_ref().unwrap().base_media_decode_time;
    let count = track.trun[0].samples.len() as u64;
    (begin, count, track.tfhd.default_sample_duration.unwrap().into())
}

/// Types of the NAL units of a sample.
fn nal_types(mut sample: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let Some((length, rest)) = sample.split_first_chunk() {
        let (unit, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        types.push(unit[0] & 0x1F);
        sample = rest;
    }
    types
}

#[test]
fn sizes_match_the_bitrate() {
    for bitrate in [BITRATE_MIN, 200_000, 600_000, 1_500_000, 5_000_000, BITRATE_MAX] {
        for millis in [1_000, 1_500, 2_000, 6_006, 10_000] {
            let variant = variant(bitrate, millis);
            let fragment = variant.fragment(TODAY);
            assert_eq!(fragment.len() as u64, bitrate * millis / 8_000);
            assert_eq!(fragment.len() as u64, variant.segment_bytes(FMP4));
            let (head, data) = read(&fragment);
            let all = head.traf.iter().flat_map(|track| samples(&fragment, track));
            let spare = data.data.len() - all.map(<[u8]>::len).sum::<usize>();
            assert!(spare <= 1, "{spare} bytes of {bitrate} bit/s belong to no sample");
        }
    }
}

#[test]
fn states_encrypted_sizes() {
    let variant = variant(200_000, 2_000);
    for form in Form::all() {
        let segment = variant.segment_of(form, TODAY, TODAY);
        assert_eq!(segment.len() as u64, variant.segment_bytes(form), "{form:?}");
    }
}

#[test]
fn initialization_section_describes_both_tracks() {
    for bitrate in [200_000, 600_000, 1_500_000, 5_000_000, 10_000_000] {
        let variant = variant(bitrate, 2_000);
        let movie = movie(variant);
        let tracks: Vec<u32> = movie.trak.iter().map(|track| track.tkhd.track_id).collect();
        let extended = movie.mvex.unwrap().trex;
        assert_eq!(tracks, extended.iter().map(|track| track.track_id).collect::<Vec<_>>());
        let [video, audio] = &movie.trak[..] else { panic!("{tracks:?}") };

        let [Codec::Avc1(entry)] = &video.mdia.minf.stbl.stsd.codecs[..] else { panic!() };
        let (width, height) = variant.resolution();
        let shown = (u32::from(entry.visual.width), u32::from(entry.visual.height));
        assert_eq!(shown, (width, height));
        let [sequence] = &entry.avcc.sequence_parameter_sets[..] else { panic!() };
        assert_eq!(sequence[0] & 0x1F, 7);
        let profile = [
            entry.avcc.avc_profile_indication,
            entry.avcc.profile_compatibility,
            entry.avcc.avc_level_indication,
        ];
        assert_eq!(sequence[1..4], profile);
        assert_eq!(entry.avcc.picture_parameter_sets[0][0] & 0x1F, 8);
        assert_eq!(video.mdia.mdhd.timescale, 90_000);

        let [Codec::Mp4a(entry)] = &audio.mdia.minf.stbl.stsd.codecs[..] else { panic!() };
        let specific = entry.esds.es_desc.dec_config.dec_specific.as_ref().unwrap();
        // AAC-LC, 48 kHz, two channels.
        assert_eq!((specific.profile, specific.freq_index, specific.chan_conf), (2, 3, 2));
        assert_eq!(audio.mdia.mdhd.timescale, 48_000);
    }
}

#[test]
fn fragment_starts_with_a_key_picture_without_filler() {
    let fragment = variant(600_000, 2_000).fragment(TODAY);
    let (head, _) = read(&fragment);
    let [video, audio] = &head.traf[..] else { panic!("{head:?}") };
    let pictures = samples(&fragment, video);
    // SEI before a slice, of an IDR picture first (H.264 table 7-1).
    assert_eq!(nal_types(pictures[0]), [6, 5]);
    assert!(pictures[1..].iter().all(|picture| nal_types(picture) == [6, 1]));
    // sample_depends_on and sample_is_non_sync_sample (ISO/IEC 14496-12 §8.8.3.1): the
    // first sample has its own flags, the others use the default.
    let own: Vec<Option<u32>> = video.trun[0].samples.iter().map(|s| s.flags).collect();
    assert_eq!(own[0], Some(2 << 24));
    assert!(own[1..].iter().all(Option::is_none));
    assert_eq!(video.tfhd.default_sample_flags, Some(1 << 24 | 1 << 16));
    let sounds = samples(&fragment, audio);
    assert!(sounds.iter().all(|sound| *sound == sound::silent_block(SOUND_BLOCK_BYTES)));
}

#[test]
fn times_follow_the_programme() {
    for (index, millis) in [(TODAY, 2_000), (7, 1_500), (0, 2_000)] {
        let variant = variant(200_000, millis);
        let (head, _) = read(&variant.fragment(index));
        let span = variant.span(index);
        let (begin, pictures, ticks) = course(&head.traf[0]);
        assert_eq!(u128::from(begin), span.start.as_nanos() * 90_000 / 1_000_000_000);
        assert_eq!(u128::from(pictures * ticks), (span.end - span.start).as_nanos() * 9 / 100_000);
    }
}

#[test]
fn maximum_index_has_a_fragment() {
    let variant = variant(BITRATE_MAX, 10_000);
    assert_eq!(variant.fragment(u64::MAX).len() as u64, variant.segment_bytes(FMP4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Each track continues where the previous fragment ended.
    #[test]
    fn separately_made_fragments_fit_together(
        bitrate in BITRATE_MIN..3_000_000,
        millis in 1_000u64..4_000,
        first in prop_oneof![0..100u64, TODAY - 9..TODAY + 9],
    ) {
        let variant = variant(bitrate, millis);
        let heads = [first, first + 1, first + 2].map(|n| read(&variant.fragment(n)).0);
        for pair in heads.windows(2) {
            prop_assert_eq!(pair[0].mfhd.sequence_number + 1, pair[1].mfhd.sequence_number);
            for (before, after) in pair[0].traf.iter().zip(&pair[1].traf) {
                let (begin, count, ticks) = course(before);
                prop_assert_eq!(begin + count * ticks, course(after).0);
            }
        }
    }
}
