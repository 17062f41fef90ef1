//! The parameter sets of the stream (H.264 §7.3.2).

use super::slices::QP;
use super::{BitWriter, FRAME_NUM_BITS, FRAME_RATE, Geometry};

/// Constrained baseline: `constraint_set0_flag` and `constraint_set1_flag`.
pub(super) const PROFILE: u32 = 66;
pub(super) const CONSTRAINTS: u32 = 0xC0;

/// A sequence parameter set (§7.3.2.1.1) with the frame rate in its VUI.
pub(super) fn sequence_parameters(geometry: Geometry) -> Vec<u8> {
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
pub(super) fn picture_parameters() -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.ue(0); // pic_parameter_set_id
    bits.ue(0); // seq_parameter_set_id
    bits.flag(false); // CAVLC
    bits.flag(false); // no field order in the slice headers
    bits.ue(0); // one slice group
    bits.ue(0); // one reference in list 0
    bits.ue(0); // one reference in list 1
    bits.flag(false); // no weighted prediction
    bits.put(0, 2); // nor of B slices
    bits.se(QP - 26);
    bits.se(0); // pic_init_qs
    bits.se(0); // chroma_qp_index_offset
    bits.flag(true); // slices state whether they are deblocked
    bits.flag(false); // intra prediction is not constrained
    bits.flag(false); // no redundant pictures
    bits.rbsp()
}
