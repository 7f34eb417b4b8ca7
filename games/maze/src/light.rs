//! What light reaches: lines of sight as exact geometry in whole units.
//!
//! The room asks with it whom a player sees, the page draws its light from it. A line that only touches a corner goes
//! on; one between two walls that meet at a corner does not.

use std::cmp::Ordering;

use crate::body::Body;
use crate::map::{Map, TILE};

/// From a body's middle to where it ends: what of it has to be in sight.
const BODY: i32 = 72;
/// A ray beside a corner leaves it by this part of its length.
const BESIDE: i64 = 4096;

/// Whether nothing stands between two points.
pub fn sees(map: &Map, eye: (i32, i32), point: (i32, i32)) -> bool {
    let way = (i64::from(point.0 - eye.0), i64::from(point.1 - eye.1));
    Ray::new(eye, way).run(&|x, y| map.is_wall(x, y), true).is_none()
}

/// Whether some of a body is in sight of an eye that sees as far as `reach`.
pub fn sees_body(map: &Map, eye: (i32, i32), reach: i32, body: &Body) -> bool {
    let (x, y) = (body.x, body.y);
    let near = body.distance_squared(eye) <= i64::from(reach) * i64::from(reach);
    near && [(x, y), (x - BODY, y), (x + BODY, y), (x, y - BODY), (x, y + BODY)]
        .into_iter()
        .any(|point| sees(map, eye, point))
}

/// The outline of what is in sight, by angle: a polygon around the eye. Beyond `reach` it ends somewhere.
pub fn outline(map: &Map, eye: (i32, i32), reach: i32) -> Vec<(i32, i32)> {
    let (column, row, cells) = (eye.0.div_euclid(TILE), eye.1.div_euclid(TILE), reach / TILE + 1);
    // What lies farther is as good as wall.
    let is_wall = |x: i32, y: i32| (x - column).abs() > cells || (y - row).abs() > cells || map.is_wall(x, y);
    let mut hits: Vec<((i64, i64), (i32, i32))> = Vec::new();
    for y in row - cells..=row + cells + 1 {
        for x in column - cells..=column + cells + 1 {
            let around = [is_wall(x - 1, y - 1), is_wall(x, y - 1), is_wall(x, y), is_wall(x - 1, y)];
            let straight =
                around[0] == around[1] && around[2] == around[3] || around[0] == around[3] && around[1] == around[2];
            let (dx, dy) = (i64::from(x * TILE - eye.0), i64::from(y * TILE - eye.1));
            if straight || Ray::new(eye, (dx, dy)).run(&is_wall, true).is_some() {
                continue;
            }
            for way in [(dx * BESIDE + dy, dy * BESIDE - dx), (dx * BESIDE - dy, dy * BESIDE + dx)] {
                if let Some(hit) = Ray::new(eye, way).run(&is_wall, false) {
                    hits.push((way, hit));
                }
            }
        }
    }
    hits.sort_by(|(a, _), (b, _)| by_angle(*a, *b));
    hits.dedup_by_key(|(_, hit)| *hit);
    hits.into_iter().map(|(_, hit)| hit).collect()
}

fn by_angle(a: (i64, i64), b: (i64, i64)) -> Ordering {
    let lower = |(x, y): (i64, i64)| y < 0 || y == 0 && x < 0;
    lower(a).cmp(&lower(b)).then_with(|| {
        let cross = i128::from(a.0) * i128::from(b.1) - i128::from(a.1) * i128::from(b.0);
        0.cmp(&cross)
    })
}

/// A ray on its way through the cells.
struct Ray {
    eye: (i32, i32),
    way: (i64, i64),
    cell: (i32, i32),
    /// How far the next line across is, in units along each axis.
    next: (i64, i64),
}

impl Ray {
    fn new(eye: (i32, i32), way: (i64, i64)) -> Ray {
        let cell = (eye.0.div_euclid(TILE), eye.1.div_euclid(TILE));
        let first = |at: i32, way: i64| {
            let inside = i64::from(at.rem_euclid(TILE));
            if way < 0 { inside } else { i64::from(TILE) - inside }
        };
        Ray { eye, way, cell, next: (first(eye.0, way.0), first(eye.1, way.1)) }
    }

