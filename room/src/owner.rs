//! The thread that owns the match: its seats, its clock, its game, and every socket of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bellhop_proto::tokens::{self, Key, SeatClaim};
use bytes::Bytes;
use room_core::{
    AdmitError, Claim, CloseCode, ConnId, HostError, MatchSpec, Output, ResumeClaim, Room, SeatSpec, Status, Time,
    WatchClaim, limits,
};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::board::{Answer, Board, Journal, MAX_RESULTS, Running};
use crate::outlet::{Outlet, Peer, Written};
use crate::pace::Pacer;
use crate::{Recycle, Shared, model};

/// Why a match is refused at the end.
pub(crate) const LEAVING: &str = "the room is leaving";

/// How often a socket that took not all is tried again.
const FLUSH_EVERY: Duration = Duration::from_millis(10);

/// After its close frame could not be sent for this long, a socket is ended without it.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// How long a resume token can be used at most; the seat it opens is seldom held this long.
const RESUME_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// From this rate on, sockets are read just before steps are made, all at once: an input waits for its step anyway, and a
/// thread that each of them wakes does little else. Below it a message is read as it comes.
const READ_AT_STEPS_FROM_HZ: u32 = 30;

/// After so many messages in a row the clock is looked at.
const LOOK_EVERY: usize = 64;

/// Something for the match thread.
pub(crate) enum ToMatch {
    Host(Box<MatchSpec>),
    AddSeats {
        epoch: u64,
        seats: Vec<SeatSpec>,
    },
    ReleaseSeats {
        epoch: u64,
        seats: Vec<u16>,
    },
    Kick {
        epoch: u64,
        seats: Vec<u16>,
        reason: String,
    },
    CallOff {
        epoch: u64,
        reason: String,
    },
    Drain {
        within: Duration,
    },
    Stop {
        reason: String,
    },
    /// May a socket open? It gets a number if so.
    Admit {
        claim: Opener,
        reply: oneshot::Sender<Result<ConnId, AdmitError>>,
    },
    /// The upgrade is done.
    Opened {
        conn: ConnId,
        peer: Arc<Peer>,
    },
    /// A binary message, which had been here for `held` when it was read.
    Message {
        conn: ConnId,
        bytes: Bytes,
        held: Duration,
    },
    /// The lobby has so many bytes of the match's journal.
    JournalKept {
        epoch: u64,
        bytes: u64,
    },
    /// What the world outside says to a question of the game.
    Answer {
        epoch: u64,
        question: u32,
        answer: Option<String>,
    },
    /// Frames to send that the WebSocket itself wants sent: pongs. They are a sign of life, too.
    Control {
        conn: ConnId,
        frames: Vec<u8>,
    },
    /// The peer broke the rules of the socket.
    Fault {
        conn: ConnId,
        code: CloseCode,
        reason: Cow<'static, str>,
    },
    /// The socket ended, or never opened.
    Gone {
        conn: ConnId,
    },
}

/// What a verified token opens.
pub(crate) enum Opener {
    Seat(Claim),
    Watch(WatchClaim),
}

/// Answers what came when nobody owned the match any more. An admission is refused by being dropped.
pub(crate) fn refuse(board: &Board, left: ToMatch) {
    if let ToMatch::Host(spec) = left {
        let refused = Some(LEAVING.to_owned());
        board.answer(Answer { match_id: spec.match_id, epoch: spec.epoch, refused });
    }
}

/// Owns the match.
pub(crate) struct Owner {
    shared: Arc<Shared>,
    room: Room,
    origin: Instant,
    next_conn: u64,
    outlets: BTreeMap<ConnId, Outlet>,
    /// Sockets for which something gathered in this turn.
    gathered: Vec<ConnId>,
    /// Sockets that did not take all.
    waiting: BTreeSet<ConnId>,
    /// Sockets whose close frame is not out yet.
    leaving: Vec<(Instant, Outlet)>,
    /// Admitted and not open yet; with how the core closed them meanwhile.
    opening: BTreeMap<ConnId, Option<(CloseCode, Cow<'static, str>)>>,
    /// When the match has to be over, once draining.
    until: Option<Instant>,
    changed: bool,
    /// The match runs, and at such a rate that sockets are read at its steps.
    reads_at_steps: bool,
    pacer: Pacer,
}

impl Owner {
    pub(crate) fn new(shared: Arc<Shared>, room: Room) -> Owner {
        let origin = Instant::now();
        Owner {
            shared,
            room,
            origin,
            next_conn: 0,
            outlets: BTreeMap::new(),
            gathered: Vec::new(),
            waiting: BTreeSet::new(),
            leaving: Vec::new(),
            opening: BTreeMap::new(),
            until: None,
            changed: true,
            reads_at_steps: false,
            pacer: Pacer::new(origin),
        }
    }

