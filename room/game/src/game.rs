//! The trait, and what it speaks of.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Inputs, Outcome, Presence, Rng, View, Wire, schema_of};

/// A player's place in a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Seat(pub u16);

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seat {}", self.0)
    }
}

impl Wire for Seat {
    const SCHEMA: u64 = schema_of("seat", &[]);
    fn write(&self, to: &mut crate::Writer) {
        self.0.write(to);
    }
    fn read(from: &mut crate::Reader<'_>) -> Result<Seat, crate::DecodeError> {
        Ok(Seat(u16::read(from)?))
    }
}

/// Who looks. What a class may not see is not in its view, and so never leaves the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ViewClass {
    /// Everybody sees the same: encoded once for all.
    Shared,
    /// All of a team see the same.
    Team(u16),
    /// This seat alone.
    Seat(Seat),
    /// Somebody who does not play.
    Spectator,
}

/// Who takes a seat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The player's name.
    pub name: String,
    /// The team, counted from 0.
    pub team: u16,
}

/// A command was against the rules. The player is told why; nothing else happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Illegal(pub Cow<'static, str>);

impl Illegal {
    /// With the reason in words for the player.
    pub fn because(reason: impl Into<Cow<'static, str>>) -> Illegal {
        Illegal(reason.into())
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a game may do to the world during a call.
#[derive(Debug)]
pub struct Context<E> {
    /// Time of the match in milliseconds; it stands still while the match is paused.
    pub now_ms: u64,
    /// Steps made, this one included.
    pub tick: u32,
    events: Vec<(Option<ViewClass>, E)>,
    asks: Vec<(u32, String)>,
    outcome: Option<Outcome>,
}

impl<E> Context<E> {
    /// For a call at this time.
    pub fn new(now_ms: u64, tick: u32) -> Context<E> {
        Context { now_ms, tick, events: Vec::new(), asks: Vec::new(), outcome: None }
    }

    /// Tells everybody; delivered exactly once, in order.
    pub fn emit(&mut self, event: E) {
        self.events.push((None, event));
    }

    /// Tells the viewers of one class alone.
    pub fn emit_to(&mut self, class: ViewClass, event: E) {
        self.events.push((Some(class), event));
    }

    /// Asks the world outside, in words. The room passes it to whatever it was set up with (a language model, or
    /// nothing), off the match's thread, and the answer comes as [`Game::answer`] with this number: later, or never.
    /// So a game that asks has a deadline by which it goes on without.
    pub fn ask(&mut self, question: u32, words: impl Into<String>) {
        self.asks.push((question, words.into()));
    }

    /// Ends the match. The first outcome counts.
    pub fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }

    /// What was told during the call, and to whom; for the runtime and for tests.
    pub fn take_events(&mut self) -> Vec<(Option<ViewClass>, E)> {
        std::mem::take(&mut self.events)
    }

    /// What was asked during the call; for the runtime and for tests.
    pub fn take_asks(&mut self) -> Vec<(u32, String)> {
        std::mem::take(&mut self.asks)
    }

    /// The outcome, if the match ended during the call; for the runtime and for tests.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }
}

/// What a bot does now.
pub struct Moves<G: Game> {
    /// What it holds from now on.
    pub input: Option<G::Input>,
    /// What it does once.
    pub commands: Vec<G::Command>,
}

impl<G: Game> Default for Moves<G> {
    fn default() -> Moves<G> {
        Moves { input: None, commands: Vec::new() }
    }
}

impl<G: Game> Moves<G> {
    /// Holds this.
    pub fn hold(input: G::Input) -> Moves<G> {
        Moves { input: Some(input), commands: Vec::new() }
    }

