//! A room that stood still, with the machine or alone: nobody pays for what it did not hear.

use std::time::Duration;

use crate::playing::Playing;
use crate::seat::SeatPhase;
use crate::{Time, limits};

impl Playing {
    /// It is so late now. To be called before anything else that happens now.
    pub(crate) fn pass(&mut self, now: Time) {
        let late = |asked: Time| Some(now.since(asked)).filter(|late| *late > limits::STALL);
        if late(self.seen).is_some()
            && let Some(stood) = late(self.deadline().map_or(self.seen, |due| due.max(self.seen)))
        {
            self.stood_still(stood);
        }
        self.seen = self.seen.max(now);
    }

    /// Everybody has as long as he had before. Steps that were not made are dropped where steps are made; in a game without
    /// steps the match's time stood still, too. Only the end of a drain stays where it is: others wait for that.
    fn stood_still(&mut self, stood: Duration) {
        for conn in self.conns.values_mut().chain(self.watchers.conns_mut().map(|(_, conn)| conn)) {
            conn.put_off(stood);
        }
        for seat in self.seats.values_mut() {
            match &mut seat.phase {
                SeatPhase::Reserved { until } | SeatPhase::Dropped { until } => *until = until.plus(stood),
                SeatPhase::Live { .. } | SeatPhase::Left => {}
            }
        }
        if self.rules.rate_hz == 0 {
            self.clock.put_off(stood);
        }
        for due in self.first_live.iter_mut().chain(&mut self.unkept_until).chain(self.chat.dues_mut()) {
            *due = due.plus(stood);
        }
    }
}
