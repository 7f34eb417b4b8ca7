//! The journal of a match: all that its game was ever told, in order. Who reads it again gets the same match again.
//!
//! A journal is [`MAGIC`] and then chunks. A chunk is its length and a check value (32 and 64 bits, little endian) and
//! its bytes: entries, packed as on the wire, up to an entry that says that the chunk ends. Each chunk stands by itself,
//! so a journal that was cut off is good up to its last whole chunk.

use bellhop_game::{DecodeError, Presence, Reader, Who, Wire, Writer};
use bellhop_wire::Fnv;
use bellhop_wire::limits::{MAX_COMMAND_BYTES, MAX_INPUT_BYTES, MAX_TEXT_BYTES};

use crate::limits::MAX_ANSWER_BYTES;

/// What a journal begins with.
pub const MAGIC: [u8; 8] = *b"bellhop1";
/// Longest chunk, in bytes: a quarter of a second of 256 players who flood their room.
pub const MAX_CHUNK_BYTES: usize = 1 << 20;
/// Bytes before a chunk: its length and its check value.
const HEAD: usize = 12;

/// Something that a game was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The match begins. Always first.
    Start { game: String, schema: u64, config_json: String, seed: u64 },
    /// So many steps with nothing in between.
    Steps(u32),
    /// A player came for the first time.
    Join { seat: u16, name: String, team: u16 },
    /// A player dropped, came back or left.
    Presence { seat: u16, presence: Presence },
    /// A player holds something else from now on.
    Input { seat: u16, bytes: Vec<u8> },
    /// A player holds nothing from now on.
    ClearInput { seat: u16 },
    /// A player does something.
    Command { seat: u16, bytes: Vec<u8> },
    /// The game's deadline has come.
    Timeout,
    /// The world outside answered a question of the game, or could not.
    Answer { question: u32, answer: Option<String> },
    /// The room is about to stop.
    Drain { within_ms: u64 },
    /// The clock moved: milliseconds of the match since the entry before, in games without steps.
    Later(u64),
    /// What all see at this point comes to this.
    Check(u64),
    /// The match is over, unless more follows: then it was called off in a room that was only thought dead.
    End { reason: String },
    /// Who it is that comes to a seat: for a room that goes on with the match. Before his `Join`.
    Seated { seat: u16, player: String },
    /// So many commands of a seat were dealt with, the refused ones counted: for a room that goes on with the match.
    Dealt { seat: u16, commands: u64 },
}

impl Entry {
    /// Kinds fit into four bits; the last one ends a chunk.
    const KIND_BITS: u32 = 4;
    const CHUNK_ENDS: u32 = 15;
    /// What only the room itself is told: of two kinds, and two more to come.
    const OF_THE_ROOM: u32 = 13;
    const OF_THE_ROOM_BITS: u32 = 2;

    fn write(&self, to: &mut Writer) {
        let mut kind = |kind| to.bits(kind, Self::KIND_BITS);
        match self {
            Entry::Start { game, schema, config_json, seed } => {
                kind(0);
                to.text(game);
                to.fixed64(*schema);
                to.text(config_json);
                to.fixed64(*seed);
            }
            Entry::Steps(steps) => {
                kind(1);
                to.varint(u64::from(*steps));
            }
            Entry::Join { seat, name, team } => {
                kind(2);
                seat.write(to);
                to.text(name);
                team.write(to);
            }
            Entry::Presence { seat, presence } => {
                kind(3);
                seat.write(to);
                presence.write(to);
            }
            Entry::Input { seat, bytes } => {
                kind(4);
                seat.write(to);
                to.blob(bytes);
            }
            Entry::ClearInput { seat } => {
                kind(5);
                seat.write(to);
            }
            Entry::Command { seat, bytes } => {
                kind(6);
                seat.write(to);
                to.blob(bytes);
            }
            Entry::Timeout => kind(7),
            Entry::Drain { within_ms } => {
                kind(8);
                to.varint(*within_ms);
            }
            Entry::Later(ms) => {
                kind(9);
                to.varint(*ms);
            }
            Entry::Check(check) => {
                kind(10);
                to.fixed64(*check);
            }
            Entry::End { reason } => {
                kind(11);
                to.text(reason);
            }
            Entry::Answer { question, answer } => {
                kind(12);
                question.write(to);
                to.bool(answer.is_some());
                if let Some(answer) = answer {
                    to.text(answer);
                }
            }
            Entry::Seated { seat, player } => {
                kind(Self::OF_THE_ROOM);
                to.bits(0, Self::OF_THE_ROOM_BITS);
                seat.write(to);
                to.text(player);
            }
            Entry::Dealt { seat, commands } => {
                kind(Self::OF_THE_ROOM);
                to.bits(1, Self::OF_THE_ROOM_BITS);
                seat.write(to);
                to.varint(*commands);
            }
        }
    }

