//! Where secrets stop: what of the match each viewer is shown.

use bellhop_game::ViewClass;

use crate::light;
use crate::map::Cell;
use crate::rules::{Maze, Player};
use crate::view::{Fate, Own, Score, Seen, Sight};

impl Maze {
    /// What this class of viewers sees: a seat what its line of sight reaches, a spectator everything (the room may
    /// delay him), everybody at once nobody.
    pub(crate) fn sight(&self, class: ViewClass) -> Sight {
        let mut sight = Sight {
            map: self.map.clone(),
            tick: self.tick,
            round: self.round,
            rounds: self.rounds,
            phase: self.phase,
            until: self.until,
            haunter: self.haunter,
            need: self.config.need,
            seconds: self.config.seconds,
            own: None,
            scores: self.players.iter().map(score).collect(),
            bodies: Vec::new(),
            sparks: Vec::new(),
        };
        match class {
            ViewClass::Shared | ViewClass::Team(_) => {}
            ViewClass::Spectator => {
                let walking = self.players.iter().filter(|player| player.fate == Fate::Free);
                sight.bodies =
                    walking.map(|player| Seen { seat: player.seat, body: player.body.from_outside() }).collect();
                sight.sparks = self.sparks.clone();
            }
            ViewClass::Seat(seat) => {
                if let Some(viewer) = self.player(seat.0) {
                    self.look(viewer, &mut sight);
                }
            }
        }
        sight
    }

    fn look(&self, viewer: &Player, sight: &mut Sight) {
        let &Player { seat, fate, carried, catches, .. } = viewer;
        sight.own = Some(Own { seat, fate, carried, catches });
        if fate != Fate::Free {
            return;
        }
        let walking = self.players.iter().filter(|player| player.fate == Fate::Free);
        for player in walking {
            if player.seat == seat {
                sight.bodies.push(Seen { seat, body: player.body });
            } else if self.is_seen_by(viewer, player) {
                sight.bodies.push(Seen { seat: player.seat, body: player.body.from_outside() });
            }
        }
        let reach = sight.reach(seat);
        let eye = (viewer.body.x, viewer.body.y);
        let in_sight = |spark: &&Cell| {
            let at = spark.middle();
            viewer.body.distance_squared(at) <= i64::from(reach) * i64::from(reach) && light::sees(&self.map, eye, at)
        };
        sight.sparks = self.sparks.iter().filter(in_sight).copied().collect();
    }

    /// Whether one player has another in sight. Both walk about.
    pub(crate) fn is_seen_by(&self, viewer: &Player, other: &Player) -> bool {
        let eye = (viewer.body.x, viewer.body.y);
        light::sees_body(&self.map, eye, self.reach(viewer.seat), &other.body)
    }
}

fn score(player: &Player) -> Score {
    let &Player { seat, points, gain, escaped, left, .. } = player;
    Score { seat, points, gain, escaped, left }
}
