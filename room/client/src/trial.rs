//! A match of bots in a room, in one thread and without waiting: what a game's author wants to know first.

use std::collections::BTreeMap;
use std::time::Duration;

use bellhop_game::Game;
use room_core::{Claim, ConnId, MatchResult, MatchSpec, Output, ResumeClaim, Room, SeatSpec, Time};

use crate::bot::{Bot, bot};

/// How often everybody looks whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a bot looks at a state before it acts.
const REACTION_MS: f64 = 50.0;

/// What is said in a match.
#[derive(Debug, Clone, Copy)]
pub enum Said<'a> {
    /// By a player.
    Up(&'a [u8]),
    /// By the room.
    Down(&'a [u8]),
    /// For the match's journal.
    Journal(&'a [u8]),
}

/// Lets bots play a match of `G` in a real room, over the real wire, and says how it ended.
///
/// # Errors
/// In words: when it does not end within this time of the match, or a message is none.
pub fn trial<G: Game>(seats: u16, seed: u64, within: Duration) -> Result<MatchResult, String> {
    overhear::<G>(seats, seed, within, |_| {})
}

/// The same, and all that is said goes to `hear` too.
///
/// # Errors
/// As [`trial`].
pub fn overhear<G: Game>(
    seats: u16,
    seed: u64,
    within: Duration,
    mut hear: impl FnMut(Said<'_>),
) -> Result<MatchResult, String> {
    let player = |seat: u16| format!("p-{seat}");
    let mut room = Room::new(&[room_core::game::<G>()], seed);
    let (match_id, epoch) = ("m-1".to_owned(), 1);
    let seat = |seat| SeatSpec { seat, player: player(seat), name: player(seat), tag: String::new(), team: 0 };
    let spec = MatchSpec {
        match_id: match_id.clone(),
        epoch,
        game: G::NAME.to_owned(),
        // What a queue without settings says.
        config_json: "{}".to_owned(),
        seed,
        seats: (0..seats).map(seat).collect(),
        max_seats: 0,
        journal: Vec::new(),
        audience: room_core::Audience::default(),
        chat: false,
    };
    let mut now = Time(0);
    room.host(now, spec).map_err(|error| error.to_string())?;
    let mut bots: BTreeMap<ConnId, Box<dyn Bot>> = BTreeMap::new();
    for seat in 0..seats {
        let (conn, nonce) = (ConnId(u64::from(seat)), u64::from(seat));
        let claim = Claim { epoch, match_id: match_id.clone(), player: player(seat), seat, nonce, resume: false };
        let mut seal = |claim: &ResumeClaim| format!("{}", claim.seat);
        room.admit(now, conn, &claim, &mut seal).map_err(|error| error.to_string())?;
        let mut bot = bot::<G>().start(seed ^ nonce, REACTION_MS);
        let hello = bot.hello();
        hear(Said::Up(&hello));
        room.receive(now, conn, &hello);
        bots.insert(conn, bot);
    }
    let end = now.plus(within);
    while now < end {
        let due = room.deadline().unwrap_or(end).max(Time(now.0 + 1));
        now = due.min(now.plus(LOOK_EVERY));
        let now_ms = now.0 as f64 / 1_000.0;
        room.advance(now);
        while let Some(output) = room.poll() {
            match output {
                Output::Send { conn, frame } => {
                    if let Some(bot) = bots.get_mut(&conn) {
                        let message = frame.to_vec();
                        hear(Said::Down(&message));
                        bot.receive(&message, now_ms).map_err(|error| error.to_string())?;
                    }
                }
                Output::Result(result) => return Ok(result),
                Output::Close { reason, .. } => return Err(format!("a bot was sent away: {reason}")),
                Output::Ask { epoch, question, .. } => room.answer(now, epoch, question, None),
                Output::Journal(piece) => hear(Said::Journal(&piece)),
                Output::SeatsChanged => {}
            }
        }
        for (conn, bot) in &mut bots {
            for message in bot.outgoing(now_ms) {
                hear(Said::Up(&message));
                room.receive(now, *conn, &message);
            }
        }
    }
    Err(format!("nobody had won after {} s", within.as_secs()))
}