    /// The next entry of a chunk; `None` at its end.
    fn read(from: &mut Reader<'_>) -> Result<Option<Entry>, DecodeError> {
        let entry = match from.bits(Self::KIND_BITS)? {
            0 => Entry::Start {
                game: from.text(MAX_TEXT_BYTES)?,
                schema: from.fixed64()?,
                config_json: from.text(MAX_TEXT_BYTES)?,
                seed: from.fixed64()?,
            },
            1 => Entry::Steps(from.varint_to(u64::from(u32::MAX))? as u32),
            2 => Entry::Join { seat: u16::read(from)?, name: from.text(MAX_TEXT_BYTES)?, team: u16::read(from)? },
            3 => Entry::Presence { seat: u16::read(from)?, presence: Presence::read(from)? },
            4 => Entry::Input { seat: u16::read(from)?, bytes: from.blob(MAX_INPUT_BYTES)? },
            5 => Entry::ClearInput { seat: u16::read(from)? },
            6 => Entry::Command { seat: u16::read(from)?, bytes: from.blob(MAX_COMMAND_BYTES)? },
            7 => Entry::Timeout,
            8 => Entry::Drain { within_ms: from.varint()? },
            9 => Entry::Later(from.varint()?),
            10 => Entry::Check(from.fixed64()?),
            11 => Entry::End { reason: from.text(MAX_TEXT_BYTES)? },
            12 => Entry::Answer {
                question: u32::read(from)?,
                answer: if from.bool()? { Some(from.text(MAX_ANSWER_BYTES)?) } else { None },
            },
            Self::OF_THE_ROOM => match from.bits(Self::OF_THE_ROOM_BITS)? {
                0 => Entry::Seated { seat: u16::read(from)?, player: from.text(MAX_TEXT_BYTES)? },
                1 => Entry::Dealt { seat: u16::read(from)?, commands: from.varint()? },
                _ => return Err(DecodeError::Kind),
            },
            Self::CHUNK_ENDS => return Ok(None),
            _ => return Err(DecodeError::Kind),
        };
        Ok(Some(entry))
    }
}

/// Writes a journal, chunk by chunk.
#[derive(Debug, Default)]
pub(crate) struct JournalWriter {
    open: Writer,
    /// Steps since the last entry.
    steps: u32,
    begun: bool,
    entries: u32,
}

impl JournalWriter {
    /// Writes on where another one was cut off.
    pub(crate) fn going_on() -> JournalWriter {
        JournalWriter { begun: true, ..JournalWriter::default() }
    }

    /// One step. Many in a row are one entry.
    pub(crate) fn step(&mut self) {
        if self.steps == u32::MAX {
            self.put_steps();
        }
        self.steps += 1;
    }

    pub(crate) fn put(&mut self, entry: &Entry) {
        self.put_steps();
        entry.write(&mut self.open);
        self.entries += 1;
    }

    fn put_steps(&mut self) {
        if self.steps > 0 {
            Entry::Steps(std::mem::take(&mut self.steps)).write(&mut self.open);
            self.entries += 1;
        }
    }

    /// What was put since the last call, with the magic before the first; `None`: nothing.
    pub(crate) fn take_chunk(&mut self) -> Option<Vec<u8>> {
        self.put_steps();
        if std::mem::take(&mut self.entries) == 0 {
            return None;
        }
        let mut chunk = std::mem::take(&mut self.open);
        chunk.bits(Entry::CHUNK_ENDS, Entry::KIND_BITS);
        let body = chunk.finish();
        let mut bytes = Vec::with_capacity(MAGIC.len() + HEAD + body.len());
        if !std::mem::replace(&mut self.begun, true) {
            bytes.extend(MAGIC);
        }
        bytes.extend((body.len() as u32).to_le_bytes());
        bytes.extend(Fnv::new().bytes(&body).0.to_le_bytes());
        bytes.extend(body);
        Some(bytes)
    }
}

/// Why bytes are no journal of a match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Something else.
    #[error("this is no journal of a match: it does not begin with {:?}", String::from_utf8_lossy(&MAGIC))]
    Magic,
    /// A chunk was changed.
    #[error("the chunk at byte {at} is damaged: {why}")]
    Damaged {
        /// Where it begins.
        at: usize,
        /// In what way.
        why: DecodeError,
    },
    /// It does not begin with the start of a match.
    #[error("the journal does not begin with the start of a match")]
    Headless,
    /// Of a game that is not here.
    #[error("the journal is of the game {game}; here are {have}")]
    UnknownGame {
        /// The game it is of.
        game: String,
        /// The games there are.
        have: String,
    },
    /// Of another version of the game.
    #[error("the journal is of another version of {game} (schema {theirs:016x}, here {ours:016x})")]
    OtherVersion {
        /// The game.
        game: String,
        /// The schema it was written with.
        theirs: u64,
        /// The schema here.
        ours: u64,
    },
    /// The game does not start with its configuration.
    #[error("the game does not start: {0}")]
    Config(String),
    /// The same entries led elsewhere: the rules changed, or they are not deterministic.
    #[error(
        "after step {tick} this is not the match that was played: its state comes to {ours:016x}, it came to {theirs:016x}"
    )]
    Diverged {
        /// Steps made.
        tick: u32,
        /// What was written down.
        theirs: u64,
        /// What came out now.
        ours: u64,
    },
}

