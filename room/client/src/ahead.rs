//! A client that is ahead of its room.
//!
//! Three times pass at once. The room's newest state shows a moment that is past when it arrives. What is the player's
//! own is shown at the moment at which the room will hear of what he does now: the client makes the steps up to there
//! from the newest state by the game's own rules ([`Game::replay`]), with the inputs that the room has not taken yet.
//! The others are shown a little before the newest state, between two that came ([`View::between`]), so that uneven
//! arrivals do not show.
//!
//! Every input is sent with the step it is meant for, so that the room does the same with it at the same step, and the
//! newer state finds the player where he was predicted to be. Where it does not (somebody was in the way, an input came
//! later than the room rewinds), the difference is shown for a moment longer and fades.

use std::collections::VecDeque;

use bellhop_game::{Game, Pose, Seat, View};

use crate::steps::Steps;

/// States kept for showing the others: half a second at 60 a second.
const MAX_STATES: usize = 32;
/// Steps made ahead of a state, at most; a player who hears nothing for longer stands still.
const MAX_AHEAD: u32 = 90;
/// Inputs that wait to be taken: more than a player makes in the time before his connection counts as dead.
const MAX_INPUTS: usize = 512;
/// In this time half of a difference fades. What an input leaves that was lost twice in a row and came half a second
/// late, some 60 points, then moves no frame by more than 8.
const FADE_MS: f64 = 140.0;

/// An input on its way.
struct Sent<I> {
    /// The step it is meant for.
    at: u32,
    /// Which of those sent on this connection it is, from 1.
    number: u32,
    input: I,
}

/// Two steps that follow on each other, made ahead.
struct Made<V> {
    tick: u32,
    before: V,
    view: V,
}

/// The steps a client makes ahead of its room, and what it shows.
pub(crate) struct Ahead<G: Game> {
    pub(crate) steps: Steps,
    /// States that came, the newest last, to show the others by.
    states: VecDeque<(u32, G::View)>,
    /// The newest state in which every input counts that was meant for it.
    base: Option<(u32, G::View)>,
    inputs: VecDeque<Sent<G::Input>>,
    made: Option<Made<G::View>>,
    offset: Pose,
    faded_at: f64,
    /// How far the last state moved what is the player's own from where it was predicted, in points.
    pub(crate) corrected: f32,
    /// How much of such differences faded with the last frame, in points: what the eye sees of them.
    pub(crate) faded: f32,
}

impl<G: Game> Ahead<G> {
    pub(crate) fn new() -> Ahead<G> {
        Ahead {
            steps: Steps::new(),
            states: VecDeque::new(),
            base: None,
            inputs: VecDeque::new(),
            made: None,
            offset: Pose::default(),
            faded_at: 0.0,
            corrected: 0.0,
            faded: 0.0,
        }
    }

    /// The stream begins anew: after a pause or on a new connection. The room let go of what was held.
    pub(crate) fn reset(&mut self) {
        *self = Ahead { corrected: self.corrected, ..Ahead::new() };
    }

    /// An input was sent for this step.
    pub(crate) fn sent(&mut self, at: u32, number: u32, input: G::Input) {
        // One that is held from now on is made ahead with from now on.
        if self.made.as_ref().is_some_and(|made| made.tick >= at) {
            self.made = None;
        }
        if self.inputs.len() == MAX_INPUTS {
            self.inputs.pop_front();
        }
        self.inputs.push_back(Sent { at, number, input });
    }

    /// A state came to who only looks on.
    pub(crate) fn seen(&mut self, tick: u32, view: &G::View) {
        self.states.retain(|(kept, _)| *kept < tick);
        if self.states.len() == MAX_STATES {
            self.states.pop_front();
        }
        self.states.push_back((tick, view.clone()));
    }

    /// What to show to who only looks on.
    pub(crate) fn look_on(&self, running: bool) -> Option<G::View> {
        self.others().filter(|_| running).or_else(|| self.states.back().map(|(_, view)| view.clone()))
    }

