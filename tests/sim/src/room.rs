//! A room's process: the real room core, and around it what its shell would do, faults included.

use lobby_core::{
    GameInfo, Health, Hello, HostOrder, HostSeat, MatchId, MatchReport, PlayerId, Presence, RoomId, RoomNews,
    RoomReport, Running, SeatReport, SeatResult, StreamId, Time,
};
use room_core::{Claim, ConnId, MatchSpec, Output, Room, SeatSpec, Status};

use crate::dice::Dice;

/// A room's process.
pub struct Process {
    /// Its id.
    pub id: RoomId,
    /// The room core.
    pub core: Room,
    /// Its stream, once the lobby has it.
    pub stream: Option<StreamId>,
    /// It has opened a stream, and it is not broken as far as it knows.
    pub open: bool,
    /// Stopped until then: it neither hears nor speaks.
    pub hung: Time,
    /// Results that were not acknowledged.
    pub results: Vec<MatchReport>,
    /// It says more, or other, seats than there are.
    pub lies: bool,
    /// It has the drain, and goes when it is empty.
    pub draining: bool,
    /// Attach attempts in a row that failed.
    pub tries: u32,
    sequence: u64,
    conns: u64,
    /// The journal of the match it hosted last.
    journal: Option<(MatchId, u64, Vec<u8>)>,
}

/// What a room has to say.
pub enum Said {
    /// To the lobby.
    News(RoomNews),
    /// To a player: his socket was closed.
    Closed(ConnId),
    /// To the lobby: a piece of the journal of a match.
    Piece(Piece),
}

/// A piece of the journal of a match.
pub struct Piece {
    /// The match.
    pub match_id: MatchId,
    /// Of which placement.
    pub epoch: u64,
    /// Where it belongs.
    pub offset: usize,
    /// What it says.
    pub data: Vec<u8>,
}

fn core_time(now: Time) -> room_core::Time {
    room_core::Time(now.0)
}

fn presence(of: room_core::Presence) -> Presence {
    match of {
        room_core::Presence::Reserved => Presence::Reserved,
        room_core::Presence::Live => Presence::Live,
        room_core::Presence::Dropped => Presence::Dropped,
        room_core::Presence::Left => Presence::Left,
    }
}

fn spec(seat: &HostSeat) -> SeatSpec {
    SeatSpec {
        seat: seat.seat,
        player: seat.player.to_string(),
        name: seat.name.to_string(),
        tag: format!("{:04}", seat.tag),
        team: seat.team.into(),
    }
}

impl Process {
    /// A process that just began.
    pub fn new(id: RoomId, lies: bool) -> Self {
        let games = [room_core::game::<bellhop_snake::Snake>(), room_core::game::<bellhop_tictactoe::TicTacToe>()];
        Self {
            id,
            core: Room::new(&games, id.0),
            stream: None,
            open: false,
            hung: Time::ZERO,
            results: Vec::new(),
            lies,
            draining: false,
            tries: 0,
            sequence: 0,
            conns: 0,
            journal: None,
        }
    }

    /// What it says first.
    pub fn hello(&self) -> Hello {
        let games = self.core.games().iter().map(|game| GameInfo {
            name: game.name.into(),
            min_seats: game.min_seats,
            max_seats: game.max_seats,
        });
        Hello {
            room: Some(self.id),
            fleet: "default".into(),
            games: games.collect(),
            running: self.running(),
            draining: self.draining,
        }
    }

    /// The match it runs, as it is.
    pub fn running(&self) -> Option<Running> {
        let Status::Playing { match_id, epoch, .. } = self.core.status() else { return None };
        let seats = self.core.seats().into_iter().map(|seat| SeatReport {
            seat: seat.seat,
            player: seat.player.parse().expect("players are named by the lobby"),
            presence: presence(seat.presence),
        });
        Some(Running { match_id: match_id.parse().expect("matches are, too"), epoch, seats: seats.collect() })
    }

    /// A report, true or not.
    pub fn report(&mut self, dice: &mut Dice) -> RoomNews {
        self.sequence += 1;
        let mut running = self.running();
        if self.lies
            && dice.once_in(3)
            && let Some(running) = &mut running
        {
            // Seats nobody has, seats twice, players nobody knows.
            running.seats.push(SeatReport { seat: 200, player: PlayerId(dice.word()), presence: Presence::Live });
            if let Some(first) = running.seats.first().copied() {
                running.seats.push(SeatReport { presence: Presence::Live, ..first });
                running.seats.push(SeatReport { player: PlayerId(dice.word()), ..first });
            }
        }
        // Now and then a report overtakes the one before it.
        let sequence = if self.lies && dice.once_in(5) { self.sequence.saturating_sub(2) } else { self.sequence };
        let (health, draining, events) = (Health::default(), self.draining, Vec::new());
        RoomNews::Report(Box::new(RoomReport { sequence, running, health, draining, events }))
    }

    /// Its journal from the beginning, for a new stream.
    pub fn whole_journal(&self) -> Option<Piece> {
        let (match_id, epoch, data) = self.journal.clone()?;
        Some(Piece { match_id, epoch, offset: 0, data })
    }

    /// The lobby has so much of its journal.
    pub fn journal_kept(&mut self, now: Time, epoch: u64, bytes: u64) {
        self.core.journal_kept(core_time(now), epoch, bytes);
    }

