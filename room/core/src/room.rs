//! The room: its verbs.

use std::time::Duration;

use bellhop_game::Rng;

use crate::playing::{Desk, Playing};
use crate::recover::{ChangedRules, recover};
use crate::{
    AdmitError, Claim, ConnId, GameEntry, HostError, MatchSpec, Output, ResumeClaim, SeatSpec, SeatStatus, SeatsError,
    Seen, Stats, Status, Time, WatchClaim,
};

/// A room that hosts one match at a time.
pub struct Room {
    games: Vec<GameEntry>,
    nonces: Rng,
    playing: Option<Box<Playing>>,
    last_epoch: Option<(u64, String)>,
    draining: Option<Time>,
    desk: Desk,
    changed_rules: ChangedRules,
}

impl Room {
    /// A room with these games. `seed` decides the numbers of its resume tokens.
    pub fn new(games: &[GameEntry], seed: u64) -> Room {
        Room {
            games: games.to_vec(),
            nonces: Rng::new(seed),
            playing: None,
            last_epoch: None,
            draining: None,
            desk: Desk::default(),
            changed_rules: ChangedRules::default(),
        }
    }

    /// The same room, with its own mind about matches that other rules began.
    #[must_use]
    pub fn with_changed_rules(self, changed_rules: ChangedRules) -> Room {
        Room { changed_rules, ..self }
    }

    /// The games it can host.
    pub fn games(&self) -> &[GameEntry] {
        &self.games
    }

    /// Hosts a match. The same match and epoch again changes nothing and is fine.
    ///
    /// # Errors
    /// [`HostError`], in each of its forms.
    pub fn host(&mut self, now: Time, spec: MatchSpec) -> Result<(), HostError> {
        if let Some(playing) = &self.playing {
            if (playing.spec.epoch, &playing.spec.match_id) == (spec.epoch, &spec.match_id) {
                return Ok(());
            }
            return Err(HostError::Busy { match_id: playing.spec.match_id.clone() });
        }
        if self.draining.is_some() {
            return Err(HostError::Draining);
        }
        if let Some((last, _)) = self.last_epoch.as_ref().filter(|(last, _)| spec.epoch <= *last) {
            return Err(HostError::OldEpoch { epoch: spec.epoch, last: *last });
        }
        let Some(entry) = self.games.iter().find(|entry| entry.name == spec.game) else {
            let have = self.games.iter().map(|entry| entry.name).collect::<Vec<_>>().join(", ");
            return Err(HostError::UnknownGame { game: spec.game, have });
        };
        let last_epoch = (spec.epoch, spec.match_id.clone());
        let seats = |problem| HostError::Seats { problem };
        let playing = if spec.journal.is_empty() {
            let game = (entry.start)(&spec.config_json, spec.seed).map_err(|problem| HostError::Config { problem })?;
            Playing::new(now, spec, game).map_err(seats)?
        } else {
            let (game, past) = recover(entry, &spec, self.changed_rules)?;
            Playing::going_on(now, spec, game, past, &mut self.desk).map_err(seats)?
        };
        self.playing = Some(Box::new(playing));
        self.last_epoch = Some(last_epoch);
        self.settle(now);
        Ok(())
    }

    /// More players for the match that runs. A seat whose player left may be given to another.
    ///
    /// # Errors
    /// [`SeatsError`], in each of its forms. Seats named before the faulty one were added.
    pub fn add_seats(&mut self, now: Time, epoch: u64, seats: Vec<SeatSpec>) -> Result<(), SeatsError> {
        let playing = of_epoch(&mut self.playing, epoch)?;
        playing.pass(now);
        let added = playing.add_seats(now, seats, &mut self.desk);
        self.settle(now);
        added
    }

    /// Gives up the seats of players who will not come; whoever sits there is told.
    ///
    /// # Errors
    /// [`SeatsError::NoMatch`].
    pub fn release_seats(&mut self, now: Time, epoch: u64, seats: &[u16]) -> Result<(), SeatsError> {
        let playing = of_epoch(&mut self.playing, epoch)?;
        playing.pass(now);
        playing.release(now, seats, &mut self.desk);
        self.settle(now);
        Ok(())
    }

