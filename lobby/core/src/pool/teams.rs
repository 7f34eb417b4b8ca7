//! Full teams from parties of all sizes: the nearest tickets whose sizes fit, split so that the teams are even.

use smallvec::SmallVec;

use super::group::Found;
use super::{NEAREST, Pool};
use crate::time::Time;

/// Tickets up to which every split is tried: 6 against 6, 2,048 masks.
const EXHAUSTIVE: usize = 12;
/// Prefixes of the candidates that are tried before it is given up.
const TRIES: usize = 8;

/// A candidate: its node, its size, the sum of its ratings.
type Candidate = (u32, u16, f32);

impl Pool {
    /// A match of full teams around the oldest ticket that suits this one, or around this one.
    pub(super) fn teams(&self, now: Time, key: u32, teams: u8, size: u8) -> (Option<Found>, Time) {
        let need = usize::from(teams) * usize::from(size);
        let (mine, next) = self.candidates(now, key);
        if mine.iter().map(|&(_, size, _)| usize::from(size)).sum::<usize>() >= need {
            let oldest = mine.iter().map(|&(key, ..)| key).min_by_key(|&key| self.nodes[key as usize].order());
            if let Some(oldest) = oldest.filter(|&oldest| oldest != key) {
                let (theirs, _) = self.candidates(now, oldest);
                if let Some(found) = choose(&theirs, teams, size) {
                    return (Some(found), Time::MAX);
                }
            }
            if let Some(found) = choose(&mine, teams, size) {
                return (Some(found), Time::MAX);
            }
        }
        (None, next)
    }

    fn candidates(&self, now: Time, key: u32) -> (SmallVec<[Candidate; 16]>, Time) {
        let anchor = &self.nodes[key as usize];
        let width = self.width(now, anchor);
        let mut next = Time::MAX;
        let mut found: SmallVec<[Candidate; 16]> = SmallVec::new();
        found.push((key, anchor.size, anchor.rating * f32::from(anchor.size)));
        for (other_key, gap) in self.around(key).take(NEAREST) {
            let other = &self.nodes[other_key as usize];
            if gap <= width && gap <= self.width(now, other) {
                found.push((other_key, other.size, other.rating * f32::from(other.size)));
                continue;
            }
            let own = self.reaches(anchor, gap);
            if own >= next {
                break;
            }
            next = next.min(own.max(self.reaches(other, gap)));
        }
        (found, next)
    }
}

/// From candidates, nearest first and the anchor in front: those to play, split into even teams.
fn choose(candidates: &[Candidate], teams: u8, size: u8) -> Option<Found> {
    let need = usize::from(teams) * usize::from(size);
    let mut tries = 0;
    for prefix in 1..=candidates.len() {
        let Some(chosen) = pick(&candidates[..prefix], need) else { continue };
        if let Some(found) = split(&chosen, teams, u16::from(size)) {
            return Some(found);
        }
        tries += 1;
        if tries == TRIES {
            break;
        }
    }
    None
}

/// Some of the candidates, with the first and the last among them, whose sizes add up to `need`: a subset sum by bit sets.
fn pick(candidates: &[Candidate], need: usize) -> Option<SmallVec<[Candidate; 16]>> {
    let (&anchor, rest) = candidates.split_first()?;
    let size = |candidate: &Candidate| usize::from(candidate.1);
    // sums[i]: the sums that the anchor and some of the first i others make.
    let mut sums: SmallVec<[u64; NEAREST]> = smallvec::smallvec![1u64.checked_shl(size(&anchor) as u32)?];
    let mask = (1u64 << (need + 1)) - 1;
    for candidate in rest {
        let before = *sums.last()?;
        sums.push((before | before.checked_shl(size(candidate) as u32).unwrap_or(0)) & mask);
    }
    let reaches = |index: usize, sum: usize| sums[index] >> sum & 1 == 1;
    if !reaches(rest.len(), need) || (rest.is_empty() && size(&anchor) != need) {
        return None;
    }
    // Backwards, leaving out the farther ones where that is possible; the last one stays, or a shorter prefix would do.
    let mut chosen: SmallVec<[Candidate; 16]> = SmallVec::new();
    let mut sum = need;
    for index in (0..rest.len()).rev() {
        let last = index + 1 == rest.len();
        let may_go = reaches(index, sum) && !last;
        if !may_go {
            let left = sum.checked_sub(size(&rest[index]))?;
            if !reaches(index, left) {
                return None;
            }
            chosen.push(rest[index]);
            sum = left;
        }
    }
    chosen.push(anchor);
    chosen.reverse();
    Some(chosen)
}

