//! The delta codec of the yard: whatever two yards there are, the change between them leads from one to the other.

use bellhop_game::{Context, Game, Inputs, Presence, Reader, Rng, Seat, View, ViewClass, Who, Wire, Writer};
use bellhop_tanks::{Arena, Body, Config, Held, Input, Map, Shell, TILE, Tank, Tanks};
use proptest::prelude::*;

prop_compose! {
    fn input()(drive in -1i8..=1, turn in -1i8..=1, aim in 0u16..1024, fire: bool) -> Input {
        Input { drive, turn, aim, fire }
    }
}

prop_compose! {
    fn body()(
        x in 0..8 * TILE, y in 0..8 * TILE, hull in 0u16..1024, turret in 0u16..1024, speed in -44i16..=72,
        reload in 0u8..=40, shots in 0u8..16, input in input(),
    ) -> Body {
        Body { x, y, hull, turret, speed, reload, shots, input }
    }
}

prop_compose! {
    fn tank()(body in body(), lives in 0u8..=3, until in 0u32..90, score in 0u16..40, flags: [bool; 2]) -> Tank {
        Tank { seat: 0, body, lives, until, score, away: flags[0], left: flags[1] }
    }
}

prop_compose! {
    fn shell()(
        seat in 0u16..6, shot in 0u8..16, x in 0..8 * TILE, y in 0..8 * TILE, angle in 0u16..1024, life in 0u8..=80,
        bounced: bool,
    ) -> Shell {
        Shell { seat, shot, x, y, angle, life, bounced }
    }
}

prop_compose! {
    fn arena()(
        size in (8u8..12, 8u8..12), seed in 0u32..3, tick in 0u32..90, ends in 0u32..9_000,
        tanks in prop::collection::vec((0u16..3, tank()), 0..5),
        shells in prop::collection::vec(shell(), 0..6),
        told in prop::collection::vec((0u32..100, 0u16..8, input()), 0..6),
    ) -> Arena {
        let mut arena = Arena::new(Map::new(size.0, size.1, seed));
        (arena.tick, arena.ends, arena.shells) = (tick, ends, shells);
        let mut next = 0;
        for (gap, tank) in tanks {
            arena.tanks.push(Tank { seat: next + gap, ..tank });
            next += gap + 1;
        }
        arena.told = told.into_iter().map(|(tick, seat, input)| Held { tick, seat, input }).collect();
        arena.told.sort_by_key(|held| held.tick);
        arena
    }
}

fn change(base: &Arena, now: &Arena, ticks: u32) -> Vec<u8> {
    let mut to = Writer::new();
    now.diff(base, ticks, &mut to);
    to.finish()
}

fn patched(base: &Arena, bytes: &[u8], ticks: u32) -> Arena {
    let mut arena = base.clone();
    let mut from = Reader::new(bytes);
    arena.patch(ticks, &mut from).expect("what was written can be read");
    from.end().expect("nothing is left over");
    arena
}

