//! `cluster/rooms-2000`: what the lobby holds and asks for with 2,000 rooms, whose pods are kwok's and whose programs have no
//! game.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::watch::Watch;
use super::{Figure, Out, resident_megabytes};
use crate::assemble::target;
use crate::cluster::client;
use crate::cluster::layout::{CONTROL_PLANE, CONTROL_PLANE_IP, fill};
use crate::cluster::pki::kubeconfig_of;
use crate::cluster::process::{self, wait_for};
use crate::cluster::release::{NAMESPACE, PATIENCE, Release};
use crate::cluster::tools::{Tool, installed};
use crate::cluster::trial::kubectl;
use crate::steps::{Companion, step};

/// As many as the figure's name says.
const ROOMS: u32 = 2_000;
/// Pods on one of kwok's nodes.
const PODS_PER_NODE: u32 = 250;
/// The lobby starts 16 rooms at once; a busy machine may take long.
const ATTACHED_WITHIN: Duration = Duration::from_secs(600);
/// Nobody asked for anything for so long: what was to be told is told.
const QUIET: Duration = Duration::from_secs(12);
/// In which nothing happens, and requests are counted.
const IDLE: Duration = Duration::from_secs(60);
/// What the false rooms' process is asked in the client's namespace: a port of kubectl's own.
const PROXY: &str = "127.0.0.1:8001";
const IMAGE: &str = concat!("bellhop.dev/room:", env!("CARGO_PKG_VERSION"));
/// How long a node counts as there without another sign of it, as with a kubelet.
const LEASE_SECONDS: u32 = 40;
/// kwok's name among the cluster's components.
const KWOK: &str = "cp/kwok";

/// Measures all of it, and removes what it made.
pub(super) fn rooms(release: &Release<'_>, out: Out<'_>) -> Result<()> {
    let kwok = installed(Tool::Kwok)?;
    let layout = release.layout;
    let stages = crate::root().join("deploy/testcluster/kwok-stages.yaml");
    let argv = [
        kwok.display().to_string(),
        format!("--config={}", stages.display()),
        format!("--kubeconfig={}", kubeconfig_of(layout, "admin").display()),
        "--manage-all-nodes=false".to_owned(),
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake".to_owned(),
        "--cidr=10.245.0.0/16".to_owned(),
        format!("--node-ip={CONTROL_PLANE_IP}"),
        // Or its nodes are taken for lost, and the pods on them for not ready.
        format!("--node-lease-duration-seconds={LEASE_SECONDS}"),
    ];
    process::start(layout, KWOK, CONTROL_PLANE, &argv)?;
    let nodes = (0..ROOMS.div_ceil(PODS_PER_NODE)).map(|number| {
        let (node, pods) = (format!("kwok-{number}"), PODS_PER_NODE.to_string());
        fill("kwok-node.yaml", &[("NODE", &node), ("PODS", &pods)])
    });
    let nodes = nodes.collect::<Result<Vec<_>>>()?.join("---\n");
    kubectl(layout, &["create", "-f", "-"], Some(&nodes))?;
    let (many, rooms) = (ROOMS.to_string(), ROOMS);
    let fleet = fill("many.yaml", &[("NAMESPACE", NAMESPACE), ("ROOMS", &many), ("ROOM", IMAGE)])?;
    kubectl(layout, &["create", "-f", "-"], Some(&fleet))?;
    let measured = with_rooms(release, rooms, out);
    // Its rooms go with it.
    kubectl(layout, &["delete", "-f", "-"], Some(&fleet))?;
    kubectl(layout, &["-n", NAMESPACE, "delete", "pods", "-l", FLEET, "--now", "--wait=false"], None)?;
    let gone = step("removing the pods of its rooms", || {
        wait_for("the pods of the rooms to go", ATTACHED_WITHIN, || {
            Ok(release.kubectl(&["get", "pods", "-l", FLEET, "-o", "name"])?.is_empty())
        })
    });
    kubectl(layout, &["delete", "nodes", "-l", "type=kwok"], None)?;
    process::kill(layout, KWOK)?;
    measured.and(gone)
}

const FLEET: &str = "bellhop.dev/fleet=many";

fn with_rooms(release: &Release<'_>, rooms: u32, out: Out<'_>) -> Result<()> {
    let name = "cluster/rooms-2000";
    let mut false_rooms = FalseRooms::start(release)?;
    release.kubectl(&["scale", "roomfleet/many", &format!("--replicas={rooms}")])?;
    let begun = Instant::now();
    step(&format!("{rooms} rooms attach"), || {
        let ready = format!("lobby_fleet_rooms{{fleet=\"many\",state=\"ready\"}} {rooms}");
        wait_for("all rooms to be attached", ATTACHED_WITHIN, || {
            false_rooms.follow()?;
            Ok(release.metrics()?.contains(&ready))
        })
    })?;
    out(Figure { name: format!("{name}/attached-after"), value: begun.elapsed().as_secs_f64(), unit: "s" });
    out(Figure { name: format!("{name}/rss"), value: resident_megabytes("bellhop-lobby")?, unit: "MB" });
    let plan = planned_ms(rooms)?;
    out(Figure { name: format!("{name}/plan"), value: plan, unit: "ms" });
    // What it took to get there is told: the fleet's status at most every 10 s, and the cluster's own events for longer.
    release.shows_of("many", "{.status.ready}", &rooms.to_string())?;
    step("the cluster tells of 2,000 pods", || {
        let (mut before, mut since) = (f64::NAN, Instant::now());
        wait_for("nobody to ask the API for anything", ATTACHED_WITHIN, || {
            let now = requests(release)?;
            if now != before {
                (before, since) = (now, Instant::now());
            }
            Ok(since.elapsed() >= QUIET)
        })
    })?;
    let idle = step("counting what is asked of the API while nothing happens", || {
        let before = requests(release)?;
        std::thread::sleep(IDLE);
        Ok(requests(release)? - before)
    })?;
    out(Figure { name: format!("{name}/idle-requests"), value: idle / IDLE.as_secs_f64(), unit: "1/s" });
    false_rooms.are_there()
}

