#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("tanks", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/tanks").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("tanks", bytes)
);
