//! A match as one player's client lives through it, written down step by step: what it is given and what it makes of
//! it; and the match's journal, with what its player sees at each of its steps when it is played again. The same code in a
//! browser must make the same of both.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use bellhop_game::{Game, Rng, Seat, View as _};
use bellhop_maze::Maze;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;
use room_client::Client;
use room_core::{Claim, ConnId, MatchSpec, Output, Playback, Room, SeatSpec, Time};
use serde_json::{Value, json};

/// Between two looks at the clock.
const STEP_MS: u64 = 50;
/// Longest match that is written down: of this much of it, a minute.
const STEPS: u64 = 1_200;
/// Of a game with this many steps a second and more, a quarter of that.
const FAST_HZ: u32 = 30;
/// Every so many steps the players think.
const THINK_EVERY: u64 = 4;

/// Writes a match of each game into `out`: `<game>.json`.
///
/// # Errors
/// If a match cannot be played, or `out` not be written.
pub fn write(out: &Path) -> Result<()> {
    fs::create_dir_all(out)?;
    write_one::<Snake>(out, 3)?;
    write_one::<Tanks>(out, 3)?;
    write_one::<Maze>(out, 3)?;
    write_one::<Sketch>(out, 2)?;
    write_one::<TicTacToe>(out, 2)
}

fn write_one<G: Game>(out: &Path, seats: u16) -> Result<()> {
    let (steps, journal) = record::<G>(seats, 20)?;
    anyhow::ensure!(steps.len() > 100, "hardly anything happened in {}", G::NAME);
    let replay = replayed::<G>(&journal)?;
    let path = out.join(format!("{}.json", G::NAME));
    let lived = json!({ "steps": steps, "journal": hex(&journal), "replay": replay });
    fs::write(&path, serde_json::to_vec(&lived)?).with_context(|| format!("writing {}", path.display()))
}

