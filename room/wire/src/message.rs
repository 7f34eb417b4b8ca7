//! The messages of the game socket. One WebSocket message is one of these.
//!
//! The stream is ordered and nothing in it is lost, so neither side numbers its frames: both count.

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_COMMAND_BYTES, MAX_LINE_BYTES, MAX_SEATS, MAX_TEXT_BYTES};
use crate::state::STATE;
use crate::{DecodeError, Reader, StatePrefix, Wire, Writer};

crate::wire! {
    /// The first message of a client.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Hello {
        /// Hash over the game's wire types; another one than the room's means another build.
        pub schema: u64,
        /// Events of this match the client has been told, if it was here before and kept count.
        pub events_seen: Option<u64>,
    }

    /// The first message of the room.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Welcome {
        /// The seat the token opened.
        pub seat: u16,
        /// The match's number in this room.
        pub epoch: u64,
        /// Steps per second; 0: event-driven.
        pub rate_hz: u32,
        /// A state frame every so many steps.
        pub send_every: u32,
        /// Opens the seat again after a broken connection.
        pub resume: String,
        /// The game's configuration as JSON.
        pub config: String,
        /// Commands of this seat that were dealt with.
        pub commands_done: u64,
        /// Time of the match in milliseconds.
        pub match_ms: u64,
        /// Whether that time is running.
        pub running: bool,
        /// Whether the players may write to each other.
        pub chat: bool,
    }

    /// The first message of the room to who watches and does not play.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Watching {
        /// The match's number in this room.
        pub epoch: u64,
        /// Steps per second; 0: event-driven.
        pub rate_hz: u32,
        /// A state frame every so many steps.
        pub send_every: u32,
        /// The game's configuration as JSON.
        pub config: String,
        /// How much later than the players he sees the match, in milliseconds of the match.
        pub delay_ms: u64,
        /// Time of the match as he sees it, in milliseconds.
        pub match_ms: u64,
        /// Whether that time is running.
        pub running: bool,
        /// Whether the players may write to each other.
        pub chat: bool,
    }

    /// What a player wrote to all.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Said {
        /// Counts the lines of this match in this room, from 1.
        pub number: u64,
        /// Who wrote it.
        pub seat: u16,
        /// The line.
        pub text: String,
    }

    /// One player of the match.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct RosterEntry {
        /// The seat.
        pub seat: u16,
        /// The player's name.
        pub name: String,
        /// Tells players of the same name apart.
        pub tag: String,
        /// Whether the player is there.
        pub presence: Presence,
        /// The team, counted from 0.
        pub team: u16,
    }

    /// Whether a player is there.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Presence {
        /// Expected, not yet here.
        Reserved,
        /// Connected.
        Live,
        /// Was here; the seat is held for a while.
        Dropped,
        /// Gone for good.
        Left,
    }

    /// How the match ended.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Ended {
        /// Best first.
        pub results: Vec<EndedSeat>,
        /// Why, in words.
        pub reason: String,
        /// Whether it counts.
        pub rated: bool,
    }

    /// What a seat achieved.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub struct EndedSeat {
        /// The seat.
        pub seat: u16,
        /// 1 is first; equal ranks are a draw.
        pub rank: u32,
        /// Points.
        pub score: i64,
    }
}

/// Something about the match that is no game event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The room takes no new match; this one should end within the time.
    Draining {
        /// Milliseconds left.
        within_ms: u64,
    },
    /// Nobody is here: the match stands still.
    Paused,
    /// The match goes on.
    Resumed,
    /// The match begins.
    Started,
}

/// From a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToServer {
    /// First of all.
    Hello(Hello),
    /// What the player holds now.
    Input {
        /// By how much the number of this input is above that of the last one, at least 1.
        seq: u32,
        /// Frames newly seen.
        frames: u32,
        /// How long ago the last of them came, in milliseconds.
        held_ms: u32,
        /// The input, in the game's own form.
        payload: Vec<u8>,
    },
    /// Frames newly seen.
    Ack {
        /// How many.
        frames: u32,
        /// How long ago the last of them came, in milliseconds.
        held_ms: u32,
    },
    /// What must not be lost.
    Command {
        /// Grows with every command of this seat, from 1.
        id: u64,
        /// The command, in the game's own form.
        payload: Vec<u8>,
    },
    /// Measures the round trip.
    Ping {
        /// The client's clock; comes back moved on by the time for which the message lay at the room unread.
        client_ms: u64,
    },
    /// Gives the seat up.
    Leave,
    /// Writes a line to all.
    Say {
        /// The line.
        text: String,
    },
    /// The page was hidden or shown.
    Visible {
        /// Whether anybody looks.
        visible: bool,
    },
    /// The client's view is not the room's.
    WantKeyframe,
}

