//! How many arrive, and of which rating: what a window is opened by where no width is set.

use crate::settings::Window;
use crate::time::Time;

/// Rating points per group.
const GROUP: f32 = 64.0;
/// The first group's rating; 256 groups reach to 12,288.
const LOWEST: f32 = -4096.0;
const GROUPS: usize = 256;
/// Arrivals counted before all counts are halved.
const MEMORY: f32 = 2048.0;
/// Arrivals the rate is taken over, before they are halved.
const RATE_MEMORY: f64 = 256.0;
/// Seconds: a longer pause says no more about the rate than this.
const PAUSE: f64 = 10.0;
/// A window opens to this share of the gap that would be expected after the target wait, and grows by this share of it in each
/// further target wait: the least gap for the wait, found by `matchmaker/quality`.
const OPENING: f32 = 0.65;
const GROWTH: f32 = 0.2;
/// Rating points: narrower is noise, wider is anybody.
const NARROWEST: f32 = 1.0;
const WIDEST: f32 = 400.0;
/// Before anything is known: points, and points per second.
const UNKNOWN: (f32, f32) = (50.0, 25.0);

/// Counts of arrivals by rating, and their rate.
#[derive(Debug)]
pub(super) struct Density {
    counts: [f32; GROUPS],
    total: f32,
    /// Recent arrivals, and the seconds they took.
    recent: f64,
    seconds: f64,
    last: Option<Time>,
}

fn group(rating: f32) -> usize {
    (((rating - LOWEST) / GROUP) as usize).min(GROUPS - 1)
}

impl Density {
    pub(super) fn new() -> Self {
        Self { counts: [0.0; GROUPS], total: 0.0, recent: 0.0, seconds: 0.0, last: None }
    }

    /// Somebody arrived.
    pub(super) fn arrived(&mut self, now: Time, rating: f32) {
        self.counts[group(rating)] += 1.0;
        self.total += 1.0;
        if self.total > MEMORY {
            self.counts.iter_mut().for_each(|count| *count *= 0.5);
            self.total *= 0.5;
        }
        if let Some(last) = self.last {
            self.recent += 1.0;
            self.seconds += now.seconds_since(last).min(PAUSE);
            if self.recent > RATE_MEMORY {
                self.recent *= 0.5;
                self.seconds *= 0.5;
            }
        }
        self.last = Some(now);
    }

    /// Width at first and points per second, for somebody of this rating.
    pub(super) fn window(&self, window: &Window, rating: f32) -> (f32, f32) {
        if let Some(start) = window.start {
            return (start, window.step);
        }
        if self.recent < 32.0 || self.seconds <= 0.0 {
            return (UNKNOWN.0, window.step.max(UNKNOWN.1));
        }
        let middle = group(rating);
        let near = &self.counts[middle.saturating_sub(1)..(middle + 2).min(GROUPS)];
        // Half an arrival more than counted: nowhere is nobody.
        let share = (near.iter().sum::<f32>() + 0.5) / (self.total * near.len() as f32 * GROUP);
        let per_second_and_point = (self.recent / self.seconds) as f32 * share;
        let target = window.target_wait.as_secs_f32();
        // So many points around hold one arrival within the target wait.
        let expected = 0.5 / (per_second_and_point * target);
        let start = (expected * OPENING).clamp(NARROWEST, WIDEST);
        (start, (expected * GROWTH / target).clamp(0.05, WIDEST))
    }
}
