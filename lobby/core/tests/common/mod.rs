//! A lobby with a journal and a clock one can hold in a hand: every effect is written down as a line.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::wildcard_enum_match_arm, clippy::type_complexity, reason = "a test picks what it looks for")]

use std::time::Duration;

use lobby_core::{
    Answer, Batch, Call, ClusterNews, Effect, Event, FleetSettings, GameInfo, Health, Hello, IdempotencyKey, Input,
    Lobby, MatchId, MatchReport, Member, NewTicket, PlayerId, Presence, QueueSettings, Rating, Refusal, RequestId,
    RoomId, RoomNews, RoomReport, Running, SeatReport, SeatResult, Settings, Shape, State, StreamId, TicketEvent,
    TicketId, Time, Window,
};

/// A lobby under test.
pub(crate) struct World {
    pub(crate) lobby: Lobby,
    pub(crate) now: Time,
    /// The journal: all of it.
    pub(crate) journal: Vec<Event>,
    /// The state at the journal's beginning.
    pub(crate) origin: State,
    pub(crate) effects: Vec<Effect>,
    requests: u64,
    streams: u64,
    sequence: u64,
}

pub(crate) fn settings(queue: QueueSettings) -> Settings {
    let fleet =
        FleetSettings { min_ready: 0, max_rooms: 100, ..FleetSettings::new("default", &["snake", "tictactoe"]) };
    Settings { queues: vec![queue], fleets: vec![fleet], ..Settings::default() }
}

/// 1v1, anybody meets anybody.
pub(crate) fn duel() -> QueueSettings {
    QueueSettings {
        window: Window::ANYBODY,
        open_games: true,
        ..QueueSettings::new("duel", "tictactoe", Shape::Free { min: 2, max: 2 })
    }
}

/// Snake: 2 to 4, late join.
pub(crate) fn crowd() -> QueueSettings {
    QueueSettings {
        window: Window::ANYBODY,
        late_join: true,
        ..QueueSettings::new("crowd", "snake", Shape::Free { min: 2, max: 4 })
    }
}

