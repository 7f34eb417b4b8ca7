//! What can happen, as the shell tells it.

use std::time::Duration;

use crate::event::RoomEnd;
use crate::ids::{MatchId, PlayerId, RequestId, RoomId, StreamId, TicketId};
use crate::name::{IdempotencyKey, Name};
use crate::party::Party;
use crate::settings::{FleetSettings, QueueSettings, Settings};

/// Something happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// Somebody called at a door, and is answered once.
    Request {
        /// Comes back in the answer.
        request: RequestId,
        /// What was asked.
        call: Call,
    },
    /// A ticket is still watched: its lease is renewed. Told every few seconds per watcher.
    Renew {
        /// The ticket.
        ticket: TicketId,
    },
    /// A room opened its stream. Answered by `Effect::Welcome` or `Effect::RefuseStream`.
    Attach {
        /// The new stream.
        stream: StreamId,
        /// What the room says of itself.
        hello: Box<Hello>,
    },
    /// A room said something over its stream. What comes over an older stream than its newest is not heard, but for results.
    Room {
        /// The stream.
        stream: StreamId,
        /// Who, from the welcome.
        room: RoomId,
        /// What.
        news: RoomNews,
    },
    /// A room's stream ended. Not the room: that is `ClusterNews::Exited`.
    Detached {
        /// The stream.
        stream: StreamId,
        /// Whose it was.
        room: RoomId,
    },
    /// The shell holds the journal of a match, or does not any more. Only a match whose journal is there can go on in
    /// another room. A lobby that starts knows of none.
    Journal {
        /// The match.
        match_id: MatchId,
        /// It is there, and whole.
        there: bool,
    },
    /// The cluster saw something.
    Cluster(ClusterNews),
    /// The shell will stop: no new tickets or matches. With `rooms_too` all rooms drain as well, and
    /// [`is_drained`](crate::Lobby::is_drained) turns true when the last has gone.
    Drain {
        /// All rooms, too.
        rooms_too: bool,
        /// How long their matches may go on.
        within: Duration,
    },
}

