//! The release on a cluster that somebody else has: all of the tests on ours but those that lay hands on its nodes, on its
//! processes or on what other people have there.

use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::faults::{Crowd, judged};
use super::layout::Layout;
use super::process::wait_for;
use super::readme;
use super::release::{MATCHES, NAMESPACE, PATIENCE, Release};
use super::tools::{Tool, installed};
use super::trial::{ask_over, kubectl};
use crate::steps::{Companion, step};
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
    step("the rooms go that are not needed any more", || release.gets_empty())?;
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
    step("`kubectl scale` up", || release.scales_up())?;
    step("a pod that somebody deletes by hand is told, and its room is replaced", || release.loses_a_pod())?;
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
    step("`kubectl scale` down under playing rooms, which the status tells", || release.scales_down())?;
    judged(&mut players)?;
    step("who is not needed goes", || release.gets_empty())?;
    step("uninstalling leaves the definition, the journal and the keys, and no pod", || release.uninstall())
}

/// A port of something in the cluster, as `kubectl port-forward` brings it here; until this is dropped.
pub(super) struct Forwarded {
    _kubectl: Companion,
    /// Where it is here.
    pub(super) at: SocketAddr,
}

impl Forwarded {
    pub(super) fn start(release: &Release<'_>, what: &str, port: u16) -> Result<Forwarded> {
        let mut kubectl = release.layout.kubectl();
        kubectl.args(["-n", NAMESPACE, "port-forward", what, &format!(":{port}")]).stdin(Stdio::null());
        let kubectl = kubectl.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().context("starting kubectl")?;
        let mut kubectl = Companion(kubectl);
        let mut says = BufReader::new(kubectl.0.stdout.take().context("its stdout is a pipe")?);
        let mut said = String::new();
        says.read_line(&mut said)?;
        let at = said.strip_prefix("Forwarding from ").and_then(|rest| rest.split(' ').next()?.parse().ok());
        let at = at.with_context(|| format!("{what} cannot be reached on port {port}: {said}"))?;
        // It says a line for each connection, and stands still when nobody reads them.
        std::thread::spawn(move || io::copy(&mut says, &mut io::sink()));
        Ok(Forwarded { _kubectl: kubectl, at })
    }
}
