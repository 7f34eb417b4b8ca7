//! What leaves the room: every frame that every seat is sent, against what that seat may know.
//!
//! A match runs through the real room and the real clients, and beside it the rules alone with the same seed and
//! inputs, so that the test knows the truth. Lines of sight are judged here by another, slower geometry.

#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use bellhop_game::{Context, Game, Inputs, Reader, Rng, Seat, ViewClass, Who, Wire as _};
use bellhop_maze::{Body, Cell, Config, Fate, Map, Maze, MazeEvent, Phase, Sight, TILE, Way};
use bellhop_wire::{Meant, ToServer};
use room_client::{Client, News};
use room_core::{Claim, ConnId, MatchSpec, Output, Room, SeatSpec, Time};

const SEATS: u16 = 5;

/// The frames that each seat was sent.
type Sent = Vec<Vec<Vec<u8>>>;
/// What the game told, and to whom.
type Told = Vec<(Option<ViewClass>, MazeEvent)>;

/// A room with its clients, and the truth.
struct World {
    room: Room,
    clients: Vec<Client<Maze>>,
    truth: Maze,
    inputs: Inputs<Option<Way>>,
    tick: u32,
    over: bool,
}

impl World {
    fn new(seed: u64, config: &Config) -> World {
        let mut room = Room::new(&[room_core::game::<Maze>()], 1);
        let seat = |seat: u16| SeatSpec {
            seat,
            player: format!("p-{seat}"),
            name: format!("p{seat}"),
            tag: String::new(),
            team: 0,
        };
        let config_json = serde_json::to_string(config).unwrap();
        let spec = MatchSpec {
            match_id: "m".into(),
            epoch: 1,
            game: "maze".into(),
            config_json,
            seed,
            seats: (0..SEATS).map(seat).collect(),
            max_seats: SEATS,
            journal: Vec::new(),
            audience: room_core::Audience::default(),
            chat: false,
        };
        room.host(Time(0), spec).unwrap();
        let mut world = World {
            room,
            clients: (0..SEATS).map(|_| Client::new()).collect(),
            truth: Maze::start(config, seed),
            inputs: Inputs::new(),
            tick: 0,
            over: false,
        };
        for seat in 0..SEATS {
            let claim = Claim {
                epoch: 1,
                match_id: "m".into(),
                player: format!("p-{seat}"),
                seat,
                nonce: u64::from(seat),
                resume: false,
            };
            world.room.admit(Time(0), ConnId(u64::from(seat)), &claim, &mut |_| String::new()).unwrap();
            let hello = world.clients[usize::from(seat)].hello();
            world.room.receive(Time(0), ConnId(u64::from(seat)), &hello);
            world.truth.join(Seat(seat), &Who { name: format!("p{seat}"), team: 0 }, &mut Context::new(0, 0));
        }
        world.carry();
        world
    }

    fn now(&self) -> Time {
        Time(u64::from(self.tick) * 1_000_000 / 60)
    }

    /// Carries messages both ways; what each seat was sent.
    fn carry(&mut self) -> Sent {
        let now = self.now();
        let now_ms = now.0 as f64 / 1_000.0;
        let mut sent = vec![Vec::new(); usize::from(SEATS)];
        loop {
            let mut quiet = true;
            while let Some(output) = self.room.poll() {
                quiet = false;
                match output {
                    Output::Send { conn, frame } => {
                        let bytes = frame.to_vec();
                        self.clients[conn.0 as usize].receive(&bytes, now_ms).unwrap();
                        sent[conn.0 as usize].push(bytes);
                    }
                    Output::Result(_) => self.over = true,
                    Output::Close { .. } | Output::SeatsChanged | Output::Ask { .. } | Output::Journal(_) => {}
                }
            }
            for (at, client) in self.clients.iter_mut().enumerate() {
                for message in client.outgoing(now_ms) {
                    quiet = false;
                    if let ToServer::Input { payload, .. } = ToServer::decode(&message).unwrap() {
                        let mut from = Reader::new(&payload);
                        let meant = Meant::read(&mut from, self.tick).unwrap();
                        let input = Option::<Way>::read(&mut from).unwrap();
                        self.inputs.plan(Seat(at as u16), self.tick, meant.at, meant.behind, input);
                    }
                    self.room.receive(now, ConnId(at as u64), &message);
                }
            }
            if quiet {
                return sent;
            }
        }
    }