pub(crate) fn member(player: u64, rating: f32) -> Member {
    Member {
        player: PlayerId(player),
        name: format!("p{player}").as_str().into(),
        tag: player as u16,
        rating: Rating::of(rating),
    }
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        let now = Time::from_secs(1_000);
        let lobby = Lobby::new([7; 32], now, settings).expect("the settings are good");
        let origin = State::new([7; 32]);
        let mut world =
            Self { lobby, now, journal: Vec::new(), origin, effects: Vec::new(), requests: 0, streams: 0, sequence: 0 };
        world.flush();
        world
    }

    /// The journal takes what was decided, and the effects come out.
    pub(crate) fn flush(&mut self) {
        while let Some(batch) = self.lobby.take_events() {
            assert_eq!(batch.first.0, self.journal.len() as u64 + 1, "events are numbered without gaps");
            let last = Batch::last(&batch);
            self.journal.extend(batch.events);
            self.lobby.committed(last);
        }
        while let Some(effect) = self.lobby.poll() {
            self.effects.push(effect);
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.lobby.handle(self.now, input);
        self.flush();
    }

    /// Time passes, with every deadline on the way.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        let mut steps = 0;
        while self.lobby.deadline() <= end {
            steps += 1;
            assert!(steps < 100_000, "time does not pass: the deadline stays at {}", self.lobby.deadline());
            self.now = self.now.max(self.lobby.deadline());
            self.lobby.advance(self.now);
            self.flush();
        }
        self.now = end;
        self.lobby.advance(end);
        self.flush();
    }

    pub(crate) fn seconds(&mut self, seconds: f64) {
        self.pass(Duration::from_secs_f64(seconds));
    }

    /// Time passes, and these rooms send their heartbeats.
    pub(crate) fn beat(&mut self, seconds: u64, rooms: &[(StreamId, RoomId, Option<Running>)]) {
        for _ in 0..seconds {
            self.seconds(1.0);
            for (stream, room, running) in rooms {
                self.report(*stream, *room, running.clone());
            }
        }
    }

    pub(crate) fn call(&mut self, call: Call) -> Result<Answer, Refusal> {
        self.requests += 1;
        let request = RequestId(self.requests);
        self.input(Input::Request { request, call });
        let at = self
            .effects
            .iter()
            .position(|effect| matches!(effect, Effect::Answer { request: r, .. } if *r == request))
            .expect("every call is answered");
        match self.effects.remove(at) {
            Effect::Answer { answer, .. } => answer.map(|answer| *answer),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn new_ticket(queue: &str, party: &[(u64, f32)]) -> NewTicket {
        let party = party.iter().map(|&(player, rating)| member(player, rating)).collect();
        NewTicket { queue: queue.into(), party, open: false, key: None }
    }

    pub(crate) fn try_queue(&mut self, queue: &str, party: &[(u64, f32)]) -> Result<TicketId, Refusal> {
        match self.call(Call::CreateTicket(Self::new_ticket(queue, party)))? {
            Answer::Ticket(view) => Ok(view.ticket),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn queue(&mut self, queue: &str, player: u64, rating: f32) -> TicketId {
        self.try_queue(queue, &[(player, rating)]).expect("there is place")
    }

    /// These players queue, each for himself.
    pub(crate) fn crowd(&mut self, queue: &str, players: std::ops::RangeInclusive<u64>) {
        for player in players {
            self.queue(queue, player, 1500.0);
        }
    }

    pub(crate) fn keyed(&mut self, queue: &str, player: u64, key: &str) -> Result<TicketId, Refusal> {
        let new = NewTicket { key: IdempotencyKey::of(key), ..Self::new_ticket(queue, &[(player, 1500.0)]) };
        match self.call(Call::CreateTicket(new))? {
            Answer::Ticket(view) => Ok(view.ticket),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn open(&mut self, queue: &str, player: u64) -> TicketId {
        let new = NewTicket { open: true, ..Self::new_ticket(queue, &[(player, 1500.0)]) };
        match self.call(Call::CreateTicket(new)) {
            Ok(Answer::Ticket(view)) => view.ticket,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn join(&mut self, game: TicketId, player: u64) -> Result<TicketId, Refusal> {
        let joiner = Self::new_ticket("", &[(player, 1500.0)]);
        match self.call(Call::JoinOpenGame { game, joiner })? {
            Answer::Ticket(view) => Ok(view.ticket),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn cancel(&mut self, ticket: TicketId, by: u64) -> Result<Answer, Refusal> {
        self.call(Call::CancelTicket { ticket, by: PlayerId(by) })
    }

    pub(crate) fn hello(room: Option<RoomId>, running: Option<Running>) -> Hello {
        let game = |name: &str| GameInfo { name: name.into(), min_seats: 1, max_seats: 16 };
        let games = vec![game("snake"), game("tictactoe")];
        Hello { room, fleet: "default".into(), games, running, draining: false }
    }

    /// A room attaches; gives its stream and its id.
    pub(crate) fn attach(&mut self, room: Option<RoomId>, running: Option<Running>) -> (StreamId, RoomId) {
        self.streams += 1;
        let stream = StreamId(self.streams);
        self.input(Input::Attach { stream, hello: Box::new(Self::hello(room, running)) });
        let room = self.effects.iter().find_map(|effect| match effect {
            Effect::Welcome { stream: s, room } if *s == stream => Some(*room),
            _ => None,
        });
        (stream, room.expect("welcome"))
    }

    pub(crate) fn news(&mut self, stream: StreamId, room: RoomId, news: RoomNews) {
        self.input(Input::Room { stream, room, news });
    }

    pub(crate) fn report(&mut self, stream: StreamId, room: RoomId, running: Option<Running>) {
        self.sequence += 1;
        let report = RoomReport {
            sequence: self.sequence,
            running,
            health: Health::default(),
            draining: false,
            events: Vec::new(),
        };
        self.news(stream, room, RoomNews::Report(Box::new(report)));
    }

    /// The match the room was asked to host last.
    pub(crate) fn hosted(&self, room: RoomId) -> Option<(MatchId, u64, Vec<(u16, PlayerId)>)> {
        self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Host { room: r, order } if *r == room => {
                let seats = order.seats.iter().map(|seat| (seat.seat, seat.player)).collect();
                Some((order.match_id, order.epoch, seats))
            }
            _ => None,
        })
    }

    /// A stream to a room breaks.
    pub(crate) fn detach(&mut self, stream: StreamId, room: RoomId) {
        self.input(Input::Detached { stream, room });
    }

    /// The room accepts what it was asked to host, and all come.
    pub(crate) fn accept(&mut self, stream: StreamId, room: RoomId) -> Running {
        let (match_id, epoch, seats) = self.hosted(room).expect("it was asked");
        self.news(stream, room, RoomNews::HostAccepted { match_id, epoch });
        let seats = seats.into_iter().map(|(seat, player)| SeatReport { seat, player, presence: Presence::Live });
        let running = Running { match_id, epoch, seats: seats.collect() };
        self.report(stream, room, Some(running.clone()));
        running
    }

    /// The match ends: ranks by seat order.
    pub(crate) fn result(&mut self, stream: StreamId, room: RoomId, running: &Running) {
        let seats = running.seats.iter().zip(1..).map(|(report, rank)| SeatResult {
            seat: report.seat,
            player: report.player,
            rank,
            score: 0,
        });
        let report = MatchReport {
            match_id: running.match_id,
            epoch: running.epoch,
            seats: seats.collect(),
            rated: true,
            duration: Duration::from_secs(60),
            reason: "over".into(),
            events_json: Vec::new(),
        };
        self.news(stream, room, RoomNews::Result(Box::new(report)));
    }

    pub(crate) fn exited(&mut self, room: RoomId, how: lobby_core::RoomEnd) {
        self.input(Input::Cluster(ClusterNews::Exited { room, how, detail: "".into() }));
    }

    /// What a ticket was told so far, in words.
    pub(crate) fn told(&self, ticket: TicketId) -> String {
        let state = self.lobby.state().ticket(ticket).expect("it is kept");
        let events = (1..=state.last_event()).filter_map(|number| state.event(number));
        let words: Vec<_> = events
            .map(|event| match event {
                TicketEvent::Queued => "queued".to_owned(),
                TicketEvent::Matched { players, .. } => format!("matched({players})"),
                TicketEvent::Assigned { .. } => "assigned".to_owned(),
                TicketEvent::Connected { .. } => "connected".to_owned(),
                TicketEvent::Requeued { .. } => "requeued".to_owned(),
                TicketEvent::Ended { how, .. } => format!("ended({how:?})"),
            })
            .collect();
        words.join(" ")
    }

    pub(crate) fn take<T>(&mut self, pick: impl Fn(&Effect) -> Option<T>) -> Vec<T> {
        let found = self.effects.iter().filter_map(&pick).collect();
        self.effects.retain(|effect| pick(effect).is_none());
        found
    }

    pub(crate) fn bytes(state: &State) -> Vec<u8> {
        postcard::to_stdvec(state).expect("a state can be written")
    }

    /// The journal, replayed, gives the state there is.
    pub(crate) fn check_replay(&self) {
        let mut state = self.origin.clone();
        let half = self.journal.len() / 2;
        for (index, event) in self.journal.iter().enumerate() {
            if index == half {
                // Through a snapshot in the middle.
                state = postcard::from_bytes(&Self::bytes(&state)).expect("a snapshot can be read");
            }
            let event: Event = postcard::from_bytes(&postcard::to_stdvec(event).expect("write")).expect("read");
            state.apply(&event);
        }
        assert!(Self::bytes(&state) == Self::bytes(self.lobby.state()), "replayed is not live");
        let restored: State = postcard::from_bytes(&Self::bytes(&state)).expect("a snapshot can be read");
        assert!(Self::bytes(&restored) == Self::bytes(&state), "restored is not written");
        for ticket in state.tickets() {
            for member in &ticket.party {
                assert_eq!(state.ticket_of(member.player), restored.ticket_of(member.player), "who is bound to what");
            }
        }
    }

    /// The lobby dies and comes back with its journal.
    pub(crate) fn restart(&mut self) {
        self.check_replay();
        let state = postcard::from_bytes(&Self::bytes(self.lobby.state())).expect("a snapshot can be read");
        self.lobby = Lobby::resume(state, self.now);
        self.effects.clear();
        self.flush();
    }
}
