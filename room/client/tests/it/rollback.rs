//! Every step is made again from some steps before, with the same inputs, and must come to the same: whatever a game keeps
//! beside its state, or takes from elsewhere, shows here. (GGRS and its kin call this a sync test.)

use std::collections::VecDeque;

use bellhop_game::{Context, Game, Inputs, Rng, Seat, ViewClass, Who, Wire as _, Writer};
use bellhop_maze::Maze;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;

/// So far back it goes at each step: a quarter of a second of the fastest game.
const BACK: usize = 15;
const STEPS: u32 = 600;
/// Bots think so often.
const THINK_EVERY: u32 = 4;

/// What all can see of it.
fn seen<G: Game>(game: &G, seats: u16) -> Vec<u8> {
    let mut to = Writer::new();
    for class in (0..seats).map(|seat| game.class_of(Seat(seat))).chain([ViewClass::Spectator]) {
        game.view(class).write(&mut to);
    }
    to.finish()
}

fn begun<G: Game>(seats: u16, seed: u64) -> G {
    let mut game = G::start(&G::Config::default(), seed);
    let mut cx = Context::new(0, 0);
    for seat in 0..seats {
        game.join(Seat(seat), &Who { name: format!("player {seat}"), team: seat % 2 }, &mut cx);
    }
    for (question, _) in cx.take_asks() {
        game.answer(question, None, &mut cx);
    }
    game
}

/// One step; whether it was the last.
fn step<G: Game>(game: &mut G, inputs: &mut Inputs<G::Input>, tick: u32) -> bool {
    let mut cx = Context::new(u64::from(tick) * 1_000 / u64::from(G::RATE_HZ), tick);
    inputs.begin(tick, 0);
    game.step(inputs, &mut cx);
    inputs.stepped();
    cx.take_outcome().is_some()
}

fn steps_again<G: Game + Clone>(seats: u16) {
    let (mut game, mut inputs, mut rng) = (begun::<G>(seats, 7), Inputs::new(), Rng::new(7));
    let mut past: VecDeque<(G, Inputs<G::Input>, u32)> = VecDeque::new();
    for tick in 1..=STEPS {
        if tick % THINK_EVERY == 0 {
            for seat in (0..seats).map(Seat) {
                if let Some(input) = G::bot(&game.view(game.class_of(seat)), seat, &mut rng).input {
                    inputs.plan(seat, tick - 1, tick, 0, input);
                }
            }
        }
        past.push_back((game.clone(), inputs.clone(), tick));
        let over = step(&mut game, &mut inputs, tick);
        if past.len() > BACK {
            past.pop_front();
        }
        let mut again = past[0].0.clone();
        for (_, inputs, tick) in &past {
            step(&mut again, &mut inputs.clone(), *tick);
        }
        assert_eq!(seen(&again, seats), seen(&game, seats), "step {tick} from {} steps before", past.len());
        if over {
            assert!(tick > 60, "it is over after {tick} steps");
            return;
        }
    }
}

/// The same of a game that only moves and time change.
fn moves_again<G: Game + Clone>(seats: u16) {
    enum Move<C> {
        Command(Seat, C),
        Timeout,
    }
    fn make<G: Game>(game: &mut G, what: &Move<G::Command>, now_ms: u64) -> bool {
        let mut cx = Context::new(now_ms, 0);
        match what {
            Move::Command(seat, command) => drop(game.command(*seat, command.clone(), &mut cx)),
            Move::Timeout => game.timeout(&mut cx),
        }
        cx.take_outcome().is_some()
    }
    let (mut game, mut rng) = (begun::<G>(seats, 7), Rng::new(7));
    let mut past: VecDeque<(G, Move<G::Command>, u64)> = VecDeque::new();
    let (mut made, mut now_ms) = (0, 0);
    while made < 100 && now_ms < 600_000 {
        let mut next: Vec<Move<G::Command>> = Vec::new();
        if game.deadline().is_some_and(|due| due <= now_ms) {
            next.push(Move::Timeout);
        } else {
            for seat in (0..seats).map(Seat) {
                let moves = G::bot(&game.view(game.class_of(seat)), seat, &mut rng);
                next.extend(moves.commands.into_iter().map(|command| Move::Command(seat, command)));
            }
            now_ms += 100;
        }
        for what in next {
            past.push_back((game.clone(), what, now_ms));
            let over = make(&mut game, &past[past.len() - 1].1, now_ms);
            if past.len() > BACK {
                past.pop_front();
            }
            let mut again = past[0].0.clone();
            for (_, what, now_ms) in &past {
                make(&mut again, what, *now_ms);
            }
            assert_eq!(seen(&again, seats), seen(&game, seats), "move {made} from {} moves before", past.len());
            made += 1;
            if over {
                assert!(made >= 5, "it is over after {made} moves");
                return;
            }
        }
    }
    assert!(made >= 5, "{made} moves");
}

#[test]
fn snake() {
    steps_again::<Snake>(4);
}

#[test]
fn tanks() {
    steps_again::<Tanks>(6);
}

#[test]
fn maze() {
    steps_again::<Maze>(5);
}

#[test]
fn sketch() {
    moves_again::<Sketch>(2);
}

#[test]
fn tictactoe() {
    moves_again::<TicTacToe>(2);
}