    /// Takes a match, or not; with what its last room wrote of it, if that is to go on here.
    pub fn host(&mut self, now: Time, order: &HostOrder, journal: Vec<u8>) -> RoomNews {
        let spec = MatchSpec {
            match_id: order.match_id.to_string(),
            epoch: order.epoch,
            game: order.game.to_string(),
            config_json: order.config_json.to_string(),
            seed: order.seed,
            seats: order.seats.iter().map(spec).collect(),
            max_seats: order.max_seats,
            journal,
            audience: room_core::Audience { most: order.spectators, delay: order.watch_delay },
            chat: order.chat,
        };
        let (match_id, epoch) = (order.match_id, order.epoch);
        match self.core.host(core_time(now), spec) {
            Ok(()) => {
                if self.journal.as_ref().is_none_or(|(_, of, _)| *of != epoch) {
                    self.journal = Some((match_id, epoch, Vec::new()));
                }
                RoomNews::HostAccepted { match_id, epoch }
            }
            Err(error) => RoomNews::HostRefused { match_id, epoch, reason: error.to_string().into() },
        }
    }

    /// More seats.
    pub fn add_seats(&mut self, now: Time, epoch: u64, seats: &[HostSeat]) {
        // A refusal shows in the next report: the seats are not there.
        let _refused = self.core.add_seats(core_time(now), epoch, seats.iter().map(spec).collect());
    }

    /// Fewer seats.
    pub fn release_seats(&mut self, now: Time, epoch: u64, seats: &[u16]) {
        let _gone = self.core.release_seats(core_time(now), epoch, seats);
    }

    /// Nobody waits for the match any more.
    pub fn call_off(&mut self, now: Time, epoch: u64) {
        let _gone = self.core.call_off(core_time(now), epoch, "nobody waits for it");
    }

    /// A player's socket opens and says hello, if the room lets it in.
    pub fn admit(&mut self, now: Time, match_id: MatchId, epoch: u64, seat: u16, player: PlayerId) -> Option<ConnId> {
        self.conns += 1;
        let conn = ConnId(self.conns);
        let claim = Claim {
            epoch,
            match_id: match_id.to_string(),
            player: player.to_string(),
            seat,
            nonce: self.conns,
            resume: false,
        };
        self.core.admit(core_time(now), conn, &claim, &mut |_| "token".to_owned()).ok()?;
        let Status::Playing { game, .. } = self.core.status() else { return None };
        let schema = self.core.games().iter().find(|entry| entry.name == game)?.schema;
        let hello = bellhop_wire::ToServer::Hello(bellhop_wire::Hello { schema, events_seen: None });
        self.core.receive(core_time(now), conn, &hello.encode());
        Some(conn)
    }

    /// A player's socket breaks.
    pub fn dropped(&mut self, now: Time, conn: ConnId) {
        self.core.disconnected(core_time(now), conn);
    }

    /// A player leaves for good.
    pub fn left(&mut self, now: Time, conn: ConnId) {
        self.core.receive(core_time(now), conn, &bellhop_wire::ToServer::Leave.encode());
    }

    /// No new match; the one that runs may finish.
    pub fn drain(&mut self, now: Time, within: std::time::Duration) {
        self.draining = true;
        self.core.drain(core_time(now), core_time(now).plus(within));
    }

    /// It has nothing to do any more.
    pub fn is_done(&self) -> bool {
        self.draining && self.core.status() == Status::Drained && self.results.is_empty()
    }

    /// When the core wants to be called.
    pub fn deadline(&self) -> Time {
        self.core.deadline().map_or(Time::MAX, |time| Time(time.0)).max(self.hung)
    }

    /// Time passed.
    pub fn advance(&mut self, now: Time) {
        self.core.advance(core_time(now));
    }

    /// What the core has to say.
    pub fn outputs(&mut self, dice: &mut Dice) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(output) = self.core.poll() {
            match output {
                Output::Send { .. } | Output::Ask { .. } => {}
                Output::Journal(data) => {
                    if let Some((match_id, epoch, journal)) = &mut self.journal {
                        let (match_id, epoch, offset) = (*match_id, *epoch, journal.len());
                        journal.extend_from_slice(&data);
                        said.push(Said::Piece(Piece { match_id, epoch, offset, data }));
                    }
                }
                Output::Close { conn, .. } => said.push(Said::Closed(conn)),
                Output::SeatsChanged => said.push(Said::News(self.report(dice))),
                Output::Result(result) => {
                    let seats = result.seats.iter().map(|seat| SeatResult {
                        seat: seat.seat,
                        player: seat.player.parse().expect("players are named by the lobby"),
                        rank: seat.rank as u16,
                        score: seat.score,
                    });
                    let report = MatchReport {
                        match_id: result.match_id.parse().expect("matches are, too"),
                        epoch: result.epoch,
                        seats: seats.collect(),
                        rated: result.rated,
                        duration: result.duration,
                        reason: result.reason.as_str().into(),
                        events_json: Vec::new(),
                    };
                    self.results.push(report.clone());
                    said.push(Said::News(RoomNews::Result(Box::new(report))));
                    said.push(Said::News(RoomNews::Ready));
                }
            }
        }
        said
    }
}
