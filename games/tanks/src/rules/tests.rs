use bellhop_game::{Inputs, Presence, View as _, Wire as _, Writer};

use super::*;
use crate::arena::UNIT;

/// A match with so many seats.
pub(super) fn game(seats: u16, seed: u64) -> Tanks {
    let mut game = Tanks::start(&Config::default(), seed);
    for seat in 0..seats {
        game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
    }
    game
}

/// One step with what each seat holds.
fn step(game: &mut Tanks, inputs: &mut Inputs<Input>) -> Vec<TankEvent> {
    let mut cx = Context::new(0, game.arena.tick + 1);
    inputs.begin(game.arena.tick + 1, KEPT);
    game.step(inputs, &mut cx);
    inputs.stepped();
    cx.take_events().into_iter().map(|(_, event)| event).collect()
}

/// Two tanks in an empty yard, the first at the left, looking at the second, so many points to its right.
fn duel(apart: i32) -> Tanks {
    let mut game = game(2, 1);
    game.arena.map.walls.iter_mut().for_each(|row| *row = 0);
    for (seat, x) in [(0, 300), (1, 300 + apart)] {
        let tank = game.arena.tank_mut(seat).unwrap();
        tank.body = Body { reload: 0, ..Body::at((x * UNIT, 500 * UNIT), 0) };
        tank.until = 0;
    }
    game
}

const FIRE: Input = Input { drive: 0, turn: 0, aim: 0, fire: true };
const FORWARD: Input = Input { drive: 1, turn: 0, aim: 0, fire: false };

fn body(game: &Tanks, seat: u16) -> Body {
    game.arena.tank(seat).unwrap().body
}

#[test]
fn a_tank_drives_and_stops_at_walls() {
    let mut game = duel(900);
    let mut inputs = Inputs::new();
    inputs.set(Seat(1), FORWARD);
    for _ in 0..60 {
        step(&mut game, &mut inputs);
    }
    let far = body(&game, 1).x / UNIT - 1_200;
    assert!((115..135).contains(&far), "{far} points in the first second");
    for _ in 0..200 {
        step(&mut game, &mut inputs);
    }
    assert_eq!(body(&game, 1).x / UNIT, 1_600 - 18, "at the wall");
    assert_eq!(body(&game, 0).x / UNIT, 300, "nobody touched the other");
}

#[test]
fn three_hits_destroy_and_the_tank_comes_back_protected() {
    let mut game = duel(300);
    let mut inputs = Inputs::new();
    inputs.set(Seat(0), FIRE);
    let mut destroyed = None;
    for tick in 1..200 {
        if let Some(&event) = step(&mut game, &mut inputs).first() {
            destroyed = Some((tick, event));
            break;
        }
    }
    // 34 steps to fly 270 points after the third shot, which is the 82nd step.
    let (tick, event) = destroyed.unwrap();
    assert_eq!(event, TankEvent::Destroyed { seat: 1, by: 0 });
    assert!((108..120).contains(&tick), "{tick}");
    assert_eq!((game.arena.tank(0).unwrap().score, game.arena.tank(1).unwrap().lives), (1, 0));
    for _ in 0..GONE {
        step(&mut game, &mut inputs);
    }
    let back = game.arena.tank(1).unwrap();
    assert_eq!(back.lives, LIVES);
    assert!(!back.is_open(game.arena.tick) && back.is_open(game.arena.tick + SHIELD));
}

#[test]
fn a_shell_bounces_once() {
    let mut game = duel(900);
    let mut inputs = Inputs::new();
    inputs.set(Seat(0), Input { aim: 768, ..FIRE });
    let tank = game.arena.tank_mut(0).unwrap();
    (tank.body.turret, tank.body.y) = (768, 200 * UNIT);
    step(&mut game, &mut inputs);
    inputs.set(Seat(0), Input { aim: 768, ..Input::default() });
    let mut bounced = 0;
    while let Some(shell) = game.arena.shells.first() {
        bounced += u32::from(shell.bounced);
        assert_eq!(shell.angle, if shell.bounced { 256 } else { 768 });
        step(&mut game, &mut inputs);
    }
    assert!(bounced > 20);
}

