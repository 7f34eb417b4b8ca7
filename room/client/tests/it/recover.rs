//! A room that is killed in the middle of a match, and the one that goes on with it.

use std::time::Duration;

use bellhop_game::{Context, Game, Inputs, Moves, Rng, Seat, View, ViewClass, Who, wire};
use bellhop_maze::Maze;
use bellhop_sketch::Sketch;
use bellhop_snake::Snake;
use bellhop_tanks::Tanks;
use bellhop_tictactoe::TicTacToe;
use bellhop_wire::Presence;
use room_core::{ChangedRules, HostError, JournalError, MatchSpec, Room, Time, game, limits, replay};
use serde::Serialize;

use crate::world::{World, spec};

/// Bots play for so many rounds.
fn play<G: Game>(world: &mut World<G>, rng: &mut Rng, rounds: u32) {
    for _ in 0..rounds {
        for (&seat, player) in &mut world.players {
            let Some(view) = player.client.view().filter(|_| player.conn.is_some()) else { continue };
            let moves = G::bot(view, Seat(seat), rng);
            moves.input.into_iter().for_each(|input| player.client.set_input(input));
            moves.commands.iter().for_each(|command| {
                player.client.command(command);
            });
        }
        world.carry();
        world.pass(Duration::from_millis(150));
    }
}

/// The room dies; what it had not sent yet is lost. All come back, play on, and the whole match can be replayed.
fn goes_on<G: Game>(seats: u16) {
    for seed in 1..5 {
        let mut world: World<G> = World::seated(seats, seed);
        let mut rng = Rng::new(seed);
        for crash in 0..3 {
            play(&mut world, &mut rng, 20);
            if world.result.is_some() {
                break;
            }
            let before = world.players[&0].client.tick();
            let kept = world.journal.len();
            world.crash(spec(G::NAME, seats, seed), kept).expect("it goes on");
            let presences: Vec<Presence> = world.room.seats().iter().map(|seat| seat.presence).collect();
            assert_eq!(presences, vec![Presence::Dropped; usize::from(seats)], "everybody keeps his seat");
            (0..seats).for_each(|seat| world.come_again(seat));
            let after = world.players[&0].client.tick();
            let most = limits::JOURNAL_EVERY.as_millis() as u32 * G::RATE_HZ / 1_000 + 1;
            assert!(before.saturating_sub(after) <= most, "crash {crash}: step {after}, it was {before}");
            world.pass(Duration::from_millis(300));
            for seat in 0..seats {
                let seen = world.view(seat);
                assert!(seen == world.truth(seat), "{} seat {seat} sees something else", G::NAME);
            }
        }
        if world.result.is_none() {
            let now = world.now;
            world.room.drain(now, Time(now.0 + 500_000));
            world.pass(Duration::from_secs(1));
        }
        let result = world.result.as_ref().expect("it ended");
        let again = replay(&[game::<G>()], &world.journal).expect("one match, over three rooms");
        assert_eq!(again.ended.as_deref(), Some(&*result.reason), "{}", G::NAME);
        assert_eq!(result.seats.len(), usize::from(seats));
    }
}

#[test]
fn snake() {
    goes_on::<Snake>(4);
}

#[test]
fn tanks() {
    goes_on::<Tanks>(4);
}

#[test]
fn maze() {
    goes_on::<Maze>(4);
}

#[test]
fn sketch() {
    goes_on::<Sketch>(2);
}

#[test]
fn tictactoe() {
    goes_on::<TicTacToe>(2);
}

