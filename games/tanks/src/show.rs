//! What is shown between the states that came, and of the own tank before the room has answered. Nothing here goes
//! back into the rules, so it may reckon with fractions.

use bellhop_game::Pose;

use crate::arena::{Arena, Body, HIT, UNIT};
use crate::trig::{between as turn, turned};

/// A tank that is this far from where it was did not drive there.
const JUMP: i32 = 120 * UNIT;

/// Everything moves `part` of the way to where it is in `later`.
pub(crate) fn between(arena: &mut Arena, later: &Arena, part: f32) {
    let mix = |from: i32, to: i32| from + ((to - from) as f32 * part) as i32;
    for tank in &mut arena.tanks {
        let Some(next) = later.tank(tank.seat) else { continue };
        if !tank.is_there() || !next.is_there() || jumped(&tank.body, &next.body) {
            continue;
        }
        tank.body = Body {
            x: mix(tank.body.x, next.body.x),
            y: mix(tank.body.y, next.body.y),
            hull: turned(tank.body.hull, (turn(tank.body.hull, next.body.hull) as f32 * part) as i32),
            turret: turned(tank.body.turret, (turn(tank.body.turret, next.body.turret) as f32 * part) as i32),
            ..tank.body
        };
    }
    for shell in &mut arena.shells {
        if let Some(next) = later.shells.iter().find(|next| (next.seat, next.shot) == (shell.seat, shell.shot)) {
            (shell.x, shell.y) = (mix(shell.x, next.x), mix(shell.y, next.y));
        }
    }
}

fn jumped(before: &Body, after: &Body) -> bool {
    (before.x - after.x).abs() > JUMP || (before.y - after.y).abs() > JUMP
}

/// The own tank and all shells are where they will be when the room hears of what is done now; the others are where
/// they were last seen. A shell that reached one of them there has hit it, as far as can be told.
pub(crate) fn join(others: &mut Arena, own: &Arena, seat: u16) {
    let hit = |tank: &crate::Tank, x: i32, y: i32| {
        let (dx, dy) = (i64::from(tank.body.x - x), i64::from(tank.body.y - y));
        dx * dx + dy * dy < i64::from(HIT) * i64::from(HIT)
    };
    others.shells = own
        .shells
        .iter()
        .filter(|shell| {
            let targets = others.tanks.iter().filter(|tank| tank.seat != shell.seat && tank.seat != seat);
            !targets.filter(|tank| tank.is_there()).any(|tank| hit(tank, shell.x, shell.y))
        })
        .copied()
        .collect();
    match (others.tank_mut(seat), own.tank(seat)) {
        (Some(shown), Some(own)) => *shown = own.clone(),
        (None, Some(own)) => others.tanks.push(own.clone()),
        (Some(_) | None, None) => {}
    }
    others.tick = own.tick;
    others.ends = own.ends;
}

/// What leads from where the own tank is to where it was shown, in points and angles; `None` where it must jump.
pub(crate) fn gap(shown: &Arena, now: &Arena, seat: u16) -> Option<Pose> {
    let (shown, now) = (shown.tank(seat)?, now.tank(seat)?);
    if !shown.is_there() || !now.is_there() || jumped(&shown.body, &now.body) {
        return None;
    }
    let points = |from: i32, to: i32| (to - from) as f32 / UNIT as f32;
    Some([
        points(now.body.x, shown.body.x),
        points(now.body.y, shown.body.y),
        turn(now.body.hull, shown.body.hull) as f32,
        turn(now.body.turret, shown.body.turret) as f32,
    ])
}

/// Moves the own tank by what a correction left.
pub(crate) fn nudge(arena: &mut Arena, seat: u16, by: &Pose) {
    if let Some(tank) = arena.tank_mut(seat) {
        tank.body.x += (by[0] * UNIT as f32) as i32;
        tank.body.y += (by[1] * UNIT as f32) as i32;
        tank.body.hull = turned(tank.body.hull, by[2] as i32);
        tank.body.turret = turned(tank.body.turret, by[3] as i32);
    }
}
