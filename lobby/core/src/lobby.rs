//! The state machine: few verbs, one owner, no clock.

use std::collections::VecDeque;

use crate::effect::{Effect, Refusal};
use crate::event::{Batch, Event};
use crate::input::Input;
use crate::settings::{Settings, SettingsError};
use crate::state::State;
use crate::time::{Seq, Time};

/// Decides who plays with whom, where, and what rooms there are.
///
/// The owner hands in what happens ([`handle`](Self::handle)) and that time passes ([`advance`](Self::advance), at the
/// latest at [`deadline`](Self::deadline)); it writes down what [`take_events`](Self::take_events) gives, says when that is
/// safe ([`committed`](Self::committed)), and carries out what [`poll`](Self::poll) gives.
#[derive(Debug)]
pub struct Lobby {
    state: State,
    events: Vec<Event>,
    effects: VecDeque<(Seq, Effect)>,
    committed: Seq,
    draining: bool,
}

impl Lobby {
    /// A lobby without a past. Its first event configures it.
    ///
    /// # Errors
    /// If the settings do not hold together.
    pub fn new(seed: [u8; 32], now: Time, settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let mut lobby = Self::resume(State::new(seed), now);
        lobby.decide(Event::Configured { at: now, settings: Box::new(settings) });
        Ok(lobby)
    }

    /// A lobby with a past: a snapshot with the journal's events applied. Everything in it is committed. Leases get a
    /// grace, and rooms the time to attach again. `now` must not lie before the last event's time.
    pub fn resume(state: State, _now: Time) -> Self {
        let committed = state.applied();
        Self { state, events: Vec::new(), effects: VecDeque::new(), committed, draining: false }
    }

    /// Something happened.
    pub fn handle(&mut self, now: Time, input: Input) {
        let after = self.state.applied();
        match input {
            Input::Request { request, .. } => {
                let answer = Err(Refusal::UnknownTicket);
                self.effects.push_back((after, Effect::Answer { request, answer }));
            }
            Input::Drain { .. } => self.draining = true,
            Input::Renew { .. }
            | Input::Attach { .. }
            | Input::Room { .. }
            | Input::Detached { .. }
            | Input::Cluster(_) => {}
        }
        self.advance(now);
    }

    /// Time passed.
    pub fn advance(&mut self, _now: Time) {}

    /// What was decided since the last call, for one append to the journal; `None`: nothing.
    pub fn take_events(&mut self) -> Option<Batch> {
        if self.events.is_empty() {
            return None;
        }
        let events = std::mem::take(&mut self.events);
        let first = Seq(self.state.applied().0 + 1 - events.len() as u64);
        Some(Batch { first, events })
    }

    /// The journal has everything up to this event: what rests on it may leave.
    pub fn committed(&mut self, upto: Seq) {
        assert!(upto <= self.state.applied(), "committed what was never decided");
        self.committed = self.committed.max(upto);
    }

    /// Something to do, if anything may be done now.
    pub fn poll(&mut self) -> Option<Effect> {
        match self.effects.front() {
            Some((after, _)) if *after <= self.committed => self.effects.pop_front().map(|(_, effect)| effect),
            Some(_) | None => None,
        }
    }

    /// There are decisions that no `take_events` has given out.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// `poll` would give something.
    pub fn has_effect(&self) -> bool {
        self.effects.front().is_some_and(|(after, _)| *after <= self.committed)
    }

    /// When to call `advance` at the latest.
    pub fn deadline(&self) -> Time {
        Time::MAX
    }

    /// What was promised so far, committed or not.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// It was told to stop.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    /// It was told to stop, everything promised is committed and said, and the rooms are gone if they were to go, too.
    pub fn is_drained(&self) -> bool {
        self.draining && self.events.is_empty() && self.effects.is_empty()
    }

    fn decide(&mut self, event: Event) {
        self.state.apply(&event);
        self.events.push(event);
    }
}
