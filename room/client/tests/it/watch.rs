//! Who watches sees what spectators may see, later where the game or the queue asks for it, and costs the players nothing.

use std::collections::VecDeque;
use std::time::Duration;

use bellhop_game::Game;
use bellhop_maze::Maze;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::{Command, TicTacToe};
use bellhop_wire::{CloseCode, ToServer};
use room_core::{AdmitError, Audience, MatchSpec, Playback};

use crate::world::{World, spec};

fn watched<G: Game>(seats: u16, most: u16, delay: Duration) -> World<G> {
    let audience = Audience { most, delay };
    let mut world: World<G> = World::configured(MatchSpec { audience, chat: true, ..spec(G::NAME, seats, 3) });
    (0..seats).for_each(|seat| world.join(seat));
    world
}

/// The bots play; a spectator who comes in the middle sees every picture that a replay of the match has, at its time.
fn sees_what_a_replay_shows<G: Game>(seats: u16, delay: Duration, within: Duration)
where
    G::View: std::fmt::Debug,
{
    let mut world: World<G> = watched(seats, 4, delay);
    let mut rng = bellhop_game::Rng::new(5);
    let delay = delay.max(Duration::from_secs(u64::from(G::WATCH_DELAY_SECONDS)));
    let mut seen: VecDeque<(u32, G::View)> = VecDeque::new();
    let mut watcher = None;
    let steps = within.as_millis() as u64 / 100;
    for step in 0..steps {
        for seat in 0..seats {
            let Some(view) = world.players[&seat].client.view().cloned() else { continue };
            let moves = G::bot(&view, bellhop_game::Seat(seat), &mut rng);
            if let Some(input) = moves.input {
                world.player(seat).client.set_input(input);
            }
            for command in moves.commands {
                world.player(seat).client.command(&command);
            }
        }
        if step == 7 {
            watcher = Some(world.watch("w-1").expect("there is a place"));
        }
        world.pass(Duration::from_millis(100));
        if let Some(view) = watcher.and_then(|watcher| world.watchers[watcher].client.view()) {
            let client = &world.watchers[0].client;
            assert_eq!(client.stats(0.0).desyncs, 0, "step {step}");
            seen.push_back((client.tick(), view.clone()));
        }
    }
    assert!(!seen.is_empty(), "{}: nothing was seen", G::NAME);
    let config = |text: &str| serde_json::from_str(text).map_err(|error| error.to_string());
    let mut playback = Playback::<G>::open(&world.journal, config).expect("the journal is sound");
    // Before the first step players still come, all in one moment.
    for (tick, view) in seen.iter().filter(|(tick, _)| G::RATE_HZ > 0 && *tick > 0) {
        let at = (u64::from(*tick) * 1_000).div_ceil(u64::from(G::RATE_HZ));
        playback.seek(at);
        assert_eq!(*view, playback.view(None), "{} at step {tick}", G::NAME);
    }
    if G::RATE_HZ > 0 {
        let newest = u64::from(seen.back().map_or(0, |(tick, _)| *tick)) * 1_000 / u64::from(G::RATE_HZ);
        let late = world.now.0 / 1_000 - newest;
        let most = delay.as_millis() as u64 + 400;
        assert!((delay.as_millis() as u64..=most).contains(&late), "{}: {late} ms late", G::NAME);
    } else {
        playback.seek(u64::MAX);
        let (_, last) = seen.back().expect("something was seen");
        assert!(delay > Duration::ZERO || *last == playback.view(None), "{}: not the newest", G::NAME);
    }
}

#[test]
fn each_game_is_watched() {
    let soon = Duration::from_secs(6);
    sees_what_a_replay_shows::<Snake>(4, Duration::ZERO, soon);
    sees_what_a_replay_shows::<Tanks>(4, Duration::ZERO, soon);
    sees_what_a_replay_shows::<TicTacToe>(2, Duration::ZERO, soon);
    sees_what_a_replay_shows::<Sketch>(2, Duration::ZERO, soon);
    sees_what_a_replay_shows::<Maze>(3, Duration::ZERO, Duration::from_secs(20));
}

#[test]
fn each_game_is_watched_later_where_the_queue_says_so() {
    let (delay, within) = (Duration::from_secs(3), Duration::from_secs(8));
    sees_what_a_replay_shows::<Snake>(4, delay, within);
    sees_what_a_replay_shows::<Tanks>(4, delay, within);
    sees_what_a_replay_shows::<TicTacToe>(2, delay, within);
    sees_what_a_replay_shows::<Sketch>(2, delay, within);
}

