#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("frames", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/frames").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("frames", bytes)
);