    /// A state came, by whose time the room had taken so many inputs of this connection. It rewinds `rewind` steps.
    pub(crate) fn came(&mut self, tick: u32, view: &G::View, taken: u32, rewind: u32, seat: Seat) {
        self.corrected = 0.0;
        self.seen(tick, view);
        // An input that is on its way though its step is made will be put where it belongs: until then this state does
        // not show where the player is, and the one before goes on serving.
        let missing = self.inputs.iter().any(|sent| sent.at <= tick && sent.number > taken && sent.at + rewind > tick);
        if missing && self.base.as_ref().is_some_and(|(base, _)| tick - base <= rewind + MAX_AHEAD / 2) {
            return;
        }
        self.base = Some((tick, view.clone()));
        self.inputs.retain(|sent| sent.at > tick || sent.number > taken);
        let Some(shown) = self.made.take() else { return };
        let Some(again) = self.make(shown.tick, seat) else { return };
        if again.tick == shown.tick {
            match G::gap(&shown.view, &again.view, seat) {
                Some(gap) => {
                    self.corrected = (gap[0] * gap[0] + gap[1] * gap[1]).sqrt();
                    self.offset.iter_mut().zip(gap).for_each(|(offset, gap)| *offset += gap);
                }
                None => self.offset = Pose::default(),
            }
        }
        self.made = Some(again);
    }

    /// Makes the steps from the base up to `tick`.
    fn make(&self, tick: u32, seat: Seat) -> Option<Made<G::View>> {
        let (base, view) = self.base.as_ref()?;
        let mut made = Made { tick: *base, before: view.clone(), view: view.clone() };
        self.go_on(&mut made, tick, seat);
        Some(made)
    }

    fn go_on(&self, made: &mut Made<G::View>, tick: u32, seat: Seat) {
        let last = self.base.as_ref().map_or(0, |(base, _)| base.saturating_add(MAX_AHEAD));
        while made.tick < tick.min(last) {
            made.before = made.view.clone();
            made.tick += 1;
            if let Some(sent) = self.inputs.iter().rfind(|sent| sent.at <= made.tick) {
                G::predict(&mut made.view, seat, &sent.input);
            }
            G::replay(&mut made.view, seat);
        }
    }

    /// What to show now. `running`: time passes in the match.
    pub(crate) fn show(&mut self, now_ms: f64, running: bool, seat: Seat) -> Option<G::View> {
        let (newest, view) = self.states.back()?;
        if !running {
            return Some(view.clone());
        }
        let mut others = self.others().unwrap_or_else(|| view.clone());
        let own = self.steps.own().max(f64::from(*newest));
        let tick = own as u32 + 1;
        let mut made = match self.made.take() {
            Some(made) if made.tick <= tick => made,
            Some(_) | None => self.make(tick, seat)?,
        };
        self.go_on(&mut made, tick, seat);
        let mut shown = made.before.clone();
        if made.tick == tick {
            shown.between(&made.view, (own - f64::from(tick - 1)) as f32);
        } else {
            shown = made.view.clone();
        }
        self.made = Some(made);
        self.fade(now_ms);
        G::nudge(&mut shown, seat, &self.offset);
        G::join_views(&mut others, &shown, seat);
        Some(others)
    }

    /// What came of the others, at the time at which they are shown.
    fn others(&self) -> Option<G::View> {
        let time = self.steps.others();
        let after = self.states.iter().position(|(tick, _)| f64::from(*tick) > time)?;
        let (after_tick, after_view) = &self.states[after];
        let Some((before_tick, before_view)) = after.checked_sub(1).map(|before| &self.states[before]) else {
            return Some(after_view.clone());
        };
        let part = (time - f64::from(*before_tick)) / f64::from(after_tick - before_tick);
        let mut view = before_view.clone();
        view.between(after_view, part.clamp(0.0, 1.0) as f32);
        Some(view)
    }

    fn fade(&mut self, now_ms: f64) {
        let passed = (now_ms - self.faded_at).clamp(0.0, 1_000.0);
        self.faded_at = now_ms;
        let left = (FADE_MS / (FADE_MS + passed)) as f32;
        self.faded = (self.offset[0] * self.offset[0] + self.offset[1] * self.offset[1]).sqrt() * (1.0 - left);
        self.offset.iter_mut().for_each(|offset| *offset *= left);
    }
}
