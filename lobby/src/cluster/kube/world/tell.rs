//! What is told of the fleets, and what time asks for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use lobby_core::{Answer, Call, FleetView, RoomId};
use tracing::info;

use super::super::calls::reference;
use super::super::fleet::Status;
use super::super::guard;
use super::super::pod::{Seen, State};
use super::super::roll;
use super::super::status::{Facts, HEALTHY, status};
use super::{Done, World};

/// A fleet's status is written at most once in this time.
const WRITE_EVERY: Duration = Duration::from_secs(10);
/// A failure is shown in its fleet's condition for this long: as long as the circuit breaker looks back.
const FAILURE_SHOWN: Duration = Duration::from_secs(60);
/// After its start the lobby waits for its rooms to attach again before it calls them silent.
const SETTLES_WITHIN: Duration = Duration::from_secs(15);
/// Rooms and pods are compared at least this often: a deletion that failed leaves a pod without a room.
const COMPARE_EVERY: Duration = Duration::from_secs(60);
/// A label that was asked for and is not there is asked for again after this.
const MARK_AGAIN: Duration = Duration::from_secs(5);
/// Pods labelled in one go. What is left comes a second later.
const MARKED_AT_ONCE: usize = 64;

impl World {
    /// What time asks for: pods to delete once more, settings that were changed elsewhere, the fleets' statuses.
    pub(in crate::cluster::kube) async fn tick(&mut self) {
        self.delete_doomed();
        if !self.is_known() {
            return;
        }
        self.follow_fleets().await;
        self.begin_autoscaling();
        if self.compared.elapsed() > COMPARE_EVERY {
            self.compare().await;
        }
        self.guard().await;
        let Ok(Answer::Fleets(views)) = self.core.call(Call::ListFleets).await else { return };
        self.metrics.fleet_troubles.clear();
        let names: Vec<_> = self.fleets.keys().cloned().collect();
        for name in names {
            let view = views.iter().find(|view| *view.name == *name);
            self.show(&name, view);
            if let Some(view) = view {
                self.roll(&name, view).await;
            }
        }
    }

    /// Says on the pods of guarded fleets which of them have a match.
    async fn guard(&mut self) {
        let guarded = |name: &str| self.fleets.get(name).is_some_and(|fleet| fleet.resource.spec.guard_matches);
        if !self.fleets.keys().any(|name| guarded(name)) {
            return;
        }
        let Some(rooms) = self.rooms().await else { return };
        self.marking.retain(|_, asked| asked.elapsed() < MARK_AGAIN);
        let mut marks = guard::plan(&rooms, self.pods.values(), guarded);
        marks.retain(|(seen, _)| !self.marking.contains_key(&seen.room));
        for (seen, occupied) in marks.into_iter().take(MARKED_AT_ONCE) {
            self.marking.insert(seen.room, Instant::now());
            let (calls, fleet) = (self.calls.clone(), seen.fleet.clone());
            let (name, uid) = (seen.name.clone(), seen.uid.clone());
            self.tasks.spawn(async move {
                match calls.mark(&name, &uid, occupied).await {
                    Ok(()) => Done::Nothing,
                    Err(trouble) => Done::NotMarked(fleet, trouble),
                }
            });
        }
    }

    /// An autoscaler does nothing to a fleet that has no number yet.
    fn begin_autoscaling(&mut self) {
        for fleet in self.fleets.values_mut() {
            let Some(first) = fleet.resource.first_replicas() else { continue };
            if fleet.begun.is_some_and(|tried| tried.elapsed() < WRITE_EVERY) {
                continue;
            }
            fleet.begun = Some(Instant::now());
            let (calls, name) = (self.calls.clone(), fleet.resource.name().to_owned());
            let version = fleet.resource.metadata.resource_version.clone();
            self.tasks.spawn(async move {
                calls.scale(&name, version.as_deref(), first).await;
                Done::Nothing
            });
        }
    }

