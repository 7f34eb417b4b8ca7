//! Whatever happens on the way, what a client shows is what the room holds.

use std::time::Duration;

use bellhop_game::{Game, Rng, Seat};
use bellhop_maze::Maze;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;
use proptest::prelude::*;

use crate::crowd::Crowd;
use crate::world::World;

/// Something that happens to a player, or to all.
#[derive(Debug, Clone)]
enum Fate {
    Pass { ms: u64 },
    Think { seat: u16 },
    Cut { seat: u16, arrives: usize },
    Join { seat: u16 },
    Stall { seat: u16 },
    Flow { seat: u16 },
    Hide { seat: u16 },
    Show { seat: u16 },
    Block { seat: u16 },
    Unblock { seat: u16 },
}

fn fate(seats: u16) -> impl Strategy<Value = Fate> {
    let seat = 0..seats;
    prop_oneof![
        4 => (1u64..900).prop_map(|ms| Fate::Pass { ms }),
        6 => seat.clone().prop_map(|seat| Fate::Think { seat }),
        1 => (seat.clone(), 0usize..4).prop_map(|(seat, arrives)| Fate::Cut { seat, arrives }),
        2 => seat.clone().prop_map(|seat| Fate::Join { seat }),
        1 => seat.clone().prop_map(|seat| Fate::Stall { seat }),
        2 => seat.clone().prop_map(|seat| Fate::Flow { seat }),
        1 => seat.clone().prop_map(|seat| Fate::Hide { seat }),
        2 => seat.clone().prop_map(|seat| Fate::Show { seat }),
        1 => seat.clone().prop_map(|seat| Fate::Block { seat }),
        2 => seat.prop_map(|seat| Fate::Unblock { seat }),
    ]
}

fn meet<G: Game>(world: &mut World<G>, fate: &Fate, rng: &mut Rng) {
    let conn_of = |world: &World<G>, seat: u16| world.players.get(&seat).and_then(|player| player.conn);
    match *fate {
        Fate::Pass { ms } => world.pass(Duration::from_millis(ms)),
        Fate::Think { seat } => {
            let Some(player) = world.players.get_mut(&seat) else { return };
            let Some(view) = player.client.view() else { return };
            let moves = G::bot(view, Seat(seat), rng);
            moves.input.into_iter().for_each(|input| player.client.set_input(input));
            moves.commands.iter().for_each(|command| {
                player.client.command(command);
            });
            world.carry();
        }
        Fate::Cut { seat, arrives } => world.cut(seat, arrives),
        Fate::Join { seat } if conn_of(world, seat).is_none() => {
            // A seat that was given up stays given up, a match that is over stays over.
            let _ = world.try_join(seat);
        }
        Fate::Join { .. } => {}
        Fate::Stall { seat } | Fate::Flow { seat } => {
            if let Some(player) = world.players.get_mut(&seat) {
                player.stalled = matches!(fate, Fate::Stall { .. });
            }
            world.carry();
        }
        Fate::Hide { seat } | Fate::Show { seat } => {
            if let Some(player) = world.players.get_mut(&seat) {
                player.client.set_visible(matches!(fate, Fate::Show { .. }));
            }
            world.carry();
        }
        Fate::Block { seat } => {
            if let Some(conn) = conn_of(world, seat) {
                world.room.blocked(conn);
            }
        }
        Fate::Unblock { seat } => {
            if let Some(conn) = conn_of(world, seat) {
                world.room.writable(world.now, conn);
                world.carry();
            }
        }
    }
}

/// Everything works again; everybody who may is back.
fn heal<G: Game>(world: &mut World<G>, seats: u16) {
    for seat in 0..seats {
        meet(world, &Fate::Flow { seat }, &mut Rng::new(0));
        meet(world, &Fate::Unblock { seat }, &mut Rng::new(0));
        meet(world, &Fate::Show { seat }, &mut Rng::new(0));
        meet(world, &Fate::Join { seat }, &mut Rng::new(0));
    }
    world.pass(Duration::from_millis(600));
}

/// `shared`: what happens is told to all.
fn differential<G: Game>(seats: u16, seed: u64, fates: &[Fate], shared: bool) -> Result<(), TestCaseError>
where
    G::View: std::fmt::Debug,
    G::Event: std::fmt::Debug + PartialEq,
{
    let mut world: World<G> = World::seated(seats, seed);
    let mut rng = Rng::new(seed);
    for fate in fates {
        meet(&mut world, fate, &mut rng);
    }
    heal(&mut world, seats);
    let again = room_core::replay(&[room_core::game::<G>()], &world.journal);
    prop_assert!(again.is_ok(), "played again from its journal: {:?}", again);
    let mut told = Vec::new();
    for seat in 0..seats {
        if world.players[&seat].conn.is_none() {
            continue; // the match is over, or the seat was given up
        }
        let shown = world.view(seat);
        prop_assert_eq!(shown, world.truth(seat), "seat {}", seat);
        prop_assert_eq!(world.players[&seat].client.stats(0.0).desyncs, 0);
        told.push(seat);
    }
    for seat in told.iter().filter(|_| shared) {
        let events = |seat: u16| &world.players[&seat].events;
        prop_assert_eq!(events(*seat), events(told[0]), "everybody is told every event once and in order");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn snake(seed: u64, fates in prop::collection::vec(fate(4), 1..80)) {
        differential::<Snake>(4, seed, &fates, true)?;
    }

    #[test]
    fn tictactoe(seed: u64, fates in prop::collection::vec(fate(2), 1..60)) {
        differential::<TicTacToe>(2, seed, &fates, true)?;
    }

    #[test]
    fn maze(seed: u64, fates in prop::collection::vec(fate(4), 1..60)) {
        differential::<Maze>(4, seed, &fates, false)?;
    }

    #[test]
    fn sketch(seed: u64, fates in prop::collection::vec(fate(3), 1..80)) {
        differential::<Sketch>(3, seed, &fates, true)?;
    }
}

proptest! {
    // Sixty steps a second: fewer matches do.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn tanks(seed: u64, fates in prop::collection::vec(fate(4), 1..60)) {
        differential::<Tanks>(4, seed, &fates, true)?;
    }

    #[test]
    fn crowd(seed: u64, fates in prop::collection::vec(fate(3), 1..60)) {
        differential::<Crowd>(3, seed, &fates, true)?;
    }
}

/// The same seed and the same fates, twice: the same bytes.
#[test]
fn the_same_seed_gives_the_same_match() {
    let run = || {
        let mut world: World<Snake> = World::seated(4, 11);
        let mut rng = Rng::new(11);
        let mut seen = Vec::new();
        for round in 0..400 {
            meet(&mut world, &Fate::Think { seat: round % 4 }, &mut rng);
            meet(&mut world, &Fate::Pass { ms: 37 }, &mut rng);
            seen.push(format!("{:?}", world.players[&0].client.view()));
        }
        (seen, world.room.stats())
    };
    assert!(run() == run());
}
