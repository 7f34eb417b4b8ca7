//! Reserved, Live, Dropped, Left; who may open which seat, and what happens to the match meanwhile.

use std::time::Duration;

use bellhop_snake::Snake;
use bellhop_tictactoe::{Command, TicTacToe};
use bellhop_wire::Presence;
use room_core::{AdmitError, Claim, CloseCode, HostError, MatchSpec, SeatsError, Status};

use crate::crowd::{Crowd, Order};
use crate::world::{EPOCH, World, claim, seat, spec};

fn presences<G: bellhop_game::Game>(world: &World<G>) -> Vec<Presence> {
    world.room.seats().iter().map(|seat| seat.presence).collect()
}

fn running<G: bellhop_game::Game>(world: &World<G>) -> bool {
    matches!(world.room.status(), Status::Playing { running: true, .. })
}

#[test]
fn the_clock_starts_when_all_are_here() {
    let mut world: World<Snake> = World::new(3, 1);
    world.join(0);
    world.join(1);
    world.pass(Duration::from_secs(9));
    assert!(!running(&world));
    world.join(2);
    assert!(running(&world));
    assert_eq!(presences(&world), [Presence::Live; 3]);
}

#[test]
fn the_first_wait_ten_seconds_for_the_last_and_begin_without() {
    let mut world: World<Snake> = World::new(3, 1);
    world.join(0);
    world.join(1);
    world.pass(Duration::from_millis(10_001));
    assert!(running(&world));
    world.pass(Duration::from_secs(20));
    assert_eq!(presences(&world), [Presence::Live, Presence::Live, Presence::Left]);
    assert_eq!(world.try_join(2), Err(AdmitError::GivenUp { seat: 2 }));
}

#[test]
fn a_match_nobody_comes_to_is_called_off() {
    let mut world: World<TicTacToe> = World::new(2, 1);
    world.pass(Duration::from_secs(31));
    let result = world.result.unwrap();
    assert_eq!((result.rated, result.reason.as_str(), result.seats.len()), (false, "nobody came", 0));
    assert_eq!(world.room.status(), Status::Ready);
}

#[test]
fn a_match_without_enough_players_is_called_off() {
    let mut world: World<TicTacToe> = World::new(2, 1);
    world.join(0);
    world.pass(Duration::from_secs(31));
    let result = world.result.clone().unwrap();
    assert!(!result.rated, "{result:?}");
    assert_eq!(world.player(0).closed.as_ref().unwrap().0, CloseCode::Ended);
}

#[test]
fn a_join_token_opens_its_own_seat_once() {
    let check = |name: &str, claim: Claim, expected: Result<(), AdmitError>| {
        let mut world: World<Snake> = World::new(2, 1);
        world.open(1, &crate::world::claim(1, 5)).unwrap();
        assert_eq!(world.open(0, &claim), expected, "{name}");
    };
    check("good", claim(0, 6), Ok(()));
    check("replayed", claim(1, 5), Err(AdmitError::Replayed));
    check("other match", Claim { match_id: "m-2".into(), ..claim(0, 6) }, Err(AdmitError::OtherMatch));
    check("other epoch", Claim { epoch: EPOCH - 1, ..claim(0, 6) }, Err(AdmitError::OtherMatch));
    check("no such seat", claim(9, 6), Err(AdmitError::UnknownSeat { seat: 9 }));
    check("other player", Claim { player: "p-9".into(), ..claim(0, 6) }, Err(AdmitError::OtherPlayer { seat: 0 }));
    check("resume never given", Claim { resume: true, ..claim(0, 6) }, Err(AdmitError::Stale));
}

