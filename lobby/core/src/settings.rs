//! What an operator decides: queues, fleets, limits, times. Data, replaced as a whole and kept in the journal.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// Everything that is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What players may wait in.
    pub queues: Vec<QueueSettings>,
    /// The kinds of rooms.
    pub fleets: Vec<FleetSettings>,
    /// How much of everything there may be.
    pub limits: Limits,
    /// How long everything may take.
    pub timing: Timing,
}

/// One queue: one game, one set of rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// Its name in every door: what callers send.
    pub name: Name,
    /// The game its matches play.
    pub game: Name,
    /// What the page shows.
    pub title: Name,
    /// The game's configuration, as JSON.
    pub config_json: Name,
    /// The fleet whose rooms host it; `None`: any fleet that hosts the game.
    pub fleet: Option<Name>,
    /// How many play, and in which teams.
    pub shape: Shape,
    /// A match below its full size may start when one of its tickets has waited this long.
    pub start_after: Duration,
    /// How far apart ratings may lie.
    pub window: Window,
    /// Free seats of running matches go to the next ticket.
    pub late_join: bool,
    /// Tickets may wait for anybody, in the list of open games.
    pub open_games: bool,
    /// Results move ratings.
    pub rated: bool,
    /// Who may watch its matches.
    pub watch: Audience,
    /// How much later than the players spectators see a match, in time of the match; a game may ask for more.
    pub watch_delay: Duration,
    /// How many may watch one match at a time.
    pub spectators: u16,
    /// Players of a match may write to each other.
    pub chat: bool,
}

impl QueueSettings {
    /// A queue with the defaults: rated, no late join, no open games, start after 3 s, the default window; its matches
    /// may be watched, and players write to each other.
    pub fn new(name: &str, game: &str, shape: Shape) -> Self {
        Self {
            name: name.into(),
            game: game.into(),
            title: name.into(),
            config_json: "{}".into(),
            fleet: None,
            shape,
            start_after: Duration::from_secs(3),
            window: Window::default(),
            late_join: false,
            open_games: false,
            rated: true,
            watch: Audience::ByLink,
            watch_delay: Duration::ZERO,
            spectators: 50,
            chat: true,
        }
    }

    /// How many may watch one match at a time, all told; 0: nobody may.
    pub fn audience(&self) -> u16 {
        if self.watch == Audience::Nobody { 0 } else { self.spectators }
    }

    /// Whether everybody finds its matches in the lobby.
    pub fn is_listed(&self) -> bool {
        self.watch == Audience::Listed && self.audience() > 0
    }
}

/// Who may watch the matches of a queue. In the journal it is what it once was, a no or a yes, and one more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Audience {
    /// Nobody.
    Nobody,
    /// Whoever was given the link.
    ByLink,
    /// Everybody: the lobby lists the matches that run.
    Listed,
}

/// How many play, and in which teams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// Everybody for himself: starts with `max`, or with `min` after a wait.
    Free {
        /// The fewest who can play.
        min: u16,
        /// The most who can play.
        max: u16,
    },
    /// `teams` teams of `size` each, all full.
    Teams {
        /// How many teams.
        teams: u8,
        /// Players in each.
        size: u8,
    },
}

impl Shape {
    /// The fewest players of a match.
    pub fn min_players(self) -> u16 {
        match self {
            Self::Free { min, .. } => min,
            Self::Teams { teams, size } => u16::from(teams) * u16::from(size),
        }
    }

    /// The most players of a match.
    pub fn max_players(self) -> u16 {
        match self {
            Self::Free { max, .. } => max,
            Self::Teams { teams, size } => u16::from(teams) * u16::from(size),
        }
    }

    /// The largest party that fits.
    pub fn max_party(self) -> u16 {
        match self {
            Self::Free { max, .. } => max,
            Self::Teams { size, .. } => u16::from(size),
        }
    }
}

/// How far apart the ratings of a pair may lie: both must accept, and each accepts more the longer it waits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Rating points at first; `None`: from the target wait and the measured density of arrivals.
    pub start: Option<f32>,
    /// The wait to aim for where `start` is `None`.
    pub target_wait: Duration,
    /// Rating points more per second of waiting. Where `start` is `None`, this is from the density, too, and the step
    /// holds as the least after four target waits.
    pub step: f32,
    /// Never more than this; infinite: anybody in the end.
    pub cap: f32,
}

impl Default for Window {
    fn default() -> Self {
        Self { start: None, target_wait: Duration::from_secs(2), step: 25.0, cap: f32::INFINITY }
    }
}

impl Window {
    /// Anybody meets anybody at once.
    pub const ANYBODY: Self =
        Self { start: Some(f32::INFINITY), target_wait: Duration::ZERO, step: 0.0, cap: f32::INFINITY };

    /// A window that never widens.
    pub const fn fixed(points: f32) -> Self {
        Self { start: Some(points), target_wait: Duration::ZERO, step: 0.0, cap: points }
    }
}

