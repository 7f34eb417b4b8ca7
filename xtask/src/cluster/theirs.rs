//! The release on a cluster that somebody else has: all of the tests on ours but those that lay hands on its nodes, on its
//! processes or on what other people have there.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, ensure};

use super::faults::{Crowd, judged};
use super::layout::Layout;
use super::process::wait_for;
use super::release::{MATCHES, NAMESPACE, PATIENCE, Release};
use super::tools::{Tool, installed};
use super::trial::{ask_over, kubectl};
use super::{readme, troubles};
use crate::steps::step;
use crate::{assemble, needs};

/// Installs the chart there with images from `registry`, plays on it, and removes all of it again.
///
/// # Errors
/// If something is not as it should be, or something of the same name is there already.
pub(super) fn try_it(layout: &Layout, registry: Option<&str>) -> Result<()> {
    needs::chromium()?;
    installed(Tool::Helm)?;
    let name = kubectl(layout, &["config", "current-context"], None).context("KUBECONFIG is set: kubectl must work")?;
    let release = Release { layout, registry };
    for what in [["namespace", NAMESPACE], ["crd", "roomfleets.bellhop.dev"]] {
        let there = kubectl(layout, &["get", what[0], what[1], "--ignore-not-found", "-o", "name"], None)?;
        ensure!(there.is_empty(), "the cluster {name} has {there} already, which this would remove in the end");
    }
    eprintln!("trying the chart on the cluster {name}, for KUBECONFIG is set");
    assemble::build_all(false)?;
    let played = plays(&release);
    let forgotten = step("removing what was installed", || release.forget());
    played.and(forgotten)
}

fn plays(release: &Release<'_>) -> Result<()> {
    readme::installs(release)?;
    step("its values are changed: a fleet at zero", || release.helm(&[]))?;
    let no_rooms = || wait_for("the fleet to be at zero", PATIENCE, || Ok(release.rooms()?.is_empty()));
    step("the rooms go that are not needed any more", no_rooms)?;
    let gateway = Forwarded::start(release, "service/game-bellhop-gateway", 80)?;
    let url = format!("http://{}", gateway.at);
    step("the lobby reads the new queues", || {
        wait_for("the queue runs", PATIENCE, || {
            let queues = ask_over(release.layout.connect(gateway.at)?, "/v1/queues");
            Ok(queues.is_ok_and(|queues| queues.contains(r#""runs""#)))
        })
    })?;
    step("two bots press Play; the fleet at zero gets a room for them", || {
        release.bots_play_at(&url, "tictactoe")?;
        ensure!(!release.rooms()?.is_empty(), "they played, and there is no room");
        Ok(())
    })?;
    step("`kubectl scale` up", || {
        release.scale(3)?;
        release.shows("{.status.ready} {.status.replicas} {.status.desired}", "3 3 3")
    })?;
    step("a pod that somebody deletes by hand is told, and its room is replaced", || {
        troubles::deleted_by_hand(release)?;
        release.shows("{.status.ready} {.status.replicas} {.status.desired}", "3 3 3")
    })?;
    let load = ["--queue=tictactoe", "--queue=runs", "--players=2"];
    let mut players = Crowd::start(release.layout, "theirs", &url, &load)?;
    release.matches_end(MATCHES)?;
    step("the fleet's status shows who plays", || release.shows_players())?;
    step("the lobby is replaced while they play", || release.lobby_is_replaced())?;
    step("upgrading the release, which keeps what was scaled", || {
        release.helm(&["--set", "settings.timing.lease_seconds=31"])?;
        release.shows("{.spec.replicas}", "3")?;
        release.matches_end(MATCHES)
    })?;
    step("`kubectl scale` down under playing rooms, which the status tells", || {
        release.scale(1)?;
        release.shows(r#"{.status.conditions[?(@.type=="Scaled")].reason}"#, "MatchesGoOn")?;
        release.scale(0)?;
        release.matches_end(MATCHES)?;
        release.nothing_lost()
    })?;
    judged(&mut players)?;
    step("who is not needed goes", no_rooms)?;
    step("uninstalling leaves the definition, the journal and the keys, and no pod", || release.uninstall())
}

/// A port of something in the cluster, as `kubectl port-forward` brings it here; until this is dropped.
pub(super) struct Forwarded {
    kubectl: Child,
    /// It ends when nobody would hear what it says.
    _says: BufReader<ChildStdout>,
    /// Where it is here.
    pub(super) at: SocketAddr,
}

impl Forwarded {
    pub(super) fn start(release: &Release<'_>, what: &str, port: u16) -> Result<Forwarded> {
        let mut kubectl = release.layout.kubectl();
        kubectl.args(["-n", NAMESPACE, "port-forward", what, &format!(":{port}")]).stdin(Stdio::null());
        let mut kubectl = kubectl.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("starting kubectl")?;
        let mut said = String::new();
        let mut says = BufReader::new(kubectl.stdout.take().context("its stdout is a pipe")?);
        says.read_line(&mut said)?;
        let at = said.strip_prefix("Forwarding from ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        match at {
            Some(at) => Ok(Forwarded { kubectl, _says: says, at }),
            None => {
                let _gone_already = kubectl.kill();
                let _reaped = kubectl.wait();
                Err(anyhow::anyhow!("{what} cannot be reached on port {port}: {said}"))
            }
        }
    }
}

impl Drop for Forwarded {
    fn drop(&mut self) {
        let _gone_already = self.kubectl.kill();
        let _reaped = self.kubectl.wait();
    }
}
