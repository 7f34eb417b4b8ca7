//! What step it is: in the newest state that can be here, for the player, and for what is shown of the others.

/// How fast the quickest way is forgotten, per state: clocks drift, and a room may have dropped steps.
const FORGETTING: f64 = 0.01;
/// The round trip assumed before one was measured.
const ASSUMED_PING_MS: f64 = 100.0;
/// An input arrives at least so many steps before its own: a browser acts between steps.
const AIR_STEPS: f64 = 1.5;
/// Longest time the others are held back for unevenness.
const MAX_DELAY_MS: f64 = 120.0;
/// A clock that is farther off than this jumps, instead of going faster or slower.
const JUMP_STEPS: f64 = 30.0;
/// By how much a clock goes faster or slower for each step it is off, and at most.
const HASTE: f64 = 0.03;
const MOST_HASTE: f64 = 0.12;

/// The clocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Steps {
    step_ms: f64,
    /// When step 0 would have come, over the quickest way.
    origin: Option<f64>,
    /// How much later than that states come, in the mean.
    jitter_ms: f64,
    /// Steps between two states.
    every: f64,
    newest: u32,
    at: f64,
    own: Option<f64>,
    others: Option<f64>,
}

impl Steps {
    pub(crate) fn new() -> Steps {
        Steps { step_ms: 1_000.0, every: 1.0, ..Steps::default() }
    }

    /// A state came.
    pub(crate) fn came(&mut self, now: f64, tick: u32, rate_hz: u32) {
        if self.origin.is_some() && tick <= self.newest {
            return; // no step was made: it says nothing about the way
        }
        self.step_ms = 1_000.0 / f64::from(rate_hz.max(1));
        if self.origin.is_some() {
            self.every += (f64::from(tick - self.newest).min(12.0) - self.every) / 8.0;
        }
        self.newest = tick;
        let offset = now - f64::from(tick) * self.step_ms;
        let origin = self.origin.map_or(offset, |origin| (origin + (offset - origin) * FORGETTING).min(offset));
        self.origin = Some(origin);
        self.jitter_ms += (offset - origin - self.jitter_ms) / 8.0;
    }

    /// Time passed.
    pub(crate) fn pass(&mut self, now: f64, ping_ms: Option<f64>) {
        let Some(origin) = self.origin else { return };
        let passed = ((now - self.at) / self.step_ms).max(0.0);
        self.at = self.at.max(now);
        let fresh = (now - origin) / self.step_ms;
        let steps = |ms: f64| ms / self.step_ms;
        let own = fresh + steps(ping_ms.unwrap_or(ASSUMED_PING_MS)) + AIR_STEPS;
        let others = fresh - self.every - steps((self.jitter_ms * 2.0).min(MAX_DELAY_MS));
        let follow = |clock: Option<f64>, wanted: f64| match clock {
            Some(clock) if (wanted - clock).abs() <= JUMP_STEPS => {
                let off = wanted - clock - passed;
                Some(clock + passed * (1.0 + (off * HASTE).clamp(-MOST_HASTE, MOST_HASTE)))
            }
            Some(_) | None => Some(wanted),
        };
        self.own = follow(self.own, own);
        self.others = follow(self.others, others);
    }

    /// The player's own time, in steps.
    pub(crate) fn own(&self) -> f64 {
        self.own.unwrap_or_default().max(0.0)
    }

    /// The time at which the others are shown.
    pub(crate) fn others(&self) -> f64 {
        self.others.unwrap_or_default().max(0.0)
    }

    /// The step an input is for that is made now, and how many steps before it the others are shown.
    pub(crate) fn meant(&self) -> (u32, u32) {
        let at = self.own() as u32 + 1;
        (at, at.saturating_sub(self.others().round() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_keep_their_distance_and_never_run_back() {
        let mut steps = Steps::new();
        let (mut before, mut last) = ((0.0, 0.0), 0.0_f64);
        for millis in 0..20_000_u32 {
            let now = f64::from(millis);
            // A state every 50 ms, 75 ms on the way, now and then 40 more; never out of order.
            if millis % 50 == 0 {
                let late = if (millis / 50) % 7 == 3 { 40.0 } else { 0.0 };
                last = last.max(now + 75.0 + late);
                steps.came(last, millis * 60 / 1_000, 60);
            }
            steps.pass(now + 75.0, Some(150.0));
            assert!(steps.own() >= before.0 && steps.others() >= before.1, "{millis}");
            before = (steps.own(), steps.others());
        }
        // The newest state that can be here is of step 1,200.
        assert!((steps.own() - 1_210.5).abs() < 1.5, "{}", steps.own());
        assert!((1_190.0..1_197.0).contains(&steps.others()), "{}", steps.others());
    }
}
