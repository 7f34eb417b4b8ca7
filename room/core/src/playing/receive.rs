//! What clients say.

use std::time::Duration;

use bellhop_game::DecodeError;
use bellhop_wire::limits::{MAX_CLIENT_MESSAGE_BYTES, MAX_COMMAND_BYTES, MAX_INPUT_BYTES};
use bellhop_wire::{CloseCode, Hello, Notice, Presence, ToClient, ToServer, Welcome};

use crate::conn::Conn;
use crate::hosted::Match as _;
use crate::playing::{Desk, Playing};
use crate::seat::SeatPhase;
use crate::{ConnId, Frame, Time, limits};

/// What a client did wrong: the code and the words its socket is closed with.
pub(super) struct Fault(pub(super) CloseCode, pub(super) String);

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        Fault(CloseCode::Malformed, format!("malformed message: {error}"))
    }
}

impl Playing {
    /// A message came, `held` ago. A faulty one closes the socket it came from and touches nothing else.
    pub(crate) fn receive(&mut self, now: Time, id: ConnId, bytes: &[u8], held: Duration, desk: &mut Desk) {
        let taken = match self.conns.contains_key(&id) {
            true => self.take(now, id, bytes, held, desk),
            false => self.hear_watcher(now, id, bytes, held, desk),
        };
        if let Err(Fault(code, reason)) = taken {
            desk.stats.violations += 1;
            self.expel(now, id, code, reason, desk);
        }
    }

    fn take(&mut self, now: Time, id: ConnId, bytes: &[u8], held: Duration, desk: &mut Desk) -> Result<(), Fault> {
        let Some(conn) = self.conns.get_mut(&id) else { return Ok(()) };
        let message = read(conn, now, bytes)?;
        let seat = conn.seat;
        match message {
            ToServer::Hello(hello) => return self.hello(now, id, hello, desk),
            ToServer::Input { seq, frames, held_ms, payload } => {
                acknowledge(conn, now, frames, held_ms)?;
                conn.inputs = conn.inputs.saturating_add(seq);
                desk.stats.inputs += 1;
                if !self.game.input(seat, &payload)? {
                    desk.stats.inputs_refused += 1;
                }
            }
            ToServer::Ack { frames, held_ms } => acknowledge(conn, now, frames, held_ms)?,
            ToServer::Command { id: command, payload } => self.command(now, id, seat, command, &payload, desk)?,
            ToServer::Ping { client_ms } => {
                let match_ms = self.clock.smooth_ms(now);
                self.pong(id, client_ms, held, match_ms, desk);
            }
            ToServer::Leave => self.give_up(now, seat, CloseCode::Left, "left by own wish", desk),
            ToServer::Say { text } => self.say(now, id, seat, &text, desk),
            ToServer::Visible { visible } => self.unserved |= turns_visible(conn, now, visible)?,
            ToServer::WantKeyframe => {
                wants_state(conn, now)?;
                self.unserved = true;
                desk.stats.desyncs += 1;
            }
        }
        Ok(())
    }

    /// Answers a ping that lay here for `held`: the client's clock is moved on by that, so that he measures the way alone.
    pub(super) fn pong(&mut self, id: ConnId, client_ms: u64, held: Duration, match_ms: u64, desk: &mut Desk) {
        let client_ms = client_ms.saturating_add(held.as_millis() as u64);
        let pong = ToClient::Pong { client_ms, match_ms, running: self.clock.is_running() };
        self.tell(id, Frame::message(&pong), desk);
    }

    /// Whether a client was built from the same game.
    pub(super) fn check_schema(&self, hello: Hello) -> Result<(), Fault> {
        if hello.schema == self.rules.schema {
            return Ok(());
        }
        let reason = "this page was built for another version of the game; load it again".to_owned();
        Err(Fault(CloseCode::WrongSchema, reason))
    }

    fn hello(&mut self, now: Time, id: ConnId, hello: Hello, desk: &mut Desk) -> Result<(), Fault> {
        self.check_schema(hello)?;
        let Some(number) = self.conns.get(&id).map(|conn| conn.seat) else { return Ok(()) };
        let Some(seat) = self.seats.get(&number) else { return Ok(()) };
        let old = match seat.phase {
            SeatPhase::Live { conn } => Some(conn),
            SeatPhase::Reserved { .. } | SeatPhase::Dropped { .. } | SeatPhase::Left => None,
        };
        if let Some(old) = old {
            let seen = self.conns.get(&old).map(|conn| conn.events_acked);
            self.close(old, CloseCode::Superseded, "a newer window took this seat", desk);
            if let (Some(seat), Some(seen)) = (self.seats.get_mut(&number), seen) {
                seat.events_seen = seen;
            }
        }
        self.first_live.get_or_insert(now);
        let at = self.at(now);
        let Some(seat) = self.seats.get_mut(&number) else { return Ok(()) };
        seat.phase = SeatPhase::Live { conn: id };
        let first = !std::mem::replace(&mut seat.joined, true);
        if first {
            let (who, player) = (seat.who(), seat.spec.player.clone());
            self.game.seated(number, &player);
            self.game.join(at, number, &who);
        }
        self.welcome(now, id, number, first, hello.events_seen, desk);
        if old.is_none() {
            self.seats_changed = true;
            if !first {
                self.game.presence(at, number, Presence::Live);
            }
            self.tell_roster(number, desk);
            self.pause_or_resume(now, desk);
        }
        self.begin_if_possible(now, desk);
        Ok(())
    }

