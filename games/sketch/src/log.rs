//! The log of all marks: it only grows, and two states of it share what they have in common.
//!
//! A state of a match is looked at once per viewer and frame, so a copy of the log costs two pointers, and the marks
//! that one copy has more than another are found without looking at the rest.

use std::sync::Arc;

use bellhop_game::{DecodeError, Reader, Wire, Writer};
use bellhop_wire::Fnv;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{MAX_ENTRIES, MAX_MARKS, MAX_POINTS, MAX_POINTS_AT_ONCE, MAX_SEATS};
use crate::mark::{Point, read_steps, write_steps};
use crate::{Brush, Points};

/// Entries that are copied at most when one is added.
const BLOCK: usize = 64;
const SEATS: usize = MAX_SEATS as usize;

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// A stroke begins.
    Begin {
        /// With this.
        brush: Brush,
        /// Along these.
        points: Points,
    },
    /// The seat's stroke goes on.
    More {
        /// Along these.
        points: Points,
    },
    /// All that is of one colour and connected takes another.
    Fill {
        /// From here.
        at: Point,
        /// Red, green and blue.
        colour: u32,
    },
    /// The last stroke or fill of the seat that still stands goes.
    Undo,
}

/// What was done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The seat.
    pub seat: u8,
    /// What it did.
    pub mark: Mark,
}

/// What follows from a seat's entries so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hand {
    /// Where it drew last.
    pub last: Point,
    /// It is in the middle of a stroke.
    pub drawing: bool,
    /// Points of the stroke it drew last.
    pub stroke: u32,
    /// Points drawn.
    pub points: u32,
    /// Strokes and fills made.
    pub marks: u32,
    /// Those that were not undone.
    pub standing: u32,
    /// Entries in the log.
    pub entries: u32,
}

/// The log.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Blocks that are full.
    full: Arc<Vec<Arc<Vec<Arc<Entry>>>>>,
    tail: Arc<Vec<Arc<Entry>>>,
    hands: [Hand; SEATS],
    hash: u64,
}

impl Log {
    /// How many entries it has.
    pub fn len(&self) -> u32 {
        (self.full.len() * BLOCK + self.tail.len()) as u32
    }

    /// Whether nobody did anything yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What follows from a seat's entries.
    pub fn hand(&self, seat: u16) -> Hand {
        self.hands.get(usize::from(seat)).copied().unwrap_or_default()
    }

    /// A number that all of the log decides.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The entries from this one on.
    pub fn since(&self, from: u32) -> impl Iterator<Item = &Entry> {
        let from = from as usize;
        let blocks = self.full.get(from / BLOCK..).unwrap_or_default();
        let skip = from.saturating_sub((self.full.len() - blocks.len()) * BLOCK);
        blocks.iter().chain(std::iter::once(&self.tail)).flat_map(|block| block.iter()).skip(skip).map(|entry| &**entry)
    }

    /// Adds what was done.
    ///
    /// # Errors
    /// When no player could have done it; then nothing changed.
    pub fn push(&mut self, entry: Entry) -> Result<(), Impossible> {
        let hand = self.hands.get_mut(usize::from(entry.seat)).ok_or(Impossible::Seat)?;
        let mut next = *hand;
        if next.entries >= MAX_ENTRIES {
            return Err(Impossible::TooMany);
        }
        next.entries += 1;
        match &entry.mark {
            Mark::Begin { brush, points } => {
                if !brush.is_possible() {
                    return Err(Impossible::Brush);
                }
                next.marks += 1;
                next.standing += 1;
                next.stroke = 0;
                next.drawing = true;
                draw(&mut next, points)?;
            }
            Mark::More { points } => {
                if !next.drawing {
                    return Err(Impossible::NoStroke);
                }
                draw(&mut next, points)?;
            }
            Mark::Fill { at, colour } => {
                if !at.is_on_canvas() {
                    return Err(Impossible::Outside);
                }
                if *colour > 0xff_ff_ff {
                    return Err(Impossible::Brush);
                }
                next.marks += 1;
                next.standing += 1;
                next.drawing = false;
            }
            Mark::Undo => {
                next.standing = next.standing.checked_sub(1).ok_or(Impossible::NothingToUndo)?;
                next.drawing = false;
            }
        }
        if next.marks > MAX_MARKS || next.points > MAX_POINTS {
            return Err(Impossible::TooMany);
        }
        *hand = next;
        self.hash = Fnv(self.hash).bytes(&digest(&entry)).0;
        let tail = Arc::make_mut(&mut self.tail);
        tail.push(Arc::new(entry));
        if tail.len() == BLOCK {
            Arc::make_mut(&mut self.full).push(std::mem::take(&mut self.tail));
        }
        Ok(())
    }

