//! What spectators see later than the players: the match on a tape, as changes from picture to picture.

use std::collections::VecDeque;

use bellhop_game::{Reader, View, Writer};

use crate::hosted::At;
use crate::limits;

/// What one picture costs beside its change.
const OVERHEAD: usize = 64;

/// The pictures of one class, each shown when its time has come.
pub(crate) struct Tape<V> {
    delay_ms: u64,
    /// The newest picture on it.
    recorded: Option<Shown<V>>,
    pending: VecDeque<Piece<V>>,
    bytes: usize,
    shown: Option<Shown<V>>,
}

/// A picture.
pub(crate) struct Shown<V> {
    pub(crate) view: V,
    pub(crate) tick: u32,
    /// Events that its viewers were told by then.
    pub(crate) told: u64,
}

struct Piece<V> {
    due_ms: u64,
    tick: u32,
    told: u64,
    form: Form<V>,
}

enum Form<V> {
    Whole(V),
    /// From the picture before.
    Change(Vec<u8>),
}

impl<V: View> Tape<V> {
    pub(crate) fn new(delay_ms: u64) -> Tape<V> {
        Tape { delay_ms, recorded: None, pending: VecDeque::new(), bytes: 0, shown: None }
    }

    /// What is seen now; nothing, as long as nothing is old enough.
    pub(crate) fn shown(&self) -> Option<&Shown<V>> {
        self.shown.as_ref()
    }

    /// When the next picture is to be shown, in milliseconds of the match.
    pub(crate) fn due_ms(&self) -> Option<u64> {
        self.pending.front().map(|piece| piece.due_ms)
    }

    /// How the match is now. A full tape takes no picture: the next one it takes is a longer way from the last.
    pub(crate) fn record(&mut self, at: At, view: V, told: u64) {
        let form = match &self.recorded {
            Some(last) if last.tick == at.tick && last.told == told && last.view == view => return,
            _ if self.bytes > limits::MAX_TAPE_BYTES => return,
            Some(last) => {
                let mut to = Writer::new();
                view.diff(&last.view, at.tick - last.tick, &mut to);
                Form::Change(to.finish())
            }
            None => Form::Whole(view.clone()),
        };
        self.bytes += form.cost();
        self.pending.push_back(Piece { due_ms: at.now_ms + self.delay_ms, tick: at.tick, told, form });
        self.recorded = Some(Shown { view, tick: at.tick, told });
    }

    /// Shows what is old enough. True: something was.
    pub(crate) fn play(&mut self, now_ms: u64) -> bool {
        let mut any = false;
        while self.pending.front().is_some_and(|piece| piece.due_ms <= now_ms) {
            let Some(piece) = self.pending.pop_front() else { break };
            self.bytes -= piece.form.cost();
            any |= self.show(piece);
        }
        any
    }

    /// The match is over: there is nothing left to hide.
    pub(crate) fn reveal(&mut self) {
        if let Some(newest) = self.recorded.take() {
            self.shown = Some(newest);
        }
        self.pending.clear();
        self.bytes = 0;
    }

    fn show(&mut self, piece: Piece<V>) -> bool {
        let Piece { tick, told, form, .. } = piece;
        match (form, &mut self.shown) {
            (Form::Whole(view), _) => self.shown = Some(Shown { view, tick, told }),
            (Form::Change(change), Some(shown)) => {
                let mut from = Reader::new(&change);
                if shown.view.patch(tick - shown.tick, &mut from).is_err() {
                    // A game whose changes lead astray: its players' clients ask for all anew, and so does the tape.
                    *self = Tape { shown: self.shown.take(), ..Tape::new(self.delay_ms) };
                    return false;
                }
                (shown.tick, shown.told) = (tick, told);
            }
            (Form::Change(_), None) => return false,
        }
        true
    }
}

impl<V> Form<V> {
    fn cost(&self) -> usize {
        match self {
            Form::Whole(_) => OVERHEAD,
            Form::Change(change) => OVERHEAD + change.len(),
        }
    }
}
