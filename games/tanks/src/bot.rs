//! How bots drive: to where they see somebody, around him while they shoot, out of the way of what flies at them.

use bellhop_game::Rng;

use crate::arena::{Arena, Body, Input, Shell, Tank, UNIT};
use crate::map::TILE;
use crate::trig::{along, angle_of, between, direction};

/// From here a bot shoots.
const RANGE: i32 = 560 * UNIT;
/// Nearer than this it goes round its target.
const NEAR: i32 = 240 * UNIT;
/// A shell flies as far in a step.
const SHELL: i32 = 8 * UNIT;
/// Angles by which a bot misses, at most: people do not hit always either.
const MISS: u32 = 40;
/// Shells nearer than this are dodged.
const DANGER: i32 = 260 * UNIT;

/// What the bot of this seat holds now; `None`: what it held.
pub(crate) fn hunt(arena: &Arena, seat: u16, rng: &mut Rng) -> Option<Input> {
    let own = arena.tank(seat).filter(|tank| tank.is_there())?;
    let body = own.body;
    let target = target(arena, own);
    let mut wanted = Input { aim: body.input.aim, ..Input::default() };
    if let Some((other, seen)) = target {
        let far = far(&body, (other.body.x, other.body.y));
        if seen && far < RANGE {
            let point = lead(&body, &other.body, far);
            let aim = angle_of(point.0 - body.x, point.1 - body.y);
            // It corrects its aim now and then, not with every look.
            if between(body.input.aim, aim).abs() > 6 {
                wanted.aim = (i32::from(aim) + rng.below(MISS) as i32 - MISS as i32 / 2).rem_euclid(1024) as u16;
            }
            wanted.fire = between(body.turret, aim).abs() < 24;
        }
        let way = if seen && far < NEAR {
            // Round the target, each bot its own way, turning about now and then.
            let side = if (arena.tick / 128 + u32::from(seat) * 7).is_multiple_of(2) { 256 } else { 768 };
            (angle_of(other.body.x - body.x, other.body.y - body.y) + side) % 1024
        } else {
            way_to(arena, &body, (other.body.x, other.body.y))
        };
        steer(&body, way, &mut wanted);
    }
    if let Some(shell) = arena.shells.iter().find(|shell| shell.seat != seat && comes_at(shell, &body)) {
        let across = [(shell.angle + 256) % 1024, (shell.angle + 768) % 1024];
        let nearest = across.into_iter().min_by_key(|&way| off_axis(&body, way));
        steer(&body, nearest.unwrap_or_default(), &mut wanted);
    }
    (wanted != body.input).then_some(wanted)
}

/// The nearest tank that can be harmed, those in sight first, and whether it is in sight.
fn target<'a>(arena: &'a Arena, own: &Tank) -> Option<(&'a Tank, bool)> {
    let place = (own.body.x, own.body.y);
    let others = arena.tanks.iter().filter(|tank| tank.seat != own.seat && tank.is_open(arena.tick));
    let judged = others.map(|tank| {
        let there = (tank.body.x, tank.body.y);
        let seen = arena.map.is_clear(place, there);
        (far(&own.body, there) * if seen { 1 } else { 3 }, tank, seen)
    });
    judged.min_by_key(|(worth, tank, _)| (*worth, tank.seat)).map(|(_, tank, seen)| (tank, seen))
}

fn far(body: &Body, (x, y): (i32, i32)) -> i32 {
    let (dx, dy) = (i64::from(body.x - x), i64::from(body.y - y));
    (dx * dx + dy * dy).isqrt() as i32
}

/// Where the other will be when a shell gets there.
fn lead(body: &Body, other: &Body, far: i32) -> (i32, i32) {
    let (vx, vy) = along(other.hull, i32::from(other.speed));
    let (x, y) = (other.x + vx * (far / SHELL), other.y + vy * (far / SHELL));
    let again = self::far(body, (x, y)) / SHELL;
    (other.x + vx * again, other.y + vy * again)
}

/// The angle to drive at to get to a place: along the free tiles.
fn way_to(arena: &Arena, body: &Body, place: (i32, i32)) -> u16 {
    let tile = |at: i32| at.div_euclid(TILE);
    let far = arena.map.distances((tile(place.0), tile(place.1)));
    let at = |x: i32, y: i32| {
        let inside = 0 <= x && x < i32::from(arena.map.columns) && y >= 0;
        let index = y * i32::from(arena.map.columns) + x;
        if inside { far.get(index as usize).copied().flatten() } else { None }
    };
    let (x, y) = (tile(body.x), tile(body.y));
    let ways = [(1, 0), (0, 1), (-1, 0), (0, -1)].map(|(dx, dy)| (x + dx, y + dy));
    let next = ways.into_iter().filter_map(|(x, y)| Some((at(x, y)?, x, y))).min();
    let to = match next {
        Some((steps, x, y)) if steps > 0 => (x * TILE + TILE / 2, y * TILE + TILE / 2),
        Some(_) | None => place,
    };
    angle_of(to.0 - body.x, to.1 - body.y)
}

/// Turns towards an angle, forwards or backwards as is nearer, and drives once it is about right.
fn steer(body: &Body, way: u16, wanted: &mut Input) {
    let off = between(body.hull, way);
    let back = off.abs() > 340;
    let off = if back { between(body.hull, (way + 512) % 1024) } else { off };
    wanted.turn = if off.abs() < 12 { 0 } else { off.signum() as i8 };
    wanted.drive = match (off.abs() < 170, back) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => -1,
    };
}

/// How far a tank has to turn to drive along an angle, either way.
fn off_axis(body: &Body, way: u16) -> i32 {
    let off = between(body.hull, way).abs();
    off.min(512 - off)
}

fn comes_at(shell: &Shell, body: &Body) -> bool {
    let (dx, dy) = (body.x - shell.x, body.y - shell.y);
    if dx.abs() > DANGER || dy.abs() > DANGER {
        return false;
    }
    let (ax, ay) = direction(shell.angle);
    let (ax, ay, dx, dy) = (i64::from(ax), i64::from(ay), i64::from(dx), i64::from(dy));
    let (along, across) = (dx * ax + dy * ay, dx * ay - dy * ax);
    along > 0 && across.abs() < i64::from(34 * UNIT) << 14
}
