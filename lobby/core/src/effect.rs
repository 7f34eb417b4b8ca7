//! What is to be done: answers, news, orders to rooms and to the cluster. And what the core shows of itself.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::event::{LostReason, RatingChange, RequeueReason, TicketEnd};
use crate::ids::{MatchId, PlayerId, RequestId, RoomId, StreamId, TicketId};
use crate::input::{Health, Presence, SeenEvents};
use crate::name::Name;
use crate::settings::{Settings, SettingsError, Shape};
use crate::time::Time;

/// Something to do. It leaves only after what it rests on was committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answers a call.
    Answer {
        /// Which.
        request: RequestId,
        /// What.
        answer: Result<Box<Answer>, Refusal>,
    },
    /// Tells those who watch a ticket.
    Notify {
        /// The ticket.
        ticket: TicketId,
        /// The event's number.
        number: u64,
        /// The event.
        event: TicketEvent,
    },
    /// The open games of a queue changed. At most told again after the next read.
    OpenGamesChanged {
        /// The queue's name.
        queue: Name,
    },
    /// A room's stream is accepted.
    Welcome {
        /// The stream.
        stream: StreamId,
        /// Who it is.
        room: RoomId,
    },
    /// A room's stream is not accepted, and is to be closed.
    RefuseStream {
        /// The stream.
        stream: StreamId,
        /// Why.
        refusal: Refusal,
    },
    /// To a room: host this match.
    Host {
        /// The room.
        room: RoomId,
        /// What.
        order: Box<HostOrder>,
    },
    /// To a room: more players for the running match. Idempotent.
    AddSeats {
        /// The room.
        room: RoomId,
        /// The match.
        match_id: MatchId,
        /// The placement.
        epoch: u64,
        /// Who.
        seats: Vec<HostSeat>,
    },
    /// To a room: these players will not come. Idempotent.
    ReleaseSeats {
        /// The room.
        room: RoomId,
        /// The match.
        match_id: MatchId,
        /// The placement.
        epoch: u64,
        /// Which: at least one.
        seats: SmallVec<[u16; 4]>,
    },
    /// To a room: nobody waits for this match any more; end it and be ready. Idempotent.
    CallOff {
        /// The room.
        room: RoomId,
        /// The match.
        match_id: MatchId,
        /// The placement.
        epoch: u64,
    },
    /// To a room: no new match; the running one may finish within the time; then end.
    DrainRoom {
        /// The room.
        room: RoomId,
        /// How long.
        within: Duration,
    },
    /// To a room: end now.
    StopRoom {
        /// The room.
        room: RoomId,
        /// Why, in words.
        reason: &'static str,
    },
    /// To a room: these players are taken out of the match, and all are told why.
    KickSeats {
        /// The room.
        room: RoomId,
        /// The match.
        match_id: MatchId,
        /// The placement.
        epoch: u64,
        /// Their seats.
        seats: SmallVec<[u16; 4]>,
        /// Why, in words.
        reason: Name,
    },
    /// To a room: its result has arrived; it need not send it again.
    AckResult {
        /// The room.
        room: RoomId,
        /// The match.
        match_id: MatchId,
        /// The placement.
        epoch: u64,
    },
    /// To the cluster: start a room. Idempotent by its id.
    StartRoom {
        /// Its id.
        room: RoomId,
        /// Its fleet's name.
        fleet: Name,
    },
    /// To the cluster: see to it that this room is no more. Idempotent.
    KillRoom {
        /// The room.
        room: RoomId,
    },
}

/// A match to host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostOrder {
    /// Which.
    pub match_id: MatchId,
    /// Grows with every placement of this lobby.
    pub epoch: u64,
    /// Its queue's name.
    pub queue: Name,
    /// The game.
    pub game: Name,
    /// The game's configuration, as JSON.
    pub config_json: Name,
    /// The match's seed.
    pub seed: u64,
    /// Who.
    pub seats: Vec<HostSeat>,
    /// The seats it may have in all.
    pub max_seats: u16,
    /// The room answers within this, or the match goes elsewhere.
    pub accept_within: Duration,
    /// How many may watch it at a time; 0: nobody.
    pub spectators: u16,
    /// How much later than the players.
    pub watch_delay: Duration,
    /// Its players may write to each other.
    pub chat: bool,
    /// The match lost its room: this one goes on with it from its journal, which the shell hands down with the order.
    pub recovers: bool,
}

