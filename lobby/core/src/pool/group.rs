//! Everybody for himself, from a least to a most number of seats.

use smallvec::SmallVec;

use super::{NEAREST, Pool};
use crate::time::Time;

/// Nodes and their teams.
pub(super) type Found = SmallVec<[(u32, u8); 16]>;

/// Those around an anchor who accept it and whom it accepts, nearest first, itself in front.
pub(super) struct Suitable {
    pub(super) keys: SmallVec<[u32; 16]>,
    pub(super) players: u32,
    /// When the next one may suit it.
    pub(super) next: Time,
}

impl Pool {
    /// Gathers what suits the anchor: at most `players`, leaving out what does not fit any more.
    pub(super) fn gather(&self, now: Time, key: u32, players: u32) -> Suitable {
        let anchor = &self.nodes[key as usize];
        let width = self.width(now, anchor);
        let mut found = Suitable { keys: SmallVec::new(), players: u32::from(anchor.size), next: Time::MAX };
        found.keys.push(key);
        let most = NEAREST.max(players as usize);
        for (other_key, gap) in self.around(key).take(most) {
            if found.players >= players {
                break;
            }
            let other = &self.nodes[other_key as usize];
            if gap <= width && gap <= self.width(now, other) {
                if found.players + u32::from(other.size) <= players {
                    found.players += u32::from(other.size);
                    found.keys.push(other_key);
                }
                continue;
            }
            let own = self.reaches(anchor, gap);
            if own >= found.next {
                break;
            }
            found.next = found.next.min(own.max(self.reaches(other, gap)));
        }
        found
    }

    /// A full match around this one or around the oldest that suits it; or a smaller one, if one of them has waited long
    /// enough.
    pub(super) fn free(&self, now: Time, key: u32, min: u16, max: u16) -> (Option<Found>, Time) {
        let (min, max) = (u32::from(min), u32::from(max));
        let mine = self.gather(now, key, max);
        if mine.players == max {
            return (Some(self.everyone(&mine.keys)), Time::MAX);
        }
        let oldest = mine.keys.iter().copied().min_by_key(|&key| self.nodes[key as usize].order()).unwrap_or(key);
        let start = self.nodes[oldest as usize].since + self.start_after;
        let theirs = (oldest != key).then(|| self.gather(now, oldest, max));
        let best = theirs.as_ref().filter(|theirs| theirs.players >= mine.players).unwrap_or(&mine);
        if best.players == max || (best.players >= min && now >= start) {
            return (Some(self.everyone(&best.keys)), Time::MAX);
        }
        if mine.players >= min && now >= start {
            return (Some(self.everyone(&mine.keys)), Time::MAX);
        }
        let own = self.nodes[key as usize].since + self.start_after;
        (None, if own > now { mine.next.min(own) } else { mine.next })
    }

    /// Who waits longest sits first.
    fn everyone(&self, keys: &[u32]) -> Found {
        let mut found: Found = keys.iter().map(|&key| (key, 0)).collect();
        found.sort_unstable_by_key(|&(key, _)| self.nodes[key as usize].order());
        found
    }
}