#[test]
fn a_resume_token_rotates_and_the_one_before_stays_valid_until_the_new_one_was_used() {
    let mut world: World<Snake> = World::seated(2, 1);
    let resume = |world: &World<Snake>| -> Claim {
        let token = world.players[&0].client.resume_token().unwrap();
        Claim { resume: true, ..claim(0, token.split(' ').nth(1).unwrap().parse().unwrap()) }
    };
    let first = resume(&world);
    world.cut(0, 0);
    world.open(0, &first).unwrap();
    let second = resume(&world);
    assert_ne!(first, second);
    // As if the second welcome had been lost.
    world.cut(0, 0);
    world.open(0, &first).unwrap();
    let third = resume(&world);
    world.cut(0, 0);
    assert_eq!(world.open(0, &second), Err(AdmitError::Stale));
    world.open(0, &third).unwrap();
    world.cut(0, 0);
    assert_eq!(world.open(0, &first), Err(AdmitError::Stale), "the third was used");
}

#[test]
fn the_newest_socket_wins() {
    let mut world: World<Snake> = World::seated(2, 1);
    let old = world.player(0).conn.unwrap();
    let mut closed = None;
    let conn = room_core::ConnId(99);
    world.room.admit(world.now, conn, &claim(0, 77), &mut crate::world::seal).unwrap();
    assert!(world.room.poll().is_none(), "until it says hello, the old one plays on");
    let hello = room_client::Client::<Snake>::new().hello();
    world.room.receive(world.now, conn, &hello);
    while let Some(output) = world.room.poll() {
        if let room_core::Output::Close { conn, code, .. } = output {
            closed = Some((conn, code));
        }
    }
    assert_eq!(closed, Some((old, CloseCode::Superseded)));
    assert_eq!(presences(&world), [Presence::Live; 2]);
    world.room.disconnected(world.now, old);
    assert_eq!(presences(&world), [Presence::Live; 2], "news of the old socket means nothing");
}

#[test]
fn a_dropped_seat_is_held_then_given_up() {
    let check = |hold: u64, mut world: World<Snake>| {
        world.cut(0, 0);
        assert_eq!(presences(&world)[0], Presence::Dropped);
        world.pass(Duration::from_secs(hold - 1));
        assert_eq!(presences(&world)[0], Presence::Dropped);
        world.pass(Duration::from_secs(2));
        assert!(world.result.is_some() || presences(&world)[0] == Presence::Left);
    };
    // A third player keeps the match alive.
    let mut world = World::seated(3, 1);
    world.pass(Duration::from_secs(1));
    check(30, world);
}

#[test]
fn a_match_all_of_whose_players_dropped_stands_still_until_one_is_back() {
    let mut world: World<Snake> = World::seated(2, 1);
    world.pass(Duration::from_secs(4));
    let tick = world.player(0).client.tick();
    world.cut(0, 9);
    world.cut(1, 9);
    assert!(!running(&world));
    world.pass(Duration::from_secs(20));
    world.join(1);
    assert!(running(&world));
    world.pass(Duration::from_millis(200));
    assert_eq!(world.player(1).client.tick(), tick + 1);
    world.join(0);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.view(0), world.view(1));
}

#[test]
fn a_paused_match_ends_when_the_seats_are_given_up() {
    let mut world: World<TicTacToe> = World::seated(2, 1);
    let first = u16::from(world.view(0).state().turn);
    assert_eq!(world.command(first, &Command::Place { cell: 4 }), "");
    world.cut(0, 0);
    world.cut(1, 0);
    world.pass(Duration::from_secs(299));
    assert!(world.result.is_none(), "the clocks stand still");
    world.pass(Duration::from_secs(2));
    assert!(world.result.is_some());
}

#[test]
fn a_clock_stands_still_while_nobody_is_here() {
    let mut world: World<TicTacToe> = World::seated(2, 1);
    world.pass(Duration::from_secs(10));
    world.cut(0, 0);
    world.cut(1, 0);
    world.pass(Duration::from_secs(200));
    world.join(0);
    world.join(1);
    world.pass(Duration::from_secs(40));
    assert!(world.result.is_none());
    let now = world.now_ms();
    let shown = format!("{:?}", world.player(0).client.view_at(now).unwrap());
    assert!(shown.contains("now_ms: 50"), "{shown}");
    world.pass(Duration::from_secs(11));
    assert!(!matches!(world.view(0).state().phase, bellhop_tictactoe::Phase::Playing));
}

