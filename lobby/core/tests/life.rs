//! The life of tickets and matches, told through the core's verbs.

mod common;

use std::time::Duration;

use common::{World, crowd, duel, settings};
use lobby_core::{
    Answer, Call, ClusterNews, Effect, Event, FleetSettings, MatchPhase, PlayerId, Presence, QueueSettings, Refusal,
    RequestId, RoomEnd, RoomNews, RoomState, Settings, Shape, TicketId, TicketState, Window,
};

#[test]
fn two_players_meet_play_and_are_rated() {
    let mut world = World::new(settings(duel()));
    let (stream, room) = world.attach(None, None);
    let (ann, bob) = (world.queue("duel", 1, 1500.0), world.queue("duel", 2, 1500.0));
    let running = world.accept(stream, room);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected");
    world.result(stream, room, &running);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected ended(Done)");
    assert_eq!(world.told(bob), "queued matched(2) assigned connected ended(Done)");
    let acks = world.take(|effect| matches!(effect, Effect::AckResult { .. }).then_some(()));
    assert_eq!(acks.len(), 1);
    let outcome = world.journal.iter().find_map(|event| match event {
        Event::MatchEnded(outcome) => Some(outcome.clone()),
        _ => None,
    });
    let changes = outcome.expect("it ended").changes;
    assert_eq!(changes.len(), 2);
    assert!(changes[0].after.value > 1500.0 && changes[1].after.value < 1500.0, "{changes:?}");
    // The room is free again only when it says so.
    world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    assert_eq!(world.lobby.state().live_matches(), 1);
    assert_eq!(world.hosted(room).map(|(id, ..)| id), Some(running.match_id));
    world.news(stream, room, RoomNews::Ready);
    assert_ne!(world.hosted(room).map(|(id, ..)| id), Some(running.match_id));
    world.check_replay();
}