    fn hold(&mut self, seat: u16, way: Option<Way>) {
        self.clients[usize::from(seat)].set_input(way);
    }

    fn think(&mut self, seat: u16, rng: &mut Rng) {
        let Some(view) = self.clients[usize::from(seat)].view() else { return };
        if let Some(input) = Maze::bot(view, Seat(seat), rng).input {
            self.hold(seat, input);
        }
    }

    /// One step of the room and of the truth; what each seat was sent, and what the game told.
    fn step(&mut self) -> (Sent, Told) {
        let before = self.carry();
        self.tick += 1;
        self.room.advance(self.now());
        let mut cx = Context::new(u64::from(self.tick) * 1_000 / 60, self.tick);
        self.inputs.begin(self.tick, 0);
        self.truth.step(&self.inputs, &mut cx);
        self.inputs.stepped();
        let mut sent = self.carry();
        for (sent, before) in sent.iter_mut().zip(before) {
            sent.splice(0..0, before);
        }
        (sent, cx.take_events())
    }

    fn all(&self) -> Sight {
        self.truth.view(ViewClass::Spectator)
    }
}

/// Whether some of a body around `to` can be seen, by walking there in small steps. Generous: within a few units.
fn in_sight(map: &Map, from: &Body, to: (i32, i32), size: i32, reach: i32) -> bool {
    let clear = |x: i32, y: i32| {
        (0..=600_i64).all(|part| {
            let at = |from: i32, to: i32| (i64::from(from) * 600 + i64::from(to - from) * part).div_euclid(600) as i32;
            let (px, py) = (at(from.x, x), at(from.y, y));
            let open = |dx: i32, dy: i32| !map.is_wall((px + dx).div_euclid(TILE), (py + dy).div_euclid(TILE));
            open(0, 0) || open(3, 0) || open(-3, 0) || open(0, 3) || open(0, -3)
        })
    };
    let near = from.distance_squared(to) <= i64::from(reach + 3) * i64::from(reach + 3);
    near && [(0, 0), (size, 0), (-size, 0), (0, size), (0, -size)].iter().any(|(dx, dy)| clear(to.0 + dx, to.1 + dy))
}

fn reach(all: &Sight, seat: u16) -> i32 {
    if seat == all.haunter { 7 * TILE } else { 8 * TILE }
}