/// A call at a door.
#[derive(Clone, Debug)]
pub enum Call {
    /// Answered by `Answer::Ticket`.
    CreateTicket(NewTicket),
    /// Answered by `Answer::Ticket`: the joiner's own new ticket, already matched.
    JoinOpenGame {
        /// The creator's ticket.
        game: TicketId,
        /// Who joins. Its queue is ignored: the game's counts.
        joiner: NewTicket,
    },
    /// Answered by `Answer::Cancelled`, `AlreadyMatched` or `AlreadyEnded`.
    CancelTicket {
        /// The ticket.
        ticket: TicketId,
        /// Who asks: a member of it.
        by: PlayerId,
    },
    /// Answered by `Answer::Watching` with the events so far; later ones come by `Effect::Notify`. Renews the lease.
    WatchTicket {
        /// The ticket.
        ticket: TicketId,
        /// Who asks: a member of it.
        by: PlayerId,
        /// Events after this number.
        after: u64,
    },
    /// Answered by `Answer::Ticket`.
    GetTicket {
        /// The ticket.
        ticket: TicketId,
        /// Who asks: a member of it; `None`: an operator.
        by: Option<PlayerId>,
    },
    /// How a wait goes. Answered by `Answer::Why`.
    WhyWaiting {
        /// The ticket.
        ticket: TicketId,
    },
    /// The player's live ticket and held seat. Answered by `Answer::Player`.
    GetPlayer {
        /// Who.
        player: PlayerId,
    },
    /// Where a player's held seat is. Answered by `Answer::Seat`.
    GetSeat {
        /// The match.
        match_id: MatchId,
        /// Who asks.
        by: PlayerId,
    },
    /// Where a match is to be watched. Answered by `Answer::Watch`.
    WatchMatch {
        /// The match.
        match_id: MatchId,
    },
    /// Takes a player out of a match that runs. Answered by `Answer::Done`.
    KickPlayer {
        /// The match.
        match_id: MatchId,
        /// Who.
        player: PlayerId,
        /// Why, in words for all who are in it.
        reason: Name,
    },
    /// Answered by `Answer::Match`.
    GetMatch {
        /// The match.
        match_id: MatchId,
    },
    /// Answered by `Answer::Queues`.
    ListQueues,
    /// Oldest first. Answered by `Answer::OpenGames`.
    ListOpenGames {
        /// Only of this queue.
        queue: Option<Name>,
        /// The last one of the page before.
        after: Option<TicketId>,
        /// At most this many; 0: 20.
        limit: u16,
    },
    /// The matches that run and are listed for everybody to watch, newest first. Answered by `Answer::Watchable`.
    ListWatchable {
        /// Only of this queue.
        queue: Option<Name>,
        /// The last one of the page before.
        after: Option<MatchId>,
        /// At most this many; 0: 20.
        limit: u16,
    },
    /// Answered by `Answer::Fleets`.
    ListFleets,
    /// By id. Answered by `Answer::Rooms`.
    ListRooms {
        /// Only of this fleet.
        fleet: Option<Name>,
        /// The last one of the page before.
        after: Option<RoomId>,
        /// At most this many; 0: 20.
        limit: u16,
    },
    /// Matches that live, in an order that stays. Answered by `Answer::Matches`.
    ListMatches {
        /// The last one of the page before.
        after: Option<MatchId>,
        /// At most this many; 0: 20.
        limit: u16,
    },
    /// Tickets that live, in an order that stays. Answered by `Answer::Tickets`.
    ListTickets {
        /// Only of this queue.
        queue: Option<Name>,
        /// The last one of the page before.
        after: Option<TicketId>,
        /// At most this many; 0: 20.
        limit: u16,
    },
    /// Answered by `Answer::Settings`.
    GetSettings,
    /// Replaces all settings. Answered by `Answer::Done`.
    SetSettings(Box<Settings>),
    /// Adds a queue or replaces the one of this name. Answered by `Answer::Done`.
    SetQueue(Box<QueueSettings>),
    /// Adds a fleet or replaces the one of this name. Answered by `Answer::Done`.
    SetFleet(Box<FleetSettings>),
    /// No new match in it; the running one may finish. Answered by `Answer::Done`.
    DrainRoom {
        /// The room.
        room: RoomId,
        /// `None`: the fleet's own time.
        within: Option<Duration>,
    },
    /// Ends it now; its players go back into their queue. Answered by `Answer::Done`.
    StopRoom {
        /// The room.
        room: RoomId,
    },
}

/// A ticket to make.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// The queue's name.
    pub queue: Name,
    /// Who waits; the first one asks.
    pub party: Party,
    /// Waits for somebody to join it.
    pub open: bool,
    /// The same key from the same player gives the same ticket again for as long as that ticket lives.
    pub key: Option<IdempotencyKey>,
}

/// What a room says first.
#[derive(Clone, Debug)]
pub struct Hello {
    /// The id the lobby gave it; `None`: it is given one.
    pub room: Option<RoomId>,
    /// Its fleet's name.
    pub fleet: Name,
    /// The games it hosts.
    pub games: Vec<GameInfo>,
    /// What it runs, after a lost stream.
    pub running: Option<Running>,
    /// It takes no new match.
    pub draining: bool,
}

/// A game that a room hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GameInfo {
    /// Its name.
    pub name: Name,
    /// The fewest seats.
    pub min_seats: u16,
    /// The most seats.
    pub max_seats: u16,
}

/// The match a room runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Which.
    pub match_id: MatchId,
    /// Of which placement.
    pub epoch: u64,
    /// Who is in it.
    pub seats: Vec<SeatReport>,
}

