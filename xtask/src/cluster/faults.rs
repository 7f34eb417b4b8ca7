//! Faults under load: what dies or is replaced while people play, and the checker's judgement of what they saw.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::layout::Layout;
use super::process::{self, wait_for};
use super::release::{INSTALLED_WITHIN, OTHER_TAG, PATIENCE, Release};
use super::rooms::{self, Room, comm, evict, goes, running};
use crate::assemble::target;
use crate::root;
use crate::steps::step;

/// Players in matches all the time, short ones and long ones, and clients that create and cancel tickets, each twenty times
/// a second: 280 tickets a second at best, and 200 at least. Sockets close with the gateways that are killed.
const LOAD: [&str; 8] = [
    "--queue=tictactoe",
    "--queue=runs",
    "--players=4",
    "--churners=14",
    "--every-ms=50",
    "--patience=patience",
    "--sockets-may-close",
    "--least-rate=200",
];
/// While rooms are killed: matches of some seconds, so that each has a middle.
const LONG_MATCHES: [&str; 6] =
    ["--queue=runs", "--players=8", "--churners=14", "--patience=patience", "--sockets-may-close", "--least-rate=200"];
/// Between two faults: enough for matches to begin and end.
const MATCHES_BETWEEN: u64 = 2;

/// One thing that breaks.
type Fault = (&'static str, fn(&Release<'_>) -> Result<()>);

/// From the moment in which a player's socket breaks with its room until he is back in his queue.
const BACK_WITHIN_MS: &str = "5000";
/// What the fleet is scaled to before an upgrade, which must not undo it.
const SCALED_TO: u32 = 4;

/// Everything that may break without anybody losing anything.
const ALL: [Fault; 10] = [
    ("the lobby is killed", |release| die(release, "bellhop-lobby")),
    ("a gateway is killed", |release| die(release, "bellhop-gateway")),
    ("a kubelet is killed", |release| component(release, "n2/kubelet")),
    ("the API server is killed", |release| component(release, "cp/kube-apiserver")),
    ("rooms' pods are deleted", delete_rooms),
    ("a playing room is evicted", evict_a_room),
    ("a node is drained", drain),
    ("lobby and gateways are restarted", restart),
    ("all images are replaced", roll),
    ("the release is upgraded and rolled back, and stays scaled", upgrade),
];

/// Breaks everything `rounds` times under load, and judges.
///
/// # Errors
/// Every promise that was broken.
pub(super) fn under_load(release: &Release<'_>, url: &str, rounds: u32) -> Result<()> {
    for round in 1..=rounds {
        // The lobby remembers 100,000 ended tickets: each round is a crowd of its own.
        let mut crowd = Crowd::start(release.layout, "faults", url, &LOAD)?;
        release.matches_end(1)?;
        for (name, fault) in ALL {
            step(&format!("{name} ({round} of {rounds})"), || {
                fault(release)?;
                crowd.is_there()?;
                release.matches_end(MATCHES_BETWEEN)
            })?;
        }
        judged(&mut crowd)?;
    }
    let load = [&LONG_MATCHES[..], &["--back-within-ms", BACK_WITHIN_MS]].concat();
    let mut crowd = Crowd::start(release.layout, "kills", url, &load)?;
    release.matches_end(1)?;
    for round in 1..=rounds {
        step(&format!("a room is killed ({round} of {rounds})"), || {
            kill_a_playing_room(release)?;
            crowd.is_there()?;
            release.matches_end(MATCHES_BETWEEN)
        })?;
    }
    judged(&mut crowd)
}

pub(super) fn judged(crowd: &mut Crowd) -> Result<()> {
    let said = step("the checker judges what the players saw", || crowd.end())?;
    eprintln!("  {said}");
    Ok(())
}

/// SIGKILL to a room in which somebody plays; returns when the lobby has noticed.
fn kill_a_playing_room(release: &Release<'_>) -> Result<()> {
    let before = homeless(release)?;
    playing()?.kill()?;
    wait_for("the lobby to count a match without its room", PATIENCE, || Ok(homeless(release)? > before))
}

/// Matches that lost their room, by the lobby's count: they go on in another one, or are lost with it.
fn homeless(release: &Release<'_>) -> Result<u64> {
    let metrics = release.metrics()?;
    let names = ["lobby_matches_orphaned_total{", "lobby_matches_lost_total{"];
    let counts = metrics.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    Ok(counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum())
}

/// SIGKILL to one process of this name in the cluster, and wait until its successor is ready.
fn die(release: &Release<'_>, program: &str) -> Result<()> {
    let pid = running(program)?.first().copied().with_context(|| format!("no {program} runs in the cluster"))?;
    kill(Pid::from_raw(pid), Signal::SIGKILL).with_context(|| format!("killing {program}"))?;
    wait_for(&format!("the end of {program}"), PATIENCE, || Ok(comm(pid) != program))?;
    // A container that dies again and again is made to wait by its kubelet; a pod that is made anew is not.
    let part = program.trim_start_matches("bellhop-");
    let selector = format!("app.kubernetes.io/component={part}");
    let ready = r#"{range .items[*]}{.status.containerStatuses[0].ready} {.metadata.name}{"\n"}{end}"#;
    let pods = release.kubectl(&["get", "pods", "-l", &selector, "-o", &format!("jsonpath={ready}")])?;
    for line in pods.lines() {
        if let Some(("false", name)) = line.split_once(' ') {
            release.kubectl(&["delete", "pod", name, "--force", "--grace-period=0"])?;
        }
    }
    rolled_out(release)
}