/// The entries of a journal, up to its last whole chunk.
pub(crate) struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
    chunk: Option<(usize, Reader<'a>)>,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Entries<'a>, JournalError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(JournalError::Magic);
        }
        Ok(Entries { bytes, at: MAGIC.len(), chunk: None })
    }

    /// Where the chunk that is read ends: at the end of all, where the last whole one does.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn next(&mut self) -> Result<Option<Entry>, JournalError> {
        loop {
            if let Some((at, chunk)) = &mut self.chunk {
                match Entry::read(chunk) {
                    Ok(Some(entry)) => return Ok(Some(entry)),
                    Ok(None) => self.chunk = None,
                    Err(why) => return Err(JournalError::Damaged { at: *at, why }),
                }
            }
            let Some((chunk, rest)) = self.open(self.at)? else { return Ok(None) };
            self.chunk = Some((self.at, Reader::new(chunk)));
            self.at = rest;
        }
    }

    /// The bytes of the chunk at `at`, and where the next one begins; `None` where no whole one is.
    fn open(&self, at: usize) -> Result<Option<(&'a [u8], usize)>, JournalError> {
        let damaged = |why| JournalError::Damaged { at, why };
        let Some((head, rest)) = self.bytes[at..].split_first_chunk::<HEAD>() else { return Ok(None) };
        let (length, check) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().map_err(|_| damaged(DecodeError::Short))?) as usize;
        let check = u64::from_le_bytes(check.try_into().map_err(|_| damaged(DecodeError::Short))?);
        if length > MAX_CHUNK_BYTES {
            return Err(damaged(DecodeError::TooLong));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        if Fnv::new().bytes(body).0 != check {
            return Err(damaged(DecodeError::Range));
        }
        Ok(Some((body, at + HEAD + length)))
    }
}

/// Who takes a seat, as an entry.
pub(crate) fn join(seat: u16, who: &Who) -> Entry {
    Entry::Join { seat, name: who.name.clone(), team: who.team }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Entry> {
        vec![
            Entry::Start { game: "g".into(), schema: 7, config_json: "{}".into(), seed: u64::MAX },
            Entry::Seated { seat: 0, player: "p-1".into() },
            Entry::Join { seat: 0, name: "Ann".into(), team: 0 },
            Entry::Input { seat: 0, bytes: vec![1, 2, 3] },
            Entry::Steps(3),
            Entry::Presence { seat: 0, presence: Presence::Dropped },
            Entry::ClearInput { seat: 0 },
            Entry::Command { seat: 1, bytes: Vec::new() },
            Entry::Dealt { seat: 1, commands: 300 },
            Entry::Later(1_234),
            Entry::Timeout,
            Entry::Drain { within_ms: 30_000 },
            Entry::Check(0xdead_beef),
            Entry::End { reason: "the end".into() },
        ]
    }

    /// In chunks of three.
    fn written(entries: &[Entry]) -> Vec<u8> {
        let mut writer = JournalWriter::default();
        let mut bytes = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if let Entry::Steps(steps) = entry {
                (0..*steps).for_each(|_| writer.step());
            } else {
                writer.put(entry);
            }
            if index % 3 == 2 {
                bytes.extend(writer.take_chunk().unwrap_or_default());
            }
        }
        bytes.extend(writer.take_chunk().unwrap_or_default());
        assert_eq!(writer.take_chunk(), None);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Entry>, JournalError> {
        let mut entries = Entries::new(bytes)?;
        std::iter::from_fn(|| entries.next().transpose()).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read(&written(&some())), Ok(some()));
    }

    #[test]
    fn a_journal_that_was_cut_is_good_up_to_its_last_whole_chunk() {
        let (whole, entries) = (written(&some()), some());
        for cut in MAGIC.len()..whole.len() {
            let read = read(&whole[..cut]).unwrap();
            assert_eq!(read, entries[..read.len()], "cut at {cut}");
            assert_eq!(read.len() % 3, 0, "cut at {cut}");
        }
    }

    #[test]
    fn a_changed_journal_is_refused_or_reads_as_a_shorter_one() {
        let (whole, entries) = (written(&some()), some());
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            if let Ok(read) = read(&changed) {
                assert_eq!(read, entries[..read.len()], "changed at {at}");
                assert!(read.len() < entries.len(), "changed at {at}");
            }
        }
    }
}