    /// Ends the match that nobody waits for any more. The room is ready for the next one.
    ///
    /// # Errors
    /// [`SeatsError::NoMatch`].
    pub fn call_off(&mut self, now: Time, epoch: u64, reason: &str) -> Result<(), SeatsError> {
        of_epoch(&mut self.playing, epoch)?.call_off(now, reason, &mut self.desk);
        self.playing = None;
        Ok(())
    }

    /// May this socket open? Asked before the upgrade is answered. On success the socket is known from now on: the
    /// shell passes what it says to [`Room::receive`], and its end to [`Room::disconnected`]. `seal` makes the
    /// resume token that the welcome will carry.
    ///
    /// # Errors
    /// [`AdmitError`], in each of its forms.
    pub fn admit(
        &mut self,
        now: Time,
        conn: ConnId,
        claim: &Claim,
        seal: &mut dyn FnMut(&ResumeClaim) -> String,
    ) -> Result<(), AdmitError> {
        let Some(playing) = &mut self.playing else {
            let was_here = self.last_epoch.as_ref().is_some_and(|(last, _)| claim.epoch <= *last);
            return Err(if was_here { AdmitError::OtherMatch } else { AdmitError::NoMatch });
        };
        playing.pass(now);
        playing.admit(now, conn, claim, &mut self.nonces, seal, &mut self.desk)
    }

    /// May somebody watch the match that runs? Like [`Room::admit`], but he has no seat, and no way back other than to
    /// ask the lobby again.
    ///
    /// # Errors
    /// [`AdmitError`].
    pub fn watch(&mut self, now: Time, conn: ConnId, claim: &WatchClaim) -> Result<(), AdmitError> {
        let Some(playing) = &mut self.playing else {
            let was_here = self.last_epoch.as_ref().is_some_and(|(last, _)| claim.epoch <= *last);
            return Err(if was_here { AdmitError::OtherMatch } else { AdmitError::NoMatch });
        };
        playing.pass(now);
        playing.admit_watcher(now, conn, claim, &mut self.desk)
    }

    /// Takes players out of the match: their sockets are closed with the reason, and all are told.
    ///
    /// # Errors
    /// [`SeatsError::NoMatch`].
    pub fn kick(&mut self, now: Time, epoch: u64, seats: &[u16], reason: &str) -> Result<(), SeatsError> {
        let playing = of_epoch(&mut self.playing, epoch)?;
        playing.pass(now);
        playing.kick(now, seats, reason, &mut self.desk);
        self.settle(now);
        Ok(())
    }

    /// A binary message came. Unknown sockets are ignored.
    pub fn receive(&mut self, now: Time, conn: ConnId, bytes: &[u8]) {
        self.receive_held(now, conn, bytes, Duration::ZERO);
    }

    /// The same, where the message had come `held` before it was read: what measures the way does not count that.
    pub fn receive_held(&mut self, now: Time, conn: ConnId, bytes: &[u8], held: Duration) {
        self.with(now, |playing, desk| playing.receive(now, conn, bytes, held, desk));
    }

    /// The socket gave a sign of life that is no message: a pong.
    pub fn heard(&mut self, now: Time, conn: ConnId) {
        if let Some(playing) = &mut self.playing {
            playing.pass(now);
            playing.heard(now, conn);
        }
    }

    /// The answer to an [`Output::Ask`]; nothing, if there is none. What comes for a match that is over, twice, or
    /// unasked is ignored.
    pub fn answer(&mut self, now: Time, epoch: u64, question: u32, answer: Option<&str>) {
        self.with(now, |playing, _| {
            if playing.spec.epoch == epoch {
                playing.answer(now, question, answer);
            }
        });
    }

    /// The lobby has the journal of the match that runs up to so many bytes. Once it says so, nothing of a game without
    /// steps is shown before the lobby has it.
    pub fn journal_kept(&mut self, now: Time, epoch: u64, bytes: u64) {
        self.with(now, |playing, _| {
            if playing.spec.epoch == epoch {
                playing.journal_kept(bytes);
            }
        });
    }

