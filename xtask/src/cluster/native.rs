//! A match that its players reach at a node, and whose room nobody evicts while it lasts.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use super::layout::CLIENT_IP;
use super::process::wait_for;
use super::release::{NAMESPACE, PATIENCE, Release};
use super::rooms::{self, evict, goes};
use super::trial::kubectl;
use crate::assemble::target;

/// A fleet whose rooms have ports of their nodes, and a queue for it. Its matches are guarded if the release's are.
pub(super) const FLEET: &str = r#"{"name":"native","games":["maze"],"minReady":0,"drainWithinSeconds":30,
    "scaleDownAfterSeconds":60,"hostPorts":{"first":7000,"last":7003}}"#;
pub(super) const QUEUE: &str = r#"{"name":"native","game":"maze","fleet":"native","min_players":2,"max_players":2,
    "config":{"rounds":1,"seconds":5}}"#;

/// Plays one match there. The namespace allows host ports meanwhile.
///
/// # Errors
/// If the players come by a gateway, or the room can be evicted during the match, or not after it.
pub(super) fn plays(release: &Release<'_>, url: &str) -> Result<()> {
    allow_host_ports(release, true)?;
    let mut bots = release.layout.inside(&target().join("debug/bellhop-bots").display().to_string());
    bots.args(["--queue=native", "--url", url]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let bots = bots.spawn().context("could not start the bots")?;
    let room = rooms::in_mid_match("native", "")?;
    let from = room.players();
    ensure!(from.iter().all(|address| *address == CLIENT_IP), "players came from {from:?}, not from {CLIENT_IP}");
    let refused = evict(release, &room).err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(refused.contains("TooManyRequests"), "its eviction in mid-match was not refused: {refused}");
    let played = bots.wait_with_output()?;
    ensure!(played.status.success(), "the bots complain: {}", String::from_utf8_lossy(&played.stderr));
    wait_for("the room to be free to go", PATIENCE, || Ok(evict(release, &room).is_ok()))?;
    goes(release, &room)?;
    allow_host_ports(release, false)
}

/// Sets the level that the namespace enforces; without one it is the cluster's, restricted.
fn allow_host_ports(release: &Release<'_>, allowed: bool) -> Result<()> {
    let level = if allowed { "=privileged" } else { "-" };
    let label = format!("pod-security.kubernetes.io/enforce{level}");
    kubectl(release.layout, &["label", "namespace", NAMESPACE, &label, "--overwrite"], None).map(drop)
}
