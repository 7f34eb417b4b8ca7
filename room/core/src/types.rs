//! What goes in and out of a room.

use std::borrow::Cow;
use std::time::Duration;

use bellhop_game::ViewClass;
use bellhop_wire::{CloseCode, Presence};

use crate::{Frame, JournalError, Time};

/// Every limit of a room, with where its number comes from.
pub mod limits {
    use std::time::Duration;

    /// When the owner comes this much later than asked, the room was stopped, or starved. That nobody was heard meanwhile
    /// counts against nobody.
    pub const STALL: Duration = Duration::from_secs(1);
    /// While there is a match the owner is asked to come this often, so that a stall shows before it counts.
    pub const LOOK_EVERY: Duration = Duration::from_secs(1);
    /// How long a seat waits for its player: a page loads its game well within this.
    pub const RESERVED: Duration = Duration::from_secs(30);
    /// How long the clock waits for the last players once the first has come.
    pub const START_WAIT: Duration = Duration::from_secs(10);
    /// Steps made at once to catch up; what is missing beyond is dropped and counted. Where several steps are made together
    /// anyway, the first of these is the last of those.
    pub const MAX_CATCH_UP: u32 = 4;
    /// Time of the match whose steps are made together, where nobody can tell: between two states at 20 a second.
    pub const MAX_TOGETHER: Duration = Duration::from_millis(50);
    /// A client whose oldest unacknowledged frame is older than its best round trip and this is skipped.
    pub const BEHIND_AFTER: Duration = Duration::from_millis(500);
    /// The round trip assumed before one was measured.
    pub const ASSUMED_ROUND_TRIP: Duration = Duration::from_millis(500);
    /// A client that acknowledges nothing for this long, though frames wait, is closed.
    pub const TOO_SLOW_AFTER: Duration = Duration::from_secs(15);
    /// A client from which nothing was heard for this long is closed.
    pub const SILENT_AFTER: Duration = Duration::from_secs(15);
    /// The same for a hidden page, whose timers browsers slow down to once a minute.
    pub const HIDDEN_SILENT_AFTER: Duration = Duration::from_secs(150);
    /// A socket must say hello within this.
    pub const HELLO_WITHIN: Duration = Duration::from_secs(5);
    /// States kept per view class for clients that were skipped; an older one costs a keyframe.
    pub const MAX_BASELINES: usize = 16;
    /// Frames to one client that may be unacknowledged: 4 s at 60 frames a second.
    pub const MAX_UNACKED: usize = 256;
    /// Events of a match kept for those who missed them; older ones are only in the state.
    pub const MAX_EVENTS: usize = bellhop_wire::limits::MAX_EVENTS as usize;
    /// How far back a game may put what came late, and what a player did by what he saw: what 150 ms of round trip and
    /// an even picture take. More would let the lame hit the quick round the corner.
    pub const MAX_REWIND_MS: u32 = 250;
    /// Join tokens one match remembers as used.
    pub const MAX_NONCES: usize = 16 * 1024;
    /// Every so many states carry a check value.
    pub const CHECK_EVERY: u64 = 64;
    /// Messages that count for one by which a client makes us send a whole state: some four a second may be.
    pub const KEYFRAME_COST: u32 = 20;
    /// How often the journal of a match goes out: what a crashed real-time game loses at most. A game without steps
    /// loses nothing: there it goes out at once.
    pub const JOURNAL_EVERY: Duration = Duration::from_millis(250);
    /// In a game without steps nothing is shown before the lobby has it in the journal; but if that takes longer than
    /// this, the match goes on without it: so long a lobby that restarts may hold up one move, and no other.
    pub const KEPT_WITHIN: Duration = Duration::from_millis(250);
    /// Questions that one match may ask the world outside; further ones are answered with nothing.
    pub const MAX_ASKS: u32 = 8;
    /// Longest question and longest answer, in bytes; longer ones are answered with nothing, or are none.
    pub const MAX_ANSWER_BYTES: usize = 16 * 1024;
    /// Spectators of one match, whatever its queue says: as many as seats.
    pub const MAX_SPECTATORS: u16 = 256;
    /// Longest delay of spectators: beyond it a replay does better.
    pub const MAX_WATCH_DELAY: Duration = Duration::from_secs(600);
    /// What is kept for spectators who see a match later, in bytes; beyond it they see its pictures less often. A busy
    /// match makes 1 KiB a second.
    pub const MAX_TAPE_BYTES: usize = 1 << 20;
    /// Sockets that spectators of one match may open in a second, and at once: players go first.
    pub const WATCHERS_PER_SECOND: u32 = 20;
    /// See [`WATCHERS_PER_SECOND`].
    pub const WATCHERS_BURST: u32 = 100;
    /// How long a watch token is remembered as used: longer than it opens anything.
    pub const WATCH_TOKEN_LIFE: Duration = Duration::from_secs(60);
    /// Lines that a player may write in a second in the long run, and at once.
    pub const LINES_PER_SECOND: u32 = 1;
    /// See [`LINES_PER_SECOND`].
    pub const LINE_BURST: u32 = 5;
    /// The newest lines, kept for who comes or comes back.
    pub const MAX_LINES: usize = 32;
    /// What is waiting for a blocked client beside states: messages.
    pub const MAX_WAITING_MESSAGES: usize = 64;
}

