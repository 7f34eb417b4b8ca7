//! Who watches and does not play: sees what spectators may see, says nothing, and comes after the players.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bellhop_game::ViewClass;
use bellhop_wire::{CloseCode, Hello, Notice, ToClient, ToServer, Watching};

use super::receive::{Fault, acknowledge, read, turns_visible, wants_state};
use crate::bucket::Bucket;
use crate::conn::Conn;
use crate::hosted::Match as _;
use crate::playing::{Desk, Playing};
use crate::{AdmitError, Audience, ConnId, Frame, Time, WatchClaim, limits};

/// A spectator has no seat; his connection names one that no match has.
const NO_SEAT: u16 = u16::MAX;

/// The sockets of spectators.
pub(crate) struct Watchers {
    most: u16,
    delay: Duration,
    conns: BTreeMap<ConnId, Watcher>,
    opened: Bucket,
    /// Tokens that were used, until none of their age opens anything.
    used: VecDeque<(Time, u64)>,
}

struct Watcher {
    viewer: String,
    conn: Conn,
}

impl Watchers {
    pub(crate) fn new(now: Time, audience: &Audience, game_asks: Duration) -> Watchers {
        Watchers {
            most: audience.most.min(limits::MAX_SPECTATORS),
            delay: audience.delay.max(game_asks).min(limits::MAX_WATCH_DELAY.max(game_asks)),
            conns: BTreeMap::new(),
            opened: Bucket::new(now, limits::WATCHERS_PER_SECOND, limits::WATCHERS_BURST),
            used: VecDeque::new(),
        }
    }

    /// By how much the match is to be recorded for spectators; `None`: they see it as it is, or there are none.
    pub(crate) fn records(&self) -> Option<u64> {
        (self.most > 0 && !self.delay.is_zero()).then(|| self.delay_ms())
    }

    pub(crate) fn delay_ms(&self) -> u64 {
        self.delay.as_millis() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.conns.len()
    }

    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Conn> {
        self.conns.get_mut(&id).map(|watcher| &mut watcher.conn)
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> bool {
        self.conns.remove(&id).is_some()
    }

    pub(crate) fn conns(&self) -> impl Iterator<Item = (ConnId, &Conn)> {
        self.conns.iter().map(|(&id, watcher)| (id, &watcher.conn))
    }

    pub(crate) fn conns_mut(&mut self) -> impl Iterator<Item = (ConnId, &mut Conn)> {
        self.conns.iter_mut().map(|(&id, watcher)| (id, &mut watcher.conn))
    }

    /// Those who said hello.
    pub(crate) fn ready(&self) -> Vec<ConnId> {
        self.conns().filter(|(_, conn)| conn.ready).map(|(id, _)| id).collect()
    }

    fn admit(&mut self, now: Time, claim: &WatchClaim) -> Result<Option<ConnId>, AdmitError> {
        if self.most == 0 {
            return Err(AdmitError::NotWatched);
        }
        while self.used.front().is_some_and(|(since, _)| since.plus(limits::WATCH_TOKEN_LIFE) <= now) {
            self.used.pop_front();
        }
        if self.used.iter().any(|(_, nonce)| *nonce == claim.nonce) {
            return Err(AdmitError::Replayed);
        }
        // One socket for each: who comes again has another window, or lost the one before.
        let before = self.conns.iter().find(|(_, watcher)| watcher.viewer == claim.viewer).map(|(&id, _)| id);
        if before.is_none() && self.conns.len() >= usize::from(self.most) {
            return Err(AdmitError::AudienceFull { most: self.most });
        }
        if !self.opened.take(now, 1) {
            return Err(AdmitError::Crowd);
        }
        self.used.push_back((now, claim.nonce));
        Ok(before)
    }
}

impl Playing {
    /// Whether a spectator's socket may open.
    pub(crate) fn admit_watcher(
        &mut self,
        now: Time,
        conn: ConnId,
        claim: &WatchClaim,
        desk: &mut Desk,
    ) -> Result<(), AdmitError> {
        if claim.epoch != self.spec.epoch || claim.match_id != self.spec.match_id {
            return Err(AdmitError::OtherMatch);
        }
        if let Some(before) = self.watchers.admit(now, claim)? {
            self.close(before, CloseCode::Superseded, "you watch this match in a newer window", desk);
        }
        let watcher = Watcher { viewer: claim.viewer.clone(), conn: Conn::new(now, NO_SEAT, String::new()) };
        self.watchers.conns.insert(conn, watcher);
        Ok(())
    }

    /// A message of a spectator came, who may say that he is there and how he keeps up, and nothing else.
    pub(super) fn hear_watcher(
        &mut self,
        now: Time,
        id: ConnId,
        bytes: &[u8],
        held: Duration,
        desk: &mut Desk,
    ) -> Result<(), Fault> {
        let Some(conn) = self.watchers.get_mut(id) else { return Ok(()) };
        match read(conn, now, bytes)? {
            ToServer::Hello(hello) => self.greet(now, id, hello, desk)?,
            ToServer::Ack { frames, held_ms } => acknowledge(conn, now, frames, held_ms)?,
            ToServer::Ping { client_ms } => {
                let match_ms = self.clock.smooth_ms(now).saturating_sub(self.watchers.delay_ms());
                self.pong(id, client_ms, held, match_ms, desk);
            }
            ToServer::Leave => self.close(id, CloseCode::Left, "left by own wish", desk),
            ToServer::Visible { visible } => self.unserved |= turns_visible(conn, now, visible)?,
            ToServer::WantKeyframe => {
                wants_state(conn, now)?;
                self.unserved = true;
                desk.stats.desyncs += 1;
            }
            ToServer::Input { .. } | ToServer::Command { .. } | ToServer::Say { .. } => {
                let reason = "who watches does not play; take a seat to play".to_owned();
                return Err(Fault(CloseCode::Spectator, reason));
            }
        }
        Ok(())
    }

    /// A spectator learns, in this order: how things are, who plays; the state follows.
    fn greet(&mut self, now: Time, id: ConnId, hello: Hello, desk: &mut Desk) -> Result<(), Fault> {
        self.check_schema(hello)?;
        let at = self.at(now);
        self.game.watch(at, ViewClass::Spectator);
        let told = self.game.events(ViewClass::Spectator);
        let delay_ms = self.watchers.delay_ms();
        let Some(conn) = self.watchers.get_mut(id) else { return Ok(()) };
        (conn.ready, conn.class) = (true, ViewClass::Spectator);
        (conn.events, conn.events_acked) = (told, told);
        self.unserved = true;
        let watching = Watching {
            epoch: self.spec.epoch,
            rate_hz: self.rules.rate_hz,
            send_every: self.rules.send_every,
            config: self.game.config_json().to_owned(),
            delay_ms,
            match_ms: self.clock.smooth_ms(now).saturating_sub(delay_ms),
            running: self.clock.is_running(),
            chat: self.chat.is_on(),
        };
        let roster = self.seats.values().map(|seat| seat.roster()).collect();
        self.tell(id, Frame::message(&ToClient::Watching(watching)), desk);
        self.tell(id, Frame::message(&ToClient::Roster(roster)), desk);
        if let Some(until) = self.draining {
            let within_ms = u64::try_from(until.since(now).as_millis()).unwrap_or(u64::MAX);
            let notice = ToClient::Notice { notice: Notice::Draining { within_ms }, match_ms: at.now_ms };
            self.tell(id, Frame::message(&notice), desk);
        }
        Ok(())
    }
}
