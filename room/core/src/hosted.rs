//! A game behind one interface for all games.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bellhop_game::{
    Context, DecodeError, Game, Illegal, Inputs, Outcome, Presence, Reader, Seat, ViewClass, Who, Wire, Writer,
};
use bellhop_wire::limits::{LEAST_CHANGE_BYTES, MOST_CHANGE_BYTES};
use bellhop_wire::{Fnv, Meant};

use crate::events::EventLog;
use crate::frame::HEAD;
use crate::limits;
use crate::tape::Tape;
use crate::views::{History, Kept, Need};

/// When a call happens, in the match's own time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct At {
    pub(crate) now_ms: u64,
    pub(crate) tick: u32,
}

/// A shared body, and whether it is a keyframe.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) keyframe: bool,
    /// Whole bytes of the state in it.
    state: usize,
}

/// How a game wants to be run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) name: &'static str,
    pub(crate) schema: u64,
    pub(crate) rate_hz: u32,
    pub(crate) send_every: u32,
    /// Inputs say for which step they are meant.
    pub(crate) replays: bool,
    pub(crate) min_seats: u16,
    pub(crate) max_seats: u16,
    pub(crate) hold: Duration,
    pub(crate) watch_delay: Duration,
}

/// What the room knows of a running game.
pub(crate) trait Match: Send {
    fn rules(&self) -> Rules;
    fn config_json(&self) -> &str;
    fn class_of(&self, seat: u16) -> ViewClass;
    fn join(&mut self, at: At, seat: u16, who: &Who);
    fn presence(&mut self, at: At, seat: u16, presence: Presence);
    /// False: the game refused it.
    fn input(&mut self, seat: u16, bytes: &[u8]) -> Result<bool, DecodeError>;
    fn clear_input(&mut self, seat: u16);
    fn command(&mut self, at: At, seat: u16, bytes: &[u8]) -> Result<Result<(), Illegal>, DecodeError>;
    fn step(&mut self, at: At);
    fn deadline(&self) -> Option<u64>;
    fn timeout(&mut self, at: At);
    fn answer(&mut self, at: At, question: u32, answer: Option<&str>);
    fn take_asks(&mut self) -> Vec<(u32, String)>;
    fn drain(&mut self, at: At, within_ms: u64);
    fn take_outcome(&mut self) -> Option<Outcome>;
    fn cut_short(&self, reason: &str) -> Outcome;
    fn history(&self, class: ViewClass) -> Vec<String>;
    /// What all of its viewers see, as one number.
    fn state_check(&self) -> u64;

    /// Takes the views of the classes that are looked at. `held` are the states that clients of a class hold. With
    /// `more` the next one follows, and what makes a frame too long may wait for it. True: there is something new to send.
    fn publish(&mut self, at: At, held: &[(ViewClass, Option<u64>)], more: bool) -> bool;
    /// The version of what was published last.
    fn version(&self) -> u64;
    /// Begins to take views of a class.
    fn watch(&mut self, at: At, class: ViewClass);
    /// From now on spectators see everything so much later.
    fn delay_spectators(&mut self, delay_ms: u64);
    /// When spectators are to be shown the next thing, in milliseconds of the match.
    fn spectators_due(&self) -> Option<u64>;
    /// It is over: spectators may see all of it.
    fn reveal(&mut self);
    /// Events told to a class so far.
    fn events(&self, class: ViewClass) -> u64;
    /// Bodies encoded since this was last asked.
    fn take_encoded(&mut self) -> u64;
    /// What brings a client of this class, which was told `events_from` events, to what was published last.
    fn body(&mut self, class: ViewClass, need: Need, events_from: u64) -> Option<Body>;
}