/// From the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToClient {
    /// State; its body is decoded by who knows the game.
    State {
        /// The private part.
        prefix: StatePrefix,
        /// The shared part.
        body: Vec<u8>,
    },
    /// First of all.
    Welcome(Welcome),
    /// Players that are new or changed.
    Roster(Vec<RosterEntry>),
    /// A command was against the rules.
    Refused {
        /// The command.
        id: u64,
        /// Why, in words.
        reason: String,
    },
    /// Something about the match.
    Notice {
        /// What.
        notice: Notice,
        /// Time of the match in milliseconds.
        match_ms: u64,
    },
    /// The match is over; the socket closes next.
    Ended(Ended),
    /// Answers a ping.
    Pong {
        /// As it came, and the milliseconds for which it lay unread: what the client's clock shows more is the way alone.
        client_ms: u64,
        /// Time of the match in milliseconds.
        match_ms: u64,
        /// Whether that time is running.
        running: bool,
    },
    /// First of all, to who watches.
    Watching(Watching),
    /// A player wrote this.
    Said(Said),
    /// The line that the player wrote last was not passed on.
    Unsaid {
        /// Why, in words.
        reason: String,
    },
    /// A player was taken out of the match.
    Removed {
        /// The seat.
        seat: u16,
        /// Why, in words.
        reason: String,
    },
}

impl ToServer {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new();
        match self {
            ToServer::Hello(hello) => {
                to.bits(0, 3);
                to.fixed64(hello.schema);
                hello.events_seen.write(&mut to);
            }
            ToServer::Input { seq, frames, held_ms, payload } => {
                to.bits(1, 3);
                to.varint(u64::from(*seq));
                to.varint(u64::from(*frames));
                to.varint(u64::from(*held_ms));
                return with_payload(to, payload);
            }
            ToServer::Ack { frames, held_ms } => {
                to.bits(2, 3);
                to.varint(u64::from(*frames));
                to.varint(u64::from(*held_ms));
            }
            ToServer::Command { id, payload } => {
                to.bits(3, 3);
                to.varint(*id);
                return with_payload(to, payload);
            }
            ToServer::Ping { client_ms } => {
                to.bits(4, 3);
                to.varint(*client_ms);
            }
            ToServer::Leave => {
                to.bits(5, 3);
                to.bool(false);
            }
            ToServer::Say { text } => {
                to.bits(5, 3);
                to.bool(true);
                to.text(text);
            }
            ToServer::Visible { visible } => {
                to.bits(6, 3);
                to.bool(*visible);
            }
            ToServer::WantKeyframe => to.bits(7, 3),
        }
        to.finish()
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are no message of a client.
    pub fn decode(bytes: &[u8]) -> Result<ToServer, DecodeError> {
        let mut from = Reader::new(bytes);
        let message = match from.bits(3)? {
            0 => {
                let schema = from.fixed64()?;
                ToServer::Hello(Hello { schema, events_seen: Wire::read(&mut from)? })
            }
            1 => {
                let seq = Wire::read(&mut from)?;
                let frames = Wire::read(&mut from)?;
                let held_ms = Wire::read(&mut from)?;
                if seq == 0 {
                    return Err(DecodeError::Range);
                }
                return Ok(ToServer::Input { seq, frames, held_ms, payload: payload(from)? });
            }
            2 => ToServer::Ack { frames: Wire::read(&mut from)?, held_ms: Wire::read(&mut from)? },
            3 => {
                let id = Wire::read(&mut from)?;
                return Ok(ToServer::Command { id, payload: payload(from)? });
            }
            4 => ToServer::Ping { client_ms: from.varint()? },
            5 if !from.bool()? => ToServer::Leave,
            5 => ToServer::Say { text: from.text(MAX_LINE_BYTES)? },
            6 => ToServer::Visible { visible: from.bool()? },
            7 => ToServer::WantKeyframe,
            _ => return Err(DecodeError::Kind),
        };
        from.end()?;
        Ok(message)
    }
}

