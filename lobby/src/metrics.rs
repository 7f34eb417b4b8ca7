//! What the lobby counts, and how it is asked for the rest.

use std::fmt::Write;

use lobby_core::{Answer, Call, Event, LostReason, RoomState, TicketEnd};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::drive::{CallError, Core};

type Word = [(&'static str, &'static str); 1];
type Text = [(&'static str, String); 1];
type FleetState = [(&'static str, String); 2];
type FleetReason = [(&'static str, String); 2];

/// Rooms looked at for one scrape, at most: pages of 100.
const PAGES: usize = 100;

/// All metrics of the lobby.
pub(crate) struct Metrics {
    registry: Registry,
    tickets_created: Counter,
    tickets_ended: Family<Word, Counter>,
    matches_formed: Counter,
    matches_started: Counter,
    matches_ended: Counter,
    matches_lost: Family<Word, Counter>,
    matches_orphaned: Family<Word, Counter>,
    seats_taken: Counter,
    seats_left: Counter,
    rooms_added: Counter,
    rooms_gone: Counter,
    refusals: Family<Word, Counter>,
    /// From a ticket's creation to its assignment, for watched tickets.
    pub(crate) ticket_wait: Histogram,
    /// One append: encoding, writing, waiting for the disk.
    pub(crate) journal_append: Histogram,
    pub(crate) journal_events: Counter,
    /// Tickets that somebody watches.
    pub(crate) watched: Gauge,
    /// Open connections of the players' doors.
    pub(crate) connections: Gauge,
    pub(crate) connections_refused: Family<Word, Counter>,
    pub(crate) guests: Counter,
    /// Bearers made for a team's own users.
    pub(crate) minted: Counter,
    /// Replays copied into the object store, and tries that failed.
    pub(crate) replays_stored: Counter,
    pub(crate) replays_failed: Counter,
    queue_waiting: Family<Text, Gauge>,
    queue_playing: Family<Text, Gauge>,
    tickets: Gauge,
    matches: Gauge,
    fleet_rooms: Family<FleetState, Gauge>,
    fleet_players: Family<Text, Gauge>,
    fleet_unhealthy: Family<Text, Gauge>,
    fleet_desired: Family<Text, Gauge>,
    fleet_lateness: Family<Text, Gauge<f64, std::sync::atomic::AtomicU64>>,
    fleet_overruns: Family<Text, Gauge>,
    /// Pods that are not as they should be, by what is wrong.
    pub(crate) fleet_troubles: Family<FleetReason, Gauge>,
    rooms_refused: Family<Word, Counter>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let histogram = || Histogram::new(exponential_buckets(0.000_25, 2.0, 20));
        let mut metrics = Metrics {
            registry: Registry::with_prefix("lobby"),
            tickets_created: Counter::default(),
            tickets_ended: Family::default(),
            matches_formed: Counter::default(),
            matches_started: Counter::default(),
            matches_ended: Counter::default(),
            matches_lost: Family::default(),
            matches_orphaned: Family::default(),
            seats_taken: Counter::default(),
            seats_left: Counter::default(),
            rooms_added: Counter::default(),
            rooms_gone: Counter::default(),
            refusals: Family::default(),
            ticket_wait: histogram(),
            journal_append: histogram(),
            journal_events: Counter::default(),
            watched: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Family::default(),
            guests: Counter::default(),
            minted: Counter::default(),
            replays_stored: Counter::default(),
            replays_failed: Counter::default(),
            queue_waiting: Family::default(),
            queue_playing: Family::default(),
            tickets: Gauge::default(),
            matches: Gauge::default(),
            fleet_rooms: Family::default(),
            fleet_players: Family::default(),
            fleet_unhealthy: Family::default(),
            fleet_desired: Family::default(),
            fleet_lateness: Family::default(),
            fleet_overruns: Family::default(),
            fleet_troubles: Family::default(),
            rooms_refused: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let r = &mut self.registry;
        // The encoder adds `_total` to counters.
        r.register("tickets_created", "Tickets created", self.tickets_created.clone());
        r.register("tickets_ended", "Tickets ended, by how", self.tickets_ended.clone());
        r.register("matches_formed", "Matches formed", self.matches_formed.clone());
        r.register("matches_started", "Matches that a room accepted", self.matches_started.clone());
        r.register("matches_ended", "Matches that ended with a result", self.matches_ended.clone());
        r.register("matches_lost", "Matches that were cut, by why", self.matches_lost.clone());
        r.register(
            "matches_orphaned",
            "Matches that lost their room and were to go on in another one, by why",
            self.matches_orphaned.clone(),
        );
        r.register("seats_taken", "Players who came into their room", self.seats_taken.clone());
        r.register("seats_left", "Players who left for good or never came", self.seats_left.clone());
        r.register("rooms_added", "Rooms started or adopted", self.rooms_added.clone());
        r.register("rooms_gone", "Rooms that ended", self.rooms_gone.clone());
        r.register("refusals", "Calls refused, by kind", self.refusals.clone());
        r.register("guests_created", "Guests created", self.guests.clone());
        r.register("replays_stored", "Replays copied into the object store", self.replays_stored.clone());
        let failed = "Replays that the object store did not take; they are tried again";
        r.register("replays_failed", failed, self.replays_failed.clone());
        r.register("bearers_minted", "Bearers made for users of the team's own back end", self.minted.clone());
        r.register("ticket_wait_seconds", "From a ticket to its assignment, while watched", self.ticket_wait.clone());
        r.register("journal_append_seconds", "One append of the journal, on disk", self.journal_append.clone());
        r.register("journal_events", "Events appended to the journal", self.journal_events.clone());
        r.register("watched_tickets", "Tickets that somebody watches", self.watched.clone());
        r.register("connections", "Open connections of the players' doors", self.connections.clone());
        r.register("connections_refused", "Connections refused, by why", self.connections_refused.clone());
        r.register("queue_waiting_players", "Players waiting, by queue", self.queue_waiting.clone());
        r.register("queue_playing_players", "Players in matches, by queue", self.queue_playing.clone());
        r.register("tickets", "Tickets that live", self.tickets.clone());
        r.register("matches", "Matches that live", self.matches.clone());
        r.register("fleet_rooms", "Rooms, by fleet and state", self.fleet_rooms.clone());
        r.register("fleet_players", "Live seats, by fleet", self.fleet_players.clone());
        r.register("fleet_unhealthy_rooms", "Rooms silent, detached or late, by fleet", self.fleet_unhealthy.clone());
        r.register("fleet_desired_rooms", "Rooms there should be, by fleet", self.fleet_desired.clone());
        r.register("fleet_lateness_p99_seconds", "Worst p99 of late steps of a room", self.fleet_lateness.clone());
        r.register("fleet_overruns", "Steps skipped by the rooms there are", self.fleet_overruns.clone());
        r.register("fleet_troubles", "Pods not as they should be, by fleet and reason", self.fleet_troubles.clone());
        r.register("rooms_refused", "Rooms that could not prove who they are, by why", self.rooms_refused.clone());
    }

    /// Counts a decision.
    pub(crate) fn count_event(&self, event: &Event) {
        match event {
            Event::TicketCreated { .. } => drop(self.tickets_created.inc()),
            Event::TicketEnded { how, .. } => drop(self.tickets_ended.get_or_create(&[("how", end_word(*how))]).inc()),
            Event::MatchFormed { .. } => drop(self.matches_formed.inc()),
            Event::MatchStarted { .. } => drop(self.matches_started.inc()),
            Event::MatchEnded(_) => drop(self.matches_ended.inc()),
            Event::MatchLost { reason, .. } => {
                self.matches_lost.get_or_create(&[("why", lost_word(*reason))]).inc();
            }
            Event::MatchOrphaned { reason, .. } => {
                self.matches_orphaned.get_or_create(&[("why", lost_word(*reason))]).inc();
            }
            Event::SeatTaken { .. } => drop(self.seats_taken.inc()),
            Event::SeatLeft { .. } => drop(self.seats_left.inc()),
            Event::RoomAdded { .. } => drop(self.rooms_added.inc()),
            Event::RoomGone { .. } => drop(self.rooms_gone.inc()),
            Event::Configured { .. }
            | Event::MatchDissolved { .. }
            | Event::MatchPlaced { .. }
            | Event::PlacementFailed { .. }
            | Event::SeatsAsked { .. }
            | Event::SeatsConfirmed { .. }
            | Event::SeatsReturned { .. }
            | Event::RoomCredential { .. }
            | Event::RoomProved { .. }
            | Event::RoomDraining { .. }
            | Event::Forgot { .. } => {}
        }
    }

    /// So many pods of a fleet have this trouble.
    pub(crate) fn trouble(&self, fleet: &str, reason: &str, count: u32) {
        let label = [("fleet", fleet.to_owned()), ("reason", reason.to_owned())];
        self.fleet_troubles.get_or_create(&label).set(i64::from(count));
    }

    /// Counts a room that could not prove who it is.
    pub(crate) fn room_refused(&self, why: &'static str) {
        self.rooms_refused.get_or_create(&[("why", why)]).inc();
    }

    /// Counts a refusal.
    pub(crate) fn refused(&self, kind: &'static str) {
        self.refusals.get_or_create(&[("kind", kind)]).inc();
    }

    /// The text that Prometheus reads; what the core knows is asked of it now.
    pub(crate) async fn render(&self, core: &Core) -> Result<String, CallError> {
        self.ask(core).await?;
        let mut text = String::with_capacity(16 << 10);
        if encode(&mut text, &self.registry).is_err() {
            let _never_fails = writeln!(text, "# EOF");
        }
        Ok(text)
    }

    async fn ask(&self, core: &Core) -> Result<(), CallError> {
        if let Answer::Queues(queues) = core.call(Call::ListQueues).await? {
            self.queue_waiting.clear();
            self.queue_playing.clear();
            for queue in queues {
                let label = [("queue", queue.name.to_string())];
                self.queue_waiting.get_or_create(&label).set(i64::from(queue.waiting));
                self.queue_playing.get_or_create(&label).set(i64::from(queue.playing));
            }
        }
        if let Answer::Tickets(page) = core.call(Call::ListTickets { queue: None, after: None, limit: 1 }).await? {
            self.tickets.set(i64::from(page.total));
        }
        if let Answer::Matches(page) = core.call(Call::ListMatches { after: None, limit: 1 }).await? {
            self.matches.set(i64::from(page.total));
        }
        if let Answer::Fleets(fleets) = core.call(Call::ListFleets).await? {
            for family in [&self.fleet_players, &self.fleet_unhealthy, &self.fleet_desired, &self.fleet_overruns] {
                family.clear();
            }
            self.fleet_rooms.clear();
            self.fleet_lateness.clear();
            for fleet in fleets {
                let label = [("fleet", fleet.name.to_string())];
                self.fleet_players.get_or_create(&label).set(i64::from(fleet.players));
                self.fleet_unhealthy.get_or_create(&label).set(i64::from(fleet.unhealthy));
                self.fleet_desired.get_or_create(&label).set(i64::from(fleet.desired));
                self.fleet_overruns.get_or_create(&label).set(0);
                self.fleet_lateness.get_or_create(&label).set(0.0);
            }
        }
        self.ask_rooms(core).await
    }

    async fn ask_rooms(&self, core: &Core) -> Result<(), CallError> {
        let mut after = None;
        for _ in 0..PAGES {
            let Answer::Rooms(page) = core.call(Call::ListRooms { fleet: None, after, limit: 100 }).await? else {
                return Ok(());
            };
            for room in &page.items {
                let fleet = room.fleet.to_string();
                let state = [("fleet", fleet.clone()), ("state", state_word(room.state).to_owned())];
                self.fleet_rooms.get_or_create(&state).inc();
                let label = [("fleet", fleet)];
                let overruns = i64::try_from(room.health.overruns).unwrap_or(i64::MAX);
                self.fleet_overruns.get_or_create(&label).inc_by(overruns);
                let late = f64::from(room.health.lateness_p99_us) / 1e6;
                let worst = self.fleet_lateness.get_or_create(&label);
                worst.set(worst.get().max(late));
            }
            after = page.items.last().map(|room| room.room);
            if !page.more {
                break;
            }
        }
        Ok(())
    }
}

/// A room's state in one word.
pub(crate) fn state_word(state: RoomState) -> &'static str {
    match state {
        RoomState::Starting => "starting",
        RoomState::Ready => "ready",
        RoomState::Placing => "placing",
        RoomState::Playing => "playing",
        RoomState::Draining => "draining",
        RoomState::Detached => "detached",
    }
}

fn end_word(how: TicketEnd) -> &'static str {
    match how {
        TicketEnd::Cancelled => "cancelled",
        TicketEnd::Expired => "expired",
        TicketEnd::QueueRemoved => "queue-removed",
        TicketEnd::RequeuedTooOften => "requeued-too-often",
        TicketEnd::Done => "done",
    }
}

fn lost_word(reason: LostReason) -> &'static str {
    match reason {
        LostReason::RoomDied => "room-died",
        LostReason::RoomSilent => "room-silent",
        LostReason::RoomForgot => "room-forgot",
        LostReason::NotReattached => "not-reattached",
        LostReason::Stopped => "stopped",
        LostReason::DrainedAway => "drained-away",
    }
}