fn planned_ms(rooms: u32) -> Result<f64> {
    let mut planner = Command::new(target().join("release/bellhop-load"));
    planner.args(["plan", "--rooms", &rooms.to_string()]);
    let output = planner.stderr(Stdio::inherit()).output().context("could not start bellhop-load")?;
    String::from_utf8(output.stdout)?.trim().parse().context("reading how long a plan takes")
}

/// Requests about what a lobby asks about. Nodes and leases are the kubelets' and kwok's.
fn requests(release: &Release<'_>) -> Result<f64> {
    let metrics = kubectl(release.layout, &["get", "--raw", "/metrics"], None)?;
    let counted = metrics.lines().filter(|line| {
        let about = |resource: &&str| line.contains(&format!("resource=\"{resource}\""));
        line.starts_with("apiserver_request_total{")
            && ["pods", "roomfleets", "tokenreviews", "events"].iter().any(about)
    });
    Ok(counted.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
}

/// What attaches for the pods, each with a token of its pod.
struct FalseRooms {
    process: Companion,
    _proxy: Companion,
    pods: Watch,
    attached: BTreeSet<String>,
}

impl FalseRooms {
    fn start(release: &Release<'_>) -> Result<FalseRooms> {
        let lobby = format!("http://{}:8082", release.get("pod/game-bellhop-lobby-0", "{.status.podIP}")?);
        let mut command = release.layout.inside(&target().join("release/bellhop-load").display().to_string());
        command.args(["false-rooms", "--lobby", &lobby, "--fleet", "many", "--game", "nothing"]);
        let process = Companion(command.stdin(Stdio::piped()).spawn().context("starting the false rooms")?);
        let mut proxy = release.layout.kubectl();
        proxy.args(["proxy", "--reject-methods=^$", "--port", PROXY.rsplit_once(':').map_or("", |(_, port)| port)]);
        let proxy = Companion(proxy.stdout(Stdio::null()).spawn().context("starting kubectl")?);
        let pods = Watch::start(release, FLEET, "{.metadata.name} {.metadata.uid} {.status.phase}")?;
        let started = FalseRooms { process, _proxy: proxy, pods, attached: BTreeSet::new() };
        wait_for("`kubectl proxy` to listen", PATIENCE, || Ok(client::connect(PROXY.parse()?).is_ok()))?;
        Ok(started)
    }

    /// Attaches for each pod that has begun to run.
    fn follow(&mut self) -> Result<()> {
        self.are_there()?;
        while let Some(line) = self.pods.next_at_once() {
            let running = line.strip_suffix(" Running").and_then(|line| line.split_once(' '));
            let Some((pod, uid)) = running.filter(|(pod, _)| !self.attached.contains(*pod)) else { continue };
            let room = pod.strip_prefix("many-").context("a pod's name begins with its fleet")?;
            let line = format!("{room} {}\n", token(pod, uid)?);
            self.process.0.stdin.as_mut().context("its stdin is a pipe")?.write_all(line.as_bytes())?;
            self.attached.insert(pod.to_owned());
        }
        Ok(())
    }

    fn are_there(&mut self) -> Result<()> {
        let ended = self.process.0.try_wait()?;
        ensure!(ended.is_none(), "the false rooms ended: {ended:?}");
        Ok(())
    }
}

/// A token for the lobby that is bound to a pod, as a kubelet asks for it.
fn token(pod: &str, uid: &str) -> Result<String> {
    let request = serde_json::json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": ["bellhop.dev"],
            "boundObjectRef": { "apiVersion": "v1", "kind": "Pod", "name": pod, "uid": uid },
        },
    })
    .to_string();
    let mut socket = client::connect(PROXY.parse()?)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    write!(
        socket,
        "POST /api/v1/namespaces/{NAMESPACE}/serviceaccounts/game-bellhop-room/token HTTP/1.0\r\nhost: {PROXY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{request}",
        request.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    let body: serde_json::Value = serde_json::from_str(body).with_context(|| format!("{head}: {body}"))?;
    match body["status"]["token"].as_str() {
        Some(token) => Ok(token.to_owned()),
        None => bail!("the API server gives no token for {pod}: {body}"),
    }
}
