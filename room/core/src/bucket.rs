//! A token bucket.

use std::time::Duration;

use crate::Time;

/// Allows so many a second in the long run and so many at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    per_second: u32,
    burst: u32,
    /// Millionths of what is left.
    left_micros: u64,
    at: Time,
}

impl Bucket {
    pub(crate) fn new(now: Time, per_second: u32, burst: u32) -> Bucket {
        Bucket { per_second, burst, left_micros: u64::from(burst) * 1_000_000, at: now }
    }

    /// Allows once, above the burst, what may come in `time`.
    pub(crate) fn grant(&mut self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.left_micros = self.left_micros.saturating_add(time.saturating_mul(u64::from(self.per_second)));
    }

    /// Takes `count`, or says that there are not so many.
    pub(crate) fn take(&mut self, now: Time, count: u32) -> bool {
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        self.at = self.at.max(now);
        // What was granted may be more than a burst, and gets no more.
        let most = self.left_micros.max(u64::from(self.burst) * 1_000_000);
        self.left_micros = self.left_micros.saturating_add(passed.saturating_mul(u64::from(self.per_second))).min(most);
        let wanted = u64::from(count) * 1_000_000;
        if self.left_micros < wanted {
            return false;
        }
        self.left_micros -= wanted;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_rate() {
        let mut bucket = Bucket::new(Time(0), 10, 3);
        let taken: Vec<bool> = (0..5).map(|_| bucket.take(Time(0), 1)).collect();
        assert_eq!(taken, [true, true, true, false, false]);
        assert!(!bucket.take(Time(99_999), 1));
        assert!(bucket.take(Time(100_000), 1));
        assert!(bucket.take(Time(60_000_000), 3));
        assert!(!bucket.take(Time(60_000_000), 1));
    }

    #[test]
    fn what_gathered_while_nobody_read_is_allowed_once() {
        let mut bucket = Bucket::new(Time(0), 10, 3);
        bucket.grant(Duration::from_secs(2));
        assert!(bucket.take(Time(9_000_000), 23), "3 as ever, and 20");
        assert!(!bucket.take(Time(9_000_000), 1));
        assert!(!bucket.take(Time(60_000_000), 4), "and then as ever");
    }
}