proptest! {
    #[test]
    fn any_yard_to_any_other(base in arena(), now in arena(), ticks in 0u32..20) {
        prop_assert_eq!(patched(&base, &change(&base, &now, ticks), ticks), now);
    }

    #[test]
    fn whole_yards(arena in arena()) {
        prop_assert_eq!(Arena::from_bytes(&arena.to_bytes()), Ok(arena));
    }

    #[test]
    fn inputs(input in input()) {
        prop_assert_eq!(Input::from_bytes(&input.to_bytes()), Ok(input));
        prop_assert_eq!(input.to_bytes().len(), 2);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, mut arena in arena(), ticks in 0u32..40, seat in 0u16..6) {
        let _ = Arena::from_bytes(&bytes);
        if arena.patch(ticks, &mut Reader::new(&bytes)).is_ok() {
            prop_assert!(arena.tanks.len() <= 16 && arena.shells.len() <= 16 * 3);
            // What a client does with it.
            let later = arena.clone();
            (0..40).for_each(|_| Tanks::replay(&mut arena, Seat(seat)));
            arena.between(&later, 0.3);
            Tanks::join_views(&mut arena, &later, Seat(seat));
            Tanks::nudge(&mut arena, Seat(seat), &[3.0, -4.0, 500.0, -500.0]);
        }
    }

    #[test]
    fn held_inputs_are_brought_into_their_range(drive: i8, turn: i8, aim: u16, fire: bool) {
        let input = Tanks::sanitise(Input { drive, turn, aim, fire }).unwrap();
        prop_assert_eq!(Input::from_bytes(&input.to_bytes()), Ok(input));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Real matches with people who drop, come late and leave, looked at every few steps: always right.
    #[test]
    fn matches(seed: u64, gaps in prop::collection::vec(1u32..12, 90)) {
        let mut game = Tanks::start(&Config { columns: 10, rows: 8, ..Config::default() }, seed);
        let who = Who { name: String::new(), team: 0 };
        (0..5).for_each(|seat| game.join(Seat(seat), &who, &mut Context::new(0, 0)));
        let mut rng = Rng::new(seed);
        let mut inputs = Inputs::new();
        let mut seen = game.view(ViewClass::Shared);
        let mut tick = 0;
        for gap in gaps {
            for _ in 0..gap {
                tick += 1;
                let mut cx = Context::new(0, tick);
                let seat = Seat(rng.below(5) as u16);
                if let Some(input) = Tanks::bot(game.arena(), seat, &mut rng).input {
                    // Now and then one comes late, now and then from the future.
                    let at = tick.saturating_add_signed(rng.below(8) as i32 - 5);
                    inputs.plan(seat, tick - 1, at, rng.below(40), input);
                }
                match tick {
                    70 => game.presence(Seat(2), Presence::Dropped, &mut cx),
                    90 => game.join(Seat(9), &who, &mut cx),
                    150 => game.presence(Seat(2), Presence::Live, &mut cx),
                    200 => game.presence(Seat(3), Presence::Left, &mut cx),
                    _ => {}
                }
                inputs.begin(tick, 15);
                game.step(&inputs, &mut cx);
                inputs.stepped();
            }
            let now = game.view(ViewClass::Shared);
            seen = patched(&seen, &change(&seen, &now, gap), gap);
            prop_assert_eq!(&seen, &now);
            for tank in now.tanks.iter().filter(|tank| tank.is_there()) {
                prop_assert!(!now.map.is_wall(tank.body.x.div_euclid(TILE), tank.body.y.div_euclid(TILE)));
            }
        }
    }
}

/// Nothing ever has to be held back: sixteen tanks and all their shells, each other than was known, sent as seldom as a
/// queue may ask for.
#[test]
fn the_longest_change_fits_a_frame() {
    const TICKS: u32 = 6;
    let input = |at: u32| Input { drive: 1, turn: -1, aim: (at * 300 % 1_024) as u16, fire: at.is_multiple_of(2) };
    let tank = |seat: u16, at: u32| {
        let place = i32::from(seat) * TILE / 2 + (at % 60) as i32;
        let body =
            Body { x: place, y: place, hull: 9, turret: 700, speed: 33, reload: 40, shots: 15, input: input(at + 1) };
        Tank { seat, body, lives: 2, until: 1_000_000, score: u16::MAX, away: true, left: false }
    };
    let shell = |number: u16, at: u32| {
        let (shot, place) = ((number % 3) as u8, i32::from(number) * 300 + (at % 60) as i32);
        Shell { seat: number / 3, shot, x: place, y: place, angle: 1_023, life: 80, bounced: true }
    };
    let yard = |tick: u32| {
        let mut arena = Arena::new(Map::new(32, 32, 1));
        (arena.tick, arena.ends) = (tick, 3_600 * 60 + tick);
        // Seats that do not follow on each other, and others each time.
        arena.tanks = (0..16).map(|at| tank(at * 2 + (tick % 4 / 2) as u16, tick)).collect();
        arena.shells = (0..48).map(|at| shell(at, tick)).collect();
        arena
    };
    let (base, mut now) = (yard(100_000), yard(100_000 + TICKS));
    for tick in base.tick + 1..=now.tick {
        now.told.extend(base.tanks.iter().map(|tank| Held { tick, seat: tank.seat, input: input(tick) }));
    }
    let bytes = change(&base, &now, TICKS);
    assert_eq!(patched(&base, &bytes, TICKS), now);
    let most = bellhop_wire::limits::MOST_CHANGE_BYTES - 100;
    assert!((800..most).contains(&bytes.len()), "{} bytes, and more than {most} leave no room for events", bytes.len());
}

/// The page gets what its view type says.
#[test]
fn the_page_sees_this() {
    let mut game = Tanks::start(&Config { columns: 8, rows: 8, ..Config::default() }, 1);
    game.join(Seat(0), &Who { name: "ann".into(), team: 0 }, &mut Context::new(0, 0));
    let mut arena = game.view(ViewClass::Shared);
    arena.shells = vec![Shell { seat: 0, shot: 3, x: 4, y: 5, angle: 6, life: 7, bounced: true }];
    let json = serde_json::to_value(&arena).unwrap();
    assert_eq!(
        json["shells"],
        serde_json::json!([
            { "seat": 0, "shot": 3, "x": 4, "y": 5, "angle": 6, "life": 7, "bounced": true },
        ])
    );
    assert_eq!((&json["tick"], &json["ends"]), (&0.into(), &(180 * 60).into()));
    assert_eq!(json["map"]["walls"].as_array().unwrap().len(), 8);
    let tank = &json["tanks"][0];
    assert_eq!(
        (&tank["seat"], &tank["lives"], &tank["until"], &tank["score"]),
        (&0.into(), &3.into(), &90.into(), &0.into())
    );
    assert!(["x", "y", "hull", "turret", "speed", "reload"].iter().all(|field| tank["body"][field].is_i64()));
    let held: Input = serde_json::from_str(r#"{"drive":1,"turn":-1,"aim":1023,"fire":true}"#).unwrap();
    assert_eq!(held, Input { drive: 1, turn: -1, aim: 1023, fire: true });
}

/// The same seed and the same inputs give the same match, bit by bit: this very number on every machine, and in wasm.
#[test]
fn the_same_seed_gives_the_same_match() {
    let run = |seed: u64| {
        let mut game = Tanks::start(&Config::default(), seed);
        let who = Who { name: String::new(), team: 0 };
        (0..16).for_each(|seat| game.join(Seat(seat), &who, &mut Context::new(0, 0)));
        let mut rng = Rng::new(3);
        let (mut inputs, mut hash) = (Inputs::new(), bellhop_wire::Fnv::new());
        for tick in 1..900 {
            let seat = Seat(rng.below(16) as u16);
            if let Some(input) = Tanks::bot(game.arena(), seat, &mut rng).input {
                inputs.set(seat, input);
            }
            game.step(&inputs, &mut Context::new(0, tick));
            inputs.stepped();
            hash = hash.bytes(&game.view(ViewClass::Shared).to_bytes());
        }
        hash.0
    };
    assert_eq!(run(42), run(42));
    assert_ne!(run(42), run(43));
}

/// A room that goes on from a copy of itself at every step is the room that was copied.
#[test]
fn a_copy_goes_on_the_same_way() {
    let mut game = Tanks::start(&Config::default(), 8);
    let who = Who { name: String::new(), team: 0 };
    (0..8).for_each(|seat| game.join(Seat(seat), &who, &mut Context::new(0, 0)));
    let mut rng = Rng::new(5);
    let mut inputs = Inputs::new();
    for tick in 1..400 {
        let seat = Seat(rng.below(8) as u16);
        if let Some(input) = Tanks::bot(game.arena(), seat, &mut rng).input {
            inputs.plan(seat, tick - 1, tick.saturating_sub(rng.below(6)), 9, input);
        }
        inputs.begin(tick, 15);
        let mut copy: Tanks = serde_json::from_str(&serde_json::to_string(&game).unwrap()).unwrap();
        game.step(&inputs, &mut Context::new(0, tick));
        copy.step(&inputs, &mut Context::new(0, tick));
        inputs.stepped();
        assert_eq!(serde_json::to_string(&game).unwrap(), serde_json::to_string(&copy).unwrap(), "step {tick}");
    }
}