#[test]
fn in_a_game_of_moves_nothing_that_was_shown_is_lost() {
    for seed in 1..40 {
        let mut world: World<TicTacToe> = World::seated(2, seed);
        let mut rng = Rng::new(seed);
        // The lobby has the beginning, and says so; from now on the test says what it has.
        world.room.journal_kept(world.now, world.epoch, world.journal.len() as u64);
        let mut kept = world.journal.len();
        for _ in 0..4 {
            for seat in 0..2 {
                let view = world.view(seat);
                for command in TicTacToe::bot(&view, Seat(seat), &mut rng).commands {
                    let before = world.view(1 - seat);
                    world.player(seat).client.command(&command);
                    world.carry();
                    if rng.below(2) == 0 {
                        assert!(world.view(1 - seat) == before, "it is shown, and the lobby does not have it");
                    }
                    if rng.below(4) == 0 {
                        break; // killed before the lobby has it
                    }
                    kept = world.journal.len();
                    world.room.journal_kept(world.now, world.epoch, kept as u64);
                    world.carry();
                }
            }
        }
        if world.result.is_some() {
            continue;
        }
        let shown = [world.view(0), world.view(1)];
        world.crash(spec("tictactoe", 2, seed), kept).expect("it goes on");
        for seat in 0..2 {
            world.come_again(seat);
        }
        world.carry();
        // What a client had sent and not heard of, it sends again; so nothing at all is lost.
        for (seat, shown) in (0..2).zip(shown) {
            let (now, before) = (format!("{:?}", world.view(seat)), format!("{shown:?}"));
            let marks = |view: &str| view.matches("Some").count();
            assert!(marks(&now) >= marks(&before), "seed {seed}, seat {seat}: {now} after {before}");
        }
    }
}

#[test]
fn a_lobby_that_does_not_keep_the_journal_holds_up_one_move_only() {
    let mut world: World<TicTacToe> = World::seated(2, 3);
    world.room.journal_kept(world.now, world.epoch, world.journal.len() as u64);
    let mut rng = Rng::new(3);
    let mover = |world: &World<TicTacToe>, rng: &mut Rng| {
        (0..2).find_map(|seat| {
            let commands = TicTacToe::bot(&world.view(seat), Seat(seat), rng).commands;
            Some((seat, commands.into_iter().next()?))
        })
    };
    let (seat, command) = mover(&world, &mut rng).expect("somebody moves");
    let before = world.view(1 - seat);
    world.player(seat).client.command(&command);
    world.carry();
    assert!(world.view(1 - seat) == before);
    world.pass(limits::KEPT_WITHIN);
    assert!(world.view(1 - seat) != before, "it is shown after all");
    let (seat, command) = mover(&world, &mut rng).expect("the other one moves");
    let before = world.view(1 - seat);
    world.player(seat).client.command(&command);
    world.carry();
    assert!(world.view(1 - seat) != before, "and the next one is not held up");
}

#[test]
fn a_command_that_was_dealt_with_is_not_dealt_with_again() {
    let mut world: World<TicTacToe> = World::seated(2, 9);
    world.keeps = true;
    let mut rng = Rng::new(9);
    let commands =
        |world: &World<TicTacToe>, rng: &mut Rng, seat| TicTacToe::bot(&world.view(seat), Seat(seat), rng).commands;
    let seat = (0..2).find(|&seat| !commands(&world, &mut rng, seat).is_empty()).expect("somebody moves");
    let command = commands(&world, &mut rng, seat).remove(0);
    assert_eq!(world.command(seat, &command), "");
    assert_ne!(world.command(seat, &command), "", "not twice");
    let kept = world.journal.len();
    world.crash(spec("tictactoe", 2, 9), kept).expect("it goes on");
    (0..2).for_each(|seat| world.come_again(seat));
    let accepted = world.players[&seat].accepted.len();
    let other = commands(&world, &mut rng, 1 - seat).remove(0);
    assert_eq!(world.command(1 - seat, &other), "");
    let third = commands(&world, &mut rng, seat).remove(0);
    assert_eq!(world.command(seat, &third), "", "the numbers go on where they were");
    assert_eq!(world.players[&seat].accepted.len(), accepted + 1);
}

#[test]
fn who_left_has_left_and_who_is_new_has_yet_to_come() {
    let mut world: World<Snake> = World::seated(4, 5);
    world.pass(Duration::from_secs(1));
    let leave = world.player(1).client.leave();
    world.say(1, &leave);
    world.pass(limits::JOURNAL_EVERY);
    // The lobby gave the seat to another one meanwhile, and seat 2 was given up without the room's having written it.
    let mut changed = spec("snake", 4, 5);
    changed.seats.remove(2);
    changed.seats[1].player = "p-new".into();
    let kept = world.journal.len();
    world.crash(changed, kept).expect("it goes on");
    let now: Vec<_> = world.room.seats().into_iter().map(|seat| (seat.seat, seat.player, seat.presence)).collect();
    let is = |seat, player: &str, presence| (seat, player.to_owned(), presence);
    let should = [
        is(0, "p-0", Presence::Dropped),
        is(1, "p-new", Presence::Reserved),
        is(2, "p-2", Presence::Left),
        is(3, "p-3", Presence::Dropped),
    ];
    assert_eq!(now, should);
}

