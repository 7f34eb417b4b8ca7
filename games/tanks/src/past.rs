//! The last quarter of a second: what players aim at, and where late inputs belong.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::arena::{Arena, Body, HIT, Shell};

/// Steps that are kept: 250 ms.
pub(crate) const KEPT: u32 = 15;

/// One tank at the end of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) seat: u16,
    pub(crate) body: Body,
    /// Whether a shell would have harmed it.
    pub(crate) open: bool,
    /// Since when it has been standing in the yard without a break is not known here, but whether it was.
    pub(crate) there: bool,
}

/// The tanks as they were, the newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    steps: VecDeque<(u32, Vec<Seen>)>,
}

impl Past {
    /// Keeps the end of a step.
    pub(crate) fn keep(&mut self, arena: &Arena) {
        let seen = |tank: &crate::Tank| Seen {
            seat: tank.seat,
            body: tank.body,
            open: tank.is_open(arena.tick),
            there: tank.is_there(),
        };
        self.steps.push_back((arena.tick, arena.tanks.iter().map(seen).collect()));
        while self.steps.len() > KEPT as usize + 1 {
            self.steps.pop_front();
        }
    }

    /// The tanks at the end of a step.
    pub(crate) fn at(&self, tick: u32) -> &[Seen] {
        let found = self.steps.iter().find(|(kept, _)| *kept == tick).or_else(|| self.steps.front());
        found.map_or(&[], |(_, seen)| seen)
    }

    pub(crate) fn body(&self, tick: u32, seat: u16) -> Option<Body> {
        let (_, seen) = self.steps.iter().find(|(kept, _)| *kept == tick)?;
        seen.iter().find(|seen| seen.seat == seat).map(|seen| seen.body)
    }

    /// Whether the tank stood in the yard at the end of every step from this one on.
    pub(crate) fn was_there_since(&self, tick: u32, seat: u16) -> bool {
        let mut steps = self.steps.iter().filter(|(kept, _)| *kept >= tick);
        steps.all(|(_, seen)| seen.iter().any(|seen| seen.seat == seat && seen.there))
    }

    /// From now on it is remembered there.
    pub(crate) fn rewrite(&mut self, tick: u32, seat: u16, body: Body) {
        let step = self.steps.iter_mut().find(|(kept, _)| *kept == tick);
        if let Some(seen) = step.and_then(|(_, seen)| seen.iter_mut().find(|seen| seen.seat == seat)) {
            seen.body = body;
        }
    }

    /// Whom a shell hits among the tanks as they were at the end of this step.
    pub(crate) fn hit(&self, tick: u32, shell: &Shell) -> Option<u16> {
        let near = |seen: &&Seen| {
            let (dx, dy) = (i64::from(seen.body.x - shell.x), i64::from(seen.body.y - shell.y));
            dx * dx + dy * dy < i64::from(HIT) * i64::from(HIT)
        };
        let mut targets = self.at(tick).iter().filter(|seen| seen.open && seen.seat != shell.seat);
        targets.find(near).map(|seen| seen.seat)
    }
}
