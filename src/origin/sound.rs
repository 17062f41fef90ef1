//! AAC-LC silence: one frame, always the same, with or without an ADTS header.
//!
//! Knows no time and no container. ISO/IEC 14496-3: ADTS in §1.A.2.2, the raw
//! data block in §4.4.2.

use super::bits::BitWriter;

/// Samples of one frame, per channel.
pub(super) const FRAME_SAMPLES: u64 = 1024;

/// Samples a second, per channel.
pub(super) const SAMPLE_RATE: u64 = 48_000;

/// The codec as `CODECS` names it (RFC 6381): MPEG-4 audio, AAC-LC.
pub(super) const CODEC: &str = "mp4a.40.2";

/// `AudioSpecificConfig` (§1.6.2.1): AAC-LC, 48 kHz, two channels.
pub(super) const CONFIG: [u8; 2] = [0x11, 0x90];

/// Bytes of the ADTS header without a CRC.
pub(super) const HEADER_BYTES: usize = 7;

/// `sampling_frequency_index` of 48 kHz.
const FREQUENCY_INDEX: u32 = 3;

/// A silent stereo frame of exactly `bytes` bytes, padded by a fill element.
///
/// `bytes` is at least 34 and at most 290, the limit of one fill element with its long
/// count.
#[must_use]
pub(super) fn silent_frame(bytes: usize) -> Vec<u8> {
    let mut frame = header(bytes);
    frame.extend(silent_block(bytes.saturating_sub(HEADER_BYTES)));
    frame
}

/// The raw data block of such a frame, of exactly `bytes` bytes from 27 to 283.
#[must_use]
pub(super) fn silent_block(bytes: usize) -> Vec<u8> {
    let mut block = BitWriter::default();
    channel_pair(&mut block);
    // The fill element costs 3 + 4 + 8 bits before its bytes, the end 3 bits.
    let used_bits = CHANNEL_PAIR_BITS + 15 + 3;
    fill(&mut block, (bytes * 8).saturating_sub(used_bits) / 8);
    block.put(7, 3); // ID_END
    block.aligned()
}

fn header(bytes: usize) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(0xFFF, 12); // syncword
    bits.put(0, 1); // MPEG-4
    bits.put(0, 2); // layer
    bits.put(1, 1); // no CRC
    bits.put(1, 2); // audio object type 2, less one: AAC-LC
    bits.put(FREQUENCY_INDEX, 4);
    bits.put(0, 1); // private
    bits.put(2, 3); // two channels
    bits.put(0, 4); // original, home, and the two copyright bits
    bits.put(bytes as u32, 13);
    bits.put(0x7FF, 11); // buffer fullness is not stated
    bits.put(0, 2); // one raw data block
    bits.aligned()
}

/// Bits written by [`channel_pair`].
const CHANNEL_PAIR_BITS: usize = 43;

/// A channel pair element without one scale factor band, so without a spectrum.
fn channel_pair(bits: &mut BitWriter) {
    bits.put(1, 3); // ID_CPE
    bits.put(0, 4); // instance tag
    bits.put(1, 1); // common window
    bits.put(0, 1 + 2 + 1); // reserved, only long sequence, sine window
    bits.put(0, 6); // max_sfb
    bits.put(0, 1); // no predictor data
    bits.put(0, 2); // no mid-side mask
    for _channel in 0..2 {
        bits.put(0, 8); // global gain
        bits.put(0, 3); // no pulse data, no noise shaping, no gain control
    }
}

/// A fill element of `count` bytes, 15 to 269, with the contents that the standard
/// requires.
fn fill(bits: &mut BitWriter, count: usize) {
    bits.put(6, 3); // ID_FIL
    bits.put(15, 4); // the count continues in the next 8 bits
    bits.put(count.saturating_sub(14) as u32, 8);
    bits.put(1, 4); // EXT_FILL_DATA
    bits.put(0, 4); // fill_nibble
    for _byte in 1..count {
        bits.put(0xA5, 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_has_and_states_the_requested_length() {
        for bytes in [34, 100, 169, 170, 171, 290] {
            let frame = silent_frame(bytes);
            assert_eq!(frame.len(), bytes);
            assert_eq!(frame[..2], [0xFF, 0xF1]);
            let stated = usize::from(frame[3] & 3) << 11
                | usize::from(frame[4]) << 3
                | usize::from(frame[5] >> 5);
            assert_eq!(stated, bytes);
        }
    }

    #[test]
    fn channel_pair_has_the_length_of_its_constant() {
        let mut bits = BitWriter::default();
        channel_pair(&mut bits);
        bits.put(0xFF, 8 - CHANNEL_PAIR_BITS as u32 % 8);
        let bytes = bits.aligned();
        assert_eq!(bytes.len(), CHANNEL_PAIR_BITS.div_ceil(8));
        assert_eq!(bytes[5] & 0x1F, 0x1F);
    }
}
