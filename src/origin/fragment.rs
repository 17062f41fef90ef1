//! fMP4: an initialization section, and one fragment a segment.
//!
//! Two tracks, muxed: all pictures of a fragment, then all its sound, as in FFmpeg's
//! muxer. Boxes are those of ISO/IEC 14496-12, sample entries those of 14496-14 and
//! -15. Knows neither the clock nor what the samples mean.

use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor};
use mp4_atom::{
    Audio, Avc1, Avcc, Codec, Dinf, Dref, DrefEntry, Encode, Esds, FourCC, Ftyp, Hdlr, Mdhd, Mdia,
    Mfhd, Minf, Moof, Moov, Mp4a, Mvex, Mvhd, Smhd, Stbl, Stco, Stsd, Tfdt, Tfhd, Tkhd, Traf, Trak,
    Trex, Trun, TrunEntry, TrunSamples, Url, Visual, Vmhd,
};

use super::picture::{self, Geometry};
use super::sample;
use super::sound;

/// Ticks a second of the video track.
pub(super) const VIDEO_TIMESCALE: u32 = 90_000;

/// Ticks a second of the audio track: a tick is a sample.
pub(super) const AUDIO_TIMESCALE: u32 = sound::SAMPLE_RATE as u32;

const VIDEO_TRACK: u32 = 1;
const AUDIO_TRACK: u32 = 2;

/// Flags of a sample (§8.8.3.1): one that depends on no other, and one that depends on
/// others and at which decoding cannot start.
const KEY_SAMPLE: u32 = 0x0200_0000;
const OTHER_SAMPLE: u32 = 0x0101_0000;

/// Bytes of the header of `mdat`.
const HEADER_BYTES: usize = 8;

/// `objectTypeIndication` and `streamType` of MPEG-4 audio (ISO/IEC 14496-1
/// tables 5 and 6).
const AUDIO_OBJECT: u8 = 0x40;
const AUDIO_STREAM: u8 = 5;

/// The contents of a fragment.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    /// The number of the fragment; it wraps.
    pub(super) sequence: u32,
    /// Decode time of the first picture, in ticks of [`VIDEO_TIMESCALE`].
    pub(super) video_time: u64,
    /// Duration of a picture, in the same ticks.
    pub(super) picture_ticks: u32,
    /// The pictures; the first one is a key picture.
    pub(super) pictures: &'a [Vec<u8>],
    /// Decode time of the first sound, in ticks of [`AUDIO_TIMESCALE`].
    pub(super) audio_time: u64,
    /// The audio frame, always the same.
    pub(super) sound: &'a [u8],
    /// Number of audio frames.
    pub(super) sounds: usize,
}

/// Bytes of a fragment without its samples.
pub(super) fn overhead(pictures: usize) -> usize {
    let sizes = vec![Vec::new(); pictures];
    let empty = Contents {
        sequence: 0,
        video_time: 0,
        picture_ticks: 0,
        pictures: &sizes,
        audio_time: 0,
        sound: &[],
        sounds: 0,
    };
    encoded(&head(&empty, 0)).len() + HEADER_BYTES
}

/// A fragment of `bytes` bytes; unused bytes at its end belong to no sample.
pub(super) fn fragment(contents: &Contents<'_>, bytes: usize) -> Vec<u8> {
    let samples_at = overhead(contents.pictures.len());
    let mut fragment = Vec::with_capacity(bytes);
    fragment.extend(encoded(&head(contents, samples_at)));
    let data_bytes = bytes.saturating_sub(fragment.len()) as u32;
    fragment.extend(data_bytes.to_be_bytes());
    fragment.extend(b"mdat");
    contents.pictures.iter().for_each(|picture| fragment.extend(picture));
    (0..contents.sounds).for_each(|_sound| fragment.extend(contents.sound));
    fragment.resize(bytes, 0);
    fragment
}

/// The head of a fragment whose samples start `samples_at` bytes after its own start.
fn head(contents: &Contents<'_>, samples_at: usize) -> Moof {
    let video_bytes: usize = contents.pictures.iter().map(Vec::len).sum();
    let pictures = contents.pictures.iter().enumerate().map(|(number, picture)| TrunEntry {
        size: Some(picture.len() as u32),
        flags: (number == 0).then_some(KEY_SAMPLE),
        ..TrunEntry::default()
    });
    let video = Traf {
        tfhd: Tfhd {
            track_id: VIDEO_TRACK,
            default_sample_duration: Some(contents.picture_ticks),
            default_sample_flags: Some(OTHER_SAMPLE),
            default_base_is_moof: true,
            ..Tfhd::default()
        },
        tfdt: Some(Tfdt { base_media_decode_time: contents.video_time }),
        trun: vec![run(samples_at, TrunSamples::Explicit(pictures.collect()))],
        ..Traf::default()
    };
    let sounds = TrunSamples::Inherited { count: contents.sounds as u32, first_flags: None };
    let audio = Traf {
        tfhd: Tfhd {
            track_id: AUDIO_TRACK,
            default_sample_duration: Some(sound::FRAME_SAMPLES as u32),
            default_sample_size: Some(contents.sound.len() as u32),
            default_sample_flags: Some(KEY_SAMPLE),
            default_base_is_moof: true,
            ..Tfhd::default()
        },
        tfdt: Some(Tfdt { base_media_decode_time: contents.audio_time }),
        trun: vec![run(samples_at + video_bytes, sounds)],
        ..Traf::default()
    };
    Moof { mfhd: Mfhd { sequence_number: contents.sequence }, traf: vec![video, audio] }
}

