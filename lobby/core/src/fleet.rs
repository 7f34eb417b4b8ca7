//! How many rooms there should be: what would bring the rooms we see to the rooms we want.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ids::RoomId;
use crate::settings::FleetSettings;
use crate::time::Time;

/// Rooms that start at once, at most: more only slow each other down.
pub const STARTING_AT_ONCE: u32 = 16;

/// A fleet as it is seen: what [`plan`] looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fleet {
    /// Rooms that were started and have not attached yet, oldest first.
    pub starting: BTreeSet<(Time, RoomId)>,
    /// Rooms free for a match, the one idle for longest first.
    pub ready: BTreeSet<(Time, RoomId)>,
    /// Those of them that the lobby started. Others came by themselves and stay as long as they like.
    pub ready_ours: BTreeSet<(Time, RoomId)>,
    /// Rooms that were free when their stream broke, or the lobby with it: they attach again, or are given up for silent.
    pub away: u32,
    /// All its rooms that may still become or are free, play or wait for an answer: without those on their way out.
    pub rooms: u32,
    /// Rooms on their way out. They still count against the limit: they are still there.
    pub leaving: u32,
    /// Matches that look for a room.
    pub homeless: u32,
    /// Matches formed per second.
    pub matches_per_second: f64,
    /// What a room takes from its start until it is ready.
    pub cold_start: Duration,
    /// Starts that failed within the breaker's window: how many, and the oldest one.
    pub failures: (u32, Time),
    /// The least number of rooms to keep, needed or not.
    pub kept: u32,
    /// The end of our last stall: what a room did until then we could not hear.
    pub woke: Time,
}

/// What is to be done about a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a new room.
    Start,
    /// This room is free and not needed: let it go.
    Drain(RoomId),
    /// This room has not attached in time: see to it that it is no more.
    GiveUp(RoomId),
}

impl Fleet {
    /// Rooms wanted beyond those in use: the warm buffer, those who look for one, what will arrive during a cold start,
    /// and what is missing to the number that is kept anyway.
    pub fn wanted_free(&self, target: &FleetSettings) -> u32 {
        let forecast = self.matches_per_second * self.cold_start.as_secs_f64();
        // A forecast below half a room is noise.
        let forecast = if forecast < 0.5 { 0 } else { forecast.ceil().min(1e6) as u32 };
        let kept = self.kept.saturating_sub(self.used());
        self.homeless.saturating_add(target.min_ready.max(forecast)).max(kept)
    }

    /// Rooms wanted in all.
    pub fn desired(&self, target: &FleetSettings) -> u32 {
        self.used().saturating_add(self.wanted_free(target)).min(target.max_rooms)
    }

    /// Rooms that play, or wait for an answer.
    fn used(&self) -> u32 {
        self.rooms.saturating_sub((self.starting.len() + self.ready.len()) as u32 + self.away)
    }

    /// The circuit breaker is open: too many starts failed. Until when.
    pub fn stopped_until(&self, target: &FleetSettings, now: Time) -> Option<Time> {
        let until = self.failures.1 + target.breaker_window;
        (target.breaker_failures > 0 && self.failures.0 >= target.breaker_failures && now < until).then_some(until)
    }

    /// When a plan may change although nothing happened.
    pub fn deadline(&self, target: &FleetSettings, now: Time) -> Time {
        let late = self.starting.first().map_or(Time::MAX, |&(since, _)| since.max(self.woke) + target.start_timeout);
        let surplus = self.ready.len() as u32 > self.wanted_free(target).min(target.max_rooms);
        let idle = self
            .ready_ours
            .first()
            .filter(|_| surplus)
            .map_or(Time::MAX, |&(since, _)| since + target.scale_down_after);
        let again = self.stopped_until(target, now).unwrap_or(Time::MAX);
        late.min(idle).min(again)
    }
}

