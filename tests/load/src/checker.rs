//! The offline checker: from what clients saw, whether every promise was kept.
//!
//! It knows nothing of the servers. It is given the record and looks for what must never be in it.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{Line, Saw};

/// Complaints that are shown.
const SHOWN: usize = 100;

/// Assignments of a match in a row that may be void: a lobby moves a match no more often than this.
const VOID_IN_A_ROW: u64 = 4;

/// How much sooner a frame may come than one that was sent before it, to another client and through another gateway, in
/// microseconds. Two matches at once would go on beside each other for longer.
const FRAME_LATE_US: u64 = 250_000;

/// What must hold beyond the promises that always hold.
#[derive(Debug, Clone, Copy)]
pub struct Demands {
    /// The longest time between two frames of a live match, in microseconds.
    pub longest_gap_us: u64,
    /// Whether a game socket may close before its match has ended.
    pub sockets_may_close: bool,
    /// Rooms may die, and their matches with them: all who sat there are back in their queue within so many
    /// microseconds. None: no match may be lost.
    pub back_within_us: Option<u64>,
}

/// What the record amounts to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Tickets that were promised.
    pub tickets: usize,
    /// Of those, cancelled, and known to be so.
    pub cancelled: usize,
    /// Matches in which somebody was seated.
    pub matches: usize,
    /// Rooms from which frames of live matches came, of one match at a time.
    pub rooms: usize,
    /// Of those matches, seen in more than one room.
    pub moved: usize,
    /// Of those matches, lost with their room.
    pub lost: usize,
    /// The longest time from a lost seat to its player's being back in the queue, in microseconds.
    pub longest_back_us: u64,
    /// The longest gap between frames, in microseconds.
    pub longest_gap_us: u64,
}

#[derive(Default)]
struct Ticket<'a> {
    player: &'a str,
    events: BTreeMap<u64, (&'a str, &'a str)>,
    cancel: Option<(&'a str, &'a str)>,
    last: Option<&'a str>,
}

/// A match's state, and its seats as (seat, player, rank).
type Told<'a> = (&'a str, &'a [(u32, String, u32)]);

#[derive(Default)]
struct Played<'a> {
    seats: BTreeMap<u16, BTreeSet<&'a str>>,
    /// When each player's socket last closed before the end.
    closed: BTreeMap<&'a str, u64>,
    ended: bool,
    told: Option<Told<'a>>,
}

