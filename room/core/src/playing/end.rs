//! How a match ends.

use std::time::Duration;

use bellhop_game::{Outcome, ViewClass};
use bellhop_wire::{CloseCode, Ended, EndedSeat, ToClient};

use crate::hosted::Match as _;
use crate::playing::{Desk, Playing};
use crate::{ConnId, Frame, MatchResult, Output, SeatResult, Time, limits};

impl Playing {
    /// After every call: what the game decided counts, then everybody is told. True: the match is over.
    pub(crate) fn settle(&mut self, now: Time, desk: &mut Desk) -> bool {
        if self.outcome.is_none() {
            self.outcome = self.game.take_outcome();
        }
        self.pass_asks(now, desk);
        let by_moves = self.rules.rate_hz == 0;
        if by_moves || self.journal_due <= now {
            self.journal_due = now.plus(limits::JOURNAL_EVERY);
            self.write_journal(desk);
        }
        if by_moves && self.waits_for_journal(now) {
            return false;
        }
        if self.outcome.is_some() {
            self.game.reveal();
        }
        self.flush(now, desk);
        let Some(outcome) = self.outcome.take() else {
            if std::mem::take(&mut self.seats_changed) {
                desk.outputs.push_back(Output::SeatsChanged);
            }
            return false;
        };
        self.end(now, outcome, CloseCode::Ended, desk);
        true
    }

    /// Ends the match because nobody waits for it any more: it does not count.
    pub(crate) fn call_off(&mut self, now: Time, reason: &str, desk: &mut Desk) {
        self.end(now, Outcome::called_off(reason), CloseCode::Stopped, desk);
    }

    /// Ends the match at once.
    pub(crate) fn stop(&mut self, now: Time, reason: &str, desk: &mut Desk) {
        let outcome = self.outcome.take().unwrap_or_else(|| self.game.cut_short(reason));
        self.end(now, outcome, CloseCode::Stopped, desk);
    }

    fn end(&mut self, now: Time, outcome: Outcome, code: CloseCode, desk: &mut Desk) {
        self.game.end(&outcome);
        self.write_journal(desk);
        let result = self.result(now, outcome);
        // The lobby first: who hears that it is over may queue again at once.
        desk.outputs.push_back(Output::Result(result.clone()));
        let results = result.seats.iter().map(|seat| EndedSeat { seat: seat.seat, rank: seat.rank, score: seat.score });
        let ended = Ended { results: results.collect(), reason: result.reason.clone(), rated: result.rated };
        let frame = Frame::message(&ToClient::Ended(ended));
        self.tell_all(&frame, desk);
        let reason = if code == CloseCode::Ended { "the match is over".to_owned() } else { result.reason.clone() };
        let mut sockets: Vec<ConnId> = self.conns.keys().copied().collect();
        sockets.extend(self.watchers.conns().map(|(id, _)| id));
        for id in sockets {
            self.close(id, code, reason.clone(), desk);
        }
    }

    fn write_journal(&mut self, desk: &mut Desk) {
        if let Some(chunk) = self.game.take_chunk() {
            self.written += chunk.len() as u64;
            desk.outputs.push_back(Output::Journal(chunk));
        }
    }

    /// Whether what happened is not to be shown yet, because it would be lost with this room. A lobby that does not
    /// say in time that it has the journal is not waited for again until it does.
    fn waits_for_journal(&mut self, now: Time) -> bool {
        let unkept = self.kept.is_some_and(|kept| kept < self.written);
        let until = unkept.then(|| *self.unkept_until.get_or_insert(now.plus(limits::KEPT_WITHIN)));
        let waits = until.is_some_and(|until| now < until);
        if !waits {
            self.unkept_until = None;
            self.kept = self.kept.filter(|_| !unkept);
        }
        waits
    }

    pub(crate) fn journal_kept(&mut self, bytes: u64) {
        self.kept = Some(self.kept.map_or(bytes, |kept| kept.max(bytes)));
    }

    fn result(&self, now: Time, outcome: Outcome) -> MatchResult {
        let mut seats: Vec<SeatResult> = Vec::new();
        for standing in &outcome.standings {
            if let Some(seat) = self.seats.get(&standing.seat.0) {
                let player = seat.spec.player.clone();
                seats.push(SeatResult { seat: standing.seat.0, player, rank: standing.rank, score: standing.score });
            }
        }
        seats.sort_by_key(|seat| (seat.rank, seat.seat));
        let last = seats.len() as u32 + 1;
        let unnamed = self.seats.values().filter(|seat| seat.joined);
        let unnamed = unnamed.map(|seat| (seat.spec.seat, seat.spec.player.clone()));
        let replaced = self.replaced.iter().map(|seat| (seat.seat, seat.player.clone()));
        for (seat, player) in unnamed.chain(replaced).collect::<Vec<_>>() {
            if !seats.iter().any(|named| named.player == player) {
                seats.push(SeatResult { seat, player, rank: last, score: 0 });
            }
        }
        let duration = match self.rules.rate_hz {
            0 => Duration::from_millis(self.clock.smooth_ms(now)),
            rate => Duration::from_micros(u64::from(self.clock.tick()) * 1_000_000 / u64::from(rate)),
        };
        MatchResult {
            match_id: self.spec.match_id.clone(),
            epoch: self.spec.epoch,
            seats,
            rated: outcome.rated,
            duration,
            reason: outcome.reason,
            history: self.game.history(ViewClass::Spectator),
        }
    }
}
