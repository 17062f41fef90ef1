//! The slices of pictures: colour bars, and macroblocks that are all skipped
//! (H.264 §7.3.3 and §7.3.4).
//!
//! An IDR picture costs about a byte a macroblock: the first row is predicted from its
//! left neighbour and carries a DC level where a bar begins, every other row is
//! predicted from the row above. A P picture is one run of skipped macroblocks.

use super::{BitWriter, FRAME_NUM_BITS, Geometry};

/// The quantiser at which a luma DC level of 1 is exactly one step of the picture
/// and a chroma DC level of 1 exactly two (§8.5.10, §8.5.11).
pub(super) const QP: i32 = 28;

/// Prediction modes of 16x16 luma (table 8-4) and of chroma (§8.3.4).
const LUMA_VERTICAL: u32 = 0;
const LUMA_HORIZONTAL: u32 = 1;
const LUMA_DC: u32 = 2;
const CHROMA_DC: u32 = 0;
const CHROMA_HORIZONTAL: u32 = 1;
const CHROMA_VERTICAL: u32 = 2;

/// The value assumed for a missing neighbour.
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

/// The one slice of an IDR picture (§7.3.3, §7.3.4).
pub(super) fn bars(geometry: Geometry, turn: u64, idr_pic_id: u32) -> Vec<u8> {
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
    // 2 and -2 are the first two codes: without a trailing one, 1 and -1 cannot occur.
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
pub(super) fn skipped(geometry: Geometry, number: u32) -> Vec<u8> {
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

    #[test]
    fn codes_levels_as_in_the_tables() {
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
}
