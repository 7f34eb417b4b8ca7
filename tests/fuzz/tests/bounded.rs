//! Each target, for a bounded time: what real matches said, broken in many ways. The same seed gives the same nonsense.

use std::time::{Duration, Instant};

use bellhop_fuzz::{TARGETS, mutate};
use bellhop_game::Rng;

/// For each target.
const TIME: Duration = Duration::from_millis(700);
/// One input takes no longer; a replay that makes many steps is the slowest.
const LONGEST: Duration = Duration::from_secs(5);
/// By so much the peak of the process's memory may grow over all of it.
const MOST_BYTES: u64 = 256 << 20;

/// The most memory this process ever had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() << 10
}

#[test]
fn nonsense_breaks_no_decoder_and_takes_no_memory() {
    let before = peak();
    for target in TARGETS {
        let corpus = (target.corpus)();
        let mut rng = Rng::new(42);
        let (begun, mut tried) = (Instant::now(), 0_u32);
        let pieces: Vec<&Vec<u8>> = corpus.pieces().collect();
        for piece in &pieces {
            (target.run)(piece);
        }
        while begun.elapsed() < TIME {
            let mut bytes = rng.pick(&pieces).map(|piece| (*piece).clone()).unwrap_or_default();
            mutate(&mut bytes, &mut rng);
            let at = Instant::now();
            (target.run)(&bytes);
            assert!(at.elapsed() < LONGEST, "{} took {:?} for try {tried}: {bytes:02x?}", target.name, at.elapsed());
            tried += 1;
        }
        assert!(tried > 10, "{} was tried {tried} times", target.name);
    }
    let grown = peak().saturating_sub(before);
    assert!(grown < MOST_BYTES, "{} MiB more at the peak", grown >> 20);
}