/// A running game of one type.
pub(crate) struct Hosted<G: Game> {
    game: G,
    config_json: String,
    inputs: Inputs<G::Input>,
    /// Steps made.
    tick: u32,
    outcome: Option<Outcome>,
    /// Seats somebody came to.
    joined: BTreeSet<u16>,
    asks: Vec<(u32, String)>,
    log: EventLog<G::Event>,
    /// Whether the game was called since its views were taken, or something of them was held back.
    dirty: bool,
    published_events: u64,
    published_tick: u32,
    classes: BTreeMap<ViewClass, History<G::View>>,
    version: u64,
    /// For spectators who see it later.
    tape: Option<Tape<G::View>>,
    encoded: u64,
    /// Bodies of the current version: encoded once, whoever asks.
    bodies: Vec<(ViewClass, Need, u64, Option<Body>)>,
}

impl<G: Game> Hosted<G> {
    /// Starts a match.
    pub(crate) fn start(config_json: &str, seed: u64) -> Result<Hosted<G>, String> {
        // A queue without settings says `{}`, which `()` could not be read from.
        let config: G::Config = if matches!(config_json.trim(), "" | "{}") {
            G::Config::default()
        } else {
            serde_json::from_str(config_json).map_err(|error| error.to_string())?
        };
        let config_json = serde_json::to_string(&config).map_err(|error| error.to_string())?;
        Ok(Hosted::begin(&config, config_json, seed))
    }

    /// Starts a match whose configuration was read already.
    pub(crate) fn begin(config: &G::Config, config_json: String, seed: u64) -> Hosted<G> {
        Hosted {
            game: G::start(config, seed),
            config_json,
            inputs: Inputs::new(),
            tick: 0,
            outcome: None,
            joined: BTreeSet::new(),
            asks: Vec::new(),
            log: EventLog::new(),
            dirty: true,
            published_events: 0,
            published_tick: 0,
            classes: BTreeMap::new(),
            version: 0,
            tape: None,
            encoded: 0,
            bodies: Vec::new(),
        }
    }

    /// What a class of viewers sees now.
    pub(crate) fn seen(&self, class: ViewClass) -> G::View {
        self.game.view(class)
    }

    /// What a class was told after the first `from` events, as far as it is kept.
    pub(crate) fn told(&self, class: ViewClass, from: u64) -> Vec<G::Event> {
        self.log.since(class, from).into_iter().cloned().collect()
    }

    /// The step and the picture that a class is to be shown now; a spectator's may not be old enough.
    fn now(&self, at: At, class: ViewClass) -> Option<(u32, G::View)> {
        match &self.tape {
            Some(tape) if class == ViewClass::Spectator => tape.shown().map(|shown| (shown.tick, shown.view.clone())),
            Some(_) | None => Some((at.tick, self.game.view(class))),
        }
    }

    /// Keeps a frame short enough: writes what the up-to-date of a class will be sent, who hold the version `before`, and
    /// has the game hold something back where that is too long. What fits is not written again.
    fn fit(&mut self, class: ViewClass, before: u64, told: u64) {
        let Some(body) = self.body(class, Need::Since(before), told) else { return };
        let over = (HEAD + body.bytes.len()).saturating_sub(MOST_CHANGE_BYTES);
        let most = body.state.saturating_sub(over).max(LEAST_CHANGE_BYTES);
        if most < body.state && self.classes.get_mut(&class).is_some_and(|history| history.hold_back(most)) {
            self.bodies.retain(|body| body.0 != class);
            self.dirty = true;
        }
    }

    /// Calls the game and takes what it says.
    fn call<R>(&mut self, at: At, call: impl FnOnce(&mut G, &Inputs<G::Input>, &mut Context<G::Event>) -> R) -> R {
        self.dirty = true;
        let mut cx = Context::new(at.now_ms, at.tick);
        let answer = call(&mut self.game, &self.inputs, &mut cx);
        for (class, event) in cx.take_events() {
            self.log.push(class, event);
            // They were written without it.
            self.bodies.clear();
        }
        self.asks.append(&mut cx.take_asks());
        if self.outcome.is_none() {
            self.outcome = cx.take_outcome();
        }
        answer
    }
}

