//! The room: verbs.

use std::time::Duration;

use crate::{
    AdmitError, Claim, ConnId, GameEntry, HostError, MatchSpec, Output, ResumeClaim, SeatSpec, SeatStatus, SeatsError,
    Stats, Status, Time,
};

/// A room that hosts one match at a time.
pub struct Room {
    games: Vec<GameEntry>,
}

impl Room {
    /// A room with these games. `seed` decides the nonces of its resume tokens.
    pub fn new(games: &[GameEntry], seed: u64) -> Room {
        let _ = seed;
        Room { games: games.to_vec() }
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
        let _ = (now, spec);
        Err(HostError::Draining)
    }

    /// More players for the match that runs.
    ///
    /// # Errors
    /// [`SeatsError`], in each of its forms.
    pub fn add_seats(&mut self, now: Time, epoch: u64, seats: Vec<SeatSpec>) -> Result<(), SeatsError> {
        let _ = (now, seats);
        Err(SeatsError::NoMatch { epoch })
    }

    /// Gives up the seats of players who will not come; whoever sits there is told.
    ///
    /// # Errors
    /// [`SeatsError::NoMatch`].
    pub fn release_seats(&mut self, now: Time, epoch: u64, seats: &[u16]) -> Result<(), SeatsError> {
        let _ = (now, seats);
        Err(SeatsError::NoMatch { epoch })
    }

    /// May this socket open? Asked before the upgrade is answered. On success the socket is known from now on: the
    /// shell passes what it says to [`Room::receive`], and its end to [`Room::disconnected`]. `seal` makes the resume token.
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
        let _ = (now, conn, claim, seal);
        Err(AdmitError::NoMatch)
    }

    /// A binary message came. Unknown sockets are ignored.
    pub fn receive(&mut self, now: Time, conn: ConnId, bytes: &[u8]) {
        let _ = (now, conn, bytes);
    }

    /// The socket gave a sign of life that is no message: a pong.
    pub fn heard(&mut self, now: Time, conn: ConnId) {
        let _ = (now, conn);
    }

    /// The socket is gone.
    pub fn disconnected(&mut self, now: Time, conn: ConnId) {
        let _ = (now, conn);
    }

    /// A write did not go out whole; the shell keeps the rest. Until [`Room::writable`] nothing but messages that must not be lost comes for this
    /// socket.
    pub fn blocked(&mut self, conn: ConnId) {
        let _ = conn;
    }

    /// All that was kept is out.
    pub fn writable(&mut self, now: Time, conn: ConnId) {
        let _ = (now, conn);
    }

    /// Time passed.
    pub fn advance(&mut self, now: Time) {
        let _ = now;
    }

    /// When to call [`Room::advance`] next; `None`: not before something happens.
    pub fn deadline(&self) -> Option<Time> {
        None
    }

    /// No new match; the one that runs may finish until `until`.
    pub fn drain(&mut self, now: Time, until: Time) {
        let _ = (now, until);
    }

    /// Ends everything now.
    pub fn stop(&mut self, now: Time, reason: &str) {
        let _ = (now, reason);
    }

    /// Something to do.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// What the room is doing.
    pub fn status(&self) -> Status {
        Status::Ready
    }

    /// The seats of the match that runs.
    pub fn seats(&self) -> Vec<SeatStatus> {
        Vec::new()
    }

    /// Counts since the room began.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }

    /// How late steps began since this was last asked, at most the last 1024 of them.
    pub fn take_lateness(&mut self) -> Vec<Duration> {
        Vec::new()
    }
}
