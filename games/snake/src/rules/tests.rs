//! The rules, a line each.

use super::*;

fn heading(sign: char) -> Heading {
    match sign {
        '^' => Heading::Up,
        '>' => Heading::Right,
        'v' => Heading::Down,
        '<' => Heading::Left,
        other => panic!("{other} is no heading"),
    }
}

fn cells(text: &str) -> Vec<Cell> {
    text.split_whitespace()
        .map(|cell| {
            let (x, y) = cell.split_once(',').unwrap();
            Cell { x: x.parse().unwrap(), y: y.parse().unwrap() }
        })
        .collect()
}

/// A running round on a board of 12 x 12: `a> 3,5 2,5` is a snake with its heading and cells, `* 7,7` is food.
fn set_up(board: &str) -> Snake {
    let mut cx = Context::new(0, 0);
    let mut game = Snake::start(&Config { width: 12, height: 12, food: 1, ..Config::default() }, 1);
    for part in board.split(" | ") {
        let (name, rest) = part.split_once(' ').unwrap();
        if name != "*" {
            let seat = u16::from(name.as_bytes()[0] - b'a');
            game.join(Seat(seat), &Who { name: name[..1].to_owned(), team: 0 }, &mut cx);
            let snake = game.board.snakes.last_mut().unwrap();
            (snake.alive, snake.heading, snake.body) = (true, heading(name.chars().nth(1).unwrap()), cells(rest));
        }
    }
    // Every join laid a new round; put the snakes where they were asked for.
    let wanted: Vec<(u16, Heading, Vec<Cell>)> = (board.split(" | "))
        .filter(|part| !part.starts_with('*'))
        .map(|part| {
            let (name, rest) = part.split_once(' ').unwrap();
            (u16::from(name.as_bytes()[0] - b'a'), heading(name.chars().nth(1).unwrap()), cells(rest))
        })
        .collect();
    for (seat, heading, body) in wanted {
        let snake = game.board.snakes.iter_mut().find(|snake| snake.seat == seat).unwrap();
        (snake.alive, snake.heading, snake.body) = (true, heading, body);
    }
    let food = board.split(" | ").find_map(|part| part.strip_prefix("* ")).map_or_else(|| cells("11,11"), cells);
    game.board.food = food;
    game.board.phase = Phase::Running;
    game.board.tick = 20;
    game.board.until = 400;
    game
}

/// One step with these inputs (`a^ b<`; several of one snake come one after the other): what became of the snakes.
fn check(board: &str, inputs: &str, expected: &str) {
    let mut game = set_up(board);
    let mut held = Inputs::new();
    for input in inputs.split_whitespace() {
        held.set(Seat(u16::from(input.as_bytes()[0] - b'a')), heading(input.chars().nth(1).unwrap()));
    }
    let mut cx = Context::new(0, 21);
    game.step(&held, &mut cx);
    let deaths = cx.take_events();
    let snakes = game.board.snakes.iter().map(|snake| {
        let name = &snake.name;
        let death = deaths.iter().find_map(|(_, event)| match *event {
            SnakeEvent::Died { seat, death } => (seat == snake.seat).then_some(death),
        });
        let letter = |seat: u16| char::from(b'a' + seat as u8);
        let fate = match death {
            None => {
                let cells: Vec<String> = snake.body.iter().map(|cell| format!("{},{}", cell.x, cell.y)).collect();
                cells.join(" ")
            }
            Some(Death::Wall) => "dies at the wall".to_owned(),
            Some(Death::Own) => "dies on itself".to_owned(),
            Some(Death::Side { seat }) => format!("dies on {}", letter(seat)),
            Some(Death::HeadOn { seat }) => format!("dies head-on with {}", letter(seat)),
            Some(Death::Left) => "left".to_owned(),
        };
        let points = if snake.points > 0 { format!(" +{}", snake.points) } else { String::new() };
        format!("{name} {fate}{points}")
    });
    assert_eq!(snakes.collect::<Vec<_>>().join(" | "), expected, "{board} with {inputs}");
}

/// Far from everything, so that the round goes on.
const FAR: &str = "y> 2,1 1,1 0,1 | z> 2,10 1,10 0,10";
const FAR_NEXT: &str = "y 3,1 2,1 1,1 | z 3,10 2,10 1,10";

fn alone(board: &str, inputs: &str, expected: &str) {
    check(&format!("{board} | {FAR}"), inputs, &format!("{expected} | {FAR_NEXT}"));
}

#[test]
fn a_snake_glides_and_turns() {
    alone("a> 5,5 4,5 3,5", "", "a 6,5 5,5 4,5");
    alone("a> 5,5 4,5 3,5", "a^", "a 5,4 5,5 4,5");
    alone("a> 5,5 4,5 3,5", "av", "a 5,6 5,5 4,5");
    alone("a^ 5,5 5,6 5,7", "a<", "a 4,5 5,5 5,6");
}