    /// Does this once.
    pub fn command(command: G::Command) -> Moves<G> {
        Moves { input: None, commands: vec![command] }
    }
}

/// By how much something is shown beside where it is: along x and y in points of the page, then two angles in the
/// game's own measure.
pub type Pose = [f32; 4];

/// The rules of a game.
///
/// The room makes it when a match is placed, lets the players in, and from then on calls it: with commands as they
/// come and, where [`Game::RATE_HZ`] is not 0, [`Game::step`] exactly that often. What it is asked must follow from
/// its configuration, its seed and the calls so far, and from nothing else.
pub trait Game: Sized + Send + 'static {
    /// Settings of a match, from the queue. A missing field should have a default (`#[serde(default)]`).
    type Config: Serialize + DeserializeOwned + Default + Clone + Send;
    /// What is held: keys, aim. The last one wins.
    type Input: Wire + Serialize + DeserializeOwned + Clone + PartialEq + Send;
    /// What must not be lost: a move, a stroke.
    type Command: Wire + Serialize + DeserializeOwned + Clone + Send;
    /// What happened and is no state: told once, in order, even to who was away for a moment.
    type Event: Wire + Serialize + Clone + Send;
    /// What one class of viewers sees.
    type View: View + Serialize + Send;

    /// The game's name, as queues and bundles call it: lower case, no spaces.
    const NAME: &'static str;
    /// Steps per second. 0: only commands and [`Game::deadline`] move it.
    const RATE_HZ: u32;
    /// A frame goes out every so many steps.
    const SEND_EVERY: u32 = 1;
    /// Fewest players that make a match.
    const MIN_SEATS: u16;
    /// Most players that fit.
    const MAX_SEATS: u16;
    /// How long the seat of a lost connection is held, in seconds. Unless a game says otherwise: 30 in a real-time
    /// game, 300 in a turn-based one.
    const HOLD_SECONDS: u32 = if Self::RATE_HZ == 0 { 300 } else { 30 };
    /// Whether an input that equals the one before is sent too: for games that count key presses ([`Inputs::fresh`]),
    /// not what is held.
    const EVERY_INPUT_COUNTS: bool = false;
    /// Whether a client makes the steps ahead of the room that the room will make of its player's inputs
    /// ([`Game::predict`], then [`Game::replay`]). Every input then says for which step it is meant, and the room
    /// gives it to that step ([`Inputs::taken`]). It makes steps that are not sent together with the one that is.
    const REPLAYS: bool = false;
    /// How far back, in milliseconds, a game puts what came late, and judges what a player did by what he saw; at
    /// most 250. Only where [`Game::REPLAYS`].
    const REWIND_MS: u32 = 0;
    /// How much later than the players spectators see a match, at least, in seconds of the match: for games in which
    /// what [`ViewClass::Spectator`] sees is worth something to a player. A queue may ask for more, never for less.
    const WATCH_DELAY_SECONDS: u32 = 0;
    /// Raise it when a hand-written [`View::diff`] changes its form.
    const WIRE_VERSION: u32 = 0;

    /// A new match.
    fn start(config: &Self::Config, seed: u64) -> Self;

    /// A player arrived at a seat for the first time; in the middle of a match too, where the queue allows it.
    fn join(&mut self, seat: Seat, who: &Who, cx: &mut Context<Self::Event>) {
        let _ = (seat, who, cx);
    }

    /// A player dropped, came back (`Live`), or left for good. `Left` is also said of a seat whose player never
    /// arrived.
    fn presence(&mut self, seat: Seat, presence: Presence, cx: &mut Context<Self::Event>) {
        let _ = (seat, presence, cx);
    }

    /// Brings an input into its range, or refuses it. Nothing reaches [`Game::step`] without having been here.
    fn sanitise(input: Self::Input) -> Option<Self::Input> {
        Some(input)
    }

    /// A player does something that must not be lost.
    ///
    /// # Errors
    /// When the rules forbid it: then nothing changed.
    fn command(&mut self, seat: Seat, command: Self::Command, cx: &mut Context<Self::Event>) -> Result<(), Illegal> {
        let _ = (seat, command, cx);
        Err(Illegal::because("this game takes no commands"))
    }