#[test]
fn who_leaves_is_gone_and_the_others_are_told() {
    let mut world: World<Snake> = World::seated(3, 1);
    world.pass(Duration::from_secs(1));
    let leave = world.player(0).client.leave();
    world.say(0, &leave);
    assert_eq!(world.player(0).closed.as_ref().unwrap().0, CloseCode::Left);
    let roster: Vec<Presence> = world.player(1).client.roster().map(|entry| entry.presence).collect();
    assert_eq!(roster, [Presence::Left, Presence::Live, Presence::Live]);
    assert_eq!(world.try_join(0), Err(AdmitError::GivenUp { seat: 0 }));
}

#[test]
fn seats_are_added_and_released() {
    let mut world: World<Snake> = World::seated(2, 1);
    world.pass(Duration::from_secs(1));
    world.room.add_seats(world.now, EPOCH, vec![seat(2)]).unwrap();
    world.room.add_seats(world.now, EPOCH, vec![seat(2)]).unwrap();
    assert_eq!(world.room.add_seats(world.now, 99, vec![seat(3)]), Err(SeatsError::NoMatch { epoch: 99 }));
    assert!(matches!(world.room.add_seats(world.now, EPOCH, vec![seat(8)]), Err(SeatsError::Seats { .. })));
    let mut other = seat(2);
    other.player = "p-x".into();
    assert!(matches!(world.room.add_seats(world.now, EPOCH, vec![other]), Err(SeatsError::Seats { .. })));
    world.join(2);
    assert_eq!(presences(&world), [Presence::Live; 3]);
    world.pass(Duration::from_millis(200));
    assert!(!world.view(2).snakes[2].alive, "enters at the next round");
    world.room.release_seats(world.now, EPOCH, &[2]).unwrap();
    world.carry();
    assert_eq!(world.player(2).closed.as_ref().unwrap().0, CloseCode::Released);
}

#[test]
fn what_cannot_be_hosted_is_refused_with_words() {
    let check = |change: fn(&mut MatchSpec), expected: &str| {
        let mut world: World<Snake> = World::new(2, 1);
        world.room.stop(world.now, "for the test");
        while world.room.poll().is_some() {}
        let mut room = room_core::Room::new(&[room_core::game::<Snake>()], 1);
        let mut wanted = spec("snake", 2, 1);
        change(&mut wanted);
        assert_eq!(room.host(world.now, wanted).unwrap_err().to_string(), expected);
    };
    check(|spec| spec.game = "chess".into(), "this room does not have the game chess; it has snake");
    check(|spec| spec.seats.clear(), "a match needs at least one seat");
    check(|spec| spec.max_seats = 1, "seat 1 does not exist; the match has 1 seats, from 0");
    check(
        |spec| spec.config_json = "{\"widht\":3}".into(),
        "the configuration does not fit the game: unknown field `widht`, expected one of `width`, `height`, `food`, \
         `target`, `survivor`, `rounds` at line 1 column 8",
    );
}

#[test]
fn one_match_at_a_time_and_none_twice() {
    let mut world: World<Snake> = World::seated(2, 1);
    let mut again = spec("snake", 2, 1);
    assert_eq!(world.room.host(world.now, again.clone()), Ok(()), "told twice is told once");
    again.match_id = "m-2".into();
    again.epoch = EPOCH + 1;
    assert_eq!(world.room.host(world.now, again.clone()), Err(HostError::Busy { match_id: "m-1".into() }));
    world.room.release_seats(world.now, EPOCH, &[0, 1]).unwrap();
    world.carry();
    assert!(world.result.take().is_some());
    let old = spec("snake", 2, 1);
    assert_eq!(world.room.host(world.now, old), Err(HostError::OldEpoch { epoch: EPOCH, last: EPOCH }));
    assert_eq!(world.room.host(world.now, again), Ok(()));
}

