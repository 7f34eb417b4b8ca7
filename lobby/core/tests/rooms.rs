//! Rooms that refuse, fall silent, die, come back, and fleets that follow the need.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks for")]

mod common;

use std::time::Duration;

use common::{World, crowd, duel, settings};
use lobby_core::{
    Answer, Call, ClusterNews, Effect, Event, FleetSettings, Input, LostReason, MatchPhase, PlayerId, Presence,
    Refusal, RoomEnd, RoomId, RoomNews, RoomState, RoomView, Running, SeatReport, Settings, StreamId,
};

fn rooms(world: &mut World) -> Vec<RoomView> {
    match world.call(Call::ListRooms { fleet: None, after: None, limit: 100 }) {
        Ok(Answer::Rooms(page)) => page.items,
        other => panic!("{other:?}"),
    }
}

fn room(world: &mut World, id: RoomId) -> RoomView {
    rooms(world).into_iter().find(|view| view.room == id).expect("it is there")
}

fn playing(world: &mut World) -> (StreamId, RoomId, Running) {
    let (stream, room) = world.attach(None, None);
    world.crowd("duel", 1..=2);
    let running = world.accept(stream, room);
    (stream, room, running)
}

#[test]
fn a_refused_match_goes_to_another_room() {
    let mut world = World::new(settings(duel()));
    let (first, one) = world.attach(None, None);
    let (second, two) = world.attach(None, None);
    let ann = world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    let (stream, asked, other) = if world.hosted(one).is_some() { (first, one, two) } else { (second, two, one) };
    let (match_id, epoch, _) = world.hosted(asked).unwrap();
    let reason = "busy".into();
    world.news(stream, asked, RoomNews::HostRefused { match_id, epoch, reason });
    let (again, newer, _) = world.hosted(other).expect("the other one is asked");
    assert_eq!(again, match_id);
    assert!(newer > epoch);
    assert_eq!(world.told(ann), "queued matched(2)", "she is told once");
    // The first one's late acceptance counts for nothing: it is told to stop.
    world.effects.clear();
    world.news(stream, asked, RoomNews::HostAccepted { match_id, epoch });
    let told = world.take(|effect| match effect {
        Effect::CallOff { room, epoch, .. } => Some((*room, *epoch)),
        _ => None,
    });
    assert_eq!(told, [(asked, epoch)]);
    world.check_replay();
}

#[test]
fn a_placement_that_is_not_confirmed_goes_elsewhere() {
    let mut world = World::new(settings(duel()));
    let (_, one) = world.attach(None, None);
    let ann = world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    assert!(world.hosted(one).is_some());
    world.seconds(2.0);
    assert_eq!(world.told(ann), "queued matched(2)");
    let (stream, two) = world.attach(None, None);
    assert!(world.hosted(two).is_some(), "the match looks for a room, and this is one");
    world.accept(stream, two);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected");
    world.check_replay();
}

#[test]
fn a_match_that_no_room_takes_is_given_back_and_in_the_end_given_up() {
    let mut hard = settings(duel());
    hard.limits.placements = 2;
    hard.limits.requeues = 2;
    let mut world = World::new(hard);
    let (stream, one) = world.attach(None, None);
    let ann = world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    for _ in 0..40 {
        let Some((match_id, epoch, _)) = world.hosted(one) else { break };
        world.effects.retain(|effect| !matches!(effect, Effect::Host { .. }));
        let reason = "never".into();
        world.news(stream, one, RoomNews::HostRefused { match_id, epoch, reason });
        world.beat(1, &[(stream, one, None)]);
    }
    assert_eq!(
        world.told(ann),
        "queued matched(2) requeued matched(2) requeued matched(2) requeued ended(RequeuedTooOften)"
    );
    world.check_replay();
}