/// Judges a record.
///
/// # Errors
/// Every promise that was broken, in words, the first hundred of them.
pub fn judge(lines: &[Line], demands: Demands) -> Result<Tally, Vec<String>> {
    let mut broken = Vec::new();
    let mut late = Vec::new();
    let mut tickets: BTreeMap<&str, Ticket> = BTreeMap::new();
    let mut matches: BTreeMap<&str, Played> = BTreeMap::new();
    let mut promised = BTreeSet::new();
    let mut seated: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seated_twice = Vec::new();
    let mut requeued: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut lived: BTreeMap<&str, BTreeMap<&str, (u64, u64)>> = BTreeMap::new();
    let mut tally = Tally::default();
    for line in lines {
        let player = line.player.as_str();
        match &line.saw {
            Saw::Ticket { ticket } => {
                promised.insert(ticket.as_str());
                tickets.entry(ticket).or_default().player = player;
            }
            Saw::Event { ticket, number, kind, match_id } => {
                let seen = tickets.entry(ticket).or_default();
                let event = (kind.as_str(), match_id.as_str());
                if kind == "requeued" {
                    requeued.entry(player).or_default().push(line.at_us);
                }
                if let Some(before) = seen.events.insert(*number, event)
                    && before != event
                {
                    broken.push(format!("event {number} of ticket {ticket} was {before:?} and then {event:?}"));
                }
            }
            Saw::Cancel { ticket, outcome, match_id } => {
                tickets.entry(ticket).or_default().cancel = Some((outcome, match_id));
            }
            Saw::Seated { match_id, seat } => {
                matches.entry(match_id).or_default().seats.entry(*seat).or_default().insert(player);
                match seated.insert(player, match_id) {
                    Some(other) if other != match_id && !matches.get(other).is_some_and(|played| played.ended) => {
                        let complaint = format!("player {player} was seated in {match_id} while {other} went on");
                        seated_twice.push((other, complaint));
                    }
                    Some(_) | None => {}
                }
            }
            Saw::Closed { match_id, code, ended } => {
                if !ended {
                    matches.entry(match_id).or_default().closed.insert(player, line.at_us);
                }
                if !ended && !demands.sockets_may_close {
                    broken.push(format!("the game socket of {player} in {match_id} closed with {code}"));
                }
            }
            Saw::Lived { match_id, room, from_us, until_us } => {
                let span = lived.entry(room).or_default().entry(match_id).or_insert((*from_us, *until_us));
                *span = (span.0.min(*from_us), span.1.max(*until_us));
            }
            Saw::Gap { match_id, longest_us } => {
                tally.longest_gap_us = tally.longest_gap_us.max(*longest_us);
                if *longest_us > demands.longest_gap_us {
                    late.push(format!("{player} waited {longest_us} us for a frame of {match_id}"));
                }
            }
            Saw::Ended { match_id } => matches.entry(match_id).or_default().ended = true,
            Saw::Match { match_id, state, seats } => {
                let played = matches.entry(match_id).or_default();
                let told = (state.as_str(), seats.as_slice());
                if played.told.is_some_and(|before| before != told) {
                    broken.push(format!("match {match_id} has two results: {:?} and {told:?}", played.told));
                }
                played.told = Some(told);
            }
            Saw::Final { ticket, state } => tickets.entry(ticket).or_default().last = Some(state),
        }
    }
    for (id, ticket) in &tickets {
        judge_ticket(id, ticket, promised.contains(id), &mut broken);
    }
    for (room, matches) in &lived {
        judge_room(room, matches, &mut broken);
    }
    for (other, complaint) in seated_twice {
        let lost = matches.get(other).is_some_and(|played| played.told.is_some_and(|(state, _)| state == "lost"));
        if !lost || demands.back_within_us.is_none() {
            broken.push(complaint);
        }
    }
    for (id, played) in &matches {
        match (played.told, demands.back_within_us) {
            (Some(("lost", _)), Some(within_us)) => {
                tally.lost += 1;
                let longest = judge_lost(id, played, &requeued, within_us, &mut broken);
                tally.longest_back_us = tally.longest_back_us.max(longest);
            }
            (Some(_) | None, _) => judge_match(id, played, &mut broken),
        }
    }
    tally.tickets = promised.len();
    tally.cancelled = tickets.values().filter(|ticket| ticket.cancel.is_some_and(|(is, _)| is == "cancelled")).count();
    tally.matches = matches.values().filter(|played| !played.seats.is_empty()).count();
    tally.rooms = lived.len();
    let mut rooms_of: BTreeMap<&str, usize> = BTreeMap::new();
    lived.values().flat_map(BTreeMap::keys).for_each(|id| *rooms_of.entry(id).or_default() += 1);
    tally.moved = rooms_of.values().filter(|rooms| **rooms > 1).count();
    // What is lost is worse than what is late.
    broken.append(&mut late);
    broken.truncate(SHOWN);
    if broken.is_empty() { Ok(tally) } else { Err(broken) }
}

fn judge_ticket(id: &str, ticket: &Ticket, promised: bool, broken: &mut Vec<String>) {
    let player = ticket.player;
    if promised {
        match ticket.last {
            None | Some("unknown") => broken.push(format!("ticket {id} of {player} was promised and is lost")),
            Some("queued" | "placing") => broken.push(format!("ticket {id} of {player} was left waiting")),
            Some(_) => {}
        }
    }
    for ((&before, &(was, _)), (&number, &(is, _))) in ticket.events.iter().zip(ticket.events.iter().skip(1)) {
        // An assignment whose room died before it could be named is void, and not told.
        let void =
            matches!(was, "matched" | "assigned" | "connected") && matches!(is, "assigned" | "requeued" | "ended");
        let missing = number - before - 1;
        if missing > if void { VOID_IN_A_ROW } else { 0 } {
            broken.push(format!("ticket {id}: nothing seen between number {before}, {was}, and {number}, {is}"));
        }
    }
    match ticket.cancel {
        Some(("cancelled", _)) => {
            if ticket.last.is_some_and(|state| state != "cancelled") {
                broken.push(format!("ticket {id} was cancelled, and then was {}", ticket.last.unwrap_or_default()));
            }
            if let Some((number, (kind, at))) = ticket.events.iter().find(|(_, (kind, _))| *kind == "assigned") {
                let later = ticket.events.range(number..).any(|(_, (kind, _))| *kind == "requeued");
                if !later {
                    broken.push(format!("ticket {id} was cancelled, and was {kind} to {at}"));
                }
            }
        }
        Some(("already_matched", "")) => {
            broken.push(format!("ticket {id}: already matched, but to nothing"));
        }
        Some(_) | None => {}
    }
}

