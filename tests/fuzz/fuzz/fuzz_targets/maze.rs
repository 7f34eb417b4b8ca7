#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("maze", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/maze").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("maze", bytes)
);
