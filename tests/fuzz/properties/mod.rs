//! What must hold for any input whatever, one module a fuzz target.
//!
//! Each has one function, `check`, which panics if the promise is broken. The
//! fuzz targets call it with what libFuzzer makes up, `tests/fuzz_corpus.rs` with
//! the inputs that are kept in `tests/fuzz/corpus`.

pub mod exporter;
pub mod flags;
pub mod http;
pub mod log;
pub mod origin;
pub mod playlist;
pub mod progress;
pub mod redact;

/// Cuts bytes into pieces of 1 to 4096 bytes, as large as the reads of the
/// reactor; the sizes follow from the seed. Most are small, so that also short
/// inputs are cut often.
fn pieces(seed: u8, mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(u64::from(seed) + 1);
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let most = [3, 40, 500, 4096][(state >> 32) as usize % 4];
        let size = 1 + (state >> 40) as usize % most;
        let (piece, rest) = bytes.split_at(size.min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// The bytes cut in three ways: all alone, by the seed, and not at all but for
/// the size of a read.
fn cuts(seed: u8, bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    [bytes.chunks(1).collect(), pieces(seed, bytes), bytes.chunks(4096).collect()]
}