/// Everybody who sat there is back in his queue soon after his socket closed. The longest that it took.
fn judge_lost(
    id: &str,
    played: &Played,
    requeued: &BTreeMap<&str, Vec<u64>>,
    within_us: u64,
    broken: &mut Vec<String>,
) -> u64 {
    let mut longest = 0;
    for (player, closed) in &played.closed {
        let times = requeued.get(player).map_or(&[][..], Vec::as_slice);
        match times.iter().find(|back| *back >= closed).map(|back| back - closed) {
            Some(took) if took <= within_us => longest = longest.max(took),
            Some(took) => broken.push(format!("{player} was back in the queue {took} us after the loss of {id}")),
            None => broken.push(format!("{player} was not told of the loss of {id}")),
        }
    }
    longest
}

/// A room runs one match at a time: the frames of the next one come after those of the one before.
fn judge_room(room: &str, matches: &BTreeMap<&str, (u64, u64)>, broken: &mut Vec<String>) {
    let mut spans: Vec<_> = matches.iter().map(|(id, (from, until))| (*from, *until, *id)).collect();
    spans.sort_unstable();
    for (before, after) in spans.iter().zip(spans.iter().skip(1)) {
        let ((_, until, one), (from, _, other)) = (before, after);
        if *until > from + FRAME_LATE_US {
            broken.push(format!("the room {room} ran {one} and {other} at once, for {} us", until - from));
        }
    }
}