/// What seat 0 sees when the match is played again: at each of its steps, or, where it has none, every so often.
fn replayed<G: Game>(journal: &[u8]) -> Result<Vec<Value>> {
    let mut playback: Playback<G> =
        Playback::open(journal, |json| serde_json::from_str(json).map_err(|error| error.to_string()))?;
    let mut moments = Vec::new();
    for step in 0.. {
        let ms = if G::RATE_HZ > 0 { step * 1_000 / u64::from(G::RATE_HZ) } else { step * STEP_MS };
        if ms > playback.duration_ms() {
            break;
        }
        playback.seek(ms);
        let view = playback.view(Some(0));
        moments.push(json!({ "ms": ms, "view": view, "since": view.since(0) }));
    }
    Ok(moments)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The room, and those who play.
struct Table<G: Game> {
    room: Room,
    now: Time,
    clients: BTreeMap<u16, Client<G>>,
    /// What the client of seat 0 went through.
    steps: Vec<Value>,
    journal: Vec<u8>,
}

/// What the client of seat 0 goes through, and the journal.
fn record<G: Game>(seats: u16, seed: u64) -> Result<(Vec<Value>, Vec<u8>)> {
    let mut room = Room::new(&[room_core::game::<G>()], seed);
    let seat = |seat: u16| SeatSpec {
        seat,
        player: format!("p-{seat}"),
        name: format!("player {seat}"),
        tag: format!("{seat:04}"),
        team: 0,
    };
    let spec = MatchSpec {
        match_id: "m-1".into(),
        epoch: 1,
        game: G::NAME.into(),
        config_json: String::new(),
        seed,
        seats: (0..seats).map(seat).collect(),
        max_seats: 0,
        journal: Vec::new(),
        audience: room_core::Audience::default(),
        chat: false,
    };
    room.host(Time(0), spec)?;
    let mut table: Table<G> =
        Table { room, now: Time(0), clients: BTreeMap::new(), steps: Vec::new(), journal: Vec::new() };
    (0..seats).try_for_each(|seat| table.join(seat))?;
    let mut rng = Rng::new(seed);
    let steps = if G::RATE_HZ >= FAST_HZ { STEPS / 4 } else { STEPS };
    for step in 1..=steps {
        table.now = Time(step * STEP_MS * 1_000);
        table.room.advance(table.now);
        if table.carry() {
            break;
        }
        if step % THINK_EVERY == 0 {
            (0..seats).for_each(|seat| table.think(seat, &mut rng));
        }
        table.speak();
        if table.carry() {
            break;
        }
        table.look();
    }
    table.look();
    table.room.stop(table.now, "that is enough");
    table.carry();
    Ok((table.steps, table.journal))
}

impl<G: Game> Table<G> {
    fn now_ms(&self) -> f64 {
        self.now.0 as f64 / 1_000.0
    }

    fn join(&mut self, seat: u16) -> Result<()> {
        let claim = Claim {
            epoch: 1,
            match_id: "m-1".into(),
            player: format!("p-{seat}"),
            seat,
            nonce: u64::from(seat) + 1,
            resume: false,
        };
        let conn = ConnId(u64::from(seat));
        self.room.admit(self.now, conn, &claim, &mut |claim| format!("token {}", claim.nonce))?;
        let mut client = Client::new();
        let hello = client.hello();
        if seat == 0 {
            self.steps.push(json!({ "do": "hello", "gives": hex(&hello) }));
        }
        self.clients.insert(seat, client);
        self.room.receive(self.now, conn, &hello);
        self.carry();
        Ok(())
    }

    /// What the room says arrives. True: the match is over.
    fn carry(&mut self) -> bool {
        let (now_ms, mut over) = (self.now_ms(), false);
        while let Some(output) = self.room.poll() {
            match output {
                Output::Send { conn, frame } => {
                    let bytes = frame.to_vec();
                    let seat = u16::try_from(conn.0).expect("sockets are numbered by seats");
                    if seat == 0 {
                        self.steps.push(json!({ "do": "receive", "at": now_ms, "bytes": hex(&bytes) }));
                    }
                    let client = self.clients.get_mut(&seat).expect("only players are spoken to");
                    client.receive(&bytes, now_ms).expect("the room speaks as its clients do");
                    client.news();
                }
                Output::Result(_) => over = true,
                Output::Journal(piece) => self.journal.extend(piece),
                // Nobody is there to ask.
                Output::Ask { epoch, question, .. } => self.room.answer(self.now, epoch, question, None),
                Output::Close { .. } | Output::SeatsChanged => {}
            }
        }
        over
    }

    fn think(&mut self, seat: u16, rng: &mut Rng) {
        let Some(client) = self.clients.get_mut(&seat) else { return };
        let Some(view) = client.view().filter(|_| !client.is_commanding()) else { return };
        let moves = G::bot(view, Seat(seat), rng);
        if let Some(input) = moves.input {
            if seat == 0 {
                self.steps.push(json!({ "do": "input", "value": input }));
            }
            client.set_input(input);
        }
        for command in moves.commands {
            if seat == 0 {
                self.steps.push(json!({ "do": "command", "value": command }));
            }
            client.command(&command);
        }
    }

    fn speak(&mut self) {
        let now_ms = self.now_ms();
        for (&seat, client) in &mut self.clients {
            let messages = client.outgoing(now_ms);
            if seat == 0 {
                let gives: Vec<String> = messages.iter().map(|message| hex(message)).collect();
                self.steps.push(json!({ "do": "outgoing", "at": now_ms, "gives": gives }));
            }
            for message in messages {
                self.room.receive(self.now, ConnId(u64::from(seat)), &message);
            }
        }
    }

    /// What the player sees.
    fn look(&mut self) {
        let now_ms = self.now_ms();
        let view = self.clients.get_mut(&0).and_then(|client| client.view_at(now_ms));
        self.steps.push(json!({ "do": "view", "at": now_ms, "gives": view }));
    }
}
