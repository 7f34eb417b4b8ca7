//! Showing states evenly though they come unevenly.
//!
//! Over TCP a lost packet shows as a pause and then a burst. A state is shown at the time at which it would have come
//! over the quickest way so far, plus as much as the arrivals are uneven; what comes later than that is shown at once,
//! and of a burst the newest.

use std::collections::VecDeque;

/// States kept for their time to come: more than the longest delay needs at 60 a second.
const MAX_KEPT: usize = 16;
/// Longest time a state is held back.
const MAX_DELAY_MS: f64 = 200.0;
/// Unevenness below this is not worth a delay.
const IGNORED_JITTER_MS: f64 = 4.0;
/// How fast the quickest way is forgotten, per state: clocks drift, and a room may have dropped steps.
const FORGETTING: f64 = 0.02;

/// States on their way to the eye.
#[derive(Debug, Clone)]
pub(crate) struct Playout<V> {
    kept: VecDeque<(f64, V)>,
    /// When step 0 would have come, over the quickest way.
    origin: Option<f64>,
    jitter_ms: f64,
    newest: u32,
}

impl<V> Playout<V> {
    pub(crate) fn new() -> Playout<V> {
        Playout { kept: VecDeque::new(), origin: None, jitter_ms: 0.0, newest: 0 }
    }

    /// The stream begins anew: after a pause or on a new connection.
    pub(crate) fn reset(&mut self) {
        *self = Playout::new();
    }

    /// A state came that is `step` steps of `step_ms` old from the beginning of the match.
    pub(crate) fn came(&mut self, now: f64, step: u32, step_ms: f64, view: V) {
        if let (Some((_, last)), true) = (self.kept.back_mut(), step == self.newest) {
            *last = view; // no step was made: it says nothing about the way
            return;
        }
        self.newest = step;
        let offset = now - f64::from(step) * step_ms;
        let origin = self.origin.map_or(offset, |origin| (origin + (offset - origin) * FORGETTING).min(offset));
        self.origin = Some(origin);
        self.jitter_ms += (offset - origin - self.jitter_ms) / 8.0;
        let delay = if self.jitter_ms < IGNORED_JITTER_MS { 0.0 } else { (self.jitter_ms * 2.0).min(MAX_DELAY_MS) };
        let due = origin + f64::from(step) * step_ms + delay;
        // Of what is due already, the newest is enough.
        while self.kept.get(1).is_some_and(|(due, _)| *due <= now) || self.kept.len() >= MAX_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back((due, view));
    }

    /// The state to show now.
    pub(crate) fn shown(&self, now: f64) -> Option<&V> {
        let due = self.kept.iter().rev().find(|(due, _)| *due <= now);
        due.or_else(|| self.kept.front()).map(|(_, view)| view)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of 50 ms that come with these delays, in turn: when each was shown, looked at every 2 ms.
    fn shown_at(delays: &[f64], steps: u32) -> Vec<f64> {
        let mut playout = Playout::new();
        let mut times = vec![0.0; steps as usize];
        let mut arrivals: Vec<(f64, u32)> = Vec::new();
        let mut last = 0.0_f64;
        for step in 0..steps {
            // TCP: late, never out of order.
            last = last.max(f64::from(step) * 50.0 + delays[step as usize % delays.len()]);
            arrivals.push((last, step));
        }
        let mut arrivals = arrivals.into_iter().peekable();
        let mut before = None;
        for millis in 0..steps * 25 + 200 {
            let now = f64::from(millis) * 2.0;
            while let Some((_, step)) = arrivals.next_if(|(at, _)| *at <= now) {
                playout.came(now, step, 50.0, step);
            }
            let shown = playout.shown(now).copied();
            if shown != before {
                times[shown.unwrap_or_default() as usize] = now;
                before = shown;
            }
        }
        times
    }

    fn unevenness(times: &[f64]) -> f64 {
        let times: Vec<f64> = times.iter().copied().filter(|&at| at > 0.0).collect();
        times.windows(2).map(|pair| (pair[1] - pair[0] - 50.0).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn even_arrivals_are_shown_at_once() {
        let times = shown_at(&[20.0], 40);
        assert!(times[10..].iter().enumerate().all(|(at, time)| (time - (at as f64 + 10.0) * 50.0 - 20.0).abs() < 3.0));
    }

    #[test]
    fn uneven_arrivals_are_shown_evenly() {
        let delays = [20.0, 45.0, 25.0, 38.0, 21.0, 44.0, 30.0];
        let times = shown_at(&delays, 120);
        assert!(unevenness(&times[40..]) < 14.0, "{}", unevenness(&times[40..]));
        assert!(unevenness(&delays) >= 20.0);
    }

    #[test]
    fn of_a_burst_the_newest_is_shown() {
        let mut playout = Playout::new();
        (0..10).for_each(|step| playout.came(f64::from(step) * 50.0, step, 50.0, step));
        (10..20).for_each(|step| playout.came(1_000.0, step, 50.0, step));
        assert!(*playout.shown(1_000.0).unwrap() >= 15, "{:?}", playout.shown(1_000.0));
        assert_eq!(playout.shown(1_400.0), Some(&19));
    }
}
