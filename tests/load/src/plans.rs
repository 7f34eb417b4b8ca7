//! `cluster/rooms-2000/plan`: what it takes to plan a large fleet.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::time::{Duration, Instant};

use lobby_core::fleet::{Fleet, plan};
use lobby_core::{FleetSettings, RoomId, Time};

/// Plans of each state, of which the median counts: what else the machine does is not the plan's.
const PLANS: usize = 50;

/// The slowest plan of a fleet with so many rooms: nothing to do, all to be let go, all late, all missing.
pub fn slowest(rooms: u32) -> Duration {
    let all = || (0..u64::from(rooms)).map(|room| (Time::from_secs(1), RoomId(room))).collect::<BTreeSet<_>>();
    let target = FleetSettings { min_ready: 0, max_rooms: rooms, ..FleetSettings::new("many", &["snake"]) };
    let ready = Fleet { ready: all(), ready_ours: all(), rooms, ..Fleet::default() };
    let states = [
        Fleet { kept: rooms, ..ready.clone() },
        ready,
        Fleet { starting: all(), rooms, kept: rooms, ..Fleet::default() },
        Fleet { kept: rooms, ..Fleet::default() },
    ];
    states
        .iter()
        .map(|fleet| median(|| plan(black_box(&target), black_box(fleet), Time::from_secs(10_000))))
        .max()
        .unwrap_or_default()
}

fn median<T>(mut work: impl FnMut() -> T) -> Duration {
    let mut once = || {
        let begun = Instant::now();
        black_box(work());
        begun.elapsed()
    };
    let mut took: Vec<_> = (0..PLANS).map(|_| once()).collect();
    took.sort_unstable();
    took[PLANS / 2]
}
