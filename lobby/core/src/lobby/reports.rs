//! What rooms say over their streams.

use crate::effect::Effect;
use crate::event::RequeueReason;
use crate::ids::{MatchId, RoomId, StreamId};
use crate::input::{MatchReport, RoomNews, RoomReport};
use crate::lobby::Lobby;
use crate::state::{MatchPhase, TicketPhase};

/// A room that refused a match is not asked again at once.
const REST: std::time::Duration = std::time::Duration::from_millis(500);

impl Lobby {
    pub(super) fn room_news(&mut self, stream: StreamId, room: RoomId, news: RoomNews) {
        // A result is sent until it is acknowledged, so it may come over any stream, and be heard twice.
        if let RoomNews::Result(report) = news {
            return self.result(room, *report);
        }
        let now = self.now;
        let Some(live) = self.lives.get_mut(&room) else { return };
        if live.stream != Some(stream) {
            return;
        }
        live.attached = true;
        live.heard = now;
        live.unhealthy = None;
        match news {
            RoomNews::HostAccepted { match_id, epoch } => self.accepted(room, match_id, epoch),
            RoomNews::HostRefused { match_id, epoch, .. } => self.refused(room, match_id, epoch),
            RoomNews::Report(report) => self.report(room, *report),
            RoomNews::Ready => {
                live.idle = true;
                live.stale = None;
            }
            RoomNews::Result(_) => {}
        }
        self.reclass(room);
        self.watch(room);
    }

    /// The room, by its newest placement, is asked for this match.
    fn asked(&self, room: RoomId, id: MatchId, epoch: u64) -> Option<MatchPhase> {
        let game = self.state.match_(id)?;
        (game.place() == Some((room, epoch))).then_some(game.phase)
    }

    fn accepted(&mut self, room: RoomId, id: MatchId, epoch: u64) {
        if let Some(live) = self.lives.get_mut(&room) {
            live.idle = false;
        }
        match self.asked(room, id, epoch) {
            Some(MatchPhase::Placing(_) | MatchPhase::Moving { .. }) => self.start(id, epoch),
            Some(MatchPhase::Playing { .. }) => {}
            // Too late: the match is elsewhere. The room's next report shows it again, should this get lost.
            Some(
                MatchPhase::Formed | MatchPhase::Orphaned { .. } | MatchPhase::Ended { .. } | MatchPhase::Lost { .. },
            )
            | None => {
                let seats = Vec::new();
                self.take_stock(room, Some(crate::input::Running { match_id: id, epoch, seats }), false);
            }
        }
    }

    fn refused(&mut self, room: RoomId, id: MatchId, epoch: u64) {
        if let Some(MatchPhase::Placing(_) | MatchPhase::Moving { .. }) = self.asked(room, id, epoch) {
            let rest = self.now + REST;
            if let Some(live) = self.lives.get_mut(&room) {
                live.rest = rest;
            }
            self.placement_failed(id, epoch, RequeueReason::Refused);
        }
    }

    fn report(&mut self, room: RoomId, report: RoomReport) {
        let Some(live) = self.lives.get_mut(&room) else { return };
        if report.sequence <= live.sequence {
            return;
        }
        let peopled = live.is_peopled();
        live.sequence = report.sequence;
        live.health = report.health;
        live.seats.clear();
        if let Some(running) = &report.running {
            live.seats.extend_from_slice(&running.seats);
        }
        let changed = live.is_peopled() != peopled;
        live.idle = report.running.is_none();
        live.history.hear(report.running.as_ref().map(|running| running.epoch), report.events);
        if report.draining && self.state.room(room).is_some_and(|known| known.draining.is_none()) {
            self.drain_room(room, None, false);
        }
        let runs = report.running.as_ref().map(|running| running.match_id);
        self.take_stock(room, report.running, false);
        // That all have dropped, or one is back, decides whether others may join.
        if let Some(game) = runs.filter(|_| changed) {
            self.seats_changed(game);
        }
    }

    /// A result counts once, and only from the room that has the match, by the placement that has it.
    fn result(&mut self, room: RoomId, report: MatchReport) {
        let (id, epoch) = (report.match_id, report.epoch);
        if let Some(phase) = self.asked(room, id, epoch) {
            if let MatchPhase::Placing(_) | MatchPhase::Moving { .. } = phase {
                self.start(id, epoch); // its acceptance was lost with a stream
            }
            self.end(room, report);
        }
        // Known, or worth nothing: either way it need not send it again.
        self.will(Effect::AckResult { room, match_id: id, epoch });
        if let Some(live) = self.lives.get_mut(&room)
            && live.stale.is_some_and(|(stale, of, _)| (stale, of) == (id, epoch))
        {
            live.stale = None;
        }
        self.reclass(room);
    }

    /// Whether a ticket's player is, or should be, in a room.
    pub(super) fn plays(phase: TicketPhase) -> Option<MatchId> {
        match phase {
            TicketPhase::Assigned(id) | TicketPhase::Connected(id) => Some(id),
            TicketPhase::Queued | TicketPhase::Formed(_) | TicketPhase::Placing(_) | TicketPhase::Ended { .. } => None,
        }
    }
}
