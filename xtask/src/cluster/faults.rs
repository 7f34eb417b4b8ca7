//! Faults under load: what dies or is replaced while people play, and the checker's judgement of what they saw.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::layout::Layout;
use super::process::{self, wait_for};
use super::release::{INSTALLED_WITHIN, PATIENCE, Release};
use crate::assemble::target;
use crate::root;
use crate::steps::step;

/// Players in matches all the time.
const PLAYERS: &str = "8";
/// Clients that create and cancel tickets, each twenty times a second: 240 tickets a second at best.
const CHURNERS: &str = "12";
/// Between two faults: enough for matches to begin and end.
const MATCHES_BETWEEN: u64 = 2;

/// One thing that breaks.
type Fault = (&'static str, fn(&Release<'_>) -> Result<()>);

/// Everything that may break without anybody losing anything.
pub(super) const ALL: [Fault; 8] = [
    ("the lobby is killed", |release| die(release, "bellhop-lobby")),
    ("a gateway is killed", |release| die(release, "bellhop-gateway")),
    ("a kubelet is killed", |release| component(release, "n2/kubelet")),
    ("the API server is killed", |release| component(release, "cp/kube-apiserver")),
    ("rooms' pods are deleted", |release| {
        release.kubectl(&["delete", "pods", "-l", "bellhop.dev/room", "--wait=false"]).map(drop)
    }),
    ("a node is drained", drain),
    ("lobby and gateways are rolled", roll),
    ("the release is upgraded and rolled back", upgrade),
];

/// Breaks everything `rounds` times under load, and judges.
///
/// # Errors
/// Every promise that was broken.
pub(super) fn under_load(release: &Release<'_>, url: &str, rounds: u32) -> Result<()> {
    let mut crowd = Crowd::start(release.layout, url)?;
    release.matches_end(1)?;
    for round in 1..=rounds {
        for (name, fault) in ALL {
            step(&format!("{name} ({round} of {rounds})"), || {
                fault(release)?;
                crowd.is_there()?;
                release.matches_end(MATCHES_BETWEEN)
            })?;
        }
    }
    let judged = step("the checker judges what the players saw", || crowd.end())?;
    eprintln!("  {judged}");
    Ok(())
}

/// SIGKILL to one process of this name in the cluster, and wait until its successor is ready.
fn die(release: &Release<'_>, program: &str) -> Result<()> {
    let comm = |pid: &i32| std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let pid = process::owned(&[])?.into_iter().find(|pid| comm(pid).trim() == program);
    let pid = pid.with_context(|| format!("no {program} runs in the cluster"))?;
    kill(Pid::from_raw(pid), Signal::SIGKILL).with_context(|| format!("killing {program}"))?;
    wait_for(&format!("the end of {program}"), PATIENCE, || Ok(comm(&pid).trim() != program))?;
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

fn roll(release: &Release<'_>) -> Result<()> {
    release.kubectl(&["rollout", "restart", "statefulset/game-bellhop-lobby", "deployment/game-bellhop-gateway"])?;
    rolled_out(release)
}

fn upgrade(release: &Release<'_>) -> Result<()> {
    // Another template: all rooms are replaced, and by the rollback once more.
    release.helm(&["--set", "settings.timing.lease_seconds=33", "--set", "fleets[0].drainWithinSeconds=25"])?;
    release.roll_back()?;
    rolled_out(release)
}

/// The clients, in a process of their own in the client's namespace.
struct Crowd(Option<Child>);

impl Crowd {
    fn start(layout: &Layout, url: &str) -> Result<Crowd> {
        let program = target().join("debug/bellhop-load");
        let artifacts = root().join("artifacts");
        std::fs::create_dir_all(&artifacts)?;
        let mut crowd: Command = layout.inside(&program.display().to_string());
        crowd.args(["crowd", "--url", url, "--players", PLAYERS, "--churners", CHURNERS, "--sockets-may-close"]);
        crowd.arg("--record").arg(artifacts.join("cluster.jsonl"));
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
