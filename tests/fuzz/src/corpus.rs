//! What real matches said, and ways to break it.

use std::time::Duration;

use bellhop_game::{Game, Rng};
use room_client::{Said, overhear};

/// Messages kept of each kind; those at the beginning and then ever fewer.
const KEPT: usize = 48;
/// Longest match that is listened to.
const LISTEN: Duration = Duration::from_secs(20);
/// Longest bytes that are made.
const MOST: usize = 64 << 10;

/// What was said in a match.
#[derive(Debug, Default, Clone)]
pub struct Corpus {
    /// By players.
    pub up: Vec<Vec<u8>>,
    /// By the room.
    pub down: Vec<Vec<u8>>,
    /// The journal, whole.
    pub journal: Vec<u8>,
}

impl Corpus {
    /// Listens to bots that play.
    pub fn of<G: Game>() -> Corpus {
        let mut heard = Corpus::default();
        let mut count = 0_usize;
        let keep = |list: &mut Vec<Vec<u8>>, message: &[u8], count: usize| {
            if list.len() < KEPT / 2 || (list.len() < KEPT && count.is_power_of_two()) {
                list.push(message.to_vec());
            }
        };
        // Whether the match ends in this time is not the question here.
        let _ended = overhear::<G>(G::MAX_SEATS.min(4), 11, LISTEN, |said| {
            count += 1;
            match said {
                Said::Up(message) => keep(&mut heard.up, message, count),
                Said::Down(message) => keep(&mut heard.down, message, count),
                Said::Journal(piece) => heard.journal.extend_from_slice(piece),
            }
        });
        heard.journal.truncate(MOST);
        heard
    }

    /// All of it, each by itself.
    pub fn pieces(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.up.iter().chain(&self.down).chain([&self.journal])
    }
}

/// Breaks bytes in one to eight places.
pub fn mutate(bytes: &mut Vec<u8>, rng: &mut Rng) {
    for _ in 0..=rng.below(8) {
        let at = rng.below(bytes.len() as u32) as usize;
        match rng.below(7) {
            _ if bytes.is_empty() => bytes.push(rng.bits() as u8),
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes[at] = rng.bits() as u8,
            // The ends of ranges.
            2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5) as usize],
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..(at + rng.below(9) as usize).min(bytes.len()))),
            5 => bytes.insert(at, rng.bits() as u8),
            // Long numbers: every bit set.
            _ => bytes.iter_mut().skip(at).take(10).for_each(|byte| *byte = 0xff),
        }
    }
    bytes.truncate(MOST);
}
