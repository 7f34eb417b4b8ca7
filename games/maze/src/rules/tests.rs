use bellhop_game::{Context, Game, Inputs, Outcome, Presence, Seat, ViewClass, Who};

use crate::body::{Body, Way};
use crate::light;
use crate::map::{Cell, Map, TILE};
use crate::rules::{Config, Maze};
use crate::view::{Fate, MazeEvent, Phase, SPEED};

fn game(players: u16, config: &Config, seed: u64) -> Maze {
    let mut game = Maze::start(config, seed);
    (0..players).for_each(|seat| join(&mut game, seat));
    game
}

fn join(game: &mut Maze, seat: u16) {
    game.join(Seat(seat), &Who { name: format!("p{seat}"), team: 0 }, &mut Context::new(0, game.tick));
}

/// Steps until `done`, nobody moving; the outcome if there was one, and what was told.
fn run(game: &mut Maze, done: impl Fn(&Maze) -> bool) -> (Option<Outcome>, Vec<(Option<ViewClass>, MazeEvent)>) {
    let mut events = Vec::new();
    for _ in 0..100_000 {
        if done(game) {
            return (None, events);
        }
        let mut cx = Context::new(0, game.tick + 1);
        game.step(&Inputs::new(), &mut cx);
        events.extend(cx.take_events());
        if let Some(outcome) = cx.take_outcome() {
            return (Some(outcome), events);
        }
    }
    panic!("the match does not end");
}

fn hunting(players: u16) -> Maze {
    let mut game = game(players, &Config::default(), 9);
    run(&mut game, |game| game.phase == Phase::Hunt);
    game
}

/// Seats of those who collect.
fn collectors(game: &Maze) -> Vec<u16> {
    game.players.iter().map(|player| player.seat).filter(|&seat| seat != game.haunter).collect()
}

fn put(game: &mut Maze, seat: u16, cell: Cell) {
    let player = game.players.iter_mut().find(|player| player.seat == seat).unwrap();
    player.body = Body::at(cell, Way::Right);
}

/// A cell far from another, out of its sight and not a gate.
fn far_from(game: &Maze, cell: Cell) -> Cell {
    let steps = game.map.steps_from(cell);
    let hidden =
        |other: &Cell| !light::sees(&game.map, cell.middle(), other.middle()) && !game.map.gates().contains(other);
    game.map.floor().filter(hidden).max_by_key(|&other| steps.to(other)).unwrap()
}

/// A row of a map without halls: `#` wall, `.` floor, `>` the body.
fn walk(wanted: Option<Way>, x: i32, going: bool, steps: u32) -> (i32, i32, Way, bool) {
    // Row 5 of this map is open from 1 to 9; up from it lead 1, 3, 9, down 1, 3 (of odd columns).
    let map = Map::new(1, 11, 11);
    let mut body = Body { x, going, wanted, ..Body::at(Cell { x: 3, y: 5 }, Way::Right) };
    (0..steps).for_each(|_| body.step(&map, SPEED));
    (body.x, body.y, body.facing, body.going)
}

#[test]
fn bodies_go_where_walls_let_them() {
    let middle = |column: i32| column * TILE + TILE / 2;
    assert_eq!(walk(None, middle(3), true, 9), (middle(3), middle(5), Way::Right, false));
    assert_eq!(walk(Some(Way::Right), middle(3), false, 15), (middle(4), middle(5), Way::Right, true));
    assert_eq!(walk(Some(Way::Right), middle(3), false, 300), (middle(9), middle(5), Way::Right, false));
    assert_eq!(walk(Some(Way::Left), middle(3) + 7, true, 1), (middle(3) - 9, middle(5), Way::Left, true));
    // A wish across waits for its opening: column 9 leads up, 4 to 8 do not.
    assert_eq!(walk(Some(Way::Up), middle(4), true, 76), (middle(9), middle(5) - 16, Way::Up, true));
    // Who stands before a wall stays there.
    assert_eq!(walk(Some(Way::Up), middle(4), false, 50), (middle(4), middle(5), Way::Right, false));
    // A little too late: back to the corner. Much too late: on.
    assert_eq!(walk(Some(Way::Up), middle(3) + 48, true, 4), (middle(3), middle(5) - 16, Way::Up, true));
    assert_eq!(walk(Some(Way::Up), middle(3) + 96, true, 1), (middle(3) + 112, middle(5), Way::Right, true));
}

