//! The matchmaker, through the core's own `handle` and `poll`: no network, no journal, virtual time.
//!
//! Every figure counts what the core does for a ticket from `handle` on: the ticket, its events (taken and committed at
//! once), the match, its placement in a ready room, the room's order, and every effect taken out and dropped. Rooms are
//! synthetic: attached beforehand, they accept, end their match and are ready again between the timed parts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bellhop_cost::rig::Rig;
use lobby_core::{Batch, Event, QueueSettings, Shape, TicketId, Time, Window};

use crate::bench::{Bench, Report};

/// 1,000 tickets that accept anybody near, beside 100 that never match.
pub const ACCEPT_ALL: Bench = Bench {
    name: "matchmaker/accept-all/1000+100",
    about: "1,000 tickets that accept each other, beside 100 too far from all: until all are matched (< 1 ms)",
    run: accept_all,
};
/// One against one beside many.
pub const DUEL: Bench = Bench {
    name: "matchmaker/1v1/standing-100k",
    about: "per ticket, enqueue to match, beside 100,000 standing ones, in turns of 64 (<= 1 us); /alone: one a turn",
    run: duel,
};
/// Five against five beside many.
pub const TEAMS: Bench = Bench {
    name: "matchmaker/5v5/standing-100k",
    about: "per ticket, enqueue to match, nine beside one of 100,000 standing ones (<= 10 us); /alone: one match a turn",
    run: teams,
};
/// A million who wait.
pub const MEMORY: Bench = Bench {
    name: "matchmaker/memory/1M",
    about: "resident bytes per waiting ticket, a million of them (<= 500)",
    run: memory,
};
/// How well players are matched, many of them.
pub const CHESS_50: Bench = Bench {
    name: "matchmaker/quality/chess1-50",
    about: "mean rating gap at 50 arrivals/s, N(1200, 515.8) in [0, 2400] (<= 5 at a mean wait <= 1.5 s)",
    run: |report| chess(report, 50.0),
};
/// How well players are matched, fewer of them.
pub const CHESS_10: Bench = Bench {
    name: "matchmaker/quality/chess1-10",
    about: "the same at 10 arrivals/s",
    run: |report| chess(report, 10.0),
};
/// How well players are matched, few of them.
pub const CHESS_1: Bench =
    Bench { name: "matchmaker/quality/chess1-1", about: "the same at 1 arrival/s", run: |report| chess(report, 1.0) };

/// Standing tickets of the throughput figures.
const STANDING: u64 = 100_000;
/// Rating points between neighbours that stand, and what they accept: less.
const SPACING: f32 = 0.5;
const ACCEPTED: f32 = 0.25;
/// Where the standing ones begin, so that 100,000 of them fit the index's range.
const LOWEST: f32 = -8_000.0;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In (0, 1].
    fn share(&mut self) -> f64 {
        ((self.word() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.share().ln()).sqrt() * (std::f64::consts::TAU * self.share()).cos()
    }
}

fn queue(shape: Shape, window: Window) -> QueueSettings {
    QueueSettings { window, rated: false, ..QueueSettings::new("bench", "bench", shape) }
}

fn accept_all(report: &mut Report<'_>) -> Result<()> {
    const ROUNDS: u32 = 50;
    let mut best = Vec::new();
    for _ in 0..ROUNDS {
        let mut rig = Rig::new(queue(Shape::Free { min: 2, max: 2 }, Window::fixed(400.0)), 500)?;
        for far in 0..100 {
            let input = rig.ticket("bench", 4_000.0 + 500.0 * far as f32);
            rig.lobby.handle(rig.now, input);
        }
        rig.turn();
        let inputs: Vec<_> = (0..1_000).map(|_| rig.ticket("bench", 1_500.0)).collect();
        let begin = Instant::now();
        for input in inputs {
            rig.lobby.handle(rig.now, input);
        }
        let turn = rig.turn();
        best.push(begin.elapsed());
        ensure!(turn.matched == 1_000, "{} of 1,000 were matched", turn.matched);
    }
    best.sort_unstable();
    report.headline(best[best.len() / 2].as_secs_f64() * 1e3, "ms");
    Ok(())
}

/// Per ticket, with `beside` newcomers per standing one, `turn` such groups in each turn of the core.
fn standing(shape: Shape, beside: u64, turn: usize, rounds: usize) -> Result<f64> {
    /// Turns that one mean is taken over.
    const TOGETHER: usize = 20;
    let mut rig = Rig::new(queue(shape, Window::fixed(ACCEPTED)), 2 * turn as u64)?;
    let rating = |index: u64| LOWEST + SPACING * index as f32;
    for index in 0..STANDING {
        let input = rig.ticket("bench", rating(index));
        rig.lobby.handle(rig.now, input);
        rig.turn();
    }
    let mut dice = Dice(7);
    // The median of means over a few turns each: what else the machine does meanwhile falls into few of them.
    let mut means = Vec::new();
    let mut spent = Duration::ZERO;
    for round in 1..=rounds {
        rig.now = rig.now + Duration::from_micros(turn as u64);
        let mut chosen = BTreeSet::new();
        while chosen.len() < turn {
            chosen.insert(dice.word() % STANDING);
        }
        // In the order of a shuffled pack, not of their ratings.
        let mut order: Vec<_> = chosen.iter().map(|&index| (dice.word(), index)).collect();
        order.sort_unstable();
        let mut near = Vec::with_capacity(turn * beside as usize);
        for &(_, index) in &order {
            near.extend((0..beside).map(|n| rig.ticket("bench", rating(index) + 0.01 * (n + 1) as f32)));
        }
        let begin = Instant::now();
        for input in near {
            rig.lobby.handle(rig.now, input);
        }
        let matched = rig.turn().matched as usize;
        spent += begin.elapsed();
        ensure!(matched == turn * (beside as usize + 1), "{matched} were matched of {turn} x {}", beside + 1);
        rig.play();
        for (_, index) in order {
            let refill = rig.ticket("bench", rating(index));
            rig.lobby.handle(rig.now, refill);
            rig.turn();
        }
        if round % TOGETHER == 0 {
            let tickets = TOGETHER * turn * beside as usize;
            means.push(std::mem::take(&mut spent).as_secs_f64() * 1e6 / tickets as f64);
        }
    }
    means.sort_unstable_by(f64::total_cmp);
    Ok(means[means.len() / 2])
}

