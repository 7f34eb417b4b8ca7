//! Time that jumps: a lobby that stood still while everybody else went on, and a lobby that comes back after the wall clock
//! was set. Nobody pays for that it did not listen.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks for")]

mod common;

use std::time::Duration;

use common::{World, crowd, duel, settings};
use lobby_core::{
    Effect, Event, FleetSettings, Input, Lobby, LostReason, MatchPhase, PlayerId, RECOVER_WITHIN, RoomEnd, RoomId,
    RoomNews, Running, Settings, StreamId, TicketId, Time,
};

/// Stops of every kind: within a heartbeat, around the silence of a room, around a lease, and far beyond all of them.
const STOPS: [f64; 13] = [1.5, 2.1, 2.9, 3.3, 3.7, 4.1, 4.6, 5.2, 10.0, 24.4, 29.3, 30.6, 300.0];

impl World {
    /// The lobby stands still, and time passes. Then it is called as late as that, before it hears anything.
    fn stand_still(&mut self, seconds: f64) {
        self.now = self.now + Duration::from_secs_f64(seconds);
        self.lobby.advance(self.now);
        self.flush();
    }

    fn playing(&mut self) -> (StreamId, RoomId, Running) {
        let (stream, room) = self.attach(None, None);
        self.crowd("duel", 1..=2);
        let running = self.accept(stream, room);
        self.input(Input::Journal { match_id: running.match_id, there: true });
        (stream, room, running)
    }

    fn phase(&self, running: &Running) -> MatchPhase {
        self.lobby.state().match_(running.match_id).expect("the match is kept").phase
    }

    fn happened(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.journal.iter().filter(|event| what(event)).count()
    }

    fn started(&mut self) -> Vec<RoomId> {
        self.take(|effect| match effect {
            Effect::StartRoom { room, .. } => Some(*room),
            _ => None,
        })
    }
}

/// The ticket is watched: its lease is renewed every five seconds.
fn watched(world: &mut World, ticket: TicketId, seconds: u32) {
    for second in 0..seconds {
        world.seconds(1.0);
        if second % 5 == 4 {
            world.input(Input::Renew { ticket });
        }
    }
}

#[test]
fn who_waited_all_along_still_waits_after_the_lobby_stood_still() {
    for stop in STOPS {
        // However long ago his lease was renewed, and looked at; nobody else makes the lobby look at its clock.
        for since in 20..60 {
            let mut world = World::new(settings(duel()));
            let ann = world.queue("duel", 1, 1500.0);
            watched(&mut world, ann, since);
            world.stand_still(stop);
            assert_eq!(world.told(ann), "queued", "after {stop} s");
            watched(&mut world, ann, 60);
            let bob = world.queue("duel", 2, 1500.0);
            let (stream, room) = world.attach(None, None);
            world.accept(stream, room);
            assert_eq!(world.told(ann), "queued matched(2) assigned connected", "after {stop} s");
            assert_eq!(world.told(bob), "queued matched(2) assigned connected");
            world.check_replay();
        }
    }
}

#[test]
fn who_left_while_the_lobby_stood_still_has_one_lease_more_and_no_other() {
    let mut world = World::new(settings(duel()));
    let ann = world.queue("duel", 1, 1500.0);
    world.stand_still(300.0);
    world.seconds(29.0);
    assert_eq!(world.told(ann), "queued");
    world.seconds(2.0);
    assert_eq!(world.told(ann), "queued ended(Expired)");
    // An owner who comes whenever he is asked to never stood still, however long nothing happens.
    let bob = world.queue("duel", 2, 1500.0);
    world.seconds(31.0);
    assert_eq!(world.told(bob), "queued ended(Expired)");
}

#[test]
fn a_match_goes_on_in_its_room_after_the_lobby_stood_still() {
    for stop in STOPS {
        // However long ago its last heartbeat was.
        for since in [0.0, 0.3, 0.6, 0.95] {
            let mut world = World::new(settings(duel()));
            let (stream, room, running) = world.playing();
            world.beat(3, &[(stream, room, Some(running.clone()))]);
            world.seconds(since);
            world.stand_still(stop);
            world.report(stream, room, Some(running.clone()));
            world.beat(10, &[(stream, room, Some(running.clone()))]);
            assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "{stop} s, {since} s after a beat");
            assert_eq!(world.happened(|event| matches!(event, Event::MatchOrphaned { .. })), 0, "after {stop} s");
        }
    }
}

