//! The tap: see `properties/tap.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::tap::check(input));
