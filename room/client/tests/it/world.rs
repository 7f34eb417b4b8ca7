//! A room and its players in one thread, with links that lose, stall and break.

#![expect(clippy::unwrap_used, reason = "a test helper")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bellhop_game::Game;
use room_client::{Client, News};
use room_core::{
    AdmitError, Claim, CloseCode, ConnId, GameEntry, MatchResult, MatchSpec, Output, ResumeClaim, Room, SeatSpec, Time,
    WatchClaim,
};

/// One player: a client, its socket, and what is on the way to it.
pub(crate) struct Player<G: Game> {
    pub(crate) client: Client<G>,
    pub(crate) conn: Option<ConnId>,
    /// Nothing arrives while stalled.
    pub(crate) stalled: bool,
    on_the_way: VecDeque<Vec<u8>>,
    /// Bytes of each message that the room sent.
    pub(crate) sizes: Vec<usize>,
    pub(crate) events: Vec<G::Event>,
    pub(crate) refused: Vec<(u64, String)>,
    pub(crate) accepted: Vec<u64>,
    pub(crate) closed: Option<(CloseCode, String)>,
}

/// A room and its players.
pub(crate) struct World<G: Game> {
    pub(crate) room: Room,
    pub(crate) now: Time,
    pub(crate) players: BTreeMap<u16, Player<G>>,
    pub(crate) watchers: Vec<Player<G>>,
    /// What was said, and to whom: by seat, spectators by nobody's.
    pub(crate) said: Vec<(Option<u16>, String)>,
    pub(crate) result: Option<MatchResult>,
    /// The journal of the match so far.
    pub(crate) journal: Vec<u8>,
    /// The lobby says what of it it has, at once.
    pub(crate) keeps: bool,
    pub(crate) epoch: u64,
    /// Questions that nobody answers.
    pub(crate) silent_world: bool,
    pub(crate) asked: u32,
    next_conn: u64,
    next_nonce: u64,
}

pub(crate) const EPOCH: u64 = 7;

pub(crate) fn seat(number: u16) -> SeatSpec {
    SeatSpec {
        seat: number,
        player: format!("p-{number}"),
        name: format!("player {number}"),
        tag: format!("{number}"),
        team: 0,
    }
}

pub(crate) fn spec(game: &str, seats: u16, seed: u64) -> MatchSpec {
    MatchSpec {
        match_id: "m-1".into(),
        epoch: EPOCH,
        game: game.into(),
        config_json: String::new(),
        seed,
        seats: (0..seats).map(seat).collect(),
        max_seats: 0,
        journal: Vec::new(),
        audience: room_core::Audience::default(),
        chat: false,
    }
}

pub(crate) fn claim(seat: u16, nonce: u64) -> Claim {
    Claim { epoch: EPOCH, match_id: "m-1".into(), player: format!("p-{seat}"), seat, nonce, resume: false }
}

/// A seal anybody can read, for tests.
pub(crate) fn seal(claim: &ResumeClaim) -> String {
    format!("{} {}", claim.seat, claim.nonce)
}

impl<G: Game> Player<G> {
    fn new() -> Player<G> {
        Player {
            client: Client::new(),
            conn: None,
            stalled: false,
            on_the_way: VecDeque::new(),
            sizes: Vec::new(),
            events: Vec::new(),
            refused: Vec::new(),
            accepted: Vec::new(),
            closed: None,
        }
    }
}

impl<G: Game> World<G> {
    pub(crate) fn new(seats: u16, seed: u64) -> World<G> {
        World::configured(MatchSpec { seed, ..spec(G::NAME, seats, seed) })
    }

    pub(crate) fn configured(spec: MatchSpec) -> World<G> {
        let games: [GameEntry; 1] = [room_core::game::<G>()];
        let mut room = Room::new(&games, spec.seed);
        room.host(Time(0), spec).unwrap();
        World {
            room,
            now: Time(0),
            players: BTreeMap::new(),
            watchers: Vec::new(),
            said: Vec::new(),
            result: None,
            journal: Vec::new(),
            keeps: false,
            epoch: EPOCH,
            silent_world: false,
            asked: 0,
            next_conn: 1,
            next_nonce: 1_000,
        }
    }

