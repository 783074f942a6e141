#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mixpress_fuzz::press::check(data));
