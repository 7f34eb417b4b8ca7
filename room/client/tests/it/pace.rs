//! Steps come at their time, a late room catches up a little and then drops what it missed.

use std::time::Duration;

use bellhop_snake::Snake;
use room_core::Time;

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