#[test]
fn a_move_is_shown_when_its_time_has_come_and_all_of_them_at_the_end() {
    let mut world: World<TicTacToe> = watched(2, 1, Duration::from_secs(5));
    let watcher = world.watch("w").unwrap();
    assert_eq!(world.watchers[watcher].client.watched().unwrap().delay_ms, 5_000);
    let first = u16::from(!world.command(0, &Command::Place { cell: 0 }).is_empty());
    if first == 1 {
        assert_eq!(world.command(1, &Command::Place { cell: 0 }), "");
    }
    let marks = |world: &World<TicTacToe>| {
        let view = world.watchers[0].client.view();
        view.map(|view| {
            serde_json::to_value(view).unwrap()["cells"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|cell| !cell.is_null())
                .count()
        })
    };
    world.pass(Duration::from_millis(4_900));
    assert!(marks(&world).unwrap_or_default() == 0, "too early");
    world.pass(Duration::from_millis(200));
    assert_eq!(marks(&world), Some(1));
    assert_eq!(world.command(1 - first, &Command::Resign), "");
    assert_eq!(world.command(0, &Command::DeclineRematch), "");
    assert!(world.result.is_some(), "nobody waits for who watches");
    let watcher = &world.watchers[0];
    assert!(watcher.client.ended().is_some(), "he is told how it ended");
    assert_eq!(watcher.closed.as_ref().unwrap().0, CloseCode::Ended);
}

#[test]
fn who_watches_says_nothing() {
    let mut world: World<Snake> = watched(2, 8, Duration::ZERO);
    let seats = world.room.seats();
    for message in [
        ToServer::Input { seq: 1, frames: 0, held_ms: 0, payload: vec![1] },
        ToServer::Command { id: 1, payload: Vec::new() },
        ToServer::Say { text: "hello".into() },
    ] {
        let watcher = world.watch("w").unwrap();
        world.watcher_says(watcher, &message.encode());
        let (code, reason) = world.watchers[watcher].closed.clone().unwrap();
        assert_eq!((code, code.code()), (CloseCode::Spectator, 4010), "{message:?}");
        assert_eq!(reason, "who watches does not play; take a seat to play");
    }
    let watcher = world.watch("w").unwrap();
    world.watcher_says(watcher, &ToServer::Leave.encode());
    assert_eq!(world.watchers[watcher].closed.as_ref().unwrap().0, CloseCode::Left);
    assert_eq!(world.room.seats(), seats, "nothing of it touches a seat");
    assert_eq!(world.room.stats().spectators, 0);
    assert!(world.said.is_empty(), "and nobody hears of it");
}

#[test]
fn there_are_so_many_places_and_one_for_each() {
    let mut world: World<Snake> = watched(2, 2, Duration::ZERO);
    let first = world.watch("w-1").unwrap();
    world.watch("w-2").unwrap();
    assert_eq!(world.watch("w-3"), Err(AdmitError::AudienceFull { most: 2 }));
    let again = world.watch("w-1").unwrap();
    assert_eq!(world.watchers[first].closed.as_ref().unwrap().0, CloseCode::Superseded);
    assert!(world.watchers[again].closed.is_none());
    assert_eq!((world.room.stats().spectators, world.room.stats().sockets), (2, 4));

    let mut world: World<Snake> = watched(2, 0, Duration::ZERO);
    assert_eq!(world.watch("w-1"), Err(AdmitError::NotWatched));
}

#[test]
fn a_crowd_costs_one_encoding_and_the_players_not_a_byte() {
    let sent = |spectators: u16| {
        let mut world: World<Tanks> = watched(4, 100, Duration::ZERO);
        for viewer in 0..spectators {
            world.watch(&format!("w-{viewer}")).unwrap();
        }
        world.pass(Duration::from_secs(5));
        let players: Vec<u64> = world.players.values().map(|player| player.client.stats(0.0).bytes).collect();
        (players, world.room.stats())
    };
    let ((alone, without), (watched, with)) = (sent(0), sent(60));
    assert_eq!(alone, watched, "what players are sent");
    let frames = with.spectator_frames / 60;
    assert!(frames >= 95, "{frames} frames for each spectator in 5 s");
    let bytes = with.spectator_bytes / with.spectator_frames;
    assert!(bytes < 200, "{bytes} bytes in a frame");
    let bodies = with.bodies - without.bodies;
    assert!(bodies <= frames + 10, "{bodies} bodies encoded for {frames} frames of each");
    assert_eq!(
        with.frames - with.spectator_frames,
        without.frames + 60 * 2 + 60 * 3,
        "welcome, roster and pongs beside"
    );
}

