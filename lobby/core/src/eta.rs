//! How long one waits: a histogram of recent waits, newer ones counting more.

use std::time::Duration;

use crate::effect::EtaView;

/// Four classes per doubling, from 1 ms to 2^15 s.
const CLASSES: usize = 100;
/// Waits counted before all counts are halved: estimates follow the last few hundred players.
const MEMORY: f32 = 512.0;
/// Waits seen before anything is said.
const ENOUGH: f32 = 3.0;

/// Waits after which the estimate is made anew.
const REFRESH: u32 = 16;

/// The waits of one queue.
#[derive(Debug)]
pub(crate) struct Eta {
    counts: [f32; CLASSES],
    total: f32,
    /// As of a few waits ago: it is asked for more often than it changes.
    view: EtaView,
    stale: u32,
}

fn class(wait: Duration) -> usize {
    let micros = wait.as_micros().max(1_000) as u64;
    let millis = micros / 1_000;
    let doublings = millis.ilog2();
    // The quarter by the two bits below the highest one.
    let quarter = if doublings >= 2 { (millis >> (doublings - 2)) & 3 } else { (millis << (2 - doublings)) & 3 };
    ((doublings * 4) as usize + quarter as usize).min(CLASSES - 1)
}

/// The upper end of a class.
fn upper(class: usize) -> Duration {
    let base = 1u64 << (class / 4);
    Duration::from_micros(base * 1_000 + base * 250 * (class as u64 % 4 + 1))
}

impl Eta {
    pub(crate) fn new() -> Self {
        Self { counts: [0.0; CLASSES], total: 0.0, view: EtaView::default(), stale: 0 }
    }

    /// Somebody was matched after this wait.
    pub(crate) fn waited(&mut self, wait: Duration) {
        self.counts[class(wait)] += 1.0;
        self.total += 1.0;
        if self.total > MEMORY {
            self.counts.iter_mut().for_each(|count| *count *= 0.5);
            self.total *= 0.5;
        }
        self.stale += 1;
        if self.total < 2.0 * ENOUGH || self.stale >= REFRESH {
            self.stale = 0;
            self.view = EtaView { p50: self.quantile(0.5), p90: self.quantile(0.9) };
        }
    }

    fn quantile(&self, share: f32) -> Option<Duration> {
        if self.total < ENOUGH {
            return None;
        }
        let mut below = 0.0;
        for (class, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= share * self.total {
                return Some(upper(class));
            }
        }
        None
    }

    pub(crate) fn view(&self) -> EtaView {
        self.view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_falls_into_them() {
        for millis in [1u64, 2, 3, 5, 8, 100, 999, 1_000, 2_500, 60_000, 3_600_000] {
            let wait = Duration::from_millis(millis);
            let upper = upper(class(wait));
            assert!(upper >= wait && upper <= wait.mul_f64(1.51) + Duration::from_millis(1), "{wait:?} in {upper:?}");
        }
    }

    #[test]
    fn quantiles_follow_the_waits() {
        let mut eta = Eta::new();
        assert_eq!(eta.view(), EtaView::default());
        for n in 1..=100 {
            eta.waited(Duration::from_millis(n * 10));
        }
        let view = eta.view();
        let (p50, p90) = (view.p50.unwrap(), view.p90.unwrap());
        assert!(p50 >= Duration::from_millis(400) && p50 <= Duration::from_millis(650), "{p50:?}");
        assert!(p90 >= Duration::from_millis(750) && p90 <= Duration::from_millis(1_100), "{p90:?}");
    }
}
