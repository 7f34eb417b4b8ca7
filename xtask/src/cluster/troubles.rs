//! What goes wrong with rooms is told, with what to do: in conditions, events and metrics.

use anyhow::{Context, Result, ensure};

use super::layout::fill;
use super::process::wait_for;
use super::release::{NAMESPACE, PATIENCE, Release};
use super::trial::kubectl;
use crate::steps::beside;

/// The image of rooms, as the chart names it.
const ROOM: &str = concat!("bellhop.dev/room:", env!("CARGO_PKG_VERSION"));
/// Each fleet of troubles.yaml, and what is told of it.
const TOLD: [(&str, &str, &str); 7] = [
    ("no-image", "ImageMissing", "Correct its name"),
    ("crashing", "RoomCrashed", "kubectl logs"),
    ("no-node", "Unschedulable", "Add nodes"),
    ("deaf", "NeverAttached", "kubectl logs"),
    ("wrong-audience", "NeverAttached", "kubectl logs"),
    ("forbidden", "PodRefused", "Correct the template"),
    ("host-ports", "PodRefused", "leave out hostPorts"),
];

/// Tries what can be asked for and cannot work. What it made is gone after.
///
/// # Errors
/// If something of it is not told.
pub(super) fn try_them(release: &Release<'_>) -> Result<()> {
    beside("the definition refuses what makes no sense", || definition_refuses(release))?;
    let manifest = fill("troubles.yaml", &[("NAMESPACE", NAMESPACE), ("ROOM", ROOM)])?;
    kubectl(release.layout, &["apply", "-f", "-"], Some(&manifest))?;
    for (fleet, reason, advice) in TOLD {
        beside(&format!("a fleet of the kind {fleet} says {reason}"), || is_told(release, fleet, reason, advice))?;
    }
    beside("a fleet that keeps crashing is stopped, and says so", || {
        condition(release, "crashing", |_, message| message.contains("stopped: 5 starts failed"))
    })?;
    beside("a token for somebody else does not open the door", || refused(release, "bad-token"))?;
    kubectl(release.layout, &["delete", "-f", "-"], Some(&manifest))?;
    beside("their pods go with them", || {
        let fleets = TOLD.map(|(fleet, _, _)| fleet).join(",");
        let selector = format!("bellhop.dev/fleet in ({fleets})");
        wait_for("the pods of what cannot work to go", PATIENCE, || {
            Ok(release.kubectl(&["get", "pods", "-l", &selector, "-o", "name"])?.is_empty())
        })
    })
}

/// Condition, event and metric.
fn is_told(release: &Release<'_>, fleet: &str, reason: &str, advice: &str) -> Result<()> {
    condition(release, fleet, |now, message| now == reason && message.contains(advice))?;
    let selector = format!("involvedObject.name={fleet},involvedObject.kind=RoomFleet,reason={reason}");
    wait_for(&format!("an event {reason} of {fleet}"), PATIENCE, || {
        Ok(!release.kubectl(&["get", "events", "--field-selector", &selector, "-o", "name"])?.is_empty())
    })?;
    let metric = format!("lobby_fleet_troubles{{fleet=\"{fleet}\",reason=\"{reason}\"}}");
    wait_for(&format!("the metric {metric}"), PATIENCE, || Ok(release.metrics()?.contains(&metric)))
}

fn condition(release: &Release<'_>, fleet: &str, good: impl Fn(&str, &str) -> bool) -> Result<()> {
    let mut said = String::new();
    let path =
        r#"{.status.conditions[?(@.type=="Healthy")].reason}: {.status.conditions[?(@.type=="Healthy")].message}"#;
    let waited = wait_for(&format!("the condition of {fleet}"), PATIENCE, || {
        said = release.get(&format!("roomfleet/{fleet}"), path)?;
        Ok(said.split_once(": ").is_some_and(|(reason, message)| good(reason, message)))
    });
    waited.with_context(|| format!("it says {said}"))
}

fn refused(release: &Release<'_>, why: &str) -> Result<()> {
    let metric = format!("lobby_rooms_refused_total{{why=\"{why}\"}}");
    wait_for(&format!("the metric {metric}"), PATIENCE, || Ok(release.metrics()?.contains(&metric)))
}

/// A pod that says that it is a room that is there.
pub(super) fn lies(release: &Release<'_>) -> Result<()> {
    let rooms = release.rooms()?;
    let room = rooms.iter().find_map(|name| name.strip_prefix("pod/default-")).context("a room to pretend to be")?;
    let manifest = fill("liar.yaml", &[("NAMESPACE", NAMESPACE), ("ROOM_ID", room), ("ROOM", ROOM)])?;
    kubectl(release.layout, &["apply", "-f", "-"], Some(&manifest))?;
    refused(release, "another-pod")?;
    kubectl(release.layout, &["delete", "--now", "-f", "-"], Some(&manifest)).map(drop)
}

/// An operator deletes a room's pod.
pub(super) fn deleted_by_hand(release: &Release<'_>) -> Result<()> {
    let rooms = release.rooms()?;
    let room = rooms.iter().find(|name| name.starts_with("pod/default-")).context("a room to delete")?;
    release.kubectl(&["delete", "--wait=false", room])?;
    is_told(release, "default", "PodDeleted", "kubectl scale")
}

/// A quota that is used up. Nobody else is to start a pod meanwhile.
pub(super) fn quota(release: &Release<'_>) -> Result<()> {
    let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: full}, spec: {hard: {pods: 1}}}";
    let fleet = format!(
        "{{apiVersion: bellhop.dev/v1alpha1, kind: RoomFleet, metadata: {{name: one-more}}, spec: {{games: [nothing], \
         template: {{spec: {{containers: [{{name: room, image: {ROOM}}}]}}}}}}}}"
    );
    let both = format!("{quota}\n---\n{fleet}\n");
    kubectl(release.layout, &["-n", NAMESPACE, "apply", "-f", "-"], Some(&both))?;
    is_told(release, "one-more", "QuotaExceeded", "Raise the quota")?;
    kubectl(release.layout, &["-n", NAMESPACE, "delete", "-f", "-"], Some(&both)).map(drop)
}

/// What cannot be asked for at all, because its definition refuses it.
fn definition_refuses(release: &Release<'_>) -> Result<()> {
    let ask = |spec: &str| {
        let fleet =
            format!("{{apiVersion: bellhop.dev/v1alpha1, kind: RoomFleet, metadata: {{name: odd}}, spec: {spec}}}");
        kubectl(release.layout, &["-n", NAMESPACE, "apply", "--dry-run=server", "-f", "-"], Some(&fleet))
    };
    let template = "template: {spec: {containers: [{name: room, image: i}]}}";
    ask(&format!("{{games: [snake], {template}}}"))?;
    for (spec, expected) in [
        (format!("{{games: [snake], minReady: 3, maxRooms: 2, {template}}}"), "minReady is more than maxRooms"),
        (format!("{{games: [], {template}}}"), "spec.games"),
        (format!("{{games: [snake], hostPorts: {{first: 2000, last: 1999}}, {template}}}"), "first is more than last"),
        ("{games: [snake], template: {spec: {containers: [{name: x, image: i}]}}}".to_owned(), "named `room`"),
    ] {
        let refused = ask(&spec).err().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(refused.contains(expected), "{spec} should be refused for `{expected}`: {refused}");
    }
    Ok(())
}
