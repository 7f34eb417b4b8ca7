//! The matches that everybody may find and watch.

use std::ops::Bound;

use crate::effect::{Page, Refusal, WatchableView};
use crate::ids::MatchId;
use crate::lobby::Lobby;
use crate::name::Name;
use crate::state::{MatchPhase, SeatState};
use crate::time::Time;

/// Players of a match whose names are shown: what fits into a line.
const NAMED_PLAYERS: usize = 4;

impl Lobby {
    /// A match runs from now on, or again, until [`Self::runs_no_more`].
    pub(super) fn runs(&mut self, id: MatchId) {
        if let Some(game) = self.state.match_(id) {
            let (queue, formed) = (game.queue, game.formed);
            self.queue_live(queue).running.insert((formed, id));
        }
    }

    pub(super) fn runs_no_more(&mut self, id: MatchId) {
        if let Some(game) = self.state.match_(id) {
            let (queue, formed) = (game.queue, game.formed);
            self.queue_live(queue).running.remove(&(formed, id));
        }
    }

    /// The newest first. A match whose room is away just now is among them: it goes on in a moment.
    pub(super) fn watchable(
        &self,
        queue: Option<Name>,
        after: Option<MatchId>,
        limit: u16,
    ) -> Result<Page<WatchableView>, Refusal> {
        let only = match queue {
            Some(name) => Some(self.state.queue_id(&name).ok_or(Refusal::UnknownQueue { queue: name })?),
            None => None,
        };
        // Where the page before ended, even if that match is over by now.
        let to = match after {
            Some(id) => Bound::Excluded((self.state.match_(id).ok_or(Refusal::BadPage)?.formed, id)),
            None => Bound::Unbounded,
        };
        let size = self.page_size(limit);
        let mut found: Vec<(Time, MatchId)> = Vec::new();
        let mut total = 0;
        for (index, (known, live)) in self.state.queues.iter().zip(&self.queues).enumerate() {
            if known.settings.is_listed() && only.is_none_or(|only| usize::from(only.0) == index) {
                total += live.running.len() as u32;
                found.extend(live.running.range((Bound::Unbounded, to)).rev().take(size + 1));
            }
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        let more = found.len() > size;
        let items = found.into_iter().take(size).filter_map(|(_, id)| self.watchable_view(id)).collect();
        Ok(Page { items, more, total })
    }

    fn watchable_view(&self, id: MatchId) -> Option<WatchableView> {
        let game = self.state.match_(id)?;
        let queue = &self.state.queue(game.queue).settings;
        let live = match game.phase {
            MatchPhase::Playing { room, .. } => self.lives.get(&room),
            MatchPhase::Formed
            | MatchPhase::Placing(_)
            | MatchPhase::Orphaned { .. }
            | MatchPhase::Moving { .. }
            | MatchPhase::Ended { .. }
            | MatchPhase::Lost { .. } => None,
        };
        let sitting = |state| matches!(state, SeatState::Held | SeatState::Taken);
        let named = self.host_seats(game, |seat| sitting(seat.state)).into_iter().take(NAMED_PLAYERS);
        Some(WatchableView {
            match_id: id,
            queue: queue.name.clone(),
            game: queue.game.clone(),
            players: named.map(|seat| (seat.name, seat.tag)).collect(),
            playing: game.seats.iter().filter(|seat| sitting(seat.state)).count() as u16,
            age: self.now.since(game.formed),
            delay: queue.watch_delay,
            spectators: live.map_or(0, |live| live.health.spectators),
            most: queue.audience(),
        })
    }
}