/// Somebody to seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSeat {
    /// The seat's number, below the match's `max_seats`. A number is used again after its player has left.
    pub seat: u16,
    /// Who.
    pub player: PlayerId,
    /// What others see.
    pub name: Name,
    /// Tells equal names apart.
    pub tag: u16,
    /// The team, from 0.
    pub team: u8,
}

/// A step in a ticket's life, numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TicketEvent {
    /// It waits.
    Queued,
    /// It has a match, which has a room.
    Matched {
        /// Which.
        match_id: MatchId,
        /// How many play.
        players: u16,
    },
    /// The room has its seats.
    Assigned {
        /// The match.
        match_id: MatchId,
        /// Where.
        room: RoomId,
        /// Of which placement.
        epoch: u64,
        /// The seats of its members, in their order.
        seats: SmallVec<[u16; 4]>,
    },
    /// One of its players is in the room.
    Connected {
        /// The match.
        match_id: MatchId,
        /// Who.
        player: PlayerId,
    },
    /// Back in the queue, with its seniority.
    Requeued {
        /// Why.
        reason: RequeueReason,
    },
    /// It is over.
    Ended {
        /// How.
        how: TicketEnd,
        /// The match it led to.
        match_id: Option<MatchId>,
    },
}

/// What a caller gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A ticket.
    Ticket(TicketView),
    /// It is cancelled, and was not matched.
    Cancelled,
    /// Too late: it has a match.
    AlreadyMatched {
        /// Which.
        match_id: MatchId,
    },
    /// It had ended before.
    AlreadyEnded,
    /// The events so far; later ones come by `Effect::Notify`.
    Watching {
        /// With their numbers.
        events: Vec<(u64, TicketEvent)>,
        /// The ticket.
        ticket: TicketView,
        /// How the wait goes.
        why: Option<Why>,
    },
    /// How a wait goes; `None`: it does not wait.
    Why(Option<Why>),
    /// What a player has.
    Player(PlayerView),
    /// Where a held seat is.
    Seat(SeatView),
    /// Where a match is to be watched.
    Watch(WatchView),
    /// A match.
    Match(MatchView),
    /// All queues.
    Queues(Vec<QueueView>),
    /// Some open games.
    OpenGames(Page<OpenGameView>),
    /// Some matches that may be watched.
    Watchable(Page<WatchableView>),
    /// All fleets.
    Fleets(Vec<FleetView>),
    /// Some rooms.
    Rooms(Page<RoomView>),
    /// Some matches.
    Matches(Page<MatchView>),
    /// Some tickets.
    Tickets(Page<TicketView>),
    /// The settings in force.
    Settings(Settings),
    /// Done.
    Done,
}

