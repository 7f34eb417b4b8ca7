//! Rooms that die in the middle of a match, and the match that goes on in another one.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks for")]

mod common;

use common::{World, crowd, duel, settings};
use lobby_core::{
    Answer, Call, Effect, Event, Input, LostReason, MAX_RECOVERIES, MatchPhase, PlayerId, Presence, RECOVER_WITHIN,
    Refusal, RoomEnd, RoomId, RoomNews, Running, SeatState, StreamId, TicketEvent,
};

/// Two play in a room, and their match's journal is kept.
fn playing(world: &mut World) -> (StreamId, RoomId, Running) {
    let (stream, room) = world.attach(None, None);
    world.crowd("duel", 1..=2);
    let running = world.accept(stream, room);
    world.input(Input::Journal { match_id: running.match_id, there: true });
    (stream, room, running)
}

fn phase(world: &World, running: &Running) -> MatchPhase {
    world.lobby.state().match_(running.match_id).expect("the match is kept").phase
}

/// What a room was asked: to go on with a match, or to begin it.
fn recovers(world: &World, room: RoomId) -> Option<bool> {
    world.effects.iter().rev().find_map(|effect| match effect {
        Effect::Host { room: asked, order } if *asked == room => Some(order.recovers),
        _ => None,
    })
}

#[test]
fn a_match_whose_room_died_goes_on_in_another_one_and_everybody_keeps_his_seat() {
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    let (stream, two) = world.attach(None, None);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    let seats = world.lobby.state().match_(before.match_id).unwrap().seats.clone();
    world.exited(one, RoomEnd::Crashed);
    // Meanwhile nobody is sent home, and who asks for his seat is told to come again.
    assert_eq!(world.told(ann), "queued matched(2) assigned connected");
    let away = world.call(Call::GetSeat { match_id: before.match_id, by: PlayerId(1) });
    assert!(matches!(away, Err(Refusal::RoomAway { .. })), "{away:?}");
    assert_eq!(recovers(&world, two), Some(true));
    let after = world.accept(stream, two);
    assert_eq!(after.match_id, before.match_id);
    assert!(after.epoch > before.epoch);
    assert_eq!(world.lobby.state().match_(before.match_id).unwrap().seats, seats);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected assigned");
    let seat = world.call(Call::GetSeat { match_id: before.match_id, by: PlayerId(1) });
    assert!(matches!(seat, Ok(Answer::Seat(view)) if (view.room, view.epoch) == (two, after.epoch)));
    let state = world.lobby.state();
    let last = state.ticket(ann).unwrap().event(state.ticket(ann).unwrap().last_event());
    assert!(matches!(last, Some(TicketEvent::Assigned { room, epoch, .. }) if (room, epoch) == (two, after.epoch)));
    world.result(stream, two, &after);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected assigned ended(Done)");
    world.check_replay();
}

#[test]
fn without_its_journal_a_match_is_lost_with_its_room() {
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    world.attach(None, None);
    world.input(Input::Journal { match_id: before.match_id, there: false });
    world.exited(one, RoomEnd::Crashed);
    assert!(matches!(phase(&world, &before), MatchPhase::Lost { reason: LostReason::RoomDied, .. }));
    // It may also be found missing only when it is to be handed down.
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    world.attach(None, None);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    world.exited(one, RoomEnd::Crashed);
    assert!(matches!(phase(&world, &before), MatchPhase::Moving { .. }));
    world.input(Input::Journal { match_id: before.match_id, there: false });
    assert!(matches!(phase(&world, &before), MatchPhase::Lost { reason: LostReason::RoomDied, .. }));
    assert!(world.told(ann).starts_with("queued matched(2) assigned connected requeued"), "{}", world.told(ann));
    world.check_replay();
}

#[test]
fn a_room_that_was_only_silent_does_not_host_the_match_twice() {
    let mut world = World::new(settings(duel()));
    let (stream, one, before) = playing(&mut world);
    let (stream_two, two) = world.attach(None, None);
    for _ in 0..5 {
        world.seconds(1.0);
        world.report(stream_two, two, None);
    }
    assert_eq!(recovers(&world, two), Some(true), "its heartbeats are missed");
    let after = world.accept(stream_two, two);
    world.effects.clear();
    // It is back, and still runs what it ran: it is told to stop, and its result counts for nothing.
    world.report(stream, one, Some(before.clone()));
    let off = |effect: &Effect| matches!(effect, Effect::CallOff { room, epoch, .. } if (*room, *epoch) == (one, before.epoch));
    assert!(world.effects.iter().any(off));
    let decided = world.journal.len();
    world.result(stream, one, &before);
    assert_eq!(world.journal.len(), decided, "an old result changes nothing");
    world.result(stream_two, two, &after);
    assert_eq!(world.journal.iter().filter(|event| matches!(event, Event::MatchEnded(_))).count(), 1);
    world.check_replay();
}