fn run(at: usize, samples: TrunSamples) -> Trun {
    Trun { data_offset: Some(at as i32), samples }
}

/// The initialization section.
pub(super) fn initialization(geometry: Geometry) -> Vec<u8> {
    // `default-base-is-moof` needs `iso5`, `tfdt` needs `iso6` (annex E).
    let brand = |name| FourCC::new(name);
    let file = Ftyp {
        major_brand: brand(b"iso6"),
        minor_version: 0,
        compatible_brands: vec![brand(b"iso6"), brand(b"mp41")],
    };
    let defaults =
        |track_id| Trex { track_id, default_sample_description_index: 1, ..Trex::default() };
    let movie = Moov {
        mvhd: Mvhd {
            timescale: 1_000,
            rate: 1.into(),
            volume: 1.into(),
            next_track_id: AUDIO_TRACK + 1,
            ..Mvhd::default()
        },
        mvex: Some(Mvex { mehd: None, trex: vec![defaults(VIDEO_TRACK), defaults(AUDIO_TRACK)] }),
        trak: vec![video_track(geometry), audio_track()],
        ..Moov::default()
    };
    [encoded(&file), encoded(&movie)].concat()
}

fn video_track(geometry: Geometry) -> Trak {
    let (width, height) = (geometry.width as u16, geometry.height as u16);
    let visual = Visual { data_reference_index: 1, width, height, ..Visual::default() };
    let avcc = configuration(geometry);
    let entry = Avc1 { visual, avcc, ..Avc1::default() };
    let header = Tkhd { width: width.into(), height: height.into(), ..Tkhd::default() };
    let media = Minf { vmhd: Some(Vmhd::default()), ..information(entry.into()) };
    track(header, VIDEO_TRACK, VIDEO_TIMESCALE, b"vide", media)
}

/// `avcC`: the parameters that a decoder needs before the first picture.
fn configuration(geometry: Geometry) -> Avcc {
    let [sequence, picture] = picture::parameter_sets(geometry);
    let [profile, constraints, level] = geometry.profile();
    Avcc {
        configuration_version: 1,
        avc_profile_indication: profile,
        profile_compatibility: constraints,
        avc_level_indication: level,
        length_size: sample::LENGTH_BYTES as u8,
        sequence_parameter_sets: vec![sequence],
        picture_parameter_sets: vec![picture],
        ext: None,
    }
}

fn audio_track() -> Trak {
    let configuration = DecoderConfig {
        object_type_indication: AUDIO_OBJECT,
        stream_type: AUDIO_STREAM,
        dec_specific: Some(DecoderSpecific {
            raw: sound::CONFIG.to_vec(),
            ..DecoderSpecific::default()
        }),
        ..DecoderConfig::default()
    };
    let es_desc = EsDescriptor { dec_config: configuration, ..EsDescriptor::default() };
    let audio = Audio {
        data_reference_index: 1,
        channel_count: 2,
        sample_size: 16,
        sample_rate: (AUDIO_TIMESCALE as u16).into(),
    };
    let entry = Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None };
    let header = Tkhd { volume: 1.into(), ..Tkhd::default() };
    let media = Minf { smhd: Some(Smhd::default()), ..information(entry.into()) };
    track(header, AUDIO_TRACK, AUDIO_TIMESCALE, b"soun", media)
}

fn track(header: Tkhd, track_id: u32, timescale: u32, handler: &[u8; 4], minf: Minf) -> Trak {
    Trak {
        tkhd: Tkhd { track_id, enabled: true, in_movie: true, ..header },
        mdia: Mdia {
            mdhd: Mdhd { timescale, language: "und".into(), ..Mdhd::default() },
            hdlr: Hdlr { handler: FourCC::new(handler), name: String::new() },
            minf,
        },
        ..Trak::default()
    }
}

/// Tables without samples, since all are in fragments; the data are in this file.
fn information(entry: Codec) -> Minf {
    let here = DrefEntry::Url(Url::default());
    Minf {
        dinf: Dinf { dref: Dref { entries: vec![here] } },
        stbl: Stbl {
            stsd: Stsd { codecs: vec![entry] },
            stco: Some(Stco::default()),
            ..Stbl::default()
        },
        ..Minf::default()
    }
}

/// A box as bytes. Encoding fails only above 4 GiB or for a value without a code; the
/// tests read back what is made here.
fn encoded(it: &impl Encode) -> Vec<u8> {
    let mut bytes = Vec::new();
    if it.encode(&mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}
