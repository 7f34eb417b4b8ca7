//! How a match ends.

use crate::Seat;

/// What one seat achieved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The seat.
    pub seat: Seat,
    /// 1 is first; equal ranks are a draw.
    pub rank: u32,
    /// Points, as the game counts them.
    pub score: i64,
}

/// How a match ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Best first. Seats that are not named come last.
    pub standings: Vec<Standing>,
    /// Whether it moves ratings. A match that was called off does not.
    pub rated: bool,
    /// Why it ended, in words for the players.
    pub reason: String,
}

impl Outcome {
    /// Ranks seats by their points: more is better, equal points share a rank.
    pub fn ranked(scores: impl IntoIterator<Item = (Seat, i64)>, reason: impl Into<String>) -> Outcome {
        let mut scores: Vec<(Seat, i64)> = scores.into_iter().collect();
        scores.sort_by_key(|&(seat, score)| (std::cmp::Reverse(score), seat));
        let mut standings: Vec<Standing> = Vec::new();
        for (index, &(seat, score)) in scores.iter().enumerate() {
            let rank = match standings.last() {
                Some(last) if last.score == score => last.rank,
                _ => index as u32 + 1,
            };
            standings.push(Standing { seat, rank, score });
        }
        Outcome { standings, rated: true, reason: reason.into() }
    }

    /// One seat won; all others share the second place.
    pub fn winner(seat: Seat, reason: impl Into<String>) -> Outcome {
        Outcome { standings: vec![Standing { seat, rank: 1, score: 1 }], rated: true, reason: reason.into() }
    }

    /// The match does not count.
    pub fn called_off(reason: impl Into<String>) -> Outcome {
        Outcome { standings: Vec::new(), rated: false, reason: reason.into() }
    }
}
