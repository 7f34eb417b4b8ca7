//! What is known of the fleets and pods of the namespace, and what follows from it for the core and the API.

mod tell;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher::Event;
use lobby_core::{Answer, Call, ClusterNews, Input, Name, RoomEnd, RoomId, RoomState, RoomView};
use tokio::task::{AbortHandle, JoinSet};
use tracing::{info, warn};

use super::calls::Calls;
use super::fleet::{RoomFleet, Status, retired};
use super::identity::{Identity, Member};
use super::pod::{self, Seen, State, Trouble};
use super::ports;
use crate::drive::inbox::Report;
use crate::drive::{ClusterOrder, Core};
use crate::metrics::Metrics;

/// A pod that should be gone is deleted once more after this.
const DELETE_AGAIN: Duration = Duration::from_secs(5);
/// A room that was to be killed and whose node does not answer is taken out of the API after this.
const FORCE_AFTER: Duration = Duration::from_secs(60);
/// What a room that is killed gets: it was asked to end before.
const KILL_GRACE_SECONDS: u32 = 1;
/// Crashed pods of a fleet that are kept for whoever wants to read their logs.
const CRASHED_KEPT: usize = 3;

/// What a finished task has to tell.
pub(super) enum Done {
    Made(RoomId, Result<Seen, Trouble>),
    /// A pod that was missed: whether it is gone.
    Looked(RoomId, bool),
    Wrote(String, bool),
    /// A pod of this fleet could not be labelled.
    NotMarked(Name, Trouble),
    Nothing,
}

/// A fleet as it is asked for, and what was said of it.
struct Fleet {
    resource: RoomFleet,
    written: Option<Status>,
    wrote: Option<Instant>,
    kept: Option<u32>,
    /// When it was last given the number that its autoscaler begins with.
    begun: Option<Instant>,
    failure: Option<(Instant, Trouble)>,
    crashed: Vec<RoomId>,
}

/// A pod that is being created.
struct Making {
    task: AbortHandle,
    name: String,
    host_port: Option<u16>,
}

/// A pod that should be gone.
struct Doomed {
    since: Instant,
    tried: Option<Instant>,
    /// It gets its own grace, and is never forced.
    gently: bool,
}

/// Everything the adapter knows.
pub(super) struct World {
    core: Core,
    calls: Calls,
    identity: Arc<Identity>,
    metrics: Arc<Metrics>,
    fleets: BTreeMap<String, Fleet>,
    pods: HashMap<RoomId, Seen>,
    making: HashMap<RoomId, Making>,
    doomed: HashMap<RoomId, Doomed>,
    /// Pods whose label was asked to be written, and when.
    marking: HashMap<RoomId, Instant>,
    pub(super) tasks: JoinSet<Done>,
    /// Rooms of an old template that were asked to go.
    rolled: HashSet<RoomId>,
    /// Seen in the list that is being read.
    listed_pods: Option<HashSet<RoomId>>,
    listed_fleets: Option<HashSet<String>>,
    pods_known: bool,
    fleets_known: bool,
    compared: Instant,
    started: Instant,
}

impl World {
    pub(super) fn new(core: Core, calls: Calls, identity: Arc<Identity>, metrics: Arc<Metrics>) -> World {
        World {
            core,
            calls,
            identity,
            metrics,
            fleets: BTreeMap::new(),
            pods: HashMap::new(),
            making: HashMap::new(),
            doomed: HashMap::new(),
            marking: HashMap::new(),
            tasks: JoinSet::new(),
            rolled: HashSet::new(),
            listed_pods: None,
            listed_fleets: None,
            pods_known: false,
            fleets_known: false,
            compared: Instant::now(),
            started: Instant::now(),
        }
    }

    /// All there is was seen once. Before that, nothing is started: it may be there.
    pub(super) fn is_known(&self) -> bool {
        self.pods_known && self.fleets_known
    }

    fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(async move {
            work.await;
            Done::Nothing
        });
    }

    async fn tell(&self, news: ClusterNews) {
        let _stopping = self.core.report(Report::Input(Input::Cluster(news))).await;
    }

    async fn gone(&self, room: RoomId, how: RoomEnd, detail: String) {
        info!(%room, ?how, detail, "room has ended");
        self.tell(ClusterNews::Exited { room, how, detail: detail.into() }).await;
    }

    fn failed(&mut self, fleet: &str, trouble: Trouble) {
        warn!(fleet, reason = trouble.reason, message = trouble.message, "a room of the fleet failed");
        if let Some(fleet) = self.fleets.get_mut(fleet) {
            fleet.failure = Some((Instant::now(), trouble));
        }
    }

    pub(super) async fn pod_event(&mut self, event: Event<Pod>) {
        match event {
            Event::Init => self.listed_pods = Some(HashSet::new()),
            Event::InitApply(pod) | Event::Apply(pod) => {
                if let Some(seen) = pod::read(&pod) {
                    if let Some(listed) = &mut self.listed_pods {
                        listed.insert(seen.room);
                    }
                    self.see(seen).await;
                }
            }
            Event::Delete(pod) => {
                if let Some(seen) = pod::read(&pod) {
                    self.unsee(seen.room, Some(&seen.uid)).await;
                }
            }
            Event::InitDone => {
                let listed = self.listed_pods.take().unwrap_or_default();
                let missed: Vec<_> = self.pods.keys().copied().filter(|room| !listed.contains(room)).collect();
                for room in missed {
                    self.look(room);
                }
                self.identity.synced();
                self.pods_known = true;
                self.compare().await;
            }
        }
    }

    /// Asks whether a pod is there that should be and was not seen.
    fn look(&mut self, room: RoomId) {
        let Some(seen) = self.pods.get(&room) else { return };
        let (calls, name) = (self.calls.clone(), seen.name.clone());
        self.tasks.spawn(async move { Done::Looked(room, calls.is_gone(&name).await) });
    }

    async fn see(&mut self, seen: Seen) {
        let (room, state) = (seen.room, seen.state.clone());
        let member = Member { pod: seen.name.clone(), uid: seen.uid.clone(), fleet: seen.fleet.clone() };
        self.core.rooms.set_direct(room, seen.direct.as_deref());
        let before = self.pods.insert(room, seen.clone());
        if before.as_ref().is_none_or(|before| before.occupied != seen.occupied) {
            self.marking.remove(&room);
        }
        let ended_before = before.as_ref().is_some_and(|before| matches!(before.state, State::Done | State::Failed(_)));
        let ran_before = before.as_ref().is_some_and(|before| before.state == State::Running);
        let going_before = before.is_some_and(|before| matches!(before.state, State::Going { .. }));
        match state {
            State::Pending(_) | State::Running => self.identity.insert(room, member),
            State::Going { seconds } => {
                self.identity.insert(room, member);
                if ran_before && let Some(trouble) = seen.deleted_by_hand(self.doomed.contains_key(&room)) {
                    self.failed(&seen.fleet, trouble);
                }
                if !going_before {
                    // Its kubelet tells the room; the core is told, too, for no match is to go there meanwhile.
                    let within = Some(Duration::from_secs(seconds.into()));
                    let _not_there_any_more = self.core.call(Call::DrainRoom { room, within }).await;
                }
            }
            State::Done | State::Failed(_) if ended_before => {}
            State::Done => {
                self.identity.remove(room);
                self.gone(room, RoomEnd::Exited, "its pod has ended".into()).await;
                // Somebody's deletion is under way, or ours is needed.
                if !going_before {
                    self.doom(room, true);
                }
            }
            State::Failed(how) => {
                self.identity.remove(room);
                if going_before || self.doomed.contains_key(&room) {
                    return self.gone(room, RoomEnd::Released, how).await;
                }
                let message = format!("the pod {} failed: {how}. Its log: kubectl logs {}", seen.name, seen.name);
                self.gone(room, RoomEnd::Crashed, how).await;
                // What was found at the start may be old.
                if self.pods_known {
                    self.failed(&seen.fleet, Trouble { reason: "RoomCrashed", message });
                }
                self.keep_crashed(&seen);
            }
        }
    }

    /// The newest crashed pods stay for a while, the others go.
    fn keep_crashed(&mut self, seen: &Seen) {
        let Some(fleet) = self.fleets.get_mut(&*seen.fleet) else { return self.doom(seen.room, true) };
        fleet.crashed.push(seen.room);
        if fleet.crashed.len() > CRASHED_KEPT {
            let oldest = fleet.crashed.remove(0);
            self.doom(oldest, true);
        }
    }

    /// A pod is not there any more.
    async fn unsee(&mut self, room: RoomId, uid: Option<&str>) {
        let Some(seen) = self.pods.get(&room) else { return };
        if uid.is_some_and(|uid| uid != seen.uid) {
            return;
        }
        let (state, name) = (seen.state.clone(), seen.fleet.clone());
        let crashed = matches!(state, State::Pending(_) | State::Running);
        // At once, without any grace.
        let by_hand = seen.deleted_by_hand(self.doomed.contains_key(&room)).filter(|_| state == State::Running);
        if let Some(fleet) = self.fleets.get_mut(&*seen.fleet) {
            fleet.crashed.retain(|other| *other != room);
        }
        self.pods.remove(&room);
        self.marking.remove(&room);
        self.core.rooms.set_direct(room, None);
        self.doomed.remove(&room);
        self.rolled.remove(&room);
        self.identity.remove(room);
        if !matches!(state, State::Done | State::Failed(_)) {
            let how = if crashed { RoomEnd::Crashed } else { RoomEnd::Exited };
            self.gone(room, how, "its pod was deleted".into()).await;
            if let Some(trouble) = by_hand.filter(|_| self.pods_known) {
                self.failed(&name, trouble);
            }
        }
    }

    pub(super) async fn fleet_event(&mut self, event: Event<RoomFleet>) {
        match event {
            Event::Init => self.listed_fleets = Some(HashSet::new()),
            Event::InitApply(fleet) | Event::Apply(fleet) => {
                if let Some(listed) = &mut self.listed_fleets {
                    listed.insert(fleet.name().to_owned());
                }
                self.see_fleet(fleet);
            }
            Event::Delete(fleet) => drop(self.fleets.remove(fleet.name())),
            Event::InitDone => {
                if let Some(listed) = self.listed_fleets.take() {
                    self.fleets.retain(|name, _| listed.contains(name));
                }
                self.fleets_known = true;
            }
        }
        if self.fleets_known {
            self.follow_fleets().await;
        }
    }

    fn see_fleet(&mut self, fleet: RoomFleet) {
        let name = fleet.name().to_owned();
        match self.fleets.get_mut(&name) {
            Some(known) => known.resource = fleet,
            None => {
                let written = fleet.status.clone();
                let fleet = Fleet {
                    resource: fleet,
                    written,
                    wrote: None,
                    kept: None,
                    begun: None,
                    failure: None,
                    crashed: Vec::new(),
                };
                self.fleets.insert(name, fleet);
            }
        }
    }

    /// What the resources say becomes what is in force. A fleet without a resource has no rooms.
    async fn follow_fleets(&mut self) {
        let in_force = self.core.settings.load_full();
        for fleet in self.fleets.values_mut() {
            let wanted = fleet.resource.settings();
            if !in_force.fleets.contains(&wanted)
                && let Err(error) = self.core.call(Call::SetFleet(Box::new(wanted))).await
            {
                let message = format!("the lobby refuses the fleet: {error}");
                fleet.failure = Some((Instant::now(), Trouble { reason: "Refused", message }));
                continue;
            }
            let kept = fleet.resource.spec.replicas.unwrap_or(0);
            if fleet.kept.replace(kept) != Some(kept) {
                let news = ClusterNews::Keep { fleet: fleet.resource.name().into(), rooms: kept };
                let _stopping = self.core.report(Report::Input(Input::Cluster(news))).await;
            }
        }
        for settings in in_force.fleets.iter().filter(|settings| !self.fleets.contains_key(&*settings.name)) {
            let retired = retired(settings);
            if *settings != retired {
                warn!(fleet = %settings.name, "there is no RoomFleet of this name; it gets no rooms");
                let news = ClusterNews::Keep { fleet: settings.name.clone(), rooms: 0 };
                self.tell(news).await;
                if let Err(error) = self.core.call(Call::SetFleet(Box::new(retired))).await {
                    warn!(fleet = %settings.name, %error, "could not retire the fleet");
                }
            }
        }
    }

    /// Rooms without a pod and pods without a room, after all pods were listed.
    async fn compare(&mut self) {
        self.compared = Instant::now();
        let Some(rooms) = self.rooms().await else { return };
        for view in rooms.values().filter(|view| view.ours && view.state != RoomState::Starting) {
            let room = view.room;
            if !self.pods.contains_key(&room) && !self.making.contains_key(&room) {
                self.gone(room, RoomEnd::Exited, "its pod went while the lobby was away".into()).await;
            }
        }
        let unknown = |seen: &&Seen| !rooms.contains_key(&seen.room) && !self.making.contains_key(&seen.room);
        let unknown: Vec<_> = self.pods.values().filter(unknown).cloned().collect();
        for seen in unknown {
            match seen.state {
                State::Pending(_) | State::Running | State::Done => {
                    warn!(room = %seen.room, "the pod's room is not known any more; it is let go");
                    self.doom(seen.room, true);
                }
                State::Going { .. } | State::Failed(_) => {}
            }
        }
    }

    /// All rooms of the core.
    async fn rooms(&self) -> Option<HashMap<RoomId, RoomView>> {
        let mut found = HashMap::new();
        let mut after = None;
        loop {
            let call = Call::ListRooms { fleet: None, after, limit: u16::MAX };
            let Ok(Answer::Rooms(page)) = self.core.call(call).await else { return None };
            after = page.items.last().map(|view| view.room);
            found.extend(page.items.into_iter().map(|view| (view.room, view)));
            if !page.more {
                return Some(found);
            }
        }
    }

    pub(super) async fn obey(&mut self, order: ClusterOrder) {
        match order {
            ClusterOrder::Start { room, .. } if self.pods.contains_key(&room) || self.making.contains_key(&room) => {}
            ClusterOrder::Start { room, fleet } => self.start(room, &fleet).await,
            ClusterOrder::Kill { room } => self.kill(room).await,
        }
    }

    async fn start(&mut self, room: RoomId, fleet: &Name) {
        let Some(known) = self.fleets.get(&**fleet) else {
            let detail = format!("there is no RoomFleet {fleet}");
            return self.gone(room, RoomEnd::NotStarted, detail).await;
        };
        let (calls, resource) = (self.calls.clone(), known.resource.clone());
        let host_port = resource.spec.host_ports.map(|range| {
            let made = self.pods.values().filter_map(|seen| seen.host_port);
            ports::pick(range, made.chain(self.making.values().filter_map(|making| making.host_port)))
        });
        let name = pod::name(fleet, room);
        let task = self.tasks.spawn(async move { Done::Made(room, calls.create(&resource, room, host_port).await) });
        self.making.insert(room, Making { task, name, host_port });
    }

    /// The core has given it up.
    async fn kill(&mut self, room: RoomId) {
        if let Some(Making { task, name, .. }) = self.making.remove(&room) {
            task.abort();
            // It may have been made all the same.
            let calls = self.calls.clone();
            self.spawn(async move { calls.delete(&name, None, Some(KILL_GRACE_SECONDS)).await });
        }
        let Some(seen) = self.pods.get(&room) else {
            return self.gone(room, RoomEnd::Released, "it was not there".into()).await;
        };
        if !self.identity.is_proved(room) {
            let (fleet, name) = (seen.fleet.clone(), seen.name.clone());
            let trouble = match &seen.state {
                State::Pending(Some(trouble)) => Some(trouble.clone()),
                State::Pending(None) => {
                    let message = format!("the pod {name} did not start in time: kubectl describe pod {name}");
                    Some(Trouble { reason: "NotStarted", message })
                }
                State::Running => {
                    let message = format!(
                        "the pod {name} ran and did not attach in time. While it is there, see: \
                         kubectl logs -l {}={fleet}",
                        pod::FLEET_LABEL
                    );
                    Some(Trouble { reason: "NeverAttached", message })
                }
                State::Going { .. } | State::Done | State::Failed(_) => None,
            };
            trouble.into_iter().for_each(|trouble| self.failed(&fleet, trouble));
        }
        self.doom(room, false);
    }

    fn doom(&mut self, room: RoomId, gently: bool) {
        let doomed = Doomed { since: Instant::now(), tried: None, gently };
        self.doomed.entry(room).and_modify(|doomed| doomed.gently &= gently).or_insert(doomed);
        self.delete_doomed();
    }

    fn delete_doomed(&mut self) {
        let mut due = Vec::new();
        for (room, doomed) in &mut self.doomed {
            let Some(seen) = self.pods.get(room) else { continue };
            if doomed.tried.is_some_and(|tried| tried.elapsed() < DELETE_AGAIN) {
                continue;
            }
            // Asked once, it goes in its own time.
            if doomed.gently && matches!(seen.state, State::Going { .. }) {
                continue;
            }
            doomed.tried = Some(Instant::now());
            let grace = match doomed.gently {
                true => None,
                false if doomed.since.elapsed() > FORCE_AFTER => Some(0),
                false => Some(KILL_GRACE_SECONDS),
            };
            due.push((seen.name.clone(), seen.uid.clone(), grace));
        }
        for (name, uid, grace) in due {
            let calls = self.calls.clone();
            self.spawn(async move { calls.delete(&name, Some(uid), grace).await });
        }
    }

    pub(super) async fn done(&mut self, done: Done) {
        match done {
            Done::Made(room, made) => {
                if self.making.remove(&room).is_none() {
                    return;
                }
                match made {
                    // What the watch has told meanwhile is newer.
                    Ok(seen) if self.pods.contains_key(&room) => drop(seen),
                    Ok(seen) => {
                        info!(%room, pod = seen.name, "the room's pod is created");
                        self.see(seen).await;
                    }
                    Err(trouble) => {
                        let fleet = self.fleet_of(room).await;
                        self.gone(room, RoomEnd::NotStarted, trouble.message.clone()).await;
                        fleet.into_iter().for_each(|fleet| self.failed(&fleet, trouble.clone()));
                    }
                }
            }
            Done::Looked(room, true) => self.unsee(room, None).await,
            Done::NotMarked(fleet, trouble) => self.failed(&fleet, trouble),
            Done::Looked(_, false) | Done::Nothing => {}
            Done::Wrote(fleet, written) => {
                if !written && let Some(fleet) = self.fleets.get_mut(&fleet) {
                    fleet.written = None;
                }
            }
        }
    }

    async fn fleet_of(&self, room: RoomId) -> Option<Name> {
        let after = room.0.checked_sub(1).map(RoomId);
        let call = Call::ListRooms { fleet: None, after, limit: 1 };
        let Ok(Answer::Rooms(page)) = self.core.call(call).await else { return None };
        page.items.into_iter().find(|view| view.room == room).map(|view| view.fleet)
    }
}