/// One kind of rooms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FleetSettings {
    /// Its name.
    pub name: Name,
    /// The games its rooms host.
    pub games: Vec<Name>,
    /// Rooms kept ready beyond those in use: the warm buffer.
    pub min_ready: u32,
    /// Rooms in all, at most.
    pub max_rooms: u32,
    /// A room that has not attached this long after its start is given up.
    pub start_timeout: Duration,
    /// A surplus of ready rooms is kept this long before any goes.
    pub scale_down_after: Duration,
    /// A drained room's match may finish within this time.
    pub drain_within: Duration,
    /// This many starts that failed in `breaker_window` stop the fleet from starting rooms ...
    pub breaker_failures: u32,
    /// ... until the window has passed.
    pub breaker_window: Duration,
    /// Its rooms take another match after one has ended; otherwise each match gets a fresh room.
    pub recycle: bool,
}

impl FleetSettings {
    /// A fleet with the defaults: one warm room, 32 at most.
    pub fn new(name: &str, games: &[&str]) -> Self {
        Self {
            name: name.into(),
            games: games.iter().map(|&game| game.into()).collect(),
            min_ready: 1,
            max_rooms: 32,
            start_timeout: Duration::from_secs(20),
            scale_down_after: Duration::from_secs(30),
            drain_within: Duration::from_secs(600),
            breaker_failures: 5,
            breaker_window: Duration::from_secs(60),
            recycle: true,
        }
    }
}

/// How much of everything there may be. What exceeds a limit is refused with its name and when to come back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Tickets that live, over all queues: 500 bytes each, so 0.5 GB.
    pub tickets: u32,
    /// Tickets that wait in one queue.
    pub tickets_per_queue: u32,
    /// Open games in one queue: more than anybody pages through.
    pub open_games_per_queue: u32,
    /// Matches that live.
    pub matches: u32,
    /// Rooms, over all fleets.
    pub rooms: u32,
    /// Ended tickets kept for look-ups.
    pub ended_tickets: u32,
    /// Ended matches kept for look-ups.
    pub ended_matches: u32,
    /// Events kept per ticket.
    pub ticket_events: u16,
    /// Items on one page of a list.
    pub page: u16,
    /// Queues, retired ones included.
    pub queues: u16,
    /// Fleets, retired ones included.
    pub fleets: u16,
    /// Places a match is tried at before it is given up and its tickets fail.
    pub placements: u16,
    /// Times a ticket goes back into its queue because rooms died under its matches, before it fails.
    pub requeues: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tickets: 1_000_000,
            tickets_per_queue: 1_000_000,
            open_games_per_queue: 10_000,
            matches: 500_000,
            rooms: 100_000,
            ended_tickets: 100_000,
            ended_matches: 50_000,
            ticket_events: 32,
            page: 100,
            queues: 256,
            fleets: 64,
            placements: 8,
            requeues: 8,
        }
    }
}

/// How long everything may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// A waiting ticket nobody watches or renews ends after this.
    pub lease: Duration,
    /// What every lease gets anew after a restart or a requeue, at least.
    pub lease_grace: Duration,
    /// A room answers to Host within this, or the match goes elsewhere.
    pub placement: Duration,
    /// A room not heard of for this long is unhealthy and its match lost. Below the 5 s promised, by one heartbeat.
    pub silence: Duration,
    /// After a restart, rooms that have not attached again within this are lost.
    pub reattach: Duration,
    /// A room that stays silent or detached this long is killed and forgotten; its match was lost long before.
    pub abandon: Duration,
    /// Ended tickets and matches are kept this long for look-ups.
    pub keep_ended: Duration,
    /// What an over-full lobby tells callers to wait before they come back.
    pub retry_after: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            lease_grace: Duration::from_secs(30),
            placement: Duration::from_secs(2),
            silence: Duration::from_secs(4),
            reattach: Duration::from_secs(10),
            abandon: Duration::from_secs(60),
            keep_ended: Duration::from_secs(600),
            retry_after: Duration::from_secs(1),
        }
    }
}

/// What is wrong with settings, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Two of one name.
    #[error("{kind} `{name}` is defined twice")]
    Twice {
        /// `queue` or `fleet`.
        kind: &'static str,
        /// Its name.
        name: Name,
    },
    /// A queue or fleet without a usable name.
    #[error("the name of a {kind} must have 1 to 64 characters of a-z, 0-9, `-`, `_`, not `{name}`")]
    BadName {
        /// `queue` or `fleet`.
        kind: &'static str,
        /// Its name.
        name: Name,
    },
    /// A queue of impossible size.
    #[error("queue `{queue}`: {problem}")]
    Queue {
        /// Its name.
        queue: Name,
        /// What is wrong.
        problem: &'static str,
    },
    /// A queue names a fleet that is not there.
    #[error("queue `{queue}` names the fleet `{fleet}`, which is not defined")]
    UnknownFleet {
        /// The queue's name.
        queue: Name,
        /// The fleet's name.
        fleet: Name,
    },
    /// No fleet hosts a queue's game.
    #[error("no fleet hosts the game `{game}` of queue `{queue}`: add it to the fleet's games")]
    NoFleet {
        /// The queue's name.
        queue: Name,
        /// The game.
        game: Name,
    },
    /// A fleet that keeps more ready than it may have.
    #[error("fleet `{fleet}`: min_ready {min_ready} is more than max_rooms {max_rooms}")]
    FleetSize {
        /// Its name.
        fleet: Name,
        /// The warm buffer.
        min_ready: u32,
        /// The limit.
        max_rooms: u32,
    },
    /// More of a kind than the limits allow.
    #[error("more than {limit} {kind}")]
    TooMany {
        /// `queues` or `fleets`.
        kind: &'static str,
        /// The limit.
        limit: u16,
    },
    /// A time that makes no sense.
    #[error("timing: {problem}")]
    Timing {
        /// What is wrong.
        problem: &'static str,
    },
}

