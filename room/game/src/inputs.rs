//! What players hold.

use std::collections::{BTreeMap, VecDeque};

use crate::Seat;

/// Inputs of one seat that wait for their step; of more, the oldest are forgotten, as the last one wins.
const MAX_WAITING: usize = 64;
/// Steps an input may be meant for the future; one from farther is taken for one of then.
const MAX_AHEAD: u32 = 60;

/// An input that was meant for one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timed<I> {
    /// What is held.
    pub input: I,
    /// How many steps ago it should have begun, at most what the game rewinds; 0: it came in time.
    pub late: u32,
    /// How many steps behind the player's own time the others were that he saw, at most what the game rewinds.
    pub behind: u32,
}

/// What every seat holds when a step begins. Seats that sent nothing yet hold the default.
#[derive(Debug, Clone)]
pub struct Inputs<I> {
    held: BTreeMap<Seat, (I, bool)>,
    waiting: BTreeMap<Seat, VecDeque<(u32, u32, I)>>,
    taken: BTreeMap<Seat, Vec<Timed<I>>>,
}

impl<I> Default for Inputs<I> {
    fn default() -> Inputs<I> {
        Inputs::new()
    }
}

impl<I> Inputs<I> {
    /// None yet.
    pub fn new() -> Inputs<I> {
        Inputs { held: BTreeMap::new(), waiting: BTreeMap::new(), taken: BTreeMap::new() }
    }

    /// What this seat holds; `None` when it sent nothing yet.
    pub fn get(&self, seat: Seat) -> Option<&I> {
        self.held.get(&seat).map(|(input, _)| input)
    }

    /// What this seat sent since the last step; the last one, if it sent more.
    pub fn fresh(&self, seat: Seat) -> Option<&I> {
        self.held.get(&seat).filter(|(_, fresh)| *fresh).map(|(input, _)| input)
    }

    /// What this seat begins to hold in this step, in order, where inputs are meant for steps
    /// ([`Game::REPLAYS`](crate::Game::REPLAYS)): mostly none or one, more where some came late.
    pub fn taken(&self, seat: Seat) -> &[Timed<I>] {
        self.taken.get(&seat).map_or(&[], Vec::as_slice)
    }

    /// A step was made: nothing is fresh any more.
    pub fn stepped(&mut self) {
        self.held.values_mut().for_each(|(_, fresh)| *fresh = false);
        self.taken.clear();
    }

    /// From now on this seat holds this.
    pub fn set(&mut self, seat: Seat, input: I) {
        self.held.insert(seat, (input, true));
    }

    /// This seat holds nothing.
    pub fn clear(&mut self, seat: Seat) {
        self.held.remove(&seat);
        self.waiting.remove(&seat);
        self.taken.remove(&seat);
    }
}

impl<I: Clone> Inputs<I> {
    /// From step `at` on this seat holds this; `now` is the step that was made last.
    pub fn plan(&mut self, seat: Seat, now: u32, at: u32, behind: u32, input: I) {
        let waiting = self.waiting.entry(seat).or_default();
        // Never before one that was sent before it.
        let at = at.min(now.saturating_add(MAX_AHEAD)).max(waiting.back().map_or(0, |(last, ..)| *last));
        waiting.push_back((at, behind, input));
        if waiting.len() > MAX_WAITING {
            waiting.pop_front();
        }
    }

    /// Step `step` begins: what is due is held from now on. Nothing counts as later than `most`.
    pub fn begin(&mut self, step: u32, most: u32) {
        for (&seat, waiting) in &mut self.waiting {
            while let Some((at, behind, input)) = waiting.pop_front_if(|(at, ..)| *at <= step) {
                let timed = Timed { input: input.clone(), late: (step - at).min(most), behind: behind.min(most) };
                self.taken.entry(seat).or_default().push(timed);
                self.held.insert(seat, (input, true));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAT: Seat = Seat(3);

    fn taken(inputs: &mut Inputs<u8>, step: u32) -> Vec<(u8, u32)> {
        inputs.begin(step, 15);
        let taken = inputs.taken(SEAT).iter().map(|timed| (timed.input, timed.late)).collect();
        inputs.stepped();
        taken
    }

    #[test]
    fn inputs_wait_for_their_step() {
        let mut inputs = Inputs::new();
        inputs.plan(SEAT, 10, 12, 4, 1);
        inputs.plan(SEAT, 10, 13, 4, 2);
        assert_eq!((taken(&mut inputs, 11), inputs.get(SEAT)), (vec![], None));
        assert_eq!(taken(&mut inputs, 12), [(1, 0)]);
        assert_eq!(inputs.get(SEAT), Some(&1));
        assert_eq!((taken(&mut inputs, 13), taken(&mut inputs, 14)), (vec![(2, 0)], vec![]));
    }

    #[test]
    fn late_ones_say_how_late_and_keep_their_order() {
        let mut inputs = Inputs::new();
        inputs.plan(SEAT, 100, 96, 4, 1);
        inputs.plan(SEAT, 100, 10, 4, 2);
        inputs.plan(SEAT, 100, 101, 4, 3);
        assert_eq!(taken(&mut inputs, 101), [(1, 5), (2, 5), (3, 0)]);
        inputs.plan(SEAT, 101, 3, 4, 4);
        assert_eq!(taken(&mut inputs, 102), [(4, 15)]);
    }

    #[test]
    fn the_far_future_and_floods_are_bounded() {
        let mut inputs = Inputs::new();
        inputs.plan(SEAT, 10, u32::MAX, 4, 1);
        assert_eq!((taken(&mut inputs, 69), taken(&mut inputs, 70)), (vec![], vec![(1, 0)]));
        for number in 0..200 {
            inputs.plan(SEAT, 70, 90, u32::MAX, number);
        }
        assert_eq!(inputs.waiting[&SEAT].len(), MAX_WAITING);
        inputs.clear(SEAT);
        assert_eq!(taken(&mut inputs, 90), []);
    }
}
