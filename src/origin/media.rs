//! Synthetic media: the segments of one variant, each a function of its index.
//!
//! The stream is one endless programme that began at the Unix epoch: 25 pictures a
//! second and AAC frames of 1024 samples, both counted from the epoch, every access
//! unit in the segment that contains its presentation time. So timestamps and
//! continuity counters follow from the index, and segments generated separately fit
//! together. Every segment of a variant has the same number of packets; filler data in
//! the video takes the bytes that pictures and sound do not need.
//!
//! Knows no clock: the index is an argument.

use std::ops::Range;
use std::time::Duration;

use super::encryption;
use super::form::{Container, Form};
use super::fragment::{self, Contents};
use super::picture::{self, FRAME_RATE, Geometry};
use super::sample;
use super::sound;
use super::transport::{self, Multiplex, PACKET_BYTES, SOUND_BYTES, Sent, TABLE_PACKETS};

/// Lowest total bit rate in bit/s: the sound and the smallest pictures need 120 kbit/s
/// with their headers.
pub const BITRATE_MIN: u64 = 150_000;

/// Highest total bit rate in bit/s: the limit of H.264 level 4.1 (table A-1).
pub const BITRATE_MAX: u64 = 50_000_000;

/// Shortest segment: a target duration has whole seconds (RFC 8216 §4.3.3.1).
pub const SEGMENT_MIN: Duration = Duration::from_secs(1);

/// Longest segment: a longer one only costs memory.
pub const SEGMENT_MAX: Duration = Duration::from_secs(10);

/// Ticks of 90 kHz from one picture to the next.
const PICTURE_TICKS: u128 = 90_000 / FRAME_RATE as u128;

/// Ticks of 90 kHz from one AAC frame to the next: 1024 samples of 48 kHz.
const SOUND_TICKS: u128 = (90_000 * sound::FRAME_SAMPLES / sound::SAMPLE_RATE) as u128;

/// Bytes of an AAC frame without the ADTS header of MPEG-TS.
const SOUND_BLOCK_BYTES: usize = SOUND_BYTES - sound::HEADER_BYTES;

/// Ticks of 90 kHz from the time at which an access unit is sent to its presentation:
/// half a second. The largest key picture needs less than half of it, and T-STD allows
/// a second (ISO/IEC 13818-1 §2.4.2.7).
const DELAY_TICKS: u128 = 45_000;

/// The lowest bit rate for each picture size, largest first, with the level that the
/// size needs at 25 pictures a second (H.264 table A-1).
const LADDER: [(u64, Geometry); 5] = [
    (6_000_000, Geometry { width: 1920, height: 1080, level_idc: 41 }),
    (3_000_000, Geometry { width: 1280, height: 720, level_idc: 31 }),
    (1_000_000, Geometry { width: 960, height: 540, level_idc: 31 }),
    (400_000, Geometry { width: 640, height: 360, level_idc: 30 }),
    (0, Geometry { width: 320, height: 180, level_idc: 13 }),
];

/// One variant: the bit rate determines the picture size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    bitrate: u64,
    segment_nanos: u128,
    geometry: Geometry,
}

impl Variant {
    /// A variant of `bitrate` bit/s in segments of `segment_duration`.
    ///
    /// Values outside [`BITRATE_MIN`] to [`BITRATE_MAX`] and [`SEGMENT_MIN`] to
    /// [`SEGMENT_MAX`] are clamped.
    #[must_use]
    pub fn new(bitrate: u64, segment_duration: Duration) -> Self {
        let bitrate = bitrate.clamp(BITRATE_MIN, BITRATE_MAX);
        let segment_duration = segment_duration.clamp(SEGMENT_MIN, SEGMENT_MAX);
        let [.., (_, smallest)] = LADDER;
        let geometry = LADDER.iter().find(|(least, _)| bitrate >= *least);
        let geometry = geometry.map_or(smallest, |(_, geometry)| *geometry);
        Self { bitrate, segment_nanos: segment_duration.as_nanos(), geometry }
    }

    /// Total bit rate in bit/s.
    #[must_use]
    pub const fn bitrate(&self) -> u64 {
        self.bitrate
    }

    /// Width and height of the pictures in pixels.
    #[must_use]
    pub const fn resolution(&self) -> (u32, u32) {
        (self.geometry.width, self.geometry.height)
    }