/// Tickets in a turn of a busy lobby: what comes while the journal writes the turn before.
const A_TURN: usize = 64;

fn duel(report: &mut Report<'_>) -> Result<()> {
    let shape = Shape::Free { min: 2, max: 2 };
    report.headline(standing(shape, 1, A_TURN, 4_000)?, "us");
    report.further("alone", standing(shape, 1, 1, 200_000)?, "us");
    Ok(())
}

fn teams(report: &mut Report<'_>) -> Result<()> {
    let shape = Shape::Teams { teams: 2, size: 5 };
    report.headline(standing(shape, 9, A_TURN / 8, 2_000)?, "us");
    report.further("alone", standing(shape, 9, 1, 20_000)?, "us");
    Ok(())
}

/// What this process holds in memory.
fn resident() -> Result<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").context("reading /proc/self/statm")?;
    let resident = pages.split_whitespace().nth(1).context("no resident pages in /proc/self/statm")?;
    Ok(resident.parse::<u64>()? * 4_096)
}

/// Alone in its process, or memory that others gave back would count as none: so it stands first in the list.
fn memory(report: &mut Report<'_>) -> Result<()> {
    const TICKETS: u64 = 1_000_000;
    let mut rig = Rig::new(queue(Shape::Free { min: 2, max: 2 }, Window::fixed(0.0)), 1)?;
    let before = resident()?;
    for index in 0..TICKETS {
        let input = rig.ticket("bench", LOWEST + 0.05 * index as f32);
        rig.now = rig.now + Duration::from_micros(1);
        rig.lobby.handle(rig.now, input);
        let turn = rig.turn();
        ensure!(turn.matched == 0, "nobody was to be matched");
    }
    let bytes = resident()?.saturating_sub(before);
    ensure!(rig.lobby.state().live_tickets() as u64 == TICKETS, "all of them wait");
    report.headline(bytes as f64 / TICKETS as f64, "bytes");
    Ok(())
}

/// CHESS-1 of the simulation literature: Poisson arrivals, ratings N(1200, 515.8) cut to [0, 2400]. The queue has no width set:
/// it finds its own from the density of arrivals and the wait it aims for.
fn chess(report: &mut Report<'_>, rate: f64) -> Result<()> {
    let arrivals = (rate * 4_000.0).clamp(20_000.0, 200_000.0) as u64;
    let mut rig = Rig::new(queue(Shape::Free { min: 2, max: 2 }, Window::default()), 256)?;
    let mut dice = Dice(11);
    let mut waiting: BTreeMap<TicketId, (f32, Time)> = BTreeMap::new();
    let (mut pairs, mut gaps, mut waits) = (0u64, 0.0, 0.0);
    let start = rig.now;
    let mut arrives = 0.0;
    for arrival in 0..arrivals {
        arrives -= dice.share().ln() / rate;
        let at = start + Duration::from_secs_f64(arrives);
        let rating = loop {
            let rating = 1_200.0 + 515.8 * dice.normal();
            if (0.0..=2_400.0).contains(&rating) {
                break rating as f32;
            }
        };
        // What time brings first, then who comes.
        loop {
            let due = rig.lobby.deadline();
            let comes = due > at;
            if comes {
                rig.now = at;
                let input = rig.ticket("bench", rating);
                rig.lobby.handle(at, input);
            } else {
                rig.now = rig.now.max(due);
                rig.lobby.advance(rig.now);
            }
            if let Some(batch) = rig.lobby.take_events() {
                rig.lobby.committed(Batch::last(&batch));
                for event in batch.events {
                    if let Event::TicketCreated { ticket, at, party, .. } = &event {
                        waiting.insert(*ticket, (party[0].rating.value, *at));
                    } else if let Event::MatchFormed { seating, at, .. } = &event {
                        let met: Vec<_> = seating.iter().filter_map(|seat| waiting.remove(&seat.ticket)).collect();
                        ensure!(met.len() == 2, "two meet");
                        // The beginning, when nothing is known yet, does not count.
                        if arrival > arrivals / 10 {
                            pairs += 1;
                            gaps += f64::from((met[0].0 - met[1].0).abs());
                            waits += met.iter().map(|(_, since)| at.seconds_since(*since)).sum::<f64>();
                        }
                    }
                }
            }
            rig.turn();
            rig.play();
            if comes {
                break;
            }
        }
    }
    report.headline(gaps / pairs as f64, "points");
    report.further("wait", waits / (2 * pairs) as f64, "s");
    Ok(())
}
