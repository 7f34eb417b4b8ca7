//! Players that play by themselves, through the same door as people.

use bellhop_game::{DecodeError, Game, Rng, schema};
use bellhop_wire::Ended;

use crate::{Client, ClientStats};

/// A bot of some game.
pub trait Bot: Send {
    /// A socket opened: the message to send first.
    fn hello(&mut self) -> Vec<u8>;
    /// A message came.
    ///
    /// # Errors
    /// When it is no message of a room that runs this game.
    fn receive(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), DecodeError>;
    /// Messages that are due. To be asked after every message, and some ten times a second.
    fn outgoing(&mut self, now_ms: f64) -> Vec<Vec<u8>>;
    /// How the match ended.
    fn ended(&self) -> Option<&Ended>;
    /// Opens the seat again after a broken connection.
    fn resume_token(&self) -> Option<&str>;
    /// The message that gives the seat up.
    fn leave(&self) -> Vec<u8>;
    /// How the connection does.
    fn stats(&self, now_ms: f64) -> ClientStats;
}

/// A game that bots can play, whatever its types.
#[derive(Debug, Clone, Copy)]
pub struct BotEntry {
    /// The game's name.
    pub name: &'static str,
    /// Hash over its wire types.
    pub schema: u64,
    start: fn(u64, f64) -> Box<dyn Bot>,
}

impl BotEntry {
    /// A bot that looks at every state for `reaction_ms` before it acts; 0 for load, some 500 to play with people in
    /// a turn-based game.
    pub fn start(&self, seed: u64, reaction_ms: f64) -> Box<dyn Bot> {
        (self.start)(seed, reaction_ms)
    }
}

/// The entry of a game.
pub fn bot<G: Game>() -> BotEntry {
    BotEntry {
        name: G::NAME,
        schema: schema::<G>(),
        start: |seed, reaction_ms| {
            Box::new(Player::<G> { client: Client::new(), rng: Rng::new(seed), reaction_ms, seen_at: None, frames: 0 })
        },
    }
}

struct Player<G: Game> {
    client: Client<G>,
    rng: Rng,
    reaction_ms: f64,
    /// When a state came that was not thought about yet.
    seen_at: Option<f64>,
    frames: u64,
}

impl<G: Game> Bot for Player<G> {
    fn hello(&mut self) -> Vec<u8> {
        self.client.hello()
    }

    fn receive(&mut self, bytes: &[u8], now_ms: f64) -> Result<(), DecodeError> {
        self.client.receive(bytes, now_ms)?;
        self.client.news();
        let frames = self.client.stats(now_ms).frames;
        if frames != std::mem::replace(&mut self.frames, frames) {
            self.seen_at.get_or_insert(now_ms);
        }
        Ok(())
    }

    fn outgoing(&mut self, now_ms: f64) -> Vec<Vec<u8>> {
        let looked = self.seen_at.is_some_and(|seen| now_ms - seen >= self.reaction_ms);
        if let (true, false, Some(view), Some(seated)) =
            (looked, self.client.is_commanding(), self.client.view(), self.client.seated())
        {
            let moves = G::bot(view, seated.seat, &mut self.rng);
            self.seen_at = None;
            if let Some(input) = moves.input {
                self.client.set_input(input);
            }
            for command in &moves.commands {
                self.client.command(command);
            }
        }
        self.client.outgoing(now_ms)
    }

    fn ended(&self) -> Option<&Ended> {
        self.client.ended()
    }

    fn resume_token(&self) -> Option<&str> {
        self.client.resume_token()
    }

    fn leave(&self) -> Vec<u8> {
        self.client.leave()
    }

    fn stats(&self, now_ms: f64) -> ClientStats {
        self.client.stats(now_ms)
    }
}
