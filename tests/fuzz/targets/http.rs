//! A peer of the HTTP server: see `properties/http.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::http::check(input));
