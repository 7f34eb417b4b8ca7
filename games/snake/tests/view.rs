//! The delta codec of the board: whatever two boards there are, the change between them leads from one to the other.

use bellhop_game::{Context, Game, Inputs, Presence, Reader, Rng, Seat, View, ViewClass, Who, Wire, Writer};
use bellhop_snake::{Board, Cell, Config, Heading, Phase, Snake, SnakeView};
use proptest::prelude::*;

fn heading() -> impl Strategy<Value = Heading> {
    prop::sample::select(Heading::ALL.to_vec())
}

fn cell() -> impl Strategy<Value = Cell> {
    (0u8..30, 0u8..30).prop_map(|(x, y)| Cell { x, y })
}

prop_compose! {
    fn snake()(
        seat in 0u16..4,
        name in "[a-z]{0,3}",
        points in 0u16..40,
        flags: [bool; 3],
        heading in heading(),
        grow in 0u16..3,
        body in prop::collection::vec(cell(), 0..6),
    ) -> SnakeView {
        SnakeView { seat, name, points, alive: flags[0], away: flags[1], left: flags[2], heading, grow, body }
    }
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Countdown),
        Just(Phase::Running),
        prop::option::of(0u16..8).prop_map(|winner| Phase::RoundOver { winner }),
    ]
}

prop_compose! {
    fn board()(
        size: (u8, u8),
        tick in 0u32..50,
        round in 0u16..4,
        phase in phase(),
        until in 0u32..50,
        snakes in prop::collection::vec(snake(), 0..5),
        food in prop::collection::vec(cell(), 0..5),
    ) -> Board {
        Board { width: size.0, height: size.1, tick, round, rounds: 5, target: 20, phase, until, snakes, food }
    }
}

fn change(base: &Board, now: &Board, ticks: u32) -> Vec<u8> {
    let mut to = Writer::new();
    now.diff(base, ticks, &mut to);
    to.finish()
}

fn patched(base: &Board, bytes: &[u8], ticks: u32) -> Board {
    let mut board = base.clone();
    let mut from = Reader::new(bytes);
    board.patch(ticks, &mut from).expect("what was written can be read");
    from.end().expect("nothing is left over");
    board
}

proptest! {
    #[test]
    fn any_board_to_any_other(base in board(), now in board(), ticks in 0u32..20) {
        prop_assert_eq!(patched(&base, &change(&base, &now, ticks), ticks), now);
    }

    #[test]
    fn whole_boards(board in board()) {
        prop_assert_eq!(Board::from_bytes(&board.to_bytes()), Ok(board));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, mut board in board(), ticks in 0u32..40) {
        let _ = Board::from_bytes(&bytes);
        let _ = board.patch(ticks, &mut Reader::new(&bytes));
        let cells: usize = board.snakes.iter().map(|snake| snake.body.len()).sum::<usize>() + board.food.len();
        prop_assert!(cells <= 8 * bytes.len() + 5 * 40 + 100, "{cells} cells from {} bytes", bytes.len());
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Real matches, looked at every few steps: short messages, and always right.
    #[test]
    fn matches(seed: u64, gaps in prop::collection::vec(1u32..6, 60)) {
        let mut game = Snake::start(&Config::default(), seed);
        for seat in 0..5 {
            game.join(Seat(seat), &Who { name: format!("p{seat}"), team: 0 }, &mut Context::new(0, 0));
        }
        let mut rng = Rng::new(seed);
        let mut seen = game.view(ViewClass::Shared);
        let mut tick = 0;
        for gap in gaps {
            for _ in 0..gap {
                tick += 1;
                let mut inputs = Inputs::new();
                for seat in 0..5 {
                    if let Some(input) = Snake::bot(game.board(), Seat(seat), &mut rng).input {
                        inputs.set(Seat(seat), input);
                    }
                }
                let mut cx = Context::new(0, tick);
                if tick == 40 {
                    game.presence(Seat(2), Presence::Dropped, &mut cx);
                }
                game.step(&inputs, &mut cx);
            }
            let now = game.view(ViewClass::Shared);
            let bytes = change(&seen, &now, gap);
            seen = patched(&seen, &bytes, gap);
            prop_assert_eq!(&seen, &now);
        }
    }
}

/// The page gets what its view type says.
#[test]
fn the_page_sees_this() {
    let mut game = Snake::start(&Config { width: 10, height: 10, food: 1, ..Config::default() }, 1);
    game.join(Seat(0), &Who { name: "ann".into(), team: 0 }, &mut Context::new(0, 0));
    let mut board = game.view(ViewClass::Shared);
    board.food = vec![Cell { x: 3, y: 4 }];
    let json = serde_json::to_value(&board).unwrap();
    let expected = serde_json::json!({
        "width": 10, "height": 10, "tick": 0, "round": 1, "rounds": 5, "target": 20,
        "phase": "countdown", "winner": null, "left": 15, "food": [[3, 4]],
        "snakes": [{
            "seat": 0, "name": "ann", "score": 0, "alive": true, "away": false, "left": false,
            "direction": "right", "grow": 0, "body": [[3, 4], [2, 4], [1, 4]],
        }],
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_str::<Heading>("\"up\"").unwrap(), Heading::Up);
}

/// Bots that play to win do play: they eat, and their matches end.
#[test]
fn bots_eat_and_finish() {
    let mut points = 0;
    for seed in 0..5 {
        let mut game = Snake::start(&Config::default(), seed);
        for seat in 0..4 {
            game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
        }
        let mut rng = Rng::new(seed);
        let outcome = (1..4_000).find_map(|tick| {
            let mut inputs = Inputs::new();
            for seat in 0..4 {
                if let Some(input) = Snake::bot(game.board(), Seat(seat), &mut rng).input {
                    inputs.set(Seat(seat), input);
                }
            }
            let mut cx = Context::new(0, tick);
            game.step(&inputs, &mut cx);
            cx.take_outcome()
        });
        points += outcome.unwrap().standings[0].score;
    }
    assert!(points >= 75, "winners of 5 matches made {points} points");
}

/// The same seed and the same inputs give the same match, bit by bit.
#[test]
fn the_same_seed_gives_the_same_match() {
    let run = |seed: u64| {
        let mut game = Snake::start(&Config::default(), seed);
        for seat in 0..8 {
            game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
        }
        let mut rng = Rng::new(3);
        let mut hash = bellhop_wire::Fnv::new();
        for tick in 1..500 {
            let mut inputs = Inputs::new();
            for seat in 0..8 {
                if let Some(input) = Snake::bot(game.board(), Seat(seat), &mut rng).input {
                    inputs.set(Seat(seat), input);
                }
            }
            game.step(&inputs, &mut Context::new(0, tick));
            hash = hash.bytes(&game.view(ViewClass::Shared).to_bytes());
        }
        hash.0
    };
    assert_eq!(run(42), run(42));
    assert_ne!(run(42), run(43));
}
