#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixpress_fuzz::cutter::check(data));