#[test]
fn the_last_direction_before_the_step_wins_and_back_is_no_direction() {
    alone("a> 5,5 4,5 3,5", "a^ av", "a 5,6 5,5 4,5");
    alone("a> 5,5 4,5 3,5", "a<", "a 6,5 5,5 4,5");
    alone("a> 5,5 4,5 3,5", "a^ a<", "a 6,5 5,5 4,5");
}

#[test]
fn walls_kill_on_all_four_sides() {
    alone("a> 11,5 10,5 9,5", "", "a dies at the wall");
    alone("a< 0,5 1,5 2,5", "", "a dies at the wall");
    alone("av 5,11 5,10 5,9", "", "a dies at the wall");
    alone("a^ 5,0 5,1 5,2", "", "a dies at the wall");
    alone("a> 11,5 10,5 9,5", "a^", "a 11,4 11,5 10,5");
}

#[test]
fn a_bite_is_a_point_and_a_cell_more() {
    alone("a> 5,5 4,5 3,5 | * 6,5", "", "a 6,5 5,5 4,5 3,5 +1");
    alone("a> 5,5 4,5 3,5 | * 7,5", "", "a 6,5 5,5 4,5");
}

#[test]
fn into_oneself() {
    alone("av 5,5 5,4 4,4 4,5 4,6", "a<", "a dies on itself");
    // The cell the tail leaves in the same step is free.
    alone("av 5,5 5,4 4,4 4,5", "a<", "a 4,5 5,5 5,4 4,4");
}

#[test]
fn into_the_side_of_another() {
    check("a> 5,5 4,5 3,5 | b^ 6,4 6,5 6,6", "", "a dies on b | b 6,3 6,4 6,5 +5");
    // Behind its tail there is room.
    check("a> 5,5 4,5 3,5 | b^ 6,3 6,4 6,5", "", "a 6,5 5,5 4,5 | b 6,2 6,3 6,4");
    // Not where it eats and grows in this step.
    check("a> 5,5 4,5 3,5 | b^ 6,3 6,4 6,5 | * 6,2", "", "a dies on b | b 6,2 6,3 6,4 6,5 +6");
}

#[test]
fn head_on_kills_both() {
    check("a> 5,5 4,5 3,5 | b< 7,5 8,5 9,5", "", "a dies head-on with b | b dies head-on with a");
    check("a> 5,5 4,5 3,5 | b^ 6,6 6,7 6,8", "", "a dies head-on with b | b dies head-on with a");
    // Swapping places is no way past each other.
    check("a> 5,5 4,5 3,5 | b< 6,5 7,5 8,5", "", "a dies on b | b dies on a");
    check("a> 5,5 4,5 3,5 | b< 7,5 8,5 9,5 | * 6,5", "", "a dies head-on with b | b dies head-on with a");
}

#[test]
fn three_in_one_step() {
    check(
        "a> 5,5 4,5 3,5 | b< 7,5 8,5 9,5 | c^ 6,6 6,7 6,8",
        "",
        "a dies head-on with b | b dies head-on with a | c dies head-on with a",
    );
}

fn game(players: u16, config: &Config) -> Snake {
    let mut game = Snake::start(config, 9);
    for seat in 0..players {
        game.join(Seat(seat), &Who { name: format!("p{seat}"), team: 0 }, &mut Context::new(0, 0));
    }
    game
}

/// Steps until `done`, all going straight on; the outcome if there was one.
fn run(game: &mut Snake, done: impl Fn(&Board) -> bool) -> Option<Outcome> {
    for _ in 0..10_000 {
        if done(&game.board) {
            return None;
        }
        let mut cx = Context::new(0, game.board.tick + 1);
        game.step(&Inputs::new(), &mut cx);
        if let Some(outcome) = cx.take_outcome() {
            return Some(outcome);
        }
    }
    panic!("the match does not end");
}

#[test]
fn snakes_start_apart_alive_and_inside() {
    for players in 2..=8 {
        for seed in 0..20 {
            let mut game = Snake::start(&Config { width: 10, height: 10, ..Config::default() }, seed);
            for seat in 0..players {
                game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
            }
            let mut seen: Vec<Cell> = game.board.snakes.iter().flat_map(|snake| snake.body.clone()).collect();
            seen.extend(&game.board.food);
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), count, "{players} players, seed {seed}: {:?}", game.board);
            assert!(seen.iter().all(|&cell| game.board.has(cell)));
            assert!(game.board.snakes.iter().all(|snake| snake.alive && snake.body.len() == 3));
        }
    }
}

#[test]
fn a_round_begins_after_its_countdown_and_the_last_one_alive_wins_it() {
    let mut game = game(2, &Config::default());
    assert_eq!(game.board.phase, Phase::Countdown);
    assert!(run(&mut game, |board| board.phase == Phase::Running).is_none());
    assert_eq!(game.board.tick, FIRST_COUNTDOWN);
    game.board.snakes[0].body = cells("0,0 1,0 2,0");
    game.board.snakes[0].heading = Heading::Up;
    assert!(run(&mut game, |board| board.phase != Phase::Running).is_none());
    assert_eq!(game.board.phase, Phase::RoundOver { winner: Some(1) });
    assert_eq!(game.board.snakes[1].points, 5);
    assert!(run(&mut game, |board| board.round == 2).is_none());
    assert!(game.board.snakes.iter().all(|snake| snake.alive));
}

