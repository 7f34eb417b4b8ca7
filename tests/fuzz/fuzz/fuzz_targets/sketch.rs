#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("sketch", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/sketch").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("sketch", bytes)
);
