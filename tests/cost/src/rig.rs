//! The lobby's core through its own `handle` and `poll`: no network, no journal, virtual time. Its rooms are synthetic: attached
//! beforehand, they accept, end their match when they are told to, and are ready again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lobby_core::{
    Batch, Call, Effect, FleetSettings, GameInfo, Hello, Input, Lobby, MatchReport, Member, NewTicket, PlayerId,
    QueueSettings, Rating, RequestId, RoomId, RoomNews, SeatResult, Settings, StreamId, TicketEvent, Time,
};

/// A lobby, its rooms and its clock.
#[derive(Debug)]
pub struct Rig {
    /// The lobby's core.
    pub lobby: Lobby,
    /// Its time.
    pub now: Time,
    players: u64,
    /// Matches that were placed and are still to be played.
    hosted: Vec<Hosted>,
}

#[derive(Debug)]
struct Hosted {
    room: RoomId,
    report: MatchReport,
}

/// What came out in one turn.
#[derive(Debug, Default)]
pub struct Turn {
    /// Players who were told that they have a match.
    pub matched: u32,
}

impl Rig {
    /// A lobby with one queue and so many rooms that are ready.
    ///
    /// # Errors
    /// If the core refuses the queue's settings.
    pub fn new(queue: QueueSettings, rooms: u64) -> Result<Self> {
        let fleet = FleetSettings { min_ready: 0, max_rooms: 10_000, ..FleetSettings::new("bench", &[&*queue.game]) };
        let mut settings = Settings { queues: vec![queue], fleets: vec![fleet], ..Settings::default() };
        settings.limits.tickets = 2_000_000;
        settings.limits.tickets_per_queue = 2_000_000;
        // Nobody watches, and rooms send no heartbeats: the clock hardly moves here.
        settings.timing.lease = Duration::from_secs(1_000_000);
        settings.timing.silence = Duration::from_secs(1_000_000);
        settings.timing.abandon = Duration::from_secs(1_000_000);
        settings.limits.ended_tickets = 1_000;
        settings.limits.ended_matches = 1_000;
        let now = Time::from_secs(1);
        let lobby = Lobby::new([1; 32], now, settings.clone()).context("the settings")?;
        let mut rig = Self { lobby, now, players: 0, hosted: Vec::new() };
        for room in 1..=rooms {
            let game = GameInfo { name: settings.queues[0].game.clone(), min_seats: 1, max_seats: 64 };
            let hello = Hello {
                room: Some(RoomId(room)),
                fleet: "bench".into(),
                games: vec![game],
                running: None,
                draining: false,
            };
            rig.lobby.handle(now, Input::Attach { stream: StreamId(room), hello: Box::new(hello) });
        }
        rig.turn();
        Ok(rig)
    }

    /// A ticket of a new player with such a rating: what [`Lobby::handle`] takes.
    pub fn ticket(&mut self, queue: &str, rating: f32) -> Input {
        self.players += 1;
        let name = format!("player {}", self.players);
        let member = Member { player: PlayerId(self.players), name: name.into(), tag: 1, rating: Rating::of(rating) };
        let party = [member].into_iter().collect();
        let call = Call::CreateTicket(NewTicket { queue: queue.into(), party, open: false, key: None });
        Input::Request { request: RequestId(self.players), call }
    }

    /// What was decided is written down, and all effects are carried out.
    pub fn turn(&mut self) -> Turn {
        let mut turn = Turn::default();
        if let Some(batch) = self.lobby.take_events() {
            self.lobby.committed(Batch::last(&batch));
        }
        while let Some(effect) = self.lobby.poll() {
            match effect {
                Effect::Notify { event: TicketEvent::Matched { .. }, .. } => turn.matched += 1,
                Effect::Host { room, order } => {
                    // The room's side: kept for later.
                    let seats = order.seats.iter().zip(1..);
                    let seats =
                        seats.map(|(seat, rank)| SeatResult { seat: seat.seat, player: seat.player, rank, score: 0 });
                    let report = MatchReport {
                        match_id: order.match_id,
                        epoch: order.epoch,
                        seats: seats.collect(),
                        rated: false,
                        duration: Duration::ZERO,
                        reason: order.queue,
                        events_json: Vec::new(),
                    };
                    self.hosted.push(Hosted { room, report });
                }
                Effect::Answer { .. }
                | Effect::Notify { .. }
                | Effect::OpenGamesChanged { .. }
                | Effect::Welcome { .. }
                | Effect::RefuseStream { .. }
                | Effect::AddSeats { .. }
                | Effect::ReleaseSeats { .. }
                | Effect::CallOff { .. }
                | Effect::KickSeats { .. }
                | Effect::DrainRoom { .. }
                | Effect::StopRoom { .. }
                | Effect::AckResult { .. }
                | Effect::StartRoom { .. }
                | Effect::KillRoom { .. } => {}
            }
        }
        turn
    }

    /// The rooms play what they host, and are ready again.
    pub fn play(&mut self) {
        while let Some(Hosted { room, report }) = self.hosted.pop() {
            let stream = StreamId(room.0);
            let (match_id, epoch) = (report.match_id, report.epoch);
            for news in
                [RoomNews::HostAccepted { match_id, epoch }, RoomNews::Result(Box::new(report)), RoomNews::Ready]
            {
                self.lobby.handle(self.now, Input::Room { stream, room, news });
            }
            self.turn();
        }
    }
}
