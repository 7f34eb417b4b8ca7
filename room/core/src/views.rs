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
struct Kept<V> {
    version: u64,
    tick: u32,
    view: V,
}

/// The states of one class that somebody may still hold, the newest last.
pub(crate) struct History<V> {
    kept: VecDeque<Kept<V>>,
}

impl<V: View> History<V> {
    pub(crate) fn new(version: u64, tick: u32, view: V) -> History<V> {
        History { kept: VecDeque::from([Kept { version, tick, view }]) }
    }

    fn newest(&self) -> &Kept<V> {
        self.kept.back().expect("a history begins with a state and never drops its newest")
    }

    /// Whether this is what the class saw last.
    pub(crate) fn is_current(&self, view: &V) -> bool {
        self.newest().view == *view
    }

    /// A new state. Of the older ones, those that `held` names stay, the newest few of them.
    pub(crate) fn push(&mut self, version: u64, tick: u32, view: V, held: impl Fn(u64) -> bool) {
        self.kept.retain(|kept| held(kept.version));
        while self.kept.len() >= limits::MAX_BASELINES {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { version, tick, view });
    }

    /// Writes the body that brings a client who needs this to the newest state, up to the events. `None` when it
    /// would say nothing. The kind that was written may be a keyframe where the baseline is gone.
    pub(crate) fn write(&self, need: Need, events_before: u64, events: u32) -> Option<(Writer, bool)> {
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
        match base {
            Some(base) => now.view.diff(&base.view, now.tick - base.tick, &mut to),
            None if keyframe => now.view.write(&mut to),
            None => {}
        }
        Some((to, keyframe))
    }
}