/// Splits tickets into full teams with the least difference between the strongest and the weakest.
fn split(chosen: &[Candidate], teams: u8, size: u16) -> Option<Found> {
    let assigned =
        if teams == 2 && chosen.len() <= EXHAUSTIVE { halves(chosen, size)? } else { deal(chosen, teams, size)? };
    let mut found: Found = chosen.iter().zip(assigned).map(|(&(key, ..), team)| (key, team)).collect();
    found.sort_by_key(|&(_, team)| team);
    Some(found)
}

/// All ways to make two teams, the first ticket always in team 0.
fn halves(chosen: &[Candidate], size: u16) -> Option<SmallVec<[u8; 16]>> {
    let total: f32 = chosen.iter().map(|candidate| candidate.2).sum();
    let solos = chosen.iter().all(|candidate| candidate.1 == 1);
    let mut best: Option<(f32, u32)> = None;
    for others in 0u32..1 << (chosen.len() - 1) {
        let mask = others << 1 | 1;
        if solos && mask.count_ones() != u32::from(size) {
            continue;
        }
        let (mut players, mut sum) = (0, 0.0);
        for (index, candidate) in chosen.iter().enumerate() {
            if mask >> index & 1 == 1 {
                players += candidate.1;
                sum += candidate.2;
            }
        }
        let difference = (total - 2.0 * sum).abs();
        if players == size && best.is_none_or(|(least, _)| difference < least) {
            best = Some((difference, mask));
        }
    }
    let (_, mask) = best?;
    Some((0..chosen.len()).map(|index| u8::from(mask >> index & 1 == 0)).collect())
}

/// Large parties first, each to the weakest team it fits into, going back a bounded number of times where it does not.
fn deal(chosen: &[Candidate], teams: u8, size: u16) -> Option<SmallVec<[u8; 16]>> {
    let mut order: SmallVec<[usize; 16]> = (0..chosen.len()).collect();
    order.sort_by(|&a, &b| chosen[b].1.cmp(&chosen[a].1).then(chosen[b].2.total_cmp(&chosen[a].2)).then(a.cmp(&b)));
    let mut table = Table {
        chosen,
        order: &order,
        size,
        teams: smallvec::smallvec![(0, 0.0); usize::from(teams)],
        assigned: smallvec::smallvec![0; chosen.len()],
        steps: 0,
    };
    table.seat(0).then_some(table.assigned)
}

/// Steps of dealing before it is given up.
const STEPS: u32 = 2_000;

struct Table<'a> {
    chosen: &'a [Candidate],
    order: &'a [usize],
    size: u16,
    teams: SmallVec<[(u16, f32); 8]>,
    assigned: SmallVec<[u8; 16]>,
    steps: u32,
}

impl Table<'_> {
    fn seat(&mut self, next: usize) -> bool {
        let Some(&index) = self.order.get(next) else { return true };
        let (_, players, strength) = self.chosen[index];
        let mut teams: SmallVec<[usize; 8]> = (0..self.teams.len()).collect();
        teams.sort_by(|&a, &b| self.teams[a].1.total_cmp(&self.teams[b].1).then(a.cmp(&b)));
        for team in teams {
            self.steps += 1;
            if self.steps > STEPS {
                return false;
            }
            if self.teams[team].0 + players > self.size {
                continue;
            }
            self.teams[team].0 += players;
            self.teams[team].1 += strength;
            self.assigned[index] = team as u8;
            if self.seat(next + 1) {
                return true;
            }
            self.teams[team].0 -= players;
            self.teams[team].1 -= strength;
        }
        false
    }
}
