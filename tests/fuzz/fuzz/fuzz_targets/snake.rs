#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("snake", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/snake").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("snake", bytes)
);
