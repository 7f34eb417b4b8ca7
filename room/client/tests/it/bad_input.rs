//! What a bad client may try, and what it gets for it. Nobody else notices.

use std::time::Duration;

use bellhop_snake::{Heading, Snake};
use bellhop_tictactoe::{Command, TicTacToe};
use bellhop_wire::limits::{BYTE_BURST, MAX_CLIENT_MESSAGE_BYTES, MESSAGE_BURST};
use bellhop_wire::{Hello, ToServer, Wire};
use proptest::prelude::*;
use room_core::{CloseCode, Output, Status};

use crate::world::{World, claim, seal};

/// Seat 0 says this once; how its socket is closed. Seat 1 goes on playing and sees nothing of it.
fn check(name: &str, bytes: &[u8], expected: CloseCode, words: &str) {
    let mut world: World<Snake> = World::seated(3, 1);
    world.pass(Duration::from_secs(4));
    let before = world.view(1);
    world.say(0, bytes);
    let (code, reason) = world.player(0).closed.clone().unwrap_or_else(|| panic!("{name}: not closed"));
    assert_eq!(code, expected, "{name}");
    assert!(reason.contains(words), "{name}: {reason}");
    let mut after = world.truth(1);
    after.snakes[0].away = false; // that its player is gone is all there is to see
    assert_eq!(before, after, "{name}");
    assert_eq!(world.room.stats().violations, 1, "{name}");
    world.join(0);
}

#[test]
fn each_fault_has_its_own_code_and_words() {
    let hello = |schema| ToServer::Hello(Hello { schema, events_seen: None }).encode();
    check("empty", &[], CloseCode::Malformed, "ends too early");
    check("half a hello", &hello(1)[..4], CloseCode::Malformed, "ends too early");
    check("second hello", &hello(1), CloseCode::Malformed, "second hello");
    let input =
        |seq, frames, payload: &[u8]| ToServer::Input { seq, frames, held_ms: 0, payload: payload.to_vec() }.encode();
    check("no such input", &input(1, 0, &[0xff; 3]), CloseCode::Malformed, "left over");
    check("input that stands still", &input(0, 0, &[0]), CloseCode::Malformed, "out of range");
    check("acknowledges the future", &input(1, 999, &[0]), CloseCode::Malformed, "never sent");
    check("long input", &input(1, 0, &[0; 2_000]), CloseCode::TooLarge, "at most 1024");
    check("too long for anything", &vec![5; MAX_CLIENT_MESSAGE_BYTES + 1], CloseCode::TooLarge, "at most 16384");
    let command = |bytes| ToServer::Command { id: 1, payload: vec![0; bytes] }.encode();
    check("command in a game without", &command(3), CloseCode::Malformed, "left over");
    check("long command", &command(4_096), CloseCode::TooLarge, "at most 4096");
    check("bytes behind a leave", &[5, 0, 0], CloseCode::Malformed, "left over");
}

/// How the room closed a socket that is no player's.
fn closing(world: &mut World<Snake>) -> Option<(CloseCode, String)> {
    std::iter::from_fn(|| world.room.poll()).find_map(|output| match output {
        Output::Close { code, reason, .. } => Some((code, reason.into_owned())),
        Output::Send { .. } | Output::Ask { .. } | Output::SeatsChanged | Output::Journal(_) | Output::Result(_) => {
            None
        }
    })
}

#[test]
fn an_old_page_is_told_to_reload() {
    let mut world: World<Snake> = World::new(2, 1);
    let conn = room_core::ConnId(50);
    world.room.admit(world.now, conn, &claim(0, 1), &mut seal).unwrap();
    let hello = ToServer::Hello(Hello { schema: 1, events_seen: None }).encode();
    world.room.receive(world.now, conn, &hello);
    let (code, reason) = closing(&mut world).unwrap();
    assert_eq!(code, CloseCode::WrongSchema);
    assert!(reason.contains("load it again"), "{reason}");
}

#[test]
fn a_socket_that_says_nothing_or_the_wrong_thing_first_is_closed() {
    for (bytes, code) in [(None, CloseCode::TooSlow), (Some(vec![5u8]), CloseCode::Malformed)] {
        let mut world: World<Snake> = World::new(2, 1);
        world.room.admit(world.now, room_core::ConnId(50), &claim(0, 1), &mut seal).unwrap();
        match bytes {
            Some(bytes) => world.room.receive(world.now, room_core::ConnId(50), &bytes),
            None => (1..=6).for_each(|second| world.room.advance(world.now.plus(Duration::from_secs(second)))),
        }
        assert_eq!(closing(&mut world).map(|closed| closed.0), Some(code));
    }
}