    /// Lets some rooms go that were made from an old template.
    async fn roll(&mut self, name: &str, view: &FleetView) {
        let Some(fleet) = self.fleets.get(name) else { return };
        let mark = roll::mark(&fleet.resource);
        let old = |seen: &&Seen| {
            let stays = matches!(seen.state, State::Pending(_) | State::Running);
            *seen.fleet == *name && stays && seen.template != mark && !self.rolled.contains(&seen.room)
        };
        // One that has not started may never do: why else was the template changed?
        let (pending, running): (Vec<&Seen>, Vec<&Seen>) =
            self.pods.values().filter(old).partition(|seen| matches!(seen.state, State::Pending(_)));
        let may_go = roll::may_go(running.len(), view);
        let go: Vec<RoomId> = pending.iter().chain(running.iter().take(may_go)).map(|seen| seen.room).collect();
        for room in go {
            info!(%room, fleet = name, "the fleet's template has changed; the room is let go");
            self.rolled.insert(room);
            let _not_there_any_more = self.core.call(Call::DrainRoom { room, within: None }).await;
        }
    }

    fn show(&mut self, name: &str, view: Option<&FleetView>) {
        let mut troubles: BTreeMap<&'static str, (u32, String)> = BTreeMap::new();
        let mut pods = 0;
        for seen in self.pods.values().filter(|seen| *seen.fleet == *name) {
            pods += u32::from(!matches!(seen.state, State::Done | State::Failed(_)));
            if let State::Pending(Some(trouble)) = &seen.state {
                troubles.entry(trouble.reason).or_insert((0, trouble.message.clone())).0 += 1;
            }
        }
        for (reason, (count, _)) in &troubles {
            self.metrics.trouble(name, reason, *count);
        }
        let Some(fleet) = self.fleets.get_mut(name) else { return };
        fleet.failure.take_if(|(since, _)| since.elapsed() > FAILURE_SHOWN);
        let failure = fleet.failure.as_ref().map(|(_, trouble)| trouble);
        if let Some(failure) = failure {
            self.metrics.trouble(name, failure.reason, 1);
        }
        let settled = view.filter(|_| self.started.elapsed() < SETTLES_WITHIN);
        let settled = settled.map(|view| FleetView { unhealthy: 0, ..view.clone() });
        let view = settled.as_ref().or(view);
        let facts = Facts { fleet: &fleet.resource, view, pods, troubles: &troubles, failure };
        let fresh = status(&facts, fleet.written.as_ref(), Time(Timestamp::now()));
        if fleet.written.as_ref() == Some(&fresh) || fleet.wrote.is_some_and(|wrote| wrote.elapsed() < WRITE_EVERY) {
            return;
        }
        let said = event_between(fleet.written.as_ref(), &fresh);
        fleet.written = Some(fresh.clone());
        fleet.wrote = Some(Instant::now());
        let (calls, name, about) = (self.calls.clone(), name.to_owned(), reference(&fleet.resource));
        self.tasks.spawn(async move {
            let written = calls.write_status(&name, &fresh).await;
            if let Some((warning, reason, note)) = said {
                calls.publish(&about, warning, &reason, note).await;
            }
            Done::Wrote(name, written)
        });
    }
}

/// What is worth an event between two statuses: that something got wrong, is wrong otherwise, or is well again.
fn event_between(before: Option<&Status>, after: &Status) -> Option<(bool, String, String)> {
    let healthy = |status: &Status| status.conditions.iter().find(|condition| condition.type_ == HEALTHY).cloned();
    let after = healthy(after)?;
    let before = before.and_then(healthy);
    match (before, after.status == "True") {
        (Some(before), _) if before.reason == after.reason => None,
        (_, false) => Some((true, after.reason, after.message)),
        (Some(before), true) if before.status == "False" => {
            Some((false, "Healthy".into(), format!("no longer {}", before.reason)))
        }
        (Some(_) | None, true) => None,
    }
}
