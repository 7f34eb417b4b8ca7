//! A match whose room died goes on in another one, from its journal.
//!
//! The ledger keeps every seat meanwhile: nobody goes back into a queue. The new room gets a new epoch, so that a room
//! that was only silent, and comes back, hosts the match no more: what it reports and what it sends as a result is of an
//! epoch that is not in force.

use std::time::Duration;

use crate::event::{Event, LostReason, RequeueReason};
use crate::ids::{MatchId, RoomId};
use crate::lobby::{Lobby, Timer};
use crate::state::{Match, MatchPhase};

/// Rooms that one match may ask to go on with it, over its whole life. A match that crashes whatever room runs it must
/// not take down a fleet.
pub const MAX_RECOVERIES: u16 = 4;
/// A match that lost its room has another one within this, or is lost: longer than a process or a pod whose image is
/// there takes to start, and within the time for which a room holds a seat.
pub const RECOVER_WITHIN: Duration = Duration::from_secs(10);
/// A room answers within this when it is to go on with a match: it plays all of it again first. Half of the time above, so
/// that a second room may still be tried.
pub(super) const REPLAY_WITHIN: Duration = Duration::from_secs(5);

impl Lobby {
    /// The shell holds a journal, or does not any more.
    pub(super) fn journal(&mut self, id: MatchId, there: bool) {
        let Some(game) = self.state.match_(id) else { return };
        if there {
            if !game.is_over() {
                self.journals.insert(id);
            }
            return;
        }
        self.journals.remove(&id);
        if let MatchPhase::Moving { placement, reason, .. } = game.phase {
            let (at, epoch) = (self.now, placement.epoch);
            self.decide(Event::PlacementFailed { match_id: id, epoch, at, reason: RequeueReason::Refused });
            self.reclass(placement.room);
            self.cut(id, epoch, reason);
        }
    }

    /// Whether another room may go on with a match that lost its room for this reason.
    pub(super) fn may_recover(&self, game: &Match, reason: LostReason) -> bool {
        let by_accident = match reason {
            LostReason::RoomDied | LostReason::RoomSilent | LostReason::RoomForgot | LostReason::NotReattached => true,
            // Somebody wanted it to end.
            LostReason::Stopped | LostReason::DrainedAway => false,
        };
        by_accident
            && self.journals.contains(&game.id)
            && game.attempts < MAX_RECOVERIES
            && !self.draining.is_some_and(|draining| draining.rooms_too)
    }

    /// A match lost its room and looks for another one.
    pub(super) fn orphan(&mut self, id: MatchId, room: RoomId, epoch: u64, reason: LostReason) {
        self.return_asked(id, RequeueReason::RoomLost);
        self.decide(Event::MatchOrphaned { match_id: id, epoch, at: self.now, reason });
        self.seats_changed(id);
        self.reclass(room);
        self.rehouse(id);
    }

    /// Another room for a match that lost its own, or the end of it.
    pub(super) fn rehouse(&mut self, id: MatchId) {
        let Some(game) = self.state.match_(id) else { return };
        let MatchPhase::Orphaned { epoch, reason, at, .. } = game.phase else { return };
        let (queue, formed) = (game.queue, game.formed);
        let due = at.max(self.woke) + RECOVER_WITHIN;
        if due <= self.now || game.attempts >= MAX_RECOVERIES {
            self.cut(id, epoch, reason);
        } else {
            // Also where a lobby before this one had begun to look.
            self.at(due, Timer::Recovery(id));
            self.look_for_room(id, queue, formed);
        }
    }

    /// No room was free for it all the time.
    pub(super) fn recovery_due(&mut self, id: MatchId) {
        let Some(game) = self.state.match_(id) else { return };
        let MatchPhase::Orphaned { epoch, reason, at, .. } = game.phase else { return };
        let due = at.max(self.woke) + RECOVER_WITHIN;
        if due > self.now {
            self.at(due, Timer::Recovery(id));
        } else {
            let (queue, formed) = (game.queue, game.formed);
            if self.queue_live(queue).homeless.remove(&(formed, id)) {
                self.homeless_changed(queue, -1);
            }
            self.cut(id, epoch, reason);
        }
    }
}
