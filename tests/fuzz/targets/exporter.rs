//! Responses of an exporter: see `properties/exporter.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::exporter::check(input));
