//! What a player sees, and how it changes.

use crate::{DecodeError, Fnv, Reader, Wire, Writer};

/// What one class of viewers sees of a game. It travels whole once, then as changes.
///
/// The law: for any two views `a` and `b`, `a.patch(ticks, b.diff(a, ticks))` is `b`. Whatever both sides can work
/// out by themselves from `ticks` need not be written.
pub trait View: Wire + Clone + PartialEq {
    /// Writes what leads from `base`, `ticks` steps ago, to this view. Unless a game knows better: all of it, if
    /// anything changed.
    fn diff(&self, base: &Self, ticks: u32, to: &mut Writer) {
        let _ = ticks;
        let changed = self != base;
        to.bool(changed);
        if changed {
            self.write(to);
        }
    }

    /// Makes this view, `ticks` steps older, what [`View::diff`] was asked for.
    ///
    /// # Errors
    /// When the bytes are no such change; this view is then in no particular state.
    fn patch(&mut self, ticks: u32, from: &mut Reader<'_>) -> Result<(), DecodeError> {
        let _ = ticks;
        if from.bool()? {
            *self = Self::read(from)?;
        }
        Ok(())
    }

    /// Leaves what matters least as it is in `base`, until what leads from there to this view, `ticks` steps later, is no
    /// longer than `most` bytes. Asked of a view before it is sent, where its change would make a frame too long and
    /// another send follows: in a running match with a clock. What is left of it is what its class is sent; the next one
    /// is looked at whole again, so that what was held back comes with the sends that follow. Events are never held back.
    ///
    /// `base` is what was sent last, with all that does not travel, too: a view may note there how long it held what
    /// back. Take first what waited longest. Where the greatest differences always come first, small ones may wait for ever.
    ///
    /// False: nothing was held back, and the frame is as long as it is. Unless a game knows better, that is so.
    fn hold_back(&mut self, base: &Self, ticks: u32, most: usize) -> bool {
        let _ = (base, ticks, most);
        false
    }

    /// What to show at `now_ms` of the match, given the state that was sent: clocks run on here.
    fn at(&mut self, now_ms: u64) {
        let _ = now_ms;
    }

    /// What to show between this view and a later one, `part` of the way: 0 to 1. Unless a game says otherwise, this one.
    fn between(&mut self, later: &Self, part: f32) {
        let _ = (later, part);
    }

    /// What a page that was given the first `from` entries of a view's log still lacks, as numbers that the game's own
    /// page part knows how to read. For views with a log that only grows: it is not part of what
    /// the page is shown at every frame.
    fn since(&self, from: u32) -> Vec<i32> {
        let _ = from;
        Vec::new()
    }

    /// 16 bits by which two sides find out that they hold different views.
    fn check(&self) -> u16 {
        let mut writer = Writer::new();
        self.write(&mut writer);
        Fnv::new().bytes(&writer.finish()).short()
    }
}

impl View for () {}
