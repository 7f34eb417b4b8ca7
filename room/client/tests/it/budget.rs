//! Of a game that changes more than a frame should carry, each frame carries what matters most, and nothing waits for long.

use std::time::Duration;

use bellhop_game::{Game, View as _, Writer};
use bellhop_wire::limits::MOST_CHANGE_BYTES;
use room_core::{Audience, MatchSpec, Playback, Time, game, replay};

use crate::crowd::{Crowd, Field, Order, THINGS};
use crate::world::{Player, World, spec};

/// Between two states.
const SEND: Duration = Duration::from_millis(2 * 1_000 / 30);
/// What changes needs three frames: who is not in one of them is in one of the next two.
const MOST_WAITS: usize = 2;

fn crowd(delay: Duration) -> World<Crowd> {
    let audience = Audience { most: 4, delay };
    let mut world: World<Crowd> = World::configured(MatchSpec { audience, ..spec(Crowd::NAME, 2, 3) });
    (0..2).for_each(|seat| world.join(seat));
    world.pass(SEND * 2);
    world
}

fn order(world: &mut World<Crowd>, order: Order) {
    world.player(0).client.command(&order);
    world.carry();
}

/// What the match was at each step, by its journal.
fn truth(world: &World<Crowd>) -> Playback<Crowd> {
    replay(&[game::<Crowd>()], &world.journal).expect("played again it is the same");
    let config = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
    Playback::open(&world.journal, config).expect("the journal is sound")
}

fn at_step(truth: &mut Playback<Crowd>, step: u32) -> Field {
    truth.seek((u64::from(step) * 1_000).div_ceil(u64::from(Crowd::RATE_HZ)));
    truth.view(None)
}

fn at_end(world: &World<Crowd>) -> Field {
    let mut truth = truth(world);
    truth.seek(u64::MAX);
    truth.view(None)
}

/// The longest frame since this was last asked, and how many there were.
fn frames(player: &mut Player<Crowd>) -> (usize, usize) {
    let sizes = std::mem::take(&mut player.sizes);
    (sizes.iter().copied().max().unwrap_or_default(), sizes.len())
}

/// For how many sends the longest-waiting of what is shown has waited.
fn longest_wait(truth: &mut Playback<Crowd>, step: u32, shown: &Field) -> usize {
    let before: Vec<Field> = (0..20)
        .map_while(|sends| step.checked_sub(sends * Crowd::SEND_EVERY))
        .map(|step| at_step(truth, step))
        .collect();
    let waited = |thing: usize| before.iter().position(|field| field.things[thing] == shown.things[thing]);
    (0..THINGS).map(|thing| waited(thing).expect("it was there once, and not long ago")).max().unwrap_or_default()
}

#[test]
fn a_frame_carries_what_fits_and_nothing_waits_for_long() {
    let mut world = crowd(Duration::ZERO);
    let mut seen = Vec::new();
    world.players.values_mut().for_each(|player| player.sizes.clear());
    for _ in 0..60 {
        world.pass(SEND);
        assert_eq!(world.view(0), world.view(1), "all see the same");
        seen.push((world.players[&0].client.tick(), world.view(0)));
    }
    for seat in 0..2 {
        let (longest, count) = frames(world.player(seat));
        assert!(count >= 55, "{count} frames");
        assert!((1_000..=MOST_CHANGE_BYTES).contains(&longest), "{longest} bytes");
        assert_eq!(world.players[&seat].client.stats(0.0).desyncs, 0);
    }
    assert_eq!(world.room.stats().keyframes, 2, "one for each, when he came");
    world.pass(Duration::from_secs(1));
    let mut truth = truth(&world);
    let (first, last) = (at_step(&mut truth, seen[0].0), at_step(&mut truth, seen[0].0 + Crowd::SEND_EVERY));
    let mut whole = Writer::new();
    last.diff(&first, Crowd::SEND_EVERY, &mut whole);
    let whole = whole.finish().len();
    assert!(whole > 2 * MOST_CHANGE_BYTES, "{whole} bytes, if nothing were held back");
    let waits: Vec<usize> = seen.iter().map(|(step, shown)| longest_wait(&mut truth, *step, shown)).collect();
    assert!(waits.iter().any(|&sends| sends > 0), "something is held back");
    assert!(waits.iter().all(|&sends| sends <= MOST_WAITS), "{waits:?}");
}

#[test]
fn who_stands_still_is_soon_seen_where_he_is() {
    let mut world = crowd(Duration::ZERO);
    world.pass(Duration::from_secs(1));
    order(&mut world, Order::Run { on: false });
    world.pass(SEND * (MOST_WAITS as u32 + 1));
    let shown = world.view(0);
    assert_eq!(shown, world.truth(0), "what was published");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.view(0), shown, "nothing came later");
    assert_eq!(at_end(&world), shown, "what is");
}

