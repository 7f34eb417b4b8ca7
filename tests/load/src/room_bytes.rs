//! How many bytes a match costs a player: the real room core and the real clients with bots that play to win, in
//! virtual time and without a network.
//!
//! The headline counts state frames with their private prefix, the payload of the socket's messages. What else goes
//! down (pongs, rosters) is in `/all`; welcomes and first keyframes are in neither: they come once.

mod tanks;

use anyhow::{Context as _, Result, ensure};
use bellhop_maze::{Maze, Phase as MazePhase, Sight};
use bellhop_snake::{Board, Phase, Snake};
use bellhop_tictactoe::TicTacToe;
use room_client::Client;
use room_core::{Claim, ConnId, MatchSpec, Output, Room, SeatSpec, Time};

use crate::bench::{Bench, Report};

pub use tanks::TANKS;

/// Bytes of Snake with eight bots.
pub const SNAKE: Bench = Bench {
    name: "room/bytes/snake",
    about: "mean bytes per tick and player, 8 bots that play to win; <= 10",
    run: snake,
};

/// Bytes of Maze with eight bots.
pub const MAZE: Bench = Bench {
    name: "room/bytes/maze",
    about: "mean bytes per send tick and player, 8 bots that play to win; <= 30",
    run: maze,
};

/// Bytes of tic-tac-toe with two bots.
pub const TICTACTOE: Bench =
    Bench { name: "room/bytes/tictactoe", about: "mean bytes per move and player, 2 bots; <= 8", run: tictactoe };

/// Matches per benchmark, each with its own seed.
const MATCHES: u64 = 5;
/// A match is looked at for so long.
const SECONDS: u64 = 60;
/// How often clients look at what is due: as a page does between its frames.
const STEP: Time = Time(20_000);

/// A room and its bots.
pub(crate) struct World<G: bellhop_game::Game> {
    room: Room,
    pub(crate) clients: Vec<Client<G>>,
    rngs: Vec<bellhop_game::Rng>,
    pub(crate) now: Time,
    /// Bytes that clients sent.
    pub(crate) up: u64,
    /// What the room wrote of the match.
    pub(crate) journal: Vec<u8>,
    pub(crate) over: bool,
}

/// The order to host a match.
pub(crate) fn order<G: bellhop_game::Game>(seats: u16, seed: u64, config_json: &str) -> MatchSpec {
    let seat = |seat: u16| SeatSpec {
        seat,
        player: format!("p-{seat}"),
        name: format!("Player {seat}"),
        tag: String::new(),
        team: 0,
    };
    MatchSpec {
        match_id: "m-bytes".to_owned(),
        epoch: 1,
        game: G::NAME.to_owned(),
        config_json: config_json.to_owned(),
        seed,
        seats: (0..seats).map(seat).collect(),
        max_seats: seats,
        journal: Vec::new(),
        audience: room_core::Audience::default(),
        chat: false,
    }
}

impl<G: bellhop_game::Game> World<G> {
    pub(crate) fn new(seats: u16, seed: u64) -> Result<World<G>> {
        World::with_config(seats, seed, "")
    }

    pub(crate) fn with_config(seats: u16, seed: u64, config_json: &str) -> Result<World<G>> {
        let mut room = Room::new(&[room_core::game::<G>()], seed);
        room.host(Time(0), order::<G>(seats, seed, config_json))?;
        let mut world = World {
            room,
            clients: (0..seats).map(|_| Client::new()).collect(),
            rngs: (0..seats).map(|seat| bellhop_game::Rng::new(seed ^ u64::from(seat) << 32)).collect(),
            now: Time(0),
            up: 0,
            journal: Vec::new(),
            over: false,
        };
        for seat in 0..seats {
            let claim = Claim {
                epoch: 1,
                match_id: "m-bytes".to_owned(),
                player: format!("p-{seat}"),
                seat,
                nonce: u64::from(seat),
                resume: false,
            };
            let conn = ConnId(u64::from(seat));
            world.room.admit(world.now, conn, &claim, &mut |_| "x".repeat(400))?;
            let hello = world.clients[usize::from(seat)].hello();
            world.room.receive(world.now, conn, &hello);
        }
        world.carry()?;
        Ok(world)
    }

    /// Messages go both ways until none is left.
    pub(crate) fn carry(&mut self) -> Result<()> {
        let now_ms = self.now.0 as f64 / 1_000.0;
        loop {
            let mut quiet = true;
            while let Some(output) = self.room.poll() {
                match output {
                    Output::Send { conn, frame } => {
                        self.clients[usize::try_from(conn.0)?].receive(&frame.to_vec(), now_ms)?;
                    }
                    Output::Result(_) => self.over = true,
                    Output::Ask { epoch, question, .. } => self.room.answer(self.now, epoch, question, None),
                    Output::Journal(piece) => self.journal.extend(piece),
                    Output::Close { .. } | Output::SeatsChanged => {}
                }
                quiet = false;
            }
            for (at, client) in self.clients.iter_mut().enumerate() {
                for message in client.outgoing(now_ms) {
                    self.up += message.len() as u64;
                    self.room.receive(self.now, ConnId(at as u64), &message);
                    quiet = false;
                }
            }
            if quiet {
                return Ok(());
            }
        }
    }

    /// A bot looks at what its client shows and acts.
    pub(crate) fn think(&mut self, at: usize) {
        let client = &mut self.clients[at];
        let (Some(view), Some(seated), false) = (client.view(), client.seated(), client.is_commanding()) else {
            return;
        };
        let moves = G::bot(view, seated.seat, &mut self.rngs[at]);
        if let Some(input) = moves.input {
            client.set_input(input);
        }
        for command in &moves.commands {
            client.command(command);
        }
    }