    /// Who arrives learns, in this order: who he is, who is there, how things stand; the state follows.
    fn welcome(&mut self, now: Time, id: ConnId, number: u16, first: bool, seen: Option<u64>, desk: &mut Desk) {
        let class = self.game.class_of(number);
        let at = self.at(now);
        self.game.watch(at, class);
        let told = self.game.events(class);
        let (Some(conn), Some(seat)) = (self.conns.get_mut(&id), self.seats.get(&number)) else { return };
        conn.ready = true;
        self.unserved = true;
        conn.class = class;
        // Who was not here before misses nothing: the state has it all.
        conn.events = if first { told } else { seen.unwrap_or(seat.events_seen).min(told) };
        conn.events_acked = conn.events;
        let welcome = Welcome {
            seat: number,
            epoch: self.spec.epoch,
            rate_hz: self.rules.rate_hz,
            send_every: self.rules.send_every,
            resume: std::mem::take(&mut conn.resume),
            config: self.game.config_json().to_owned(),
            commands_done: seat.commands_done,
            match_ms: self.clock.smooth_ms(now),
            running: self.clock.is_running(),
            chat: self.chat.is_on(),
        };
        let roster = self.seats.values().map(|seat| seat.roster()).collect();
        self.tell(id, Frame::message(&ToClient::Welcome(welcome)), desk);
        self.tell(id, Frame::message(&ToClient::Roster(roster)), desk);
        self.said_before(id, desk);
        if let Some(until) = self.draining {
            let within_ms = u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX);
            let notice = Notice::Draining { within_ms };
            self.tell(id, Frame::message(&ToClient::Notice { notice, match_ms: at.now_ms }), desk);
        }
    }

    fn command(
        &mut self,
        now: Time,
        id: ConnId,
        seat: u16,
        command: u64,
        payload: &[u8],
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let at = self.at(now);
        let waiting = self.clock.is_waiting();
        let (Some(place), Some(conn)) = (self.seats.get_mut(&seat), self.conns.get_mut(&id)) else { return Ok(()) };
        if command <= place.commands_done {
            return Ok(()); // said again after a broken connection: it was dealt with
        }
        conn.commands = conn.commands.saturating_add(u32::try_from(command - place.commands_done).unwrap_or(u32::MAX));
        place.commands_done = command;
        desk.stats.commands += 1;
        let answer = if waiting {
            Err(bellhop_game::Illegal::because("the match has not begun"))
        } else if self.outcome.is_some() {
            Ok(()) // too late, which the end itself tells: it only waits for the journal
        } else {
            self.game.command(at, seat, payload)?
        };
        self.game.dealt(seat, command);
        if let Err(illegal) = answer {
            desk.stats.commands_refused += 1;
            self.tell(id, Frame::message(&ToClient::Refused { id: command, reason: illegal.to_string() }), desk);
        }
        Ok(())
    }
}

/// Reads a message of a client who does not send too much, and has said hello.
pub(super) fn read(conn: &mut Conn, now: Time, bytes: &[u8]) -> Result<ToServer, Fault> {
    conn.heard = now;
    if bytes.len() > MAX_CLIENT_MESSAGE_BYTES {
        return Err(too_large(bytes.len(), MAX_CLIENT_MESSAGE_BYTES));
    }
    if !conn.messages.take(now, 1) {
        return Err(Fault(CloseCode::Flood, "too many messages; send inputs on change".to_owned()));
    }
    if !conn.bytes.take(now, bytes.len() as u32) {
        return Err(Fault(CloseCode::Flood, "too many bytes; send less".to_owned()));
    }
    let message = ToServer::decode(bytes)?;
    let most = if matches!(message, ToServer::Command { .. }) { MAX_COMMAND_BYTES } else { MAX_INPUT_BYTES };
    if bytes.len() > most {
        return Err(too_large(bytes.len(), most));
    }
    match (conn.ready, matches!(message, ToServer::Hello(_))) {
        (true, true) => Err(Fault(CloseCode::Malformed, "a second hello".to_owned())),
        (false, false) => Err(Fault(CloseCode::Malformed, "say hello first".to_owned())),
        (true, false) | (false, true) => Ok(message),
    }
}

pub(super) fn acknowledge(conn: &mut Conn, now: Time, frames: u32, held_ms: u32) -> Result<(), Fault> {
    if conn.acknowledged(now, frames, Duration::from_millis(u64::from(held_ms))) {
        return Ok(());
    }
    Err(Fault(CloseCode::Malformed, "acknowledged frames that were never sent".to_owned()))
}

/// The client needs a whole state, which counts as many messages.
pub(super) fn wants_state(conn: &mut Conn, now: Time) -> Result<(), Fault> {
    conn.base = None;
    if conn.messages.take(now, limits::KEYFRAME_COST) {
        return Ok(());
    }
    Err(Fault(CloseCode::Flood, "too many whole states asked for; follow the changes".to_owned()))
}

/// The window of a client is seen, or is hidden. Whether that is news; then he needs a whole state.
pub(super) fn turns_visible(conn: &mut Conn, now: Time, visible: bool) -> Result<bool, Fault> {
    if visible == conn.visible {
        return Ok(false);
    }
    wants_state(conn, now)?;
    conn.visible = visible;
    Ok(true)
}

fn too_large(len: usize, most: usize) -> Fault {
    Fault(CloseCode::TooLarge, format!("a message of {len} bytes; at most {most} are allowed"))
}
