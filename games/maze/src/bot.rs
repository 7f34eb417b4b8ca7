//! How bots play: by what they see and nothing else, as people do.

use bellhop_game::Rng;

use crate::body::{Body, Way};
use crate::map::{Cell, Map, Steps};
use crate::view::{Fate, HAUNTER_SPEED, Phase, RATE_HZ, SPEED, Sight};

/// Who sees nothing goes somewhere, and after so many steps elsewhere.
const WANDER: u32 = 7 * RATE_HZ;
/// A haunter this near makes one run.
const FRIGHT: u16 = 9;
/// One turns round only for what is this much better.
const TURNING: i64 = 2;

/// What a player in this seat holds.
pub(crate) fn steer(view: &Sight, seat: u16, rng: &mut Rng) -> Option<Way> {
    let body = view.body(seat)?;
    if view.phase != Phase::Hunt {
        return None;
    }
    if seat == view.haunter { haunt(view, body) } else { collect(view, body, rng) }
}

/// After whom is nearest; else about.
fn haunt(view: &Sight, body: &Body) -> Option<Way> {
    let steps = view.map.steps_from(body.cell());
    let prey = view.bodies.iter().filter(|seen| seen.seat != view.haunter).map(|seen| seen.body);
    match prey.min_by_key(|prey| steps.to(prey.cell())) {
        Some(prey) if prey.cell() == body.cell() => Some(toward(body, &prey)),
        // Where he will be, not where he is.
        Some(prey) => {
            let ahead = if prey.going { prey.cell().next(prey.facing) } else { prey.cell() };
            let target = if view.map.is_floor(ahead) && ahead != body.cell() { ahead } else { prey.cell() };
            towards(&view.map, body, &view.map.steps_from(target))
        }
        None => wander(view, body, view.haunter),
    }
}

fn toward(body: &Body, prey: &Body) -> Way {
    let (dx, dy) = (prey.x - body.x, prey.y - body.y);
    match (dx.abs() > dy.abs(), dx > 0, dy > 0) {
        (true, true, _) => Way::Right,
        (true, false, _) => Way::Left,
        (false, _, true) => Way::Down,
        (false, _, false) => Way::Up,
    }
}

/// Away from the haunter, out with enough, after sparks, about: the first that applies.
fn collect(view: &Sight, body: &Body, rng: &mut Rng) -> Option<Way> {
    let own = view.own?;
    if own.fate != Fate::Free {
        return None;
    }
    let mine = view.map.steps_from(body.cell());
    let enough = own.carried >= view.need;
    if let Some(haunter) = view.body(view.haunter) {
        let his = view.map.steps_from(haunter.cell());
        if mine.to(haunter.cell()) <= FRIGHT {
            let gate = view.map.gates().iter().copied().find(|&gate| enough && is_first(gate, &mine, &his));
            return match gate {
                Some(gate) => towards(&view.map, body, &view.map.steps_from(gate)),
                None => flee(&view.map, body, &mine, &his),
            };
        }
    }
    let nearest = |cells: &[Cell]| cells.iter().copied().min_by_key(|&cell| mine.to(cell));
    let spark = nearest(&view.sparks);
    // With enough, one more is worth it only on the way.
    let target = match (enough, spark) {
        (true, Some(spark)) if mine.to(spark) <= 3 => Some(spark),
        (true, _) => nearest(view.map.gates()),
        (false, spark) => spark,
    };
    match target {
        Some(target) if target != body.cell() => towards(&view.map, body, &view.map.steps_from(target)),
        Some(target) => to_the_middle(body, target),
        None => {
            let whim = own.seat ^ (rng.below(2) as u16) << 8;
            wander(view, body, if rng.one_in(60) { whim } else { own.seat })
        }
    }
}

fn is_first(cell: Cell, mine: &Steps, his: &Steps) -> bool {
    i64::from(mine.to(cell)) * i64::from(HAUNTER_SPEED) < i64::from(his.to(cell)) * i64::from(SPEED)
}

/// To the place from which the way to the haunter is longest, of those one reaches before him.
fn flee(map: &Map, body: &Body, mine: &Steps, his: &Steps) -> Option<Way> {
    let reachable = map.floor().filter(|&cell| mine.to(cell) <= 14 && is_first(cell, mine, his));
    let ways = |cell: Cell| Way::ALL.into_iter().filter(|&way| map.is_floor(cell.next(way))).count() as i64;
    let safest =
        reachable.max_by_key(|&cell| (i64::from(his.to(cell)) * 2 - i64::from(mine.to(cell)) + ways(cell), cell))?;
    if safest == body.cell() {
        let away = |way: &Way| his.to(body.cell().next(*way));
        return Way::ALL.into_iter().filter(|&way| map.is_floor(body.cell().next(way))).max_by_key(away);
    }
    towards(map, body, &map.steps_from(safest))
}

/// To some place that only the time and the seat decide, and later to another.
fn wander(view: &Sight, body: &Body, who: u16) -> Option<Way> {
    let floor: Vec<Cell> = view.map.floor().collect();
    let turn = u64::from(view.tick / WANDER) << 20 | u64::from(view.round) << 16 | u64::from(who);
    let target = *Rng::new(turn).pick(&floor)?;
    if target == body.cell() {
        return Some(body.facing);
    }
    towards(&view.map, body, &view.map.steps_from(target))
}

fn to_the_middle(body: &Body, cell: Cell) -> Option<Way> {
    let (x, y) = cell.middle();
    let (dx, dy) = (x - body.x, y - body.y);
    match (dx.signum(), dy.signum()) {
        (0, 0) => None,
        (1, _) => Some(Way::Right),
        (-1, _) => Some(Way::Left),
        (_, 1) => Some(Way::Down),
        (_, _) => Some(Way::Up),
    }
}

/// The way by which the steps to a place get fewer; the one it faces, if several do.
fn towards(map: &Map, body: &Body, steps: &Steps) -> Option<Way> {
    let cell = body.cell();
    let open = Way::ALL.into_iter().filter(|&way| map.is_floor(cell.next(way)));
    open.min_by_key(|&way| {
        let turns = if way == body.facing { 0 } else { 1 } + if way == body.facing.opposite() { TURNING } else { 0 };
        i64::from(steps.to(cell.next(way))) * 8 + turns
    })
}