fn rolled_out(release: &Release<'_>) -> Result<()> {
    let within = format!("--timeout={}s", INSTALLED_WITHIN.as_secs());
    release.kubectl(&["rollout", "status", "statefulset/game-bellhop-lobby", &within])?;
    release.kubectl(&["rollout", "status", "deployment/game-bellhop-gateway", &within]).map(drop)
}

fn component(release: &Release<'_>, name: &str) -> Result<()> {
    process::kill(release.layout, name)?;
    // Long enough for everybody to notice, short enough for nobody to be moved.
    std::thread::sleep(Duration::from_secs(3));
    process::start_again(release.layout, name)?;
    wait_for("the API server to answer", PATIENCE, || {
        Ok(release.kubectl(&["get", "--raw", "/readyz", "--request-timeout=2s"]).is_ok())
    })
}

fn drain(release: &Release<'_>) -> Result<()> {
    let node = release.get("pod/game-bellhop-lobby-0", "{.spec.nodeName}")?;
    let timeout = format!("--timeout={}s", INSTALLED_WITHIN.as_secs());
    release.kubectl(&["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", &timeout])?;
    release.kubectl(&["uncordon", &node])?;
    rolled_out(release)
}

fn delete_rooms(release: &Release<'_>) -> Result<()> {
    let old = release.rooms()?;
    release.kubectl(&["delete", "pods", "-l", "bellhop.dev/room", "--wait=false"])?;
    wait_for("the deleted rooms to go", PATIENCE, || Ok(release.rooms()?.is_disjoint(&old)))
}

/// As `kubectl drain` does it, but to one room that plays.
fn evict_a_room(release: &Release<'_>) -> Result<()> {
    let room = playing()?;
    evict(release, &room)?;
    goes(release, &room)
}

/// Waits for a room with players.
fn playing() -> Result<Room> {
    let mut found = None;
    wait_for("a room with players", PATIENCE, || {
        found = rooms::all()?.into_iter().find(|room| !room.players().is_empty());
        Ok(found.is_some())
    })?;
    found.context("a room was found")
}

fn restart(release: &Release<'_>) -> Result<()> {
    release.kubectl(&["rollout", "restart", "statefulset/game-bellhop-lobby", "deployment/game-bellhop-gateway"])?;
    rolled_out(release)
}

/// Lobby, gateways and rooms get the same image under another name.
fn roll(release: &Release<'_>) -> Result<()> {
    let old = release.rooms()?;
    let image = release.get("statefulset/game-bellhop-lobby", "{.spec.template.spec.containers[0].image}")?;
    let tag = if image.ends_with(OTHER_TAG) { env!("CARGO_PKG_VERSION") } else { OTHER_TAG };
    release.helm(&["--set", &format!("image.tag={tag}")])?;
    rolled_out(release)?;
    wait_for("all rooms to be replaced", PATIENCE, || Ok(release.rooms()?.is_disjoint(&old)))
}

fn upgrade(release: &Release<'_>) -> Result<()> {
    release.scale(SCALED_TO)?;
    // Another template: all rooms are replaced, and by the rollback once more.
    release.helm(&["--set", "settings.timing.lease_seconds=33", "--set", "fleets[0].drainWithinSeconds=25"])?;
    release.roll_back()?;
    rolled_out(release)?;
    release.shows("{.spec.replicas}", &SCALED_TO.to_string())
}

/// The clients, in a process of their own in the client's namespace.
pub(super) struct Crowd(Option<Child>);

impl Crowd {
    /// What they see is written into a file of this name.
    pub(super) fn start(layout: &Layout, name: &str, url: &str, more: &[&str]) -> Result<Crowd> {
        let program = target().join("debug/bellhop-load");
        let artifacts = root().join("artifacts");
        std::fs::create_dir_all(&artifacts)?;
        let mut crowd: Command = layout.inside(&program.display().to_string());
        crowd.args(["crowd", "--url", url]).args(more);
        crowd.arg("--record").arg(artifacts.join(format!("cluster-{name}.jsonl")));
        crowd.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Crowd(Some(crowd.spawn().context("could not start the crowd")?)))
    }

    /// It ends by itself only because a client could not go on.
    fn is_there(&mut self) -> Result<()> {
        let child = self.0.as_mut().context("it was ended")?;
        match child.try_wait()? {
            None => Ok(()),
            Some(_) => self.end().map(drop),
        }
    }

    /// Lets everybody finish, and says what the checker says.
    fn end(&mut self) -> Result<String> {
        let mut child = self.0.take().context("it was ended")?;
        if let Some(mut input) = child.stdin.take() {
            let _it_may_have_ended = input.flush();
        }
        let output = child.wait_with_output()?;
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            bail!("the crowd complains: {}", errors.trim());
        }
        ensure!(!said.trim().is_empty(), "the crowd says nothing: {errors}");
        Ok(said.trim().to_owned())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _gone_already = child.kill();
            let _reaped = child.wait();
        }
    }
}
