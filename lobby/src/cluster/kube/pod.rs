//! A room's pod: how it is made from its fleet's template, and what is kept of one that is seen.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition};
use kube::Resource;
use lobby_core::{Name, RoomId};
use serde_json::{Map, Value, json};

use super::fleet::RoomFleet;
use super::roll;

/// Bears the fleet's name; part of the selector that autoscalers use.
pub(super) const FLEET_LABEL: &str = "bellhop.dev/fleet";
/// Bears the room's id. A pod without it is none of ours.
pub(super) const ROOM_LABEL: &str = "bellhop.dev/room";
/// Borne while the room has a match, where its fleet is guarded.
pub(super) const OCCUPIED_LABEL: &str = "bellhop.dev/occupied";
/// Tells which template a pod was made from.
const TEMPLATE_NOTE: &str = "bellhop.dev/template";
/// Who its rooms' tokens are for: this lobby and nobody else, the API server included.
pub(super) const AUDIENCE: &str = "bellhop.dev";
/// How long a token is good. The kubelet renews it at four fifths of this.
const TOKEN_SECONDS: u32 = 3_600;
/// Where a room finds its token.
const TOKEN_DIRECTORY: &str = "/var/run/secrets/bellhop.dev";
/// The container of the template that is the room.
const CONTAINER: &str = "room";
/// Where a room's game sockets come in, unless its template says otherwise.
const GAME_PORT: u16 = 7777;
/// What the template calls that port, where it names it.
const GAME_PORT_NAME: &str = "game";
/// The kubelet kills so long after a match had to be over: for the last result to be told.
const GRACE_BEYOND_DRAIN: u32 = 10;

/// A pod's name says its room, so that making it twice is harmless.
pub(super) fn name(fleet: &str, room: RoomId) -> String {
    format!("{fleet}-{room}")
}

/// The pod of a room, with this port of its node if it is to have one.
pub(super) fn of_room(fleet: &RoomFleet, room: RoomId, attach_url: &str, host_port: Option<u16>) -> Value {
    let template = &fleet.spec.template;
    let texts = |key: &str| template["metadata"][key].as_object().cloned().unwrap_or_default();
    let mut labels = texts("labels");
    labels.insert(FLEET_LABEL.into(), fleet.name().into());
    labels.insert(ROOM_LABEL.into(), room.to_string().into());
    let mut notes = texts("annotations");
    notes.insert(TEMPLATE_NOTE.into(), roll::mark(fleet).into());
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name(fleet.name(), room),
            "labels": labels,
            "annotations": notes,
            "ownerReferences": [{
                "apiVersion": RoomFleet::api_version(&()),
                "kind": RoomFleet::kind(&()),
                "name": fleet.name(),
                "uid": fleet.metadata.uid,
                // A drain of the node refuses pods without a controller.
                "controller": true,
                "blockOwnerDeletion": false,
            }],
        },
        "spec": spec(fleet, room, attach_url, host_port),
    })
}

fn spec(fleet: &RoomFleet, room: RoomId, attach_url: &str, host_port: Option<u16>) -> Value {
    let mut spec = fleet.spec.template["spec"].as_object().cloned().unwrap_or_default();
    let drain = fleet.spec.drain_within_seconds;
    // A room that ended is not begun again: its successor has an id of its own.
    spec.insert("restartPolicy".into(), "Never".into());
    spec.entry("automountServiceAccountToken").or_insert(false.into());
    spec.entry("enableServiceLinks").or_insert(false.into());
    spec.entry("terminationGracePeriodSeconds").or_insert((drain + GRACE_BEYOND_DRAIN).into());
    let security = object(&mut spec, "securityContext");
    security.entry("runAsNonRoot").or_insert(true.into());
    security.entry("seccompProfile").or_insert(json!({ "type": "RuntimeDefault" }));
    // A node that cannot be reached is no reason to end a match.
    for condition in ["not-ready", "unreachable"] {
        let key = format!("node.kubernetes.io/{condition}");
        let tolerations = array(&mut spec, "tolerations");
        tolerations.retain(|toleration| toleration["key"] != *key);
        tolerations.push(json!({ "key": key, "operator": "Exists", "effect": "NoExecute" }));
    }
    array(&mut spec, "volumes").push(json!({
        "name": "bellhop-token",
        "projected": { "sources": [{ "serviceAccountToken": {
            "audience": AUDIENCE, "expirationSeconds": TOKEN_SECONDS, "path": "token",
        } }] },
    }));
    for container in array(&mut spec, "containers") {
        let Value::Object(container) = container else { continue };
        let security = object(container, "securityContext");
        security.entry("allowPrivilegeEscalation").or_insert(false.into());
        security.entry("capabilities").or_insert(json!({ "drop": ["ALL"] }));
        if container.get("name").is_some_and(|name| name == CONTAINER) {
            dress(container, fleet, room, attach_url);
            if let Some(port) = host_port {
                open_on_the_node(container, port);
            }
        }
    }
    Value::Object(spec)
}

