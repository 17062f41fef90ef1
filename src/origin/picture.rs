//! H.264 pictures: colour bars, and pictures that repeat them.
//!
//! Makes the NAL units of a constrained baseline stream, byte for byte; knows no
//! time and no container. Sections and tables are those of ITU-T H.264.
//!
//! An IDR picture costs about a byte a macroblock: the first row is predicted
//! from its left neighbour and carries a DC level where a bar begins, every other
//! row is predicted from the row above. A P picture is one run of skipped
//! macroblocks.

use super::bits::BitWriter;

/// Pictures a second.
pub(super) const FRAME_RATE: u64 = 25;

/// `nal_unit_type` (table 7-1) with `nal_ref_idc` 3 for what is referred to.
const NAL_PICTURE: u8 = 0x61;
const NAL_IDR_PICTURE: u8 = 0x65;
const NAL_SPS: u8 = 0x67;
const NAL_PPS: u8 = 0x68;
const NAL_DELIMITER: u8 = 0x09;
const NAL_FILLER: u8 = 0x0C;

/// Constrained baseline: `constraint_set0_flag` and `constraint_set1_flag`.
const PROFILE: u32 = 66;
const CONSTRAINTS: u32 = 0xC0;

/// Bits of `frame_num`; it wraps.
const FRAME_NUM_BITS: u32 = 8;

/// The quantiser at which a luma DC level of 1 is exactly one step of the picture
/// and a chroma DC level of 1 exactly two (§8.5.10, §8.5.11).
const QP: i32 = 28;

/// Prediction modes of 16x16 luma (table 8-4) and of chroma (§8.3.4).
const LUMA_VERTICAL: u32 = 0;
const LUMA_HORIZONTAL: u32 = 1;
const LUMA_DC: u32 = 2;
const CHROMA_DC: u32 = 0;
const CHROMA_HORIZONTAL: u32 = 1;
const CHROMA_VERTICAL: u32 = 2;

/// What an undefined neighbour is taken for.
const GREY: [i32; 3] = [128, 128, 128];

/// The bars, in Y, Cb and Cr of BT.601; chroma is even, see [`QP`].
const BARS: [[i32; 3]; 8] = [
    [180, 128, 128],
    [162, 44, 142],
    [131, 156, 44],
    [112, 72, 58],
    [84, 184, 198],
    [65, 100, 212],
    [35, 212, 114],
    [16, 128, 128],
];

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

/// Lengthens an access unit to `bytes` by filler data (§7.3.2.7), or by zero
/// bytes (`trailing_zero_8bits`, annex B) where a NAL unit has no room.
///
/// A unit that is longer already stays as it is.
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

/// A NAL unit by itself.
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

/// A sequence parameter set (§7.3.2.1.1) with the frame rate in its VUI.
fn sequence_parameters(geometry: Geometry) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.put(PROFILE, 8);
    bits.put(CONSTRAINTS, 8);
    bits.put(geometry.level_idc, 8);
    bits.ue(0); // seq_parameter_set_id
    bits.ue(FRAME_NUM_BITS - 4);
    bits.ue(2); // pic_order_cnt_type: output order is decoding order
    bits.ue(1); // max_num_ref_frames
    bits.flag(false); // no gaps in frame_num
    bits.ue(geometry.columns() - 1);
    bits.ue(geometry.rows() - 1);
    bits.flag(true); // frame_mbs_only
    bits.flag(true); // direct_8x8_inference
    let cropped = geometry.rows() * 16 - geometry.height;
    bits.flag(cropped > 0);
    if cropped > 0 {
        bits.ue(0);
        bits.ue(0);
        bits.ue(0);
        bits.ue(cropped / 2); // bottom, in units of two rows
    }
    bits.flag(true);
    usability(&mut bits);
    bits.rbsp()
}

