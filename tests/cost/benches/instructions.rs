//! Instructions that the hot paths take, counted by Callgrind: the same on a busy machine as on a quiet one. Each has a
//! limit, a tenth above what was counted when it was set; who needs more says so here.

#![expect(missing_docs, reason = "the macros write items without")]

use std::hint::black_box;

use bellhop_cost::full_match::{FullMatch, RecordedMoves};
use bellhop_cost::rig::Rig;
use bellhop_game::Game;
use bellhop_maze::Maze;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use lobby_core::{Input, QueueSettings, Shape, Window};

/// By then everybody has come into his stride.
const BEFORE: u32 = 300;
/// Counted together.
const STEPS: u32 = 60;

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    LibraryBenchmarkConfig::default().tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)])).clone()
}

fn under_way<G: Game>(seed: u64) -> FullMatch<G> {
    let mut of = FullMatch::new(seed);
    for _ in 0..BEFORE {
        if of.sends() {
            of.decide();
            of.encode();
        }
        assert!(of.step().is_none(), "the match goes on");
    }
    of.decide();
    of
}

fn unsent<G: Game>(seed: u64) -> FullMatch<G> {
    let mut of = under_way(seed);
    while !of.sends() {
        assert!(of.step().is_none(), "the match goes on");
    }
    of
}

#[library_benchmark]
#[bench::maze(args = [1], setup = under_way::<Maze>, config = at_most(500_000))]
#[bench::snake(args = [1], setup = under_way::<Snake>, config = at_most(2_620_000))]
#[bench::tanks(args = [1], setup = under_way::<Tanks>, config = at_most(1_260_000))]
fn step<G: Game>(mut of: FullMatch<G>) -> FullMatch<G> {
    for _ in 0..STEPS {
        black_box(of.step());
    }
    of
}

#[library_benchmark]
#[bench::maze(args = [1], setup = unsent::<Maze>, config = at_most(7_060))]
#[bench::snake(args = [1], setup = unsent::<Snake>, config = at_most(12_320))]
#[bench::tanks(args = [1], setup = unsent::<Tanks>, config = at_most(51_300))]
fn encode<G: Game>(mut of: FullMatch<G>) -> FullMatch<G> {
    black_box(of.encode());
    of
}

fn moves<G: Game>(count: usize) -> RecordedMoves<G> {
    RecordedMoves::new(1, count)
}

#[library_benchmark]
#[bench::sketch(args = [100], setup = moves::<Sketch>, config = at_most(790_000))]
#[bench::tictactoe(args = [5], setup = moves::<TicTacToe>, config = at_most(6_780))]
fn command<G: Game>(mut of: RecordedMoves<G>) -> RecordedMoves<G> {
    assert!(of.make() > 0);
    of
}

/// A lobby beside whose standing tickets these come.
fn coming(standing: u16, come: u16) -> (Rig, Vec<Input>) {
    let shape = Shape::Free { min: 2, max: 2 };
    let queue =
        QueueSettings { window: Window::fixed(0.25), rated: false, ..QueueSettings::new("bench", "bench", shape) };
    let mut rig = Rig::new(queue, u64::from(come)).expect("the queue's settings hold");
    for place in 0..standing {
        let ticket = rig.ticket("bench", 0.5 * f32::from(place));
        rig.lobby.handle(rig.now, ticket);
        assert_eq!(rig.turn().matched, 0);
    }
    let every = f32::from(standing / come);
    let inputs = (0..come).map(|place| rig.ticket("bench", 0.5 * every * f32::from(place) + 0.01)).collect();
    (rig, inputs)
}

#[library_benchmark]
#[bench::standing_10000(args = [10_000, 64], setup = coming, config = at_most(739_000))]
fn matched((mut rig, inputs): (Rig, Vec<Input>)) -> Rig {
    let come = inputs.len();
    for input in inputs {
        rig.lobby.handle(rig.now, input);
    }
    assert_eq!(rig.turn().matched as usize, 2 * come);
    rig
}

library_benchmark_group!(name = room; benchmarks = step, encode, command);
library_benchmark_group!(name = lobby; benchmarks = matched);

main!(library_benchmark_groups = room, lobby);
