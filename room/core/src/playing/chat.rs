//! What players write to each other. It is no part of the match: it stands in no journal, and no game hears of it.

use std::collections::{BTreeMap, VecDeque};

use bellhop_wire::limits::MAX_LINE_CHARS;
use bellhop_wire::{Said, ToClient};

use crate::bucket::Bucket;
use crate::playing::{Desk, Playing};
use crate::{ConnId, Frame, Time, limits};

/// The lines of a match.
pub(crate) struct Chat {
    on: bool,
    number: u64,
    kept: VecDeque<Said>,
    buckets: BTreeMap<u16, Bucket>,
    /// For spectators who see the match later: their lines come later, too.
    later: VecDeque<(Time, Frame)>,
}

impl Chat {
    pub(crate) fn new(on: bool) -> Chat {
        Chat { on, number: 0, kept: VecDeque::new(), buckets: BTreeMap::new(), later: VecDeque::new() }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// When spectators are to be told the next line.
    pub(crate) fn due(&self) -> Option<Time> {
        self.later.front().map(|(due, _)| *due)
    }

    /// When spectators are to be told each line that waits.
    pub(crate) fn dues_mut(&mut self) -> impl Iterator<Item = &mut Time> {
        self.later.iter_mut().map(|(due, _)| due)
    }

    /// Why a line is not passed on; `None`: it is.
    fn objection(&mut self, now: Time, seat: u16, text: &str) -> Option<&'static str> {
        let bucket = || Bucket::new(now, limits::LINES_PER_SECOND, limits::LINE_BURST);
        if !self.on {
            Some("nobody writes in this queue")
        } else if text.trim().is_empty() {
            Some("an empty line")
        } else if text.chars().count() > MAX_LINE_CHARS {
            Some("the line is too long: 200 characters at most")
        } else if text.chars().any(is_unseemly) {
            Some("the line has characters that are none to be seen")
        } else if !self.buckets.entry(seat).or_insert_with(bucket).take(now, 1) {
            Some("too many lines; wait a moment")
        } else {
            None
        }
    }
}

/// Characters that steer a terminal or turn the direction of what others wrote.
fn is_unseemly(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl Playing {
    /// A player writes a line.
    pub(crate) fn say(&mut self, now: Time, id: ConnId, seat: u16, text: &str, desk: &mut Desk) {
        if let Some(reason) = self.chat.objection(now, seat, text) {
            desk.stats.lines_refused += 1;
            return self.tell(id, Frame::message(&ToClient::Unsaid { reason: reason.to_owned() }), desk);
        }
        desk.stats.lines += 1;
        self.chat.number += 1;
        let said = Said { number: self.chat.number, seat, text: text.trim().to_owned() };
        let frame = Frame::message(&ToClient::Said(said.clone()));
        if self.chat.kept.len() == limits::MAX_LINES {
            self.chat.kept.pop_front();
        }
        self.chat.kept.push_back(said);
        let players: Vec<ConnId> = self.conns.iter().filter(|(_, conn)| conn.ready).map(|(&id, _)| id).collect();
        self.tell_each(&players, &frame, desk);
        if self.watchers.len() == 0 {
            return;
        }
        match self.watchers.records() {
            None => self.tell_each(&self.watchers.ready(), &frame, desk),
            Some(delay_ms) => {
                if self.chat.later.len() == limits::MAX_LINES {
                    self.chat.later.pop_front();
                }
                self.chat.later.push_back((now.plus(std::time::Duration::from_millis(delay_ms)), frame));
            }
        }
    }

    /// Tells spectators the lines whose time has come.
    pub(crate) fn say_later(&mut self, now: Time, desk: &mut Desk) {
        while self.chat.due().is_some_and(|due| due <= now) {
            let Some((_, frame)) = self.chat.later.pop_front() else { return };
            let watchers = self.watchers.ready();
            self.tell_each(&watchers, &frame, desk);
        }
    }

    /// What was written before a player came, or came back.
    pub(crate) fn said_before(&mut self, id: ConnId, desk: &mut Desk) {
        let kept: Vec<Frame> =
            self.chat.kept.iter().map(|said| Frame::message(&ToClient::Said(said.clone()))).collect();
        for frame in kept {
            self.tell(id, frame, desk);
        }
    }
}