/// What the room needs to know. What its template says of the same name wins, but for who it is.
fn dress(container: &mut Map<String, Value>, fleet: &RoomFleet, room: RoomId, attach_url: &str) {
    array(container, "volumeMounts").push(json!({
        "name": "bellhop-token", "mountPath": TOKEN_DIRECTORY, "readOnly": true,
    }));
    let drain = fleet.spec.drain_within_seconds.to_string();
    let token_file = format!("{TOKEN_DIRECTORY}/token");
    let (room, advertise) = (room.to_string(), format!("$(BELLHOP_POD_IP):{GAME_PORT}"));
    let env = array(container, "env");
    let own = [("BELLHOP_ROOM_ID", room.as_str()), ("BELLHOP_ROOM_FLEET", fleet.name())];
    env.retain(|variable| own.iter().all(|(name, _)| variable["name"] != **name));
    env.extend(own.map(|(name, value)| json!({ "name": name, "value": value })));
    if !has(env, "BELLHOP_POD_IP") {
        let from = json!({ "fieldRef": { "fieldPath": "status.podIP" } });
        env.push(json!({ "name": "BELLHOP_POD_IP", "valueFrom": from }));
    }
    for (name, value) in [
        ("BELLHOP_ROOM_LOBBY", attach_url),
        ("BELLHOP_ROOM_TOKEN_FILE", &token_file),
        ("BELLHOP_ROOM_ADVERTISE", &advertise),
        ("BELLHOP_ROOM_DRAIN_SECONDS", &drain),
        ("BELLHOP_ROOM_RECYCLE", fleet.spec.recycle.word()),
    ] {
        if !has(env, name) {
            env.push(json!({ "name": name, "value": value }));
        }
    }
}

/// The game port is reached by a port of the node, too.
fn open_on_the_node(container: &mut Map<String, Value>, port: u16) {
    let ports = array(container, "ports");
    match ports.iter_mut().find(|known| known["name"] == GAME_PORT_NAME) {
        Some(game) => game["hostPort"] = port.into(),
        None => ports.push(json!({ "name": GAME_PORT_NAME, "containerPort": GAME_PORT, "hostPort": port })),
    }
}

fn has(env: &[Value], name: &str) -> bool {
    env.iter().any(|variable| variable["name"] == *name)
}

/// The list of this name, made if need be.
fn array<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let value = map.entry(key).or_insert(Value::Null);
    if !value.is_array() {
        *value = Value::Array(Vec::new());
    }
    value.as_array_mut().expect("it was just made one")
}

/// The object of this name, made if need be.
fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was just made one")
}

/// What is kept of a pod. A large fleet has thousands, so not the pod itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) room: RoomId,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) fleet: Name,
    /// The mark of the template it was made from.
    pub(super) template: String,
    /// The port of its node, where it has one.
    pub(super) host_port: Option<u16>,
    /// Its node's address with that port, once it has a node.
    pub(super) direct: Option<String>,
    /// It bears the label of those with a match.
    pub(super) occupied: bool,
    /// It goes for its node's sake: evicted, preempted, or because its node is lost.
    pub(super) disrupted: bool,
    pub(super) state: State,
}

/// Where a pod is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not started yet, and why not, where that is known.
    Pending(Option<Trouble>),
    Running,
    /// Somebody deletes it; it has so many seconds.
    Going {
        seconds: u32,
    },
    /// Ended in order.
    Done,
    /// Ended otherwise: how.
    Failed(String),
}

/// Why a pod is not as it should be, for conditions, events and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// One fixed word.
    pub(super) reason: &'static str,
    /// What is wrong and what to do.
    pub(super) message: String,
}

