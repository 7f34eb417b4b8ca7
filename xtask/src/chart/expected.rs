//! What has to come of the values.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::reach;
use super::rendered::Rendered;
use crate::assemble::GAMES;

/// Nothing but this, for nobody asked for more.
const REACH: &str = "\
gateway: lobby:http room:game small-room:game dns:dns
lobby: internet:https api-server:https
room: lobby:private dns:dns
small-room: lobby:private dns:dns
test: gateway:http dns:dns
neighbour: gateway:http
prometheus: gateway:http
models: gateway:http
internet: gateway:http
api-server: gateway:http
dns: gateway:http
";

/// Scrapers reach the private ports, too, and the team's back end the lobby's, which looks for its store of replays; the
/// rooms of the fleet `small` have host ports and reach a language model.
const REACH_WITH_OTHERS: &str = "\
gateway: lobby:http room:game small-room:game dns:dns
lobby: internet:https api-server:https dns:dns
room: lobby:private dns:dns
small-room: lobby:private models:http dns:dns
test: gateway:http dns:dns
neighbour: gateway:http lobby:private small-room:game
prometheus: gateway:http gateway:private lobby:private room:private small-room:game small-room:private
models: gateway:http small-room:game
internet: gateway:http small-room:game
api-server: gateway:http small-room:game
dns: gateway:http small-room:game
";

pub(super) fn by_default(rendered: &Rendered) -> Result<()> {
    let gateway = rendered.one("Deployment", "game-bellhop-gateway")?;
    is(gateway, "/spec/replicas", &json!(2))?;
    is(gateway, "/spec/strategy/rollingUpdate", &json!({ "maxUnavailable": 0, "maxSurge": 1 }))?;
    is(gateway, "/spec/template/spec/topologySpreadConstraints/0/topologyKey", &json!("kubernetes.io/hostname"))?;
    is(gateway, "/spec/template/spec/containers/0/image", &json!("bellhop.dev/gateway:0.1.0"))?;
    is(rendered.one("PodDisruptionBudget", "game-bellhop-gateway")?, "/spec/maxUnavailable", &json!(1))?;
    let lobby = rendered.one("StatefulSet", "game-bellhop-lobby")?;
    is(lobby, "/spec/replicas", &json!(1))?;
    let journal = "/spec/template/spec/volumes/0/persistentVolumeClaim/claimName";
    is(lobby, journal, &json!("game-bellhop-journal"))?;
    for (kind, name) in [("PersistentVolumeClaim", "game-bellhop-journal"), ("Secret", "game-bellhop-keys")] {
        is(rendered.one(kind, name)?, "/metadata/annotations/helm.sh~1resource-policy", &json!("keep"))?;
    }
    let service = rendered.one("Service", "game-bellhop-gateway")?;
    is(service, "/spec/type", &json!("ClusterIP"))?;
    is(rendered.one("Pod", "game-bellhop-test-play")?, "/metadata/annotations/helm.sh~1hook", &json!("test"))?;
    let settings = rendered.one("ConfigMap", "game-bellhop-settings")?;
    let toml = settings.pointer("/data/bellhop.toml").and_then(Value::as_str).context("settings")?;
    // The lobby's own queues are there where the values name none, and somebody has to host them.
    for game in GAMES {
        ensure!(toml.contains(&format!("\"{game}\"")), "no fleet hosts {game} by default:\n{toml}");
    }
    none_of(rendered, &["Ingress", "HTTPRoute", "HorizontalPodAutoscaler", "ServiceMonitor", "PodMonitor"])?;
    none_of(rendered, &["PrometheusRule"])?;
    ensure!(!rendered.names().any(|name| name.contains("dashboard")), "a dashboard that nobody asked for");
    only_accounts_that_are_needed(rendered)?;
    ensure!(rendered.of_kind("PodDisruptionBudget").count() == 1, "rooms are guarded although nobody asked for it");
    let fleet = rendered.one("RoomFleet", "default")?;
    let env = fleet.pointer("/spec/template/spec/containers/0/env");
    ensure!(env.is_none(), "rooms are told of a model that nobody named: {env:?}");
    ensure!(fleet.pointer("/spec/guardMatches").is_none() && fleet.pointer("/spec/hostPorts").is_none(), "{fleet}");
    ensure!(!may_patch_pods(rendered)?, "the lobby may patch pods although it need not");
    reaches(rendered, REACH)
}

