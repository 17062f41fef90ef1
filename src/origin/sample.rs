//! H.264 pictures as samples of MP4: NAL units with their lengths, padded to any size.
//!
//! Annex B streams are padded with filler data, which a file must not have (ISO/IEC
//! 14496-15 §5.3.2), so samples are padded with an SEI message, which decoders ignore.
//! Knows neither boxes nor time.

/// Bytes of the length before a NAL unit, as `avcC` states.
pub(super) const LENGTH_BYTES: usize = 4;

/// Bytes of padding with an empty message: length, header, type and size of the
/// message, the UUID, the stop bit.
const STUFFING_MIN: usize = LENGTH_BYTES + 3 + UUID.len() + 1;

/// `nal_unit_type` of supplemental enhancement information (H.264 table 7-1).
const NAL_SEI: u8 = 6;

/// `payloadType` of `user_data_unregistered` (H.264 §D.1).
const USER_DATA: u8 = 5;

/// Identifies the owner of the user data; it has no zero byte, so emulation prevention
/// is never needed.
const UUID: &[u8; 16] = b"ffmpeg-hls-swarm";

/// Smallest size of the sample of a slice, in bytes.
pub(super) const fn bytes_for(slice: &[u8]) -> usize {
    STUFFING_MIN + LENGTH_BYTES + slice.len()
}

/// The sample of a slice in `bytes` bytes, or in one less if no size field fits; never
/// less than [`bytes_for`] returns.
pub(super) fn sample(slice: &[u8], bytes: usize) -> Vec<u8> {
    let spare = bytes.saturating_sub(bytes_for(slice));
    // A message of n bytes costs another byte for each 255 of them (§7.3.2.3.1).
    let room = UUID.len() + spare;
    let payload = room - (room + 1) / 256;
    let mut message = Vec::with_capacity(bytes);
    message.extend([NAL_SEI, USER_DATA]);
    message.resize(message.len() + payload / 255, 0xFF);
    message.push((payload % 255) as u8);
    message.extend(UUID);
    message.resize(message.len() + payload - UUID.len(), 0xFF);
    message.push(0x80);

    let mut sample = Vec::with_capacity(bytes);
    for unit in [&message, slice] {
        sample.extend((unit.len() as u32).to_be_bytes());
        sample.extend(unit);
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The NAL units of a sample.
    fn units(mut sample: &[u8]) -> Vec<&[u8]> {
        let mut units = Vec::new();
        while let Some((length, rest)) = sample.split_first_chunk() {
            let (unit, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
            units.push(unit);
            sample = rest;
        }
        units
    }

    /// The payload size that the message states, and the bytes of that size field.
    fn stated_size(message: &[u8]) -> (usize, usize) {
        let whole = message[2..].iter().take_while(|byte| **byte == 0xFF).count();
        (255 * whole + usize::from(message[2 + whole]), whole + 1)
    }

    #[test]
    fn sample_has_the_requested_size_or_a_byte_less() {
        let slice = [0x41, 1, 2, 3];
        let least = bytes_for(&slice);
        let mut short = 0;
        for bytes in least..least + 2_000 {
            let sample = sample(&slice, bytes);
            short += bytes - sample.len();
            assert!(bytes - sample.len() <= 1, "{bytes}");
            let [message, after] = units(&sample)[..] else { panic!("{bytes}") };
            assert_eq!(after, slice);
            let (payload, size_bytes) = stated_size(message);
            assert_eq!(2 + size_bytes + payload + 1, message.len());
            assert_eq!(message[2 + size_bytes..][..16], *UUID);
        }
        assert_eq!(short, 7, "one in 256");
        assert_eq!(sample(&slice, 0).len(), least);
    }
}
