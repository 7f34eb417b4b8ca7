//! An autoscaler of Kubernetes on a fleet, which follows a figure that the test tells.

use anyhow::{Context, Result};

use super::layout::{FIGURES, fill};
use super::process::wait_for;
use super::release::{NAMESPACE, PATIENCE, Release};
use super::trial::{ask, kubectl};

/// Three of the figure for each room.
const AUTOSCALING: &str = r#"fleets[0].autoscaling={"minReplicas":2,"maxReplicas":6,"metrics":[{"type":"External",
    "external":{"metric":{"name":"figure"},"target":{"type":"AverageValue","averageValue":"3"}}}]}"#;

/// The fleet was never scaled. An autoscaler of the chart's takes it up and down, and leaves it as it is when it goes.
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
    tell(release, 12)?;
    release.helm(&["--set-json", AUTOSCALING])?;
    let followed = release.shows("{.spec.replicas} {.status.ready}", "4 4").and_then(|()| {
        tell(release, 1)?;
        release.shows("{.spec.replicas} {.status.replicas}", "2 2")
    });
    let says = release.kubectl(&["describe", "horizontalpodautoscalers"]).unwrap_or_default();
    followed.with_context(|| format!("the autoscaler: {says}"))?;
    release.helm(&[])?;
    wait_for("the autoscaler to go", PATIENCE, || {
        Ok(release.kubectl(&["get", "horizontalpodautoscalers", "-o", "name"])?.is_empty())
    })
}

fn tell(release: &Release<'_>, figure: u32) -> Result<()> {
    let address = release.get("pod/figures", "{.status.podIP}")?;
    ask(&address, 8080, &format!("/tell?{figure}")).map(drop)
}
