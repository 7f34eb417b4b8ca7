//! The life of tickets and matches, told through the core's verbs.
#![allow(clippy::wildcard_enum_match_arm, reason = "a test picks what it looks for")]

mod common;

use common::{World, crowd, duel, settings};
use lobby_core::{
    Answer, Call, Effect, Event, IdempotencyKey, Input, MatchPhase, NewTicket, PlayerId, Presence, QueueSettings,
    Refusal, RoomNews, SeatReport, Shape, TicketId, TicketState, Time,
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

#[test]
fn nothing_leaves_before_it_is_committed() {
    let mut world = World::new(settings(duel()));
    let (_, room) = world.attach(None, None);
    world.effects.clear();
    for player in 1..=2 {
        let call = Call::CreateTicket(World::new_ticket("duel", &[(player, 1500.0)]));
        world.lobby.handle(world.now, Input::Request { request: lobby_core::RequestId(900 + player), call });
    }
    assert!(world.lobby.has_events());
    let batch = world.lobby.take_events().expect("decided");
    assert_eq!(world.lobby.poll(), None, "nothing was committed");
    // The first ticket's answer may go with the first event; the match may not.
    world.lobby.committed(batch.first);
    assert!(matches!(world.lobby.poll(), Some(Effect::Answer { .. })));
    assert_eq!(world.lobby.poll(), None);
    world.lobby.committed(batch.last());
    let rest: Vec<_> = std::iter::from_fn(|| world.lobby.poll()).collect();
    assert!(rest.iter().any(|effect| matches!(effect, Effect::Host { room: r, .. } if *r == room)), "{rest:?}");
}

#[test]
fn one_live_ticket_per_player_over_all_queues() {
    let mut both = settings(duel());
    both.queues.push(crowd());
    let mut world = World::new(both);
    let first = world.queue("duel", 1, 1500.0);
    assert_eq!(
        world.try_queue("crowd", &[(1, 1500.0)]),
        Err(Refusal::AlreadyQueued { player: PlayerId(1), ticket: first })
    );
    assert_eq!(
        world.try_queue("crowd", &[(2, 1500.0), (1, 1500.0)]),
        Err(Refusal::AlreadyQueued { player: PlayerId(1), ticket: first })
    );
    assert_eq!(world.cancel(first, 1), Ok(Answer::Cancelled));
    assert!(world.try_queue("crowd", &[(2, 1500.0), (1, 1500.0)]).is_ok());
}

#[test]
fn the_same_key_gives_the_same_ticket_while_it_lives() {
    let mut world = World::new(settings(duel()));
    let first = world.keyed("duel", 1, "once").unwrap();
    assert_eq!(world.keyed("duel", 1, "once"), Ok(first));
    assert_eq!(world.keyed("duel", 1, "other"), Err(Refusal::AlreadyQueued { player: PlayerId(1), ticket: first }));
    let (bob, journal) = (world.keyed("duel", 2, "once").unwrap(), world.journal.len());
    assert_ne!(bob, first);
    assert_eq!(world.keyed("duel", 2, "once"), Ok(bob), "in its match it is the same, too");
    assert_eq!(world.journal.len(), journal, "a repetition decides nothing");
    let carol = world.keyed("duel", 3, "once").unwrap();
    assert_eq!(world.cancel(carol, 3), Ok(Answer::Cancelled));
    assert_ne!(world.keyed("duel", 3, "once"), Ok(carol));
}

#[test]
fn bad_tickets_are_refused_with_the_reason() {
    let mut world = World::new(settings(duel()));
    assert_eq!(world.try_queue("chess", &[(1, 1500.0)]), Err(Refusal::UnknownQueue { queue: "chess".into() }));
    assert_eq!(world.try_queue("duel", &[]), Err(Refusal::BadParty));
    assert_eq!(world.try_queue("duel", &[(1, 1500.0), (1, 1500.0)]), Err(Refusal::BadParty));
    let three = [(1, 1500.0), (2, 1500.0), (3, 1500.0)];
    assert_eq!(world.try_queue("duel", &three), Err(Refusal::PartyTooLarge { limit: 2 }));
    let mut closed = World::new(settings(crowd()));
    let open = NewTicket { open: true, ..World::new_ticket("crowd", &[(1, 1500.0)]) };
    assert_eq!(closed.call(Call::CreateTicket(open)).unwrap_err(), Refusal::NoOpenGames);
}

#[test]
fn limits_are_refused_with_their_name_and_when_to_come_back() {
    let mut small = settings(QueueSettings { window: lobby_core::Window::fixed(0.0), ..duel() });
    small.limits.tickets = 3;
    small.limits.open_games_per_queue = 1;
    let mut world = World::new(small);
    world.open("duel", 1);
    let open = NewTicket { open: true, ..World::new_ticket("duel", &[(2, 1500.0)]) };
    let refusal = world.call(Call::CreateTicket(open)).unwrap_err();
    assert!(matches!(refusal, Refusal::Full { what: "open games in this queue", limit: 1, .. }), "{refusal:?}");
    world.queue("duel", 3, 1000.0);
    let ticket = world.queue("duel", 4, 2000.0);
    let refusal = world.try_queue("duel", &[(5, 1500.0)]).unwrap_err();
    assert!(refusal.retry_after().is_some());
    assert_eq!(refusal.to_string(), "the lobby is at its limit of 3 tickets; come back in 1000 ms");
    world.cancel(ticket, 4).unwrap();
    world.queue("duel", 5, 1500.0);
}

#[test]
fn cancel_tells_the_truth() {
    let mut world = World::new(settings(duel()));
    let ann = world.queue("duel", 1, 1500.0);
    assert_eq!(world.cancel(ann, 2), Err(Refusal::UnknownTicket), "it is not his");
    assert_eq!(world.cancel(ann, 1), Ok(Answer::Cancelled));
    assert_eq!(world.cancel(ann, 1), Ok(Answer::Cancelled), "asked twice");
    // A match without a room is promised to nobody yet.
    let (bob, carol) = (world.queue("duel", 2, 1500.0), world.queue("duel", 3, 1500.0));
    assert_eq!(world.lobby.state().live_matches(), 1);
    assert_eq!(world.cancel(bob, 2), Ok(Answer::Cancelled));
    assert_eq!(world.told(carol), "queued");
    let (stream, room) = world.attach(None, None);
    let dave = world.queue("duel", 4, 1500.0);
    let match_id = world.hosted(room).expect("it has a room").0;
    assert_eq!(world.cancel(dave, 4), Ok(Answer::AlreadyMatched { match_id }));
    let running = world.accept(stream, room);
    assert_eq!(world.cancel(carol, 3), Ok(Answer::AlreadyMatched { match_id }));
    world.result(stream, room, &running);
    assert_eq!(world.cancel(carol, 3), Ok(Answer::AlreadyEnded));
    assert_eq!(world.cancel(TicketId(5), 3), Err(Refusal::UnknownTicket));
    world.check_replay();
}

#[test]
fn a_lease_that_nobody_renews_ends_the_ticket() {
    let mut world = World::new(settings(duel()));
    let ann = world.queue("duel", 1, 1500.0);
    world.seconds(29.0);
    world.input(Input::Renew { ticket: ann });
    world.seconds(29.0);
    assert_eq!(world.told(ann), "queued");
    world.call(Call::WatchTicket { ticket: ann, by: PlayerId(1), after: 0 }).unwrap();
    world.seconds(29.0);
    assert_eq!(world.told(ann), "queued");
    world.restart();
    world.seconds(29.0);
    assert_eq!(world.told(ann), "queued", "a restart gives every lease a grace");
    world.seconds(2.0);
    assert_eq!(world.told(ann), "queued ended(Expired)");
    assert_eq!(world.cancel(ann, 1), Ok(Answer::AlreadyEnded));
    world.queue("duel", 1, 1500.0);
    world.check_replay();
}

#[test]
fn watchers_get_what_they_have_not_seen() {
    let mut world = World::new(settings(duel()));
    let (stream, room) = world.attach(None, None);
    let (ann, _) = (world.queue("duel", 1, 1500.0), world.queue("duel", 2, 1500.0));
    world.accept(stream, room);
    let mut watch = |after| match world.call(Call::WatchTicket { ticket: ann, by: PlayerId(1), after }) {
        Ok(Answer::Watching { events, ticket, .. }) => {
            assert_eq!((ticket.state, ticket.last_event), (TicketState::Connected, 4));
            Ok(events.iter().map(|(number, _)| *number).collect::<Vec<_>>())
        }
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => Err(refusal),
    };
    assert_eq!(watch(0), Ok(vec![1, 2, 3, 4]));
    assert_eq!(watch(2), Ok(vec![3, 4]));
    assert_eq!(watch(4), Ok(vec![]));
    assert_eq!(watch(5), Err(Refusal::FutureEvent { newest: 4 }));
    let by = PlayerId(2);
    assert_eq!(world.call(Call::WatchTicket { ticket: ann, by, after: 0 }), Err(Refusal::UnknownTicket));
}

#[test]
fn an_open_game_waits_for_anybody_and_is_joined_once() {
    let mut world = World::new(settings(duel()));
    let (stream, room) = world.attach(None, None);
    let game = world.open("duel", 1);
    world.queue("duel", 9, 1500.0);
    assert_eq!(world.told(game), "queued", "it is not matched with others");
    let list = |world: &mut World| match world.call(Call::ListOpenGames { queue: None, after: None, limit: 0 }) {
        Ok(Answer::OpenGames(page)) => page.items.iter().map(|game| game.ticket).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(list(&mut world), [game]);
    assert_eq!(world.join(game, 1), Err(Refusal::OwnGame));
    let joiner = world.join(game, 2).unwrap();
    assert_eq!(world.join(game, 3), Err(Refusal::GameGone), "of two who join one gets it");
    assert!(list(&mut world).is_empty());
    world.accept(stream, room);
    assert_eq!(world.told(game), "queued matched(2) assigned connected");
    assert_eq!(world.told(joiner), "queued matched(2) assigned connected");
    let changed = world.take(|effect| matches!(effect, Effect::OpenGamesChanged { .. }).then_some(()));
    assert_eq!(changed.len(), 2, "once for each read");
    let other = world.open("duel", 5);
    world.seconds(31.0);
    assert_eq!(world.join(other, 6), Err(Refusal::GameGone), "its lease ended");
    world.check_replay();
}

#[test]
fn open_games_are_paged_oldest_first() {
    let mut world = World::new(settings(duel()));
    let games: Vec<_> = (1..=5)
        .map(|player| {
            world.seconds(0.1);
            world.open("duel", player)
        })
        .collect();
    let mut page = |after, limit| match world.call(Call::ListOpenGames { queue: Some("duel".into()), after, limit }) {
        Ok(Answer::OpenGames(page)) => {
            (page.items.iter().map(|game| game.ticket).collect::<Vec<_>>(), page.more, page.total)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(page(None, 2), (games[..2].to_vec(), true, 5));
    assert_eq!(page(Some(games[1]), 2), (games[2..4].to_vec(), true, 5));
    assert_eq!(page(Some(games[3]), 2), (games[4..].to_vec(), false, 5));
    let bad = world.call(Call::ListOpenGames { queue: None, after: Some(TicketId(1)), limit: 2 });
    assert_eq!(bad, Err(Refusal::BadPage));
}

#[test]
fn a_queue_starts_when_full_or_with_its_least_after_a_wait() {
    let mut world = World::new(settings(crowd()));
    let tickets: Vec<_> = (1..=4).map(|player| world.queue("crowd", player, 1500.0)).collect();
    assert_eq!(world.lobby.state().live_matches(), 1, "full at once");
    assert_eq!(world.lobby.state().match_(phase_match(&world, tickets[0])).unwrap().seats_held(), 4);
    let mut world = World::new(settings(crowd()));
    let ann = world.queue("crowd", 1, 1500.0);
    world.seconds(10.0);
    assert_eq!(world.lobby.state().live_matches(), 0, "nobody plays alone");
    world.queue("crowd", 2, 1500.0);
    assert_eq!(world.lobby.state().live_matches(), 1, "she has waited long enough");
    world.queue("crowd", 3, 1500.0);
    world.seconds(2.9);
    world.queue("crowd", 4, 1500.0);
    assert_eq!(world.lobby.state().live_matches(), 1);
    world.seconds(0.1);
    assert_eq!(world.lobby.state().live_matches(), 2);
    assert!(world.lobby.state().ticket(ann).is_some());
    world.check_replay();
}

fn phase_match(world: &World, ticket: TicketId) -> lobby_core::MatchId {
    world.lobby.state().ticket(ticket).and_then(|ticket| ticket.phase.match_id()).expect("it has a match")
}

#[test]
fn late_joiners_get_the_free_seats_of_a_running_match() {
    let mut world = World::new(settings(crowd()));
    let (stream, room) = world.attach(None, None);
    world.queue("crowd", 1, 1500.0);
    world.queue("crowd", 2, 1500.0);
    world.seconds(3.0);
    let mut running = world.accept(stream, room);
    let late = world.queue("crowd", 3, 1500.0);
    assert_eq!(world.told(late), "queued matched(3)");
    let asked = world.take(|effect| match effect {
        Effect::AddSeats { seats, .. } => Some(seats.clone()),
        _ => None,
    });
    assert_eq!((asked[0][0].seat, asked[0][0].player), (2, PlayerId(3)));
    running.seats.push(SeatReport { seat: 2, player: PlayerId(3), presence: Presence::Reserved });
    world.report(stream, room, Some(running.clone()));
    assert_eq!(world.told(late), "queued matched(3) assigned");
    running.seats[2].presence = Presence::Live;
    world.report(stream, room, Some(running.clone()));
    assert_eq!(world.told(late), "queued matched(3) assigned connected");
    // Somebody leaves: his ticket is over, he may queue again, and his seat goes to the next.
    running.seats[0].presence = Presence::Left;
    world.report(stream, room, Some(running.clone()));
    assert_eq!(world.lobby.state().ticket_of(PlayerId(1)), None);
    world.queue("crowd", 4, 1500.0);
    world.queue("crowd", 5, 1500.0);
    let seats = world.take(|effect| match effect {
        Effect::AddSeats { seats, .. } => Some(seats[0].seat),
        _ => None,
    });
    assert_eq!(seats, [0, 3], "the free seat's number is used again");
    let waits = world.queue("crowd", 6, 1500.0);
    assert_eq!(world.told(waits), "queued", "the match is full");
    // The room never confirms the seats of 4 and 5: they go back. 6 gets no seat that was given.
    world.beat(2, &[(stream, room, Some(running.clone()))]);
    let released = world.take(|effect| matches!(effect, Effect::ReleaseSeats { .. }).then_some(()));
    assert_eq!(released.len(), 2);
    world.result(stream, room, &running);
    world.check_replay();
}

#[test]
fn a_freed_seat_goes_to_who_waits_longest() {
    let mut world = World::new(settings(crowd()));
    let (stream, room) = world.attach(None, None);
    world.crowd("crowd", 1..=4);
    let mut running = world.accept(stream, room);
    let first = world.queue("crowd", 5, 1500.0);
    running.seats[1].presence = Presence::Left;
    world.report(stream, room, Some(running));
    assert_eq!(world.told(first), "queued matched(4)");
    world.check_replay();
}

#[test]
fn nobody_is_sent_to_a_match_whose_players_are_all_away() {
    let mut world = World::new(settings(crowd()));
    let (stream, room) = world.attach(None, None);
    world.crowd("crowd", 1..=2);
    world.seconds(3.0);
    let mut running = world.accept(stream, room);
    running.seats.iter_mut().for_each(|seat| seat.presence = Presence::Dropped);
    world.report(stream, room, Some(running.clone()));
    let waits = world.queue("crowd", 3, 1500.0);
    assert_eq!(world.told(waits), "queued");
    // One of them is back: now there is somebody to play with.
    running.seats[0].presence = Presence::Live;
    world.report(stream, room, Some(running));
    assert_eq!(world.told(waits), "queued matched(3)");
    world.check_replay();
}

#[test]
fn windows_widen_until_both_accept() {
    let window = lobby_core::Window { start: Some(50.0), step: 10.0, cap: 200.0, ..lobby_core::Window::default() };
    let mut patient = settings(QueueSettings { window, ..duel() });
    patient.timing.lease = std::time::Duration::from_secs(3600);
    let mut world = World::new(patient);
    world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1550.0);
    world.flush();
    assert_eq!(world.lobby.state().live_matches(), 1);
    world.queue("duel", 3, 1000.0);
    world.seconds(4.0);
    world.queue("duel", 4, 1100.0);
    world.seconds(4.9);
    assert_eq!(world.lobby.state().live_matches(), 1, "the younger one accepts 99 by now");
    world.seconds(0.2);
    assert_eq!(world.lobby.state().live_matches(), 2);
    let far = world.queue("duel", 5, 2000.0);
    world.queue("duel", 6, 2201.0);
    world.seconds(25.0);
    assert_eq!(world.lobby.state().live_matches(), 2, "beyond the cap never");
    let why = match world.call(Call::WhyWaiting { ticket: far }) {
        Ok(Answer::Why(Some(why))) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!((why.word, why.candidates, why.beyond_own_window, why.window), ("rating", 1, 1, Some(200.0)));
}

#[test]
fn the_nearest_is_taken_and_ties_go_to_the_oldest() {
    let window = lobby_core::Window::fixed(100.0);
    let mut world = World::new(settings(QueueSettings { window, ..duel() }));
    let far = world.queue("duel", 1, 1450.0);
    world.seconds(0.1);
    // 2 and 3 are too far from 1 and each other? No: 3 is nearest to 2.
    let near = world.queue("duel", 2, 1600.0);
    world.seconds(0.1);
    let next = world.queue("duel", 3, 1540.0);
    assert_eq!(world.told(far), "queued");
    assert_eq!(phase_match(&world, near), phase_match(&world, next));
}

#[test]
fn teams_are_full_even_and_keep_parties_together() {
    let shape = Shape::Teams { teams: 2, size: 3 };
    let mut world = World::new(settings(QueueSettings { shape, ..duel() }));
    let trio = world.try_queue("duel", &[(1, 1700.0), (2, 1600.0), (3, 1500.0)]).unwrap();
    let duo = world.try_queue("duel", &[(4, 1500.0), (5, 1500.0)]).unwrap();
    let other = world.try_queue("duel", &[(6, 1500.0), (7, 1500.0)]).unwrap();
    assert_eq!(world.lobby.state().live_matches(), 0, "3 + 2 + 2 do not fit");
    let solo = world.queue("duel", 8, 1500.0);
    let id = phase_match(&world, trio);
    let game = world.lobby.state().match_(id).unwrap();
    assert_eq!(game.seats.len(), 6);
    for team in 0..2 {
        assert_eq!(game.seats.iter().filter(|seat| seat.team == team).count(), 3, "full teams");
    }
    for ticket in [trio, duo, other, solo] {
        let mut teams: Vec<_> = game.seats.iter().filter(|seat| seat.ticket == ticket).map(|seat| seat.team).collect();
        teams.dedup();
        assert!(teams.len() <= 1, "a party stays together");
    }
    // Even: the strongest and the weakest together.
    let mut world = World::new(settings(QueueSettings { shape: Shape::Teams { teams: 2, size: 2 }, ..duel() }));
    let tickets: Vec<_> =
        [1000.0, 1300.0, 1400.0, 1700.0].iter().zip(1..).map(|(&rating, id)| world.queue("duel", id, rating)).collect();
    let game = world.lobby.state().match_(phase_match(&world, tickets[0])).unwrap();
    let team = |player| game.seats.iter().find(|seat| seat.player == PlayerId(player)).unwrap().team;
    assert_eq!(team(1), team(4));
    assert_eq!(team(2), team(3));
    world.check_replay();
}

#[test]
fn unrated_and_called_off_matches_move_nobody() {
    let mut world = World::new(settings(QueueSettings { rated: false, ..duel() }));
    let (stream, room) = world.attach(None, None);
    world.crowd("duel", 1..=2);
    let running = world.accept(stream, room);
    world.result(stream, room, &running);
    let outcome = world.journal.iter().find_map(|event| match event {
        Event::MatchEnded(outcome) => Some(outcome),
        _ => None,
    });
    assert!(outcome.unwrap().changes.is_empty());
}

#[test]
fn what_ended_is_kept_for_a_while_and_then_forgotten() {
    let mut world = World::new(settings(duel()));
    let (stream, room) = world.attach(None, None);
    let ann = world.queue("duel", 1, 1500.0);
    world.queue("duel", 2, 1500.0);
    let running = world.accept(stream, room);
    world.result(stream, room, &running);
    assert!(matches!(world.lobby.state().match_(running.match_id).unwrap().phase, MatchPhase::Ended { .. }));
    world.seconds(599.0);
    assert!(world.call(Call::GetMatch { match_id: running.match_id }).is_ok());
    world.seconds(1.1);
    assert_eq!(world.call(Call::GetMatch { match_id: running.match_id }), Err(Refusal::UnknownMatch));
    assert_eq!(world.call(Call::GetTicket { ticket: ann, by: None }), Err(Refusal::UnknownTicket));
    world.check_replay();
}

#[test]
fn settings_that_do_not_hold_together_are_refused() {
    let mut world = World::new(settings(duel()));
    let bad = QueueSettings { shape: Shape::Free { min: 3, max: 2 }, ..duel() };
    assert!(matches!(world.call(Call::SetQueue(Box::new(bad))), Err(Refusal::Settings(_))));
    let bad = QueueSettings { game: "chess".into(), ..duel() };
    assert!(matches!(world.call(Call::SetQueue(Box::new(bad))), Err(Refusal::Settings(_))));
    assert!(matches!(world.call(Call::SetSettings(Box::default())), Ok(Answer::Done)));
    assert!(world.try_queue("duel", &[(1, 1500.0)]).is_err());
}

#[test]
fn new_settings_hold_for_those_who_wait() {
    let mut world = World::new(settings(QueueSettings { window: lobby_core::Window::fixed(10.0), ..duel() }));
    let ann = world.queue("duel", 1, 1000.0);
    world.queue("duel", 2, 2000.0);
    assert_eq!(world.told(ann), "queued");
    world.call(Call::SetQueue(Box::new(duel()))).unwrap();
    assert_eq!(world.lobby.state().live_matches(), 1);
    let carol = world.queue("duel", 3, 2000.0);
    world.call(Call::SetSettings(Box::new(settings(crowd())))).unwrap();
    assert_eq!(world.told(carol), "queued ended(QueueRemoved)");
    world.check_replay();
}

#[test]
fn a_draining_lobby_takes_nothing_new_and_says_when_it_is_done() {
    let mut world = World::new(settings(duel()));
    let (stream, room) = world.attach(None, None);
    world.crowd("duel", 1..=2);
    let running = world.accept(stream, room);
    world.input(Input::Drain { rooms_too: true, within: std::time::Duration::from_secs(60) });
    assert!(matches!(world.try_queue("duel", &[(3, 1500.0)]), Err(Refusal::Draining { .. })));
    assert!(!world.lobby.is_drained());
    world.result(stream, room, &running);
    world.detach(stream, room);
    world.flush();
    assert!(world.lobby.is_drained(), "{:?}", world.lobby.state().rooms().collect::<Vec<_>>());
}

#[test]
fn equal_lobbies_decide_alike_and_keys_are_stable() {
    let run = || {
        let mut world = World::new(settings(crowd()));
        world.attach(None, None);
        (1..40).for_each(|player| {
            world.queue("crowd", player, 1500.0 + player as f32);
            world.seconds(0.3);
        });
        (world.journal, world.effects)
    };
    assert_eq!(run(), run());
    assert_eq!(IdempotencyKey::of("abc"), Some(IdempotencyKey(0xe71f_a219_0541_574b)));
    assert_eq!(IdempotencyKey::of(""), None);
    assert_eq!(Time::from_secs(2), Time(2_000_000));
}
