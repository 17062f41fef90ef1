//! MPEG-TS packets of one programme: tables, one video and one audio stream.
//!
//! Knows neither the clock nor what the streams mean. Sections and tables are those of
//! ISO/IEC 13818-1. Written by hand because the crate `mpeg2ts`, which reads it back in
//! the tests, leaves the reserved bits of a PCR at 0, cannot set the alignment flag of
//! a PES packet, and returns an error type from steps that cannot fail here.

/// Bytes of a packet (§2.4.3.2).
pub(super) const PACKET_BYTES: usize = 188;

/// Packets of the tables at the start of a segment, one a table.
pub(super) const TABLE_PACKETS: u64 = 2;

/// Bytes of an audio frame that fills one packet with its headers.
pub(super) const SOUND_BYTES: usize = PAYLOAD_BYTES - PES_HEADER_BYTES;

/// Bytes of a packet after its header.
const PAYLOAD_BYTES: usize = PACKET_BYTES - 4;

/// Bytes of a PES header with a PTS (§2.4.3.6).
const PES_HEADER_BYTES: usize = 14;

/// Bytes of an adaptation field with a PCR (§2.4.3.4).
const PCR_FIELD_BYTES: usize = 8;

/// Bytes of an access unit that fit into its first packet.
const FIRST_UNIT_BYTES: usize = PAYLOAD_BYTES - PCR_FIELD_BYTES - PES_HEADER_BYTES;

const PAT_PID: u16 = 0;
const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;

/// Stream types of table 2-34: H.264, and AAC in ADTS.
const VIDEO_TYPE: u8 = 0x1B;
const AUDIO_TYPE: u8 = 0x0F;

/// Stream ids of table 2-22: the first video and the first audio stream.
const VIDEO_ID: u8 = 0xE0;
const AUDIO_ID: u8 = 0xC0;

/// Packets of each PID before the first one written here; the continuity counters
/// continue from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sent {
    /// Packets of each table.
    pub(super) tables: u128,
    /// Packets of the video stream.
    pub(super) video: u128,
    /// Packets of the audio stream.
    pub(super) audio: u128,
}

/// How many packets an access unit of `bytes` bytes needs.
pub(super) const fn packets_for(bytes: usize) -> usize {
    1 + bytes.saturating_sub(FIRST_UNIT_BYTES).div_ceil(PAYLOAD_BYTES)
}

/// How many bytes of an access unit fill `packets` packets.
pub(super) const fn bytes_in(packets: usize) -> usize {
    FIRST_UNIT_BYTES + packets.saturating_sub(1) * PAYLOAD_BYTES
}

/// Packets in the order in which they are written.
#[derive(Debug)]
pub(super) struct Multiplex {
    bytes: Vec<u8>,
    sent: Sent,
}

impl Multiplex {
    /// An empty multiplex with capacity for `packets`, after those `sent` earlier.
    pub(super) fn new(packets: usize, sent: Sent) -> Self {
        Self { bytes: Vec::with_capacity(packets * PACKET_BYTES), sent }
    }

    /// Packets written so far.
    pub(super) fn packets(&self) -> usize {
        self.bytes.len() / PACKET_BYTES
    }

    /// The packets.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes the programme association and the programme map (§2.4.4).
    pub(super) fn tables(&mut self) {
        let [map_high, map_low] = PMT_PID.to_be_bytes();
        let association = [0, 1, 0xE0 | map_high, map_low];
        self.table(PAT_PID, 0, &association);
        let [video_high, video_low] = VIDEO_PID.to_be_bytes();
        let [audio_high, audio_low] = AUDIO_PID.to_be_bytes();
        let clock = [0xE0 | video_high, video_low, 0xF0, 0];
        let video = [VIDEO_TYPE, 0xE0 | video_high, video_low, 0xF0, 0];
        let audio = [AUDIO_TYPE, 0xE0 | audio_high, audio_low, 0xF0, 0];
        self.table(PMT_PID, 2, &[&clock[..], &video, &audio].concat());
        self.sent.tables += 1;
    }

    /// Writes a section that fits into one packet, for stream or programme 1.
    fn table(&mut self, pid: u16, table_id: u8, body: &[u8]) {
        // Five bytes of header and four of checksum are included.
        let length = (body.len() + 9) as u8;
        let mut section = vec![table_id, 0xB0, length, 0, 1, 0xC1, 0, 0];
        section.extend(body);
        section.extend(checksum(&section).to_be_bytes());
        self.header(pid, true, false, self.sent.tables);
        self.bytes.push(0); // pointer_field
        self.bytes.extend(&section);
        self.bytes.resize(self.bytes.len().next_multiple_of(PACKET_BYTES), 0xFF);
    }