#[test]
fn it_waits_for_a_room_and_not_for_ever() {
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    world.exited(one, RoomEnd::Crashed);
    assert!(matches!(phase(&world, &before), MatchPhase::Orphaned { .. }));
    let (stream, two) = world.attach(None, None);
    let after = world.accept(stream, two);
    assert_eq!(after.match_id, before.match_id, "the first room that is ready goes on with it");
    world.exited(two, RoomEnd::Crashed);
    world.pass(RECOVER_WITHIN);
    assert!(matches!(phase(&world, &before), MatchPhase::Lost { reason: LostReason::RoomDied, .. }));
    world.check_replay();
}

#[test]
fn a_match_that_kills_its_rooms_is_given_up() {
    let mut world = World::new(settings(duel()));
    let (_, mut room, before) = playing(&mut world);
    for recovery in 0..MAX_RECOVERIES {
        let (stream, next) = world.attach(None, None);
        world.exited(room, RoomEnd::Crashed);
        assert_eq!(recovers(&world, next), Some(true), "recovery {recovery}");
        assert_eq!(world.accept(stream, next).match_id, before.match_id);
        room = next;
    }
    world.exited(room, RoomEnd::Crashed);
    assert!(matches!(phase(&world, &before), MatchPhase::Lost { .. }));
    world.check_replay();
}

#[test]
fn a_room_that_refuses_to_go_on_leaves_it_to_the_next() {
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    let (_, two) = world.attach(None, None);
    world.exited(one, RoomEnd::Crashed);
    let (match_id, epoch, _) = world.hosted(two).unwrap();
    world.news(StreamId(2), two, RoomNews::HostRefused { match_id, epoch, reason: "no".into() });
    assert!(matches!(phase(&world, &before), MatchPhase::Orphaned { .. }));
    let (stream, three) = world.attach(None, None);
    assert_eq!(recovers(&world, three), Some(true));
    world.accept(stream, three);
    assert!(matches!(phase(&world, &before), MatchPhase::Playing { room, .. } if room == three));
    world.check_replay();
}

#[test]
fn who_left_stays_away_and_who_was_still_to_come_queues_again() {
    let mut world = World::new(settings(crowd()));
    let (stream, one) = world.attach(None, None);
    world.crowd("crowd", 1..=3);
    world.beat(20, &[(stream, one, None)]);
    let mut running = world.accept(stream, one);
    world.input(Input::Journal { match_id: running.match_id, there: true });
    running.seats[1].presence = Presence::Left;
    world.report(stream, one, Some(running.clone()));
    let dan = world.queue("crowd", 4, 1500.0);
    assert_eq!(world.told(dan), "queued matched(3)", "he was promised a seat that the room has yet to confirm");
    let (stream, two) = world.attach(None, None);
    world.exited(one, RoomEnd::Crashed);
    assert!(world.told(dan).starts_with("queued matched(3) requeued"), "{}", world.told(dan));
    let (_, _, seats) = world.hosted(two).unwrap();
    let left = running.seats[1].player;
    assert_eq!(seats.len(), 2);
    assert!(seats.iter().all(|&(_, player)| player != left));
    world.accept(stream, two);
    let game = world.lobby.state().match_(running.match_id).unwrap();
    let gone = |seat: &lobby_core::Seat| seat.player == left && seat.state == SeatState::Left;
    assert!(game.seats.iter().any(gone));
    world.check_replay();
}

#[test]
fn a_restart_in_the_middle_of_it_changes_nothing() {
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    world.exited(one, RoomEnd::Crashed);
    world.restart();
    let (_, two) = world.attach(None, None);
    assert_eq!(recovers(&world, two), Some(true));
    world.restart();
    // What it was asked on the old stream is lost with it: it is asked again.
    let (stream, _) = world.attach(Some(two), None);
    assert_eq!(recovers(&world, two), Some(true));
    assert_eq!(world.accept(stream, two).match_id, before.match_id);
    world.check_replay();
}

#[test]
fn what_is_stopped_on_purpose_does_not_go_on() {
    let mut world = World::new(settings(duel()));
    let (_, one, before) = playing(&mut world);
    world.attach(None, None);
    world.call(Call::StopRoom { room: one }).unwrap();
    assert!(matches!(phase(&world, &before), MatchPhase::Lost { reason: LostReason::Stopped, .. }));
}
