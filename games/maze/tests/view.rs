//! The delta codec of a sight: whatever two sights there are, the change between them leads from one to the other.

use bellhop_game::{Context, Game, Inputs, Presence, Reader, Rng, Seat, View, ViewClass, Who, Wire, Writer};
use bellhop_maze::{Body, Cell, Config, Fate, HALF, Map, Maze, Own, Phase, Score, Seen, Sight, TILE, Way};
use proptest::prelude::*;
use proptest::sample::Index;

fn way() -> impl Strategy<Value = Way> {
    prop::sample::select(Way::ALL.to_vec())
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Waiting),
        Just(Fate::Free),
        (0u32..400).prop_map(|until| Fate::Caught { until }),
        Just(Fate::Escaped),
    ]
}

prop_compose! {
    fn own()(seat in 0u16..8, fate in fate(), carried: u8, catches in 0u8..9) -> Own {
        Own { seat, fate, carried, catches }
    }
}

prop_compose! {
    fn score()(seat in 0u16..8, points in 0u16..90, gain in 0u16..20, flags: [bool; 2]) -> Score {
        Score { seat, points, gain, escaped: flags[0], left: flags[1] }
    }
}

/// A body on the floor of a map, in the middle of a cell or on its way to the next.
fn body(map: &Map, cell: Index, along: u32, facing: Way, going: bool, wanted: Option<Way>) -> Body {
    let floor: Vec<Cell> = map.floor().collect();
    let cell = *cell.get(&floor);
    let mut body = Body { facing, going, wanted, ..Body::at(cell, facing) };
    if matches!(facing, Way::Left | Way::Right) && map.is_floor(cell.next(Way::Right)) {
        body.x += along as i32;
    } else if matches!(facing, Way::Up | Way::Down) && map.is_floor(cell.next(Way::Down)) {
        body.y += along as i32;
    }
    body
}

prop_compose! {
    fn sight()(
        map in (0u32..2, 0u8..2).prop_map(|(seed, size)| Map::new(seed, 11 + size * 10, 11)),
        ticks in (0u32..400, 0u32..400),
        round in (0u8..4, 1u8..5),
        phase in prop::sample::select(vec![Phase::Countdown, Phase::Hunt, Phase::Over]),
        haunter in 0u16..8,
        rules in (1u8..9, 5u16..90),
        own in prop::option::of(own()),
        scores in prop::collection::vec(score(), 0..8),
        bodies in prop::collection::btree_map(0u16..8, (any::<Index>(), 0..TILE as u32, way(), any::<bool>(), prop::option::of(way())), 0..8),
        sparks in prop::collection::btree_set((0u8..11, 0u8..11), 0..12),
    ) -> Sight {
        let bodies = bodies.into_iter().map(|(seat, (cell, along, facing, going, wanted))| {
            Seen { seat, body: body(&map, cell, along, facing, going, wanted) }
        });
        let bodies = bodies.collect();
        Sight {
            map, tick: ticks.0, round: round.0, rounds: round.1, phase, until: ticks.1, haunter,
            need: rules.0, seconds: rules.1, own, scores, bodies,
            sparks: sparks.into_iter().map(Cell::from).collect(),
        }
    }
}

fn change(base: &Sight, now: &Sight, ticks: u32) -> Vec<u8> {
    let mut to = Writer::new();
    now.diff(base, ticks, &mut to);
    to.finish()
}

fn patched(base: &Sight, bytes: &[u8], ticks: u32) -> Sight {
    let mut sight = base.clone();
    let mut from = Reader::new(bytes);
    sight.patch(ticks, &mut from).expect("what was written can be read");
    from.end().expect("nothing is left over");
    sight
}

