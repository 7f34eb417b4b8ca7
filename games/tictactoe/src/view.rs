//! What everybody sees: the events so far, and the state they fold to. Only events travel.

use bellhop_game::{DecodeError, Reader, View, Wire, Writer, schema_of};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::state::{End, Event, Moment, Phase, State};

/// Events of a match that a view holds: some hundred games.
const MAX_EVENTS: usize = 2_048;

/// The table as both players see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    state: State,
    log: Vec<Moment>,
    rematch_ms: u64,
    /// The match's time for which it is shown.
    now_ms: u64,
}

impl Table {
    /// Before the first event.
    pub(crate) fn new(budget_ms: u64, rematch_ms: u64) -> Table {
        Table { state: State::new(budget_ms), log: Vec::new(), rematch_ms, now_ms: 0 }
    }

    /// What the events fold to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// All events.
    pub fn log(&self) -> &[Moment] {
        &self.log
    }

    /// How long offers are taken after a game.
    pub(crate) fn rematch_ms(&self) -> u64 {
        self.rematch_ms
    }

    /// Whether the log takes no more.
    pub(crate) fn is_full(&self) -> bool {
        self.log.len() >= MAX_EVENTS - 16
    }

    pub(crate) fn push(&mut self, moment: Moment) {
        self.state.apply(moment);
        self.log.push(moment);
    }

    /// What is left on a clock at the time for which the table is shown.
    fn clock_ms(&self, side: u8) -> u64 {
        let clock = self.state.clocks_ms[usize::from(side)];
        let runs = self.state.phase == Phase::Playing && self.state.turn == side;
        if runs { clock.saturating_sub(self.now_ms.saturating_sub(self.state.turn_since_ms)) } else { clock }
    }
}

/// Appends events, each with the time since the one before.
fn write_events(events: &[Moment], mut before_ms: u64, to: &mut Writer) {
    for moment in events {
        to.varint(moment.at_ms.wrapping_sub(before_ms));
        moment.event.write(to);
        before_ms = moment.at_ms;
    }
}

fn read_events(count: usize, table: &mut Table, from: &mut Reader<'_>) -> Result<(), DecodeError> {
    if table.log.len() + count > MAX_EVENTS {
        return Err(DecodeError::TooLong);
    }
    for _ in 0..count {
        let before_ms = table.log.last().map_or(0, |moment| moment.at_ms);
        let at_ms = before_ms.wrapping_add(from.varint()?);
        let event = Event::read(from)?;
        table.push(Moment { at_ms, event });
    }
    Ok(())
}

impl Wire for Table {
    const SCHEMA: u64 = schema_of("table: budget rematch log", &[Moment::SCHEMA]);

    fn write(&self, to: &mut Writer) {
        to.varint(self.state.budget_ms());
        to.varint(self.rematch_ms);
        to.varint(self.log.len() as u64);
        write_events(&self.log, 0, to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Table, DecodeError> {
        let mut table = Table::new(from.varint()?, from.varint()?);
        let count = from.length(MAX_EVENTS, 8)?;
        read_events(count, &mut table, from)?;
        Ok(table)
    }
}

impl View for Table {
    fn diff(&self, base: &Table, _: u32, to: &mut Writer) {
        let same = (self.state.budget_ms(), self.rematch_ms) == (base.state.budget_ms(), base.rematch_ms);
        let new = self.log.strip_prefix(base.log.as_slice()).filter(|_| same);
        to.bool(new.is_some());
        match new {
            Some(new) => {
                // Mostly one.
                to.bool(new.len() != 1);
                if new.len() != 1 {
                    to.varint(new.len() as u64);
                }
                write_events(new, base.log.last().map_or(0, |moment| moment.at_ms), to);
            }
            None => self.write(to),
        }
    }

    fn patch(&mut self, _: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        if from.bool()? {
            let count = if from.bool()? { from.length(MAX_EVENTS, 8)? } else { 1 };
            read_events(count, self, from)
        } else {
            *self = Table::read(from)?;
            Ok(())
        }
    }

    fn at(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }
}

/// How the last game ended, as the page sees it.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
enum Outcome {
    Line { winner: u8, line: [usize; 3] },
    Draw,
    Resigned { winner: u8 },
    Time { winner: u8 },
    Left { winner: u8 },
}

impl Outcome {
    fn of(state: &State) -> Option<Outcome> {
        let Phase::Over { winner, end } = state.phase else { return None };
        let Some(winner) = winner else { return Some(Outcome::Draw) };
        Some(match end {
            End::Line => Outcome::Line { winner, line: state.line()? },
            End::Full => Outcome::Draw,
            End::Resigned => Outcome::Resigned { winner },
            End::Time => Outcome::Time { winner },
            End::Deserted => Outcome::Left { winner },
        })
    }
}

/// As the page sees it: clocks and deadlines as what is left of them.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = &self.state;
        let outcome = Outcome::of(state);
        let turn = (state.phase == Phase::Playing).then_some(state.turn);
        let rematch_left = (state.over_ms + self.rematch_ms).saturating_sub(self.now_ms);
        let rematch_left = outcome.as_ref().filter(|_| !state.finished).map(|_| rematch_left);
        let last = self.log.iter().rev().find_map(|moment| match moment.event {
            Event::Placed { cell } => Some(Some(cell)),
            Event::Began { .. } => Some(None),
            Event::Resigned { .. }
            | Event::TimedOut
            | Event::Deserted { .. }
            | Event::RematchOffered { .. }
            | Event::RematchDeclined { .. } => None,
        });
        let mut table = serializer.serialize_struct("Table", 10)?;
        table.serialize_field("cells", &state.cells)?;
        table.serialize_field("turn", &turn)?;
        table.serialize_field("last", &last.flatten())?;
        table.serialize_field("clocks_ms", &[self.clock_ms(0), self.clock_ms(1)])?;
        table.serialize_field("outcome", &outcome)?;
        table.serialize_field("rematch", &state.offers)?;
        table.serialize_field("rematch_left_ms", &rematch_left)?;
        table.serialize_field("game", &state.games)?;
        table.serialize_field("wins", &state.wins)?;
        table.serialize_field("draws", &state.draws)?;
        table.end()
    }
}