    /// Until the room was drained or stopped, or the inbox was closed. Those who read the sockets live in `sockets`.
    pub(crate) fn run(&mut self, sockets: &Runtime) {
        let mut taken = VecDeque::new();
        while self.shared.inbox.take(&mut taken) {
            let mut count = 0;
            while let Some(item) = taken.pop_front() {
                self.take(item);
                self.carry_out();
                count += 1;
                if count % LOOK_EVERY == 0 {
                    self.advance();
                    self.send_out();
                }
            }
            self.advance();
            self.send_out();
            self.flush();
            self.publish();
            if self.is_over() {
                return;
            }
            self.wait(sockets);
        }
        // The room is wanted no more: nobody is told anything.
        self.outlets.values_mut().for_each(Outlet::abandon);
    }

    /// Until there is something to do. What has arrived at the sockets meanwhile is read.
    fn wait(&self, sockets: &Runtime) {
        let pause = self.pause();
        if self.reads_at_steps {
            std::thread::sleep(pause.min(limits::MAX_TOGETHER));
        }
        sockets.block_on(async {
            // In the first turn it is seen where something has arrived, in the second it is read.
            tokio::task::yield_now().await;
            if self.reads_at_steps {
                tokio::task::yield_now().await;
            } else {
                drop(tokio::time::timeout(pause, self.shared.inbox.rung()).await);
            }
        });
    }

    fn now(&self) -> Time {
        Time(self.origin.elapsed().as_micros() as u64)
    }

    fn take(&mut self, item: ToMatch) {
        let now = self.now();
        match item {
            ToMatch::Host(spec) => self.host(now, *spec),
            ToMatch::AddSeats { epoch, seats } => {
                if let Err(error) = self.room.add_seats(now, epoch, seats) {
                    tracing::warn!(epoch, %error, "seats were not added");
                }
            }
            ToMatch::ReleaseSeats { epoch, seats } => {
                if let Err(error) = self.room.release_seats(now, epoch, &seats) {
                    tracing::debug!(epoch, %error, "seats were not released");
                }
            }
            ToMatch::Kick { epoch, seats, reason } => match self.room.kick(now, epoch, &seats, &reason) {
                Ok(()) => tracing::info!(epoch, ?seats, reason, "players are taken out of the match"),
                Err(error) => tracing::debug!(epoch, %error, "there is no such match to take players out of"),
            },
            ToMatch::CallOff { epoch, reason } => match self.room.call_off(now, epoch, &reason) {
                Ok(()) => tracing::info!(epoch, reason, "the match is called off"),
                Err(error) => tracing::debug!(epoch, %error, "there is no such match to call off"),
            },
            ToMatch::Drain { within } => {
                let until = Instant::now() + within;
                self.until = Some(self.until.map_or(until, |earlier| earlier.min(until)));
                tracing::info!(within_ms = within.as_millis() as u64, "draining");
                self.room.drain(now, now.plus(within));
            }
            ToMatch::Stop { reason } => {
                tracing::info!(reason, "stopping");
                self.until = Some(Instant::now());
                self.room.stop(now, &reason);
            }
            ToMatch::Admit { claim, reply } => self.admit(now, &claim, reply),
            ToMatch::Opened { conn, peer } => match self.opening.remove(&conn).flatten() {
                Some((code, reason)) => self.close(conn, Outlet::new(peer), code, &reason),
                None => drop(self.outlets.insert(conn, Outlet::new(peer))),
            },
            ToMatch::Message { conn, bytes, held } => self.room.receive_held(now, conn, &bytes, held),
            ToMatch::JournalKept { epoch, bytes } => self.room.journal_kept(now, epoch, bytes),
            ToMatch::Answer { epoch, question, answer } => {
                self.room.answer(now, epoch, question, answer.as_deref());
            }
            ToMatch::Control { conn, frames } => {
                self.room.heard(now, conn);
                self.gather(conn, |outlet| outlet.put_control(&frames));
            }
            ToMatch::Fault { conn, code, reason } => {
                if let Some(outlet) = self.outlets.remove(&conn) {
                    self.shared.metrics.close(code);
                    self.waiting.remove(&conn);
                    self.close(conn, outlet, code, &reason);
                }
                self.room.disconnected(now, conn);
            }
            ToMatch::Gone { conn } => {
                self.opening.remove(&conn);
                self.lose(conn);
            }
        }
    }