    /// All seats arrive.
    pub(crate) fn seated(seats: u16, seed: u64) -> World<G> {
        let mut world = World::new(seats, seed);
        (0..seats).for_each(|seat| world.join(seat));
        world
    }

    pub(crate) fn now_ms(&self) -> f64 {
        self.now.0 as f64 / 1_000.0
    }

    /// The room is killed: all that is left is what of its journal was kept. Another one goes on; nobody is there yet.
    pub(crate) fn crash(&mut self, spec: MatchSpec, kept: usize) -> Result<(), room_core::HostError> {
        self.epoch += 1;
        self.journal.truncate(kept);
        let journal = std::mem::take(&mut self.journal);
        let mut room = Room::new(&[room_core::game::<G>()], self.epoch);
        room.host(self.now, MatchSpec { epoch: self.epoch, journal, ..spec })?;
        self.room = room;
        for player in self.players.values_mut() {
            player.conn = None;
            player.on_the_way.clear();
        }
        self.carry();
        Ok(())
    }

    /// Opens a socket for a seat with a fresh token, as the lobby gives one for another room.
    pub(crate) fn come_again(&mut self, seat: u16) {
        self.next_nonce += 1;
        let claim = Claim { epoch: self.epoch, ..claim(seat, self.next_nonce) };
        self.open(seat, &claim).unwrap();
    }

    /// Opens a socket for a seat: with its resume token if it has one, else with a fresh join token.
    pub(crate) fn join(&mut self, seat: u16) {
        self.try_join(seat).unwrap();
    }

    pub(crate) fn try_join(&mut self, seat: u16) -> Result<(), AdmitError> {
        let resume = self.players.get(&seat).and_then(|player| player.client.resume_token().map(str::to_owned));
        self.next_nonce += 1;
        let claim = match resume {
            Some(token) => Claim { resume: true, ..claim(seat, token.split(' ').nth(1).unwrap().parse().unwrap()) },
            None => claim(seat, self.next_nonce),
        };
        self.open(seat, &claim)
    }

    pub(crate) fn open(&mut self, seat: u16, claim: &Claim) -> Result<(), AdmitError> {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.room.admit(self.now, conn, claim, &mut seal)?;
        let player = self.players.entry(seat).or_insert_with(Player::new);
        player.conn = Some(conn);
        player.closed = None;
        player.on_the_way.clear();
        let hello = player.client.hello();
        self.room.receive(self.now, conn, &hello);
        self.carry();
        Ok(())
    }

    /// Somebody watches.
    pub(crate) fn watch(&mut self, viewer: &str) -> Result<usize, AdmitError> {
        let conn = ConnId(self.next_conn);
        self.next_conn += 1;
        self.next_nonce += 1;
        let (match_id, viewer, nonce) = ("m-1".into(), viewer.to_owned(), self.next_nonce);
        self.room.watch(self.now, conn, &WatchClaim { epoch: self.epoch, match_id, viewer, nonce })?;
        let mut watcher = Player { conn: Some(conn), ..Player::new() };
        let hello = watcher.client.hello();
        self.watchers.push(watcher);
        self.room.receive(self.now, conn, &hello);
        self.carry();
        Ok(self.watchers.len() - 1)
    }

    /// A raw message of a spectator.
    pub(crate) fn watcher_says(&mut self, watcher: usize, bytes: &[u8]) {
        let conn = self.watchers[watcher].conn.expect("connected");
        self.room.receive(self.now, conn, bytes);
        self.carry();
    }

    /// The connection breaks after `arrives` more messages arrived; the rest is lost.
    pub(crate) fn cut(&mut self, seat: u16, arrives: usize) {
        let now_ms = self.now_ms();
        let Some(player) = self.players.get_mut(&seat) else { return };
        let Some(conn) = player.conn.take() else { return };
        for message in player.on_the_way.drain(..).take(arrives).collect::<Vec<_>>() {
            player.client.receive(&message, now_ms).unwrap();
        }
        self.room.disconnected(self.now, conn);
        self.carry();
    }