#[test]
fn everybody_starts_apart_and_out_of_the_haunters_sight() {
    for seed in 0..40 {
        let game = game(2 + (seed % 7) as u16, &Config::default(), seed);
        let haunter = game.player(game.haunter).unwrap();
        for player in game.players.iter().filter(|player| player.seat != game.haunter) {
            assert!(!game.is_seen_by(haunter, player), "seed {seed}");
            assert!(game.map.is_floor(player.body.cell()));
        }
        let mut cells: Vec<Cell> = game.players.iter().map(|player| player.body.cell()).collect();
        cells.extend(&game.sparks);
        let count = cells.len();
        cells.sort_unstable();
        cells.dedup();
        assert_eq!(cells.len(), count, "seed {seed}");
        assert!(game.sparks.len() >= 5 * (game.players.len() - 1), "{} sparks", game.sparks.len());
    }
}

#[test]
fn a_spark_is_taken_and_with_enough_a_gate_lets_one_out() {
    let mut game = hunting(3);
    let (haunter, one) = (game.haunter, collectors(&game)[0]);
    let gate = game.map.gates()[0];
    let away = far_from(&game, gate);
    put(&mut game, haunter, away);
    put(&mut game, one, gate);
    game.players.iter_mut().for_each(|player| player.carried = 2);
    run(&mut game, |game| game.tick % 10 == 0);
    assert_eq!(game.player(one).unwrap().fate, Fate::Free, "two sparks open no gate");
    game.add_spark(gate);
    let events = run(&mut game, |game| game.player(one).unwrap().fate == Fate::Escaped).1;
    assert_eq!(game.player(one).unwrap().carried, 3);
    assert!(events.contains(&(Some(ViewClass::Seat(Seat(one))), MazeEvent::Escaped { seat: one })));
    assert!(!events.iter().any(|(class, _)| class.is_none() || *class == Some(ViewClass::Seat(Seat(haunter)))));
    assert!(game.view(ViewClass::Seat(Seat(one))).bodies.is_empty(), "who is out sees nobody");
}

#[test]
fn who_is_caught_loses_half_his_sparks_and_comes_back_elsewhere() {
    let mut game = hunting(3);
    let (haunter, [one, other]) = (game.haunter, <[u16; 2]>::try_from(collectors(&game)).unwrap());
    let cell = game.player(haunter).unwrap().body.cell();
    let away = far_from(&game, cell);
    put(&mut game, other, away);
    put(&mut game, one, cell);
    game.sparks.clear();
    game.players.iter_mut().find(|player| player.seat == one).unwrap().carried = 5;
    let (_, events) = run(&mut game, |game| game.player(one).unwrap().fate != Fate::Free);
    let told: Vec<_> = events.iter().map(|(class, _)| class.unwrap()).collect();
    assert_eq!(told.len(), 3, "him, the haunter, spectators: {events:?}");
    assert!(!told.contains(&ViewClass::Seat(Seat(other))));
    assert_eq!(
        (game.player(one).unwrap().carried, game.sparks.len(), game.player(haunter).unwrap().catches),
        (2, 3, 1)
    );
    assert!(game.sparks.contains(&cell));
    run(&mut game, |game| game.player(one).unwrap().fate == Fate::Free);
    assert!(!game.is_seen_by(game.player(haunter).unwrap(), game.player(one).unwrap()));
}

#[test]
fn points_are_counted_and_told_when_a_round_is_over() {
    let mut game = hunting(3);
    let haunter = game.haunter;
    let [one, two] = <[u16; 2]>::try_from(collectors(&game)).unwrap();
    for player in &mut game.players {
        if player.seat == haunter {
            player.catches = 2;
        } else {
            player.carried = 4;
            player.fate = if player.seat == one { Fate::Escaped } else { Fate::Caught { until: u32::MAX } };
        }
    }
    assert!(game.view(ViewClass::Seat(Seat(two))).scores.iter().all(|score| score.points == 0));
    run(&mut game, |game| game.phase == Phase::Over);
    let gain = |seat: u16| game.player(seat).unwrap().gain;
    assert_eq!((gain(haunter), gain(one), gain(two)), (6, 9, 4));
}

