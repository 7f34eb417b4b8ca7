//! `room/tanks/correction`: how far the own tank is from where its player saw it, when the room's answer comes.
//!
//! The real room core, the real clients and bots over a simulated connection, in virtual time: the same seed gives the
//! same figures. Each client is looked at sixty times a second, as a page does. At every state that comes, what the
//! client predicted for the newest step it showed is compared with what it now makes of it: that is the correction.
//! Where tanks touch, one cannot know what the other does, and those corrections are counted apart. What the player sees
//! of a correction is spread over the frames that follow: `/max` is the most that one frame shows.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bellhop_game::{Game as _, Rng, Seat};
use bellhop_tanks::{Arena, Tanks, UNIT};
use room_client::Client;
use room_core::{Claim, ConnId, MatchSpec, Output, Room, SeatSpec, Status, Time};

use crate::bench::{Bench, Report};
use crate::link::{Link, Way};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/tanks/correction",
    about: "px, p99 of the own tank's correction outside collisions at 150 ms and 1 % loss; <= 2, never above 8",
    run,
};

/// What the bar is held at.
const WAY: Way = Way { round_trip_ms: 150.0, loses_one_in: 100 };
const SEATS: u16 = 6;
const MATCHES: u64 = 4;
const SECONDS: u32 = 60;
/// A page draws so often.
const FRAME_MICROS: u64 = 16_667;
/// The clocks find their pace in this time.
const WARM_UP_MICROS: u64 = 5_000_000;
/// Tanks nearer than this may touch before the player can know.
const NEAR: f64 = 120.0;
/// States after tanks were near, for which a correction counts as one of a collision: half a second.
const AFTER_NEAR: u32 = 10;

/// What was measured, in points of the page.
#[derive(Debug, Default)]
pub struct Measured {
    /// Corrections with nobody near.
    pub alone: Vec<f64>,
    /// Corrections where tanks touch or nearly do.
    pub near: Vec<f64>,
    /// What single frames showed of corrections, with nobody near.
    pub faded: Vec<f64>,
    /// By how much a frame moved the shown tank farther than it can drive.
    pub stutter: Vec<f64>,
    /// Shots that hit, and shots.
    pub destroyed: u32,
}

/// The value below which so many of a hundred lie; 0 of none.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * percent / 100.0).ceil() as usize).copied().unwrap_or_default()
}

fn run(report: &mut Report<'_>) -> Result<()> {
    let mut all = Measured::default();
    for seed in 0..MATCHES {
        let measured = measure(WAY, SEATS, SECONDS, seed)?;
        all.alone.extend(measured.alone);
        all.near.extend(measured.near);
        all.stutter.extend(measured.stutter);
        all.faded.extend(measured.faded);
        all.destroyed += measured.destroyed;
    }
    report.headline(percentile(&mut all.alone, 99.0), "px");
    report.further("max", percentile(&mut all.faded, 100.0), "px");
    report.further("whole-max", percentile(&mut all.alone, 100.0), "px");
    report.further("states", all.alone.len() as f64, "");
    report.further("collisions-p99", percentile(&mut all.near, 99.0), "px");
    report.further("stutter-p99", percentile(&mut all.stutter, 99.0), "px");
    report.further("stutter-max", percentile(&mut all.stutter, 100.0), "px");
    report.further("destroyed", f64::from(all.destroyed), "");
    Ok(())
}

struct Player {
    client: Client<Tanks>,
    rng: Rng,
    up: Link,
    down: Link,
    frames: u64,
    since_near: u32,
    shown: Option<(f64, f64)>,
}