impl Seen {
    /// What to tell of it, if it is a running room that goes although neither the lobby nor its node asked for it.
    pub(super) fn deleted_by_hand(&self, is_doomed: bool) -> Option<Trouble> {
        if is_doomed || self.disrupted {
            return None;
        }
        let message = format!(
            "somebody deleted the pod {}. What it plays may end within its grace, and a room that is missed is made again. To have \
             fewer rooms: kubectl scale roomfleet/{}. To empty a node: kubectl drain.",
            self.name, self.fleet
        );
        Some(Trouble { reason: "PodDeleted", message })
    }
}

/// What is kept of this pod; nothing of one that is no room.
pub(super) fn read(pod: &Pod) -> Option<Seen> {
    let labels = pod.metadata.labels.as_ref()?;
    let (room, fleet) = (labels.get(ROOM_LABEL)?.parse().ok()?, labels.get(FLEET_LABEL)?);
    let name = pod.metadata.name.clone()?;
    let owners = pod.metadata.owner_references.as_deref().unwrap_or_default();
    let owned = owners.iter().any(|owner| owner.controller == Some(true) && owner.name == *fleet);
    // Labels can be changed, names cannot.
    if !owned || name != self::name(fleet, room) {
        return None;
    }
    let uid = pod.metadata.uid.clone()?;
    let template = pod.metadata.annotations.as_ref().and_then(|notes| notes.get(TEMPLATE_NOTE).cloned());
    let (template, fleet) = (template.unwrap_or_default(), fleet.as_str().into());
    let host_port = host_port(pod);
    let direct = host_port.and_then(|port| Some(SocketAddr::new(host(pod)?, port).to_string()));
    let occupied = labels.get(OCCUPIED_LABEL).is_some_and(|said| said == "true");
    let disrupted = condition(pod, "DisruptionTarget").is_some_and(|condition| condition.status == "True");
    Some(Seen { room, name, uid, fleet, template, host_port, direct, occupied, disrupted, state: state(pod) })
}

fn host_port(pod: &Pod) -> Option<u16> {
    let room = pod.spec.as_ref()?.containers.iter().find(|container| container.name == CONTAINER)?;
    let mut ports = room.ports.iter().flatten();
    let game = ports.find(|port| port.name.as_deref() == Some(GAME_PORT_NAME))?;
    game.host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0)
}

/// The address of its node, as its kubelet says it: that needs no right to see nodes.
fn host(pod: &Pod) -> Option<IpAddr> {
    pod.status.as_ref()?.host_ip.as_deref()?.parse().ok()
}

fn state(pod: &Pod) -> State {
    let status = pod.status.as_ref();
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or_default();
    let containers = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    match phase {
        "Succeeded" => State::Done,
        "Failed" => State::Failed(how_it_failed(pod, containers)),
        _ if pod.metadata.deletion_timestamp.is_some() => {
            let seconds = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
            State::Going { seconds: u32::try_from(seconds).unwrap_or(0) }
        }
        "Running" => State::Running,
        _ => State::Pending(unscheduled(pod).or_else(|| containers.iter().find_map(waits))),
    }
}

fn how_it_failed(pod: &Pod, containers: &[ContainerStatus]) -> String {
    let status = pod.status.as_ref();
    if let Some(reason) = status.and_then(|status| status.reason.as_deref()) {
        let message = status.and_then(|status| status.message.as_deref()).unwrap_or_default();
        return format!("{reason}: {message}");
    }
    let ended = containers.iter().filter_map(|container| container.state.as_ref()?.terminated.as_ref());
    match ended.max_by_key(|ended| ended.exit_code != 0) {
        Some(ended) => {
            let reason = ended.reason.as_deref().unwrap_or("Error");
            format!("{reason}: its container ended with exit code {}", ended.exit_code)
        }
        None => "its containers ended".into(),
    }
}

fn condition<'a>(pod: &'a Pod, kind: &str) -> Option<&'a PodCondition> {
    pod.status.as_ref()?.conditions.as_deref()?.iter().find(|condition| condition.type_ == kind)
}

fn unscheduled(pod: &Pod) -> Option<Trouble> {
    let condition = condition(pod, "PodScheduled")?;
    if condition.status != "False" || condition.reason.as_deref() != Some("Unschedulable") {
        return None;
    }
    let message = condition.message.as_deref().unwrap_or("the scheduler does not say why");
    let less = if message.contains("free ports") { "widen hostPorts" } else { "ask for less in the template" };
    let message = format!("no node takes the pod: {message} Add nodes, or {less}.");
    Some(Trouble { reason: "Unschedulable", message })
}