#[test]
fn a_spectator_who_does_not_read_holds_nobody_up() {
    let mut world: World<Snake> = watched(2, 4, Duration::ZERO);
    let slow = world.watch("w-1").unwrap();
    let quick = world.watch("w-2").unwrap();
    world.watchers[slow].stalled = true;
    let steps = world.room.stats().steps;
    world.pass(Duration::from_secs(4));
    assert!(world.room.stats().skipped > 0, "he is skipped");
    assert!(world.room.stats().steps >= steps + 15);
    let frames = |world: &World<Snake>, at: usize| world.watchers[at].client.stats(0.0).frames;
    assert!(frames(&world, quick) > frames(&world, slow) + 10);
    world.watchers[slow].stalled = false;
    world.pass(Duration::from_secs(1));
    assert_eq!(world.watchers[slow].client.view(), world.watchers[quick].client.view(), "and right again at once");
    world.watchers[slow].stalled = true;
    world.pass(Duration::from_secs(20));
    assert_eq!(world.watchers[slow].closed.as_ref().unwrap().0, CloseCode::TooSlow);
}

#[test]
fn players_write_to_all_within_limits() {
    let mut world: World<Snake> = watched(2, 4, Duration::ZERO);
    world.watch("w").unwrap();
    let say = |world: &mut World<Snake>, text: &str| {
        world.said.clear();
        let line = world.players[&0].client.say(text);
        world.say(0, &line);
        world.said.clone()
    };
    let told: Vec<_> = [Some(0), Some(1), None].map(|to| (to, "0: well met".to_owned())).into();
    assert_eq!(say(&mut world, "  well met "), told);
    for (line, why) in [
        ("a\nb", "characters that are none to be seen"),
        ("\u{202e}olleh", "characters that are none to be seen"),
        ("   ", "an empty line"),
        (&"x".repeat(201), "at most"),
    ] {
        let said = say(&mut world, line);
        assert!(matches!(said.as_slice(), [(Some(0), why_not)] if why_not.contains(why)), "{said:?}");
    }
    let many: Vec<bool> = (0..8).map(|_| say(&mut world, "again").len() == 3).collect();
    assert_eq!(many.iter().filter(|passed| **passed).count(), 4, "five at once, one of them before: {many:?}");
    assert!(world.players[&0].closed.is_none(), "who writes too much is told, and plays on");
    world.pass(Duration::from_secs(2));
    assert_eq!(say(&mut world, "later").len(), 3);
    assert!(!String::from_utf8_lossy(&world.journal).contains("well met"), "it stands in no journal");

    // Who comes back hears each line once; a fresh page hears the last ones.
    world.said.clear();
    world.cut(1, 0);
    world.join(1);
    assert!(world.said.is_empty(), "{:?}", world.said);
    world.players.remove(&1);
    world.come_again(1);
    assert_eq!(world.said.len(), 6, "{:?}", world.said);

    let mut silent: World<Snake> = World::seated(2, 1);
    let line = silent.players[&0].client.say("hello");
    silent.say(0, &line);
    assert_eq!(silent.said, [(Some(0), "not: nobody writes in this queue".to_owned())]);
}

#[test]
fn who_watches_later_reads_later() {
    let mut world: World<Snake> = watched(2, 4, Duration::from_secs(3));
    world.watch("w").unwrap();
    let line = world.players[&0].client.say("he is behind you");
    world.say(0, &line);
    let heard = |world: &World<Snake>| world.said.iter().filter(|(to, _)| to.is_none()).count();
    world.pass(Duration::from_millis(2_900));
    assert_eq!(heard(&world), 0);
    world.pass(Duration::from_millis(200));
    assert_eq!(heard(&world), 1);
}

#[test]
fn an_operator_takes_a_player_out() {
    let mut world: World<Snake> = watched(3, 4, Duration::ZERO);
    world.watch("w").unwrap();
    world.room.kick(world.now, 7, &[1, 9], "bad language").unwrap();
    world.carry();
    let (code, reason) = world.players[&1].closed.clone().unwrap();
    assert_eq!((code, code.code(), reason.as_str()), (CloseCode::Kicked, 4011, "bad language"));
    let told: Vec<_> = [Some(0), Some(2), None].map(|to| (to, "1 gone: bad language".to_owned())).into();
    assert_eq!(world.said, told);
    assert_eq!(world.try_join(1), Err(AdmitError::GivenUp { seat: 1 }));
    assert!(world.room.kick(world.now, 6, &[0], "").is_err(), "another match is not touched");
}