#[test]
fn events_go_first_and_leave_room_for_the_state() {
    for (times, most) in [(30, MOST_CHANGE_BYTES), (200, 8 * 1_024)] {
        let mut world = crowd(Duration::ZERO);
        world.pass(Duration::from_secs(1));
        frames(world.player(1));
        let mut seen = Vec::new();
        for _ in 0..20 {
            order(&mut world, Order::Shout { times });
            world.pass(SEND);
            seen.push((world.players[&1].client.tick(), world.view(1)));
        }
        let (longest, _) = frames(world.player(1));
        assert!(longest > 900 && longest <= most, "{times} events: {longest} bytes");
        let numbers: Vec<u32> = world.players[&1].events.iter().map(|event| event.number).collect();
        let all = 20 * u32::from(times);
        assert!(numbers.len() as u32 >= all, "{} events", numbers.len());
        assert!(numbers.iter().zip(1..).all(|(&number, nth)| number == nth), "each once and in order");
        world.pass(Duration::from_secs(1));
        let mut truth = truth(&world);
        for (step, shown) in seen {
            let sends = longest_wait(&mut truth, step, &shown);
            assert!(sends <= 16, "{times} events: {sends} sends");
        }
    }
}

#[test]
fn a_match_that_stands_still_or_ends_is_shown_whole() {
    // All players are gone, and one looks on.
    let mut world = crowd(Duration::ZERO);
    let watcher = world.watch("w").unwrap();
    world.pass(Duration::from_secs(1));
    (0..2).for_each(|seat| world.cut(seat, 0));
    let shown = world.watchers[watcher].client.view().cloned();
    world.pass(Duration::from_secs(1));
    assert_eq!(shown, world.watchers[watcher].client.view().cloned(), "time stands still");
    assert_eq!(shown, Some(at_end(&world)));

    // A player ends it.
    let mut world = crowd(Duration::ZERO);
    world.pass(Duration::from_secs(1));
    order(&mut world, Order::End);
    assert!(world.result.is_some());
    assert_eq!(world.view(1), at_end(&world));

    // The room stops, be it between a state that was sent and the next step.
    for ms in (300..300 + SEND.as_millis() as u64).step_by(10) {
        let mut world = crowd(Duration::ZERO);
        world.room.drain(world.now, world.now.plus(Duration::from_millis(ms)));
        world.pass(Duration::from_secs(1));
        assert!(world.result.is_some());
        assert_eq!(world.view(1), at_end(&world), "after {ms} ms");
    }
}

#[test]
fn who_watches_later_sees_it_just_so_later() {
    let delay = Duration::from_secs(2);
    let mut world = crowd(delay);
    let watcher = world.watch("w").unwrap();
    world.pass(delay + SEND * 2);
    world.watchers[watcher].sizes.clear();
    let mut seen = Vec::new();
    for _ in 0..60 {
        world.pass(SEND);
        let client = &world.watchers[watcher].client;
        seen.push((client.tick(), client.view().expect("old enough").clone()));
    }
    let (longest, count) = frames(&mut world.watchers[watcher]);
    assert!(count >= 55, "{count} frames");
    assert!((1_000..=MOST_CHANGE_BYTES).contains(&longest), "{longest} bytes");
    assert_eq!(world.watchers[watcher].client.stats(0.0).desyncs, 0);
    let late = world.now.since(Time(u64::from(seen[59].0) * 1_000_000 / u64::from(Crowd::RATE_HZ)));
    assert!((delay..delay + SEND * 2).contains(&late), "{late:?} late");
    order(&mut world, Order::Run { on: false });
    world.pass(delay + Duration::from_secs(1));
    let mut truth = truth(&world);
    assert_eq!(world.watchers[watcher].client.view(), Some(&at_end(&world)));
    for (step, shown) in seen {
        assert!(longest_wait(&mut truth, step, &shown) <= MOST_WAITS);
    }
}

#[test]
fn who_could_not_read_is_sent_all_that_he_missed_at_once() {
    let mut world = crowd(Duration::ZERO);
    world.player(1).stalled = true;
    world.pass(Duration::from_secs(3));
    world.player(1).stalled = false;
    world.pass(Duration::from_millis(500));
    assert!(world.room.stats().skipped > 0, "he was skipped");
    assert_eq!(world.view(0), world.view(1));
    assert_eq!(world.players[&1].client.stats(0.0).desyncs, 0);
}
