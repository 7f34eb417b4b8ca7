//! A match that lost its room goes on here.

use bellhop_game::Presence;

use crate::hosted::Match;
use crate::playing::{Clock, Desk, Playing};
use crate::recorded::Recorded;
use crate::recover::{Past, PastSeat};
use crate::seat::{Seat, SeatPhase};
use crate::{MatchSpec, Output, SeatResult, SeatSpec, Time, limits};

impl Playing {
    /// Takes a match up where its journal ends. Its clock stands until somebody is back; who sat in it has his seat, as
    /// after a lost connection.
    pub(crate) fn going_on(
        now: Time,
        mut spec: MatchSpec,
        game: Box<dyn Match>,
        past: Past,
        desk: &mut Desk,
    ) -> Result<Playing, String> {
        let mut journal = std::mem::take(&mut spec.journal);
        journal.truncate(past.bytes);
        let mut playing = Playing::with(now, spec, Recorded::going_on(game, &past))?;
        playing.written = journal.len() as u64;
        desk.outputs.push_back(Output::Journal(journal));
        if past.begun {
            playing.clock = Clock::standing(past.at.tick, past.at.now_ms);
        }
        if !past.seats.is_empty() {
            playing.first_live = Some(now);
        }
        for (seat, player) in past.replaced {
            playing.replaced.push(SeatResult { seat, player, rank: 0, score: 0 });
        }
        for (number, sat) in past.seats {
            playing.take_up(now, number, sat);
        }
        playing.asked = past.asked;
        for (question, words) in past.unanswered {
            playing.unanswered.insert(question);
            if playing.asked <= limits::MAX_ASKS {
                desk.outputs.push_back(Output::Ask { epoch: playing.spec.epoch, question, words });
            } else {
                playing.answer(now, question, None);
            }
        }
        playing.outcome = past.outcome;
        Ok(playing)
    }

    /// Somebody sat in this seat when the room died. The lobby says whether it is his still.
    fn take_up(&mut self, now: Time, number: u16, sat: PastSeat) {
        let at = self.at(now);
        let has_left = sat.presence == Presence::Left;
        let gone = match self.seats.get_mut(&number) {
            Some(seat) if seat.spec.player == sat.player => {
                (seat.joined, seat.commands_done) = (true, sat.commands);
                seat.phase = SeatPhase::Left;
                if !has_left {
                    seat.phase = SeatPhase::Dropped { until: now.plus(self.rules.hold) };
                }
                Presence::Dropped
            }
            Some(_) => {
                // Another one has yet to come.
                self.replaced.push(SeatResult { seat: number, player: sat.player, rank: 0, score: 0 });
                Presence::Left
            }
            None => {
                let PastSeat { player, name, team, .. } = sat;
                let mut seat = Seat::new(SeatSpec { seat: number, player, name, tag: String::new(), team }, now);
                (seat.joined, seat.phase) = (true, SeatPhase::Left);
                self.seats.insert(number, seat);
                Presence::Left
            }
        };
        if !has_left && sat.presence != gone {
            self.game.clear_input(number);
            self.game.presence(at, number, gone);
        }
    }
}
