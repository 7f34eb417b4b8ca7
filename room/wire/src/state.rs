//! State frames: a private prefix of a byte or two, then a body that all players of one view class share.

use crate::limits::MAX_EVENTS;
use crate::{DecodeError, Reader, Writer};

/// What a state frame begins with, different for each player.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatePrefix {
    /// Inputs taken since the last frame to this client.
    pub inputs: u32,
    /// Commands dealt with since the last frame to this client; the refused ones were named before.
    pub commands: u32,
    /// Whether a body follows.
    pub body: bool,
}

/// The kind number of state frames, in the lowest three bits of the first byte.
pub(crate) const STATE: u32 = 0;

impl StatePrefix {
    /// As one byte, which it nearly always is: no more than one input and one command to acknowledge.
    pub fn as_byte(&self) -> Option<u8> {
        let flags = u8::from(self.body) | u8::from(self.inputs > 0) << 1 | u8::from(self.commands > 0) << 2;
        (self.inputs <= 1 && self.commands <= 1).then_some(STATE as u8 | flags << 3)
    }

    /// As bytes: one, and a few more for more than one acknowledgement of a kind.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new();
        to.bits(STATE, 3);
        to.bool(self.body);
        to.bool(self.inputs > 0);
        to.bool(self.commands > 0);
        // Mostly one: then it fits the two bits that are left.
        for count in [self.inputs, self.commands] {
            if count > 0 {
                to.bool(count > 1);
                if count > 1 {
                    to.varint(u64::from(count));
                }
            }
        }
        to.finish()
    }

    /// Reads what follows the three bits of the kind.
    pub(crate) fn read(from: &mut Reader<'_>) -> Result<StatePrefix, DecodeError> {
        let body = from.bool()?;
        let (inputs, commands) = (from.bool()?, from.bool()?);
        let mut count = |present: bool| -> Result<u32, DecodeError> {
            if !present {
                return Ok(0);
            }
            if !from.bool()? {
                return Ok(1);
            }
            Ok(from.varint_to(u64::from(u32::MAX))? as u32)
        };
        let prefix = StatePrefix { inputs: count(inputs)?, commands: count(commands)?, body };
        from.align();
        Ok(prefix)
    }
}

/// What of the state a body brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateKind {
    /// Events only: the player's tab is hidden.
    None,
    /// What changed since the last state sent to this client, this many steps ago.
    Delta {
        /// Steps since then.
        ticks: u32,
    },
    /// All of it.
    Keyframe {
        /// Steps since the match began.
        tick: u32,
        /// Events this view class was told before those in this body.
        events_before: u64,
    },
}

/// What a body begins with. The view or its change follows, then the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateBody {
    /// What of the state it brings.
    pub kind: StateKind,
    /// 16 bits over the view as it is after this body; sent now and then.
    pub check: Option<u16>,
    /// How many events follow the state.
    pub events: u32,
}

impl StateBody {
    /// Appends the header.
    pub fn write(&self, to: &mut Writer) {
        match self.kind {
            StateKind::Delta { ticks } => {
                to.bool(false);
                // One step is by far the most frequent.
                to.bool(ticks != 1);
                if ticks != 1 {
                    to.varint(u64::from(ticks));
                }
            }
            StateKind::None => to.bits(0b01, 2),
            StateKind::Keyframe { tick, events_before } => {
                to.bits(0b11, 2);
                to.varint(u64::from(tick));
                to.varint(events_before);
            }
        }
        to.bool(self.check.is_some());
        if let Some(check) = self.check {
            to.bits(u32::from(check), 16);
        }
        to.bool(self.events > 0);
        if self.events > 0 {
            to.varint(u64::from(self.events));
        }
    }

    /// Reads the header.
    ///
    /// # Errors
    /// When the bits are none.
    pub fn read(from: &mut Reader<'_>) -> Result<StateBody, DecodeError> {
        let other = from.bool()?;
        let second = from.bool()?;
        let kind = match (other, second) {
            (false, false) => StateKind::Delta { ticks: 1 },
            (false, true) => StateKind::Delta { ticks: from.varint_to(u64::from(u32::MAX))? as u32 },
            (true, false) => StateKind::None,
            (true, true) => {
                StateKind::Keyframe { tick: from.varint_to(u64::from(u32::MAX))? as u32, events_before: from.varint()? }
            }
        };
        let check = if from.bool()? { Some(from.bits(16)? as u16) } else { None };
        let events = if from.bool()? { from.varint_to(u64::from(MAX_EVENTS))? as u32 } else { 0 };
        Ok(StateBody { kind, check, events })
    }
}