impl<G: Game> Match for Hosted<G> {
    fn rules(&self) -> Rules {
        Rules {
            name: G::NAME,
            schema: bellhop_game::schema::<G>(),
            rate_hz: G::RATE_HZ,
            send_every: self.game.send_every().max(1),
            replays: G::REPLAYS,
            min_seats: G::MIN_SEATS,
            max_seats: G::MAX_SEATS,
            hold: Duration::from_secs(u64::from(G::HOLD_SECONDS)),
            watch_delay: Duration::from_secs(u64::from(G::WATCH_DELAY_SECONDS)),
        }
    }

    fn config_json(&self) -> &str {
        &self.config_json
    }

    fn class_of(&self, seat: u16) -> ViewClass {
        self.game.class_of(Seat(seat))
    }

    fn join(&mut self, at: At, seat: u16, who: &Who) {
        self.joined.insert(seat);
        self.call(at, |game, _, cx| game.join(Seat(seat), who, cx));
    }

    fn presence(&mut self, at: At, seat: u16, presence: Presence) {
        self.call(at, |game, _, cx| game.presence(Seat(seat), presence, cx));
    }

    fn input(&mut self, seat: u16, bytes: &[u8]) -> Result<bool, DecodeError> {
        if !G::REPLAYS {
            let Some(input) = G::sanitise(G::Input::from_bytes(bytes)?) else { return Ok(false) };
            self.inputs.set(Seat(seat), input);
            return Ok(true);
        }
        let mut from = Reader::new(bytes);
        let meant = Meant::read(&mut from, self.tick)?;
        let input = G::Input::read(&mut from)?;
        from.end()?;
        let Some(input) = G::sanitise(input) else { return Ok(false) };
        self.inputs.plan(Seat(seat), self.tick, meant.at, meant.behind, input);
        Ok(true)
    }

    fn clear_input(&mut self, seat: u16) {
        self.inputs.clear(Seat(seat));
    }

    fn command(&mut self, at: At, seat: u16, bytes: &[u8]) -> Result<Result<(), Illegal>, DecodeError> {
        let command = G::Command::from_bytes(bytes)?;
        Ok(self.call(at, |game, _, cx| game.command(Seat(seat), command, cx)))
    }

    fn step(&mut self, at: At) {
        self.tick = at.tick;
        if G::REPLAYS {
            self.inputs.begin(at.tick, G::REWIND_MS.min(limits::MAX_REWIND_MS) * G::RATE_HZ / 1_000);
        }
        self.call(at, |game, inputs, cx| game.step(inputs, cx));
        self.inputs.stepped();
    }

    fn deadline(&self) -> Option<u64> {
        self.game.deadline()
    }

    fn timeout(&mut self, at: At) {
        self.call(at, |game, _, cx| game.timeout(cx));
    }

    fn answer(&mut self, at: At, question: u32, answer: Option<&str>) {
        self.call(at, |game, _, cx| game.answer(question, answer, cx));
    }

    fn take_asks(&mut self) -> Vec<(u32, String)> {
        std::mem::take(&mut self.asks)
    }

    fn drain(&mut self, at: At, within_ms: u64) {
        self.call(at, |game, _, cx| game.drain(within_ms, cx));
    }

    fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    fn cut_short(&self, reason: &str) -> Outcome {
        self.game.cut_short(reason)
    }

    fn history(&self, class: ViewClass) -> Vec<String> {
        self.game.history(class)
    }

    fn state_check(&self) -> u64 {
        let mut classes: BTreeSet<ViewClass> = self.joined.iter().map(|&seat| self.game.class_of(Seat(seat))).collect();
        classes.insert(ViewClass::Spectator);
        let seen = classes.into_iter().map(|class| {
            let mut to = Writer::new();
            self.game.view(class).write(&mut to);
            to.finish()
        });
        seen.fold(Fnv::new(), |hash, view| hash.number(view.len() as u64).bytes(&view)).0
    }

