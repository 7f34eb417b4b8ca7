//! What holds whatever happens.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{World, crowd, duel, settings};
use lobby_core::{
    Call, Event, Input, PlayerId, Presence, QueueSettings, RequestId, RoomEnd, RoomId, Running, Shape, StreamId, Window,
};
use proptest::prelude::*;

/// The groups that are formed of these players, who all come at the same moment, in this order.
fn groups(queue: &QueueSettings, players: &[(u64, f32)]) -> BTreeSet<BTreeSet<u64>> {
    let name = queue.name.to_string();
    let mut world = World::new(settings(queue.clone()));
    for (request, &(player, rating)) in (1_000..).zip(players) {
        let call = Call::CreateTicket(World::new_ticket(&name, &[(player, rating)]));
        world.lobby.handle(world.now, Input::Request { request: RequestId(request), call });
    }
    world.flush();
    world.seconds(20.0);
    let formed = world.journal.iter().filter_map(|event| {
        let Event::MatchFormed { seating, .. } = event else { return None };
        let tickets = seating.iter().filter_map(|seat| world.lobby.state().ticket(seat.ticket));
        Some(tickets.flat_map(|ticket| &ticket.party).map(|member| member.player.0).collect())
    });
    formed.collect()
}

/// Players with their ratings.
type Players = Vec<(u64, f32)>;

fn shuffled() -> impl Strategy<Value = (Players, Players)> {
    let ratings = prop::collection::vec((0u32..1_000).prop_map(|rating| 1_000.0 + rating as f32), 2..24);
    let players = ratings.prop_map(|ratings| (1u64..).zip(ratings).collect::<Vec<_>>());
    players.prop_flat_map(|players| (Just(players.clone()), Just(players).prop_shuffle()))
}

/// Something that happens to a lobby.
#[derive(Debug, Clone)]
enum Act {
    Queue { player: u64, queue: bool, party: bool },
    Cancel { player: u64 },
    Attach,
    Accept { room: usize },
    Report { room: usize, presence: Presence },
    Finish { room: usize },
    Crash { room: usize },
    Journal { room: usize },
    Pass { ms: u64 },
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let presence = prop_oneof![Just(Presence::Live), Just(Presence::Dropped), Just(Presence::Left)];
    prop_oneof![
        8 => (1u64..10, any::<bool>(), any::<bool>()).prop_map(|(player, queue, party)| Act::Queue { player, queue, party }),
        2 => (1u64..10).prop_map(|player| Act::Cancel { player }),
        2 => Just(Act::Attach),
        4 => (0usize..4).prop_map(|room| Act::Accept { room }),
        2 => (0usize..4, presence).prop_map(|(room, presence)| Act::Report { room, presence }),
        2 => (0usize..4).prop_map(|room| Act::Finish { room }),
        2 => (0usize..4).prop_map(|room| Act::Crash { room }),
        4 => (0usize..4).prop_map(|room| Act::Journal { room }),
        4 => (1u64..4_000).prop_map(|ms| Act::Pass { ms }),
        1 => Just(Act::Restart),
    ]
}

/// A lobby with two queues, and what its rooms run.
struct Story {
    world: World,
    rooms: Vec<(StreamId, RoomId, Option<Running>)>,
}

impl Story {
    fn new() -> Story {
        let mut both = settings(duel());
        both.queues.push(crowd());
        Story { world: World::new(both), rooms: Vec::new() }
    }

