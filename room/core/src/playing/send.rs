//! What clients are told.
//!
//! The hot path is [`Playing::flush`]: once per send tick the game is looked at once per view class, what changed is
//! encoded once per class and baseline, and every client gets that shared body behind a private byte or two.

use bellhop_game::ViewClass;
use bellhop_wire::{CloseCode, StatePrefix};

use crate::conn::Conn;
use crate::hosted::Match as _;
use crate::playing::{Desk, Playing};
use crate::recorded::Recorded;
use crate::views::Need;
use crate::{ConnId, Frame, Output, Time, limits};

impl Playing {
    /// Sends one message to one client, whatever the state of its socket.
    pub(crate) fn tell(&mut self, id: ConnId, frame: Frame, desk: &mut Desk) {
        let Some(conn) = self.conn_mut(id) else { return };
        if conn.blocked {
            conn.waiting_messages += 1;
            if conn.waiting_messages > limits::MAX_WAITING_MESSAGES {
                return; // closed in the next flush
            }
        }
        push(desk, id, frame);
    }

    /// Sends one message to each of these.
    pub(crate) fn tell_each(&mut self, to: &[ConnId], frame: &Frame, desk: &mut Desk) {
        for &id in to {
            self.tell(id, frame.clone(), desk);
        }
    }

    /// Sends one message to everybody who said hello, players first.
    pub(crate) fn tell_all(&mut self, frame: &Frame, desk: &mut Desk) {
        let mut ready: Vec<ConnId> = self.conns.iter().filter(|(_, conn)| conn.ready).map(|(&id, _)| id).collect();
        ready.extend(self.watchers.ready());
        self.tell_each(&ready, frame, desk);
    }

    /// Sends the state to everybody who is due. In a real-time match that runs this is at every send tick, and at
    /// once for who has no state yet; otherwise whenever something changed.
    pub(crate) fn flush(&mut self, now: Time, desk: &mut Desk) {
        let running = self.clock.is_running() && self.rules.rate_hz > 0;
        let send_tick = !running || self.unsent_steps >= self.rules.send_every || self.outcome.is_some();
        if !send_tick && !std::mem::take(&mut self.unserved) {
            return;
        }
        if send_tick {
            self.unsent_steps = 0;
            let players = self.conns.values().filter(|conn| conn.ready).map(|conn| (conn.class, conn.base));
            let mut held: Vec<(ViewClass, Option<u64>)> = players.collect();
            held.extend(self.watchers.conns().filter(|(_, conn)| conn.ready).map(|(_, conn)| (conn.class, conn.base)));
            let at = self.at(now);
            self.game.publish(at, &held, running && self.outcome.is_none());
        }
        for (&id, conn) in &mut self.conns {
            serve(&mut self.game, now, send_tick, (id, conn), desk);
        }
        let (frames, bytes) = (desk.stats.frames, desk.stats.bytes);
        for watcher in self.watchers.conns_mut() {
            serve(&mut self.game, now, send_tick, watcher, desk);
        }
        desk.stats.spectator_frames += desk.stats.frames - frames;
        desk.stats.spectator_bytes += desk.stats.bytes - bytes;
        desk.stats.bodies += self.game.take_encoded();
        let overflowing = |conn: &Conn| conn.waiting_messages > limits::MAX_WAITING_MESSAGES;
        let all = self.conns.iter().map(|(&id, conn)| (id, conn)).chain(self.watchers.conns());
        let overflown: Vec<ConnId> = all.filter(|(_, conn)| overflowing(conn)).map(|(id, _)| id).collect();
        for id in overflown {
            let reason = "messages were not read for too long; come back with the resume token";
            self.expel(now, id, CloseCode::TooSlow, reason, desk);
        }
    }
}

/// Sends one client what he lacks, if he keeps up.
fn serve(game: &mut Recorded, now: Time, send_tick: bool, (id, conn): (ConnId, &mut Conn), desk: &mut Desk) {
    if !conn.ready || conn.blocked {
        desk.stats.skipped += u64::from(conn.ready && send_tick);
        return;
    }
    // Between send ticks only who has nothing yet is served, from what was published last.
    if !send_tick && (conn.base.is_some() || !conn.visible) {
        return;
    }
    let late = conn.is_late(now);
    if late && !conn.takes_one() {
        conn.behind = true;
        desk.stats.skipped += u64::from(send_tick && conn.visible);
        return;
    }
    if !late && std::mem::take(&mut conn.behind) {
        desk.stats.recovered += 1;
    }
    let need = match conn.base {
        _ if !conn.visible => Need::Nothing,
        None => Need::Keyframe,
        Some(base) => Need::Since(base),
    };
    let up_to_date = need == Need::Since(game.version());
    let told = game.events(conn.class);
    let body = if up_to_date && conn.events == told { None } else { game.body(conn.class, need, conn.events) };
    // Who was to have all and got nothing sees the match later, and there is nothing to see yet.
    if need != Need::Nothing && (body.is_some() || conn.base.is_some()) {
        conn.base = Some(game.version());
    }
    let prefix = StatePrefix { inputs: conn.inputs, commands: conn.commands, body: body.is_some() };
    if body.is_none() && prefix == StatePrefix::default() {
        return;
    }
    (conn.inputs, conn.commands) = (0, 0);
    if let Some(body) = &body {
        conn.events = told;
        conn.sent(now);
        desk.stats.keyframes += u64::from(body.keyframe);
    }
    push(desk, id, Frame::state(prefix, body.map(|body| body.bytes)));
}

fn push(desk: &mut Desk, conn: ConnId, frame: Frame) {
    desk.stats.frames += 1;
    desk.stats.bytes += frame.len() as u64;
    desk.outputs.push_back(Output::Send { conn, frame });
}
