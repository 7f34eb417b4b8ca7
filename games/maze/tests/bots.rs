//! Bots play whole matches by the rules alone.

use bellhop_game::{Context, Game, Inputs, Outcome, Rng, Seat, ViewClass, Who};
use bellhop_maze::{Config, Maze, Phase, Way};

#[derive(Debug, Default)]
struct Tally {
    catches: u32,
    escapes: u32,
    hunters: u32,
    collectors: u32,
    rounds: u32,
    seconds: u32,
    turns: u32,
}

fn play(players: u16, seed: u64, tally: &mut Tally) -> Outcome {
    let mut game = Maze::start(&Config::default(), seed);
    for seat in 0..players {
        game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
    }
    let mut rngs: Vec<Rng> = (0..players).map(|seat| Rng::new(seed ^ u64::from(seat) << 32)).collect();
    let mut inputs: Inputs<Option<Way>> = Inputs::new();
    let mut before = Phase::Countdown;
    for tick in 1..60_000 {
        let mut cx = Context::new(0, tick);
        game.step(&inputs, &mut cx);
        inputs.stepped();
        if let Some(outcome) = cx.take_outcome() {
            tally.seconds += tick / 60;
            return outcome;
        }
        if tick % 3 == 0 {
            for seat in 0..players {
                let view = game.view(ViewClass::Seat(Seat(seat)));
                if let Some(input) = Maze::bot(&view, Seat(seat), &mut rngs[usize::from(seat)]).input {
                    if inputs.get(Seat(seat)) != Some(&input) {
                        tally.turns += 1;
                    }
                    inputs.set(Seat(seat), input);
                }
            }
        }
        let view = game.view(ViewClass::Spectator);
        if view.phase == Phase::Over && before == Phase::Hunt {
            tally.rounds += 1;
            for score in &view.scores {
                tally.escapes += u32::from(score.escaped);
                if score.seat == view.haunter {
                    tally.catches += u32::from(score.gain) / 3;
                    tally.hunters += u32::from(score.gain);
                } else {
                    tally.collectors += u32::from(score.gain);
                }
            }
        }
        before = view.phase;
    }
    panic!("the match does not end");
}

#[test]
fn bots_collect_escape_catch_and_finish() {
    for (players, matches) in [(2, 4), (3, 2), (8, 1)] {
        let mut tally = Tally::default();
        for seed in 0..matches {
            let outcome = play(players, seed, &mut tally);
            assert_eq!(outcome.standings.len(), usize::from(players));
            assert!(outcome.reason.starts_with("most points after"), "{}", outcome.reason);
        }
        println!("{players}: {tally:?}");
        assert!(tally.escapes > 0 && tally.catches > 0, "{tally:?}");
    }
}