/// Why a call was refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No queue of that name.
    #[error("there is no queue `{queue}`")]
    UnknownQueue {
        /// The name.
        queue: Name,
    },
    /// A player of the party has a live ticket.
    #[error("player {player} already has the live ticket {ticket}")]
    AlreadyQueued {
        /// Who.
        player: PlayerId,
        /// His ticket.
        ticket: TicketId,
    },
    /// Nobody, or somebody twice.
    #[error("a party has at least one player, and each of them once")]
    BadParty,
    /// More players than a match of the queue takes.
    #[error("a party in this queue has at most {limit} players")]
    PartyTooLarge {
        /// How many fit.
        limit: u16,
    },
    /// The queue takes no open games.
    #[error("the queue takes no open games")]
    NoOpenGames,
    /// A limit is reached.
    #[error("the lobby is at its limit of {limit} {what}; come back in {} ms", .retry_after.as_millis())]
    Full {
        /// The limit's name.
        what: &'static str,
        /// The limit.
        limit: u32,
        /// When to come back.
        retry_after: Duration,
    },
    /// The lobby is about to stop.
    #[error("the lobby takes no new tickets, it is about to stop; come back in {} ms", .retry_after.as_millis())]
    Draining {
        /// When to come back.
        retry_after: Duration,
    },
    /// No such ticket, or it is forgotten, or it is somebody else's.
    #[error("there is no such ticket")]
    UnknownTicket,
    /// No such open game: joined, cancelled or expired, or it never was.
    #[error("this open game is not there any more")]
    GameGone,
    /// A player cannot join himself.
    #[error("this is your own game")]
    OwnGame,
    /// More events than there were.
    #[error("the ticket's newest event is number {newest}")]
    FutureEvent {
        /// The newest.
        newest: u64,
    },
    /// Events that are not kept any more.
    #[error("events before number {oldest} are not kept any more; ask for the ticket")]
    EventsForgotten {
        /// The oldest kept.
        oldest: u64,
    },
    /// No such match, or it is forgotten.
    #[error("there is no such match")]
    UnknownMatch,
    /// The caller has no seat in it.
    #[error("you have no seat in this match")]
    NotYourMatch,
    /// The match is over, or the seat was given up.
    #[error("the seat is not held any more")]
    SeatGone,
    /// The match has no room yet, or its room is not attached.
    #[error("the match's room is not to be reached just now; come back in {} ms", .retry_after.as_millis())]
    RoomAway {
        /// When to come back.
        retry_after: Duration,
    },
    /// The queue lets nobody watch.
    #[error("matches of this queue are not watched")]
    NotWatched,
    /// There is nothing to watch any more.
    #[error("the match is over")]
    MatchOver,
    /// As many watch as may.
    #[error("the {limit} places for spectators of this match are taken")]
    AudienceFull {
        /// How many there are.
        limit: u16,
        /// When to come back.
        retry_after: Duration,
    },
    /// He has no seat in it.
    #[error("this player has no seat in this match")]
    NotInMatch,
    /// No such room.
    #[error("there is no such room")]
    UnknownRoom,
    /// No such fleet.
    #[error("there is no fleet `{fleet}`")]
    UnknownFleet {
        /// The name.
        fleet: Name,
    },
    /// A list cannot go on after an item that never was.
    #[error("the page token is not valid any more; begin again")]
    BadPage,
    /// The settings do not hold together.
    #[error("the settings are refused")]
    Settings(#[from] SettingsError),
}

impl Refusal {
    /// A fixed word for metrics and problem types.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownQueue { .. } => "unknown-queue",
            Self::AlreadyQueued { .. } => "already-queued",
            Self::BadParty => "bad-party",
            Self::PartyTooLarge { .. } => "party-too-large",
            Self::NoOpenGames => "no-open-games",
            Self::Full { .. } => "full",
            Self::Draining { .. } => "draining",
            Self::UnknownTicket => "unknown-ticket",
            Self::GameGone => "game-gone",
            Self::OwnGame => "own-game",
            Self::FutureEvent { .. } => "future-event",
            Self::EventsForgotten { .. } => "events-forgotten",
            Self::UnknownMatch => "unknown-match",
            Self::NotYourMatch => "not-your-match",
            Self::SeatGone => "seat-gone",
            Self::RoomAway { .. } => "room-away",
            Self::NotWatched => "not-watched",
            Self::MatchOver => "match-over",
            Self::AudienceFull { .. } => "audience-full",
            Self::NotInMatch => "not-in-match",
            Self::UnknownRoom => "unknown-room",
            Self::UnknownFleet { .. } => "unknown-fleet",
            Self::BadPage => "bad-page",
            Self::Settings(_) => "bad-settings",
        }
    }

    /// When to come back, where that would help.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after, .. }
            | Self::Draining { retry_after }
            | Self::AudienceFull { retry_after, .. }
            | Self::RoomAway { retry_after } => Some(*retry_after),
            Self::UnknownQueue { .. }
            | Self::AlreadyQueued { .. }
            | Self::BadParty
            | Self::PartyTooLarge { .. }
            | Self::NoOpenGames
            | Self::UnknownTicket
            | Self::GameGone
            | Self::OwnGame
            | Self::FutureEvent { .. }
            | Self::EventsForgotten { .. }
            | Self::UnknownMatch
            | Self::NotYourMatch
            | Self::SeatGone
            | Self::NotWatched
            | Self::MatchOver
            | Self::NotInMatch
            | Self::UnknownRoom
            | Self::UnknownFleet { .. }
            | Self::BadPage
            | Self::Settings(_) => None,
        }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// There are more after the last one.
    pub more: bool,
    /// How many there are in all (of the queue or fleet asked for).
    pub total: u32,
}

/// Median and 90th percentile of the wait; `None` while nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EtaView {
    /// Median.
    pub p50: Option<Duration>,
    /// 90th percentile.
    pub p90: Option<Duration>,
}