#[test]
fn everybody_haunts_once_and_the_most_points_win() {
    for (players, rounds) in [(2, 4), (3, 3), (5, 5)] {
        let mut game = game(players, &Config { seconds: 5, ..Config::default() }, 4);
        let mut haunted = Vec::new();
        for round in 1..=rounds {
            run(&mut game, |game| game.round == round);
            haunted.push(game.haunter);
        }
        let outcome = run(&mut game, |_| false).0.unwrap();
        assert_eq!(outcome.reason, format!("most points after {rounds} rounds"));
        let times = |seat: u16| haunted.iter().filter(|&&one| one == seat).count();
        assert!((0..players).all(|seat| times(seat) == usize::from(rounds) / usize::from(players)), "{haunted:?}");
    }
}

#[test]
fn a_round_is_over_when_all_are_out_or_its_time_is() {
    let mut one = hunting(2);
    let seat = collectors(&one)[0];
    one.players.iter_mut().find(|player| player.seat == seat).unwrap().fate = Fate::Escaped;
    run(&mut one, |game| game.phase == Phase::Over);
    assert!(one.tick < 400);
    let mut other = hunting(2);
    let begun = other.tick;
    run(&mut other, |game| game.phase == Phase::Over);
    assert_eq!(other.tick, begun + 60 * 60);
}

#[test]
fn late_joiners_enter_at_the_next_round_and_make_it_one_round_more() {
    let mut game = hunting(3);
    join(&mut game, 3);
    assert_eq!((game.player(3).unwrap().fate, game.rounds), (Fate::Waiting, 4));
    assert!(game.view(ViewClass::Seat(Seat(3))).bodies.is_empty());
    let first = game.haunter;
    run(&mut game, |game| game.round == 2);
    assert_eq!(game.player(3).unwrap().fate, Fate::Free);
    assert_ne!(game.haunter, first);
}

#[test]
fn who_leaves_is_gone_and_ranks_last() {
    let mut game = hunting(3);
    let [one, two] = <[u16; 2]>::try_from(collectors(&game)).unwrap();
    game.players.iter_mut().find(|player| player.seat == one).unwrap().points = 9;
    let mut cx = Context::new(0, 0);
    game.presence(Seat(one), Presence::Left, &mut cx);
    assert!(cx.take_outcome().is_none());
    let haunter = game.haunter;
    game.presence(Seat(haunter), Presence::Left, &mut cx);
    let outcome = cx.take_outcome().unwrap();
    assert_eq!((outcome.standings[0].seat, outcome.standings[0].rank), (Seat(two), 1));
    assert!(outcome.standings[1..].iter().all(|standing| standing.rank == 2));
}

#[test]
fn a_hunt_without_its_haunter_is_over() {
    let mut game = hunting(4);
    let haunter = game.haunter;
    game.presence(Seat(haunter), Presence::Left, &mut Context::new(0, 0));
    let tick = game.tick;
    run(&mut game, |game| game.phase == Phase::Over);
    assert_eq!(game.tick, tick + 1);
}

#[test]
fn who_is_away_is_steered() {
    let mut game = hunting(2);
    let one = collectors(&game)[0];
    game.presence(Seat(one), Presence::Dropped, &mut Context::new(0, 0));
    let from = game.player(one).unwrap().body;
    run(&mut game, |game| game.player(one).unwrap().body.cell() != from.cell());
    game.presence(Seat(one), Presence::Live, &mut Context::new(0, 0));
    let back = game.player(one).unwrap().body;
    run(&mut game, |game| game.tick % 7 == 0);
    assert_eq!(game.player(one).unwrap().body.cell(), back.cell());
}

#[test]
fn a_draining_room_makes_the_round_the_last_one() {
    let mut game = hunting(4);
    game.drain(60_000, &mut Context::new(0, 0));
    assert_eq!(run(&mut game, |_| false).0.unwrap().reason, "most points after 1 rounds");
}

#[test]
fn a_maze_suits_its_players_and_settings_are_brought_into_their_range() {
    let size = |players, width| {
        let game = game(players, &Config { width, height: width, ..Config::default() }, 1);
        (game.map.width(), game.map.height())
    };
    assert_eq!((size(2, 0), size(8, 0)), ((21, 15), (33, 21)));
    assert_eq!((size(2, 1), size(2, 255)), ((11, 11), (61, 61)));
}
