//! Guarding matches from evictions: a pod whose room has a match bears a label, which a PodDisruptionBudget selects.

use std::collections::HashMap;

use lobby_core::{RoomId, RoomView};

use super::pod::{Seen, State};

/// The pods whose label is not what it should be, and whether they are to bear it. Those whose match has just begun come first.
///
/// Looks only at what is: once the labels are written and seen, the next plan is empty.
pub(super) fn plan<'a>(
    rooms: &HashMap<RoomId, RoomView>,
    pods: impl Iterator<Item = &'a Seen>,
    is_guarded: impl Fn(&str) -> bool,
) -> Vec<(&'a Seen, bool)> {
    let mut marks: Vec<(&Seen, bool)> = Vec::new();
    for seen in pods.filter(|seen| is_guarded(&seen.fleet)) {
        let runs = match seen.state {
            State::Pending(_) | State::Running | State::Going { .. } => true,
            State::Done | State::Failed(_) => false,
        };
        // What is not known of a room is no reason to take its guard away.
        let Some(room) = rooms.get(&seen.room).filter(|_| runs) else { continue };
        let occupied = room.match_id.is_some();
        if occupied != seen.occupied {
            marks.push((seen, occupied));
        }
    }
    marks.sort_by_key(|(seen, occupied)| (!occupied, seen.room));
    marks
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lobby_core::{Health, MatchId, RoomState};

    use super::*;

    fn room(id: u64, match_id: Option<u64>) -> (RoomId, RoomView) {
        let view = RoomView {
            room: RoomId(id),
            fleet: "duel".into(),
            state: RoomState::Ready,
            unhealthy: None,
            match_id: match_id.map(MatchId),
            seats_live: 0,
            seats_reserved: 0,
            seats_dropped: 0,
            health: Health::default(),
            silent: Duration::ZERO,
            age: Duration::ZERO,
            ours: true,
            credential: None,
        };
        (RoomId(id), view)
    }

    fn pod(id: u64, occupied: bool, state: State) -> Seen {
        Seen {
            room: RoomId(id),
            name: format!("duel-{id}"),
            uid: String::new(),
            fleet: "duel".into(),
            template: String::new(),
            host_port: None,
            direct: None,
            occupied,
            disrupted: false,
            state,
        }
    }

    #[track_caller]
    fn check(pods: &[Seen], is_guarded: bool, expected: &[(u64, bool)]) {
        let rooms = HashMap::from([room(1, None), room(2, Some(7)), room(3, Some(8)), room(4, None)]);
        let marks = plan(&rooms, pods.iter(), |_| is_guarded);
        let marks: Vec<_> = marks.into_iter().map(|(seen, occupied)| (seen.room.0, occupied)).collect();
        assert_eq!(marks, expected);
    }

    #[test]
    fn a_label_says_who_has_a_match() {
        let pods = [
            pod(1, true, State::Running),
            pod(2, false, State::Running),
            pod(3, true, State::Running),
            pod(4, false, State::Running),
        ];
        check(&pods, true, &[(2, true), (1, false)]);
        check(&pods, false, &[]);
    }

    #[test]
    fn what_goes_is_guarded_and_what_is_unknown_or_gone_is_left() {
        check(&[pod(2, false, State::Going { seconds: 9 })], true, &[(2, true)]);
        check(&[pod(2, false, State::Done), pod(9, true, State::Running)], true, &[]);
    }
}