/// A socket, as the shell numbers it. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// A seat and who sits in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatSpec {
    /// The seat.
    pub seat: u16,
    /// The player's id.
    pub player: String,
    /// The player's name.
    pub name: String,
    /// Tells players of the same name apart.
    pub tag: String,
    /// The team, counted from 0.
    pub team: u16,
}

/// A match to host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchSpec {
    /// The match.
    pub match_id: String,
    /// Grows with every match placed; an older one than the last is refused.
    pub epoch: u64,
    /// The game's name.
    pub game: String,
    /// The game's configuration as JSON; empty for the defaults.
    pub config_json: String,
    /// Decides everything random.
    pub seed: u64,
    /// The players to begin with.
    pub seats: Vec<SeatSpec>,
    /// Seats the match may have in all; 0: as many as the game has.
    pub max_seats: u16,
    /// The journal of the match so far, where its room died and this one is to go on with it; otherwise empty.
    pub journal: Vec<u8>,
    /// Who may watch it.
    pub audience: Audience,
    /// Whether its players may write to each other.
    pub chat: bool,
}

/// Who may watch a match.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audience {
    /// How many at a time; 0: nobody.
    pub most: u16,
    /// How much later than its players, in time of the match; a game may ask for more.
    pub delay: Duration,
}

/// What a verified watch token claims. The shell has checked its seal and its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchClaim {
    /// The epoch of the match.
    pub epoch: u64,
    /// The match.
    pub match_id: String,
    /// Who watches.
    pub viewer: String,
    /// Makes it single use.
    pub nonce: u64,
}

/// What a verified token claims. The shell has checked its seal and its expiry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The epoch of the match.
    pub epoch: u64,
    /// The match.
    pub match_id: String,
    /// The player.
    pub player: String,
    /// The seat.
    pub seat: u16,
    /// Makes it single use.
    pub nonce: u64,
    /// Whether the room itself made it, for coming back.
    pub resume: bool,
}

/// What the shell seals into a resume token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeClaim {
    /// The epoch of the match.
    pub epoch: u64,
    /// The match.
    pub match_id: String,
    /// The player.
    pub player: String,
    /// The seat.
    pub seat: u16,
    /// Names this token among those of the seat.
    pub nonce: u64,
}

/// Why a socket may not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// Nothing runs here.
    #[error("no match runs in this room")]
    NoMatch,
    /// That match is over, or was never here.
    #[error("the token is for another match")]
    OtherMatch,
    /// The match has no such seat.
    #[error("the match has no seat {seat}")]
    UnknownSeat {
        /// The seat.
        seat: u16,
    },
    /// The seat is another player's.
    #[error("seat {seat} is another player's")]
    OtherPlayer {
        /// The seat.
        seat: u16,
    },
    /// The token was used before.
    #[error("the token was used before; ask for a fresh one")]
    Replayed,
    /// The resume token is too old: newer ones were used since.
    #[error("the resume token was replaced by a newer one")]
    Stale,
    /// The seat was given up.
    #[error("seat {seat} was given up")]
    GivenUp {
        /// The seat.
        seat: u16,
    },
    /// More tokens than a match remembers.
    #[error("too many tokens were used in this match")]
    TooMany,
    /// Nobody may watch.
    #[error("nobody may watch this match")]
    NotWatched,
    /// As many watch as may.
    #[error("the {most} places for spectators of this match are taken")]
    AudienceFull {
        /// How many there are.
        most: u16,
    },
    /// Spectators come quicker than they are let in.
    #[error("too many come to watch at once")]
    Crowd,
}

impl AdmitError {
    /// A fixed word for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            AdmitError::NoMatch => "no_match",
            AdmitError::OtherMatch => "other_match",
            AdmitError::UnknownSeat { .. } => "unknown_seat",
            AdmitError::OtherPlayer { .. } => "other_player",
            AdmitError::Replayed => "replayed",
            AdmitError::Stale => "stale",
            AdmitError::GivenUp { .. } => "given_up",
            AdmitError::TooMany => "too_many",
            AdmitError::NotWatched => "not_watched",
            AdmitError::AudienceFull { .. } => "audience_full",
            AdmitError::Crowd => "crowd",
        }
    }
}