/// A seat as its room sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatReport {
    /// Its number.
    pub seat: u16,
    /// Whose.
    pub player: PlayerId,
    /// Whether he is there.
    pub presence: Presence,
}

/// Whether a player is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// Not yet come; the seat is held.
    Reserved,
    /// Connected.
    Live,
    /// Connection lost; the seat is held.
    Dropped,
    /// Gone for good; the seat is free.
    Left,
}

/// What a room says.
#[derive(Clone, Debug)]
pub enum RoomNews {
    /// It hosts the match.
    HostAccepted {
        /// Which.
        match_id: MatchId,
        /// Of which placement.
        epoch: u64,
    },
    /// It does not.
    HostRefused {
        /// Which.
        match_id: MatchId,
        /// Of which placement.
        epoch: u64,
        /// Why, in its words.
        reason: Name,
    },
    /// How it is and who is in it: the heartbeat.
    Report(Box<RoomReport>),
    /// How a match ended. Sent until acknowledged.
    Result(Box<MatchReport>),
    /// Ready for the next match.
    Ready,
}

/// How a room is.
#[derive(Clone, Debug)]
pub struct RoomReport {
    /// Grows with every report of this stream; an older one loses.
    pub sequence: u64,
    /// The match that runs.
    pub running: Option<Running>,
    /// How well it runs.
    pub health: Health,
    /// It takes no new match.
    pub draining: bool,
    /// What is new of a turn-based match.
    pub events: Vec<SeenEvents>,
}

/// What happened in a match, as one class of viewers may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEvents {
    /// The class.
    pub viewers: Name,
    /// Who is of it.
    pub seats: Vec<u16>,
    /// Who does not play may see them, too.
    pub public: bool,
    /// How many came before these.
    pub from: u32,
    /// As JSON.
    pub events_json: Vec<Name>,
}

/// How well a room keeps its pace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Health {
    /// Steps a second that the game asks for.
    pub rate_wanted_hz: f32,
    /// Steps made in the last second.
    pub rate_hz: f32,
    /// How late steps began: median.
    pub lateness_p50_us: u32,
    /// 99th percentile.
    pub lateness_p99_us: u32,
    /// Steps skipped since the start.
    pub overruns: u64,
    /// Open sockets.
    pub sockets: u32,
    /// Memory.
    pub rss_bytes: u64,
    /// Who watches its match and does not play.
    pub spectators: u32,
}

/// How a match ended, by its room.
#[derive(Clone, Debug)]
pub struct MatchReport {
    /// Which.
    pub match_id: MatchId,
    /// Of which placement.
    pub epoch: u64,
    /// How each one did.
    pub seats: Vec<SeatResult>,
    /// False: called off; nobody's rating moves.
    pub rated: bool,
    /// How long it took.
    pub duration: Duration,
    /// Why it ended, in the room's words.
    pub reason: Name,
    /// Turn-based games: the events of the whole match, as JSON.
    pub events_json: Vec<Name>,
}

/// How one player did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeatResult {
    /// His seat.
    pub seat: u16,
    /// Who.
    pub player: PlayerId,
    /// 1 is first; equal ranks are a draw.
    pub rank: u16,
    /// His points.
    pub score: i64,
}

/// What the cluster saw.
#[derive(Clone, Debug)]
pub enum ClusterNews {
    /// A room of ours is being started; this is the hash of its secret, kept for when it attaches after a restart.
    Credential {
        /// The room.
        room: RoomId,
        /// The hash.
        hash: [u8; 32],
    },
    /// A room is not there any more: its process or pod has ended, or could not be started.
    Exited {
        /// The room.
        room: RoomId,
        /// How.
        how: RoomEnd,
        /// More, in words.
        detail: Name,
    },
    /// Somebody outside wants this many rooms kept, whether they are needed or not. Holds until it is told anew; a lobby
    /// that starts knows of none.
    Keep {
        /// The fleet.
        fleet: Name,
        /// How many.
        rooms: u32,
    },
}
