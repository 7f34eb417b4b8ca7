//! From the core's views to what the doors say.

use std::time::Duration;

use bellhop_proto::v1;
use lobby_core::{
    EtaView, MatchOutcome, MatchSeatView, MatchState, MatchView, Name, OpenGameView, PlayerId, Presence, QueueView,
    Rating, SeenEvents, TicketEnd, TicketState, TicketView, WatchableView, Why,
};

use crate::players::{Person, Players, names};

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn short_millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Median and 90th percentile in milliseconds.
pub(crate) fn eta(eta: EtaView) -> (Option<u32>, Option<u32>) {
    (eta.p50.map(short_millis), eta.p90.map(short_millis))
}

pub(crate) fn queue(queue: QueueView) -> v1::Queue {
    let (eta_p50_ms, eta_p90_ms) = eta(queue.eta);
    v1::Queue {
        name: queue.name.to_string(),
        game: queue.game.to_string(),
        title: queue.title.to_string(),
        min_players: u32::from(queue.shape.min_players()),
        max_players: u32::from(queue.shape.max_players()),
        waiting: queue.waiting,
        playing: queue.playing,
        eta_p50_ms,
        eta_p90_ms,
        open_games: queue.open_games,
        config_json: queue.config_json.to_string(),
        watch: queue.watch,
        listed: queue.listed,
    }
}

pub(crate) fn ticket(ticket: &TicketView) -> v1::Ticket {
    let reason = match ticket.state {
        TicketState::Ended(how) => how.text().to_owned(),
        TicketState::Queued | TicketState::Placing | TicketState::Assigned | TicketState::Connected => String::new(),
    };
    v1::Ticket {
        id: ticket.ticket.to_string(),
        queue: ticket.queue.to_string(),
        state: ticket_state(ticket.state) as i32,
        match_id: ticket.match_id.map(|id| id.to_string()).unwrap_or_default(),
        last_event: ticket.last_event,
        age_ms: millis(ticket.age),
        open: ticket.open,
        reason,
    }
}

fn ticket_state(state: TicketState) -> v1::ticket::State {
    match state {
        TicketState::Queued => v1::ticket::State::Queued,
        TicketState::Placing => v1::ticket::State::Placing,
        TicketState::Assigned => v1::ticket::State::Assigned,
        TicketState::Connected => v1::ticket::State::Connected,
        TicketState::Ended(how) => ticket_end(how),
    }
}

pub(crate) fn ticket_end(how: TicketEnd) -> v1::ticket::State {
    match how {
        TicketEnd::Cancelled => v1::ticket::State::Cancelled,
        TicketEnd::Expired => v1::ticket::State::Expired,
        TicketEnd::QueueRemoved | TicketEnd::RequeuedTooOften => v1::ticket::State::Failed,
        TicketEnd::Done => v1::ticket::State::Done,
    }
}

pub(crate) fn status(why: &Why) -> v1::ticket_event::Status {
    let (eta_p50_ms, eta_p90_ms) = eta(why.eta);
    v1::ticket_event::Status {
        waited_ms: millis(why.waited),
        eta_p50_ms,
        eta_p90_ms,
        waiting: why.waiting,
        why: why.word.to_owned(),
        why_text: why.text(),
    }
}

pub(crate) fn open_game(game: OpenGameView) -> v1::OpenGame {
    v1::OpenGame {
        ticket_id: game.ticket.to_string(),
        queue: game.queue.to_string(),
        game: game.game.to_string(),
        creator_name: game.creator_name.to_string(),
        creator_tag: names::tag_text(game.creator_tag),
        creator_rating: rounded(game.creator_rating),
        age_ms: millis(game.age),
        config_json: game.config_json.to_string(),
    }
}

pub(crate) fn watchable(game: WatchableView) -> v1::WatchableMatch {
    let player =
        |(name, tag): (Name, u16)| v1::watchable_match::Player { name: name.to_string(), tag: names::tag_text(tag) };
    v1::WatchableMatch {
        match_id: game.match_id.to_string(),
        queue: game.queue.to_string(),
        game: game.game.to_string(),
        players: game.players.into_iter().map(player).collect(),
        playing: u32::from(game.playing),
        age_ms: millis(game.age),
        delay_ms: short_millis(game.delay),
        spectators: game.spectators,
        max_spectators: u32::from(game.most),
    }
}

/// A rating as players see it.
pub(crate) fn rounded(value: f32) -> i32 {
    value.round() as i32
}