    /// Where it enters a wall: anywhere, or before the end of its way.
    fn run(mut self, is_wall: &impl Fn(i32, i32) -> bool, ends: bool) -> Option<(i32, i32)> {
        let (dx, dy) = self.way;
        let (ax, ay) = (dx.abs(), dy.abs());
        if ax == 0 && ay == 0 {
            return None;
        }
        // Along a line between cells both sides have to be walls.
        let (on_column, on_row) = (self.eye.0 % TILE == 0 && ax == 0, self.eye.1 % TILE == 0 && ay == 0);
        let solid =
            |x: i32, y: i32| is_wall(x, y) && (!on_column || is_wall(x - 1, y)) && (!on_row || is_wall(x, y - 1));
        loop {
            // Which line comes first: at next.0 / ax, or at next.1 / ay of the way?
            let order = match (ax, ay) {
                (0, _) => Ordering::Greater,
                (_, 0) => Ordering::Less,
                (ax, ay) => (self.next.0 * ay).cmp(&(self.next.1 * ax)),
            };
            let (gone, all) = if order == Ordering::Greater { (self.next.1, ay) } else { (self.next.0, ax) };
            if ends && gone >= all {
                return None;
            }
            let (sx, sy) = (dx.signum() as i32, dy.signum() as i32);
            let at = |part: i64, whole: i64| {
                (self.eye.0 + (dx * part / whole) as i32, self.eye.1 + (dy * part / whole) as i32)
            };
            let hit = at(gone, all);
            match order {
                Ordering::Less => self.cell.0 += sx,
                Ordering::Greater => self.cell.1 += sy,
                Ordering::Equal => {
                    let closed = solid(self.cell.0 + sx, self.cell.1) && solid(self.cell.0, self.cell.1 + sy);
                    self.cell.0 += sx;
                    self.cell.1 += sy;
                    if closed {
                        return Some(hit);
                    }
                }
            }
            if order != Ordering::Greater {
                self.next.0 += i64::from(TILE);
            }
            if order != Ordering::Less {
                self.next.1 += i64::from(TILE);
            }
            if solid(self.cell.0, self.cell.1) {
                return Some(hit);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Cell, HALF};
    use bellhop_game::Rng;

    /// Whether a point is inside a polygon, by how often a line from it crosses the edges.
    fn inside(polygon: &[(i32, i32)], (x, y): (i32, i32)) -> bool {
        let (x, y) = (f64::from(x) + 0.013, f64::from(y) + 0.007);
        let corners = || polygon.iter().map(|&(x, y)| (f64::from(x), f64::from(y)));
        let edges = corners().zip(corners().cycle().skip(1));
        edges.filter(|((ax, ay), (bx, by))| (ay > &y) != (by > &y) && x < (bx - ax) * (y - ay) / (by - ay) + ax).count()
            % 2
            == 1
    }

    #[test]
    fn sight_is_mutual_and_stops_at_walls() {
        let mut rng = Rng::new(5);
        let mut seen = 0;
        for seed in 0..20 {
            let map = Map::new(seed, 21, 15);
            let floor: Vec<Cell> = map.floor().collect();
            for _ in 0..200 {
                let (a, b) = (rng.pick(&floor).unwrap().middle(), rng.pick(&floor).unwrap().middle());
                assert_eq!(sees(&map, a, b), sees(&map, b, a), "{map:?} {a:?} {b:?}");
                // Against the slow way: looked at in many small steps.
                let clear = (0..=4_000_i64).all(|part| {
                    let at = |from: i32, to: i32| {
                        let inner = i64::from(from) * 4_000 + i64::from(to - from) * part;
                        (
                            inner.div_euclid(4_000 * i64::from(TILE)) as i32,
                            inner.rem_euclid(4_000 * i64::from(TILE)) == 0,
                        )
                    };
                    let ((x, x_edge), (y, y_edge)) = (at(a.0, b.0), at(a.1, b.1));
                    x_edge || y_edge || !map.is_wall(x, y)
                });
                // Between two walls that meet at a corner the slow way slips through.
                assert!(!sees(&map, a, b) || clear, "{map:?} {a:?} {b:?}");
                seen += u32::from(sees(&map, a, b));
            }
        }
        assert!(seen > 100, "{seen}");
    }

    #[test]
    fn the_outline_holds_what_is_seen_and_nothing_else() {
        let mut rng = Rng::new(8);
        let (mut lit, mut dark) = (0, 0);
        for seed in 0..30 {
            let map = Map::new(seed, 21, 15);
            let floor: Vec<Cell> = map.floor().collect();
            let (mut x, y) = rng.pick(&floor).unwrap().middle();
            if map.is_floor(Cell { x: (x / TILE + 1) as u8, y: (y / TILE) as u8 }) {
                x += rng.below(TILE as u32) as i32;
            }
            let outline = outline(&map, (x, y), 8 * TILE);
            for _ in 0..400 {
                let point = (x + rng.below(3_000) as i32 - 1_500, y + rng.below(3_000) as i32 - 1_500);
                if map.is_wall(point.0.div_euclid(TILE), point.1.div_euclid(TILE)) {
                    continue;
                }
                // Within a few units of a shadow's edge they may differ: hits are whole numbers.
                let near =
                    [(6, 0), (-6, 0), (0, 6), (0, -6)].map(|(dx, dy)| sees(&map, (x, y), (point.0 + dx, point.1 + dy)));
                let sure = near.iter().all(|&one| one == near[0]) && sees(&map, (x, y), point) == near[0];
                if sure {
                    assert_eq!(inside(&outline, point), near[0], "{map:?} eye {x},{y} point {point:?}");
                    *(if near[0] { &mut lit } else { &mut dark }) += 1;
                }
            }
        }
        assert!(lit > 400 && dark > 400, "{lit} in the light, {dark} in the dark");
    }

    #[test]
    fn two_walls_that_meet_at_a_corner_let_no_light_through() {
        let is_wall = |x: i32, y: i32| (x, y) == (1, 0) || (x, y) == (0, 1);
        let ray = |from: (i32, i32), way| Ray::new(from, way).run(&is_wall, true);
        assert!(ray((HALF, HALF), (i64::from(TILE), i64::from(TILE))).is_some());
        // Past one corner it goes on.
        assert!(ray((HALF, -HALF), (i64::from(TILE), i64::from(TILE))).is_some());
        assert!(ray((-HALF, HALF), (i64::from(TILE), -i64::from(TILE))).is_none());
    }
}
