//! H.264 pictures: colour bars, and pictures that repeat them.
//!
//! Produces access units and NAL units of a constrained baseline stream, byte for byte.
//! Knows no time and no container. Sections and tables are those of ITU-T H.264.

mod parameters;
mod slices;

use self::parameters::{CONSTRAINTS, PROFILE, picture_parameters, sequence_parameters};
use self::slices::{bars, skipped};
use super::bits::BitWriter;

/// Pictures a second.
pub(super) const FRAME_RATE: u64 = 25;

/// `nal_unit_type` (table 7-1) with `nal_ref_idc` 3 for units that others refer to.
const NAL_PICTURE: u8 = 0x61;
const NAL_IDR_PICTURE: u8 = 0x65;
const NAL_SPS: u8 = 0x67;
const NAL_PPS: u8 = 0x68;
const NAL_DELIMITER: u8 = 0x09;
const NAL_FILLER: u8 = 0x0C;

/// Bits of `frame_num`; it wraps.
const FRAME_NUM_BITS: u32 = 8;

/// Size of a picture and the level that its stream needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Width in pixels; a multiple of 16.
    pub(super) width: u32,
    /// Height in pixels; even.
    pub(super) height: u32,
    /// Ten times the level (table A-1).
    pub(super) level_idc: u32,
}

impl Geometry {
    /// Width in macroblocks.
    fn columns(self) -> u32 {
        self.width / 16
    }

    /// Height in macroblocks, the last row perhaps cropped.
    fn rows(self) -> u32 {
        self.height.div_ceil(16)
    }

    /// `profile_idc`, the constraints and `level_idc`.
    pub(super) fn profile(self) -> [u8; 3] {
        [PROFILE as u8, CONSTRAINTS as u8, self.level_idc as u8]
    }

    /// The codec as `CODECS` names it (RFC 6381).
    pub(super) fn codec(self) -> String {
        let [profile, constraints, level] = self.profile();
        format!("avc1.{profile:02X}{constraints:02X}{level:02X}")
    }
}

/// An IDR access unit: delimiter, parameter sets, bars rotated by `turn` bars.
///
/// `idr_pic_id` must differ between two IDR pictures in a row (§7.4.3).
pub(super) fn key_picture(geometry: Geometry, turn: u64, idr_pic_id: u32) -> Vec<u8> {
    let mut unit = Vec::new();
    delimiter(&mut unit, 0);
    nal(&mut unit, NAL_SPS, &sequence_parameters(geometry));
    nal(&mut unit, NAL_PPS, &picture_parameters());
    nal(&mut unit, NAL_IDR_PICTURE, &bars(geometry, turn, idr_pic_id));
    unit
}

/// An access unit that repeats the picture before it; `number` counts from the
/// IDR picture, which is 0.
pub(super) fn repeated_picture(geometry: Geometry, number: u32) -> Vec<u8> {
    let mut unit = Vec::new();
    delimiter(&mut unit, 1);
    nal(&mut unit, NAL_PICTURE, &skipped(geometry, number));
    unit
}

/// Pads an access unit to `bytes` with filler data (§7.3.2.7), or with zero bytes
/// (`trailing_zero_8bits`, annex B) if a NAL unit does not fit.
///
/// A longer unit is left as it is.
pub(super) fn fill(unit: &mut Vec<u8>, bytes: usize) {
    let gap = bytes.saturating_sub(unit.len());
    if let Some(filler) = gap.checked_sub(5) {
        unit.extend([0, 0, 1, NAL_FILLER]);
        unit.resize(unit.len() + filler, 0xFF);
        unit.push(0x80);
    } else {
        unit.resize(unit.len() + gap, 0);
    }
}

/// An access unit delimiter (§7.3.2.4); picture type 0 is I alone, 1 is I and P.
fn delimiter(unit: &mut Vec<u8>, picture_type: u32) {
    let mut bits = BitWriter::default();
    bits.put(picture_type, 3);
    nal(unit, NAL_DELIMITER, &bits.rbsp());
}

/// The parameter sets of a stream, as NAL units without start codes: the
/// sequence's, then the picture's.
pub(super) fn parameter_sets(geometry: Geometry) -> [Vec<u8>; 2] {
    [bare(NAL_SPS, &sequence_parameters(geometry)), bare(NAL_PPS, &picture_parameters())]
}

/// The one slice of [`key_picture`], as a NAL unit without a start code.
pub(super) fn key_slice(geometry: Geometry, turn: u64, idr_pic_id: u32) -> Vec<u8> {
    bare(NAL_IDR_PICTURE, &bars(geometry, turn, idr_pic_id))
}

/// The one slice of [`repeated_picture`], as a NAL unit without a start code.
pub(super) fn repeated_slice(geometry: Geometry, number: u32) -> Vec<u8> {
    bare(NAL_PICTURE, &skipped(geometry, number))
}

/// Appends a NAL unit with a start code of four bytes (annex B).
fn nal(unit: &mut Vec<u8>, header: u8, rbsp: &[u8]) {
    unit.extend([0, 0, 0, 1]);
    escape(unit, header, rbsp);
}

/// A NAL unit without a start code.
fn bare(header: u8, rbsp: &[u8]) -> Vec<u8> {
    let mut unit = Vec::with_capacity(rbsp.len() + 1);
    escape(&mut unit, header, rbsp);
    unit
}

/// Appends a NAL unit with emulation prevention (§7.3.1).
fn escape(unit: &mut Vec<u8>, header: u8, rbsp: &[u8]) {
    unit.push(header);
    let mut zeros = 0;
    for &byte in rbsp {
        if zeros == 2 && byte <= 3 {
            unit.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        unit.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Geometry = Geometry { width: 320, height: 180, level_idc: 13 };

    #[test]
    fn emulation_prevention_breaks_every_start_code() {
        let cases: [(&[u8], &[u8]); 4] = [
            (&[0, 0, 1], &[0, 0, 3, 1]),
            (&[0, 0, 4], &[0, 0, 4]),
            (&[0, 0, 0, 0, 0, 0x80], &[0, 0, 3, 0, 0, 3, 0, 0x80]),
            (&[1, 0, 0, 3], &[1, 0, 0, 3, 3]),
        ];
        for (rbsp, escaped) in cases {
            let mut unit = Vec::new();
            nal(&mut unit, NAL_SPS, rbsp);
            assert_eq!(unit[..5], [0, 0, 0, 1, NAL_SPS]);
            assert_eq!(&unit[5..], escaped);
        }
    }

    #[test]
    fn filler_makes_any_length() {
        for gap in 0..40 {
            let mut unit = repeated_picture(SMALL, 1);
            let bytes = unit.len() + gap;
            fill(&mut unit, bytes);
            assert_eq!(unit.len(), bytes);
        }
        let mut unit = vec![1; 9];
        fill(&mut unit, 3);
        assert_eq!(unit, [1; 9]);
    }

    #[test]
    fn bars_rotate_with_a_period_of_eight() {
        let first = key_picture(SMALL, 0, 0);
        assert_ne!(first, key_picture(SMALL, 1, 0));
        assert_eq!(first, key_picture(SMALL, 8, 0));
        assert_eq!(first, key_picture(SMALL, u64::MAX - 7, 0));
    }
}