    /// Writes an access unit of video that fills whole packets, see [`bytes_in`]; `pcr`
    /// is in ticks of 27 MHz, `pts` in ticks of 90 kHz, and both are wrapped here.
    pub(super) fn picture(&mut self, pcr: u128, pts: u128, key: bool, unit: &[u8]) {
        let (first, rest) = unit.split_at_checked(FIRST_UNIT_BYTES).unwrap_or((unit, &[]));
        self.header(VIDEO_PID, true, true, self.sent.video);
        let random_access = if key { 0x40 } else { 0 };
        self.bytes.extend([PCR_FIELD_BYTES as u8 - 1, 0x10 | random_access]);
        self.bytes.extend(clock_reference(pcr));
        self.elementary_header(VIDEO_ID, 0, pts);
        self.bytes.extend(first);
        self.sent.video += 1;
        for payload in rest.chunks(PAYLOAD_BYTES) {
            self.header(VIDEO_PID, false, false, self.sent.video);
            self.bytes.extend(payload);
            self.sent.video += 1;
        }
    }

    /// Writes an audio frame of [`SOUND_BYTES`] bytes; `pts` is in ticks of 90 kHz.
    pub(super) fn sound(&mut self, pts: u128, frame: &[u8]) {
        self.header(AUDIO_PID, true, false, self.sent.audio);
        // PES_packet_length excludes the first six bytes of the header.
        let length = (PES_HEADER_BYTES - 6 + frame.len()) as u16;
        self.elementary_header(AUDIO_ID, length, pts);
        self.bytes.extend(frame);
        self.sent.audio += 1;
    }

    /// A packet header (§2.4.3.2); the packet has a payload.
    fn header(&mut self, pid: u16, starts_unit: bool, adaptation: bool, sent: u128) {
        let [pid_high, pid_low] = pid.to_be_bytes();
        let start = if starts_unit { 0x40 } else { 0 };
        let control = if adaptation { 0x30 } else { 0x10 };
        self.bytes.extend([0x47, start | pid_high, pid_low, control | (sent % 16) as u8]);
    }

    /// A PES header (§2.4.3.6); `length` 0 is unbounded, which video may use.
    fn elementary_header(&mut self, stream_id: u8, length: u16, pts: u128) {
        let [length_high, length_low] = length.to_be_bytes();
        self.bytes.extend([0, 0, 1, stream_id, length_high, length_low]);
        // Data start with an access unit; a PTS of five bytes follows.
        self.bytes.extend([0x84, 0x80, 5]);
        self.bytes.extend(timestamp(pts));
    }
}

/// A PTS without a DTS: 33 bits, between marker bits.
fn timestamp(ticks: u128) -> [u8; 5] {
    [
        0x21 | ((ticks >> 29) & 0x0E) as u8,
        (ticks >> 22) as u8,
        0x01 | (ticks >> 14) as u8,
        (ticks >> 7) as u8,
        0x01 | (ticks << 1) as u8,
    ]
}

/// A PCR: 33 bits of 90 kHz, six reserved bits, nine bits of 27 MHz (§2.4.3.5).
fn clock_reference(ticks: u128) -> [u8; 6] {
    let base = ticks / 300;
    let extension = ticks % 300;
    [
        (base >> 25) as u8,
        (base >> 17) as u8,
        (base >> 9) as u8,
        (base >> 1) as u8,
        (base << 7) as u8 | 0x7E | (extension >> 8) as u8,
        extension as u8,
    ]
}

/// The CRC of a section (annex A).
fn checksum(section: &[u8]) -> u32 {
    section.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << 24), |crc, _bit| {
            let carry = if crc >> 31 == 1 { 0x04C1_1DB7 } else { 0 };
            (crc << 1) ^ carry
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksum_matches_crc_32_mpeg_2() {
        // The check value of CRC-32/MPEG-2.
        assert_eq!(checksum(b"123456789"), 0x0376_E6E7);
    }

    #[test]
    fn unit_fills_its_packets() {
        for packets in 1..50 {
            assert_eq!(packets_for(bytes_in(packets)), packets);
            assert_eq!(packets_for(bytes_in(packets) + 1), packets + 1);
        }
        assert_eq!(packets_for(0), 1);
    }

    #[test]
    fn timestamps_wrap_at_33_bits() {
        assert_eq!(timestamp((1 << 33) - 1), [0x2F, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(timestamp(1 << 33), timestamp(0));
        assert_eq!(timestamp(0), [0x21, 0, 1, 0, 1]);
        assert_eq!(clock_reference((1 << 33) * 300 + 299), clock_reference(299));
        assert_eq!(clock_reference(299), [0, 0, 0, 0, 0x7F, 0x2B]);
    }
}