fn judge_match(id: &str, played: &Played, broken: &mut Vec<String>) {
    for (seat, players) in &played.seats {
        if players.len() > 1 {
            broken.push(format!("seat {seat} of {id} was given to {players:?}"));
        }
    }
    if played.seats.is_empty() {
        return;
    }
    match played.told {
        Some(("ended", seats)) => {
            for (seat, players) in &played.seats {
                let told = seats.iter().find(|(number, _, _)| *number == u32::from(*seat));
                if !told.is_some_and(|(_, player, rank)| players.contains(player.as_str()) && *rank > 0) {
                    broken.push(format!("the result of {id} does not have {players:?} on seat {seat}: {told:?}"));
                }
            }
        }
        Some((state, _)) => broken.push(format!("match {id} was played and is {state}")),
        None => broken.push(format!("nobody asked how match {id} ended")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMANDS: Demands = Demands { longest_gap_us: 250_000, sockets_may_close: false, back_within_us: None };

    #[track_caller]
    fn check(says: &str, story: &[(&str, Saw)]) {
        check_with(DEMANDS, says, story);
    }

    #[track_caller]
    fn check_with(demands: Demands, says: &str, story: &[(&str, Saw)]) {
        let lines: Vec<_> = (0..)
            .zip(story)
            .map(|(at_us, (player, saw))| Line { at_us, player: (*player).into(), saw: saw.clone() })
            .collect();
        let broken = judge(&lines, demands).err().unwrap_or_default().join("; ");
        assert_eq!(broken, says);
    }

    fn ticket(id: &str) -> Saw {
        Saw::Ticket { ticket: id.into() }
    }
    fn last(id: &str, state: &str) -> Saw {
        Saw::Final { ticket: id.into(), state: state.into() }
    }
    fn event(id: &str, number: u64, kind: &str) -> Saw {
        Saw::Event { ticket: id.into(), number, kind: kind.into(), match_id: String::new() }
    }
    fn cancel(id: &str, outcome: &str) -> Saw {
        Saw::Cancel { ticket: id.into(), outcome: outcome.into(), match_id: String::new() }
    }
    fn seated(id: &str, seat: u16) -> Saw {
        Saw::Seated { match_id: id.into(), seat }
    }
    fn ended(id: &str) -> Saw {
        Saw::Ended { match_id: id.into() }
    }
    fn told(id: &str, state: &str, seats: &[(u32, &str, u32)]) -> Saw {
        let seats = seats.iter().map(|(seat, player, rank)| (*seat, (*player).into(), *rank)).collect();
        Saw::Match { match_id: id.into(), state: state.into(), seats }
    }

    #[test]
    fn a_good_evening_is_no_complaint() {
        check(
            "",
            &[
                ("ann", ticket("t1")),
                ("ann", event("t1", 1, "queued")),
                ("ann", event("t1", 1, "queued")),
                ("ann", event("t1", 2, "assigned")),
                ("ann", seated("m1", 0)),
                ("ann", Saw::Gap { match_id: "m1".into(), longest_us: 249_000 }),
                ("ann", ended("m1")),
                ("ann", Saw::Closed { match_id: "m1".into(), code: 1000, ended: true }),
                ("ann", seated("m2", 0)),
                ("ann", ended("m2")),
                ("bob", ticket("t2")),
                ("bob", cancel("t2", "cancelled")),
                ("-", last("t1", "done")),
                ("-", last("t2", "cancelled")),
                ("-", told("m1", "ended", &[(0, "ann", 1)])),
                ("-", told("m2", "ended", &[(0, "ann", 1)])),
            ],
        );
    }

    #[test]
    fn whose_room_died_is_back_in_the_queue_soon() {
        let demands = Demands { sockets_may_close: true, back_within_us: Some(2), ..DEMANDS };
        let closed = Saw::Closed { match_id: "m1".into(), code: 0, ended: false };
        let lost = told("m1", "lost", &[]);
        let sat = ("ann", seated("m1", 0));
        let (closed, lost) = (("ann", closed), ("-", lost));
        let back = ("ann", event("t1", 4, "requeued"));
        let between = ("bob", ended("m9"));
        let soon = [sat.clone(), closed.clone(), back.clone(), ("ann", seated("m2", 0)), lost.clone()];
        check_with(demands, "nobody asked how match m2 ended", &soon);
        let late = [sat.clone(), closed.clone(), between.clone(), between, back, lost.clone()];
        check_with(demands, "ann was back in the queue 3 us after the loss of m1", &late);
        check_with(demands, "ann was not told of the loss of m1", &[sat, closed, lost]);
    }

    #[test]
    fn a_room_runs_one_match_at_a_time() {
        let lived = |id: &str, room: &str, from_us: u64, until_us: u64| {
            (
                "-",
                Saw::Lived {
                    match_id: id.into(),
                    room: room.into(),
                    from_us: from_us * 1_000,
                    until_us: until_us * 1_000,
                },
            )
        };
        let one_after_the_other = [lived("m1", "r", 0, 400), lived("m1", "r", 10, 500), lived("m2", "r", 480, 900)];
        check("", &one_after_the_other);
        check("", &[lived("m1", "r", 0, 900), lived("m2", "s", 0, 900)]);
        let moved = [lived("m1", "r", 0, 400), lived("m2", "s", 0, 400), lived("m1", "s", 500, 900)];
        let lines = moved.map(|(player, saw)| Line { at_us: 0, player: player.into(), saw });
        assert_eq!(judge(&lines, DEMANDS).map(|tally| (tally.rooms, tally.moved)), Ok((2, 1)));
        let at_once = [lived("m2", "r", 400, 900), lived("m1", "r", 0, 100), lived("m1", "r", 700, 800)];
        check("the room r ran m1 and m2 at once, for 400000 us", &at_once);
    }

    #[test]
    fn every_broken_promise_is_named() {
        check("ticket t1 of ann was promised and is lost", &[("ann", ticket("t1"))]);
        check("ticket t1 of ann was left waiting", &[("ann", ticket("t1")), ("-", last("t1", "queued"))]);
        check(
            "ticket t1: nothing seen between number 1, queued, and 3, ended",
            &[("ann", event("t1", 1, "queued")), ("ann", event("t1", 3, "ended"))],
        );
        check(
            "ticket t1: nothing seen between number 1, matched, and 7, requeued",
            &[("ann", event("t1", 1, "matched")), ("ann", event("t1", 7, "requeued"))],
        );
        check(
            "event 1 of ticket t1 was (\"queued\", \"\") and then (\"matched\", \"\")",
            &[("ann", event("t1", 1, "queued")), ("ann", event("t1", 1, "matched"))],
        );
        check(
            "ticket t1 was cancelled, and then was connected; ticket t1 was cancelled, and was assigned to ",
            &[("ann", cancel("t1", "cancelled")), ("ann", event("t1", 2, "assigned")), ("-", last("t1", "connected"))],
        );
        check("ticket t1: already matched, but to nothing", &[("ann", cancel("t1", "already_matched"))]);
        check(
            "player ann was seated in m2 while m1 went on; the result of m1 does not have {\"ann\"} on seat 0: None; \
             match m2 was played and is lost",
            &[
                ("ann", seated("m1", 0)),
                ("ann", seated("m2", 0)),
                ("-", told("m1", "ended", &[])),
                ("-", told("m2", "lost", &[])),
            ],
        );
        check(
            "match m1 has two results: Some((\"ended\", [(0, \"ann\", 1)])) and (\"ended\", [(0, \"ann\", 2)]); \
             seat 0 of m1 was given to {\"ann\", \"bob\"}",
            &[
                ("ann", seated("m1", 0)),
                ("bob", seated("m1", 0)),
                ("-", told("m1", "ended", &[(0, "ann", 1)])),
                ("-", told("m1", "ended", &[(0, "ann", 2)])),
            ],
        );
        check(
            "the game socket of ann in m1 closed with 1006; ann waited 250001 us for a frame of m1",
            &[
                ("ann", Saw::Closed { match_id: "m1".into(), code: 1006, ended: false }),
                ("ann", Saw::Gap { match_id: "m1".into(), longest_us: 250_001 }),
            ],
        );
    }
}
