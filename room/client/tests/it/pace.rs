//! Steps come at their time, a late room catches up a little and then drops what it missed.

use std::time::Duration;

use bellhop_game::{Game as _, Rng, Seat};
use bellhop_snake::Snake;
use bellhop_tanks::{Arena, Tanks};
use bellhop_wire::{ToClient, ToServer};
use room_core::{Output, Time, game, replay};

use crate::world::World;

fn running() -> World<Snake> {
    let mut world: World<Snake> = World::seated(2, 3);
    world.pass(Duration::from_millis(1));
    world
}

#[test]
fn five_steps_a_second_by_absolute_deadlines() {
    let mut world = running();
    world.pass(Duration::from_secs(3));
    assert_eq!(world.room.stats().steps, 15);
    assert_eq!(world.room.stats().overruns, 0);
    // The shell wakes late by a different time at every step: nothing adds up.
    let mut now = world.now;
    for late in 0..50 {
        let due = world.room.deadline().unwrap();
        now = Time(due.0 + late * 700).max(now);
        world.room.advance(now);
        while world.room.poll().is_some() {}
    }
    let steps = world.room.stats().steps;
    assert_eq!(steps, (now.0) / 200_000, "after {now:?}");
    let latest = world.room.take_lateness().into_iter().max().unwrap();
    assert_eq!(latest, Duration::from_micros(49 * 700));
}

#[test]
fn four_steps_are_caught_up_the_rest_is_dropped_and_counted() {
    for (late_ms, made, dropped) in [(200, 1, 0), (800, 4, 0), (1_000, 4, 1), (3_000, 4, 11)] {
        let mut world = running();
        world.pass(Duration::from_millis(4_000 - 1));
        let before = world.room.stats();
        world.now = world.now.plus(Duration::from_millis(late_ms));
        world.room.advance(world.now);
        let after = world.room.stats();
        assert_eq!(
            (after.steps - before.steps, after.overruns - before.overruns),
            (made, dropped),
            "{late_ms} ms late"
        );
        let next = world.room.deadline().unwrap().since(world.now);
        assert!(next <= Duration::from_millis(200) && next > Duration::ZERO, "{next:?}");
    }
}

#[test]
fn one_body_per_step_however_many_look() {
    let mut world: World<Snake> = World::seated(8, 3);
    world.pass(Duration::from_secs(5));
    let before = world.room.stats();
    world.pass(Duration::from_secs(10));
    let after = world.room.stats();
    assert_eq!(after.steps - before.steps, 50);
    assert_eq!(after.skipped, before.skipped);
    // 50 states and 5 pongs for each of 8 players.
    assert_eq!(after.frames - before.frames, 8 * 55);
}

#[test]
fn a_stalled_client_is_skipped_and_comes_back_by_one_delta() {
    let mut world: World<Snake> = World::seated(2, 3);
    world.pass(Duration::from_secs(4));
    let keyframes = world.room.stats().keyframes;
    world.player(0).stalled = true;
    world.pass(Duration::from_secs(2));
    let stats = world.room.stats();
    assert!(stats.skipped >= 5, "{stats:?}");
    assert_eq!(stats.recovered, 0);
    world.player(0).stalled = false;
    world.carry();
    world.pass(Duration::from_millis(400));
    let stats = world.room.stats();
    assert_eq!((stats.recovered, stats.keyframes), (1, keyframes), "{stats:?}");
    assert_eq!(world.view(0), world.view(1));
}

#[test]
fn a_client_that_never_reads_is_closed() {
    let mut world: World<Snake> = World::seated(2, 3);
    world.pass(Duration::from_secs(4));
    world.player(0).stalled = true;
    world.pass(Duration::from_secs(17));
    let (code, reason) = world.player(0).closed.clone().unwrap();
    assert_eq!(code, room_core::CloseCode::TooSlow, "{reason}");
    assert!(world.player(1).conn.is_some());
}

#[test]
fn a_hidden_page_gets_events_but_no_state() {
    let mut world: World<Snake> = World::seated(2, 3);
    world.player(0).client.set_visible(false);
    world.pass(Duration::from_secs(12));
    assert_eq!(world.player(0).client.tick(), 0);
    assert_eq!(world.players[&0].events, world.players[&1].events);
    assert!(!world.players[&0].events.is_empty(), "two snakes that go straight on die");
    world.player(0).client.set_visible(true);
    world.pass(Duration::from_millis(300));
    assert_eq!(world.view(0), world.view(1));
}

/// A match of tanks, whose clients hold something new whenever a state came; the states of all, in order. Without `whole`
/// the room is woken when it wants to be, with it at every step.
fn tanks(whole: bool) -> (Vec<Arena>, World<Tanks>, u32) {
    let mut world: World<Tanks> = World::seated(4, 3);
    let (mut rng, mut states, mut wakings, mut step) = (Rng::new(5), Vec::new(), 0, 1);
    let step_at = |step: u64| Time(step * 1_000_000 / 60);
    while let Some(due) = world.room.deadline().filter(|due| *due <= step_at(600)) {
        wakings += 1;
        while whole && step_at(step) < due {
            world.room.advance(step_at(step));
            step += 1;
        }
        world.now = due;
        world.room.advance(due);
        world.carry();
        for (&seat, player) in &mut world.players {
            let view = player.client.view().expect("has a state");
            states.push(view.clone());
            Tanks::bot(view, Seat(seat), &mut rng).input.into_iter().for_each(|input| player.client.set_input(input));
        }
        world.carry();
    }
    (states, world, wakings)
}

#[test]
fn steps_that_nobody_sees_apart_are_made_together() {
    let (states, mut world, wakings) = tanks(false);
    assert_eq!((wakings, world.room.stats().steps), (200, 600));
    assert!(world.room.take_lateness().iter().all(Duration::is_zero), "they were waited for");
    let (seen, whole, _) = tanks(true);
    let (stats, others) = (world.room.stats(), whole.room.stats());
    assert_eq!((stats.frames, stats.bytes, stats.steps), (others.frames, others.bytes, others.steps));
    assert!(seen == states && whole.journal == world.journal, "it is another match");
    let replayed = replay(&[game::<Tanks>()], &world.journal).unwrap();
    assert!(replayed.steps == 600, "{replayed:?}");

    // Woken between, the room makes what is due; late, it makes what it missed, and says by how much it missed it.
    let due = world.room.deadline().unwrap();
    world.room.advance(Time(due.0 - 20_000));
    assert_eq!((world.room.stats().steps, world.room.deadline()), (601, Some(due)));
    world.room.advance(Time(due.0 + 60_000));
    assert_eq!(world.room.take_lateness().into_iter().max(), Some(Duration::from_millis(60)));
    assert_eq!((world.room.stats().steps, world.room.stats().overruns), (606, 0));
    let due = world.room.deadline().unwrap();
    world.room.advance(Time(due.0 + 100_000));
    assert_eq!((world.room.stats().steps, world.room.stats().overruns), (612, 3));
}

#[test]
fn a_ping_counts_the_way_and_not_how_long_it_lay_here() {
    let mut world = running();
    let conn = world.player(0).conn.unwrap();
    let ping = ToServer::Ping { client_ms: 1_000 }.encode();
    world.room.receive_held(world.now, conn, &ping, Duration::from_micros(30_900));
    let Some(Output::Send { frame, .. }) = world.room.poll() else { panic!("no answer") };
    let pong = ToClient::decode(&frame.to_vec());
    assert!(matches!(pong, Ok(ToClient::Pong { client_ms: 1_030, .. })), "{pong:?}");
}
