//! What time asks for about a room: that it is silent, does not run what it should, runs what it should not, or is drained.

use std::time::Duration;

use crate::effect::Effect;
use crate::event::{LostReason, RoomEnd};
use crate::ids::RoomId;
use crate::lobby::rooms::Live;
use crate::lobby::{Lobby, Timer};
use crate::state::Room;
use crate::time::Time;

/// A room that runs what nobody waits for any more has this long to stop it, before it is stopped itself.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// When a room is out of time: silent, abandoned, without the match it should have, with one it should not have, drained.
struct Dues {
    silent: Time,
    abandoned: Time,
    missing: Time,
    stale: Time,
    drained: Time,
}

impl Lobby {
    /// Sets the timer for the next look at a room.
    pub(super) fn watch(&mut self, id: RoomId) {
        let Some(due) = self.room_due(id) else { return };
        if let Some(live) = self.lives.get_mut(&id)
            && due < live.check
        {
            live.check = due;
            self.at(due, Timer::Room(id));
        }
    }

    /// When something about a room has to be done if nothing happens.
    fn room_due(&self, id: RoomId) -> Option<Time> {
        let (room, live) = (self.state.room(id)?, self.lives.get(&id)?);
        if live.ending.is_some() {
            return live.ending;
        }
        let due = self.dues(room, live);
        let silent = match live.unhealthy {
            _ if !room.proved => Time::MAX, // its fleet's plan gives it up
            None => due.silent,
            Some(_) => due.abandoned,
        };
        let rest = if live.rest > self.now { live.rest } else { Time::MAX };
        Some(silent.min(due.missing).min(due.stale).min(rest).min(due.drained))
    }

    /// When a room is out of time, for what. What we did not hear because we stood still counts for nothing: all but the
    /// end of its drain begins anew, and before that is acted upon, too, what it sent meanwhile is heard.
    fn dues(&self, room: &Room, live: &Live) -> Dues {
        let timing = &self.state.settings.timing;
        // Of a stall that was long enough a room knows, and has to attach again.
        let away = !live.attached && live.heard < self.woke;
        let patience = if away { live.patience.max(timing.reattach) } else { live.patience };
        let heard = live.heard.max(self.woke);
        let never = Time::MAX;
        Dues {
            silent: heard + patience,
            abandoned: heard + timing.abandon,
            missing: live.missing.map_or(never, |since| since.max(self.woke) + timing.placement),
            stale: live.stale.map_or(never, |(_, _, since)| since.max(self.woke) + STOP_WITHIN),
            drained: room.draining.map_or(never, |until| until.max(self.woke + timing.placement)),
        }
    }

    /// Does what time asks for about a room.
    pub(super) fn look_at_room(&mut self, id: RoomId) {
        let (Some(room), Some(live)) = (self.state.room(id), self.lives.get(&id)) else { return };
        let (due, now, hosts, ours, proved) = (self.dues(room, live), self.now, room.hosts, room.ours, room.proved);
        let Some(live) = self.lives.get_mut(&id) else { return };
        live.check = Time::MAX;
        if let Some(until) = live.ending {
            if until > now {
                return self.watch(id);
            }
            if ours {
                self.will(Effect::KillRoom { room: id });
            }
            return self.room_gone(id, RoomEnd::Released);
        }
        if due.drained <= now {
            return self.stop_room(id, "its time to drain is over", LostReason::DrainedAway);
        }
        if due.stale <= now {
            return self.stop_room(id, "it runs a match that nobody waits for", LostReason::RoomForgot);
        }
        if proved && live.unhealthy.is_none() && due.silent <= now {
            let returning = live.stream.is_none();
            live.unhealthy = Some(if live.attached { "silent" } else { "detached" });
            if let Some(game) = hosts {
                self.lose(game, if returning { LostReason::NotReattached } else { LostReason::RoomSilent });
            }
        } else if live.unhealthy.is_some() && due.abandoned <= now {
            if ours {
                self.will(Effect::KillRoom { room: id });
            }
            return self.room_gone(id, RoomEnd::Abandoned);
        } else if due.missing <= now {
            live.missing = None;
            if let Some(game) = hosts {
                self.lose(game, LostReason::RoomForgot);
            }
        }
        self.reclass(id);
        self.watch(id);
    }
}