fn waits(container: &ContainerStatus) -> Option<Trouble> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let said = waiting.message.as_deref().unwrap_or_default();
    let image = &container.image;
    let (reason, message) = match waiting.reason.as_deref()? {
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "InvalidImageName" | "ImageInspectError" => (
            "ImageMissing",
            format!("the image {image} cannot be had: {said} Correct its name in the template, or the credentials."),
        ),
        "CrashLoopBackOff" => ("Crashing", format!("a container of the pod keeps ending: {said}")),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" | "StartError" => (
            "ContainerNotStarted",
            format!("the container {} cannot be started: {said} Correct the template.", container.name),
        ),
        _ => return None,
    };
    Some(Trouble { reason, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(spec: &Value) -> RoomFleet {
        serde_json::from_value(json!({
            "metadata": { "name": "duel", "uid": "f-1" },
            "spec": {
                "minReady": 1, "maxRooms": 4, "games": ["snake"], "recycle": "never", "startTimeoutSeconds": 60,
                "scaleDownAfterSeconds": 30, "drainWithinSeconds": 90,
                "template": { "metadata": { "labels": { "team": "a" } }, "spec": spec },
            },
        }))
        .unwrap()
    }

    fn made(spec: &Value) -> Value {
        of_room(&fleet(spec), RoomId(7), "http://lobby:8082", None)
    }

    fn env<'a>(pod: &'a Value, name: &str) -> Vec<&'a Value> {
        let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
        env.iter().filter(|variable| variable["name"] == *name).map(|variable| &variable["value"]).collect()
    }

    #[test]
    fn a_bare_template_becomes_a_restricted_pod_with_a_token() {
        let pod = made(&json!({ "containers": [{ "name": "room", "image": "i" }] }));
        assert_eq!(pod["metadata"]["name"], "duel-r-0000000000007");
        assert_eq!(pod["metadata"]["labels"]["team"], "a");
        assert_eq!(pod["metadata"]["ownerReferences"][0]["controller"], true);
        let spec = &pod["spec"];
        assert_eq!(spec["terminationGracePeriodSeconds"], 100);
        assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
        assert_eq!(spec["containers"][0]["securityContext"]["capabilities"]["drop"][0], "ALL");
        let tolerations = spec["tolerations"].as_array().unwrap();
        assert!(tolerations.iter().all(|toleration| toleration.get("tolerationSeconds").is_none()));
        assert_eq!(tolerations.len(), 2);
        assert_eq!(spec["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["audience"], AUDIENCE);
        assert_eq!(env(&pod, "BELLHOP_ROOM_ID"), ["r-0000000000007"]);
        assert_eq!(env(&pod, "BELLHOP_ROOM_RECYCLE"), ["never"]);
        assert_eq!(env(&pod, "BELLHOP_ROOM_LOBBY"), ["http://lobby:8082"]);
    }

    #[test]
    fn what_the_template_says_wins_but_for_who_the_room_is() {
        let pod = made(&json!({
            "terminationGracePeriodSeconds": 5,
            "tolerations": [
                { "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300 },
                { "key": "games", "operator": "Exists" },
            ],
            "containers": [{ "name": "room", "image": "i", "env": [
                { "name": "BELLHOP_ROOM_ID", "value": "r-of-another" },
                { "name": "BELLHOP_ROOM_LOBBY", "value": "http://elsewhere" },
            ] }],
        }));
        assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 5);
        assert_eq!(pod["spec"]["tolerations"].as_array().unwrap().len(), 3);
        assert_eq!(env(&pod, "BELLHOP_ROOM_ID"), ["r-0000000000007"]);
        assert_eq!(env(&pod, "BELLHOP_ROOM_LOBBY"), ["http://elsewhere"]);
    }

    #[test]
    fn a_host_port_is_the_game_ports_and_is_read_with_the_nodes_address() {
        let check = |ports: Value, expected: Value| {
            let spec = json!({ "containers": [
                { "name": "beside", "image": "i", "ports": [{ "name": "game", "containerPort": 1 }] },
                { "name": "room", "image": "i", "ports": ports },
            ] });
            let mut pod = of_room(&fleet(&spec), RoomId(7), "http://lobby:8082", Some(7_004));
            assert_eq!(pod["spec"]["containers"][1]["ports"], expected);
            assert_eq!(pod["spec"]["containers"][0]["ports"][0].get("hostPort"), None, "only the room's");
            pod["metadata"]["uid"] = "p-1".into();
            let seen = |pod: &Value| read(&serde_json::from_value(pod.clone()).unwrap()).unwrap();
            assert_eq!((seen(&pod).host_port, seen(&pod).direct), (Some(7_004), None), "it has no node yet");
            for (host, direct) in [("10.1.2.3", "10.1.2.3:7004"), ("fd00::7", "[fd00::7]:7004")] {
                pod["status"] = json!({ "hostIP": host });
                assert_eq!(seen(&pod).direct.as_deref(), Some(direct));
            }
        };
        let (game, other) = (json!({ "name": "game", "containerPort": 9000 }), json!({ "containerPort": 8084 }));
        let opened = json!({ "name": "game", "containerPort": 9000, "hostPort": 7004 });
        check(json!([other, game]), json!([other, opened]));
        check(json!(null), json!([{ "name": "game", "containerPort": 7777, "hostPort": 7004 }]));
        let mut without = made(&json!({ "containers": [{ "name": "room", "image": "i", "ports": [game] }] }));
        without["metadata"]["uid"] = "p-1".into();
        without["status"] = json!({ "hostIP": "10.1.2.3" });
        assert_eq!(read(&serde_json::from_value(without).unwrap()).unwrap().direct, None);
    }

    #[track_caller]
    fn check(status: Value, expected: &str) {
        let mut pod = made(&json!({ "containers": [{ "name": "room", "image": "i" }] }));
        pod["metadata"]["uid"] = "p-1".into();
        pod["status"] = status;
        let seen = read(&serde_json::from_value(pod).unwrap()).unwrap();
        let said = match seen.state {
            State::Pending(None) => "pending".to_owned(),
            State::Pending(Some(trouble)) => trouble.reason.to_owned(),
            State::Running => "running".to_owned(),
            State::Going { seconds } => format!("going in {seconds}"),
            State::Done => "done".to_owned(),
            State::Failed(how) => how,
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn a_pods_state_is_read() {
        let waiting = |reason: &str| {
            json!({ "phase": "Pending", "containerStatuses": [{ "name": "room", "image": "i", "imageID": "",
                "ready": false, "restartCount": 0, "state": { "waiting": { "reason": reason, "message": "m" } } }] })
        };
        check(json!({}), "pending");
        check(waiting("ContainerCreating"), "pending");
        check(waiting("ImagePullBackOff"), "ImageMissing");
        check(waiting("CreateContainerConfigError"), "ContainerNotStarted");
        let condition =
            json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2." });
        check(json!({ "phase": "Pending", "conditions": [condition] }), "Unschedulable");
        check(json!({ "phase": "Running" }), "running");
        check(json!({ "phase": "Succeeded" }), "done");
        check(json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" }), "Evicted: low on memory");
        let ended = json!({ "terminated": { "exitCode": 101, "reason": "Error" } });
        let container =
            json!({ "name": "room", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": ended });
        check(
            json!({ "phase": "Failed", "containerStatuses": [container] }),
            "Error: its container ended with exit code 101",
        );
    }

    #[test]
    fn a_pod_that_was_deleted_by_hand_is_told_from_one_that_was_evicted() {
        let mut pod = made(&json!({ "containers": [{ "name": "room", "image": "i" }] }));
        pod["metadata"]["uid"] = "p-1".into();
        let seen = |pod: &Value| read(&serde_json::from_value(pod.clone()).unwrap()).unwrap();
        let told = seen(&pod).deleted_by_hand(false).unwrap();
        assert_eq!(told.reason, "PodDeleted");
        assert!(told.message.contains("kubectl scale roomfleet/duel"), "{}", told.message);
        assert_eq!(seen(&pod).deleted_by_hand(true), None, "the lobby did it");
        let condition = json!({ "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI" });
        pod["status"] = json!({ "phase": "Running", "conditions": [condition] });
        assert_eq!(seen(&pod).deleted_by_hand(false), None, "its node is drained");
    }

    #[test]
    fn a_pod_of_somebody_else_is_not_taken_for_a_room() {
        let mut pod = made(&json!({ "containers": [{ "name": "room", "image": "i" }] }));
        pod["metadata"]["uid"] = "p-1".into();
        let read = |pod: &Value| read(&serde_json::from_value(pod.clone()).unwrap());
        assert!(read(&pod).is_some());
        let mut renamed = pod.clone();
        renamed["metadata"]["labels"][ROOM_LABEL] = RoomId(8).to_string().into();
        assert!(read(&renamed).is_none());
        pod["metadata"]["ownerReferences"] = json!([]);
        assert!(read(&pod).is_none());
    }
}
