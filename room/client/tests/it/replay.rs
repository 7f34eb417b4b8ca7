//! A match, played again from its journal.

use std::time::Duration;

use bellhop_game::{Game, Rng, Seat};
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tictactoe::TicTacToe;
use room_core::{JournalError, Playback, Time, game, replay};

use crate::world::World;

/// Lets bots play for a while, with one who drops and comes back and one who leaves; then the room stops.
fn played<G: Game>(seats: u16, seed: u64) -> World<G> {
    let mut world: World<G> = World::seated(seats, seed);
    let mut rng = Rng::new(seed);
    for round in 0..120 {
        for seat in 0..seats {
            let Some(player) = world.players.get_mut(&seat).filter(|player| player.conn.is_some()) else { continue };
            let Some(view) = player.client.view() else { continue };
            let moves = G::bot(view, Seat(seat), &mut rng);
            moves.input.into_iter().for_each(|input| player.client.set_input(input));
            moves.commands.iter().for_each(|command| {
                player.client.command(command);
            });
        }
        match round {
            30 => world.cut(0, 0),
            45 => drop(world.try_join(0)),
            _ => {}
        }
        world.carry();
        world.pass(Duration::from_millis(150));
    }
    if world.result.is_none() {
        let now = world.now;
        world.room.drain(now, Time(now.0 + 1_000_000));
        world.pass(Duration::from_secs(2));
    }
    assert!(world.result.is_some(), "the match ended");
    world
}

fn comes_to_the_same<G: Game>(seats: u16) {
    for seed in 1..6 {
        let world = played::<G>(seats, seed);
        let again = replay(&[game::<G>()], &world.journal).expect("a whole journal");
        let result = world.result.expect("it ended");
        assert_eq!(again.ended.as_deref(), Some(&*result.reason), "{}", G::NAME);
        assert!(again.checks > 0, "the states were compared");
        if G::RATE_HZ > 0 {
            let ms = result.duration.as_millis() as u64;
            assert!(again.duration_ms.abs_diff(ms) <= 1, "{} ms, not {ms}", again.duration_ms);
        }
    }
}

#[test]
fn snake() {
    comes_to_the_same::<Snake>(4);
}

#[test]
fn tictactoe() {
    comes_to_the_same::<TicTacToe>(2);
}

fn watch(journal: &[u8]) -> Playback<Snake> {
    let config = |json: &str| serde_json::from_str(json).map_err(|error| error.to_string());
    Playback::open(journal, config).expect("a whole journal")
}

#[test]
fn a_match_can_be_watched_at_any_of_its_moments() {
    let world = played::<Snake>(3, 5);
    let mut watched = watch(&world.journal);
    let end = watched.duration_ms();
    assert_eq!(watched.seats().len(), 3);
    assert_eq!(watched.ended(), world.result.as_ref().map(|result| result.reason.as_str()));
    // What was shown on the way forwards is shown again after every jump back.
    let mut shown = Vec::new();
    for ms in (0..=end).step_by(200) {
        watched.seek(ms);
        shown.push((ms, watched.view(None), watched.view(Some(1))));
    }
    assert!(shown.first().map(|shown| &shown.1) != shown.last().map(|shown| &shown.1), "something happened");
    for (ms, all, one) in shown.into_iter().rev().step_by(7) {
        watched.seek(ms);
        assert_eq!((watched.view(None), watched.view(Some(1))), (all, one), "at {ms} ms");
    }
    // Each event is told once on the way.
    watched.seek(0);
    watched.skip_events(None);
    let mut told = 0;
    for ms in (0..=end).step_by(100) {
        watched.seek(ms);
        told += watched.take_events(None).len();
    }
    let mut at_once = watch(&world.journal);
    at_once.skip_events(None);
    at_once.seek(end);
    assert_eq!(at_once.take_events(None).len(), told);
    assert!(told > 0, "somebody was told something");
}

#[test]
fn sketch() {
    comes_to_the_same::<Sketch>(3);
}

#[test]
fn a_journal_of_another_game_or_a_changed_match_is_told() {
    let world = played::<Snake>(3, 7);
    let other = replay(&[game::<TicTacToe>()], &world.journal);
    assert!(matches!(other, Err(JournalError::UnknownGame { .. })), "{other:?}");
    assert_eq!(replay(&[game::<Snake>()], b"something else"), Err(JournalError::Magic));
    let half = replay(&[game::<Snake>()], &world.journal[..world.journal.len() / 2]).unwrap();
    assert_eq!(half.ended, None, "a journal that was cut off is a match without an end");
    // The same entries for a match with another seed lead elsewhere.
    let (first, second) = (played::<Snake>(3, 8).journal, world.journal);
    let start = |journal: &[u8]| 8 + 12 + u32::from_le_bytes(journal[8..12].try_into().unwrap()) as usize;
    let mixed = [&first[..start(&first)], &second[start(&second)..]].concat();
    let mixed = replay(&[game::<Snake>()], &mixed);
    assert!(matches!(mixed, Err(JournalError::Diverged { .. })), "{mixed:?}");
}