    /// One step of exactly 1 / [`Game::RATE_HZ`] seconds.
    fn step(&mut self, inputs: &Inputs<Self::Input>, cx: &mut Context<Self::Event>) {
        let _ = (inputs, cx);
    }

    /// A frame goes out every so many steps. [`Game::SEND_EVERY`] unless the configuration says otherwise.
    fn send_every(&self) -> u32 {
        Self::SEND_EVERY
    }

    /// When [`Game::timeout`] should be called, in milliseconds of the match.
    fn deadline(&self) -> Option<u64> {
        None
    }

    /// The deadline has come.
    fn timeout(&mut self, cx: &mut Context<Self::Event>) {
        let _ = cx;
    }

    /// The world outside answered a question of [`Context::ask`], or could not (`None`). Like a command it is an
    /// input of the match, at a time of its own: a replay gives it again and asks nobody. Nothing about it can be
    /// trusted but that it is text of bounded length.
    fn answer(&mut self, question: u32, answer: Option<&str>, cx: &mut Context<Self::Event>) {
        let _ = (question, answer, cx);
    }

    /// What this class of viewers sees.
    fn view(&self, class: ViewClass) -> Self::View;

    /// The class of a seat. Shared unless the game has secrets.
    fn class_of(&self, seat: Seat) -> ViewClass {
        let _ = seat;
        ViewClass::Shared
    }

    /// The room stops in `within_ms`: come to an end if that is possible.
    fn drain(&mut self, within_ms: u64, cx: &mut Context<Self::Event>) {
        let _ = (within_ms, cx);
    }

    /// The outcome if the match had to stop now. Unless the game says otherwise it does not count.
    fn cut_short(&self, reason: &str) -> Outcome {
        Outcome::called_off(reason)
    }

    /// The events of the match so far as JSON, for games that are the fold of them: those that this class of viewers
    /// may see. [`ViewClass::Spectator`] is asked for once it is over.
    fn history(&self, class: ViewClass) -> Vec<String> {
        let _ = class;
        Vec::new()
    }

    /// What the player of `seat` sees at once of an input the room has not taken yet. Where [`Game::REPLAYS`], the
    /// input is held from the next [`Game::replay`] on.
    fn predict(view: &mut Self::View, seat: Seat, input: &Self::Input) {
        let _ = (view, seat, input);
    }

    /// Makes one step of what a view lets the player of `seat` work out: the room's [`Game::step`] as far as it is no
    /// secret and not for the room alone to say.
    fn replay(view: &mut Self::View, seat: Seat) {
        let _ = (view, seat);
    }

    /// Puts what is the player's own, as it will be when the room hears of what he does now, into the picture of the
    /// others, as it was when they were last heard of.
    fn join_views(others: &mut Self::View, own: &Self::View, seat: Seat) {
        let _ = seat;
        *others = own.clone();
    }

    /// What leads from what is the player's own in `now` to where it was `shown`; `None` where it has to jump.
    fn gap(shown: &Self::View, now: &Self::View, seat: Seat) -> Option<Pose> {
        let _ = (shown, now, seat);
        None
    }

    /// Moves what is the player's own by what is left of a [`Game::gap`], for the eye alone.
    fn nudge(view: &mut Self::View, seat: Seat, by: &Pose) {
        let _ = (view, seat, by);
    }

    /// What a bot in this seat does, seeing what a player there would see.
    fn bot(view: &Self::View, seat: Seat, rng: &mut Rng) -> Moves<Self> {
        let _ = (view, seat, rng);
        Moves::default()
    }
}

/// The hash by which a client and a room know that they speak of the same game.
pub const fn schema<G: Game>() -> u64 {
    schema_of(
        G::NAME,
        &[
            bellhop_wire::PROTOCOL,
            G::RATE_HZ as u64,
            G::WIRE_VERSION as u64 | (G::REPLAYS as u64) << 32,
            G::Input::SCHEMA,
            G::Command::SCHEMA,
            G::Event::SCHEMA,
            G::View::SCHEMA,
        ],
    )
}