    pub(crate) fn step(&mut self) -> Result<()> {
        self.now = Time(self.now.0 + STEP.0);
        self.room.advance(self.now);
        self.carry()
    }

    /// Bytes that all clients received: state frames, and everything.
    pub(crate) fn down(&self) -> (u64, u64) {
        let stats = self.clients.iter().map(|client| client.stats(0.0));
        stats.fold((0, 0), |(state, all), stats| (state + stats.state_bytes, all + stats.bytes))
    }
}

/// What matches of bots cost, over all seeds.
#[derive(Default)]
pub(crate) struct Costs {
    /// Bytes of state frames down, after the first keyframes; of the first keyframes; and of all that went down.
    state: u64,
    first: u64,
    all: u64,
    /// Bytes up.
    up: u64,
    /// States seen by the first client, and those in which something moved.
    pub(crate) ticks: u64,
    moving: u64,
    /// Of virtual time.
    micros: u64,
}

/// Lets `seats` bots play, each match for a while or to its end. `tick` tells one state from the next, `moved` whether more than
/// the clock is different; `each` is shown every new state.
pub(crate) fn watch<G: bellhop_game::Game>(
    seats: u16,
    tick: fn(&G::View) -> u32,
    moved: fn(&G::View, &G::View) -> bool,
    mut each: impl FnMut(&G::View),
) -> Result<Costs> {
    let mut costs = Costs::default();
    for seed in 0..MATCHES {
        let mut world: World<G> = World::new(seats, seed)?;
        let (first_state, first_all) = world.down();
        world.up = 0;
        let mut seen = world.clients[0].view().context("a keyframe came")?.clone();
        while world.now.0 < SECONDS * 1_000_000 && !world.over {
            world.step()?;
            let view = world.clients[0].view().context("there is a state")?.clone();
            if tick(&view) != tick(&seen) {
                costs.ticks += 1;
                costs.moving += u64::from(moved(&seen, &view));
                each(&view);
                seen = view;
                (0..usize::from(seats)).for_each(|at| world.think(at));
                world.carry()?;
            }
        }
        let down = world.down();
        costs.first += first_state;
        costs.state += down.0 - first_state;
        costs.all += down.1 - first_all;
        costs.up += world.up;
        costs.micros += world.now.0;
        ensure!(world.clients.iter().all(|client| client.stats(0.0).desyncs == 0), "a client fell out of step");
    }
    Ok(costs)
}

impl Costs {
    /// The figures that every game has; `seconds` is the time that inputs are spread over.
    pub(crate) fn report(&self, report: &mut Report<'_>, seats: u16, seconds: f64) {
        let (seats, ticks) = (f64::from(seats), self.ticks as f64);
        report.headline(self.state as f64 / ticks / seats, "B");
        report.further("all", self.all as f64 / ticks / seats, "B");
        report.further("inputs", self.up as f64 / seconds / seats, "B/s");
        report.further("moving", self.moving as f64 / ticks, "");
    }
}

fn snake(report: &mut Report<'_>) -> Result<()> {
    const SEATS: u16 = 8;
    let moved = |before: &Board, after: &Board| {
        let still = Board { tick: before.tick, ..after.clone() };
        before.phase == Phase::Running && *before != still
    };
    let costs = watch::<Snake>(SEATS, |board| board.tick, moved, |_| {})?;
    costs.report(report, SEATS, costs.ticks as f64 / f64::from(<Snake as bellhop_game::Game>::RATE_HZ));
    Ok(())
}

fn maze(report: &mut Report<'_>) -> Result<()> {
    const SEATS: u16 = 8;
    let moved = |before: &Sight, after: &Sight| {
        let still = Sight { tick: before.tick, ..after.clone() };
        before.phase == MazePhase::Hunt && *before != still
    };
    let costs = watch::<Maze>(SEATS, |sight| sight.tick, moved, |_| {})?;
    costs.report(report, SEATS, costs.micros as f64 / 1e6);
    report.further("keyframe", costs.first as f64 / MATCHES as f64 / f64::from(SEATS), "B");
    Ok(())
}

fn tictactoe(report: &mut Report<'_>) -> Result<()> {
    let (mut state, mut all, mut up, mut moves, mut micros) = (0, 0, 0, 0_u64, 0_u64);
    for seed in 0..MATCHES * 8 {
        let mut world: World<TicTacToe> = World::new(2, seed)?;
        let (first_state, first_all) = world.down();
        world.up = 0;
        let mut think_at = Time(1_000_000);
        // The game itself; the offers after it are no moves.
        while world.clients[0].view().is_some_and(|table| table.state().phase == bellhop_tictactoe::Phase::Playing) {
            world.step()?;
            if world.now >= think_at {
                // A person thinks for half a second to four.
                think_at = Time(world.now.0 + 500_000 + u64::from(world.rngs[0].below(3_500_000)));
                (0..2).for_each(|at| world.think(at));
                world.carry()?;
            }
        }
        let table = world.clients[0].view().context("there is a state")?;
        moves += table.state().cells.iter().flatten().count() as u64;
        let down = world.down();
        state += down.0 - first_state;
        all += down.1 - first_all;
        up += world.up;
        micros += world.now.0;
    }
    report.headline(state as f64 / moves as f64 / 2.0, "B");
    report.further("all", all as f64 / moves as f64 / 2.0, "B");
    report.further("inputs", up as f64 / (micros as f64 / 1e6) / 2.0, "B/s");
    Ok(())
}