    fn host(&mut self, now: Time, spec: MatchSpec) {
        let (match_id, epoch, game) = (spec.match_id.clone(), spec.epoch, spec.game.clone());
        let goes_on = !spec.journal.is_empty();
        let acknowledge = self.shared.games.iter().any(|entry| entry.name == game && entry.rate_hz == 0);
        let hosted = if self.shared.board.read().results.len() >= MAX_RESULTS {
            Err("too many results wait for a lobby".to_owned())
        } else {
            self.room.host(now, spec).map_err(|error: HostError| format!("{:#}", anyhow::Error::new(error)))
        };
        match &hosted {
            Ok(()) => {
                tracing::info!(match_id, epoch, game, goes_on, "hosting a match");
                let known = |journal: &Journal| journal.epoch == epoch && journal.match_id == match_id;
                let mut board = self.shared.board.read();
                if !board.journals.iter().any(known) {
                    let (match_id, bytes) = (match_id.clone(), Vec::new());
                    board.journals.push_back(Journal { match_id, epoch, acknowledge, bytes, cut: false });
                }
            }
            Err(reason) => tracing::warn!(match_id, epoch, game, reason, "refused a match"),
        }
        self.changed = true;
        // The journal and the state first: who reads the answer must find the match, and be able to go on with it.
        self.carry_out();
        self.publish();
        self.shared.board.answer(Answer { match_id, epoch, refused: hosted.err() });
    }

    fn admit(&mut self, now: Time, claim: &Opener, reply: oneshot::Sender<Result<ConnId, AdmitError>>) {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        let (key, routing) = (&self.shared.key, self.shared.identity().routing);
        let admitted = match claim {
            Opener::Seat(claim) => self.room.admit(now, conn, claim, &mut |claim| seal(key, &routing, claim)),
            Opener::Watch(claim) => self.room.watch(now, conn, claim),
        };
        if admitted.is_ok() {
            self.opening.insert(conn, None);
        }
        if reply.send(admitted.map(|()| conn)).is_err() {
            self.opening.remove(&conn);
            // Who asked has gone meanwhile.
            self.room.disconnected(now, conn);
        }
    }

    fn advance(&mut self) {
        let now = self.now();
        if self.room.deadline().is_some_and(|deadline| deadline <= now) {
            self.room.advance(now);
        }
    }

    /// Does what the core says.
    fn carry_out(&mut self) {
        while let Some(output) = self.room.poll() {
            match output {
                Output::Send { conn, frame } => {
                    self.gather(conn, |outlet| outlet.put(frame.head(), frame.body()));
                }
                Output::Close { conn, code, reason } => {
                    self.shared.metrics.close(code);
                    self.waiting.remove(&conn);
                    match self.outlets.remove(&conn) {
                        Some(outlet) => self.close(conn, outlet, code, &reason),
                        None => {
                            self.opening.entry(conn).and_modify(|closed| *closed = Some((code, reason)));
                        }
                    }
                }
                Output::SeatsChanged => self.changed = true,
                Output::Journal(piece) => self.journal(&piece),
                Output::Ask { epoch, question, words } if self.shared.model.is_some() => {
                    model::ask(&self.shared, epoch, question, words);
                }
                Output::Ask { epoch, question, words: _ } => self.room.answer(self.now(), epoch, question, None),
                Output::Result(result) => {
                    tracing::info!(
                        match_id = result.match_id,
                        reason = result.reason,
                        rated = result.rated,
                        "the match ended"
                    );
                    // Both at once: who acknowledges the result finds that nothing runs any more.
                    self.shared.board.write(|state| {
                        state.running = None;
                        state.results.push_back((Instant::now(), result));
                    });
                    self.changed = true;
                    if self.shared.settings.recycle == Recycle::Never {
                        let now = self.now();
                        self.until = Some(Instant::now());
                        self.room.drain(now, now);
                    }
                }
            }
        }
    }

    /// The stream to the lobby sends it with its next report, or before the result.
    fn journal(&mut self, piece: &[u8]) {
        let mut board = self.shared.board.read();
        let Some(journal) = board.journals.back_mut() else { return };
        let before = journal.cut;
        journal.append(piece);
        self.shared.board.journaled.notify_one();
        if journal.cut && !before {
            tracing::warn!(match_id = journal.match_id, "the journal of the match is full: its rest is not kept");
        }
    }

    /// Puts something into an outlet; it goes out with the rest of this turn.
    fn gather(&mut self, conn: ConnId, put: impl FnOnce(&mut Outlet) -> bool) {
        let Some(outlet) = self.outlets.get_mut(&conn) else { return };
        if outlet.is_empty() {
            self.gathered.push(conn);
        }
        if !put(outlet) {
            self.lose(conn);
        }
    }