/// Every frame of every seat, decoded: it shows what is in sight and nothing else, and no more is told than seen.
#[test]
fn nothing_out_of_sight_leaves_the_room() {
    let (mut seen, mut hidden, mut told) = (0_u32, 0_u32, 0_u32);
    for seed in 0..3 {
        let mut world = World::new(seed, &Config { seconds: 25, rounds: 2, ..Config::default() });
        let mut rng = Rng::new(seed);
        while !world.over && world.tick < 5_000 {
            for seat in 0..SEATS {
                if world.tick.is_multiple_of(3) {
                    world.think(seat, &mut rng);
                }
            }
            let before = world.all();
            let (sent, events) = world.step();
            let all = world.all();
            for seat in 0..SEATS {
                let client = &mut world.clients[usize::from(seat)];
                let news: Vec<_> = client
                    .news()
                    .into_iter()
                    .filter_map(|news| match news {
                        News::Event(event) => Some(event),
                        News::Welcome(..)
                        | News::Watching(..)
                        | News::Said(_)
                        | News::Unsaid(_)
                        | News::Removed(..)
                        | News::Roster(_)
                        | News::Accepted(_)
                        | News::Refused(..)
                        | News::Notice(_)
                        | News::Ended(_) => None,
                    })
                    .collect();
                told += news.len() as u32;
                // The game tells events to seats, and only to those who saw: judged where he stood in this step.
                for (class, event) in &events {
                    if *class == Some(ViewClass::Seat(Seat(seat))) {
                        let (MazeEvent::Caught { seat: whom }
                        | MazeEvent::Escaped { seat: whom }
                        | MazeEvent::Taken { seat: whom }) = *event;
                        let eye = all.body(seat).or(before.body(seat)).expect("a witness stands somewhere");
                        let body = all.body(whom).or(before.body(whom)).expect("it happens to somebody");
                        assert!(
                            seat == whom || in_sight(&all.map, eye, (body.x, body.y), 100, reach(&all, seat) + 40),
                            "{event:?} told to {seat}"
                        );
                    }
                    assert!(class.is_some(), "nothing is told to all");
                }
                if sent[usize::from(seat)].is_empty() {
                    continue;
                }
                let view = client.view().expect("a state came");
                if view.tick != all.tick {
                    continue;
                }
                assert_eq!(
                    *view,
                    world.truth.view(ViewClass::Seat(Seat(seat))),
                    "the client holds what the room means"
                );
                let Some(own) = all.body(seat) else {
                    assert!(view.bodies.is_empty() && view.sparks.is_empty(), "who is not in the maze sees nothing");
                    continue;
                };
                for body in &all.bodies {
                    let shown = view.body(body.seat);
                    if let Some(shown) = shown.filter(|_| body.seat != seat) {
                        assert!(
                            in_sight(&all.map, own, (body.body.x, body.body.y), 72, reach(&all, seat)),
                            "{seat} sees {body:?}"
                        );
                        assert_eq!(shown.wanted, body.body.from_outside().wanted, "what he holds is his own");
                        seen += 1;
                    }
                    hidden += u32::from(shown.is_none());
                }
                for spark in &view.sparks {
                    assert!(in_sight(&all.map, own, spark.middle(), 0, reach(&all, seat)), "{seat} sees {spark:?}");
                }
                // Of how others do, nothing is known before the round is over.
                if all.phase != Phase::Over {
                    let old =
                        |sight: &Sight| sight.scores.iter().map(|score| (score.seat, score.points)).collect::<Vec<_>>();
                    assert!(before.phase == Phase::Over || old(view) == old(&before));
                }
            }
        }
    }
    assert!(seen > 500 && hidden > 2_000 && told > 30, "{seen} seen, {hidden} hidden, {told} told");
}

/// The strongest form: two matches that differ only in what one player does. As long as nothing that differs is in
/// sight of another, that one is sent the same bytes at the same times.
#[test]
fn what_one_does_unseen_changes_not_a_bit_of_what_others_are_sent() {
    let (mut same, mut parted) = (0_u32, 0_u32);
    for seed in 0..12 {
        let config = Config { seconds: 20, ..Config::default() };
        let [mut one, mut other] = [World::new(seed, &config), World::new(seed, &config)];
        let mut rng = Rng::new(seed);
        // The one who differs collects, so that he cannot end anything for the others.
        let actor = (0..SEATS).find(|&seat| seat != one.all().haunter).unwrap();
        let mut watched: Vec<u16> = (0..SEATS).filter(|&seat| seat != actor).collect();
        while !watched.is_empty() {
            if one.tick.is_multiple_of(20) {
                for seat in 0..SEATS {
                    let ways = [Some(Way::Up), Some(Way::Right), Some(Way::Down), Some(Way::Left), None];
                    let (first, second) = (*rng.pick(&ways).unwrap(), *rng.pick(&ways).unwrap());
                    one.hold(seat, first);
                    other.hold(seat, if seat == actor { second } else { first });
                }
            }
            let (sent, others) = (one.step().0, other.step().0);
            let (a, b) = (one.all(), other.all());
            if a.phase == Phase::Over || b.phase == Phase::Over {
                break; // points are told to all
            }
            watched.retain(|&seat| {
                let (Some(eye), Some(_)) = (a.body(seat), b.body(seat)) else { return false };
                if sent[usize::from(seat)] == others[usize::from(seat)] {
                    same += sent[usize::from(seat)].len() as u32;
                    return true;
                }
                // From now on they may differ: then something that differs is in his sight.
                let size = |all: &Sight| reach(all, seat);
                let bodies = a.bodies.iter().chain(&b.bodies).filter(|seen| a.body(seen.seat) != b.body(seen.seat));
                let body_seen =
                    bodies.clone().any(|seen| in_sight(&a.map, eye, (seen.body.x, seen.body.y), 75, size(&a) + 50));
                let sparks = a
                    .sparks
                    .iter()
                    .filter(|spark| !b.sparks.contains(spark))
                    .chain(b.sparks.iter().filter(|spark| !a.sparks.contains(spark)));
                let spark_seen = sparks.clone().any(|spark| in_sight(&a.map, eye, spark.middle(), 3, size(&a) + 50));
                assert!(
                    body_seen || spark_seen || eye != b.body(seat).unwrap(),
                    "seed {seed}, step {}: seat {seat} was sent a difference it cannot see",
                    one.tick
                );
                parted += 1;
                false
            });
        }
    }
    assert!(same > 3_000 && parted > 3, "{same} frames alike, {parted} times a difference was seen");
}