#[test]
fn a_silent_room_is_unhealthy_within_five_seconds_and_its_players_go_back_with_seniority() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    let created = world.lobby.state().ticket(ann).unwrap().created;
    world.beat(10, &[(stream, one, Some(running.clone()))]);
    assert_eq!(room(&mut world, one).unhealthy, None);
    world.seconds(4.9);
    let view = room(&mut world, one);
    assert_eq!((view.unhealthy, view.match_id), (Some("silent"), None));
    assert_eq!(world.told(ann), "queued matched(2) assigned connected requeued");
    assert_eq!(world.lobby.state().ticket(ann).unwrap().created, created, "she keeps her seniority");
    let lost = world.lobby.state().match_(running.match_id).unwrap().phase;
    assert!(matches!(lost, MatchPhase::Lost { reason: LostReason::RoomSilent, .. }), "{lost:?}");
    // Another room takes them. The silent one wakes up and still runs its match: it is told to stop, its result loses.
    let (stream_two, two) = world.attach(None, None);
    let newer = world.accept(stream_two, two);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected requeued matched(2) assigned connected");
    world.effects.clear();
    world.report(stream, one, Some(running.clone()));
    let told = world.take(|effect| match effect {
        Effect::CallOff { room, match_id, .. } => Some((*room, *match_id)),
        _ => None,
    });
    assert_eq!(told, [(one, running.match_id)]);
    let before = world.journal.len();
    world.result(stream, one, &running);
    assert_eq!(world.journal.len(), before, "an old result changes nothing");
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::AckResult { room, .. } if *room == one)));
    world.news(stream, one, RoomNews::Ready);
    assert_eq!(room(&mut world, one).state, RoomState::Ready);
    world.result(stream_two, two, &newer);
    assert_eq!(world.journal.iter().filter(|event| matches!(event, Event::MatchEnded(_))).count(), 1);
    world.check_replay();
}

#[test]
fn a_room_that_does_not_stop_an_old_match_is_stopped_itself() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    world.seconds(5.0);
    world.beat(4, &[(stream, one, Some(running.clone()))]);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::StopRoom { .. })));
    world.beat(2, &[(stream, one, Some(running))]);
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::StopRoom { room, .. } if *room == one)));
    world.check_replay();
}

#[test]
fn a_dead_room_is_known_at_once() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    world.detach(stream, one);
    assert_eq!(room(&mut world, one).state, RoomState::Detached);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected", "a broken stream is not a dead room");
    world.exited(one, RoomEnd::Crashed);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected requeued");
    assert!(world.lobby.state().room(one).is_none());
    assert_eq!(world.call(Call::GetSeat { match_id: running.match_id, by: PlayerId(1) }), Err(Refusal::SeatGone));
    world.check_replay();
}

#[test]
fn who_left_does_not_go_back() {
    let mut world = World::new(settings(duel()));
    let (stream, one, mut running) = playing(&mut world);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    running.seats[0].presence = Presence::Left;
    world.report(stream, one, Some(running));
    assert_eq!(world.told(ann), "queued matched(2) assigned connected ended(Done)");
    world.exited(one, RoomEnd::Crashed);
    assert_eq!(world.lobby.state().ticket_of(PlayerId(1)), None);
    assert!(world.lobby.state().ticket_of(PlayerId(2)).is_some());
    world.check_replay();
}

#[test]
fn rooms_attach_again_after_a_restart_and_nothing_is_lost() {
    let mut world = World::new(settings(duel()));
    let (_, one, running) = playing(&mut world);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    world.restart();
    let view = room(&mut world, one);
    assert_eq!(view.state, RoomState::Detached);
    let away = world.call(Call::GetSeat { match_id: running.match_id, by: PlayerId(1) });
    assert!(matches!(away, Err(Refusal::RoomAway { .. })));
    world.seconds(9.0);
    let (stream, again) = world.attach(Some(one), Some(running.clone()));
    assert_eq!(again, one);
    let seat = world.call(Call::GetSeat { match_id: running.match_id, by: PlayerId(1) });
    assert!(matches!(seat, Ok(Answer::Seat(view)) if view.room == one && view.epoch == running.epoch));
    assert_eq!(world.call(Call::GetSeat { match_id: running.match_id, by: PlayerId(7) }), Err(Refusal::NotYourMatch));
    world.beat(20, &[(stream, one, Some(running.clone()))]);
    world.result(stream, one, &running);
    assert_eq!(world.told(ann), "queued matched(2) assigned connected ended(Done)");
    world.check_replay();
}

