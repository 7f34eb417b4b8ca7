//! For which step an input is meant, where clients make steps ahead of the room.

use crate::{DecodeError, Reader, Writer};

/// What stands before such an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meant {
    /// The step it is held from.
    pub at: u32,
    /// How many steps before that the picture of the others was taken that the player saw.
    pub behind: u32,
}

impl Meant {
    /// Appends the lowest 16 bits of the step: rooms and clients are never 9 minutes apart.
    pub fn write(&self, to: &mut Writer) {
        to.bits(self.at & 0xffff, 16);
        to.bits(self.behind.min(255), 8);
    }

    /// Reads it, where the step made last is `now`: of all steps that end in these bits, the nearest is meant.
    ///
    /// # Errors
    /// When it ends early.
    pub fn read(from: &mut Reader<'_>, now: u32) -> Result<Meant, DecodeError> {
        let off = (from.bits(16)? as u16).wrapping_sub(now as u16) as i16;
        Ok(Meant { at: now.saturating_add_signed(i32::from(off)), behind: from.bits(8)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_step_is_meant() {
        for (at, now) in [(5, 0), (0, 5), (70_000, 65_530), (65_530, 70_000), (1_000_000, 1_000_060)] {
            let mut to = Writer::new();
            Meant { at, behind: 300 }.write(&mut to);
            let bytes = to.finish();
            assert_eq!(bytes.len(), 3);
            assert_eq!(Meant::read(&mut Reader::new(&bytes), now), Ok(Meant { at, behind: 255 }));
        }
        assert_eq!(Meant::read(&mut Reader::new(&[1]), 0), Err(DecodeError::Short));
    }
}
