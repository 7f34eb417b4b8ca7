//! Angles and directions in whole numbers.

/// Angles in a whole turn. 0 is to greater x, a quarter later to greater y.
pub const CIRCLE: u16 = 1024;
const QUARTER: u16 = CIRCLE / 4;
/// Bits after the point of a direction's parts.
pub(crate) const BITS: u32 = 14;

/// The sine from 0 to a quarter turn.
const SINE: [i32; QUARTER as usize + 1] = sines();

const fn sines() -> [i32; QUARTER as usize + 1] {
    // Taylor's series with 30 bits after the point; at a quarter turn its error is below one unit of the result.
    const PI: i64 = 3_373_259_426;
    let mut sines = [0; QUARTER as usize + 1];
    let mut at = 0;
    while at < sines.len() {
        let x = PI * at as i64 / (CIRCLE as i64 / 2);
        let square = (x * x) >> 30;
        let (mut term, mut sum, mut n) = (x, x, 1);
        while n < 6 {
            term = -((term * square) >> 30) / ((2 * n) * (2 * n + 1));
            sum += term;
            n += 1;
        }
        sines[at] = ((sum + (1 << (29 - BITS))) >> (30 - BITS)) as i32;
        at += 1;
    }
    sines
}

/// The direction of an angle: its x and y, each with 14 bits after the point.
pub fn direction(angle: u16) -> (i32, i32) {
    let angle = angle % CIRCLE;
    let (quarter, rest) = (angle / QUARTER, usize::from(angle % QUARTER));
    let (near, far) = (SINE[usize::from(QUARTER) - rest], SINE[rest]);
    match quarter {
        0 => (near, far),
        1 => (-far, near),
        2 => (-near, -far),
        _ => (far, -near),
    }
}

/// The part of a step of `length` along each axis.
pub(crate) fn along(angle: u16, length: i32) -> (i32, i32) {
    let (x, y) = direction(angle);
    let part = |one: i32| (one * length + (1 << (BITS - 1))) >> BITS;
    (part(x), part(y))
}

/// The angle whose direction leads along (`x`, `y`).
pub fn angle_of(x: i32, y: i32) -> u16 {
    // Turned into the first quarter, then halving: the last angle that does not lie beyond.
    let (turned, x, y) = match (x, y) {
        (0, 0) => return 0,
        (x, y) if x > 0 && y >= 0 => (0, x, y),
        (x, y) if x <= 0 && y > 0 => (1, y, -x),
        (x, y) if x < 0 => (2, -x, -y),
        (x, y) => (3, -y, x),
    };
    let beyond = |angle: u16| {
        let (dx, dy) = direction(angle);
        i64::from(dx) * i64::from(y) < i64::from(dy) * i64::from(x)
    };
    let (mut low, mut high) = (0, QUARTER);
    while high - low > 1 {
        let middle = (low + high) / 2;
        if beyond(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    (turned * QUARTER + low) % CIRCLE
}

/// How far it is from one angle to another, the shorter way: -512 to 511.
pub(crate) fn between(from: u16, to: u16) -> i32 {
    let half = i32::from(CIRCLE / 2);
    (i32::from(to) - i32::from(from) + half).rem_euclid(i32::from(CIRCLE)) - half
}

/// An angle, turned.
pub(crate) fn turned(angle: u16, by: i32) -> u16 {
    (i32::from(angle) + by).rem_euclid(i32::from(CIRCLE)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_have_the_length_of_one() {
        for angle in 0..CIRCLE {
            let (x, y) = direction(angle);
            let length = f64::from(x * x + y * y).sqrt() / f64::from(1 << BITS);
            assert!((length - 1.0).abs() < 1e-4, "{angle}: {length}");
        }
        assert_eq!([direction(0), direction(256), direction(512)], [(16384, 0), (0, 16384), (-16384, 0)]);
    }

    #[test]
    fn the_angle_of_a_direction_is_its_own() {
        for angle in 0..CIRCLE {
            let (x, y) = direction(angle);
            assert!(between(angle, angle_of(x, y)).abs() <= 1, "{angle}: {}", angle_of(x, y));
        }
        assert_eq!(angle_of(0, 0), 0);
    }

    #[test]
    fn the_shorter_way() {
        assert_eq!((between(1000, 24), between(24, 1000), between(0, 512)), (48, -48, -512));
        assert_eq!((turned(10, -20), turned(1020, 10)), (1014, 6));
    }
}
