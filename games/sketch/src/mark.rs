//! Points and brushes, and how they are packed.

use bellhop_game::{DecodeError, Reader, Wire, Writer, schema_of, wire};
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_POINTS_AT_ONCE, MAX_RADIUS};

/// The canvas is so wide, in its own units, whatever window shows it.
pub const WIDTH: i16 = 960;
/// And so high.
pub const HEIGHT: i16 = 720;

/// Bits of the widest step between two points that `i16` can hold, folded to be positive.
const MAX_STEP_BITS: u32 = 17;

/// A place, in units of the canvas, from its upper left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i16, i16)", into = "(i16, i16)")]
pub struct Point {
    /// To the right.
    pub x: i16,
    /// Down.
    pub y: i16,
}

impl From<(i16, i16)> for Point {
    fn from((x, y): (i16, i16)) -> Point {
        Point { x, y }
    }
}

impl From<Point> for (i16, i16) {
    fn from(point: Point) -> (i16, i16) {
        (point.x, point.y)
    }
}

impl Point {
    /// Whether it lies on the canvas.
    pub fn is_on_canvas(self) -> bool {
        (0..WIDTH).contains(&self.x) && (0..HEIGHT).contains(&self.y)
    }

    /// Writes a place on the canvas.
    pub(crate) fn write_on_canvas(self, to: &mut Writer) {
        to.below(self.x as u32, WIDTH as u32);
        to.below(self.y as u32, HEIGHT as u32);
    }

    /// Reads a place on the canvas.
    pub(crate) fn read_on_canvas(from: &mut Reader<'_>) -> Result<Point, DecodeError> {
        Ok(Point { x: from.below(WIDTH as u32)? as i16, y: from.below(HEIGHT as u32)? as i16 })
    }
}

/// Any place, on the canvas or not.
impl Wire for Point {
    const SCHEMA: u64 = schema_of("point", &[]);
    fn write(&self, to: &mut Writer) {
        self.x.write(to);
        self.y.write(to);
    }
    fn read(from: &mut Reader<'_>) -> Result<Point, DecodeError> {
        Ok(Point { x: Wire::read(from)?, y: Wire::read(from)? })
    }
}

/// Writes the steps from `before` from point to point, all in as many bits as the longest one takes.
pub(crate) fn write_steps(mut before: Point, points: &[Point], to: &mut Writer) {
    let mut steps = Vec::with_capacity(points.len() * 2);
    for &point in points {
        steps.push(fold(i32::from(point.x) - i32::from(before.x)));
        steps.push(fold(i32::from(point.y) - i32::from(before.y)));
        before = point;
    }
    let bits = 32 - steps.iter().copied().max().unwrap_or(0).leading_zeros();
    to.below(bits, MAX_STEP_BITS + 1);
    steps.iter().for_each(|&step| to.bits(step, bits));
}

/// Reads `count` points that [`write_steps`] wrote.
pub(crate) fn read_steps(mut before: Point, count: usize, from: &mut Reader<'_>) -> Result<Vec<Point>, DecodeError> {
    let bits = from.below(MAX_STEP_BITS + 1)?;
    if count.saturating_mul(bits as usize * 2) > from.left() {
        return Err(DecodeError::Short);
    }
    let mut points = Vec::with_capacity(count);
    for _ in 0..count {
        let mut step = |at: i16| -> Result<i16, DecodeError> {
            i16::try_from(i32::from(at) + unfold(from.bits(bits)?)).map_err(|_| DecodeError::Range)
        };
        before = Point { x: step(before.x)?, y: step(before.y)? };
        points.push(before);
    }
    Ok(points)
}

/// Small numbers of either sign as small numbers.
fn fold(step: i32) -> u32 {
    ((step << 1) ^ (step >> 31)) as u32
}

fn unfold(step: u32) -> i32 {
    ((step >> 1) as i32) ^ -((step & 1) as i32)
}

/// Points of a stroke, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Points(pub Vec<Point>);

impl Wire for Points {
    const SCHEMA: u64 = schema_of("points: first, then steps in bits of the longest", &[]);

    fn write(&self, to: &mut Writer) {
        to.varint(self.0.len() as u64);
        if let Some((&first, rest)) = self.0.split_first() {
            first.write(to);
            if !rest.is_empty() {
                write_steps(first, rest, to);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Points, DecodeError> {
        let count = from.length(MAX_POINTS_AT_ONCE, 0)?;
        let mut points = Vec::new();
        if count > 0 {
            let first = Point::read(from)?;
            points.push(first);
            if count > 1 {
                points.extend(read_steps(first, count - 1, from)?);
            }
        }
        Ok(Points(points))
    }
}

wire! {
    /// What a stroke is drawn with: round, in one colour. Black rubs out, for the canvas is black.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Brush {
        /// Red, green and blue, eight bits each.
        pub colour: u32,
        /// In units of the canvas.
        pub radius: u8,
    }
}

impl Default for Brush {
    fn default() -> Brush {
        Brush { colour: 0x00ff00, radius: 12 }
    }
}

impl Brush {
    /// Whether there is such a brush.
    pub fn is_possible(self) -> bool {
        self.colour <= 0xff_ff_ff && (1..=MAX_RADIUS).contains(&self.radius)
    }
}
