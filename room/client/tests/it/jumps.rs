//! A room that stood still while its players did not, with its machine or alone: nobody pays for that it did not listen.

use std::time::Duration;

use bellhop_game::Game;
use bellhop_snake::Snake;
use bellhop_tanks::{Input, Tanks};
use bellhop_tictactoe::{Command, TicTacToe};
use bellhop_wire::{Presence, ToServer};
use room_core::{Audience, CloseCode, MatchSpec, Status, Time, game, replay};

use crate::world::{World, spec};

/// Within what nobody notices, around every limit of the room, and far beyond all of them; in milliseconds.
const STOPS: [u64; 11] = [800, 1_900, 3_000, 4_900, 5_500, 9_900, 14_600, 15_500, 29_500, 31_000, 300_000];

impl<G: Game> World<G> {
    /// The room stands still, and time passes for all others.
    fn stand_still(&mut self, stop: u64) {
        self.now = self.now.plus(Duration::from_millis(stop));
    }

    /// It goes on, and looks at its clock before it hears anything.
    fn wake(&mut self) {
        self.room.advance(self.now);
        self.carry();
    }

    fn presence(&self, seat: u16) -> Presence {
        self.room.seats()[usize::from(seat)].presence
    }
}

#[test]
fn nobody_is_closed_and_every_seat_is_held_as_long_as_before() {
    for stop in STOPS {
        // The first that it hears of may also be one of its players.
        for hears_first in [false, true] {
            let audience = Audience { most: 4, delay: Duration::ZERO };
            let mut world: World<Tanks> = World::configured(MatchSpec { audience, ..spec("tanks", 3, 3) });
            (0..3).for_each(|seat| world.join(seat));
            let watcher = world.watch("w-1").unwrap();
            world.pass(Duration::from_secs(2));
            world.cut(2, 0);
            world.pass(Duration::from_secs(5));
            // What the room sent last is not acknowledged yet.
            world.player(1).stalled = true;
            world.pass(Duration::from_millis(300));
            world.stand_still(stop);
            world.player(1).stalled = false;
            if hears_first {
                world.say(0, &ToServer::Ping { client_ms: 0 }.encode());
            }
            world.wake();
            world.pass(Duration::from_secs(10));
            for player in [&world.players[&0], &world.players[&1], &world.watchers[watcher]] {
                assert!(player.conn.is_some() && player.closed.is_none(), "{:?} after {stop} ms", player.closed);
            }
            assert_eq!(world.presence(2), Presence::Dropped, "after {stop} ms");
            world.join(2);
            assert_eq!(world.presence(2), Presence::Live, "after {stop} ms");
            // And not for longer.
            world.cut(2, 0);
            world.pass(Duration::from_secs(29));
            assert_eq!(world.presence(2), Presence::Dropped);
            world.pass(Duration::from_secs(2));
            assert_eq!(world.presence(2), Presence::Left);
        }
    }
}

#[test]
fn a_match_does_not_begin_without_those_who_came_while_it_stood_still() {
    for stop in STOPS {
        let mut world: World<Snake> = World::new(3, 3);
        world.join(0);
        world.join(1);
        world.pass(Duration::from_millis(200));
        world.stand_still(stop);
        world.wake();
        assert!(matches!(world.room.status(), Status::Playing { running: false, .. }), "after {stop} ms");
        world.join(2);
        assert!(matches!(world.room.status(), Status::Playing { running: true, .. }), "after {stop} ms");
    }
}

#[test]
fn a_socket_that_is_about_to_say_hello_is_heard() {
    for stop in STOPS {
        let mut world: World<Snake> = World::new(2, 3);
        world.join(0);
        let conn = room_core::ConnId(50);
        world.room.admit(world.now, conn, &crate::world::claim(1, 9), &mut crate::world::seal).unwrap();
        world.stand_still(stop);
        world.wake();
        let schema = bellhop_game::schema::<Snake>();
        let hello = ToServer::Hello(bellhop_wire::Hello { schema, events_seen: None });
        world.room.receive(world.now, conn, &hello.encode());
        assert_eq!(world.presence(1), Presence::Live, "after {stop} ms");
    }
}