    fn publish(&mut self, at: At, held: &[(ViewClass, Option<u64>)], more: bool) -> bool {
        let dirty = std::mem::take(&mut self.dirty);
        let played = self.tape.as_mut().is_some_and(|tape| tape.play(at.now_ms));
        if let Some(tape) = self.tape.as_mut().filter(|_| dirty) {
            tape.record(at, self.game.view(ViewClass::Spectator), self.log.told(ViewClass::Spectator));
        }
        if !dirty && !played {
            return false;
        }
        self.classes.retain(|class, _| held.iter().any(|(holder, _)| holder == class));
        if held.iter().any(|(class, _)| *class == ViewClass::Spectator) {
            self.watch(at, ViewClass::Spectator);
        }
        let mut views: Vec<(ViewClass, u32, G::View)> = Vec::new();
        let mut changed = self.log.total() != self.published_events || at.tick != self.published_tick || played;
        for (&class, history) in &self.classes {
            let Some((tick, view)) = self.now(at, class) else { continue };
            changed |= !history.is_current(&view);
            views.push((class, tick, view));
        }
        if !changed {
            return false;
        }
        self.version += 1;
        self.published_events = self.log.total();
        self.published_tick = at.tick;
        self.bodies.clear();
        for (class, tick, view) in views {
            let newest = Kept { version: self.version, tick, told: self.events(class), view };
            let Some(history) = self.classes.get_mut(&class) else { continue };
            let is_held = |version| held.contains(&(class, Some(version)));
            let (before, told) = (history.newest().version, history.newest().told);
            history.push(newest, is_held);
            if more && is_held(before) {
                self.fit(class, before, told);
            }
        }
        true
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn watch(&mut self, at: At, class: ViewClass) {
        if self.classes.contains_key(&class) {
            return;
        }
        let Some((tick, view)) = self.now(at, class) else { return };
        // Nobody holds a state of this class; what was encoded for those who did is of an older one.
        self.bodies.retain(|body| body.0 != class);
        let newest = Kept { version: self.version, tick, told: self.events(class), view };
        self.classes.insert(class, History::new(newest));
    }

    fn take_encoded(&mut self) -> u64 {
        std::mem::take(&mut self.encoded)
    }

    fn delay_spectators(&mut self, delay_ms: u64) {
        self.tape = Some(Tape::new(delay_ms));
        self.dirty = true;
    }

    fn spectators_due(&self) -> Option<u64> {
        self.tape.as_ref().and_then(Tape::due_ms)
    }

    fn reveal(&mut self) {
        if let Some(mut tape) = self.tape.take() {
            tape.reveal();
            self.dirty = true;
        }
    }

    fn events(&self, class: ViewClass) -> u64 {
        match &self.tape {
            Some(tape) if class == ViewClass::Spectator => tape.shown().map_or(0, |shown| shown.told),
            Some(_) | None => self.log.told(class),
        }
    }

    fn body(&mut self, class: ViewClass, need: Need, events_from: u64) -> Option<Body> {
        let same =
            |body: &&(ViewClass, Need, u64, Option<Body>)| (body.0, body.1, body.2) == (class, need, events_from);
        if let Some((.., body)) = self.bodies.iter().find(same) {
            return body.clone();
        }
        let told = self.events(class);
        let events = self.log.between(class, events_from, told);
        let before = told - events.len() as u64;
        let body = self.classes.get(&class)?.write(need, before, events.len() as u32).map(|mut written| {
            for event in events {
                event.write(&mut written.to);
            }
            let state = written.state_bits / 8;
            Body { bytes: written.to.finish().into(), keyframe: written.keyframe, state }
        });
        self.encoded += u64::from(body.is_some());
        self.bodies.push((class, need, events_from, body.clone()));
        body
    }
}