#[test]
fn what_was_asked_and_not_answered_is_asked_again() {
    let mut world: World<Sketch> = World::new(2, 4);
    world.silent_world = true;
    (0..2).for_each(|seat| world.join(seat));
    assert_eq!(world.asked, 1, "its prompts are asked for");
    let kept = world.journal.len();
    world.crash(spec("sketch", 2, 4), kept).expect("it goes on");
    assert_eq!(world.asked, 2, "the answer went to a room that is no more");
}

#[test]
fn only_its_own_whole_journal_takes_a_match_up_again() {
    let mut world: World<Snake> = World::seated(2, 6);
    world.pass(Duration::from_secs(6));
    let journal = world.journal.clone();
    let host = |spec: MatchSpec, journal: Vec<u8>| {
        let mut room = room_core::Room::new(&[game::<Snake>(), game::<TicTacToe>()], 1);
        room.host(Time(0), MatchSpec { journal, ..spec })
    };
    assert_eq!(host(spec("snake", 2, 6), journal.clone()), Ok(()));
    assert_eq!(host(spec("snake", 2, 7), journal.clone()), Err(HostError::OtherJournal));
    assert_eq!(host(spec("tictactoe", 2, 6), journal.clone()), Err(HostError::OtherJournal));
    let other = host(spec("snake", 2, 6), b"something else".to_vec());
    assert_eq!(other, Err(HostError::Journal(JournalError::Magic)));
    let mut damaged = journal.clone();
    damaged[60] ^= 1;
    assert!(matches!(host(spec("snake", 2, 6), damaged), Err(HostError::Journal(_))));
    for cut in (1..journal.len()).step_by(7) {
        // Never a panic; whatever is whole is taken up.
        let _taken = host(spec("snake", 2, 6), journal[..cut].to_vec());
    }
}

wire! {
    /// How far it has counted.
    #[derive(Debug, Clone, PartialEq, Serialize)]
    pub struct Count {
        /// So far.
        pub to: i32,
    }
}
impl View for Count {}

/// Counts by as many in every step: the same messages, and other rules.
struct Counts<const BY: i32>(Count);

impl<const BY: i32> Game for Counts<BY> {
    type Config = ();
    type Input = ();
    type Command = ();
    type Event = ();
    type View = Count;
    const NAME: &'static str = "counts";
    const RATE_HZ: u32 = 10;
    const MIN_SEATS: u16 = 1;
    const MAX_SEATS: u16 = 1;

    fn start(_: &(), _: u64) -> Self {
        Counts(Count { to: 0 })
    }
    fn join(&mut self, _: Seat, _: &Who, _: &mut Context<()>) {}
    fn step(&mut self, _: &Inputs<()>, _: &mut Context<()>) {
        self.0.to += BY;
    }
    fn view(&self, _: ViewClass) -> Count {
        self.0.clone()
    }
    fn bot(_: &Count, _: Seat, _: &mut Rng) -> Moves<Self> {
        Moves::default()
    }
}

#[test]
fn a_match_that_other_rules_began_goes_on_only_where_that_is_wanted() {
    let mut world: World<Counts<1>> = World::seated(1, 6);
    world.pass(Duration::from_secs(12));
    let seen = world.view(0).to;
    assert!(seen > 10);
    let taken = |room: Room| {
        let mut room = room;
        let journal = world.journal.clone();
        room.host(Time(0), MatchSpec { journal, epoch: 2, config_json: "{}".into(), ..spec("counts", 1, 6) })
    };
    assert_eq!(taken(Room::new(&[game::<Counts<1>>()], 1)), Ok(()));
    let changed = || Room::new(&[game::<Counts<2>>()], 1);
    assert!(matches!(taken(changed()), Err(HostError::Journal(JournalError::Diverged { .. }))));
    assert_eq!(taken(changed().with_changed_rules(ChangedRules::Accept)), Ok(()));
}
