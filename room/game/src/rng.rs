//! Randomness that the seed of the match decides.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// A source of random numbers: the same seed gives the same numbers, and what came out tells nothing about what
/// will.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rng(ChaCha8Rng);

impl Rng {
    /// From the seed of a match.
    pub fn new(seed: u64) -> Rng {
        Rng(ChaCha8Rng::seed_from_u64(seed))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, all equally likely; 0 when `end` is 0.
    pub fn below(&mut self, end: u32) -> u32 {
        // The multiply-and-shift method; the bias is below 2^-32 and nobody will notice.
        ((u64::from(self.0.next_u32()) * u64::from(end)) >> 32) as u32
    }

    /// One of these; `None` from an empty list.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len() as u32) as usize)
    }

    /// True once in `end` times.
    pub fn one_in(&mut self, end: u32) -> bool {
        self.below(end) == 0
    }
}
