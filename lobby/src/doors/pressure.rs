//! Whether one more new ticket helps anybody.
//!
//! A lobby that takes in more than it can answer answers everybody late. So the doors watch how long new tickets take from
//! the call to the first news, and when even the quickest of an interval took too long, they refuse a growing share of
//! the next ones before any work is done for them; who is refused is told when to come back. The quickest, because a
//! burst makes many wait for a moment and means nothing; a queue that stands makes all wait (the idea of CoDel,
//! RFC 8289).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the first news may take before new tickets are too many: well above a slow disk's commit.
const TARGET: Duration = Duration::from_millis(60);
/// So few may wait for their first news however slow the disk is: they are no load.
const FEW: u32 = 256;
/// How often it is judged.
const INTERVAL: Duration = Duration::from_millis(50);
/// By how much more are refused after a bad interval, and fewer after a good one.
const MORE: f32 = 0.08;
const FEWER: f32 = 0.02;
/// Some are always taken in, or nobody would notice that it is over.
const MOST: f32 = 0.95;

/// Judges by the quickest.
#[derive(Debug)]
pub(crate) struct Pressure(Mutex<Judged>);

#[derive(Debug)]
struct Judged {
    until: Instant,
    quickest: Option<Duration>,
    /// Taken in and not answered yet.
    unanswered: u32,
    refused: f32,
    /// Grows by the share of each newcomer; one is refused whenever it is whole.
    owed: f32,
}

impl Pressure {
    pub(crate) fn new(now: Instant) -> Pressure {
        Pressure(Mutex::new(Judged { until: now + INTERVAL, quickest: None, unanswered: 0, refused: 0.0, owed: 0.0 }))
    }

    /// Whether to take in a new ticket that comes now.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        self.with(now, |judged| {
            judged.owed += judged.refused;
            let refuse = judged.owed >= 1.0;
            judged.owed -= f32::from(u8::from(refuse));
            !refuse
        })
    }

    /// A ticket is taken in. To be dropped when its first news have come, or it is given up.
    pub(crate) fn taken_in(&self) -> TakenIn<'_> {
        let since = Instant::now();
        self.begin(since);
        TakenIn { pressure: self, since }
    }

    fn begin(&self, now: Instant) {
        self.with(now, |judged| judged.unanswered += 1);
    }

    fn end(&self, since: Instant, now: Instant) {
        self.with(now, |judged| {
            judged.unanswered = judged.unanswered.saturating_sub(1);
            let took = now.saturating_duration_since(since);
            judged.quickest = Some(judged.quickest.map_or(took, |quickest| quickest.min(took)));
        });
    }

    fn with<T>(&self, now: Instant, ask: impl FnOnce(&mut Judged) -> T) -> T {
        let mut judged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now >= judged.until {
            judged.judge(now);
        }
        ask(&mut judged)
    }
}

/// A ticket whose first news have yet to come.
pub(crate) struct TakenIn<'a> {
    pressure: &'a Pressure,
    since: Instant,
}

impl Drop for TakenIn<'_> {
    fn drop(&mut self) {
        self.pressure.end(self.since, Instant::now());
    }
}

impl Judged {
    fn judge(&mut self, now: Instant) {
        // Without any answer, it stands still.
        let bad = self.unanswered > FEW && self.quickest.is_none_or(|quickest| quickest > TARGET);
        self.refused = if bad { (self.refused + MORE).min(MOST) } else { (self.refused - FEWER).max(0.0) };
        if now.saturating_duration_since(self.until) > INTERVAL * 20 {
            // Nobody came for a second.
            self.refused = 0.0;
        }
        self.quickest = None;
        self.until = now + INTERVAL;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Lets four tickets come each millisecond for `ms`, answered after `took`. How many were refused.
    fn offer(pressure: &Pressure, from: Instant, ms: u64, took: Duration) -> u64 {
        let mut refused = 0;
        let mut waiting = VecDeque::new();
        for index in 0..4 * ms {
            let now = from + Duration::from_micros(250 * index);
            if pressure.admits(now) {
                pressure.begin(now);
                waiting.push_back(now);
            } else {
                refused += 1;
            }
            while let Some(since) = waiting.pop_front_if(|since| *since + took <= now) {
                pressure.end(since, now);
            }
        }
        waiting.into_iter().for_each(|since| pressure.end(since, since + took));
        refused
    }

    #[test]
    fn nobody_is_refused_while_news_come_quickly() {
        let begin = Instant::now();
        let pressure = Pressure::new(begin);
        assert_eq!(offer(&pressure, begin, 2_000, Duration::from_millis(5)), 0);
    }

    #[test]
    fn a_share_is_refused_while_news_come_late_and_nobody_when_it_is_over() {
        let begin = Instant::now();
        let pressure = Pressure::new(begin);
        let refused = offer(&pressure, begin, 2_000, TARGET * 3);
        assert!((3_000..7_000).contains(&refused), "{refused} of 8,000 were refused");
        let later = begin + Duration::from_secs(2);
        offer(&pressure, later, 5_000, Duration::from_millis(5));
        let calm = later + Duration::from_secs(5);
        assert_eq!(offer(&pressure, calm, 1_000, Duration::from_millis(5)), 0, "it is over");
    }

    #[test]
    fn a_slow_disk_alone_refuses_nobody() {
        let begin = Instant::now();
        let pressure = Pressure::new(begin);
        for index in 0..1_000 {
            let now = begin + Duration::from_millis(10 * index);
            assert!(pressure.admits(now));
            pressure.begin(now);
            if let Some(since) = now.checked_sub(TARGET * 10).filter(|since| *since >= begin) {
                pressure.end(since, now);
            }
        }
    }

    #[test]
    fn one_slow_answer_among_quick_ones_means_nothing() {
        let begin = Instant::now();
        let pressure = Pressure::new(begin);
        for index in 0..1_000 {
            let now = begin + Duration::from_millis(index);
            assert!(pressure.admits(now));
            pressure.begin(now);
            let took = if index % 2 == 0 { Duration::from_millis(1) } else { TARGET * 10 };
            pressure.end(now.checked_sub(took).unwrap_or(now), now);
        }
    }
}
