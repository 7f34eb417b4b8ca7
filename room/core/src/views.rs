//! The states one view class was sent, and what leads from each of them to the newest.

use std::collections::VecDeque;

use bellhop_game::{View, Writer};
use bellhop_wire::{StateBody, StateKind};

use crate::limits;

/// What of the state a client needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// None: its page is hidden.
    Nothing,
    /// All.
    Keyframe,
    /// What changed since this version.
    Since(u64),
}

/// One state as it was published.
pub(crate) struct Kept<V> {
    pub(crate) version: u64,
    pub(crate) tick: u32,
    /// Events its class was told by then.
    pub(crate) told: u64,
    pub(crate) view: V,
}

/// A body, up to its events.
pub(crate) struct Written {
    pub(crate) to: Writer,
    pub(crate) keyframe: bool,
    /// Bits of the state in it.
    pub(crate) state_bits: usize,
}

/// The states of one class that somebody may still hold, the newest last.
pub(crate) struct History<V> {
    kept: VecDeque<Kept<V>>,
}

impl<V: View> History<V> {
    pub(crate) fn new(kept: Kept<V>) -> History<V> {
        History { kept: VecDeque::from([kept]) }
    }

    pub(crate) fn newest(&self) -> &Kept<V> {
        self.kept.back().expect("a history begins with a state and never drops its newest")
    }

    /// Whether this is what the class saw last.
    pub(crate) fn is_current(&self, view: &V) -> bool {
        self.newest().view == *view
    }

    /// A new state. Of the older ones, those that `held` names stay, the newest few of them.
    pub(crate) fn push(&mut self, newest: Kept<V>, held: impl Fn(u64) -> bool) {
        self.kept.retain(|kept| held(kept.version));
        while self.kept.len() >= limits::MAX_BASELINES {
            self.kept.pop_front();
        }
        self.kept.push_back(newest);
    }

    /// Lets the game hold back of the newest state what makes its change longer than `most` bytes. Nobody may have been
    /// sent it yet. False: there is nothing that it can hold back, or no state before.
    pub(crate) fn hold_back(&mut self, most: usize) -> bool {
        let [.., before, newest] = self.kept.make_contiguous() else { return false };
        newest.view.hold_back(&before.view, newest.tick - before.tick, most)
    }

    /// Writes the body that brings a client who needs this to the newest state, up to the events. `None` when it
    /// would say nothing. The kind that was written may be a keyframe where the baseline is gone.
    pub(crate) fn write(&self, need: Need, events_before: u64, events: u32) -> Option<Written> {
        let now = self.newest();
        let base = match need {
            Need::Since(version) => self.kept.iter().find(|kept| kept.version == version),
            Need::Nothing | Need::Keyframe => None,
        };
        let kind = match (need, base) {
            (Need::Nothing, _) => StateKind::None,
            (Need::Since(_), Some(base)) => StateKind::Delta { ticks: now.tick - base.tick },
            (Need::Since(_), None) | (Need::Keyframe, _) => StateKind::Keyframe { tick: now.tick, events_before },
        };
        let keyframe = matches!(kind, StateKind::Keyframe { .. });
        let says_nothing = match base {
            Some(base) => now.tick == base.tick && now.view == base.view,
            None => need == Need::Nothing,
        };
        if says_nothing && events == 0 {
            return None;
        }
        let check = (base.is_some() && now.version.is_multiple_of(limits::CHECK_EVERY)).then(|| now.view.check());
        let mut to = Writer::new();
        StateBody { kind, check, events }.write(&mut to);
        let head_bits = to.len_bits();
        match base {
            Some(base) => now.view.diff(&base.view, now.tick - base.tick, &mut to),
            None if keyframe => now.view.write(&mut to),
            None => {}
        }
        let state_bits = to.len_bits() - head_bits;
        Some(Written { to, keyframe, state_bits })
    }
}
