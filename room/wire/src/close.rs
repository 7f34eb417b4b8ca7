//! Why a socket was closed.

/// The close codes of the game socket. Each goes with a reason in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CloseCode {
    /// The match ended and its result was sent.
    Ended,
    /// A frame that is none of ours.
    Malformed,
    /// A newer socket took this seat.
    Superseded,
    /// The client was built for another version of the game: load the page again.
    WrongSchema,
    /// More messages or bytes than the limits allow.
    Flood,
    /// Did not read or answer for too long.
    TooSlow,
    /// The seat was given up for this player.
    Released,
    /// The match is over.
    MatchOver,
    /// The room stops.
    Stopped,
    /// The player left by own wish.
    Left,
    /// One message was longer than its kind may be.
    TooLarge,
    /// Who watches sent what only players may.
    Spectator,
    /// An operator took the player out of the match.
    Kicked,
}

impl CloseCode {
    /// All of them.
    pub const ALL: [CloseCode; 13] = [
        CloseCode::Ended,
        CloseCode::Malformed,
        CloseCode::Superseded,
        CloseCode::WrongSchema,
        CloseCode::Flood,
        CloseCode::TooSlow,
        CloseCode::Released,
        CloseCode::MatchOver,
        CloseCode::Stopped,
        CloseCode::Left,
        CloseCode::TooLarge,
        CloseCode::Spectator,
        CloseCode::Kicked,
    ];

    /// The number on the wire.
    pub fn code(self) -> u16 {
        match self {
            CloseCode::Ended => 1000,
            CloseCode::Malformed => 4000,
            CloseCode::Superseded => 4001,
            CloseCode::WrongSchema => 4002,
            CloseCode::Flood => 4003,
            CloseCode::TooSlow => 4004,
            CloseCode::Released => 4005,
            CloseCode::MatchOver => 4006,
            CloseCode::Stopped => 4007,
            CloseCode::Left => 4008,
            CloseCode::TooLarge => 4009,
            CloseCode::Spectator => 4010,
            CloseCode::Kicked => 4011,
        }
    }

    /// The code of a number.
    pub fn from_code(code: u16) -> Option<CloseCode> {
        CloseCode::ALL.into_iter().find(|close| close.code() == code)
    }

    /// A fixed word for metrics.
    pub fn kind(self) -> &'static str {
        match self {
            CloseCode::Ended => "ended",
            CloseCode::Malformed => "malformed",
            CloseCode::Superseded => "superseded",
            CloseCode::WrongSchema => "wrong_schema",
            CloseCode::Flood => "flood",
            CloseCode::TooSlow => "too_slow",
            CloseCode::Released => "released",
            CloseCode::MatchOver => "match_over",
            CloseCode::Stopped => "stopped",
            CloseCode::Left => "left",
            CloseCode::TooLarge => "too_large",
            CloseCode::Spectator => "spectator",
            CloseCode::Kicked => "kicked",
        }
    }

    /// Whether a client should try to come back with its resume token.
    pub fn may_resume(self) -> bool {
        matches!(self, CloseCode::TooSlow | CloseCode::Flood | CloseCode::Malformed | CloseCode::TooLarge)
    }
}
