//! FFmpeg's log: see `properties/log.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::log::check(input));
