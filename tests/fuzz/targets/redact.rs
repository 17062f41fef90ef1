//! Masking: see `properties/redact.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::redact::check(input));
