//! What is shown between states: the player ahead of his room, the others a little behind it.

use bellhop_game::Pose;

use crate::body::Body;
use crate::map::TILE;
use crate::view::{Seen, Sight};

/// Units in a point of the page, where a cell is drawn some 32 points wide.
const POINT: f32 = TILE as f32 / 32.0;
/// Who is farther off than this was put there, and is not moved there.
const JUMP: f32 = TILE as f32 * 1.5;

/// Bodies `part` of the way to where a later sight has them. For the eye alone: round a corner that is beside the
/// middle of the passage.
pub(crate) fn between(sight: &mut Sight, later: &Sight, part: f32) {
    for seen in &mut sight.bodies {
        let Some(next) = later.body(seen.seat) else { continue };
        let (dx, dy) = apart(&seen.body, next);
        if dx.abs() + dy.abs() > JUMP {
            continue;
        }
        seen.body.x += (dx * part).round() as i32;
        seen.body.y += (dy * part).round() as i32;
        if part >= 0.5 {
            (seen.body.facing, seen.body.going) = (next.facing, next.going);
        }
    }
}

/// Everything as the player knows it now, but for the others' bodies, which are where they were shown.
pub(crate) fn join(others: &mut Sight, own: &Sight, seat: u16) {
    let mut bodies: Vec<Seen> = others.bodies.iter().filter(|seen| seen.seat != seat).copied().collect();
    if let Some(&body) = own.body(seat) {
        let place = bodies.partition_point(|seen| seen.seat < seat);
        bodies.insert(place, Seen { seat, body });
    } else {
        // Who is not in the maze sees nobody any more.
        bodies.clear();
    }
    *others = Sight { bodies, ..own.clone() };
}

/// What leads from where the player's body is to where it was shown; `None` where it has to jump.
pub(crate) fn gap(shown: &Sight, now: &Sight, seat: u16) -> Option<Pose> {
    let (shown, now) = (shown.body(seat)?, now.body(seat)?);
    let (dx, dy) = apart(now, shown);
    (dx.abs() + dy.abs() <= JUMP).then_some([dx / POINT, dy / POINT, 0.0, 0.0])
}

/// Moves the player's body by what is left of a gap.
pub(crate) fn nudge(sight: &mut Sight, seat: u16, by: &Pose) {
    if let Some(seen) = sight.bodies.iter_mut().find(|seen| seen.seat == seat) {
        seen.body.x += (by[0] * POINT).round() as i32;
        seen.body.y += (by[1] * POINT).round() as i32;
    }
}

fn apart(from: &Body, to: &Body) -> (f32, f32) {
    ((to.x - from.x) as f32, (to.y - from.y) as f32)
}