#[test]
fn a_room_that_does_not_come_back_after_a_restart_is_lost() {
    let mut world = World::new(settings(duel()));
    let (_, one, running) = playing(&mut world);
    world.restart();
    world.seconds(10.0);
    let phase = world.lobby.state().match_(running.match_id).unwrap().phase;
    assert!(matches!(phase, MatchPhase::Lost { reason: LostReason::NotReattached, .. }), "{phase:?}");
    world.seconds(50.0);
    assert!(world.lobby.state().room(one).is_none(), "given up");
    world.check_replay();
}

#[test]
fn what_a_room_runs_is_the_truth_about_a_placement() {
    let mut world = World::new(settings(duel()));
    let (_, one) = world.attach(None, None);
    let ann = world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    let (match_id, epoch, seats) = world.hosted(one).unwrap();
    // The lobby dies after it asked; the room accepted meanwhile.
    world.restart();
    let seat = |&(seat, player): &(u16, PlayerId)| SeatReport { seat, player, presence: Presence::Live };
    let running = Running { match_id, epoch, seats: seats.iter().map(seat).collect() };
    world.attach(Some(one), Some(running));
    assert_eq!(world.told(ann), "queued matched(2) assigned connected");
    // And another one whose room knows nothing of it: asked again.
    let mut world = World::new(settings(duel()));
    let (_, one) = world.attach(None, None);
    world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    world.restart();
    world.attach(Some(one), None);
    let (again, newer, _) = world.hosted(one).expect("it is asked again");
    assert_eq!(again, match_id);
    assert!(newer > epoch);
    world.check_replay();
}

#[test]
fn a_room_that_forgot_its_match_has_a_moment_to_send_the_result() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    world.detach(stream, one);
    let (stream, _) = world.attach(Some(one), None);
    world.seconds(1.0);
    world.result(stream, one, &running);
    let phase = world.lobby.state().match_(running.match_id).unwrap().phase;
    assert!(matches!(phase, MatchPhase::Ended { .. }), "{phase:?}");
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    world.detach(stream, one);
    world.attach(Some(one), None);
    world.seconds(2.0);
    let phase = world.lobby.state().match_(running.match_id).unwrap().phase;
    assert!(matches!(phase, MatchPhase::Lost { reason: LostReason::RoomForgot, .. }), "{phase:?}");
}

#[test]
fn old_streams_and_old_reports_are_not_heard() {
    let mut world = World::new(settings(duel()));
    let (old, one, running) = playing(&mut world);
    let (new, _) = world.attach(Some(one), Some(running.clone()));
    world.detach(old, one);
    assert_eq!(room(&mut world, one).state, RoomState::Playing, "the old stream's end means nothing");
    let mut left = running.clone();
    left.seats[0].presence = Presence::Left;
    world.report(old, one, Some(left));
    assert!(world.lobby.state().ticket_of(PlayerId(1)).is_some());
    world.result(old, one, &running);
    world.result(new, one, &running);
    assert_eq!(world.journal.iter().filter(|event| matches!(event, Event::MatchEnded(_))).count(), 1, "counts once");
    let acks = world.take(|effect| matches!(effect, Effect::AckResult { .. }).then_some(()));
    assert_eq!(acks.len(), 2, "is acknowledged twice");
}

#[test]
fn results_from_others_and_about_others_change_nothing() {
    let mut world = World::new(settings(duel()));
    let (_, _, running) = playing(&mut world);
    let (stream, two) = world.attach(None, None);
    let before = world.journal.len();
    world.result(stream, two, &running);
    assert_eq!(world.journal.len(), before, "only the room that has the match ends it");
    let wrong = Running { epoch: running.epoch + 1, ..running };
    world.result(stream, two, &wrong);
    assert_eq!(world.journal.len(), before);
}