/// One match of bots over such a connection.
///
/// # Errors
/// If the room or a client does what they should not.
pub fn measure(way: Way, seats: u16, seconds: u32, seed: u64) -> Result<Measured> {
    let mut room = Room::new(&[room_core::game::<Tanks>()], seed);
    let seat =
        |seat: u16| SeatSpec { seat, player: format!("p-{seat}"), name: String::new(), tag: String::new(), team: 0 };
    room.host(
        Time(0),
        MatchSpec {
            match_id: "m".to_owned(),
            epoch: 1,
            game: Tanks::NAME.to_owned(),
            config_json: String::new(),
            seed,
            seats: (0..seats).map(seat).collect(),
            max_seats: seats,
            journal: Vec::new(),
            audience: room_core::Audience::default(),
            chat: false,
        },
    )?;
    let mut players = Vec::new();
    for seat in 0..seats {
        let seed = seed << 16 | u64::from(seat) << 1;
        let nonce = u64::from(seat);
        let claim =
            Claim { epoch: 1, match_id: "m".to_owned(), player: format!("p-{seat}"), seat, nonce, resume: false };
        room.admit(Time(0), ConnId(nonce), &claim, &mut |_| String::new())?;
        let mut player = Player {
            client: Client::new(),
            rng: Rng::new(seed),
            up: Link::new(way, seed),
            down: Link::new(way, seed | 1),
            frames: 0,
            since_near: 0,
            shown: None,
        };
        let hello = player.client.hello();
        player.up.send(0.0, hello);
        players.push(player);
    }
    let mut measured = Measured::default();
    // A millisecond at a time; a page's frames lie anywhere between.
    for micros in (0..u64::from(seconds) * 1_000_000).step_by(1_000) {
        let now_ms = micros as f64 / 1_000.0;
        // As the match thread does it: while the match runs, sockets are read when steps are due.
        let due = room.deadline().is_some_and(|due| due <= Time(micros));
        if due || !matches!(room.status(), Status::Playing { running: true, .. }) {
            for (at, player) in players.iter_mut().enumerate() {
                while let Some((came, message)) = player.up.take(now_ms) {
                    let held = Duration::from_secs_f64((now_ms - came).max(0.0) / 1_000.0);
                    room.receive_held(Time(micros), ConnId(at as u64), &message, held);
                }
            }
            room.advance(Time(micros));
        }
        while let Some(output) = room.poll() {
            match output {
                Output::Send { conn, frame } => {
                    let player = players.get_mut(usize::try_from(conn.0)?).context("a player of this match")?;
                    player.down.send(now_ms, frame.to_vec());
                }
                Output::Close { reason, .. } => anyhow::bail!("the room closed a socket: {reason}"),
                Output::SeatsChanged | Output::Ask { .. } | Output::Result(_) | Output::Journal(_) => {}
            }
        }
        let counts = micros > WARM_UP_MICROS;
        for (at, player) in players.iter_mut().enumerate() {
            hear(player, at as u16, now_ms, counts, &mut measured)?;
            let frame = (micros + 2_777 * at as u64) % FRAME_MICROS < 1_000;
            if frame {
                look(player, at as u16, now_ms, counts, &mut measured);
            }
            for message in player.client.outgoing(now_ms) {
                player.up.send(now_ms, message);
            }
        }
    }
    let view = players.first().and_then(|player| player.client.view()).context("a state came")?;
    measured.destroyed = view.tanks.iter().map(|tank| u32::from(tank.score)).sum();
    Ok(measured)
}

fn hear(player: &mut Player, seat: u16, now_ms: f64, counts: bool, measured: &mut Measured) -> Result<()> {
    while let Some((_, message)) = player.down.take(now_ms) {
        player.client.receive(&message, now_ms)?;
        let stats = player.client.stats(now_ms);
        if stats.frames == std::mem::replace(&mut player.frames, stats.frames) {
            continue;
        }
        let Some(view) = player.client.view() else { continue };
        player.since_near = if is_near(view, seat) { 0 } else { player.since_near + 1 };
        if counts {
            let near = player.since_near < AFTER_NEAR;
            if near { &mut measured.near } else { &mut measured.alone }.push(stats.corrected);
        }
        if let Some(input) = Tanks::bot(view, Seat(seat), &mut player.rng).input {
            player.client.set_input(input);
        }
    }
    Ok(())
}

/// What a page does sixty times a second.
fn look(player: &mut Player, seat: u16, now_ms: f64, counts: bool, measured: &mut Measured) {
    let Some(shown) = player.client.view_at(now_ms) else { return };
    let own = shown.tank(seat).filter(|tank| tank.is_there());
    let place = own.map(|tank| (f64::from(tank.body.x) / f64::from(UNIT), f64::from(tank.body.y) / f64::from(UNIT)));
    if counts && player.since_near >= AFTER_NEAR {
        measured.faded.push(player.client.stats(now_ms).faded);
    }
    if let (Some((x, y)), Some((before_x, before_y)), true) = (place, player.shown, counts) {
        let went = (x - before_x).hypot(y - before_y);
        // Two and a quarter points a step, and the clock may haste a little. A tank that comes back jumps.
        if went < NEAR && player.since_near >= AFTER_NEAR {
            measured.stutter.push((went - 2.25 * 1.12 * 1.02).max(0.0));
        }
    }
    player.shown = place;
}

pub(crate) fn is_near(view: &Arena, seat: u16) -> bool {
    let Some(own) = view.tank(seat) else { return true };
    let far = |x: i32, y: i32| f64::from(own.body.x - x).hypot(f64::from(own.body.y - y)) / f64::from(UNIT);
    view.tanks.iter().any(|tank| tank.seat != seat && tank.is_there() && far(tank.body.x, tank.body.y) < NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lossy_way_does_not_show() {
        let mut measured = measure(WAY, 4, 40, 9).unwrap();
        let (p99, max) = (percentile(&mut measured.alone, 99.0), percentile(&mut measured.faded, 100.0));
        let stutter = percentile(&mut measured.stutter, 99.9);
        assert!(p99 <= 2.0 && max <= 8.0, "p99 {p99}, max {max}");
        assert!(stutter <= 2.0, "{stutter}");
        assert!(measured.alone.len() > 400, "{}", measured.alone.len());
    }
}
