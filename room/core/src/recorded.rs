//! A game whose journal is written while it runs.

use bellhop_game::{DecodeError, Illegal, Outcome, Presence, ViewClass, Who};

use crate::hosted::{At, Body, Match, Rules};
use crate::journal::{Entry, JournalWriter, join};
use crate::recover::Past;
use crate::views::Need;

/// Steps after which what all see is written down, so that a replay can be held against it: in seconds of the match.
const CHECK_SECONDS: u32 = 5;

/// Writes down what a game is told, and tells it.
pub(crate) struct Recorded {
    game: Box<dyn Match>,
    journal: JournalWriter,
    rate_hz: u32,
    /// Milliseconds of the match at the last entry, in games without steps.
    now_ms: u64,
    steps: u32,
}

impl Recorded {
    pub(crate) fn new(game: Box<dyn Match>, seed: u64) -> Recorded {
        let mut journal = JournalWriter::default();
        let rules = game.rules();
        journal.put(&Entry::Start {
            game: rules.name.to_owned(),
            schema: rules.schema,
            config_json: game.config_json().to_owned(),
            seed,
        });
        Recorded { game, journal, rate_hz: rules.rate_hz, now_ms: 0, steps: 0 }
    }

    /// Goes on with a match that was told to the game so far.
    pub(crate) fn going_on(game: Box<dyn Match>, past: &Past) -> Recorded {
        let rate_hz = game.rules().rate_hz;
        Recorded { game, journal: JournalWriter::going_on(), rate_hz, now_ms: past.at.now_ms, steps: past.at.tick }
    }

    /// Somebody comes to a seat for the first time.
    pub(crate) fn seated(&mut self, seat: u16, player: &str) {
        self.journal.put(&Entry::Seated { seat, player: player.to_owned() });
    }

    /// So many commands of a seat were dealt with.
    pub(crate) fn dealt(&mut self, seat: u16, commands: u64) {
        self.journal.put(&Entry::Dealt { seat, commands });
    }

    fn put(&mut self, at: At, entry: &Entry) {
        if self.rate_hz == 0 && at.now_ms != self.now_ms {
            self.journal.put(&Entry::Later(at.now_ms - self.now_ms));
            self.now_ms = at.now_ms;
        }
        self.journal.put(entry);
    }

    /// The match is over.
    pub(crate) fn end(&mut self, outcome: &Outcome) {
        self.journal.put(&Entry::Check(self.game.state_check()));
        self.journal.put(&Entry::End { reason: outcome.reason.clone() });
    }

    /// What was written since the last call.
    pub(crate) fn take_chunk(&mut self) -> Option<Vec<u8>> {
        self.journal.take_chunk()
    }
}

impl Match for Recorded {
    fn rules(&self) -> Rules {
        self.game.rules()
    }

    fn config_json(&self) -> &str {
        self.game.config_json()
    }

    fn class_of(&self, seat: u16) -> ViewClass {
        self.game.class_of(seat)
    }

    fn join(&mut self, at: At, seat: u16, who: &Who) {
        self.put(at, &join(seat, who));
        self.game.join(at, seat, who);
    }

    fn presence(&mut self, at: At, seat: u16, presence: Presence) {
        self.put(at, &Entry::Presence { seat, presence });
        self.game.presence(at, seat, presence);
    }

    fn input(&mut self, seat: u16, bytes: &[u8]) -> Result<bool, DecodeError> {
        let taken = self.game.input(seat, bytes)?;
        if taken {
            self.journal.put(&Entry::Input { seat, bytes: bytes.to_vec() });
        }
        Ok(taken)
    }

    fn clear_input(&mut self, seat: u16) {
        self.journal.put(&Entry::ClearInput { seat });
        self.game.clear_input(seat);
    }

    fn command(&mut self, at: At, seat: u16, bytes: &[u8]) -> Result<Result<(), Illegal>, DecodeError> {
        let answer = self.game.command(at, seat, bytes)?;
        // What was against the rules changed nothing.
        if answer.is_ok() {
            self.put(at, &Entry::Command { seat, bytes: bytes.to_vec() });
        }
        Ok(answer)
    }

    fn step(&mut self, at: At) {
        self.journal.step();
        self.game.step(at);
        self.steps += 1;
        if self.steps.is_multiple_of(CHECK_SECONDS * self.rate_hz) {
            self.journal.put(&Entry::Check(self.game.state_check()));
        }
    }

    fn deadline(&self) -> Option<u64> {
        self.game.deadline()
    }

    fn timeout(&mut self, at: At) {
        self.put(at, &Entry::Timeout);
        self.game.timeout(at);
    }

    fn answer(&mut self, at: At, question: u32, answer: Option<&str>) {
        self.put(at, &Entry::Answer { question, answer: answer.map(str::to_owned) });
        self.game.answer(at, question, answer);
    }

    fn take_asks(&mut self) -> Vec<(u32, String)> {
        self.game.take_asks()
    }

    fn drain(&mut self, at: At, within_ms: u64) {
        self.put(at, &Entry::Drain { within_ms });
        self.game.drain(at, within_ms);
    }

    fn take_outcome(&mut self) -> Option<Outcome> {
        self.game.take_outcome()
    }

    fn cut_short(&self, reason: &str) -> Outcome {
        self.game.cut_short(reason)
    }

    fn history(&self, class: ViewClass) -> Vec<String> {
        self.game.history(class)
    }

    fn state_check(&self) -> u64 {
        self.game.state_check()
    }

    fn publish(&mut self, at: At, held: &[(ViewClass, Option<u64>)], more: bool) -> bool {
        self.game.publish(at, held, more)
    }

    fn version(&self) -> u64 {
        self.game.version()
    }

    fn watch(&mut self, at: At, class: ViewClass) {
        self.game.watch(at, class);
    }

    fn take_encoded(&mut self) -> u64 {
        self.game.take_encoded()
    }

    fn delay_spectators(&mut self, delay_ms: u64) {
        self.game.delay_spectators(delay_ms);
    }

    fn spectators_due(&self) -> Option<u64> {
        self.game.spectators_due()
    }

    fn reveal(&mut self) {
        self.game.reveal();
    }

    fn events(&self, class: ViewClass) -> u64 {
        self.game.events(class)
    }

    fn body(&mut self, class: ViewClass, need: Need, events_from: u64) -> Option<Body> {
        self.game.body(class, need, events_from)
    }
}
