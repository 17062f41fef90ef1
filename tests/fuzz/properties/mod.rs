//! Properties that hold for any input, one module per fuzz target.
//!
//! Each has one function, `check`, which panics if a property is violated. The fuzz
//! targets call it with the inputs of libFuzzer, `tests/fuzz_corpus.rs` with those kept
//! in `tests/fuzz/corpus`.

pub mod exporter;
pub mod flags;
pub mod http;
pub mod log;
pub mod origin;
pub mod playlist;
pub mod progress;
pub mod redact;
pub mod tap;

/// Divides bytes into pieces of 1 to 4096 bytes, up to the size of the reactor's reads;
/// the sizes follow from the seed. Most are small, so that short inputs are divided as
/// well.
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

/// Three chunkings of the bytes: single bytes, by the seed, and by the size of a read.
fn chunkings(seed: u8, bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    [bytes.chunks(1).collect(), pieces(seed, bytes), bytes.chunks(4096).collect()]
}
