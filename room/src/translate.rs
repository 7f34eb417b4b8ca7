//! Between the core's words and the lobby's.

use std::time::Duration;

use bellhop_proto::v1::seat_report::Presence as Said;
use bellhop_proto::v1::{self, room_message};
use bellhop_wire::Presence;
use room_core::{Audience, GameEntry, MatchResult, MatchSpec, SeatSpec, SeatStatus, Seen, ViewClass};

use crate::board::{Answer, Running, State};
use crate::bundle::Bundle;
use crate::pace::rss_bytes;

/// Events in one report, for each class of viewers, at most; the rest comes with the next ones.
const EVENTS_PER_REPORT_BYTES: usize = 64 << 10;

/// A seat number that fits, or nothing.
pub(crate) fn seat_number(seat: u32) -> Option<u16> {
    u16::try_from(seat).ok()
}

/// The seats of a Host or AddSeats; `None` when a number is out of range.
pub(crate) fn seats(seats: Vec<v1::HostSeat>) -> Option<Vec<SeatSpec>> {
    let seat = |seat: v1::HostSeat| {
        Some(SeatSpec {
            seat: seat_number(seat.seat)?,
            player: seat.player_id,
            name: seat.name,
            tag: seat.tag,
            team: u16::try_from(seat.team).ok()?,
        })
    };
    seats.into_iter().map(seat).collect()
}

/// A match to host; `None` when a number is out of range.
pub(crate) fn spec(host: v1::Host, journal: Vec<u8>) -> Option<MatchSpec> {
    Some(MatchSpec {
        match_id: host.match_id,
        epoch: host.epoch,
        game: host.game,
        config_json: host.config_json,
        seed: host.seed,
        seats: seats(host.seats)?,
        max_seats: u16::try_from(host.max_seats).ok()?,
        journal,
        audience: Audience {
            most: u16::try_from(host.spectators).unwrap_or(u16::MAX),
            delay: Duration::from_millis(u64::from(host.watch_delay_ms)),
        },
        chat: host.chat,
    })
}

pub(crate) fn game(entry: &GameEntry, bundles: &[Bundle]) -> v1::GameInfo {
    let bundle = bundles.iter().find(|bundle| bundle.game == entry.name);
    v1::GameInfo {
        name: entry.name.to_owned(),
        schema: entry.schema,
        min_seats: u32::from(entry.min_seats),
        max_seats: u32::from(entry.max_seats),
        rate_hz: entry.rate_hz,
        bundle: bundle.map(|bundle| bundle.hash.clone()).unwrap_or_default(),
        bundle_bytes: bundle.map(|bundle| bundle.bytes).unwrap_or_default(),
    }
}

pub(crate) fn running(running: &Running) -> v1::Running {
    let seats = running.seats.iter().map(seat_report).collect();
    v1::Running { match_id: running.match_id.clone(), epoch: running.epoch, seats }
}

fn seat_report(seat: &SeatStatus) -> v1::SeatReport {
    let presence = match seat.presence {
        Presence::Reserved => Said::Reserved,
        Presence::Live => Said::Live,
        Presence::Dropped => Said::Dropped,
        Presence::Left => Said::Left,
    };
    v1::SeatReport { seat: u32::from(seat.seat), player_id: seat.player.clone(), presence: presence.into() }
}

pub(crate) fn answer(answer: Answer) -> room_message::Kind {
    let Answer { match_id, epoch, refused } = answer;
    match refused {
        None => room_message::Kind::HostAccepted(v1::HostAccepted { match_id, epoch }),
        Some(reason) => room_message::Kind::HostRefused(v1::HostRefused { match_id, epoch, reason }),
    }
}

pub(crate) fn result(result: &MatchResult) -> room_message::Kind {
    let seats = result.seats.iter().map(|seat| v1::SeatResult {
        seat: u32::from(seat.seat),
        player_id: seat.player.clone(),
        rank: seat.rank,
        score: seat.score,
    });
    room_message::Kind::Result(v1::MatchResult {
        match_id: result.match_id.clone(),
        epoch: result.epoch,
        seats: seats.collect(),
        rated: result.rated,
        duration_ms: result.duration.as_millis() as u64,
        reason: result.reason.clone(),
        events_json: result.history.clone(),
    })
}

/// A class of viewers as the lobby is told of it.
pub(crate) fn viewers(class: ViewClass) -> String {
    match class {
        ViewClass::Shared => "all".to_owned(),
        ViewClass::Team(team) => format!("team-{team}"),
        ViewClass::Seat(seat) => format!("seat-{}", seat.0),
        ViewClass::Spectator => "spectators".to_owned(),
    }
}

/// What a class saw after the first `from` events, as much as fits into one report.
pub(crate) fn seen(viewers: String, seen: &Seen, from: usize) -> v1::SeenEvents {
    let mut left = EVENTS_PER_REPORT_BYTES;
    let fits = |event: &&String| {
        let fits = event.len() <= left;
        left = left.saturating_sub(event.len());
        fits
    };
    v1::SeenEvents {
        viewers,
        seats: seen.seats.iter().map(|&seat| u32::from(seat)).collect(),
        from: u32::try_from(from).unwrap_or(u32::MAX),
        events_json: seen.events.iter().skip(from).take_while(fits).cloned().collect(),
    }
}

pub(crate) fn report(sequence: u64, state: &State, events: Vec<v1::SeenEvents>) -> room_message::Kind {
    let running = state.running.as_ref();
    let micros = |duration: Duration| u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    room_message::Kind::Report(v1::Report {
        sequence,
        match_id: running.map(|running| running.match_id.clone()).unwrap_or_default(),
        epoch: running.map(|running| running.epoch).unwrap_or_default(),
        seats: running.map(|running| running.seats.iter().map(seat_report).collect()).unwrap_or_default(),
        health: Some(v1::Health {
            // A paused match, or one that waits for its players, wants no step.
            rate_wanted_hz: running.filter(|running| running.moving).map_or(0.0, |running| running.rate_hz as f32),
            rate_hz: state.pace.rate_hz,
            lateness_p50_us: micros(state.pace.late_p50),
            lateness_p99_us: micros(state.pace.late_p99),
            overruns: state.stats.overruns,
            sockets: state.stats.sockets,
            rss_bytes: rss_bytes(),
            spectators: state.stats.spectators,
        }),
        draining: state.draining,
        events,
    })
}
