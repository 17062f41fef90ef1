//! Writes bits, most significant first, and the Exp-Golomb codes of H.264.
//!
//! Does not know what the bits mean.

/// A buffer of bits.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    /// Bits not yet in `bytes`, in the low end.
    pending: u64,
    /// How many bits are pending; fewer than 8 between calls.
    pending_bits: u32,
}

impl BitWriter {
    /// Appends the lowest `count` bits of `value`; at most 32.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        let mask = (1u64 << count.min(32)) - 1;
        self.pending = (self.pending << count) | (u64::from(value) & mask);
        self.pending_bits += count;
        while self.pending_bits >= 8 {
            self.pending_bits -= 8;
            self.bytes.push((self.pending >> self.pending_bits) as u8);
        }
        self.pending &= (1 << self.pending_bits) - 1;
    }

    /// Appends a flag.
    pub(super) fn flag(&mut self, set: bool) {
        self.put(u32::from(set), 1);
    }

    /// Appends an unsigned Exp-Golomb code, `ue(v)` (H.264 §9.1).
    pub(super) fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let bits = 63 - code.leading_zeros();
        self.put(0, bits);
        self.put(1, 1);
        self.put(value.wrapping_add(1), bits);
    }

    /// Appends a signed Exp-Golomb code, `se(v)` (H.264 §9.1.1).
    pub(super) fn se(&mut self, value: i32) {
        let magnitude = value.unsigned_abs();
        self.ue(if value > 0 { 2 * magnitude - 1 } else { 2 * magnitude });
    }

    /// The bytes, the last one padded with zeros.
    pub(super) fn aligned(mut self) -> Vec<u8> {
        if self.pending_bits > 0 {
            self.put(0, 8 - self.pending_bits);
        }
        self.bytes
    }

    /// The bytes, ended by a one and padded with zeros: `rbsp_trailing_bits()` (H.264
    /// §7.3.2.11).
    pub(super) fn rbsp(mut self) -> Vec<u8> {
        self.flag(true);
        self.aligned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut BitWriter)) -> String {
        let mut bits = BitWriter::default();
        write(&mut bits);
        let bytes = bits.rbsp();
        let all: String = bytes.iter().map(|b| format!("{b:08b}")).collect();
        all.trim_end_matches('0').strip_suffix('1').unwrap().to_owned()
    }

    #[test]
    fn exp_golomb_codes_are_those_of_table_9_2() {
        let unsigned =
            [(0, "1"), (1, "010"), (2, "011"), (3, "00100"), (6, "00111"), (7, "0001000")];
        for (value, code) in unsigned {
            assert_eq!(text(|b| b.ue(value)), code, "ue({value})");
        }
        let signed = [(0, "1"), (1, "010"), (-1, "011"), (2, "00100"), (-2, "00101")];
        for (value, code) in signed {
            assert_eq!(text(|b| b.se(value)), code, "se({value})");
        }
    }

    #[test]
    fn long_fields_and_odd_lengths_keep_every_bit() {
        let written = text(|b| {
            b.put(0b101, 3);
            b.put(u32::MAX, 32);
            b.put(0, 0);
            b.put(0xFF, 1);
            b.ue(65_535);
        });
        let zeros = "0".repeat(16);
        assert_eq!(written, format!("101{}1{zeros}1{zeros}", "1".repeat(32)));
    }

    #[test]
    fn alignment_pads_incomplete_bytes_only() {
        let mut bits = BitWriter::default();
        bits.put(0xAB, 8);
        assert_eq!(bits.aligned(), [0xAB]);
        let mut bits = BitWriter::default();
        bits.put(0x5, 3);
        assert_eq!(bits.aligned(), [0xA0]);
    }
}
