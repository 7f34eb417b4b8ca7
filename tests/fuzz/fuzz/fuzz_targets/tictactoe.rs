#![no_main]

libfuzzer_sys::fuzz_target!(
    init: bellhop_fuzz::begin("tictactoe", concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/tictactoe").as_ref()),
    |bytes: &[u8]| bellhop_fuzz::run("tictactoe", bytes)
);
