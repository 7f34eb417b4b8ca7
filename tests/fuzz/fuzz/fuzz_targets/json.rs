#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("json", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/json").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("json", bytes)
);