#[test]
fn rooms_whose_streams_broke_meanwhile_have_the_time_to_attach_again() {
    let mut world = World::new(settings(duel()));
    let (stream, room, running) = world.playing();
    world.beat(3, &[(stream, room, Some(running.clone()))]);
    world.stand_still(300.0);
    world.detach(stream, room);
    world.seconds(9.0);
    assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "{:?}", world.phase(&running));
    let (stream, _) = world.attach(Some(room), Some(running.clone()));
    world.beat(10, &[(stream, room, Some(running.clone()))]);
    assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "{:?}", world.phase(&running));
    // Not so one that does not come.
    world.stand_still(300.0);
    world.detach(stream, room);
    world.seconds(11.0);
    assert!(!matches!(world.phase(&running), MatchPhase::Playing { .. }));
    world.check_replay();
}

#[test]
fn a_room_that_was_asked_just_before_may_still_say_yes() {
    for stop in STOPS {
        let mut world = World::new(settings(duel()));
        let attached = [world.attach(None, None), world.attach(None, None)];
        let ann = world.queue("duel", 1, 1500.0);
        world.queue("duel", 2, 1500.0);
        world.stand_still(stop);
        let waited = if stop > 2.0 { 0.0 } else { stop };
        world.seconds(1.9 - waited);
        assert_eq!(world.happened(|event| matches!(event, Event::PlacementFailed { .. })), 0, "after {stop} s");
        world.seconds(0.2);
        assert_eq!(world.happened(|event| matches!(event, Event::PlacementFailed { .. })), 1, "but not for ever");
        let (stream, room) =
            attached.into_iter().find(|(_, room)| world.hosted(*room).is_some_and(|it| it.1 == 2)).expect("the other");
        world.accept(stream, room);
        assert_eq!(world.told(ann), "queued matched(2) assigned connected");
        world.check_replay();
    }
}

#[test]
fn a_late_joiner_has_the_seat_that_his_room_gave_him_meanwhile() {
    for stop in STOPS {
        let mut world = World::new(settings(crowd()));
        let (stream, room) = world.attach(None, None);
        world.crowd("crowd", 1..=2);
        world.seconds(3.1);
        let mut running = world.accept(stream, room);
        let carol = world.queue("crowd", 3, 1500.0);
        assert_eq!(world.told(carol), "queued matched(3)");
        world.stand_still(stop);
        assert_eq!(world.told(carol), "queued matched(3)", "after {stop} s");
        let seat = lobby_core::SeatReport { seat: 2, player: PlayerId(3), presence: lobby_core::Presence::Live };
        running.seats.push(seat);
        world.report(stream, room, Some(running));
        assert_eq!(world.told(carol), "queued matched(3) assigned connected", "after {stop} s");
        world.check_replay();
    }
}

#[test]
fn a_match_without_a_room_is_not_cut_while_nobody_looks_for_one() {
    for stop in STOPS {
        let mut world = World::new(settings(duel()));
        let (_, room, running) = world.playing();
        world.exited(room, RoomEnd::Crashed);
        assert!(matches!(world.phase(&running), MatchPhase::Orphaned { .. }));
        world.seconds(1.0);
        world.stand_still(stop);
        assert!(matches!(world.phase(&running), MatchPhase::Orphaned { .. }), "after {stop} s");
        let (stream, room) = world.attach(None, None);
        world.accept(stream, room);
        assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "after {stop} s");
    }
    let mut world = World::new(settings(duel()));
    let (_, room, running) = world.playing();
    world.exited(room, RoomEnd::Crashed);
    world.stand_still(300.0);
    world.pass(RECOVER_WITHIN);
    assert!(matches!(world.phase(&running), MatchPhase::Lost { reason: LostReason::RoomDied, .. }), "not for ever");
    world.check_replay();
}

#[test]
fn a_match_whose_second_room_refuses_may_have_a_third_one() {
    let mut world = World::new(settings(duel()));
    let (_, room, running) = world.playing();
    let attached = [world.attach(None, None), world.attach(None, None)];
    world.exited(room, RoomEnd::Crashed);
    let asked = attached.iter().position(|(_, room)| world.hosted(*room).is_some()).expect("it is asked");
    let (stream, room) = attached[asked];
    let (match_id, epoch, _) = world.hosted(room).unwrap();
    world.stand_still(300.0);
    world.news(stream, room, RoomNews::HostRefused { match_id, epoch, reason: "full".into() });
    let (stream, room) = attached[1 - asked];
    world.accept(stream, room);
    assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "{:?}", world.phase(&running));
    world.check_replay();
}

