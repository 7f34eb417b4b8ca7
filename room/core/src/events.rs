//! The events of a match, for those who missed some.

use std::collections::{BTreeMap, VecDeque};

use bellhop_game::ViewClass;

use crate::limits;

/// What was told, the newest last.
pub(crate) struct EventLog<E> {
    kept: VecDeque<(Option<ViewClass>, E)>,
    total: u64,
    to_all: u64,
    to_class: BTreeMap<ViewClass, u64>,
}

impl<E> EventLog<E> {
    pub(crate) fn new() -> EventLog<E> {
        EventLog { kept: VecDeque::new(), total: 0, to_all: 0, to_class: BTreeMap::new() }
    }

    pub(crate) fn push(&mut self, class: Option<ViewClass>, event: E) {
        self.total += 1;
        match class {
            None => self.to_all += 1,
            Some(class) => *self.to_class.entry(class).or_default() += 1,
        }
        if self.kept.len() == limits::MAX_EVENTS {
            self.kept.pop_front();
        }
        self.kept.push_back((class, event));
    }

    /// How many were told, whoever they were for.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many this class was told.
    pub(crate) fn told(&self, class: ViewClass) -> u64 {
        self.to_all + self.to_class.get(&class).copied().unwrap_or_default()
    }

    /// Those this class was told after the first `from`, as far as they are kept.
    pub(crate) fn since(&self, class: ViewClass, from: u64) -> Vec<&E> {
        self.between(class, from, self.told(class))
    }

    /// The same, up to the first `upto`.
    pub(crate) fn between(&self, class: ViewClass, from: u64, upto: u64) -> Vec<&E> {
        let count = |more: u64| usize::try_from(more).unwrap_or(usize::MAX);
        let told = self.kept.iter().rev().filter(|(to, _)| to.is_none_or(|to| to == class));
        let told = told.skip(count(self.told(class).saturating_sub(upto))).take(count(upto.saturating_sub(from)));
        let mut events: Vec<&E> = told.map(|(_, event)| event).collect();
        events.reverse();
        events
    }
}