#[test]
fn what_is_aimed_at_is_hit_though_it_has_driven_on() {
    // The target crosses the line of fire; the shooter sees it 12 steps late and fires when he sees it there.
    let hit = |behind: u32| {
        let mut game = duel(60);
        let tank = game.arena.tank_mut(1).unwrap();
        (tank.body.hull, tank.body.y, tank.body.speed) = (256, 490 * UNIT, 72);
        let mut inputs = Inputs::new();
        inputs.set(Seat(1), Input { drive: 1, aim: 0, ..Input::default() });
        for _ in 0..16 {
            step(&mut game, &mut inputs);
        }
        inputs.plan(Seat(0), game.arena.tick, game.arena.tick + 1, behind, FIRE);
        for _ in 0..20 {
            step(&mut game, &mut inputs);
        }
        game.arena.tank(1).unwrap().lives < LIVES
    };
    assert!(hit(15), "where it was seen");
    assert!(!hit(0), "it is long gone");
    assert!(hit(200), "more than a quarter of a second counts as that");
}

#[test]
fn a_late_input_moves_the_tank_to_where_it_was_meant() {
    let run = |late: u32| {
        let mut game = duel(900);
        let mut inputs = Inputs::new();
        for tick in 1..60 {
            if tick == 20 + late {
                inputs.plan(Seat(0), tick - 1, 20, 3, FORWARD);
            }
            if tick == 40 {
                inputs.plan(Seat(0), 39, 40, 3, FIRE);
            }
            step(&mut game, &mut inputs);
        }
        (body(&game, 0), game.arena.shells.clone())
    };
    for late in [1, 7, 15] {
        assert_eq!(run(late), run(0), "{late} steps late");
    }
    assert_ne!(run(19), run(0), "later than a quarter of a second it is not put right");
}

#[test]
fn a_late_shot_flies_what_it_missed() {
    let run = |late: u32| {
        let mut game = duel(900);
        let mut inputs = Inputs::new();
        for tick in 1..40 {
            if tick == 5 + late {
                inputs.plan(Seat(0), tick - 1, 5, 3, FIRE);
            }
            if tick == 25 {
                inputs.plan(Seat(0), 24, 25, 3, Input::default());
            }
            step(&mut game, &mut inputs);
        }
        game.arena.shells.clone()
    };
    assert_eq!(run(0).len(), 1);
    assert_eq!(run(12), run(0));
}

#[test]
fn the_clock_begins_with_the_first_and_ends_the_match() {
    let config = Config { seconds: 10, ..Config::default() };
    let mut game = Tanks::start(&config, 3);
    let mut inputs = Inputs::new();
    for _ in 0..30 {
        step(&mut game, &mut inputs);
    }
    let mut ended = None;
    for tick in 30..900 {
        if [30, 200].contains(&tick) {
            let seat = Seat(u16::from(tick == 200));
            game.join(seat, &Who { name: String::new(), team: 0 }, &mut Context::new(0, tick));
        }
        let mut cx = Context::new(0, tick + 1);
        game.step(&inputs, &mut cx);
        if let Some(outcome) = cx.take_outcome() {
            ended = Some((tick + 1, outcome));
            break;
        }
    }
    let (tick, outcome) = ended.unwrap();
    assert_eq!(tick, 30 + 600);
    assert_eq!((outcome.standings.len(), outcome.reason.as_str()), (2, "time is up"));
}

#[test]
fn who_leaves_comes_last_and_the_last_one_need_not_wait() {
    let mut game = game(3, 1);
    step(&mut game, &mut Inputs::new());
    game.arena.tank_mut(2).unwrap().score = 9;
    let mut leave = |seat| {
        let mut cx = Context::new(0, 1);
        game.presence(Seat(seat), Presence::Left, &mut cx);
        cx.take_outcome()
    };
    assert!(leave(2).is_none());
    let outcome = leave(0).unwrap();
    assert_eq!(outcome.standings.first().unwrap().seat, Seat(1));
    assert_eq!(outcome.standings.last().unwrap().rank, 2);
}