    /// Does what the core says, and sends what gathered: to each socket in one piece, so that ten players who come at
    /// once cost the others one frame more, not ten.
    fn send_out(&mut self) {
        self.carry_out();
        while !self.gathered.is_empty() {
            let mut gathered = std::mem::take(&mut self.gathered);
            for conn in gathered.drain(..) {
                if let Some(written) = self.outlets.get_mut(&conn).map(Outlet::flush) {
                    self.note(conn, written);
                }
            }
            // Who turned out to be gone is something to tell.
            self.carry_out();
            if self.gathered.is_empty() {
                self.gathered = gathered;
                return;
            }
        }
    }

    fn note(&mut self, conn: ConnId, written: Written) {
        match written {
            Written::All => {}
            Written::Waiting => {
                if self.waiting.insert(conn) {
                    self.room.blocked(conn);
                }
            }
            Written::Broken => self.lose(conn),
        }
    }

    fn lose(&mut self, conn: ConnId) {
        self.waiting.remove(&conn);
        if let Some(mut outlet) = self.outlets.remove(&conn) {
            outlet.abandon();
        }
        self.room.disconnected(self.now(), conn);
    }

    fn close(&mut self, conn: ConnId, mut outlet: Outlet, code: CloseCode, reason: &str) {
        tracing::debug!(conn = conn.0, code = code.kind(), reason, "closing a socket");
        if outlet.close(code, reason) == Written::Waiting {
            self.leaving.push((Instant::now() + CLOSE_WITHIN, outlet));
        }
    }

    /// Tries again what did not go out.
    fn flush(&mut self) {
        let mut flushed = Vec::new();
        for &conn in &self.waiting {
            match self.outlets.get_mut(&conn).map_or(Written::Broken, Outlet::flush) {
                Written::Waiting => {}
                done @ (Written::All | Written::Broken) => flushed.push((conn, done)),
            }
        }
        for (conn, done) in flushed {
            self.waiting.remove(&conn);
            if done == Written::All {
                self.room.writable(self.now(), conn);
            } else {
                self.lose(conn);
            }
        }
        self.leaving.retain_mut(|(deadline, outlet)| {
            let waits = outlet.flush() == Written::Waiting && Instant::now() < *deadline;
            if !waits {
                outlet.abandon();
            }
            waits
        });
    }

    fn publish(&mut self) {
        let now = Instant::now();
        let second = now >= self.pacer.due();
        if !self.changed && !second {
            return;
        }
        let running = match self.room.status() {
            Status::Ready | Status::Drained => None,
            Status::Playing { match_id, epoch, rate_hz, running, .. } => {
                let (seats, history) = (self.room.seats(), self.room.history());
                Some(Running { match_id, epoch, rate_hz, moving: running, seats, history })
            }
        };
        self.reads_at_steps =
            running.as_ref().is_some_and(|running| running.moving && running.rate_hz >= READ_AT_STEPS_FROM_HZ);
        self.shared.wake_on_input(running.as_ref().is_some_and(|running| running.rate_hz == 0));
        let stats = self.room.stats();
        let pace = second.then(|| self.pacer.take(now, stats.steps, self.room.take_lateness()));
        let publish = |state: &mut crate::board::State| {
            state.running = running;
            state.draining = self.until.is_some();
            state.stats = stats;
            state.pace = pace.unwrap_or(state.pace);
        };
        if self.changed {
            self.shared.board.write(publish);
        } else {
            publish(&mut self.shared.board.read());
        }
        self.changed = false;
    }

    fn is_over(&self) -> bool {
        self.until.is_some()
            && self.room.status() == Status::Drained
            && self.outlets.is_empty()
            && self.leaving.is_empty()
    }

    fn pause(&self) -> Duration {
        let second = self.pacer.due().saturating_duration_since(Instant::now());
        let deadline = self.room.deadline().map_or(Duration::MAX, |deadline| deadline.since(self.now()));
        let flush = if self.waiting.is_empty() && self.leaving.is_empty() { Duration::MAX } else { FLUSH_EVERY };
        second.min(deadline).min(flush)
    }
}

fn seal(key: &Key, routing: &str, claim: &ResumeClaim) -> String {
    let claim = SeatClaim {
        epoch: claim.epoch,
        match_id: claim.match_id.clone(),
        player_id: claim.player.clone(),
        seat: claim.seat,
        expires_ms: unix_ms() + RESUME_LIFE.as_millis() as u64,
        nonce: claim.nonce,
        resume: true,
    };
    tokens::seal_seat(key, routing, &claim)
}

/// The time by the wall, which is what tokens are dated by.
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