    /// Time passes, in small steps, and everybody does what is due.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now.plus(duration);
        while self.now < end {
            let step = self.room.deadline().unwrap_or(end).max(self.now);
            self.now = step.min(self.now.plus(Duration::from_millis(50))).max(Time(self.now.0 + 1)).min(end);
            self.room.advance(self.now);
            self.carry();
        }
    }

    /// Carries messages until nothing is left to carry.
    pub(crate) fn carry(&mut self) {
        let now_ms = self.now_ms();
        for _ in 0..64 {
            let mut quiet = true;
            while let Some(output) = self.room.poll() {
                quiet = false;
                self.output(output);
            }
            let players = self.players.iter_mut().map(|(&seat, player)| (Some(seat), player));
            for (seat, player) in players.chain(self.watchers.iter_mut().map(|watcher| (None, watcher))) {
                if !player.stalled {
                    for message in player.on_the_way.drain(..) {
                        quiet = false;
                        player.client.receive(&message, now_ms).unwrap();
                    }
                    for news in player.client.news() {
                        match news {
                            News::Event(event) => player.events.push(event),
                            News::Accepted(id) => player.accepted.push(id),
                            News::Refused(id, reason) => player.refused.push((id, reason)),
                            News::Said(said) => self.said.push((seat, format!("{}: {}", said.seat, said.text))),
                            News::Unsaid(reason) => self.said.push((seat, format!("not: {reason}"))),
                            News::Removed(gone, reason) => self.said.push((seat, format!("{gone} gone: {reason}"))),
                            News::Welcome(..)
                            | News::Watching(..)
                            | News::Roster(_)
                            | News::Notice(_)
                            | News::Ended(_) => {}
                        }
                    }
                    let Some(conn) = player.conn else { continue };
                    for message in player.client.outgoing(now_ms) {
                        quiet = false;
                        self.room.receive(self.now, conn, &message);
                    }
                }
            }
            if quiet {
                return;
            }
        }
        panic!("the room and its clients do not come to rest");
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Send { conn, frame } => {
                let mut all = self.players.values_mut().chain(&mut self.watchers);
                if let Some(player) = all.find(|player| player.conn == Some(conn)) {
                    player.sizes.push(frame.len());
                    player.on_the_way.push_back(frame.to_vec());
                }
            }
            Output::Close { conn, code, reason } => {
                let mut all = self.players.values_mut().chain(&mut self.watchers);
                if let Some(player) = all.find(|player| player.conn == Some(conn)) {
                    let now_ms = self.now.0 as f64 / 1_000.0;
                    for message in player.on_the_way.drain(..) {
                        player.client.receive(&message, now_ms).unwrap();
                    }
                    player.conn = None;
                    player.closed = Some((code, reason.into_owned()));
                }
            }
            // There is nobody to ask.
            Output::Ask { epoch, question, .. } => {
                self.asked += 1;
                if !self.silent_world {
                    self.room.answer(self.now, epoch, question, None);
                }
            }
            Output::SeatsChanged => {}
            Output::Journal(piece) => {
                self.journal.extend(piece);
                if self.keeps {
                    self.room.journal_kept(self.now, self.epoch, self.journal.len() as u64);
                }
            }
            Output::Result(result) => {
                assert!(self.result.replace(result).is_none(), "a match ends once");
            }
        }
    }

    pub(crate) fn player(&mut self, seat: u16) -> &mut Player<G> {
        self.players.get_mut(&seat).unwrap()
    }

    /// A raw message on a player's socket.
    pub(crate) fn say(&mut self, seat: u16, bytes: &[u8]) {
        let conn = self.players[&seat].conn.expect("connected");
        self.room.receive(self.now, conn, bytes);
        self.carry();
    }

    /// Sends a command and says how it was taken: empty for accepted, else the reason.
    pub(crate) fn command(&mut self, seat: u16, command: &G::Command) -> String {
        let id = self.player(seat).client.command(command);
        self.carry();
        let player = self.player(seat);
        match player.refused.iter().find(|(refused, _)| *refused == id) {
            Some((_, reason)) => reason.clone(),
            None => {
                assert!(player.accepted.contains(&id), "a command is accepted or refused");
                String::new()
            }
        }
    }

    pub(crate) fn view(&self, seat: u16) -> G::View {
        self.players[&seat].client.view().expect("has a state").clone()
    }

    /// What the room holds, as a keyframe of this very moment.
    pub(crate) fn truth(&mut self, seat: u16) -> G::View {
        self.say(seat, &bellhop_wire::ToServer::WantKeyframe.encode());
        self.view(seat)
    }
}