pub(super) fn all_on(rendered: &Rendered) -> Result<()> {
    let ingress = rendered.one("Ingress", "game-bellhop")?;
    is(ingress, "/spec/rules/0/host", &json!("play.example.org"))?;
    let backend = "/spec/rules/0/http/paths/0/backend/service/name";
    is(ingress, backend, &json!("game-bellhop-gateway"))?;
    let route = rendered.one("HTTPRoute", "game-bellhop")?;
    is(route, "/spec/parentRefs/0", &json!({ "name": "public", "namespace": "infra" }))?;
    is(route, "/spec/rules/0/backendRefs/0", &json!({ "name": "game-bellhop-gateway", "port": 80 }))?;
    let scaler = rendered.one("HorizontalPodAutoscaler", "game-bellhop-own")?;
    is(scaler, "/spec/scaleTargetRef/kind", &json!("RoomFleet"))?;
    is(scaler, "/spec/scaleTargetRef/name", &json!("own"))?;
    is(scaler, "/spec/minReplicas", &json!(2))?;
    ensure!(rendered.of_kind("HorizontalPodAutoscaler").count() == 1, "a fleet is scaled that did not ask for it");
    for kind in ["ServiceMonitor", "PrometheusRule"] {
        is(rendered.one(kind, "game-bellhop")?, "/metadata/labels/release", &json!("prometheus"))?;
    }
    rendered.one("PodMonitor", "game-bellhop-room")?;
    let dashboard = rendered.one("ConfigMap", "game-bellhop-dashboard")?;
    let text = dashboard.pointer("/data/bellhop.json").and_then(Value::as_str).context("a dashboard")?;
    serde_json::from_str::<Value>(text).context("the dashboard is no JSON")?;
    let claim = rendered.one("PersistentVolumeClaim", "game-bellhop-journal")?;
    is(claim, "/spec/storageClassName", &json!("fast"))?;
    ensure!(claim.pointer("/metadata/annotations").is_none(), "the journal is kept although nobody wants it");
    for (name, pod) in rendered.pods() {
        let secrets = &pod["spec"]["imagePullSecrets"];
        ensure!(*secrets == json!([{ "name": "registry" }]), "{name} cannot pull: {secrets}");
    }
    let settings = rendered.one("ConfigMap", "game-bellhop-settings")?;
    let toml = settings.pointer("/data/bellhop.toml").and_then(Value::as_str).context("settings")?;
    for line in [
        "name = \"chess\"",
        "teams = 2",
        "config = { \"board\" = { \"side\" = 8 }, \"colours\" = [\"white\", \"black\"] }",
        "window = { \"anybody\" = true }",
        "lease_seconds = 12.5",
        "rooms = 100",
    ] {
        ensure!(toml.lines().any(|found| found == line), "the settings lack the line `{line}`:\n{toml}");
    }
    let fleet = rendered.one("RoomFleet", "small")?;
    is(fleet, "/spec/hostPorts", &json!({ "first": 7000, "last": 7003 }))?;
    is(fleet, "/spec/guardMatches", &json!(true))?;
    asks_a_model(rendered, fleet)?;
    let guard = rendered.one("PodDisruptionBudget", "game-bellhop-room-small")?;
    is(guard, "/spec/minAvailable", &json!(1_000_000))?;
    let occupied = json!({ "bellhop.dev/fleet": "small", "bellhop.dev/occupied": "true" });
    is(guard, "/spec/selector/matchLabels", &occupied)?;
    ensure!(may_patch_pods(rendered)?, "the lobby may not say which rooms have a match");
    keeps_replays(rendered)?;
    reaches(rendered, REACH_WITH_OTHERS)
}

/// The lobby knows its store of replays, and its keys come from the Secret that the values name.
fn keeps_replays(rendered: &Rendered) -> Result<()> {
    let lobby = rendered.one("StatefulSet", "game-bellhop-lobby")?;
    is(lobby, "/spec/template/spec/containers/0/envFrom", &json!([{ "secretRef": { "name": "store" } }]))?;
    let env =
        lobby.pointer("/spec/template/spec/containers/0/env").and_then(Value::as_array).context("its environment")?;
    for (name, value) in [("BELLHOP_REPLAYS", "s3://bucket/replays"), ("BELLHOP_REPLAY_DAYS", "2")] {
        ensure!(env.contains(&json!({ "name": name, "value": value })), "{name} is not {value}: {env:?}");
    }
    Ok(())
}

