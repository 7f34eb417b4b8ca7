//! How well the match thread keeps its pace.

use std::time::{Duration, Instant};

/// What the last whole second was like.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Pace {
    pub(crate) rate_hz: f32,
    pub(crate) late_p50: Duration,
    pub(crate) late_p99: Duration,
}

/// Measures it.
pub(crate) struct Pacer {
    since: Instant,
    steps: u64,
}

impl Pacer {
    pub(crate) fn new(now: Instant) -> Pacer {
        Pacer { since: now, steps: 0 }
    }

    /// When the second is over.
    pub(crate) fn due(&self) -> Instant {
        self.since + Duration::from_secs(1)
    }

    /// Closes the second and begins the next: so many steps so far, and how late those of this second began.
    pub(crate) fn take(&mut self, now: Instant, steps: u64, mut late: Vec<Duration>) -> Pace {
        let took = now.saturating_duration_since(self.since).as_secs_f32();
        late.sort_unstable();
        let pace = Pace {
            rate_hz: if took > 0.0 { steps.saturating_sub(self.steps) as f32 / took } else { 0.0 },
            late_p50: percentile(&late, 50),
            late_p99: percentile(&late, 99),
        };
        self.since = now;
        self.steps = steps;
        pace
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * percent).div_ceil(100)).copied().unwrap_or_default()
}

/// Memory of this process in bytes.
pub(crate) fn rss_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let resident = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    resident.unwrap_or_default() * rustix::param::page_size() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_summed_up() {
        let start = Instant::now();
        let mut pacer = Pacer::new(start);
        let late = (1..=100).rev().map(Duration::from_micros).collect();
        let pace = pacer.take(start + Duration::from_secs(2), 20, late);
        assert_eq!(pace.rate_hz, 10.0);
        assert_eq!((pace.late_p50.as_micros(), pace.late_p99.as_micros()), (51, 100));
        assert_eq!(pacer.take(start + Duration::from_secs(3), 20, Vec::new()), Pace::default());
    }

    #[test]
    fn memory_is_known() {
        assert!(rss_bytes() > 1 << 20);
    }
}