proptest! {
    #[test]
    fn any_sight_to_any_other(base in sight(), now in sight(), ticks in 0u32..40) {
        prop_assert_eq!(patched(&base, &change(&base, &now, ticks), ticks), now);
    }

    #[test]
    fn whole_sights(sight in sight()) {
        prop_assert_eq!(Sight::from_bytes(&sight.to_bytes()), Ok(sight));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, mut sight in sight(), ticks: u32) {
        let _ = Sight::from_bytes(&bytes);
        let _ = sight.patch(ticks, &mut Reader::new(&bytes));
        prop_assert!(sight.bodies.len() + sight.sparks.len() <= 8 * bytes.len() + 24);
        serde_json::to_string(&sight).expect("the page can be shown it");
    }

    /// A change that was damaged on the way is refused or is a sight; bodies stay where bodies can be.
    #[test]
    fn damaged_changes_never_panic(base in sight(), now in sight(), ticks in 0u32..40, at: Index, bit in 0u8..8) {
        let mut bytes = change(&base, &now, ticks);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let mut sight = base.clone();
        if sight.patch(ticks, &mut Reader::new(&bytes)).is_ok() {
            (0..40).for_each(|_| Maze::replay(&mut sight, Seat(0)));
            for seen in &sight.bodies {
                prop_assert!(sight.map.is_floor(seen.body.cell()), "{seen:?}");
                prop_assert!(seen.body.x % TILE == HALF || seen.body.y % TILE == HALF, "{seen:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Real matches, every seat looked at every few steps: always right.
    #[test]
    fn matches(seed: u64, gaps in prop::collection::vec(1u32..9, 150)) {
        let mut game = Maze::start(&Config { seconds: 8, ..Config::default() }, seed);
        for seat in 0..5 {
            game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
        }
        let mut rng = Rng::new(seed);
        let classes: Vec<ViewClass> = (0..5).map(|seat| ViewClass::Seat(Seat(seat))).chain([ViewClass::Spectator, ViewClass::Shared]).collect();
        let mut seen: Vec<Sight> = classes.iter().map(|&class| game.view(class)).collect();
        let mut inputs = Inputs::new();
        let mut tick = 0;
        for gap in gaps {
            for _ in 0..gap {
                tick += 1;
                let mut cx = Context::new(0, tick);
                if tick == 400 {
                    game.presence(Seat(2), Presence::Dropped, &mut cx);
                }
                game.step(&inputs, &mut cx);
            }
            for (base, &class) in seen.iter_mut().zip(&classes) {
                let now = game.view(class);
                *base = patched(base, &change(base, &now, gap), gap);
                prop_assert_eq!(&*base, &now);
            }
            let seat = rng.below(5) as u16;
            if let Some(input) = Maze::bot(&seen[usize::from(seat)], Seat(seat), &mut rng).input {
                inputs.set(Seat(seat), input);
            }
        }
    }
}

/// The page gets what its view type says.
#[test]
fn the_page_sees_this() {
    let map = Map::new(1, 11, 11);
    let sight = Sight {
        tick: 100,
        round: 1,
        rounds: 4,
        phase: Phase::Hunt,
        until: 400,
        haunter: 1,
        need: 3,
        seconds: 60,
        own: Some(Own { seat: 0, fate: Fate::Free, carried: 2, catches: 0 }),
        scores: vec![Score { seat: 0, points: 7, gain: 2, escaped: false, left: false }],
        bodies: vec![Seen { seat: 0, body: Body::at(Cell { x: 1, y: 1 }, Way::Down) }],
        sparks: vec![Cell { x: 3, y: 1 }],
        map,
    };
    let mut json = serde_json::to_value(&sight).unwrap();
    assert_eq!(json["map"]["walls"].as_str().unwrap().len(), 121);
    assert!(json["light"].as_array().unwrap().len() > 8);
    json["map"]["walls"].take();
    json["light"].take();
    let expected = serde_json::json!({
        "map": {"id": 1, "width": 11, "height": 11, "walls": null, "gates": sight.map.gates()},
        "tile": 240, "tick": 100, "round": 1, "rounds": 4, "phase": "hunt", "left": 300, "haunter": 1, "need": 3,
        "own": {"seat": 0, "fate": {"kind": "free"}, "carried": 2, "catches": 0},
        "scores": [{"seat": 0, "points": 7, "gain": 2, "escaped": false, "left": false}],
        "bodies": [{"seat": 0, "x": 360, "y": 360, "facing": "down", "going": false}],
        "sparks": [[3, 1]], "reach": 1920, "light": null,
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_str::<Option<Way>>("\"up\"").unwrap(), Some(Way::Up));
    assert_eq!(serde_json::from_str::<Option<Way>>("null").unwrap(), None);
}

/// The same seed and the same inputs give the same match, step by step; so does one that was written down and read
/// again on the way.
#[test]
fn the_same_seed_gives_the_same_match() {
    let run = |seed: u64, saved: bool| {
        let mut game = Maze::start(&Config { seconds: 10, ..Config::default() }, seed);
        for seat in 0..6 {
            game.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
        }
        let (mut rng, mut inputs, mut hash) = (Rng::new(3), Inputs::new(), bellhop_wire::Fnv::new());
        for tick in 1..1_500 {
            for seat in 0..6 {
                if rng.one_in(20) {
                    inputs.set(
                        Seat(seat),
                        *rng.pick(&[None, Some(Way::Up), Some(Way::Left), Some(Way::Down), Some(Way::Right)]).unwrap(),
                    );
                }
            }
            game.presence(
                Seat(4),
                if tick == 500 { Presence::Dropped } else { Presence::Live },
                &mut Context::new(0, tick),
            );
            game.step(&inputs, &mut Context::new(0, tick));
            hash = hash.bytes(&game.view(ViewClass::Spectator).to_bytes());
            if saved && tick % 97 == 0 {
                let written = serde_json::to_string(&game).unwrap();
                let read: Maze = serde_json::from_str(&written).unwrap();
                assert_eq!(read, game);
                game = read;
            }
        }
        hash.0
    };
    assert_eq!(run(42, false), run(42, false));
    assert_eq!(run(42, false), run(42, true));
    assert_ne!(run(42, false), run(43, false));
}