#[test]
fn no_clock_of_a_game_of_moves_runs_while_its_room_stands_still() {
    for stop in STOPS {
        let mut world: World<TicTacToe> = World::seated(2, 3);
        let mover = world.view(0).state().turn;
        let before = world.view(0).state().clocks_ms[usize::from(mover)];
        world.pass(Duration::from_secs(20));
        world.stand_still(stop);
        // His move lies there unread; the clock is looked at first.
        world.wake();
        assert_eq!(world.command(mover.into(), &Command::Place { cell: 4 }), "", "after {stop} ms");
        let thought = before - world.view(0).state().clocks_ms[usize::from(mover)];
        // What was asked for before counts: the room is to look at its clock each second, and is late by less at times.
        assert!((20_000..=22_000).contains(&thought), "{thought} ms after {stop} ms");
        let next = 1 - mover;
        world.pass(Duration::from_secs(59));
        assert_eq!(world.command(next.into(), &Command::Place { cell: 0 }), "", "he has all of his time");
        world.pass(Duration::from_secs(61));
        let replayed = replay(&[game::<TicTacToe>()], &world.journal);
        assert!(replayed.is_ok(), "{replayed:?}");
        assert_ne!(world.view(0).state().wins, [0, 0], "and no more than that");
    }
}

#[test]
fn inputs_that_gathered_while_a_room_stood_still_are_no_flood() {
    for stop in STOPS.into_iter().filter(|stop| *stop <= 31_000) {
        let mut world: World<Tanks> = World::seated(2, 3);
        world.pass(Duration::from_secs(2));
        let conn = world.player(0).conn.unwrap();
        // He turns his turret sixty times a second.
        let mut gathered = Vec::new();
        for step in 0..stop * 60 / 1_000 {
            let now_ms = world.now_ms() + step as f64 * 1_000.0 / 60.0;
            let player = world.player(0);
            player.client.set_input(Input { aim: (step % 1_000) as u16, ..Input::default() });
            gathered.extend(player.client.outgoing(now_ms));
        }
        assert!(gathered.len() as u64 >= stop * 59 / 1_000, "{} messages in {stop} ms", gathered.len());
        world.stand_still(stop);
        for message in gathered {
            world.room.receive(world.now, conn, &message);
        }
        world.carry();
        assert_eq!(world.player(0).closed, None, "after {stop} ms");
        world.pass(Duration::from_secs(3));
        assert_eq!(world.player(0).closed, None, "after {stop} ms");
    }
    // He who says more than can have gathered is closed all the same.
    let mut world: World<Tanks> = World::seated(2, 3);
    world.pass(Duration::from_secs(2));
    world.stand_still(3_000);
    world.wake();
    let ping = ToServer::Ping { client_ms: 0 }.encode();
    let said = (1..1_000).find(|_| {
        world.say(0, &ping);
        world.player(0).closed.is_some()
    });
    assert!(said.is_some_and(|said| said < 500), "{said:?}");
    assert_eq!(world.player(0).closed.as_ref().unwrap().0, CloseCode::Flood);
}

#[test]
fn a_match_of_steps_goes_on_where_it_stood() {
    let mut world: World<Tanks> = World::seated(2, 3);
    world.pass(Duration::from_secs(2));
    let before = world.room.stats();
    world.stand_still(3_000);
    world.wake();
    let after = world.room.stats();
    assert!(after.steps - before.steps <= 6 && after.overruns > 170, "{after:?}");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.room.stats().overruns, after.overruns, "it keeps its pace");
    assert_eq!(world.truth(0), world.view(1), "and all see the same");
    assert!(replay(&[game::<Tanks>()], &world.journal).is_ok());
}

#[test]
fn the_end_of_a_drain_stays_where_it_is() {
    let mut world: World<Snake> = World::seated(2, 3);
    world.pass(Duration::from_secs(1));
    let until = world.now.plus(Duration::from_secs(5));
    world.room.drain(world.now, until);
    world.stand_still(10_000);
    world.wake();
    let reason = world.result.as_ref().map(|result| result.reason.as_str());
    assert_eq!(reason, Some("the room stopped"), "who drains a node does not wait");
}

#[test]
fn an_owner_who_comes_when_he_is_asked_to_never_stood_still() {
    let mut world: World<TicTacToe> = World::new(2, 1);
    let mut last = world.now;
    while let Some(due) = world.room.deadline() {
        assert!(due > last && due <= last.plus(Duration::from_secs(1)), "{due:?} after {last:?}");
        // He may be late by a little.
        last = Time(due.0 + 900_000);
        world.now = last;
        world.wake();
    }
    assert!(world.result.is_some() && last <= Time(33_000_000), "nobody came in 30 s, at {last:?}");
}
