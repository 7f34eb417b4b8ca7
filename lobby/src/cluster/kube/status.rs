//! What a fleet's status says: counts, and conditions with what to do.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use lobby_core::FleetView;

use super::fleet::{RoomFleet, Status};
use super::pod::{FLEET_LABEL, ROOM_LABEL, Trouble};

/// The fleet is as it should be, or on its way there.
pub(super) const HEALTHY: &str = "Healthy";
/// As many rooms as are asked for.
const SCALED: &str = "Scaled";
/// A condition's message may have more; nobody reads more.
const MAX_MESSAGE: usize = 1_024;

/// All that a fleet's status is made of.
pub(super) struct Facts<'a> {
    pub(super) fleet: &'a RoomFleet,
    /// What the core knows; nothing of a fleet that it has not taken.
    pub(super) view: Option<&'a FleetView>,
    /// Pods that have not ended.
    pub(super) pods: u32,
    /// What is wrong with some of them, by the trouble's word.
    pub(super) troubles: &'a BTreeMap<&'static str, (u32, String)>,
    /// Why a room could not be started, or how one crashed, lately.
    pub(super) failure: Option<&'a Trouble>,
}

/// The status, with the times of `before` where a condition has not changed.
pub(super) fn status(facts: &Facts<'_>, before: Option<&Status>, now: Time) -> Status {
    let (fleet, view) = (facts.fleet, facts.view);
    let generation = fleet.metadata.generation;
    let conditions = [healthy(facts), scaled(facts)].map(|(type_, good, reason, message)| {
        let status = if good { "True" } else { "False" };
        let old = before.and_then(|before| before.conditions.iter().find(|old| old.type_ == type_));
        let since = old.filter(|old| old.status == status).map(|old| old.last_transition_time.clone());
        Condition {
            type_: type_.into(),
            status: status.into(),
            observed_generation: generation,
            last_transition_time: since.unwrap_or_else(|| now.clone()),
            reason: reason.into(),
            message: message.chars().take(MAX_MESSAGE).collect(),
        }
    });
    let count = |count: fn(&FleetView) -> u32| view.map_or(0, count);
    Status {
        observed_generation: generation,
        selector: format!("{FLEET_LABEL}={},{ROOM_LABEL}", fleet.name()),
        replicas: facts.pods,
        desired: count(|view| view.desired),
        starting: count(|view| view.starting),
        ready: count(|view| view.ready),
        playing: count(|view| view.playing),
        draining: count(|view| view.draining),
        players: count(|view| view.players),
        conditions: conditions.into(),
    }
}

type Said = (&'static str, bool, &'static str, String);

/// The worst thing that is wrong: what somebody has to put right comes before what may pass.
fn healthy(facts: &Facts<'_>) -> Said {
    let bad = |reason, message| (HEALTHY, false, reason, message);
    let Some(view) = facts.view else {
        return match facts.failure {
            Some(failure) => bad(failure.reason, failure.message.clone()),
            None => bad("NotTaken", "the lobby has not taken the fleet yet".into()),
        };
    };
    let stopped = view.condition.starts_with("stopped");
    if let Some((reason, (count, message))) = facts.troubles.first_key_value() {
        return bad(reason, format!("{count} of {} pods: {message}", facts.pods));
    }
    match facts.failure {
        Some(failure) if stopped => {
            bad(failure.reason, format!("{} The last one: {}", view.condition, failure.message))
        }
        Some(failure) => bad(failure.reason, failure.message.clone()),
        None if stopped => bad("StartsFail", view.condition.to_string()),
        None if view.condition.starts_with("full") => {
            bad("Full", format!("{}. Raise maxRooms, or wait for matches to end.", view.condition))
        }
        None if view.unhealthy > 0 => {
            bad("RoomsSilent", format!("{} rooms are not heard of; look at their nodes", view.unhealthy))
        }
        None => (HEALTHY, true, "AsWanted", String::new()),
    }
}