    /// The codecs, as in the attribute `CODECS` (RFC 8216 §4.3.4.2).
    #[must_use]
    pub fn codecs(&self) -> String {
        format!("{},{}", self.geometry.codec(), sound::CODEC)
    }

    /// Average bit rate of the segments of a form, in bit/s: at most
    /// [`Variant::bitrate`], and less than one packet a segment below it; padding adds
    /// up to a block to encrypted ones.
    #[must_use]
    pub fn average_bitrate(&self, form: Form) -> u64 {
        let bits = u128::from(self.segment_bytes(form)) * 8;
        (bits * 1_000_000_000 / self.segment_nanos) as u64
    }

    /// Duration of the longest segment; a multiple of 40 ms.
    #[must_use]
    pub fn longest_segment(&self) -> Duration {
        picture_time((self.segment_nanos * 9).div_ceil(100_000 * PICTURE_TICKS))
    }

    /// Duration of the shortest segment; a multiple of 40 ms.
    #[must_use]
    pub fn shortest_segment(&self) -> Duration {
        picture_time(self.segment_nanos * 9 / (100_000 * PICTURE_TICKS))
    }

    /// Bytes of every segment of a form.
    #[must_use]
    pub fn segment_bytes(&self, form: Form) -> u64 {
        let plain = match form.container {
            Container::Ts => self.packets() * PACKET_BYTES as u64,
            Container::Fmp4 => (self.segment_bits() / 8) as u64,
        };
        if form.encrypted { encryption::encrypted_bytes(plain) } else { plain }
    }

    /// When the first picture of segment `index` is shown, since the Unix epoch, and
    /// when its last one ends.
    ///
    /// Both are multiples of 40 ms. Saturates at 584 million years.
    #[must_use]
    pub fn span(&self, index: u64) -> Range<Duration> {
        let pictures = self.pictures(index.into());
        picture_time(pictures.start)..picture_time(pictures.end)
    }

    /// Segment `index` in a form, with the media of segment `media`, which is another
    /// one where media time has jumped.
    #[must_use]
    pub fn segment_of(&self, form: Form, index: u64, media: u64) -> Vec<u8> {
        let plain = match form.container {
            Container::Ts => self.segment(media),
            Container::Fmp4 => self.fragment(media),
        };
        if form.encrypted { encryption::encrypt(form.container, index, &plain) } else { plain }
    }

    /// Segment `index`, as MPEG-TS.
    #[must_use]
    pub fn segment(&self, index: u64) -> Vec<u8> {
        let turn = index;
        let index = u128::from(index);
        let mut sounds = self.sounds(index).peekable();
        let silence = sound::silent_frame(SOUND_BYTES);
        let mut stream = Multiplex::new(self.packets() as usize, self.sent(index));
        stream.tables();
        let mut shares = self.shares(index);
        for (number, picture) in (0..).zip(self.pictures(index)) {
            let due = picture * PICTURE_TICKS;
            while let Some(sound) = sounds.next_if(|sound| sound * SOUND_TICKS < due) {
                stream.sound(sound * SOUND_TICKS + DELAY_TICKS, &silence);
            }
            let mut unit = self.unit(turn, number);
            let share = shares.next(transport::packets_for(unit.len()));
            picture::fill(&mut unit, transport::bytes_in(share));
            let pcr = self.clock(index, stream.packets());
            stream.picture(pcr, due + DELAY_TICKS, number == 0, &unit);
        }
        for sound in sounds {
            stream.sound(sound * SOUND_TICKS + DELAY_TICKS, &silence);
        }
        stream.into_bytes()
    }

    /// Segment `index` as a fragment of fMP4. Its times count from the Unix epoch,
    /// without the delay of MPEG-TS.
    #[must_use]
    pub fn fragment(&self, index: u64) -> Vec<u8> {
        let bytes = (self.segment_bits() / 8) as usize;
        let (pictures, sounds) = (self.pictures(index.into()), self.sounds(index.into()));
        let count = (pictures.end - pictures.start) as usize;
        let silence = sound::silent_block(SOUND_BLOCK_BYTES);
        let sounds_count = (sounds.end - sounds.start) as usize;
        let used = fragment::overhead(count) + sounds_count * silence.len();
        let mut shares = Shares { room: bytes.saturating_sub(used), pictures: count };
        let mut samples = Vec::with_capacity(count);
        for number in 0..count {
            let slice = self.slice(index, number as u32);
            let share = shares.next(sample::bytes_for(&slice));
            let sample = sample::sample(&slice, share);
            shares.put_back(share.saturating_sub(sample.len()));
            samples.push(sample);
        }
        let contents = Contents {
            sequence: index as u32,
            video_time: (pictures.start * PICTURE_TICKS) as u64,
            picture_ticks: PICTURE_TICKS as u32,
            pictures: &samples,
            audio_time: (sounds.start * u128::from(sound::FRAME_SAMPLES)) as u64,
            sound: &silence,
            sounds: sounds_count,
        };
        fragment::fragment(&contents, bytes)
    }