#[test]
fn a_lobby_that_slept_does_not_blame_the_rooms() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    world.beat(3, &[(stream, one, Some(running.clone()))]);
    // Nobody called it for a minute: it hears nothing, and then everything.
    world.now = world.now + Duration::from_secs(60);
    world.lobby.advance(world.now);
    world.flush();
    assert_eq!(room(&mut world, one).unhealthy, None);
    world.report(stream, one, Some(running));
    world.seconds(3.0);
    assert_eq!(room(&mut world, one).unhealthy, None);
    world.seconds(1.0);
    assert_eq!(room(&mut world, one).unhealthy, Some("silent"), "but then silence counts again");
}

fn own_fleet(min_ready: u32, max_rooms: u32) -> Settings {
    let mut own = settings(duel());
    own.fleets = vec![FleetSettings { min_ready, max_rooms, ..FleetSettings::new("default", &["snake", "tictactoe"]) }];
    own
}

fn started(world: &mut World) -> Vec<RoomId> {
    world.take(|effect| match effect {
        Effect::StartRoom { room, .. } => Some(*room),
        _ => None,
    })
}

#[test]
fn a_fleet_keeps_its_warm_buffer_and_grows_with_the_need() {
    let mut world = World::new(own_fleet(1, 3));
    let first = started(&mut world);
    assert_eq!(first.len(), 1);
    let (stream, one) = world.attach(Some(first[0]), None);
    world.crowd("duel", 1..=4);
    let running = world.accept(stream, one);
    let more = started(&mut world);
    assert_eq!(more.len(), 2, "one for the match that waits, one to stay warm");
    world.crowd("duel", 5..=10);
    assert!(started(&mut world).is_empty(), "never more than its limit");
    match world.call(Call::ListFleets) {
        Ok(Answer::Fleets(fleets)) => {
            assert_eq!((fleets[0].starting, fleets[0].playing, fleets[0].desired), (2, 1, 3));
            assert!(fleets[0].condition.starts_with("full: 4 matches wait"), "{}", fleets[0].condition);
        }
        other => panic!("{other:?}"),
    }
    world.result(stream, one, &running);
    world.check_replay();
}

#[test]
fn a_restart_starts_no_room_beside_those_that_come_back() {
    let mut world = World::new(own_fleet(1, 3));
    let first = started(&mut world);
    world.attach(Some(first[0]), None);
    world.restart();
    world.seconds(9.0);
    assert!(started(&mut world).is_empty(), "it has yet to come back");
    let (stream, _) = world.attach(Some(first[0]), None);
    world.beat(60, &[(stream, first[0], None)]);
    assert!(started(&mut world).is_empty(), "it came back");
    world.restart();
    world.seconds(11.0);
    assert_eq!(started(&mut world).len(), 1, "it did not come back");
    world.check_replay();
}

#[test]
fn who_starts_no_rooms_plans_none() {
    let mut world = World::new(settings(duel()));
    world.lobby.start_no_rooms();
    let mut fleets = own_fleet(2, 4);
    fleets.queues = vec![duel()];
    world.call(lobby_core::Call::SetSettings(Box::new(fleets))).unwrap();
    world.crowd("duel", 1..=4);
    world.seconds(20.0);
    assert!(started(&mut world).is_empty(), "nobody would start them");
    // One that comes by itself is used.
    let (stream, room) = world.attach(None, None);
    world.accept(stream, room);
    world.check_replay();
}

