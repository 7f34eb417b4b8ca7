//! An autoscaler of Kubernetes on a fleet, which follows a figure that the test tells.

use anyhow::{Context, Result};

use super::layout::{FIGURES, fill};
use super::process::wait_for;
use super::release::{NAMESPACE, PATIENCE, Release};
use super::trial::{ask, kubectl};

/// A fleet beside the one that is played in, with an autoscaler that wants a room for three of the figure.
pub(super) const SCALED: &str = r#"fleets[1]={"name":"scaled","games":["sketch"],"minReady":0,"maxRooms":12,
    "scaleDownAfterSeconds":5,"autoscaling":{"minReplicas":2,"maxReplicas":6,"metrics":[{"type":"External",
    "external":{"metric":{"name":"figure"},"target":{"type":"AverageValue","averageValue":"3"}}}]}}"#;
/// The same without it.
pub(super) const LEFT: &str = r#"fleets[1]={"name":"scaled","games":["sketch"],"minReady":0,"maxRooms":12,
    "scaleDownAfterSeconds":5}"#;

/// The fleet was never scaled. Its autoscaler takes it up and down.
///
/// # Errors
/// If the fleet does not follow.
pub(super) fn leads(release: &Release<'_>) -> Result<()> {
    let manifest = fill("figures.yaml", &[("NAMESPACE", NAMESPACE), ("FIGURES", FIGURES)])?;
    kubectl(release.layout, &["apply", "-f", "-"], Some(&manifest))?;
    let followed = follows(release);
    // An API whose server is gone would keep the namespace from going.
    kubectl(release.layout, &["delete", "--now", "-f", "-"], Some(&manifest))?;
    followed
}

fn follows(release: &Release<'_>) -> Result<()> {
    let within = format!("--timeout={}s", PATIENCE.as_secs());
    release.kubectl(&["wait", "--for=condition=Ready", "pod/figures", &within])?;
    let followed = [(12, 4), (1, 2)].iter().try_for_each(|(figure, rooms)| {
        tell(release, *figure)?;
        release.shows_of("scaled", "{.spec.replicas}", &rooms.to_string())?;
        wait_for(&format!("{rooms} rooms of the scaled fleet"), PATIENCE, || {
            Ok(release.rooms_of("scaled")?.len() == *rooms)
        })
    });
    let says = release.kubectl(&["describe", "horizontalpodautoscalers"]).unwrap_or_default();
    followed.with_context(|| format!("the autoscaler: {says}"))
}

/// The autoscaler has been taken away: the fleet stays as it is.
///
/// # Errors
/// If it does not.
pub(super) fn has_left(release: &Release<'_>) -> Result<()> {
    wait_for("the autoscaler to go", PATIENCE, || {
        Ok(release.kubectl(&["get", "horizontalpodautoscalers", "-o", "name"])?.is_empty())
    })?;
    release.shows_of("scaled", "{.spec.replicas}", "2")
}

fn tell(release: &Release<'_>, figure: u32) -> Result<()> {
    let address = release.get("pod/figures", "{.status.podIP}")?;
    ask(&address, 8080, &format!("/tell?{figure}")).map(drop)
}