#[test]
fn a_room_that_was_told_to_stop_a_match_may_have_done_it_meanwhile() {
    let mut world = World::new(settings(duel()));
    let (stream, room, running) = world.playing();
    world.result(stream, room, &running);
    let other = Running { epoch: running.epoch + 7, ..running };
    world.report(stream, room, Some(other));
    world.stand_still(300.0);
    world.report(stream, room, None);
    world.beat(10, &[(stream, room, None)]);
    assert!(!world.effects.iter().any(|effect| matches!(effect, Effect::StopRoom { .. })), "it did as it was told");
}

#[test]
fn a_result_that_was_on_its_way_counts() {
    // Of a room that was to be drained by then, and of one that says that it has no match any more.
    for drains in [true, false] {
        let mut world = World::new(settings(duel()));
        let (stream, room, running) = world.playing();
        if drains {
            let within = Some(Duration::from_secs(5));
            world.call(lobby_core::Call::DrainRoom { room, within }).unwrap();
        } else {
            world.report(stream, room, None);
        }
        world.stand_still(10.0);
        assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "{:?}", world.phase(&running));
        world.result(stream, room, &running);
        assert!(matches!(world.phase(&running), MatchPhase::Ended { .. }), "{:?}", world.phase(&running));
        world.check_replay();
    }
}

fn own_fleet() -> Settings {
    let mut own = settings(duel());
    own.fleets = vec![FleetSettings { min_ready: 5, ..FleetSettings::new("default", &["snake", "tictactoe"]) }];
    own
}

#[test]
fn rooms_that_started_meanwhile_did_not_fail_to() {
    for restarts in [false, true] {
        let mut world = World::new(own_fleet());
        let rooms = world.started();
        assert_eq!(rooms.len(), 5);
        if restarts {
            world.now = world.now + Duration::from_secs(300);
            world.restart();
            assert_eq!(world.started().len(), 5, "the same ones again, in case that nobody did it");
        } else {
            world.stand_still(300.0);
        }
        world.seconds(1.0);
        assert!(world.started().is_empty(), "none in their place");
        for &room in &rooms {
            world.attach(Some(room), None);
        }
        assert_eq!(world.happened(|event| matches!(event, Event::RoomGone { .. })), 0);
        world.crowd("duel", 1..=2);
        assert_eq!(world.started().len(), 1, "the fleet is not stopped");
        world.check_replay();
    }
    let mut world = World::new(own_fleet());
    world.stand_still(300.0);
    world.seconds(21.0);
    assert_eq!(world.happened(|event| matches!(event, Event::RoomGone { .. })), 5, "but not for ever");
}

#[test]
fn a_wall_clock_that_was_set_changes_nothing_that_was_promised() {
    // A lobby goes on from the wall clock when it starts: set forwards, or set back behind what it has written.
    for (hours, name) in [(1_i64, "forwards"), (24 * 40, "far forwards"), (-1, "back")] {
        let mut world = World::new(settings(duel()));
        let (_, room, running) = world.playing();
        let ann = world.queue("duel", 7, 1500.0);
        world.seconds(2.0);
        let before = world.now;
        let wall = if hours < 0 { Time::ZERO } else { before + Duration::from_secs(3_600 * hours.unsigned_abs()) };
        let state = postcard::from_bytes(&World::bytes(world.lobby.state())).expect("a snapshot can be read");
        world.lobby = Lobby::resume(state, wall);
        world.effects.clear();
        world.now = wall.max(world.lobby.state().time());
        assert!(world.now + Duration::from_secs(3) >= before, "time goes on");
        world.seconds(9.0);
        assert_eq!(world.told(ann), "queued", "{name}");
        let (stream, _) = world.attach(Some(room), Some(running.clone()));
        world.beat(15, &[(stream, room, Some(running.clone()))]);
        assert!(matches!(world.phase(&running), MatchPhase::Playing { .. }), "{name}: {:?}", world.phase(&running));
        world.input(Input::Renew { ticket: ann });
        world.beat(25, &[(stream, room, Some(running.clone()))]);
        assert_eq!(world.told(ann), "queued", "{name}");
        world.result(stream, room, &running);
        world.news(stream, room, RoomNews::Ready);
        assert!(matches!(world.phase(&running), MatchPhase::Ended { .. }), "{name}");
        world.check_replay();
    }
}