fn scaled(facts: &Facts<'_>) -> Said {
    let (asked, pods) = (facts.fleet.spec.replicas.unwrap_or(0), facts.pods);
    let Some(view) = facts.view else { return (SCALED, false, "NotTaken", String::new()) };
    if asked > view.max_rooms {
        let message = format!("replicas asks for {asked} rooms, maxRooms allows {}", view.max_rooms);
        return (SCALED, false, "MaxRooms", message);
    }
    if pods > view.desired && view.playing > 0 {
        let message = format!(
            "{} rooms should be there and {pods} are, of which {} play; they go as their matches end",
            view.desired, view.playing
        );
        return (SCALED, false, "MatchesGoOn", message);
    }
    // Whoever scaled down is told; a fleet that nobody ever scaled is asked for nothing.
    if facts.fleet.spec.replicas.is_some() && asked < view.playing {
        let message = format!("{} rooms play, replicas asks for {asked}; they go as their matches end", view.playing);
        return (SCALED, true, "MatchesGoOn", message);
    }
    match pods.cmp(&view.desired) {
        std::cmp::Ordering::Less => (SCALED, false, "Starting", format!("{} more are to come", view.desired - pods)),
        std::cmp::Ordering::Greater => (SCALED, false, "Surplus", "rooms that are not needed go after a while".into()),
        std::cmp::Ordering::Equal => (SCALED, true, "AsWanted", String::new()),
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn fleet() -> RoomFleet {
        serde_json::from_value(json!({
            "metadata": { "name": "duel", "generation": 3 },
            "spec": {
                "replicas": 2, "minReady": 1, "maxRooms": 4, "games": ["snake"], "recycle": "always",
                "startTimeoutSeconds": 60, "scaleDownAfterSeconds": 30, "drainWithinSeconds": 90,
                "template": { "spec": { "containers": [] } },
            },
        }))
        .unwrap()
    }

    fn view() -> FleetView {
        FleetView {
            name: "duel".into(),
            min_ready: 1,
            max_rooms: 4,
            desired: 2,
            starting: 0,
            ready: 2,
            playing: 0,
            draining: 0,
            unhealthy: 0,
            players: 0,
            condition: "".into(),
        }
    }

    #[track_caller]
    fn check(
        view: Option<&FleetView>,
        pods: u32,
        troubles: &[(&'static str, &str)],
        failure: Option<&str>,
        expected: &str,
    ) {
        let fleet = fleet();
        let troubles = troubles.iter().map(|(reason, message)| (*reason, (1, (*message).to_owned()))).collect();
        let failure = failure.map(|message| Trouble { reason: "QuotaExceeded", message: message.into() });
        let facts = Facts { fleet: &fleet, view, pods, troubles: &troubles, failure: failure.as_ref() };
        let status = status(&facts, None, Time(Timestamp::UNIX_EPOCH));
        let said: Vec<_> = status.conditions.iter().map(|c| format!("{}={} {}", c.type_, c.status, c.reason)).collect();
        assert_eq!(said.join(", "), expected);
    }

    #[test]
    fn conditions_say_the_worst_thing() {
        check(Some(&view()), 2, &[], None, "Healthy=True AsWanted, Scaled=True AsWanted");
        check(Some(&view()), 1, &[], None, "Healthy=True AsWanted, Scaled=False Starting");
        let playing = FleetView { playing: 3, ..view() };
        check(Some(&playing), 3, &[], None, "Healthy=True AsWanted, Scaled=False MatchesGoOn");
        let playing = FleetView { playing: 3, desired: 3, ready: 0, ..view() };
        check(Some(&playing), 3, &[], None, "Healthy=True AsWanted, Scaled=True MatchesGoOn");
        let missing = [("ImageMissing", "m")];
        check(Some(&view()), 2, &missing, Some("q"), "Healthy=False ImageMissing, Scaled=True AsWanted");
        check(Some(&view()), 1, &[], Some("q"), "Healthy=False QuotaExceeded, Scaled=False Starting");
        let stopped = FleetView { condition: "stopped: 5 starts failed".into(), ..view() };
        check(Some(&stopped), 2, &[], None, "Healthy=False StartsFail, Scaled=True AsWanted");
        let full = FleetView { condition: "full: 3 matches wait".into(), ..view() };
        check(Some(&full), 2, &[], None, "Healthy=False Full, Scaled=True AsWanted");
        check(None, 0, &[], None, "Healthy=False NotTaken, Scaled=False NotTaken");
    }

    #[test]
    fn a_condition_that_stays_keeps_its_time() {
        let (fleet, view, troubles) = (fleet(), view(), BTreeMap::new());
        let facts = Facts { fleet: &fleet, view: Some(&view), pods: 2, troubles: &troubles, failure: None };
        let first = status(&facts, None, Time(Timestamp::UNIX_EPOCH));
        let later = Time(Timestamp::from_second(60).unwrap());
        assert_eq!(status(&facts, Some(&first), later.clone()), first);
        let facts = Facts { pods: 1, ..facts };
        let second = status(&facts, Some(&first), later.clone());
        assert_eq!(second.conditions[0].last_transition_time, Time(Timestamp::UNIX_EPOCH));
        assert_eq!(second.conditions[1].last_transition_time, later);
    }
}
