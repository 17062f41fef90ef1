//! The command line: see `properties/flags.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::flags::check(input));
