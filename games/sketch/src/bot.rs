//! A bot that draws a few figures for every prompt, a piece of line at a time, and then says that it is done.
//!
//! It remembers nothing: what it drew stands in the log, and a figure follows from its number.

use bellhop_game::{Rng, Seat};

use crate::mark::{Brush, HEIGHT, Point, Points, WIDTH};
use crate::rules::{Command, Phase};
use crate::view::Sheet;

/// Figures for each prompt.
const FIGURES: u32 = 3;
/// Points of a command: what a hand draws in a moment.
const PIECE: usize = 6;
/// The tones of a child's paint box.
const COLOURS: [u32; 8] = [0x00ff00, 0xff4040, 0xffd23c, 0x40a0ff, 0xff80c0, 0xffffff, 0xa06cff, 0xff9a3c];

/// What to do now; nothing until the next prompt when enough was drawn for this one.
pub(crate) fn next(view: &Sheet, seat: Seat, rng: &mut Rng) -> Option<Command> {
    if view.phase != Phase::Drawing || view.is_done(seat.0) {
        return None;
    }
    let hand = view.log.hand(seat.0);
    if hand.drawing {
        let figure = figure(seat, hand.marks - 1);
        let rest = figure.get(hand.stroke as usize..).unwrap_or_default();
        if !rest.is_empty() {
            return Some(Command::More { points: Points(rest[..rest.len().min(PIECE)].to_vec()) });
        }
    }
    if hand.marks < FIGURES * (u32::from(view.step) + 1) {
        let points = figure(seat, hand.marks).into_iter().take(PIECE).collect();
        let brush = Brush { colour: *rng.pick(&COLOURS)?, radius: 4 + rng.below(10) as u8 };
        return Some(Command::Begin { brush, points: Points(points) });
    }
    (view.step + 1 == view.steps).then_some(Command::Done { done: true })
}

/// A wobbly star, flower or spiral: the path of a wheel on a wheel, in whole numbers.
fn figure(seat: Seat, number: u32) -> Vec<Point> {
    let mut rng = Rng::new(u64::from(seat.0) << 32 | u64::from(number));
    let centre = (120 + rng.below(720) as i32, 120 + rng.below(480) as i32);
    let size = 30 + rng.below(70) as i32;
    let petals = 1 + rng.below(6) as i32;
    let wide = rng.below(size as u32 / 2 + 1) as i32;
    let point = |at: i32| {
        let (x, y) = circle(at, size);
        let (dx, dy) = circle(at * (petals + 1), wide);
        let place = |at: i32, end: i16| at.clamp(0, i32::from(end) - 1) as i16;
        Point { x: place(centre.0 + x + dx, WIDTH), y: place(centre.1 + y + dy, HEIGHT) }
    };
    (0..=48).map(|at| point(at * 4)).collect()
}

/// A point of a circle, of 192 steps all round, by parabolas: near enough for a bot, and the same everywhere.
fn circle(at: i32, radius: i32) -> (i32, i32) {
    let wave = |at: i32| {
        let at = at.rem_euclid(192);
        let (half, sign) = if at < 96 { (at, 1) } else { (at - 96, -1) };
        sign * radius * half * (96 - half) / (48 * 48)
    };
    (wave(at + 48), wave(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_lie_on_the_canvas_and_differ() {
        let figures: Vec<_> = (0..4).flat_map(|seat| (0..24).map(move |number| figure(Seat(seat), number))).collect();
        assert!(figures.iter().flatten().all(|point| point.is_on_canvas()));
        assert!(figures.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