/// Why a match is not hosted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Another match runs.
    #[error("match {match_id} runs here")]
    Busy {
        /// The match that runs.
        match_id: String,
    },
    /// A newer match was placed here before.
    #[error("epoch {epoch} is not newer than {last}")]
    OldEpoch {
        /// The epoch asked for.
        epoch: u64,
        /// The last one hosted.
        last: u64,
    },
    /// The room takes no new match.
    #[error("the room is draining")]
    Draining,
    /// No such game here.
    #[error("this room does not have the game {game}; it has {have}")]
    UnknownGame {
        /// The game asked for.
        game: String,
        /// The games there are.
        have: String,
    },
    /// The configuration does not fit the game.
    #[error("the configuration does not fit the game: {problem}")]
    Config {
        /// What is wrong.
        problem: String,
    },
    /// Seats that cannot be.
    #[error("{problem}")]
    Seats {
        /// What is wrong.
        problem: String,
    },
    /// The match cannot go on from its journal.
    #[error("the match cannot go on from its journal")]
    Journal(#[from] JournalError),
    /// The journal is of another match.
    #[error("the journal is of another match: its game or its seed is not the one that was asked for")]
    OtherJournal,
}

/// Why seats were not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeatsError {
    /// That match does not run here.
    #[error("no match with epoch {epoch} runs here")]
    NoMatch {
        /// The epoch asked for.
        epoch: u64,
    },
    /// Seats that cannot be.
    #[error("{problem}")]
    Seats {
        /// What is wrong.
        problem: String,
    },
}

/// Something for the shell to do.
#[derive(Debug, Clone)]
pub enum Output {
    /// Send one binary message: the frame's head and body, one after the other.
    Send {
        /// To this socket.
        conn: ConnId,
        /// The message.
        frame: Frame,
    },
    /// Close the socket once all that was sent before is out. The room knows nothing of it any more.
    Close {
        /// This socket.
        conn: ConnId,
        /// The code.
        code: CloseCode,
        /// The reason in words.
        reason: Cow<'static, str>,
    },
    /// The game asks the world outside: answer with [`Room::answer`](crate::Room::answer), at once with nothing if
    /// there is nobody to ask.
    Ask {
        /// The epoch of the match that asks.
        epoch: u64,
        /// The game's number for it.
        question: u32,
        /// The question.
        words: String,
    },
    /// The seats changed: report [`Room::seats`](crate::Room::seats).
    SeatsChanged,
    /// The next piece of the match's journal: to be appended to those before. The last one comes before the result.
    Journal(Vec<u8>),
    /// The match ended. The room is ready for the next one.
    Result(MatchResult),
}

/// How a match ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchResult {
    /// The match.
    pub match_id: String,
    /// Its epoch.
    pub epoch: u64,
    /// Best first; every seat that was ever taken.
    pub seats: Vec<SeatResult>,
    /// Whether it counts.
    pub rated: bool,
    /// Time of the match, pauses not counted.
    pub duration: Duration,
    /// Why it ended, in words.
    pub reason: String,
    /// The events of the match as JSON, from games that are the fold of them.
    pub history: Vec<String>,
}

/// What a seat achieved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatResult {
    /// The seat.
    pub seat: u16,
    /// The player.
    pub player: String,
    /// 1 is first; equal ranks are a draw.
    pub rank: u32,
    /// Points.
    pub score: i64,
}

/// What happened in a match, as one class of viewers may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The class.
    pub class: ViewClass,
    /// Who is of it.
    pub seats: Vec<u16>,
    /// The events as JSON, from games that are the fold of them.
    pub events: Vec<String>,
}

/// A seat as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeatStatus {
    /// The seat.
    pub seat: u16,
    /// The player.
    pub player: String,
    /// Whether the player is there.
    pub presence: Presence,
}

/// What the room is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Waits for a match.
    Ready,
    /// A match is here.
    Playing {
        /// The match.
        match_id: String,
        /// Its epoch.
        epoch: u64,
        /// The game's name.
        game: &'static str,
        /// Steps per second that the game asks for; 0: event-driven.
        rate_hz: u32,
        /// Whether its clock runs: it began and is not paused.
        running: bool,
        /// When it has to be over, while draining.
        until: Option<Time>,
    },
    /// No match, and none will come.
    Drained,
}

/// Counts since the room began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Steps made.
    pub steps: u64,
    /// Steps dropped because more than the catch-up limit was missing.
    pub overruns: u64,
    /// Sockets open now.
    pub sockets: u32,
    /// Messages sent.
    pub frames: u64,
    /// Their bytes, without the socket's own headers.
    pub bytes: u64,
    /// State bodies encoded: one per view class and baseline.
    pub bodies: u64,
    /// Frames not sent because the client was behind.
    pub skipped: u64,
    /// Clients that were behind and came back.
    pub recovered: u64,
    /// Keyframes sent.
    pub keyframes: u64,
    /// Clients that said their view was not the room's.
    pub desyncs: u64,
    /// Inputs taken.
    pub inputs: u64,
    /// Inputs the game refused.
    pub inputs_refused: u64,
    /// Commands taken.
    pub commands: u64,
    /// Commands against the rules.
    pub commands_refused: u64,
    /// Spectators who watch now.
    pub spectators: u32,
    /// Messages sent to spectators, which are among all.
    pub spectator_frames: u64,
    /// Their bytes.
    pub spectator_bytes: u64,
    /// Lines that players wrote and all were told.
    pub lines: u64,
    /// Lines that were not passed on.
    pub lines_refused: u64,
    /// Sockets closed for a violation: malformed, flood, too large, wrong schema.
    pub violations: u64,
}
