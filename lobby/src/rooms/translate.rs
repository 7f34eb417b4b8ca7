//! Between what rooms say and what the core hears. Checked once, here.

use std::time::Duration;

use bellhop_proto::v1;
use bellhop_proto::v1::lobby_message::Kind as Down;
use bellhop_proto::v1::room_message::Kind as Up;
use bellhop_proto::v1::seat_report::Presence as WirePresence;
use lobby_core::{
    Effect, GameInfo, Health, Hello, HostSeat, MatchReport, Name, Presence, RoomId, RoomNews, RoomReport, Running,
    SeatReport, SeatResult, SeenEvents,
};

use crate::doors::desk::id;
use crate::doors::fault::Fault;
use crate::doors::show::millis;
use crate::players::names;

/// Events of a turn-based match in its result, in bytes: what fits the journal without hurting others.
const MAX_EVENTS_BYTES: usize = 256 << 10;
/// The class of viewers that everybody is of.
const EVERYBODY: &str = "all";
/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 200;

pub(super) fn hello(room: Option<RoomId>, hello: &v1::Hello) -> Result<Hello, Fault> {
    let games = hello.games.iter().map(|game| {
        Ok(GameInfo {
            name: game.name.as_str().into(),
            min_seats: seat_number("min_seats", game.min_seats)?,
            max_seats: seat_number("max_seats", game.max_seats)?,
        })
    });
    let running = match &hello.running {
        Some(running) => Some(Running {
            match_id: id("match_id", &running.match_id)?,
            epoch: running.epoch,
            seats: seats(&running.seats)?,
        }),
        None => None,
    };
    let games = games.collect::<Result<_, Fault>>()?;
    Ok(Hello { room, fleet: hello.fleet.as_str().into(), games, running, draining: hello.draining })
}

/// What the core hears of a message.
pub(super) fn news(kind: Up) -> Result<RoomNews, Fault> {
    match kind {
        Up::HostAccepted(said) => {
            Ok(RoomNews::HostAccepted { match_id: id("match_id", &said.match_id)?, epoch: said.epoch })
        }
        Up::HostRefused(said) => Ok(RoomNews::HostRefused {
            match_id: id("match_id", &said.match_id)?,
            epoch: said.epoch,
            reason: reason(&said.reason),
        }),
        Up::Report(said) => Ok(RoomNews::Report(Box::new(report(said)?))),
        Up::Result(said) => Ok(RoomNews::Result(Box::new(result(said)?))),
        Up::Ready(_) => Ok(RoomNews::Ready),
        Up::Hello(_) | Up::BundleChunk(_) | Up::JournalChunk(_) => Err(Fault::field("kind", "not a report")),
    }
}

fn report(said: v1::Report) -> Result<RoomReport, Fault> {
    let running = if said.match_id.is_empty() {
        None
    } else {
        let seats = seats(&said.seats)?;
        Some(Running { match_id: id("match_id", &said.match_id)?, epoch: said.epoch, seats })
    };
    let health = said.health.unwrap_or_default();
    let sound = |rate: f32| if rate.is_finite() { rate.max(0.0) } else { 0.0 };
    let health = Health {
        rate_wanted_hz: sound(health.rate_wanted_hz),
        rate_hz: sound(health.rate_hz),
        lateness_p50_us: health.lateness_p50_us,
        lateness_p99_us: health.lateness_p99_us,
        overruns: health.overruns,
        sockets: health.sockets,
        rss_bytes: health.rss_bytes,
        spectators: health.spectators,
    };
    let events = said.events.into_iter().map(seen).collect::<Result<_, Fault>>()?;
    Ok(RoomReport { sequence: said.sequence, running, health, draining: said.draining, events })
}

fn seen(said: v1::SeenEvents) -> Result<SeenEvents, Fault> {
    let seats = said.seats.iter().map(|&seat| seat_number("seat", seat));
    Ok(SeenEvents {
        public: said.viewers == EVERYBODY,
        viewers: said.viewers.into(),
        seats: seats.collect::<Result<_, Fault>>()?,
        from: said.from,
        events_json: said.events_json.into_iter().map(Name::from).collect(),
    })
}