pub(crate) fn rating(game: &str, rating: Rating) -> v1::Rating {
    v1::Rating {
        game: game.to_owned(),
        rating: rounded(rating.value),
        deviation: rounded(rating.deviation),
        matches: rating.matches,
    }
}

pub(crate) fn player(person: &Person) -> v1::Player {
    v1::Player {
        id: person.id.to_string(),
        name: person.name.to_string(),
        tag: names::tag_text(person.tag),
        login: person.login.clone(),
        ratings: Vec::new(),
        current_match: None,
        current_ticket_id: String::new(),
    }
}

fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Reserved => "reserved",
        Presence::Live => "live",
        Presence::Dropped => "dropped",
        Presence::Left => "left",
    }
}

/// A match's state in a word, for operators.
pub(crate) fn match_word(state: MatchState) -> &'static str {
    match state {
        MatchState::Formed => "formed",
        MatchState::Placing => "placing",
        MatchState::Playing => "playing",
        MatchState::Ended => "ended",
        MatchState::Lost(_) => "lost",
    }
}

fn seat_of(players: &Players, seat: u16, player: lobby_core::PlayerId) -> v1::MatchSeat {
    // A name that cannot be read is not worth refusing the match for.
    let person = players.person(player).ok().flatten();
    v1::MatchSeat {
        seat: u32::from(seat),
        player_id: player.to_string(),
        name: person.as_ref().map(|person| person.name.to_string()).unwrap_or_default(),
        tag: names::tag_text(names::tag(player)),
        ..v1::MatchSeat::default()
    }
}

/// A match that the core knows, for somebody who looks: of its events those that he may see.
pub(crate) fn game_match(players: &Players, view: MatchView, viewer: PlayerId) -> v1::Match {
    let (state, reason) = match view.state {
        MatchState::Formed | MatchState::Placing => (v1::r#match::State::Placing, ""),
        MatchState::Playing => (v1::r#match::State::Playing, ""),
        MatchState::Ended => (v1::r#match::State::Ended, ""),
        MatchState::Lost(reason) => (v1::r#match::State::Lost, reason.text()),
    };
    let held = |seat: &&MatchSeatView| seat.player == viewer && seat.presence != Presence::Left;
    let own = view.seats.iter().find(held).map(|seat| seat.seat);
    let may_see = |seen: &&SeenEvents| seen.public || own.is_some_and(|own| seen.seats.contains(&own));
    let events = view.events.iter().find(may_see);
    let events_json = events.map(|seen| seen.events_json.iter().map(ToString::to_string).collect());
    let seats = view.seats.iter().map(|seat| v1::MatchSeat {
        rank: seat.rank.map_or(0, u32::from),
        score: seat.score.unwrap_or(0),
        rating_before: seat.change.map_or(0, |change| rounded(change.before.value)),
        rating_after: seat.change.map_or(0, |change| rounded(change.after.value)),
        presence: presence(seat.presence).to_owned(),
        ..seat_of(players, seat.seat, seat.player)
    });
    v1::Match {
        id: view.match_id.to_string(),
        queue: view.queue.to_string(),
        game: view.game.to_string(),
        state: state as i32,
        seats: seats.collect(),
        reason: reason.to_owned(),
        duration_ms: millis(view.duration),
        events_json: events_json.unwrap_or_default(),
        watch: view.watch && view.state == MatchState::Playing,
        spectators: view.spectators,
    }
}

/// A match that the core has forgotten, from its outcome.
pub(crate) fn ended_match(players: &Players, outcome: &MatchOutcome) -> v1::Match {
    let seats = outcome.seats.iter().map(|seat| {
        let change = outcome.changes.iter().find(|change| change.player == seat.player);
        v1::MatchSeat {
            rank: u32::from(seat.rank),
            score: seat.score,
            rating_before: change.map_or(0, |change| rounded(change.before.value)),
            rating_after: change.map_or(0, |change| rounded(change.after.value)),
            presence: "left".to_owned(),
            ..seat_of(players, seat.seat, seat.player)
        }
    });
    v1::Match {
        id: outcome.match_id.to_string(),
        queue: outcome.queue.to_string(),
        game: outcome.game.to_string(),
        state: v1::r#match::State::Ended as i32,
        seats: seats.collect(),
        reason: outcome.reason.to_string(),
        duration_ms: millis(outcome.duration),
        events_json: outcome.events_json.iter().map(ToString::to_string).collect(),
        watch: false,
        spectators: 0,
    }
}