/// VUI parameters (annex E): square pixels, 25 pictures a second, no reordering,
/// so that a decoder need not wait for more pictures to know the delay.
fn usability(bits: &mut BitWriter) {
    bits.flag(true);
    bits.put(1, 8); // square pixels
    bits.flag(false); // overscan
    bits.flag(false); // video signal type
    bits.flag(false); // chroma location
    bits.flag(true);
    bits.put(1, 32); // num_units_in_tick
    bits.put(2 * FRAME_RATE as u32, 32); // time_scale, in fields
    bits.flag(true); // fixed frame rate
    bits.flag(false); // NAL HRD
    bits.flag(false); // VCL HRD
    bits.flag(false); // picture structure
    bits.flag(true);
    bits.flag(true); // motion vectors over picture boundaries
    bits.ue(0); // max_bytes_per_pic_denom: no limit
    bits.ue(0); // max_bits_per_mb_denom: no limit
    bits.ue(0); // log2_max_mv_length_horizontal
    bits.ue(0); // log2_max_mv_length_vertical
    bits.ue(0); // max_num_reorder_frames
    bits.ue(1); // max_dec_frame_buffering
}

/// A picture parameter set (§7.3.2.2).
fn picture_parameters() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // pic_parameter_set_id
    bits.ue(0); // seq_parameter_set_id
    bits.flag(false); // CAVLC
    bits.flag(false); // no order of fields
    bits.ue(0); // one slice group
    bits.ue(0); // one reference in list 0
    bits.ue(0); // one reference in list 1
    bits.flag(false); // no weighted prediction
    bits.put(0, 2); // nor of B slices
    bits.se(QP - 26);
    bits.se(0); // pic_init_qs
    bits.se(0); // chroma_qp_index_offset
    bits.flag(true); // slices say whether they are deblocked
    bits.flag(false); // intra prediction is not constrained
    bits.flag(false); // no redundant pictures
    bits.rbsp()
}

/// The one slice of an IDR picture (§7.3.3, §7.3.4).
fn bars(geometry: Geometry, turn: u64, idr_pic_id: u32) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // first_mb_in_slice
    bits.ue(7); // I, like all slices of the picture
    bits.ue(0); // pic_parameter_set_id
    bits.put(0, FRAME_NUM_BITS);
    bits.ue(idr_pic_id);
    bits.put(0, 2); // dec_ref_pic_marking of an IDR picture
    bits.se(0); // slice_qp_delta
    bits.ue(1); // no deblocking
    for column in 0..geometry.columns() {
        let colour = bar(geometry, column, turn);
        if let Some(left) = column.checked_sub(1) {
            let step = difference(colour, bar(geometry, left, turn));
            macroblock(&mut bits, LUMA_HORIZONTAL, CHROMA_HORIZONTAL, step);
        } else {
            macroblock(&mut bits, LUMA_DC, CHROMA_DC, difference(colour, GREY));
        }
    }
    for _macroblock in geometry.columns()..geometry.columns() * geometry.rows() {
        macroblock(&mut bits, LUMA_VERTICAL, CHROMA_VERTICAL, [0; 3]);
    }
    bits.rbsp()
}

/// The colour of a column of macroblocks.
fn bar(geometry: Geometry, column: u32, turn: u64) -> [i32; 3] {
    let bars = BARS.len() as u64;
    let place = u64::from(column) * bars / u64::from(geometry.columns());
    let index = (place + turn % bars) % bars;
    BARS.get(index as usize).copied().unwrap_or(GREY)
}

fn difference(colour: [i32; 3], predicted: [i32; 3]) -> [i32; 3] {
    let [y, cb, cr] = colour;
    let [y0, cb0, cr0] = predicted;
    [y - y0, cb - cb0, cr - cr0]
}