/// What would bring the rooms we see to the rooms we want.
///
/// Looks only at state, never at what changed; applied and seen again, the next plan is empty. It lets go only free rooms
/// that the lobby started.
pub fn plan(target: &FleetSettings, fleet: &Fleet, now: Time) -> Vec<Action> {
    let mut actions = Vec::new();
    let in_time = |since: Time| now.since(since.max(fleet.woke)) < target.start_timeout;
    let late = fleet.starting.iter().take_while(|(since, _)| !in_time(*since));
    actions.extend(late.map(|&(_, room)| Action::GiveUp(room)));
    let given_up = actions.len() as u32;
    let (starting, ready) = (fleet.starting.len() as u32 - given_up, fleet.ready.len() as u32);
    let rooms = fleet.rooms.saturating_sub(given_up);
    let wanted = fleet.wanted_free(target);

    // Nobody who waits for a room is made to wait for one that may not come back.
    let missing =
        wanted.saturating_sub(starting + ready + fleet.away).max(fleet.homeless.saturating_sub(starting + ready));
    let allowed = target.max_rooms.saturating_sub(rooms + fleet.leaving);
    let at_once = STARTING_AT_ONCE.saturating_sub(starting);
    if fleet.stopped_until(target, now).is_none() {
        actions.extend((0..missing.min(allowed).min(at_once)).map(|_| Action::Start));
    }

    // Beyond the limit at once; beyond the need only after a while, so that a lull does not cost the next cold start.
    let beyond_limit = rooms.saturating_sub(target.max_rooms);
    let surplus = (starting + ready).saturating_sub(wanted);
    let idle = fleet.ready_ours.iter().enumerate().take_while(|(index, (since, _))| {
        let index = *index as u32;
        index < beyond_limit || (index < surplus && now.since(*since) >= target.scale_down_after)
    });
    actions.extend(idle.map(|(_, &(_, room))| Action::Drain(room)));
    actions
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fleet(starting: u32, ready: u32, playing: u32, homeless: u32) -> Fleet {
        let room = |n: u32| (Time::from_secs(100), RoomId(u64::from(n)));
        Fleet {
            starting: (0..starting).map(room).collect(),
            ready: (1_000..1_000 + ready).map(room).collect(),
            ready_ours: (1_000..1_000 + ready).map(room).collect(),
            rooms: starting + ready + playing,
            homeless,
            cold_start: Duration::from_secs(1),
            ..Fleet::default()
        }
    }

    fn target() -> FleetSettings {
        FleetSettings { min_ready: 2, max_rooms: 10, ..FleetSettings::new("f", &["g"]) }
    }

    #[track_caller]
    fn check(fleet: &Fleet, seconds: u64, expected: &str) {
        let actions = plan(&target(), fleet, Time::from_secs(100 + seconds));
        let text: String = actions
            .iter()
            .map(|action| match action {
                Action::Start => 'S',
                Action::Drain(_) => 'D',
                Action::GiveUp(_) => 'G',
            })
            .collect();
        assert_eq!(text, expected, "{fleet:?}");
    }

    #[test]
    fn the_warm_buffer_is_filled_and_not_overfilled() {
        check(&fleet(0, 0, 0, 0), 0, "SS");
        check(&fleet(1, 0, 0, 0), 0, "S");
        check(&fleet(0, 2, 0, 0), 0, "");
        check(&fleet(0, 2, 3, 0), 1_000, "");
    }

    #[test]
    fn who_waits_for_a_room_is_the_demand() {
        check(&fleet(0, 0, 0, 3), 0, "SSSSS");
        check(&fleet(3, 0, 0, 3), 0, "SS");
    }

    #[test]
    fn a_room_whose_stream_broke_is_awaited_but_not_by_players() {
        check(&Fleet { away: 2, ..fleet(0, 0, 2, 0) }, 0, "");
        check(&Fleet { away: 1, ..fleet(0, 0, 1, 0) }, 0, "S");
        check(&Fleet { away: 2, ..fleet(0, 0, 2, 1) }, 0, "S");
        check(&Fleet { away: 2, kept: 4, ..fleet(0, 0, 4, 0) }, 0, "");
    }

    #[test]
    fn never_more_than_the_limit() {
        check(&fleet(0, 0, 9, 5), 0, "S");
        check(&fleet(0, 0, 10, 5), 0, "");
        check(&Fleet { leaving: 1, ..fleet(0, 0, 9, 5) }, 0, "");
    }

    #[test]
    fn surplus_goes_after_a_while() {
        check(&fleet(0, 5, 0, 0), 29, "");
        check(&fleet(0, 5, 0, 0), 30, "DDD");
        check(&fleet(0, 5, 7, 0), 0, "DD"); // the limit was lowered
        check(&Fleet { ready_ours: BTreeSet::new(), ..fleet(0, 5, 7, 0) }, 99, "");
    }

    #[test]
    fn rooms_that_never_attach_are_given_up_and_replaced() {
        check(&fleet(2, 0, 0, 0), 19, "");
        check(&fleet(2, 0, 0, 0), 20, "GGSS");
    }

    #[test]
    fn a_build_that_crashes_is_stopped_for_a_while() {
        let crashing = Fleet { failures: (5, Time::from_secs(90)), ..fleet(0, 0, 0, 1) };
        check(&crashing, 0, "");
        check(&crashing, 50, "SSS");
        assert_eq!(crashing.deadline(&target(), Time::from_secs(100)), Time::from_secs(150));
    }

    #[test]
    fn the_number_that_is_kept_counts_rooms_in_use() {
        check(&Fleet { kept: 4, ..fleet(0, 2, 0, 0) }, 0, "SS");
        check(&Fleet { kept: 4, ..fleet(0, 2, 2, 0) }, 1_000, "");
        check(&Fleet { kept: 4, ..fleet(0, 5, 1, 0) }, 1_000, "DD");
        check(&Fleet { kept: 99, ..fleet(0, 2, 2, 0) }, 0, "SSSSSS"); // up to the limit
        check(&Fleet { kept: 0, ..fleet(0, 2, 7, 0) }, 1_000, ""); // playing rooms stay
    }

    #[test]
    fn arrivals_during_a_cold_start_are_foreseen() {
        check(&Fleet { matches_per_second: 4.0, ..fleet(0, 2, 0, 0) }, 0, "SS");
        check(&Fleet { matches_per_second: 0.3, ..fleet(0, 2, 0, 0) }, 0, "");
    }

    proptest! {
        /// A plan settles: carried out and seen again, the next one is empty. And none lets go a room that is in use.
        #[test]
        fn a_plan_settles_and_spares_rooms_in_use(
            starting in 0u32..20, ready in 0u32..20, playing in 0u32..20, homeless in 0u32..20, leaving in 0u32..5,
            failures in 0u32..8, rate in 0.0f64..5.0, seconds in 0u64..100, kept in 0u32..20, away in 0u32..20,
        ) {
            let now = Time::from_secs(100 + seconds);
            let playing = playing + away;
            let mut fleet = fleet(starting, ready, playing, homeless);
            fleet.away = away;
            (fleet.leaving, fleet.matches_per_second) = (leaving, rate);
            fleet.failures = (failures, Time::from_secs(95));
            fleet.kept = kept;
            for round in 0..20 {
                let actions = plan(&target(), &fleet, now);
                if actions.is_empty() {
                    break;
                }
                prop_assert!(round < 19, "does not settle: {:?}", actions);
                for (n, action) in (0u64..).zip(actions) {
                    match action {
                        Action::Start => {
                            fleet.starting.insert((now, RoomId(50_000 + 100 * round + n)));
                            fleet.rooms += 1;
                        }
                        Action::Drain(room) => {
                            let free = fleet.ready.iter().find(|(_, id)| *id == room).copied();
                            prop_assert!(free.is_some(), "lets go a room that is not free");
                            fleet.ready.remove(&free.unwrap());
                            fleet.ready_ours.remove(&free.unwrap());
                            fleet.rooms -= 1;
                        }
                        Action::GiveUp(room) => {
                            fleet.starting.retain(|(_, id)| *id != room);
                            fleet.rooms -= 1;
                        }
                    }
                }
                prop_assert!(fleet.rooms + fleet.leaving <= target().max_rooms.max(starting + ready + playing + leaving));
            }
        }
    }
}
