//! What one seat sees: the canvas that all share, and prompts that are its own.

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of};
use bellhop_wire::Fnv;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::limits::MAX_PROMPTS;
use crate::log::{Entry, Log, Mark};
use crate::rules::Phase;
use crate::series::Scene;

/// The match as one seat sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    pub(crate) log: Log,
    pub(crate) phase: Phase,
    /// The prompt that is on, from 0.
    pub(crate) step: u8,
    /// Prompts in all; 0 before they are there.
    pub(crate) steps: u8,
    /// When the next prompt comes, or the wait for the first one ends, in milliseconds of the match.
    pub(crate) until_ms: u64,
    /// Who said that he is done: a bit for each seat.
    pub(crate) done: u8,
    /// This seat's prompts up to the one that is on.
    pub(crate) prompts: Vec<String>,
    /// Everybody's prompts, once the picture is finished.
    pub(crate) reveal: Option<Scene>,
    /// The match's time for which it is shown.
    pub(crate) now_ms: u64,
}

impl Sheet {
    /// Everything that was drawn.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// What goes on.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The prompt that is on, from 0.
    pub fn step(&self) -> u8 {
        self.step
    }

    /// This seat's prompts up to the one that is on.
    pub fn prompts(&self) -> &[String] {
        &self.prompts
    }

    /// Everybody's prompts, once the picture is finished.
    pub fn reveal(&self) -> Option<&Scene> {
        self.reveal.as_ref()
    }

    /// Whether this seat said that it is done.
    pub fn is_done(&self, seat: u16) -> bool {
        seat < 8 && self.done >> seat & 1 == 1
    }

    /// When the next prompt comes, in milliseconds of the match.
    pub fn until_ms(&self) -> u64 {
        self.until_ms
    }

    fn write_head(&self, to: &mut Writer) {
        self.phase.write(to);
        self.step.write(to);
        self.steps.write(to);
        self.until_ms.write(to);
        self.done.write(to);
        self.reveal.write(to);
    }

    fn read_head(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.phase = Wire::read(from)?;
        self.step = Wire::read(from)?;
        self.steps = Wire::read(from)?;
        self.until_ms = Wire::read(from)?;
        self.done = Wire::read(from)?;
        self.reveal = Wire::read(from)?;
        Ok(())
    }

    fn write_prompts(&self, from: usize, to: &mut Writer) {
        let new = self.prompts.get(from..).unwrap_or_default();
        to.varint(new.len() as u64);
        new.iter().for_each(|prompt| prompt.write(to));
    }

    fn read_prompts(&mut self, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        for _ in 0..from.length(MAX_PROMPTS, 5)? {
            self.prompts.push(Wire::read(from)?);
        }
        if self.prompts.len() > MAX_PROMPTS { Err(DecodeError::TooLong) } else { Ok(()) }
    }

    fn same_but_log(&self, other: &Sheet) -> bool {
        (self.phase, self.step, self.steps, self.until_ms, self.done)
            == (other.phase, other.step, other.steps, other.until_ms, other.done)
            && self.prompts == other.prompts
            && self.reveal == other.reveal
    }
}

impl Wire for Sheet {
    const SCHEMA: u64 = schema_of(
        "sheet: phase step steps until done reveal prompts log",
        &[Phase::SCHEMA, Scene::SCHEMA, Log::SCHEMA],
    );

    fn write(&self, to: &mut Writer) {
        self.write_head(to);
        self.write_prompts(0, to);
        self.log.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Sheet, DecodeError> {
        let mut sheet = Sheet {
            log: Log::default(),
            phase: Phase::Waiting,
            step: 0,
            steps: 0,
            until_ms: 0,
            done: 0,
            prompts: Vec::new(),
            reveal: None,
            now_ms: 0,
        };
        sheet.read_head(from)?;
        sheet.read_prompts(from)?;
        sheet.log = Log::read(from)?;
        Ok(sheet)
    }
}

impl View for Sheet {
    fn diff(&self, base: &Sheet, _: u32, to: &mut Writer) {
        let appended = self.log.continues(&base.log) && self.prompts.starts_with(&base.prompts);
        to.bool(appended);
        if !appended {
            self.write(to);
            return;
        }
        let drawn = self.log.len() > base.log.len();
        let same = self.same_but_log(base);
        to.bool(drawn);
        to.bool(!same);
        if !same {
            self.write_head(to);
            self.write_prompts(base.prompts.len(), to);
        }
        if drawn {
            self.log.write_since(base.log.len(), to);
        }
    }

    fn patch(&mut self, _: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if !from.bool()? {
            *self = Sheet::read(from)?;
            return Ok(());
        }
        let (drawn, other) = (from.bool()?, from.bool()?);
        if other {
            self.read_head(from)?;
            self.read_prompts(from)?;
        }
        if drawn {
            self.log.read_more(from)?;
        }
        Ok(())
    }

    fn at(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    /// The log is long: what is left of it stands for it.
    fn check(&self) -> u16 {
        let mut to = Writer::new();
        self.write_head(&mut to);
        self.write_prompts(0, &mut to);
        Fnv(self.log.hash()).bytes(&to.finish()).short()
    }

    /// For each entry its seat and kind, then: a beginning has colour, radius, how many points and those; going on has
    /// how many points and those; a fill has its place and colour.
    fn since(&self, from: u32) -> Vec<i32> {
        let mut out = Vec::new();
        for Entry { seat, mark } in self.log.since(from) {
            out.push(i32::from(*seat));
            let points = match mark {
                Mark::Begin { brush, points } => {
                    out.extend([0, brush.colour as i32, i32::from(brush.radius)]);
                    points
                }
                Mark::More { points } => {
                    out.push(1);
                    points
                }
                Mark::Fill { at, colour } => {
                    out.extend([2, i32::from(at.x), i32::from(at.y), *colour as i32]);
                    continue;
                }
                Mark::Undo => {
                    out.push(3);
                    continue;
                }
            };
            out.push(points.0.len() as i32);
            out.extend(points.0.iter().flat_map(|point| [i32::from(point.x), i32::from(point.y)]));
        }
        out
    }
}

/// As the page sees it: the deadline as what is left of it, and of the log only how long it is.
impl Serialize for Sheet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left_ms = (self.phase != Phase::Over).then(|| self.until_ms.saturating_sub(self.now_ms));
        let mut sheet = serializer.serialize_struct("Sheet", 8)?;
        sheet.serialize_field("entries", &self.log.len())?;
        sheet.serialize_field("phase", &self.phase)?;
        sheet.serialize_field("step", &self.step)?;
        sheet.serialize_field("steps", &self.steps)?;
        sheet.serialize_field("left_ms", &left_ms)?;
        sheet.serialize_field("done", &self.done)?;
        sheet.serialize_field("prompts", &self.prompts)?;
        sheet.serialize_field("reveal", &self.reveal)?;
        sheet.end()
    }
}