#[test]
fn a_flood_closes_its_own_socket_only() {
    let ping = ToServer::Ping { client_ms: 0 }.encode();
    let mut world: World<Snake> = World::seated(2, 1);
    let mut said = 0;
    while world.player(0).closed.is_none() {
        world.say(0, &ping);
        said += 1;
    }
    assert!(said <= MESSAGE_BURST + 1, "{said}");
    assert_eq!(world.player(0).closed.as_ref().unwrap().0, CloseCode::Flood);
    assert!(world.player(1).closed.is_none());

    let mut world: World<TicTacToe> = World::seated(2, 1);
    let long = ToServer::Command { id: 1, payload: vec![0; 4_000] }.encode();
    let conn = world.player(0).conn.unwrap();
    // Said over and over it is a repetition, which is dealt with and costs only its bytes.
    let first = ToServer::Command { id: 1, payload: Command::Resign.to_bytes() }.encode();
    world.room.receive(world.now, conn, &first);
    for _ in 0..=BYTE_BURST / 4_000 {
        world.room.receive(world.now, conn, &long);
    }
    world.carry();
    assert_eq!(world.player(0).closed.as_ref().unwrap().0, CloseCode::Flood);
}

#[test]
fn moves_against_the_rules_are_refused_with_words_and_change_nothing() {
    let mut world: World<TicTacToe> = World::seated(2, 1);
    let first = u16::from(world.view(0).state().turn);
    let second = 1 - first;
    assert_eq!(world.command(second, &Command::Place { cell: 0 }), "it is the other side's turn");
    assert_eq!(world.command(first, &Command::Place { cell: 9 }), "there is no such cell; they are 0 to 8");
    assert_eq!(world.command(first, &Command::OfferRematch), "the game is not over");
    assert_eq!(world.command(first, &Command::Place { cell: 4 }), "");
    assert_eq!(world.command(second, &Command::Place { cell: 4 }), "that cell is taken");
    assert_eq!(world.command(first, &Command::Place { cell: 3 }), "it is the other side's turn");
    assert_eq!(world.view(0).state().cells.iter().flatten().count(), 1);
    assert_eq!(world.room.stats().commands_refused, 5);
}

#[test]
fn a_move_before_the_match_began_is_refused() {
    let mut world: World<TicTacToe> = World::new(2, 1);
    world.join(0);
    assert_eq!(world.command(0, &Command::Place { cell: 0 }), "the match has not begun");
}

/// The messages of a client name no seat and no place: there is nothing in them with which to speak for another, to
/// claim a position or a result. What is left to try is raw bytes.
#[test]
fn a_raw_client_can_only_turn_its_own_snake() {
    let mut honest: World<Snake> = World::seated(2, 5);
    let mut raw: World<Snake> = World::seated(2, 5);
    for world in [&mut honest, &mut raw] {
        world.pass(Duration::from_millis(3_300));
    }
    // Up, and then what would be a seat, a position and a result in somebody's protocol.
    let up = ToServer::Input { seq: 1, frames: 0, held_ms: 0, payload: Heading::Up.to_bytes() }.encode();
    for world in [&mut honest, &mut raw] {
        world.say(0, &up);
        world.pass(Duration::from_millis(200));
    }
    let stuffed = [up.as_slice(), &[1, 23, 23, 255]].concat();
    raw.say(0, &stuffed);
    assert_eq!(raw.player(0).closed.as_ref().unwrap().0, CloseCode::Malformed);
    raw.join(0);
    for world in [&mut honest, &mut raw] {
        world.pass(Duration::from_millis(400));
    }
    assert_eq!(honest.view(1), raw.truth(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever a client says, the room stands, the others play on, and a seat is never another's.
    #[test]
    fn arbitrary_bytes_change_nothing_for_others(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..20)) {
        let mut world: World<TicTacToe> = World::seated(2, 1);
        for message in &messages {
            // Leaving is the one thing that ends the match for the other, and it is his right.
            if world.players[&0].conn.is_some() && ToServer::decode(message) != Ok(ToServer::Leave) {
                let conn = world.players[&0].conn.unwrap();
                world.room.receive(world.now, conn, message);
                world.carry();
            }
        }
        let playing = matches!(world.room.status(), Status::Playing { .. });
        prop_assert!(playing);
        prop_assert!(world.players[&1].conn.is_some());
        let cells = world.truth(1).state().cells;
        prop_assert!(!cells.contains(&Some(1)), "nobody moved for seat 1: {cells:?}");
    }

    /// Whatever a server says, a client stands.
    #[test]
    fn a_client_survives_arbitrary_bytes(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..20)) {
        let mut client = room_client::Client::<Snake>::new();
        client.hello();
        let mut table = room_client::Client::<TicTacToe>::new();
        table.hello();
        for message in &messages {
            let _ = client.receive(message, 0.0);
            let _ = table.receive(message, 0.0);
            client.outgoing(0.0);
            table.outgoing(0.0);
            client.view_at(1.0);
            table.view_at(1.0);
        }
    }
}