/// A ticket as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct TicketView {
    /// Its id.
    pub ticket: TicketId,
    /// Its queue's name.
    pub queue: Name,
    /// Who waits.
    pub players: SmallVec<[PlayerId; 1]>,
    /// The mean rating of its party.
    pub rating: f32,
    /// Where it is in its life.
    pub state: TicketState,
    /// Its match.
    pub match_id: Option<MatchId>,
    /// Number of its newest event.
    pub last_event: u64,
    /// When it was created.
    pub created: Time,
    /// Since then.
    pub age: Duration,
    /// An open game.
    pub open: bool,
    /// The ETA of its queue.
    pub eta: EtaView,
}

/// Where a ticket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TicketState {
    /// Waits; it may have a match in the making, but can still be cancelled.
    Queued,
    /// Its match has a room, which has yet to accept.
    Placing,
    /// The room has its seats.
    Assigned,
    /// One of its players at least was in the room.
    Connected,
    /// Over.
    Ended(TicketEnd),
}

/// Why a ticket still waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// One fixed word: `alone`, `rating`, `party`, `more-players`, `room`, `rooms-full`, `rooms-fail`, `open`,
    /// `soon`.
    pub word: &'static str,
    /// Since when it waits.
    pub waited: Duration,
    /// Players waiting in the queue, its own included.
    pub waiting: u32,
    /// Tickets looked at: the nearest ones by rating.
    pub candidates: u32,
    /// Refused because the gap is larger than this ticket accepts by now.
    pub beyond_own_window: u32,
    /// Refused because the gap is larger than the other one accepts by now.
    pub beyond_their_window: u32,
    /// Left out because the parties' sizes do not fit together.
    pub party_misfits: u32,
    /// How far apart ratings may lie by now, for this ticket; `None`: anybody.
    pub window: Option<f32>,
    /// Players that a match needs beyond those who suit each other now.
    pub missing: u32,
    /// The ETA of its queue.
    pub eta: EtaView,
}

impl Why {
    /// The sentence for the word.
    pub fn text(&self) -> String {
        match self.word {
            "alone" => "nobody else waits here yet".to_owned(),
            "rating" => match self.window {
                Some(window) => format!("nobody within {window:.0} rating points of you; the range widens as you wait"),
                None => {
                    "the others want opponents closer to their own rating; their range widens as they wait".to_owned()
                }
            },
            "party" => "the groups that wait do not fit together yet".to_owned(),
            "more-players" => format!("{} more to go", self.missing),
            "room" => "your match is made; a room is being started for it".to_owned(),
            "rooms-full" => "your match is made; every room is taken, and it gets one that frees".to_owned(),
            "rooms-fail" => "your match is made, but rooms fail to start just now; it is tried again".to_owned(),
            "open" => "your game is open: it starts when somebody joins".to_owned(),
            _ => "any moment now".to_owned(),
        }
    }
}

/// What a player has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlayerView {
    /// His live ticket.
    pub ticket: Option<TicketId>,
    /// The match in which a seat is held for him, with its queue's and game's name.
    pub seat: Option<(MatchId, Name, Name)>,
}

/// Where a held seat is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatView {
    /// The match.
    pub match_id: MatchId,
    /// The room.
    pub room: RoomId,
    /// The placement.
    pub epoch: u64,
    /// The seat.
    pub seat: u16,
    /// The game.
    pub game: Name,
}

/// Where a match is to be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchView {
    /// The match.
    pub match_id: MatchId,
    /// The room.
    pub room: RoomId,
    /// The placement.
    pub epoch: u64,
    /// The game.
    pub game: Name,
    /// How much later than the players its queue has it seen.
    pub delay: Duration,
    /// Who watches now.
    pub spectators: u32,
    /// How many may.
    pub most: u16,
}

/// A queue as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueView {
    /// Its name.
    pub name: Name,
    /// Its game.
    pub game: Name,
    /// Its title.
    pub title: Name,
    /// The game's configuration, as JSON.
    pub config_json: Name,
    /// How many play.
    pub shape: Shape,
    /// Players waiting.
    pub waiting: u32,
    /// Players in its matches.
    pub playing: u32,
    /// Open games.
    pub open: u32,
    /// It takes open games.
    pub open_games: bool,
    /// How long one waits.
    pub eta: EtaView,
    /// Its matches may be watched.
    pub watch: bool,
    /// And they are listed for everybody.
    pub listed: bool,
}