    fn happen(&mut self, act: &Act) {
        let world = &mut self.world;
        match *act {
            Act::Queue { player, queue, party } => {
                let mates = [(player, 1500.0), (player + 1, 1500.0)];
                let size = if party && !queue { 2 } else { 1 };
                let name = if queue { "duel" } else { "crowd" };
                // Who has a ticket is refused, and that is what is looked at.
                let _refused = world.try_queue(name, &mates[..size]);
            }
            Act::Cancel { player } => {
                if let Some(ticket) = world.lobby.state().ticket_of(PlayerId(player)) {
                    world.cancel(ticket, player).expect("his own ticket");
                }
            }
            Act::Attach => {
                if self.rooms.len() < 4 {
                    let (stream, room) = world.attach(None, None);
                    self.rooms.push((stream, room, None));
                }
            }
            Act::Accept { room } => {
                if let Some((stream, room, running)) = self.rooms.get_mut(room)
                    && running.is_none()
                    && world.hosted(*room).is_some()
                {
                    *running = Some(world.accept(*stream, *room));
                }
            }
            Act::Report { room, presence } => {
                if let Some((stream, room, Some(running))) = self.rooms.get_mut(room) {
                    if let Some(seat) = running.seats.first_mut() {
                        seat.presence = presence;
                    }
                    world.report(*stream, *room, Some(running.clone()));
                }
            }
            Act::Finish { room } => {
                if let Some((stream, room, running)) = self.rooms.get_mut(room)
                    && let Some(over) = running.take()
                {
                    world.result(*stream, *room, &over);
                    world.news(*stream, *room, lobby_core::RoomNews::Ready);
                }
            }
            Act::Crash { room } => {
                if room < self.rooms.len() {
                    let (_, room, _) = self.rooms.remove(room);
                    world.exited(room, RoomEnd::Crashed);
                }
            }
            Act::Journal { room } => {
                if let Some((_, _, Some(running))) = self.rooms.get(room) {
                    let match_id = running.match_id;
                    world.input(Input::Journal { match_id, there: true });
                }
            }
            Act::Pass { ms } => world.pass(std::time::Duration::from_millis(ms)),
            Act::Restart => {
                world.restart();
                for (stream, room, running) in &mut self.rooms {
                    let before = running.clone();
                    (*stream, *room) = world.attach(Some(*room), before);
                }
            }
        }
    }

    /// No player has two live tickets, and each is bound to the one he has.
    fn one_live_ticket(&self) -> Result<(), TestCaseError> {
        let state = self.world.lobby.state();
        let mut bound = BTreeMap::new();
        for ticket in state.tickets().filter(|ticket| !ticket.is_over()) {
            for member in &ticket.party {
                if state.ticket_of(member.player) == Some(ticket.id) {
                    let other = bound.insert(member.player, ticket.id);
                    prop_assert_eq!(other, None, "{} has two tickets", member.player);
                } else {
                    // He left its match, alone of his party.
                    let game = ticket.phase.match_id().and_then(|id| state.match_(id));
                    let left = game.is_some_and(|game| {
                        let own = |seat: &&lobby_core::Seat| seat.player == member.player && seat.ticket == ticket.id;
                        game.seats.iter().filter(own).all(|seat| seat.state == lobby_core::SeatState::Left)
                    });
                    prop_assert!(left, "{} waits by {} and is not bound to it", member.player, ticket.id);
                }
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Who comes at the same moment is matched alike, in whatever order the calls are read.
    #[test]
    fn pairing_ignores_arrival_order((one, other) in shuffled()) {
        let window = Window { start: Some(50.0), step: 40.0, cap: 300.0, ..Window::default() };
        let rated = QueueSettings { window, ..duel() };
        prop_assert_eq!(groups(&rated, &one), groups(&rated, &other));
    }

    #[test]
    fn teams_ignore_arrival_order((one, other) in shuffled()) {
        let window = Window { start: Some(200.0), step: 40.0, cap: 400.0, ..Window::default() };
        let teams = QueueSettings { window, ..QueueSettings::new("teams", "tictactoe", Shape::Teams { teams: 2, size: 2 }) };
        prop_assert_eq!(groups(&teams, &one), groups(&teams, &other));
    }

    /// Whatever happens: one live ticket per player, and the journal read again gives the same state.
    #[test]
    fn one_live_ticket_and_replay_gives_the_same(acts in prop::collection::vec(act(), 1..80)) {
        let mut story = Story::new();
        for act in &acts {
            story.happen(act);
            story.one_live_ticket()?;
        }
        story.world.check_replay();
    }
}
