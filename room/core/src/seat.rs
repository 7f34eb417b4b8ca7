//! A seat: Reserved, Live, Dropped, Left.

use bellhop_game::Who;
use bellhop_wire::{Presence, RosterEntry};

use crate::{ConnId, SeatSpec, SeatStatus, Time};

/// One seat of the match that runs.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) spec: SeatSpec,
    pub(crate) phase: SeatPhase,
    /// Whether the game was told of this player.
    pub(crate) joined: bool,
    /// The resume tokens that open it: the newest, and the one before until the newest was used.
    pub(crate) resume: [Option<u64>; 2],
    /// Commands dealt with.
    pub(crate) commands_done: u64,
    /// Events its last connection is known to have been told.
    pub(crate) events_seen: u64,
}

/// Where a seat is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SeatPhase {
    /// Waits for its player, until then.
    Reserved { until: Time },
    /// Connected.
    Live { conn: ConnId },
    /// Lost its connection; held until then.
    Dropped { until: Time },
    /// Gone for good.
    Left,
}

impl Seat {
    pub(crate) fn new(spec: SeatSpec, until: Time) -> Seat {
        Seat {
            spec,
            phase: SeatPhase::Reserved { until },
            joined: false,
            resume: [None; 2],
            commands_done: 0,
            events_seen: 0,
        }
    }

    pub(crate) fn presence(&self) -> Presence {
        match self.phase {
            SeatPhase::Reserved { .. } => Presence::Reserved,
            SeatPhase::Live { .. } => Presence::Live,
            SeatPhase::Dropped { .. } => Presence::Dropped,
            SeatPhase::Left => Presence::Left,
        }
    }

    /// When it is given up unless something happens.
    pub(crate) fn until(&self) -> Option<Time> {
        match self.phase {
            SeatPhase::Reserved { until } | SeatPhase::Dropped { until } => Some(until),
            SeatPhase::Live { .. } | SeatPhase::Left => None,
        }
    }

    pub(crate) fn status(&self) -> SeatStatus {
        SeatStatus { seat: self.spec.seat, player: self.spec.player.clone(), presence: self.presence() }
    }

    pub(crate) fn roster(&self) -> RosterEntry {
        RosterEntry {
            seat: self.spec.seat,
            name: self.spec.name.clone(),
            tag: self.spec.tag.clone(),
            presence: self.presence(),
            team: self.spec.team,
        }
    }

    pub(crate) fn who(&self) -> Who {
        Who { name: self.spec.name.clone(), team: self.spec.team }
    }

    /// Hands out a new resume token. The one that was used, or the newest so far, stays valid until the new one was
    /// used.
    pub(crate) fn rotate(&mut self, used: Option<u64>, fresh: u64) {
        self.resume = [Some(fresh), used.or(self.resume[0])];
    }
}