/// Its rooms know where the model is and find its key; the other fleet's port is that of its URL.
fn asks_a_model(rendered: &Rendered, fleet: &Value) -> Result<()> {
    let pod = "/spec/template/spec";
    for (at, expected) in [
        ("/containers/0/env/0", json!({ "name": "BELLHOP_ROOM_MODEL_URL", "value": "http://models.models/v1" })),
        ("/containers/0/env/2", json!({ "name": "BELLHOP_ROOM_MODEL_KEY_FILE", "value": "/model/key/key" })),
        ("/containers/0/env/3", json!({ "name": "BELLHOP_ROOM_MODEL_CA_FILE", "value": "/model/ca/ca.crt" })),
        ("/containers/0/volumeMounts/0/mountPath", json!("/model/key")),
        ("/volumes/0/secret/secretName", json!("model")),
        ("/volumes/1/configMap/name", json!("cas")),
    ] {
        is(fleet, &format!("{pod}{at}"), &expected)?;
    }
    let own = rendered.one("NetworkPolicy", "game-bellhop-model-own")?;
    is(own, "/spec/egress", &json!([{ "ports": [{ "port": 8443 }] }]))?;
    is(own, "/spec/podSelector/matchLabels/bellhop.dev~1fleet", &json!("own"))
}

/// Whether the lobby may change pods that are there.
fn may_patch_pods(rendered: &Rendered) -> Result<bool> {
    let role = rendered.one("Role", "game-bellhop-lobby")?;
    let rules = role["rules"].as_array().context("rules")?;
    let lists =
        |rule: &Value, key: &str, word: &str| rule[key].as_array().is_some_and(|all| all.iter().any(|it| it == word));
    Ok(rules.iter().any(|rule| lists(rule, "resources", "pods") && lists(rule, "verbs", "patch")))
}

pub(super) fn all_off(rendered: &Rendered) -> Result<()> {
    none_of(rendered, &["NetworkPolicy", "PersistentVolumeClaim", "Secret", "PodDisruptionBudget"])?;
    let lobby = rendered.one("StatefulSet", "game-bellhop-lobby")?;
    is(lobby, "/spec/template/spec/volumes/0/persistentVolumeClaim/claimName", &json!("mine"))?;
    is(lobby, "/spec/template/spec/volumes/1/secret/secretName", &json!("mine"))
}

pub(super) fn digests(rendered: &Rendered) -> Result<()> {
    let image = "/spec/template/spec/containers/0/image";
    let named =
        |name: &str, digit: &str| json!(format!("registry.example.org/bellhop/{name}@sha256:{}", digit.repeat(64)));
    is(rendered.one("Deployment", "game-bellhop-gateway")?, image, &named("gateway", "1"))?;
    is(rendered.one("StatefulSet", "game-bellhop-lobby")?, image, &named("lobby", "2"))
}

/// The API server is nobody's business but the lobby's, and that of the hook that brings the definition of its fleets.
fn only_accounts_that_are_needed(rendered: &Rendered) -> Result<()> {
    for (name, pod) in rendered.pods() {
        let mounts = pod["spec"]["automountServiceAccountToken"] != false;
        let may = ["-lobby", "-definition"].iter().any(|end| name.ends_with(end));
        ensure!(!mounts || may, "{name} is given a token for the API server");
    }
    Ok(())
}

fn reaches(rendered: &Rendered, expected: &str) -> Result<()> {
    let found = reach::table(rendered)?;
    ensure!(found == expected, "this may reach that:\n{found}and should be:\n{expected}");
    Ok(())
}

fn none_of(rendered: &Rendered, kinds: &[&str]) -> Result<()> {
    for kind in kinds {
        ensure!(rendered.of_kind(kind).count() == 0, "a {kind} that nobody asked for");
    }
    Ok(())
}

fn is(object: &Value, at: &str, expected: &Value) -> Result<()> {
    let found = object.pointer(at).unwrap_or(&Value::Null);
    ensure!(found == expected, "{at} of {} is {found}, not {expected}", object["metadata"]["name"]);
    Ok(())
}