#[test]
fn a_draining_room_lets_its_match_finish_until_the_deadline() {
    let mut world: World<TicTacToe> = World::seated(2, 1);
    let until = world.now.plus(Duration::from_secs(20));
    world.room.drain(world.now, until);
    world.pass(Duration::from_secs(19));
    assert!(world.result.is_none());
    world.cut(0, 0);
    world.join(0); // coming back is still possible
    world.pass(Duration::from_secs(2));
    let result = world.result.clone().unwrap();
    assert_eq!((result.rated, result.reason.as_str()), (false, "the room stopped"));
    assert_eq!(world.room.status(), Status::Drained);
    let next = MatchSpec { epoch: EPOCH + 1, ..spec("tictactoe", 2, 1) };
    assert_eq!(world.room.host(world.now, next), Err(HostError::Draining));
}

#[test]
fn a_stopped_room_closes_everybody_with_the_reason() {
    let mut world: World<Snake> = World::seated(2, 1);
    world.room.stop(world.now, "stopped by an operator");
    world.carry();
    let (code, reason) = world.player(1).closed.clone().unwrap();
    assert_eq!((code, reason.as_str()), (CloseCode::Stopped, "stopped by an operator"));
    assert!(!world.result.unwrap().rated);
}

#[test]
fn commands_survive_a_broken_connection_and_happen_once() {
    let mut world: World<TicTacToe> = World::seated(2, 1);
    let first = u16::from(world.view(0).state().turn);
    let player = world.player(first);
    player.stalled = true; // what it says arrives, what it should hear does not
    let id = player.client.command(&Command::Place { cell: 0 });
    let conn = player.conn.unwrap();
    let messages = player.client.outgoing(1.0);
    for message in messages {
        world.room.receive(world.now, conn, &message);
    }
    world.cut(first, 0);
    world.player(first).stalled = false;
    world.join(first);
    assert!(world.player(first).accepted.contains(&id));
    assert_eq!(world.view(first).state().cells.iter().flatten().count(), 1);
    assert_eq!(world.command(1 - first, &Command::Place { cell: 1 }), "");
}

#[test]
fn who_comes_back_between_two_states_hears_what_was_told_since_the_last() {
    let mut world: World<Crowd> = World::seated(2, 1);
    world.player(0).client.command(&Order::Shout { times: 3 });
    world.carry();
    world.cut(1, 0);
    world.join(1);
    world.pass(Duration::from_secs(1));
    let heard = |seat: u16| world.players[&seat].events.iter().map(|event| event.number).collect::<Vec<u32>>();
    assert_eq!(heard(1)[..4], [1, 2, 3, 4]);
    assert_eq!(heard(0), heard(1));
}

#[test]
fn the_seat_of_one_who_left_goes_to_the_next() {
    let mut world: World<Snake> = World::seated(3, 1);
    world.pass(Duration::from_secs(1));
    let leave = world.player(0).client.leave();
    world.say(0, &leave);
    let mut next = seat(0);
    next.player = "p-new".into();
    next.name = "new".into();
    world.room.add_seats(world.now, EPOCH, vec![next]).unwrap();
    let claim = |player: &str, nonce| Claim { player: player.into(), ..claim(0, nonce) };
    world.players.remove(&0);
    assert_eq!(world.open(0, &claim("p-0", 500)), Err(AdmitError::OtherPlayer { seat: 0 }));
    world.open(0, &claim("p-new", 501)).unwrap();
    world.pass(Duration::from_millis(200));
    assert_eq!(world.view(0).snakes[0].name, "new");
    world.room.stop(world.now, "enough");
    world.carry();
    let players: Vec<String> = world.result.unwrap().seats.into_iter().map(|seat| seat.player).collect();
    assert_eq!(players, ["p-new", "p-1", "p-2", "p-0"], "who left is in the result, too");
}