/// An open game as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenGameView {
    /// Its creator's ticket.
    pub ticket: TicketId,
    /// Its queue's name.
    pub queue: Name,
    /// Its game.
    pub game: Name,
    /// The game's configuration, as JSON.
    pub config_json: Name,
    /// Who.
    pub creator: PlayerId,
    /// His name.
    pub creator_name: Name,
    /// His tag.
    pub creator_tag: u16,
    /// His rating.
    pub creator_rating: f32,
    /// How long it stands.
    pub age: Duration,
}

/// A match that runs and is listed for everybody to watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchableView {
    /// The match.
    pub match_id: MatchId,
    /// Its queue's name.
    pub queue: Name,
    /// Its game.
    pub game: Name,
    /// Name and tag of the first few who play.
    pub players: Vec<(Name, u16)>,
    /// How many play, all told.
    pub playing: u16,
    /// Since it was formed.
    pub age: Duration,
    /// How much later than the players its queue has it seen.
    pub delay: Duration,
    /// Who watches now.
    pub spectators: u32,
    /// How many may.
    pub most: u16,
}

/// A fleet as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetView {
    /// Its name.
    pub name: Name,
    /// The warm buffer.
    pub min_ready: u32,
    /// The limit.
    pub max_rooms: u32,
    /// How many rooms it should have now.
    pub desired: u32,
    /// Not attached yet.
    pub starting: u32,
    /// Free for a match.
    pub ready: u32,
    /// With a match, or about to.
    pub playing: u32,
    /// On their way out.
    pub draining: u32,
    /// Silent or detached.
    pub unhealthy: u32,
    /// Live seats.
    pub players: u32,
    /// Why it is not as wanted; empty: it is.
    pub condition: Name,
}

/// Where a room is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomState {
    /// Not attached yet.
    Starting,
    /// Free for a match.
    Ready,
    /// Asked to host one.
    Placing,
    /// Hosts one.
    Playing,
    /// Takes no new one.
    Draining,
    /// Its stream broke; it may come back.
    Detached,
}

/// A room as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomView {
    /// Its id.
    pub room: RoomId,
    /// Its fleet's name.
    pub fleet: Name,
    /// Where it is in its life.
    pub state: RoomState,
    /// Why it is not healthy; `None`: it is.
    pub unhealthy: Option<&'static str>,
    /// Its match.
    pub match_id: Option<MatchId>,
    /// Seats by what the room reported last.
    pub seats_live: u32,
    /// Held for players who have not come yet.
    pub seats_reserved: u32,
    /// Held for players whose connection broke.
    pub seats_dropped: u32,
    /// As reported last.
    pub health: Health,
    /// Since it was heard of.
    pub silent: Duration,
    /// Since it was added.
    pub age: Duration,
    /// Started by this lobby.
    pub ours: bool,
    /// The hash of its secret.
    pub credential: Option<[u8; 32]>,
}

/// A match as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchView {
    /// Its id.
    pub match_id: MatchId,
    /// Its queue's name.
    pub queue: Name,
    /// Its game.
    pub game: Name,
    /// Where it is in its life.
    pub state: MatchState,
    /// Its room.
    pub room: Option<RoomId>,
    /// The placement that has it now.
    pub epoch: Option<u64>,
    /// Its seats.
    pub seats: Vec<MatchSeatView>,
    /// When it was formed.
    pub formed: Time,
    /// Since it started until it ended, or now.
    pub duration: Duration,
    /// What happened so far in a turn-based match that runs, for each class of viewers what it may see.
    pub events: Vec<SeenEvents>,
    /// It may be watched.
    pub watch: bool,
    /// Who watches it now and does not play.
    pub spectators: u32,
}

/// Where a match is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchState {
    /// Looks for a room.
    Formed,
    /// Its room has yet to accept.
    Placing,
    /// Runs.
    Playing,
    /// Has a result.
    Ended,
    /// Was cut.
    Lost(LostReason),
}

/// A seat as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchSeatView {
    /// Its number.
    pub seat: u16,
    /// Whose.
    pub player: PlayerId,
    /// His team.
    pub team: u8,
    /// Whether he is there, as reported last.
    pub presence: Presence,
    /// His rank, once it has ended.
    pub rank: Option<u16>,
    /// His points, once it has ended.
    pub score: Option<i64>,
    /// His rating before, and after if the match was rated.
    pub change: Option<RatingChange>,
}