    /// The socket is gone.
    pub fn disconnected(&mut self, now: Time, conn: ConnId) {
        self.with(now, |playing, desk| playing.gone(now, conn, desk));
    }

    /// A write did not go out whole; the shell keeps the rest, and what it polled already. Until [`Room::writable`]
    /// no state comes for this socket, and of other messages a bounded number.
    pub fn blocked(&mut self, conn: ConnId) {
        if let Some(playing) = &mut self.playing {
            playing.blocked(conn);
        }
    }

    /// All that was kept is out.
    pub fn writable(&mut self, now: Time, conn: ConnId) {
        self.with(now, |playing, _| playing.writable(conn));
    }

    /// Time passed.
    pub fn advance(&mut self, now: Time) {
        self.with(now, |playing, desk| playing.advance(now, desk));
    }

    /// When to call [`Room::advance`] next; `None`: not before something happens.
    pub fn deadline(&self) -> Option<Time> {
        self.playing.as_ref().and_then(|playing| playing.deadline())
    }

    /// No new match from now on; the one that runs may finish until `until`.
    pub fn drain(&mut self, now: Time, until: Time) {
        self.draining = Some(self.draining.map_or(until, |earlier| earlier.min(until)));
        self.with(now, |playing, desk| playing.drain(now, until, desk));
    }

    /// Ends everything now.
    pub fn stop(&mut self, now: Time, reason: &str) {
        self.draining = Some(now);
        if let Some(mut playing) = self.playing.take() {
            playing.stop(now, reason, &mut self.desk);
        }
    }

    /// Something to do.
    pub fn poll(&mut self) -> Option<Output> {
        self.desk.outputs.pop_front()
    }

    /// What the room is doing.
    pub fn status(&self) -> Status {
        match &self.playing {
            Some(playing) => Status::Playing {
                match_id: playing.spec.match_id.clone(),
                epoch: playing.spec.epoch,
                game: playing.rules.name,
                rate_hz: playing.rules.rate_hz,
                running: playing.clock.is_running(),
                until: playing.draining,
            },
            None if self.draining.is_some() => Status::Drained,
            None => Status::Ready,
        }
    }

    /// The seats of the match that runs.
    pub fn seats(&self) -> Vec<SeatStatus> {
        self.playing.iter().flat_map(|playing| playing.seats.values()).map(|seat| seat.status()).collect()
    }

    /// What happened so far in a turn-based match, for each class of viewers.
    pub fn history(&self) -> Vec<Seen> {
        self.playing.as_ref().map_or_else(Vec::new, |playing| playing.history())
    }

    /// Counts since the room began.
    pub fn stats(&self) -> Stats {
        let sockets = self.playing.as_ref().map_or(0, |playing| playing.sockets());
        let spectators = self.playing.as_ref().map_or(0, |playing| playing.spectators());
        Stats { sockets: sockets as u32, spectators: spectators as u32, ..self.desk.stats }
    }

    /// How late steps began since this was last asked, at most the first 1024 of them.
    pub fn take_lateness(&mut self) -> Vec<Duration> {
        std::mem::take(&mut self.desk.lateness)
    }

    fn with(&mut self, now: Time, call: impl FnOnce(&mut Playing, &mut Desk)) {
        if let Some(playing) = &mut self.playing {
            playing.pass(now);
            call(playing, &mut self.desk);
            self.settle(now);
        }
    }

    /// Sends what is due; a match that is over makes way for the next.
    fn settle(&mut self, now: Time) {
        if self.playing.as_mut().is_some_and(|playing| playing.settle(now, &mut self.desk)) {
            self.playing = None;
        }
    }
}

fn of_epoch(playing: &mut Option<Box<Playing>>, epoch: u64) -> Result<&mut Playing, SeatsError> {
    let playing = playing.as_deref_mut().filter(|playing| playing.spec.epoch == epoch);
    playing.ok_or(SeatsError::NoMatch { epoch })
}