    /// Whether `base` is how this log once was.
    pub(crate) fn continues(&self, base: &Log) -> bool {
        let blocks = base.full.len();
        if base.len() > self.len() || blocks > self.full.len() {
            return false;
        }
        let same_blocks = Arc::ptr_eq(&self.full, &base.full)
            || self.full.iter().zip(base.full.iter()).all(|(a, b)| Arc::ptr_eq(a, b) || a == b);
        let next = self.full.get(blocks).unwrap_or(&self.tail);
        same_blocks && next.iter().zip(base.tail.iter()).all(|(a, b)| Arc::ptr_eq(a, b) || a == b)
    }

    /// Writes the entries from this one on. The reader has those before it.
    pub(crate) fn write_since(&self, from: u32, to: &mut Writer) {
        let count = self.len() - from;
        // Mostly one.
        to.bool(count != 1);
        if count != 1 {
            to.varint(u64::from(count));
        }
        // Where each hand was, as the reader knows it: found by going through the log only where that is not now.
        let mut hands = [Point::default(); SEATS];
        let mut known = [false; SEATS];
        for (at, entry) in self.since(from).enumerate() {
            let seat = usize::from(entry.seat);
            if matches!(entry.mark, Mark::More { .. }) && !known[seat] {
                hands[seat] = self.last_before(from + at as u32, entry.seat);
            }
            known[seat] = true;
            write_entry(entry, &mut hands[seat], to);
        }
    }

    /// Where a hand was when so many entries were made.
    fn last_before(&self, count: u32, seat: u8) -> Point {
        let blocks = self.full.iter().chain(std::iter::once(&self.tail)).take((count as usize).div_ceil(BLOCK));
        let mut left = count as usize;
        let parts: Vec<&[Arc<Entry>]> = blocks
            .map(|block| {
                let part = &block[..block.len().min(left)];
                left -= part.len();
                part
            })
            .collect();
        let points = parts.iter().rev().flat_map(|part| part.iter().rev()).find_map(|entry| match &entry.mark {
            Mark::Begin { points, .. } | Mark::More { points } if entry.seat == seat => points.0.last().copied(),
            Mark::Begin { .. } | Mark::More { .. } | Mark::Fill { .. } | Mark::Undo => None,
        });
        points.unwrap_or_default()
    }

    /// Reads and adds what [`Log::write_since`] wrote.
    pub(crate) fn read_more(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        let count = if from.bool()? { from.length(MAX_ENTRIES as usize * SEATS, 4)? } else { 1 };
        for _ in 0..count {
            let entry = self.read_entry(from)?;
            self.push(entry).map_err(|_| DecodeError::Range)?;
        }
        Ok(())
    }

    fn read_entry(&self, from: &mut Reader<'_>) -> Result<Entry, DecodeError> {
        let seat = from.below(u32::from(MAX_SEATS))? as u8;
        let mark = match from.below(4)? {
            0 => {
                let brush = Brush { colour: from.bits(24)?, radius: from.bits(6)? as u8 };
                let first = Point::read_on_canvas(from)?;
                let count = from.length(MAX_POINTS_AT_ONCE - 1, 0)?;
                let mut points = vec![first];
                if count > 0 {
                    points.extend(read_steps(first, count, from)?);
                }
                Mark::Begin { brush, points: Points(points) }
            }
            1 => {
                let count = from.length(MAX_POINTS_AT_ONCE, 0)?;
                Mark::More { points: Points(read_steps(self.hand(seat.into()).last, count, from)?) }
            }
            2 => {
                let at = Point::read_on_canvas(from)?;
                Mark::Fill { at, colour: from.bits(24)? }
            }
            _ => Mark::Undo,
        };
        Ok(Entry { seat, mark })
    }
}

