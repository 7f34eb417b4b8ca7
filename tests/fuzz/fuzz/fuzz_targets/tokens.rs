#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("tokens", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/tokens").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("tokens", bytes)
);
