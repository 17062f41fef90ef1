//! The origin's playlists and segments: see `properties/origin.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::origin::check(input));