/// A macroblock of type Intra_16x16 (tables 7-11 and 7-13) whose residual is one
/// step of each plane, so a DC level alone.
fn macroblock(bits: &mut BitWriter, luma_mode: u32, chroma_mode: u32, step: [i32; 3]) {
    let [luma, cb, cr] = step;
    let chroma = cb != 0 || cr != 0;
    bits.ue(1 + luma_mode + 4 * u32::from(chroma));
    bits.ue(chroma_mode);
    bits.se(0); // mb_qp_delta
    // coeff_token, table 9-5: no AC level is ever coded, so nC is 0 throughout.
    level(bits, luma, Tokens { none: (1, 1), one_trailing: (1, 2), one: (5, 6) });
    if chroma {
        let tokens = Tokens { none: (1, 2), one_trailing: (1, 1), one: (7, 6) };
        level(bits, cb / 2, tokens);
        level(bits, cr / 2, tokens);
    }
}

/// Codes of `coeff_token` as (value, bits): no coefficient, one of magnitude 1
/// (a trailing one), one of any other magnitude.
#[derive(Clone, Copy)]
struct Tokens {
    none: (u32, u32),
    one_trailing: (u32, u32),
    one: (u32, u32),
}

/// A block whose only level, if any, is the first (§7.3.5.3.2, §9.2.2).
fn level(bits: &mut BitWriter, level: i32, tokens: Tokens) {
    let (token, token_bits) = match level {
        0 => tokens.none,
        -1 | 1 => tokens.one_trailing,
        _ => tokens.one,
    };
    bits.put(token, token_bits);
    match level {
        0 => return,
        -1 | 1 => bits.flag(level < 0),
        _ => large_level(bits, level),
    }
    bits.put(1, 1); // total_zeros: none before it (tables 9-7 and 9-9)
}

/// `level_prefix` and `level_suffix` of the first level of magnitude 2 or more,
/// with `suffixLength` 0 (§9.2.2.1, read backwards).
fn large_level(bits: &mut BitWriter, level: i32) {
    // 2 and -2 are the first two codes: with no trailing one, 1 and -1 cannot come.
    let code = 2 * (level.unsigned_abs() - 2) + u32::from(level < 0);
    match code {
        0..14 => bits.put(1, code + 1),
        14..30 => {
            bits.put(1, 15);
            bits.put(code - 14, 4);
        }
        _ => {
            bits.put(1, 16);
            bits.put(code - 30, 12);
        }
    }
}

/// The one slice of a P picture: all macroblocks skipped (§7.3.4).
fn skipped(geometry: Geometry, number: u32) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // first_mb_in_slice
    bits.ue(5); // P, like all slices of the picture
    bits.ue(0); // pic_parameter_set_id
    bits.put(number, FRAME_NUM_BITS);
    bits.flag(false); // no override of the number of references
    bits.flag(false); // no modification of the list of references
    bits.flag(false); // references are marked by the sliding window
    bits.se(0); // slice_qp_delta
    bits.ue(1); // no deblocking
    bits.ue(geometry.columns() * geometry.rows()); // mb_skip_run
    bits.rbsp()
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
    fn levels_are_coded_as_in_the_tables() {
        // Level of a luma block, and its bits: token, sign or prefix and suffix, total_zeros.
        let cases = [
            (0, "1"),
            (1, "0101"),
            (-1, "0111"),
            (2, "00010111"),
            (-2, "000101011"),
            (8, "00010100000000000011"),
            (9, "00010100000000000000100001"),
            (-16, "00010100000000000000111111"),
            (17, "00010100000000000000010000000000001"),
        ];
        for (value, expected) in cases {
            let mut bits = BitWriter::default();
            level(&mut bits, value, Tokens { none: (1, 1), one_trailing: (1, 2), one: (5, 6) });
            let all: String = bits.rbsp().iter().map(|b| format!("{b:08b}")).collect();
            assert_eq!(all.trim_end_matches('0').strip_suffix('1').unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn the_bars_turn_and_come_back() {
        let first = key_picture(SMALL, 0, 0);
        assert_ne!(first, key_picture(SMALL, 1, 0));
        assert_eq!(first, key_picture(SMALL, 8, 0));
        assert_eq!(first, key_picture(SMALL, u64::MAX - 7, 0));
    }
}