/// Spectators of one match, at most: a room holds no more.
const MAX_SPECTATORS: u16 = 256;
/// The longest delay of spectators; who wants to see a match later than that has its replay.
const MAX_WATCH_DELAY: Duration = Duration::from_secs(600);

/// Seats of one match, at most: a seat's number fits in the frames of the wire.
pub(crate) const MAX_SEATS: u16 = 256;

impl Settings {
    /// Whether these settings can be worked with.
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        let names = |kind, all: Vec<&Name>, limit: u16| {
            if all.len() > usize::from(limit) {
                let kind = if kind == "queue" { "queues" } else { "fleets" };
                return Err(SettingsError::TooMany { kind, limit });
            }
            let mut seen = std::collections::BTreeSet::new();
            for name in all {
                let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
                if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
                    return Err(SettingsError::BadName { kind, name: name.clone() });
                }
                if !seen.insert(name) {
                    return Err(SettingsError::Twice { kind, name: name.clone() });
                }
            }
            Ok(())
        };
        names("queue", self.queues.iter().map(|queue| &queue.name).collect(), self.limits.queues)?;
        names("fleet", self.fleets.iter().map(|fleet| &fleet.name).collect(), self.limits.fleets)?;
        self.queues.iter().try_for_each(|queue| self.check_queue(queue))?;
        for fleet in &self.fleets {
            if fleet.min_ready > fleet.max_rooms {
                let (min_ready, max_rooms) = (fleet.min_ready, fleet.max_rooms);
                return Err(SettingsError::FleetSize { fleet: fleet.name.clone(), min_ready, max_rooms });
            }
        }
        let timing = &self.timing;
        let problem = match () {
            () if timing.lease.is_zero() => "lease must be more than 0",
            () if timing.placement.is_zero() => "placement must be more than 0",
            () if timing.silence < Duration::from_secs(1) => "silence must be at least 1 s, the pace of heartbeats",
            () if timing.abandon < timing.silence => "abandon must be at least silence",
            () => return Ok(()),
        };
        Err(SettingsError::Timing { problem })
    }

    fn check_queue(&self, queue: &QueueSettings) -> Result<(), SettingsError> {
        let window = &queue.window;
        let bad = |points: f32| points.is_nan() || points < 0.0;
        let problem = match queue.shape {
            Shape::Free { min: 0, .. } => Some("min players must be at least 1"),
            Shape::Free { min, max } if min > max => Some("min players must not exceed max players"),
            Shape::Teams { teams, .. } if teams < 2 => Some("teams must be at least 2"),
            Shape::Teams { size: 0, .. } => Some("team size must be at least 1"),
            shape if shape.max_players() > MAX_SEATS => Some("a match has at most 256 seats"),
            Shape::Teams { teams, size } if u16::from(teams) * u16::from(size) > 48 => {
                Some("a match of teams has at most 48 players: the search looks at the 48 nearest tickets")
            }
            Shape::Free { .. } | Shape::Teams { .. } => None,
        }
        .or_else(|| {
            (queue.late_join && matches!(queue.shape, Shape::Teams { .. }))
                .then_some("late_join needs a queue without teams")
        })
        .or_else(|| (queue.spectators > MAX_SPECTATORS).then_some("a match has at most 256 spectators"))
        .or_else(|| (queue.watch_delay > MAX_WATCH_DELAY).then_some("spectators are at most 600 s behind"))
        .or_else(|| bad(window.step).then_some("the window's step must not be negative"))
        .or_else(|| bad(window.cap).then_some("the window's cap must not be negative"))
        .or_else(|| window.start.is_some_and(bad).then_some("the window's start must not be negative"))
        .or_else(|| {
            (window.start.is_none() && window.target_wait.is_zero())
                .then_some("a window without a start needs a target wait")
        });
        if let Some(problem) = problem {
            return Err(SettingsError::Queue { queue: queue.name.clone(), problem });
        }
        match &queue.fleet {
            Some(fleet) if !self.fleets.iter().any(|other| other.name == *fleet) => {
                Err(SettingsError::UnknownFleet { queue: queue.name.clone(), fleet: fleet.clone() })
            }
            fleet => {
                let hosts = |other: &&FleetSettings| {
                    fleet.as_ref().is_none_or(|name| *name == other.name) && other.games.contains(&queue.game)
                };
                match self.fleets.iter().find(hosts) {
                    Some(_) => Ok(()),
                    None => Err(SettingsError::NoFleet { queue: queue.name.clone(), game: queue.game.clone() }),
                }
            }
        }
    }
}
