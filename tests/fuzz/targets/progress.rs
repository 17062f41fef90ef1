//! FFmpeg's progress: see `properties/progress.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::progress::check(input));