/// Why an entry cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impossible {
    /// No such seat.
    Seat,
    /// A point lies outside the canvas.
    Outside,
    /// No points at all.
    NoPoints,
    /// No such brush or colour.
    Brush,
    /// No stroke was begun.
    NoStroke,
    /// Nothing of this seat stands.
    NothingToUndo,
    /// More than a seat may draw.
    TooMany,
}

impl Impossible {
    /// In words for the player.
    pub fn reason(self) -> &'static str {
        match self {
            Impossible::Seat => "this seat does not draw",
            Impossible::Outside => "that lies outside the canvas",
            Impossible::NoPoints => "a stroke has at least one point",
            Impossible::Brush => "there is no such brush or colour",
            Impossible::NoStroke => "begin a stroke first",
            Impossible::NothingToUndo => "there is nothing of yours to undo",
            Impossible::TooMany => "you have drawn as much as one picture takes",
        }
    }
}

fn draw(hand: &mut Hand, points: &Points) -> Result<(), Impossible> {
    hand.last = *points.0.last().ok_or(Impossible::NoPoints)?;
    if !points.0.iter().all(|point| point.is_on_canvas()) {
        return Err(Impossible::Outside);
    }
    let count = u32::try_from(points.0.len()).unwrap_or(u32::MAX);
    hand.stroke = hand.stroke.saturating_add(count);
    hand.points = hand.points.saturating_add(count);
    Ok(())
}

fn write_entry(entry: &Entry, hand: &mut Point, to: &mut Writer) {
    to.below(u32::from(entry.seat), u32::from(MAX_SEATS));
    match &entry.mark {
        Mark::Begin { brush, points } => {
            to.below(0, 4);
            to.bits(brush.colour, 24);
            to.bits(u32::from(brush.radius), 6);
            if let Some((&first, rest)) = points.0.split_first() {
                first.write_on_canvas(to);
                to.varint(rest.len() as u64);
                if !rest.is_empty() {
                    write_steps(first, rest, to);
                }
            }
        }
        Mark::More { points } => {
            to.below(1, 4);
            to.varint(points.0.len() as u64);
            write_steps(*hand, &points.0, to);
        }
        Mark::Fill { at, colour } => {
            to.below(2, 4);
            at.write_on_canvas(to);
            to.bits(*colour, 24);
        }
        Mark::Undo => to.below(3, 4),
    }
    if let Mark::Begin { points, .. } | Mark::More { points } = &entry.mark {
        *hand = points.0.last().copied().unwrap_or(*hand);
    }
}

fn digest(entry: &Entry) -> Vec<u8> {
    let mut to = Writer::new();
    write_entry(entry, &mut Point::default(), &mut to);
    to.finish()
}

impl PartialEq for Log {
    fn eq(&self, other: &Log) -> bool {
        self.len() == other.len() && self.hash == other.hash && self.continues(other)
    }
}

impl Eq for Log {}

impl Wire for Log {
    const SCHEMA: u64 = bellhop_game::schema_of("sketch log: begin more fill undo", &[Points::SCHEMA]);

    fn write(&self, to: &mut Writer) {
        self.write_since(0, to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Log, DecodeError> {
        let mut log = Log::default();
        log.read_more(from)?;
        Ok(log)
    }
}

/// As the list of its entries; the rest follows.
impl Serialize for Log {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.since(0))
    }
}

impl<'de> Deserialize<'de> for Log {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Log, D::Error> {
        let mut log = Log::default();
        for entry in Vec::<Entry>::deserialize(deserializer)? {
            log.push(entry).map_err(|impossible| serde::de::Error::custom(impossible.reason()))?;
        }
        Ok(log)
    }
}
