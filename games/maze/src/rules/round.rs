//! A round: its beginning, the hunt step by step, its points.

use bellhop_game::{Context, Seat, ViewClass};

use crate::map::{Cell, HALF, TILE};
use crate::rules::{Maze, Player};
use crate::view::{Fate, HAUNTER_SPEED, MazeEvent, Phase, RATE_HZ, SPEED};

/// 6 s to read how the round went.
const OVER: u32 = 6 * RATE_HZ;
/// Who was caught comes back after 4 s.
const CAUGHT: u32 = 4 * RATE_HZ;
/// A spark is taken, and a gate reached, from so near.
const TOUCH: i64 = (HALF - 20) as i64;
/// The haunter catches from so near.
const GRASP: i64 = (TILE * 2 / 3) as i64;
/// Points for an escape; each spark carried is one.
const ESCAPE_POINTS: u16 = 5;
/// Points for a catch.
const CATCH_POINTS: u16 = 3;

impl Maze {
    /// Begins a round with everybody who has not left. Of those who haunted least, one haunts.
    pub(crate) fn begin_round(&mut self, countdown: u32) {
        self.round += 1;
        self.phase = Phase::Countdown;
        self.until = self.tick + countdown;
        let least = self.present().map(|player| player.haunted).min();
        let next: Vec<u16> =
            self.present().filter(|player| Some(player.haunted) == least).map(|player| player.seat).collect();
        self.haunter = self.rng.pick(&next).copied().unwrap_or_default();
        for player in &mut self.players {
            player.fate = if player.left { Fate::Waiting } else { Fate::Free };
            player.carried = 0;
            player.catches = 0;
            player.steered = None;
            player.haunted += u8::from(player.seat == self.haunter);
        }
        self.place_players();
        self.lay_sparks();
    }

    pub(crate) fn begin_hunt(&mut self) {
        if self.tick >= self.until {
            self.phase = Phase::Hunt;
            self.until = self.tick + self.hunt_steps();
        }
    }

    /// One step of the hunt. All move at once; then sparks are taken, gates reached and players caught, in this order.
    pub(crate) fn hunt(&mut self, cx: &mut Context<MazeEvent>) {
        self.bring_back();
        for player in self.players.iter_mut().filter(|player| player.fate == Fate::Free) {
            let speed = if player.seat == self.haunter { HAUNTER_SPEED } else { SPEED };
            player.body.step(&self.map, speed);
        }
        for at in 0..self.players.len() {
            if self.players[at].fate == Fate::Free && self.players[at].seat != self.haunter {
                self.collect(at, cx);
                self.leave_by_gate(at, cx);
            }
        }
        self.catch(cx);
        let collects =
            |player: &&Player| player.seat != self.haunter && matches!(player.fate, Fate::Free | Fate::Caught { .. });
        let nobody = !self.players.iter().any(|player| collects(&player));
        let unhaunted = self.player(self.haunter).is_none_or(|haunter| haunter.left);
        if nobody || unhaunted || self.tick >= self.until {
            self.end_round();
        }
    }

    /// Those whose time has come return, where the haunter does not see them.
    fn bring_back(&mut self) {
        let haunter = self.player(self.haunter).map_or(Cell { x: 1, y: 1 }, |haunter| haunter.body.cell());
        for at in 0..self.players.len() {
            if let Fate::Caught { until } = self.players[at].fate
                && self.tick >= until
            {
                let floor: Vec<Cell> = self.map.floor().collect();
                let cell = self.hidden_from(haunter, &floor, &[]);
                let player = &mut self.players[at];
                player.fate = Fate::Free;
                (player.body.x, player.body.y) = cell.middle();
                player.body.going = false;
            }
        }
    }

    fn collect(&mut self, at: usize, cx: &mut Context<MazeEvent>) {
        let body = self.players[at].body;
        let taken = self.sparks.iter().position(|spark| body.distance_squared(spark.middle()) <= TOUCH * TOUCH);
        if let Some(spark) = taken {
            self.sparks.remove(spark);
            self.players[at].carried = self.players[at].carried.saturating_add(1);
            self.tell_witnesses(at, MazeEvent::Taken { seat: self.players[at].seat }, cx);
        }
    }

    fn leave_by_gate(&mut self, at: usize, cx: &mut Context<MazeEvent>) {
        let Player { body, carried, seat, .. } = self.players[at];
        let reached = self.map.gates().iter().any(|gate| body.distance_squared(gate.middle()) <= TOUCH * TOUCH);
        if reached && carried >= self.config.need {
            self.tell_witnesses(at, MazeEvent::Escaped { seat }, cx);
            self.players[at].fate = Fate::Escaped;
        }
    }

    fn catch(&mut self, cx: &mut Context<MazeEvent>) {
        let Some(haunter) = self.players.iter().position(|player| player.seat == self.haunter) else { return };
        if self.players[haunter].fate != Fate::Free {
            return;
        }
        let grasp = self.players[haunter].body;
        for at in 0..self.players.len() {
            let Player { fate, body, seat, carried, .. } = self.players[at];
            let near = body.distance_squared((grasp.x, grasp.y)) <= GRASP * GRASP;
            if at == haunter
                || fate != Fate::Free
                || !near
                || !self.is_seen_by(&self.players[haunter], &self.players[at])
            {
                continue;
            }
            self.tell_witnesses(at, MazeEvent::Caught { seat }, cx);
            let lost = carried.div_ceil(2);
            self.drop_sparks(body.cell(), lost);
            let player = &mut self.players[at];
            player.carried -= lost;
            player.fate = Fate::Caught { until: self.tick + CAUGHT };
            self.players[haunter].catches = self.players[haunter].catches.saturating_add(1);
        }
    }

    /// Tells the one it happens to, and those who have him in sight. Spectators see everything.
    fn tell_witnesses(&self, at: usize, event: MazeEvent, cx: &mut Context<MazeEvent>) {
        let whom = &self.players[at];
        for witness in self.players.iter().filter(|player| player.fate == Fate::Free) {
            if witness.seat == whom.seat || self.is_seen_by(witness, whom) {
                cx.emit_to(ViewClass::Seat(Seat(witness.seat)), event);
            }
        }
        cx.emit_to(ViewClass::Spectator, event);
    }

    fn end_round(&mut self) {
        self.phase = Phase::Over;
        self.until = self.tick + OVER;
        for player in &mut self.players {
            player.escaped = player.fate == Fate::Escaped;
            player.gain = if player.fate == Fate::Waiting {
                0
            } else if player.seat == self.haunter {
                u16::from(player.catches) * CATCH_POINTS
            } else {
                u16::from(player.carried) + if player.escaped { ESCAPE_POINTS } else { 0 }
            };
            player.points = player.points.saturating_add(player.gain);
            player.body.going = false;
            player.body.wanted = None;
        }
    }
}