impl ToClient {
    /// As bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Writer::new();
        match self {
            ToClient::State { prefix, body } => {
                let mut bytes = prefix.encode();
                bytes.extend_from_slice(body);
                return bytes;
            }
            ToClient::Welcome(welcome) => {
                to.bits(1, 3);
                welcome.write(&mut to);
            }
            ToClient::Roster(entries) => {
                to.bits(2, 3);
                entries.write(&mut to);
            }
            ToClient::Refused { id, reason } => {
                to.bits(3, 3);
                to.varint(*id);
                to.text(reason);
            }
            ToClient::Notice { notice, match_ms } => {
                to.bits(4, 3);
                to.varint(*match_ms);
                match notice {
                    Notice::Draining { within_ms } => {
                        to.bits(0, 2);
                        to.varint(*within_ms);
                    }
                    Notice::Paused => to.bits(1, 2),
                    Notice::Resumed => to.bits(2, 2),
                    Notice::Started => to.bits(3, 2),
                }
            }
            ToClient::Ended(ended) => {
                to.bits(5, 3);
                ended.write(&mut to);
            }
            ToClient::Pong { client_ms, match_ms, running } => {
                to.bits(6, 3);
                to.varint(*client_ms);
                to.varint(*match_ms);
                to.bool(*running);
            }
            ToClient::Watching(watching) => {
                to.bits(7, 3);
                to.bits(0, 3);
                watching.write(&mut to);
            }
            ToClient::Said(said) => {
                to.bits(7, 3);
                to.bits(1, 3);
                said.write(&mut to);
            }
            ToClient::Unsaid { reason } => {
                to.bits(7, 3);
                to.bits(2, 3);
                to.text(reason);
            }
            ToClient::Removed { seat, reason } => {
                to.bits(7, 3);
                to.bits(3, 3);
                seat.write(&mut to);
                to.text(reason);
            }
        }
        to.finish()
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are no message of a room.
    pub fn decode(bytes: &[u8]) -> Result<ToClient, DecodeError> {
        let mut from = Reader::new(bytes);
        let message = match from.bits(3)? {
            STATE => {
                let prefix = StatePrefix::read(&mut from)?;
                let body = from.rest();
                if prefix.body == body.is_empty() {
                    return Err(if prefix.body { DecodeError::Short } else { DecodeError::Trailing });
                }
                return Ok(ToClient::State { prefix, body: body.to_vec() });
            }
            1 => ToClient::Welcome(Wire::read(&mut from)?),
            2 => {
                let entries: Vec<RosterEntry> = Wire::read(&mut from)?;
                if entries.len() > MAX_SEATS {
                    return Err(DecodeError::TooLong);
                }
                ToClient::Roster(entries)
            }
            3 => ToClient::Refused { id: from.varint()?, reason: from.text(MAX_TEXT_BYTES)? },
            4 => {
                let match_ms = from.varint()?;
                let notice = match from.bits(2)? {
                    0 => Notice::Draining { within_ms: from.varint()? },
                    1 => Notice::Paused,
                    2 => Notice::Resumed,
                    3 => Notice::Started,
                    _ => return Err(DecodeError::Kind),
                };
                ToClient::Notice { notice, match_ms }
            }
            5 => ToClient::Ended(Wire::read(&mut from)?),
            6 => ToClient::Pong { client_ms: from.varint()?, match_ms: from.varint()?, running: from.bool()? },
            _ => match from.bits(3)? {
                0 => ToClient::Watching(Wire::read(&mut from)?),
                1 => ToClient::Said(Wire::read(&mut from)?),
                2 => ToClient::Unsaid { reason: from.text(MAX_TEXT_BYTES)? },
                3 => ToClient::Removed { seat: Wire::read(&mut from)?, reason: from.text(MAX_TEXT_BYTES)? },
                _ => return Err(DecodeError::Kind),
            },
        };
        from.end()?;
        Ok(message)
    }
}

/// A header, filled up to a whole byte, and what is the game's own.
fn with_payload(to: Writer, payload: &[u8]) -> Vec<u8> {
    let mut bytes = to.finish();
    bytes.extend_from_slice(payload);
    bytes
}

fn payload(from: Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let rest = from.rest();
    if rest.len() > MAX_COMMAND_BYTES { Err(DecodeError::TooLong) } else { Ok(rest.to_vec()) }
}