#[test]
fn first_to_the_target_wins() {
    let mut game = game(2, &Config { target: 3, ..Config::default() });
    game.board.snakes[1].points = 2;
    run(&mut game, |board| board.phase == Phase::Running);
    let head = game.board.snakes[1].body[0].next(game.board.snakes[1].heading);
    game.board.food = vec![head];
    let outcome = run(&mut game, |_| false).unwrap();
    assert_eq!(outcome.reason, "first to 3 points");
    assert_eq!((outcome.standings[0].seat, outcome.standings[0].rank), (Seat(1), 1));
}

#[test]
fn after_the_last_round_the_most_points_win_and_equal_points_are_a_draw() {
    let mut game = game(2, &Config { rounds: 1, ..Config::default() });
    // Both go straight on into the opposite wall in the same step.
    let outcome = run(&mut game, |_| false).unwrap();
    assert_eq!(outcome.reason, "most points after 1 rounds");
    assert_eq!(outcome.standings.iter().map(|standing| standing.rank).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(game.board.round, 1, "no other round is begun");
}

#[test]
fn a_draining_room_makes_the_round_the_last_one() {
    let mut game = game(2, &Config::default());
    run(&mut game, |board| board.phase == Phase::Running);
    game.drain(60_000, &mut Context::new(0, 0));
    assert_eq!(run(&mut game, |_| false).unwrap().reason, "most points after 1 rounds");
}

#[test]
fn late_joiners_enter_at_the_next_round() {
    let mut game = game(2, &Config::default());
    run(&mut game, |board| board.phase == Phase::Running);
    game.join(Seat(2), &Who { name: "late".into(), team: 0 }, &mut Context::new(0, 0));
    assert!(!game.board.snakes[2].alive);
    assert!(run(&mut game, |board| board.round == 2).is_none());
    assert!(game.board.snakes[2].alive);
}

#[test]
fn who_leaves_dies_ranks_last_and_the_last_one_left_wins() {
    let mut game = game(3, &Config::default());
    run(&mut game, |board| board.phase == Phase::Running);
    game.board.snakes[0].points = 9;
    let mut cx = Context::new(0, 0);
    game.presence(Seat(0), Presence::Left, &mut cx);
    assert!(!game.board.snakes[0].alive && cx.take_outcome().is_none());
    game.presence(Seat(1), Presence::Left, &mut cx);
    let outcome = cx.take_outcome().unwrap();
    let ranks: Vec<(u16, u32)> = outcome.standings.iter().map(|standing| (standing.seat.0, standing.rank)).collect();
    assert_eq!(ranks, [(2, 1), (0, 2), (1, 2)]);
}

#[test]
fn the_snake_of_an_absent_player_keeps_out_of_the_walls() {
    let mut game = game(2, &Config { food: 1, ..Config::default() });
    run(&mut game, |board| board.phase == Phase::Running);
    for seat in 0..2 {
        game.presence(Seat(seat), Presence::Dropped, &mut Context::new(0, 0));
    }
    let start = game.board.tick;
    run(&mut game, |board| board.phase != Phase::Running || board.tick > start + 100);
    assert!(game.board.tick > start + 100, "20 s without a crash: {:?}", game.board);
    game.presence(Seat(0), Presence::Live, &mut Context::new(0, 0));
    assert!(!game.board.snakes[0].away);
}

#[test]
fn a_round_does_not_last_for_ever() {
    let mut game = game(2, &Config { rounds: 1, target: 1_000, ..Config::default() });
    for seat in 0..2 {
        game.presence(Seat(seat), Presence::Dropped, &mut Context::new(0, 0));
    }
    assert!(run(&mut game, |_| false).is_some());
    assert!(game.board.tick <= FIRST_COUNTDOWN + crate::view::ROUND_TICKS + ROUND_OVER);
}

#[test]
fn a_direction_pressed_in_the_countdown_counts_from_the_first_step_and_not_in_the_next_round() {
    let mut game = game(2, &Config::default());
    let mut held = Inputs::new();
    held.set(Seat(0), Heading::Up);
    let mut cx = Context::new(0, 1);
    game.step(&held, &mut cx);
    held.stepped();
    run(&mut game, |board| board.tick == FIRST_COUNTDOWN + 1);
    assert_eq!(game.board.snakes[0].heading, Heading::Up);
    run(&mut game, |board| board.round == 2 && board.phase == Phase::Running);
    run(&mut game, |board| board.phase != Phase::Running || board.tick % 7 == 0);
    assert_ne!(game.board.snakes[0].heading, Heading::Up);
}

#[test]
fn sizes_out_of_range_are_brought_into_it() {
    for (asked, got) in [(0, 10), (24, 24), (255, 64)] {
        let game = Snake::start(&Config { width: asked, height: asked, ..Config::default() }, 1);
        assert_eq!((game.board.width, game.board.height), (got, got));
    }
}
