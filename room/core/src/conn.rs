//! One connection: what it has, what it knows, and how well it keeps up.

use std::collections::VecDeque;
use std::time::Duration;

use bellhop_game::ViewClass;
use bellhop_wire::limits as wire;

use crate::bucket::Bucket;
use crate::{Time, limits};

/// A socket that was admitted.
#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) seat: u16,
    /// Sealed into the welcome.
    pub(crate) resume: String,
    pub(crate) opened: Time,
    /// Said hello.
    pub(crate) ready: bool,
    pub(crate) class: ViewClass,
    /// The version of the state the client holds once all that was sent has arrived.
    pub(crate) base: Option<u64>,
    /// Events of its class it was told, once all that was sent has arrived.
    pub(crate) events: u64,
    /// Frames with a body that are not acknowledged: when they went, and the events told by then.
    unacked: VecDeque<(Time, u64)>,
    pub(crate) events_acked: u64,
    best_round_trip: Option<Duration>,
    /// Does not keep up: gets no state until it does.
    pub(crate) behind: bool,
    /// Did not keep up and acknowledged something since: it reads, and is shown one state for that.
    reads_again: bool,
    /// The shell could not write.
    pub(crate) blocked: bool,
    /// Messages sent while blocked.
    pub(crate) waiting_messages: usize,
    pub(crate) visible: bool,
    /// To acknowledge with the next frame.
    pub(crate) inputs: u32,
    pub(crate) commands: u32,
    pub(crate) heard: Time,
    pub(crate) messages: Bucket,
    pub(crate) bytes: Bucket,
}

impl Conn {
    pub(crate) fn new(now: Time, seat: u16, resume: String) -> Conn {
        Conn {
            seat,
            resume,
            opened: now,
            ready: false,
            class: ViewClass::Shared,
            base: None,
            events: 0,
            unacked: VecDeque::new(),
            events_acked: 0,
            best_round_trip: None,
            behind: false,
            reads_again: false,
            blocked: false,
            waiting_messages: 0,
            visible: true,
            inputs: 0,
            commands: 0,
            heard: now,
            messages: Bucket::new(now, wire::MESSAGES_PER_SECOND, wire::MESSAGE_BURST),
            bytes: Bucket::new(now, wire::BYTES_PER_SECOND, wire::BYTE_BURST),
        }
    }

    /// We stood still for so long: what happened before was as much later, and what gathered meanwhile comes at once.
    pub(crate) fn put_off(&mut self, stood: Duration) {
        self.opened = self.opened.plus(stood);
        self.heard = self.heard.plus(stood);
        for (sent, _) in &mut self.unacked {
            *sent = sent.plus(stood);
        }
        self.messages.grant(stood);
        self.bytes.grant(stood);
    }

    /// A frame with a body went out.
    pub(crate) fn sent(&mut self, now: Time) {
        self.unacked.push_back((now, self.events));
    }

    /// The client saw `frames` more frames, the last of them `held` ago. False: so many were never sent.
    pub(crate) fn acknowledged(&mut self, now: Time, frames: u32, held: Duration) -> bool {
        if frames as usize > self.unacked.len() {
            return false;
        }
        if let Some((sent, events)) = self.unacked.drain(..frames as usize).next_back() {
            self.events_acked = events;
            let round_trip = now.since(sent).saturating_sub(held);
            self.best_round_trip = Some(self.best_round_trip.map_or(round_trip, |best| best.min(round_trip)));
            self.reads_again = self.behind;
        }
        true
    }

    /// How long the oldest frame has been waiting for its acknowledgement.
    fn lag(&self, now: Time) -> Duration {
        self.unacked.front().map_or(Duration::ZERO, |&(sent, _)| now.since(sent))
    }

    /// Whether the client does not keep up: judged by what it acknowledged, because kernels and proxies swallow
    /// half a megabyte before a write would show it.
    pub(crate) fn is_late(&self, now: Time) -> bool {
        let round_trip = self.best_round_trip.unwrap_or(limits::ASSUMED_ROUND_TRIP);
        self.unacked.len() >= limits::MAX_UNACKED || self.lag(now) > round_trip + limits::BEHIND_AFTER
    }

    /// Whether a client that does not keep up is to be shown one state all the same: what it reads first is old, and the
    /// acknowledgement of all that waits for it comes only later.
    pub(crate) fn takes_one(&mut self) -> bool {
        self.unacked.len() < limits::MAX_UNACKED && std::mem::take(&mut self.reads_again)
    }

    /// When the client is closed unless it says or acknowledges something, and why.
    pub(crate) fn doom(&self) -> (Time, &'static str) {
        if !self.ready {
            return (self.opened.plus(limits::HELLO_WITHIN), "no hello came; say hello first");
        }
        let silent = if self.visible { limits::SILENT_AFTER } else { limits::HIDDEN_SILENT_AFTER };
        let silent = (self.heard.plus(silent), "nothing was heard for too long; come back with the resume token");
        match self.unacked.front() {
            Some(&(sent, _)) if self.visible && sent.plus(limits::TOO_SLOW_AFTER) < silent.0 => (
                sent.plus(limits::TOO_SLOW_AFTER),
                "frames were not read for too long; come back with the resume token",
            ),
            Some(_) | None => silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_again_is_shown_one_state_for_each_acknowledgement() {
        let at = |ms: u64| Time(ms * 1_000);
        let mut conn = Conn::new(at(0), 0, String::new());
        conn.sent(at(0));
        assert!(conn.acknowledged(at(100), 1, Duration::ZERO));
        (0..30).for_each(|frame| conn.sent(at(100 + frame * 17)));
        let late = at(3_000);
        assert!(conn.is_late(late) && !conn.takes_one());
        conn.behind = true;
        assert!(conn.acknowledged(late, 1, Duration::ZERO));
        assert!(conn.is_late(late) && conn.takes_one() && !conn.takes_one());
        assert!(conn.acknowledged(late, 29, Duration::ZERO));
        assert!(!conn.is_late(late), "all of it is read");
    }
}