#[test]
fn surplus_rooms_go_after_a_while_and_playing_ones_never() {
    let mut world = World::new(own_fleet(0, 5));
    world.crowd("duel", 1..=4);
    let rooms = started(&mut world);
    assert_eq!(rooms.len(), 2);
    let attached: Vec<_> = rooms.iter().map(|&room| world.attach(Some(room), None)).collect();
    let one = world.accept(attached[0].0, attached[0].1);
    let two = world.accept(attached[1].0, attached[1].1);
    world.result(attached[0].0, attached[0].1, &one);
    world.news(attached[0].0, attached[0].1, RoomNews::Ready);
    let beats = [(attached[0].0, attached[0].1, None), (attached[1].0, attached[1].1, Some(two))];
    world.beat(29, &beats);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::DrainRoom { .. })));
    world.beat(2, &beats);
    let drained = world.take(|effect| match effect {
        Effect::DrainRoom { room, .. } => Some(*room),
        _ => None,
    });
    assert_eq!(drained, [attached[0].1]);
    world.exited(attached[0].1, RoomEnd::Exited);
    assert!(world.journal.iter().any(|event| matches!(event, Event::RoomGone { how: RoomEnd::Released, .. })));
    world.check_replay();
}

#[test]
fn rooms_that_crash_at_start_stop_the_fleet_with_a_reason() {
    let mut world = World::new(own_fleet(1, 8));
    let mut starts = 0;
    for _ in 0..20 {
        for room in started(&mut world) {
            starts += 1;
            world.exited(room, RoomEnd::Crashed);
        }
    }
    assert_eq!(starts, 5);
    match world.call(Call::ListFleets) {
        Ok(Answer::Fleets(fleets)) => {
            assert!(fleets[0].condition.starts_with("stopped: 5 starts failed"), "{}", fleets[0].condition);
        }
        other => panic!("{other:?}"),
    }
    world.seconds(59.0);
    assert!(started(&mut world).is_empty());
    world.seconds(2.0);
    assert_eq!(started(&mut world).len(), 1, "it tries again");
    world.check_replay();
}

#[test]
fn who_waits_for_a_room_is_told_the_truth() {
    let mut world = World::new(own_fleet(0, 1));
    let tickets: Vec<_> = (1..=4).map(|player| world.queue("duel", player, 1500.0)).collect();
    let words = |world: &mut World| {
        let mut words: Vec<_> = tickets
            .iter()
            .filter_map(|&ticket| match world.call(Call::WhyWaiting { ticket }) {
                Ok(Answer::Why(why)) => why.map(|why| why.word),
                other => panic!("{other:?}"),
            })
            .collect();
        words.dedup();
        words
    };
    assert_eq!(words(&mut world), ["room"]);
    let room = started(&mut world)[0];
    let (stream, room) = world.attach(Some(room), None);
    world.accept(stream, room);
    assert_eq!(words(&mut world), ["rooms-full"], "of the other two");
    world.exited(room, RoomEnd::Crashed);
    for _ in 0..5 {
        started(&mut world).into_iter().for_each(|room| world.exited(room, RoomEnd::NotStarted));
    }
    assert_eq!(words(&mut world), ["rooms-fail"]);
    world.check_replay();
}

#[test]
fn rooms_that_somebody_wants_kept_are_started_and_go_when_he_wants_fewer() {
    let mut world = World::new(own_fleet(0, 8));
    let keep = |rooms| Input::Cluster(ClusterNews::Keep { fleet: "default".into(), rooms });
    world.input(keep(3));
    let rooms = started(&mut world);
    assert_eq!(rooms.len(), 3);
    let mut attached: Vec<_> = rooms.iter().map(|&room| world.attach(Some(room), None)).collect();
    world.crowd("duel", 1..=2);
    let asked = |effect: &Effect, room| matches!(effect, Effect::Host { room: asked, .. } if *asked == room);
    attached.sort_by_key(|(_, room)| !world.effects.iter().any(|effect| asked(effect, *room)));
    let running = world.accept(attached[0].0, attached[0].1);
    assert!(started(&mut world).is_empty(), "one that plays is one of them");
    world.input(keep(0));
    let beat = |running| {
        [
            (attached[0].0, attached[0].1, running),
            (attached[1].0, attached[1].1, None),
            (attached[2].0, attached[2].1, None),
        ]
    };
    world.beat(31, &beat(Some(running)));
    let mut drained = world.take(|effect| match effect {
        Effect::DrainRoom { room, .. } => Some(*room),
        _ => None,
    });
    drained.sort();
    let mut free = [attached[1].1, attached[2].1];
    free.sort();
    assert_eq!(drained, free, "the one that plays stays");
    world.check_replay();
}

