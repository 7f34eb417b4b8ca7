//! How fast and how evenly things arrive, and what time it is in the match.

/// What of a new round trip goes into the smoothed one.
const SMOOTHING: f64 = 0.125;

/// Round trip, jitter and the match's clock, from pongs and frames.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pace {
    pub(crate) ping_ms: Option<f64>,
    pub(crate) jitter_ms: f64,
    best_ms: Option<f64>,
    last_frame: Option<(f64, u32)>,
    /// The match's time, and when it was that.
    clock: Option<(u64, f64)>,
    running: bool,
}

impl Pace {
    /// The room said what time it is, in a message that may have travelled for half of `round_trip`.
    pub(crate) fn clock(&mut self, now: f64, match_ms: u64, running: bool, round_trip: Option<f64>) {
        if let Some(round_trip) = round_trip {
            let smooth = self.ping_ms.map_or(round_trip, |ping| ping + (round_trip - ping) * SMOOTHING);
            self.ping_ms = Some(smooth);
            // The quickest answer tells the time best; a slower one only after the match stood still or began.
            let best = self.best_ms.is_none_or(|best| round_trip <= best + 2.0);
            self.best_ms = Some(self.best_ms.map_or(round_trip, |best| best.min(round_trip)));
            if !best && running == self.running {
                return;
            }
        }
        let travelled = round_trip.or(self.ping_ms).unwrap_or_default() / 2.0;
        self.clock = Some((match_ms, now - if running { travelled } else { 0.0 }));
        self.running = running;
    }

    /// The match's time now.
    pub(crate) fn match_ms(&self, now: f64) -> u64 {
        match self.clock {
            Some((ms, at)) if self.running => ms + (now - at).max(0.0) as u64,
            Some((ms, _)) => ms,
            None => 0,
        }
    }

    /// Whether the match's time passes.
    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    /// A state frame came.
    pub(crate) fn frame(&mut self, now: f64, tick: u32, rate_hz: u32) {
        if let (Some((at, before)), true) = (self.last_frame, rate_hz > 0) {
            let expected = f64::from(tick.saturating_sub(before)) * 1_000.0 / f64::from(rate_hz);
            let off = (now - at - expected).abs();
            self.jitter_ms += (off - self.jitter_ms) * SMOOTHING;
        }
        self.last_frame = Some((now, tick));
    }

    /// How old the newest state is.
    pub(crate) fn age_ms(&self, now: f64) -> f64 {
        self.last_frame.map_or(0.0, |(at, _)| (now - at).max(0.0))
    }

    /// A new connection: what was measured on the old one says nothing about it.
    pub(crate) fn reset(&mut self) {
        *self = Pace { clock: self.clock, running: self.running, ..Pace::default() };
    }
}
