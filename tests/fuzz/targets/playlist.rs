//! Playlists: see `properties/playlist.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::playlist::check(input));
