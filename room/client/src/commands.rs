//! Commands on their way: numbered by the client from 1, said again after a broken connection until they are dealt
//! with.

use std::collections::VecDeque;

/// Commands nobody answered yet.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    /// Numbers of this seat that earlier pages used.
    offset: Option<u64>,
    given: u64,
    done: u64,
    waiting: VecDeque<(u64, Vec<u8>)>,
    sent: u64,
}

impl Commands {
    /// Takes a command to be sent; its number.
    pub(crate) fn give(&mut self, payload: Vec<u8>) -> u64 {
        self.given += 1;
        self.waiting.push_back((self.given, payload));
        self.given
    }

    /// A connection stands: the room dealt with so many commands of this seat. Says which of ours were.
    pub(crate) fn welcome(&mut self, done: u64) -> Vec<u64> {
        let offset = *self.offset.get_or_insert(done);
        // A room that goes on with a match from its journal may know of fewer than the one before.
        self.done = done.saturating_sub(offset);
        let finished = self.finish(self.done);
        self.sent = self.done;
        finished
    }

    /// The room dealt with so many more. Says which were not refused before.
    pub(crate) fn dealt_with(&mut self, more: u32) -> Vec<u64> {
        self.finish(self.done.saturating_add(u64::from(more)))
    }

    fn finish(&mut self, done: u64) -> Vec<u64> {
        self.done = self.done.max(done);
        let mut finished = Vec::new();
        while let Some((id, _)) = self.waiting.pop_front_if(|(id, _)| *id <= self.done) {
            finished.push(id);
        }
        finished
    }

    /// The room refused this one; our number of it.
    pub(crate) fn refused(&mut self, wire_id: u64) -> Option<u64> {
        let id = wire_id.checked_sub(self.offset?)?;
        let before = self.waiting.len();
        self.waiting.retain(|(waiting, _)| *waiting != id);
        (self.waiting.len() < before).then_some(id)
    }

    /// Those not sent on this connection, with the numbers the room knows.
    pub(crate) fn take_unsent(&mut self) -> Vec<(u64, Vec<u8>)> {
        let Some(offset) = self.offset else { return Vec::new() };
        let sent = self.sent;
        self.sent = self.given;
        let unsent = self.waiting.iter().filter(|(id, _)| *id > sent);
        unsent.map(|(id, payload)| (id + offset, payload.clone())).collect()
    }

    /// Whether any waits for an answer.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }
}