fn result(said: v1::MatchResult) -> Result<MatchReport, Fault> {
    let seats = said.seats.iter().map(|seat| {
        Ok(SeatResult {
            seat: seat_number("seat", seat.seat)?,
            player: id("player_id", &seat.player_id)?,
            rank: seat_number("rank", seat.rank)?,
            score: seat.score,
        })
    });
    let seats = seats.collect::<Result<_, Fault>>()?;
    let size: usize = said.events_json.iter().map(String::len).sum();
    // A result counts also where its events are too many to be kept.
    let events_json = if size > MAX_EVENTS_BYTES { Vec::new() } else { said.events_json };
    Ok(MatchReport {
        match_id: id("match_id", &said.match_id)?,
        epoch: said.epoch,
        seats,
        rated: said.rated,
        duration: Duration::from_millis(said.duration_ms),
        reason: reason(&said.reason),
        events_json: events_json.into_iter().map(Name::from).collect(),
    })
}

fn seats(said: &[v1::SeatReport]) -> Result<Vec<SeatReport>, Fault> {
    said.iter()
        .map(|seat| {
            let presence = match seat.presence() {
                WirePresence::Reserved => Presence::Reserved,
                WirePresence::Live => Presence::Live,
                WirePresence::Dropped => Presence::Dropped,
                WirePresence::Left => Presence::Left,
                WirePresence::Unspecified => return Err(Fault::field("presence", "a seat has a presence")),
            };
            Ok(SeatReport {
                seat: seat_number("seat", seat.seat)?,
                player: id("player_id", &seat.player_id)?,
                presence,
            })
        })
        .collect()
}

fn seat_number(field: &'static str, number: u32) -> Result<u16, Fault> {
    u16::try_from(number).map_err(|_| Fault::field(field, format!("{number} is more than {}", u16::MAX)))
}

fn reason(text: &str) -> Name {
    text.chars().take(MAX_REASON_CHARS).collect::<String>().into()
}

/// What a room is told for an effect; `None`: nothing.
pub(super) fn order(effect: Effect) -> Option<Down> {
    Some(match effect {
        Effect::Host { order, .. } => Down::Host(v1::Host {
            match_id: order.match_id.to_string(),
            epoch: order.epoch,
            game: order.game.to_string(),
            config_json: order.config_json.to_string(),
            seed: order.seed,
            seats: order.seats.iter().map(host_seat).collect(),
            accept_within_ms: short_millis(order.accept_within),
            max_seats: u32::from(order.max_seats),
            queue: order.queue.to_string(),
            journal_bytes: 0, // set with the journal
            spectators: u32::from(order.spectators),
            watch_delay_ms: short_millis(order.watch_delay),
            chat: order.chat,
        }),
        Effect::AddSeats { match_id, epoch, seats, .. } => Down::AddSeats(v1::AddSeats {
            match_id: match_id.to_string(),
            epoch,
            seats: seats.iter().map(host_seat).collect(),
        }),
        Effect::ReleaseSeats { match_id, epoch, seats, .. } => Down::ReleaseSeats(v1::ReleaseSeats {
            match_id: match_id.to_string(),
            epoch,
            seats: seats.iter().map(|&seat| u32::from(seat)).collect(),
        }),
        Effect::CallOff { match_id, epoch, .. } => Down::CallOff(v1::CallOff {
            match_id: match_id.to_string(),
            epoch,
            reason: "the match is lost, or goes on elsewhere".to_owned(),
        }),
        Effect::KickSeats { match_id, epoch, seats, reason, .. } => Down::KickSeats(v1::KickSeats {
            match_id: match_id.to_string(),
            epoch,
            seats: seats.iter().map(|&seat| u32::from(seat)).collect(),
            reason: reason.to_string(),
        }),
        Effect::DrainRoom { within, .. } => Down::Drain(v1::Drain { within_ms: short_millis(within) }),
        Effect::StopRoom { reason, .. } => Down::Stop(v1::Stop { reason: reason.to_owned() }),
        Effect::AckResult { match_id, epoch, .. } => {
            Down::ResultAck(v1::ResultAck { match_id: match_id.to_string(), epoch })
        }
        Effect::Answer { .. }
        | Effect::Notify { .. }
        | Effect::OpenGamesChanged { .. }
        | Effect::Welcome { .. }
        | Effect::RefuseStream { .. }
        | Effect::StartRoom { .. }
        | Effect::KillRoom { .. } => return None,
    })
}

fn host_seat(seat: &HostSeat) -> v1::HostSeat {
    v1::HostSeat {
        seat: u32::from(seat.seat),
        player_id: seat.player.to_string(),
        name: seat.name.to_string(),
        team: u32::from(seat.team),
        tag: names::tag_text(seat.tag),
    }
}

fn short_millis(duration: Duration) -> u32 {
    u32::try_from(millis(duration)).unwrap_or(u32::MAX)
}