/// Where the haunter and everybody begins, where sparks lie: all that a match's seed decides before anybody moves.
fn secrets(maze: &Maze) -> (u16, Vec<Cell>, Vec<Cell>) {
    let all = maze.view(ViewClass::Spectator);
    (all.haunter, all.bodies.iter().map(|seen| seen.body.cell()).collect(), all.sparks)
}

fn started(seed: u64, map: u32) -> Maze {
    let mut maze = Maze::start(&Config { map, ..Config::default() }, seed);
    for seat in 0..SEATS {
        maze.join(Seat(seat), &Who { name: String::new(), team: 0 }, &mut Context::new(0, 0));
    }
    maze
}

/// A client knows the map's seed. It tries what it can: as the match's seed, shifted, mixed, doubled, and the numbers
/// that come after it.
#[test]
fn nothing_follows_from_the_seed_of_the_map() {
    let (mut tries, mut hits, mut by_chance) = (0_u32, 0_u32, 0_u32);
    for seed in 0..24_u64 {
        let seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
        let maze = started(seed, 0);
        let map = maze.view(ViewClass::Spectator).map;
        let known = u64::from(map.seed());
        assert!(known != seed && known != seed >> 32 && known != seed & 0xffff_ffff);
        let real = secrets(&maze);
        let guesses = (0..16).map(|step| known + step).chain([
            known << 32,
            known << 32 | known,
            !known,
            known.reverse_bits(),
            known.swap_bytes(),
        ]);
        for guess in guesses.chain(std::iter::once(Rng::new(known).bits())) {
            // The attacker runs the rules on the same map.
            let guessed = secrets(&started(guess, map.seed()));
            assert_ne!(guessed.2, real.2, "the sparks follow from the map's seed");
            assert_ne!(guessed.1, real.1, "the places follow from the map's seed");
            tries += 1;
            hits += real.2.iter().filter(|spark| guessed.2.contains(spark)).count() as u32;
            // As good as somebody who guesses with any other number.
            let blind = secrets(&started(seed ^ guess ^ 0xabcd_ef01_2345, map.seed()));
            by_chance += real.2.iter().filter(|spark| blind.2.contains(spark)).count() as u32;
        }
    }
    assert!(tries > 400 && hits * 10 < by_chance * 12, "{hits} sparks guessed, {by_chance} by chance");
}

/// One map, many matches: what they hide is different in each.
#[test]
fn the_same_map_hides_something_else_in_every_match() {
    let mut seen: Vec<_> = (0..40).map(|seed| secrets(&started(seed, 77))).collect();
    assert!((0..40).all(|seed| started(seed, 77).view(ViewClass::Shared).map.seed() == 77));
    let haunters: std::collections::BTreeSet<u16> = seen.iter().map(|secrets| secrets.0).collect();
    assert_eq!(haunters.len(), usize::from(SEATS), "everybody is the first to haunt in some match");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 40);
}

/// What is sent to who sees nobody has one size, whatever the others do.
#[test]
fn a_keyframe_tells_a_seat_its_own_fate_alone() {
    let maze = started(5, 0);
    for seat in 0..SEATS {
        let view = maze.view(ViewClass::Seat(Seat(seat)));
        assert_eq!(view.own.map(|own| (own.seat, own.fate)), Some((seat, Fate::Free)));
        let others = view.bodies.iter().filter(|seen| seen.seat != seat);
        assert!(others.clone().count() < usize::from(SEATS) - 1);
    }
    assert!(maze.view(ViewClass::Shared).bodies.is_empty());
    assert!(maze.view(ViewClass::Team(0)).bodies.is_empty());
}