    /// The initialization section in a form of fMP4.
    #[must_use]
    pub fn initialization_of(&self, form: Form) -> Vec<u8> {
        let plain = fragment::initialization(self.geometry);
        if form.encrypted { encryption::encrypt(form.container, 0, &plain) } else { plain }
    }

    /// The slice of picture `number` of a segment.
    fn slice(&self, turn: u64, number: u32) -> Vec<u8> {
        if number == 0 {
            picture::key_slice(self.geometry, turn, (turn % 2) as u32)
        } else {
            picture::repeated_slice(self.geometry, number)
        }
    }

    /// The access unit of picture `number` of a segment, without filler.
    fn unit(&self, turn: u64, number: u32) -> Vec<u8> {
        if number == 0 {
            picture::key_picture(self.geometry, turn, (turn % 2) as u32)
        } else {
            picture::repeated_picture(self.geometry, number)
        }
    }

    /// Packets of every segment: as many as the bit rate allows.
    fn packets(&self) -> u64 {
        (self.segment_bits() / (8 * PACKET_BYTES as u128)) as u64
    }

    /// Bits of a segment at the requested bit rate.
    fn segment_bits(&self) -> u128 {
        u128::from(self.bitrate) * self.segment_nanos / 1_000_000_000
    }

    /// Packets before segment `index`, by PID.
    fn sent(&self, index: u128) -> Sent {
        let all = u128::from(self.packets()) * index;
        let audio = self.sounds(index).start;
        let video = all - u128::from(TABLE_PACKETS) * index - audio;
        Sent { tables: index, video, audio }
    }

    /// Divides the packets that are left for video among the pictures.
    fn shares(&self, index: u128) -> Shares {
        let video = self.sent(index + 1).video - self.sent(index).video;
        let pictures = self.pictures(index);
        Shares { room: video as usize, pictures: (pictures.end - pictures.start) as usize }
    }

    /// The programme clock at packet `place` of segment `index`, in ticks of 27 MHz:
    /// packets are spread evenly over the segment.
    fn clock(&self, index: u128, place: usize) -> u128 {
        let packets = u128::from(self.packets());
        let since_epoch = index * packets + place as u128;
        since_epoch * self.segment_nanos * 27 / (1_000 * packets)
    }

    /// The pictures of segment `index`, counted since the Unix epoch.
    fn pictures(&self, index: u128) -> Range<u128> {
        self.units(index, PICTURE_TICKS)
    }

    /// The AAC frames of segment `index`, counted since the Unix epoch.
    fn sounds(&self, index: u128) -> Range<u128> {
        self.units(index, SOUND_TICKS)
    }

    /// The units of `ticks` ticks of 90 kHz that start within segment `index`.
    fn units(&self, index: u128, ticks: u128) -> Range<u128> {
        // A tick is 100,000/9 ns.
        let first = |index: u128| (index * self.segment_nanos * 9).div_ceil(100_000 * ticks);
        first(index)..first(index + 1)
    }
}

/// When a picture is shown, since the Unix epoch.
fn picture_time(picture: u128) -> Duration {
    let millis = picture * 1_000 / u128::from(FRAME_RATE);
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

/// Packets or bytes left to divide, and pictures that have no share yet.
#[derive(Debug)]
struct Shares {
    room: usize,
    pictures: usize,
}

impl Shares {
    /// The share of the next picture: its part of the rest, but at least what it needs;
    /// the last picture gets all that is left.
    fn next(&mut self, needed: usize) -> usize {
        let share = (self.room / self.pictures.max(1)).max(needed);
        self.room = self.room.saturating_sub(share);
        self.pictures = self.pictures.saturating_sub(1);
        share
    }

    /// Returns what the last picture did not use.
    fn put_back(&mut self, room: usize) {
        self.room += room;
    }
}

#[cfg(test)]
mod fragments;
#[cfg(test)]
mod tests;