#[test]
fn the_send_rate_is_a_setting() {
    let every = |send_hz| Tanks::start(&Config { send_hz, ..Config::default() }, 1).send_every();
    assert_eq!([0, 12, 20, 21, 30, 60, 255].map(every), [6, 5, 3, 2, 2, 1, 1]);
}

/// Who knows the map's seed knows nothing else: it is not the match's, and what is drawn from it is not what comes.
#[test]
fn the_map_seed_tells_nothing_that_is_to_come() {
    for seed in 0..50_u64 {
        let game = game(4, seed);
        let known = game.arena.map.seed;
        assert_ne!(u64::from(known), seed);
        // A cheat plays the match again from what he was sent, as a seed and as the state of the source.
        let from_map = self::game(4, u64::from(known));
        let places = |game: &Tanks| game.arena.tanks.iter().map(|tank| (tank.body.x, tank.body.y)).collect::<Vec<_>>();
        assert_ne!(places(&from_map), places(&game));
        let mut guess = Tanks { rng: Rng::new(u64::from(known)), ..game.clone() };
        let mut truth = game.clone();
        let next = |game: &mut Tanks| (0..6).map(|_| game.place().0).collect::<Vec<_>>();
        assert_ne!(next(&mut guess), next(&mut truth), "seed {seed}");
        // And the same map comes with other matches.
        let other = Tanks { rng: Rng::new(seed + 1), ..game.clone() };
        assert_eq!(other.view(ViewClass::Shared), game.view(ViewClass::Shared));
    }
}

#[test]
fn a_snapshot_goes_on_as_the_match_would() {
    let mut game = game(6, 5);
    let mut rng = Rng::new(1);
    let run = |game: &mut Tanks, steps: u32, rng: &mut Rng| {
        let mut inputs = Inputs::new();
        for _ in 0..steps {
            for seat in 0..6 {
                Tanks::bot(&game.arena, Seat(seat), rng)
                    .input
                    .into_iter()
                    .for_each(|held| inputs.set(Seat(seat), held));
            }
            step(game, &mut inputs);
        }
    };
    run(&mut game, 400, &mut rng);
    let kept = serde_json::to_string(&game).unwrap();
    let mut again: Tanks = serde_json::from_str(&kept).unwrap();
    let mut same = rng.clone();
    run(&mut game, 400, &mut rng);
    run(&mut again, 400, &mut same);
    assert_eq!(game.arena.to_bytes(), again.arena.to_bytes());
}

/// Sixteen bots: small changes, and a keyframe that is small too.
#[test]
fn changes_are_small() {
    let mut game = game(16, 2);
    let mut rng = Rng::new(2);
    let mut inputs = Inputs::new();
    let (mut bytes, mut keyframes, mut hits) = (0, 0, 0);
    let mut seen = game.view(ViewClass::Shared);
    const STEPS: u32 = 1_200;
    for tick in 1..=STEPS {
        if tick % 3 == 1 {
            for seat in 0..16 {
                let moves = Tanks::bot(&seen, Seat(seat), &mut rng);
                moves.input.into_iter().for_each(|held| inputs.set(Seat(seat), held));
            }
        }
        hits += step(&mut game, &mut inputs).len();
        if tick % 3 == 0 {
            let now = game.view(ViewClass::Shared);
            let mut to = Writer::new();
            now.diff(&seen, 3, &mut to);
            bytes += to.finish().len();
            keyframes += now.to_bytes().len();
            seen = now;
        }
    }
    let mean = bytes as f64 / f64::from(STEPS / 3);
    assert!(mean < 55.0, "{mean} bytes a change");
    let keyframe = keyframes as f64 / f64::from(STEPS / 3);
    assert!(keyframe <= 290.0, "{keyframe} bytes a keyframe");
    assert!(hits > 10, "{hits} destroyed in 20 s");
    println!("{mean:.1} B a change, {keyframe:.1} B a keyframe, {hits} destroyed");
}