#[test]
fn a_room_that_never_attaches_is_given_up_and_replaced() {
    let mut world = World::new(own_fleet(1, 8));
    let first = started(&mut world);
    world.seconds(20.0);
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::KillRoom { room } if *room == first[0])));
    assert_eq!(started(&mut world).len(), 1);
    world.check_replay();
}

#[test]
fn a_start_that_was_decided_but_maybe_not_done_is_done_again() {
    let mut world = World::new(own_fleet(1, 8));
    let first = started(&mut world);
    world.restart();
    assert_eq!(started(&mut world), first, "by the same id");
    world.input(Input::Cluster(ClusterNews::Credential { room: first[0], hash: [1; 32] }));
    world.restart();
    assert!(started(&mut world).is_empty(), "it was begun");
    assert_eq!(room(&mut world, first[0]).credential, Some([1; 32]));
}

#[test]
fn a_drained_room_finishes_its_match_and_takes_no_other() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    world.call(Call::DrainRoom { room: one, within: Some(Duration::from_secs(30)) }).unwrap();
    assert_eq!(room(&mut world, one).state, RoomState::Draining);
    world.beat(5, &[(stream, one, Some(running.clone()))]);
    world.result(stream, one, &running);
    world.news(stream, one, RoomNews::Ready);
    world.crowd("duel", 3..=4);
    assert_eq!(world.hosted(one).map(|(id, ..)| id), Some(running.match_id), "no other match");
    world.detach(stream, one);
    assert!(world.lobby.state().room(one).is_none());
    assert_eq!(world.call(Call::DrainRoom { room: one, within: None }), Err(Refusal::UnknownRoom));
    world.check_replay();
}

#[test]
fn a_drain_has_an_end() {
    let mut world = World::new(settings(duel()));
    let (stream, one, running) = playing(&mut world);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    world.call(Call::DrainRoom { room: one, within: Some(Duration::from_secs(3)) }).unwrap();
    world.beat(4, &[(stream, one, Some(running))]);
    assert!(world.effects.iter().any(|effect| matches!(effect, Effect::StopRoom { .. })));
    assert_eq!(world.told(ann), "queued matched(2) assigned connected requeued");
    world.check_replay();
}

#[test]
fn a_stopped_room_ends_and_its_players_go_back() {
    let mut world = World::new(settings(duel()));
    let (_, one, _) = playing(&mut world);
    let ann = world.lobby.state().ticket_of(PlayerId(1)).unwrap();
    world.call(Call::StopRoom { room: one }).unwrap();
    assert_eq!(world.told(ann), "queued matched(2) assigned connected requeued");
    world.seconds(11.0);
    assert!(world.lobby.state().room(one).is_none());
    world.check_replay();
}

#[test]
fn nobody_is_sent_to_a_room_of_an_unknown_fleet_or_game() {
    let mut world = World::new(settings(crowd()));
    let hello = lobby_core::Hello { fleet: "other".into(), ..World::hello(None, None) };
    world.input(Input::Attach { stream: StreamId(77), hello: Box::new(hello) });
    let refused = world.take(|effect| match effect {
        Effect::RefuseStream { stream, refusal } => Some((*stream, refusal.clone())),
        _ => None,
    });
    assert_eq!(refused, [(StreamId(77), Refusal::UnknownFleet { fleet: "other".into() })]);
    let hello = lobby_core::Hello { games: Vec::new(), ..World::hello(None, None) };
    world.input(Input::Attach { stream: StreamId(78), hello: Box::new(hello) });
    world.crowd("crowd", 1..=4);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::Host { .. })));
}
