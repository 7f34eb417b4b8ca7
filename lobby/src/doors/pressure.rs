//! Whether one more new ticket helps anybody.
//!
//! A lobby that takes in more than it can answer answers everybody late. So the doors watch how long new tickets take from
//! the call to the first news. When even the quickest of an interval took too long, a queue stands: from then on only as
//! many may wait for their first news as are answered within the time such news may take, and the others are refused
//! before any work is done for them, and told when to come back. The quickest, because a burst makes many wait for a
//! moment and means nothing, while a queue that stands makes all wait (the idea of CoDel, RFC 8289); a limit on those
//! who wait, because it never refuses so many that the lobby has nothing to do (Little's law).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the first news may take before new tickets are too many: well above a slow disk's commit.
const TARGET: Duration = Duration::from_millis(60);
/// So few may wait for their first news however slow the disk is: they are no load.
const FEW: u32 = 256;
/// How often it is judged.
const INTERVAL: Duration = Duration::from_millis(50);
/// How much an interval counts in the pace of answers.
const NEWEST: f32 = 0.2;
/// Intervals without a refusal after which it is over.
const CALM: u32 = 20;

/// Judges by the quickest, refuses by the number.
#[derive(Debug)]
pub(crate) struct Pressure(Mutex<Judged>);

#[derive(Debug)]
struct Judged {
    until: Instant,
    quickest: Option<Duration>,
    /// Taken in and not answered yet.
    unanswered: u32,
    /// Answered in this interval, and in each of late.
    answered: u32,
    pace: f32,
    /// How many may be unanswered, while a queue stands.
    limit: Option<u32>,
    /// Intervals since one was last refused.
    calm: u32,
}

impl Pressure {
    pub(crate) fn new(now: Instant) -> Pressure {
        Pressure(Mutex::new(Judged {
            until: now + INTERVAL,
            quickest: None,
            unanswered: 0,
            answered: 0,
            pace: 0.0,
            limit: None,
            calm: 0,
        }))
    }

    /// Whether to take in a new ticket that comes now.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        self.with(now, |judged| {
            let admits = judged.limit.is_none_or(|limit| judged.unanswered < limit);
            if !admits {
                judged.calm = 0;
            }
            admits
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
            judged.answered += 1;
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
        // More than one, if nobody came for a while.
        let intervals = 1.0 + now.saturating_duration_since(self.until).as_secs_f32() / INTERVAL.as_secs_f32();
        let pace = self.answered as f32 / intervals;
        self.pace += (pace - self.pace) * (NEWEST * intervals).min(1.0);
        self.calm = self.calm.saturating_add(intervals as u32);
        // Without any answer, it stands still.
        let stands = self.unanswered > FEW && self.quickest.is_none_or(|quickest| quickest > TARGET);
        if stands || (self.limit.is_some() && self.calm < CALM) {
            let within_target = self.pace * (TARGET.as_secs_f32() / INTERVAL.as_secs_f32());
            self.limit = Some((within_target as u32).max(FEW));
        } else {
            self.limit = None;
        }
        self.quickest = None;
        self.answered = 0;
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
    fn twice_the_load_costs_no_work_and_little_wait() {
        /// What is answered each millisecond, in the order of coming.
        const CAPACITY: usize = 10;
        let begin = Instant::now();
        let pressure = Pressure::new(begin);
        let mut queue = VecDeque::new();
        let (mut served, mut longest) = (0, Duration::ZERO);
        for ms in 0..10_000 {
            let now = begin + Duration::from_millis(ms);
            for _ in 0..2 * CAPACITY {
                if pressure.admits(now) {
                    pressure.begin(now);
                    queue.push_back(now);
                }
            }
            for since in queue.drain(..CAPACITY.min(queue.len())) {
                pressure.end(since, now);
                if ms > 1_000 {
                    served += 1;
                    longest = longest.max(now - since);
                }
            }
        }
        assert!(served >= 8_999 * CAPACITY, "{served} of {} were served", 8_999 * CAPACITY);
        assert!(longest <= TARGET * 2, "somebody waited {longest:?}");
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
