//! What one player sees.

use bellhop_game::wire;
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Serialize};

use crate::body::{Body, Way};
use crate::light;
use crate::map::{Cell, Map, TILE};

/// Steps a second.
pub(crate) const RATE_HZ: u32 = 60;
/// Units a step: 4 cells a second.
pub(crate) const SPEED: i32 = 16;
/// The one who haunts is a little faster ...
pub(crate) const HAUNTER_SPEED: i32 = 17;
/// ... and sees less far.
pub(crate) const HAUNTER_REACH: i32 = 7 * TILE;
/// How far the others see.
pub(crate) const REACH: i32 = 8 * TILE;

wire! {
    /// What goes on.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum Phase {
        /// Everybody looks around and nobody moves.
        Countdown,
        /// The hunt.
        Hunt,
        /// The round is over; its points are told.
        Over,
    }

    /// How a player is in this round.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum Fate {
        /// Comes in with the next round.
        Waiting,
        /// Walks about.
        Free,
        /// Was caught and comes back.
        Caught {
            /// At this step.
            until: u32,
        },
        /// Is out through a gate.
        Escaped,
    }

    /// What a player knows of himself alone.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Own {
        /// His seat.
        pub seat: u16,
        /// How he is.
        pub fate: Fate,
        /// Sparks he carries.
        pub carried: u8,
        /// Players he caught in this round.
        pub catches: u8,
    }

    /// What all know of a player: as the last finished round left it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Score {
        /// The player's seat.
        pub seat: u16,
        /// Points of the match.
        pub points: u16,
        /// Points of the last finished round.
        pub gain: u16,
        /// Whether he escaped in it.
        pub escaped: bool,
        /// Whether he left for good.
        pub left: bool,
    }

    /// A player in sight.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Seen {
        /// The player's seat.
        pub seat: u16,
        /// The body.
        pub body: Body,
    }

    /// What happened before a player's eyes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", tag = "kind")]
    pub enum MazeEvent {
        /// Somebody was caught.
        Caught {
            /// Who.
            seat: u16,
        },
        /// Somebody went out through a gate.
        Escaped {
            /// Who.
            seat: u16,
        },
        /// A spark was taken.
        Taken {
            /// By whom.
            seat: u16,
        },
    }
}

/// The match as one player sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// The maze.
    pub map: Map,
    /// Steps since the match began.
    pub tick: u32,
    /// The round, from 1.
    pub round: u8,
    /// Rounds of the match, as it stands.
    pub rounds: u8,
    /// What goes on.
    pub phase: Phase,
    /// The step that ends the phase.
    pub until: u32,
    /// Who haunts.
    pub haunter: u16,
    /// Sparks that open a gate.
    pub need: u8,
    /// How long a hunt lasts, in seconds.
    pub seconds: u16,
    /// The viewer, if he plays.
    pub own: Option<Own>,
    /// All players, by seat.
    pub scores: Vec<Score>,
    /// The viewer's body and those in his sight, by seat.
    pub bodies: Vec<Seen>,
    /// Sparks in his sight, in order.
    pub sparks: Vec<Cell>,
}

impl Sight {
    /// The body of this seat, if it is in sight.
    pub fn body(&self, seat: u16) -> Option<&Body> {
        self.bodies.iter().find(|seen| seen.seat == seat).map(|seen| &seen.body)
    }

    /// Units that this seat goes in a step.
    pub(crate) fn speed(&self, seat: u16) -> i32 {
        if seat == self.haunter { HAUNTER_SPEED } else { SPEED }
    }

    /// How far this seat sees.
    pub(crate) fn reach(&self, seat: u16) -> i32 {
        if seat == self.haunter { HAUNTER_REACH } else { REACH }
    }

    /// What goes on by itself in one step: the clock, and bodies as they went.
    pub(crate) fn glide(&mut self) {
        self.tick = self.tick.wrapping_add(1);
        if self.phase == Phase::Hunt {
            for at in 0..self.bodies.len() {
                let speed = self.speed(self.bodies[at].seat);
                self.bodies[at].body.step(&self.map, speed);
            }
        }
        if self.phase == Phase::Countdown && self.tick >= self.until {
            self.phase = Phase::Hunt;
            self.until = self.tick.saturating_add(u32::from(self.seconds) * RATE_HZ);
        }
    }

    /// The outline of the viewer's light, flat: x and y in units, by angle. Empty when he is not in the maze.
    fn light(&self) -> Vec<i32> {
        let Some(own) = self.own else { return Vec::new() };
        let Some(body) = self.body(own.seat) else { return Vec::new() };
        light::outline(&self.map, (body.x, body.y), self.reach(own.seat))
            .into_iter()
            .flat_map(|(x, y)| [x, y])
            .collect()
    }
}

/// A body as the page sees it.
#[derive(Serialize)]
struct PageBody {
    seat: u16,
    x: i32,
    y: i32,
    facing: Way,
    going: bool,
}

/// The maze as the page sees it.
#[derive(Serialize)]
struct PageMap<'a> {
    id: u32,
    width: u8,
    height: u8,
    walls: String,
    gates: &'a [Cell],
}

/// As the page sees it: with walls, light, and what ends the phase as the steps that are left.
impl Serialize for Sight {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let map = PageMap {
            id: self.map.seed(),
            width: self.map.width(),
            height: self.map.height(),
            walls: self.map.picture(),
            gates: self.map.gates(),
        };
        let bodies: Vec<PageBody> = (self.bodies.iter())
            .map(|Seen { seat, body }| PageBody {
                seat: *seat,
                x: body.x,
                y: body.y,
                facing: body.facing,
                going: body.going,
            })
            .collect();
        let mut sight = serializer.serialize_struct("Sight", 15)?;
        sight.serialize_field("map", &map)?;
        sight.serialize_field("tile", &TILE)?;
        sight.serialize_field("tick", &self.tick)?;
        sight.serialize_field("round", &self.round)?;
        sight.serialize_field("rounds", &self.rounds)?;
        sight.serialize_field("phase", &self.phase)?;
        sight.serialize_field("left", &self.until.saturating_sub(self.tick))?;
        sight.serialize_field("haunter", &self.haunter)?;
        sight.serialize_field("need", &self.need)?;
        sight.serialize_field("own", &self.own)?;
        sight.serialize_field("scores", &self.scores)?;
        sight.serialize_field("bodies", &bodies)?;
        sight.serialize_field("sparks", &self.sparks)?;
        sight.serialize_field("reach", &self.own.map(|own| self.reach(own.seat)))?;
        sight.serialize_field("light", &self.light())?;
        sight.end()
    }
}
