//! etcd, the API server, the controllers and the scheduler; and what runs in the cluster from the start.

use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::layout::{CONTROL_PLANE, CONTROL_PLANE_IP, COREDNS, DNS_IP, Layout, POD_CIDR, SERVICE_CIDR, fill};
use super::pki::kubeconfig_of;
use super::process::{self, wait_for};
use crate::steps::step;

/// Two busy cores bring it up within 10 s; a machine that does other things may take long.
const API_WITHIN: Duration = Duration::from_secs(120);
/// CoreDNS starts within 3 s of its node being ready.
const DNS_WITHIN: Duration = Duration::from_secs(120);
/// Volumes for claims of the tests; they are directories, and made only once per cluster.
const VOLUMES: u32 = 32;
/// The user that Bellhop's images run as.
const USER: u32 = 65532;

const ETCD: &str = "http://127.0.0.1:2379";

/// etcd and the API server; does not wait for them.
pub(super) fn start(layout: &Layout) -> Result<()> {
    let etcd = [
        "etcd".to_owned(),
        format!("--data-dir={}", layout.file("etcd").display()),
        format!("--listen-client-urls={ETCD}"),
        format!("--advertise-client-urls={ETCD}"),
        "--log-level=warn".to_owned(),
        // A killed etcd loses nothing by this, only a machine that loses power does; and then all of this is gone.
        "--unsafe-no-fsync".to_owned(),
    ];
    process::start(layout, "cp/etcd", CONTROL_PLANE, &etcd)?;
    let admission = layout.file("admission.yaml");
    fs::write(&admission, fill("admission.yaml", &[])?)?;
    let pki = |name: &str| layout.pki(name).display().to_string();
    let api = [
        "kube-apiserver".to_owned(),
        format!("--etcd-servers={ETCD}"),
        format!("--bind-address={CONTROL_PLANE_IP}"),
        format!("--advertise-address={CONTROL_PLANE_IP}"),
        format!("--service-cluster-ip-range={SERVICE_CIDR}"),
        format!("--tls-cert-file={}", pki("apiserver.crt")),
        format!("--tls-private-key-file={}", pki("apiserver.key")),
        format!("--client-ca-file={}", pki("ca.crt")),
        format!("--kubelet-certificate-authority={}", pki("ca.crt")),
        format!("--kubelet-client-certificate={}", pki("apiserver-kubelet.crt")),
        format!("--kubelet-client-key={}", pki("apiserver-kubelet.key")),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        format!("--service-account-key-file={}", pki("service-account.pub")),
        format!("--service-account-signing-key-file={}", pki("service-account.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        "--api-audiences=https://kubernetes.default.svc".to_owned(),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        format!("--admission-control-config-file={}", admission.display()),
        "--allow-privileged".to_owned(),
        // Aggregated APIs, such as the metrics server's, know their callers by these, and are reached at their pods.
        format!("--requestheader-client-ca-file={}", pki("front-proxy-ca.crt")),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        format!("--proxy-client-cert-file={}", pki("front-proxy.crt")),
        format!("--proxy-client-key-file={}", pki("front-proxy.key")),
        "--enable-aggregator-routing=true".to_owned(),
    ];
    process::start(layout, "cp/kube-apiserver", CONTROL_PLANE, &api)
}

pub(super) fn wait_for_api(layout: &Layout) -> Result<()> {
    wait_for("the API server", API_WITHIN, || {
        for component in process::all(layout)? {
            if !component.is_alive() {
                bail!("{} ended: {}", component.name, component.last_words(layout));
            }
        }
        let asked = layout.kubectl().args(["get", "--raw", "/readyz", "--request-timeout=2s"]).output()?;
        Ok(asked.status.success())
    })
}

pub(super) fn start_controllers(layout: &Layout) -> Result<()> {
    let pki = |name: &str| layout.pki(name).display().to_string();
    let controllers = [
        "kube-controller-manager".to_owned(),
        format!("--kubeconfig={}", kubeconfig_of(layout, "kube-controller-manager").display()),
        format!("--authentication-kubeconfig={}", kubeconfig_of(layout, "kube-controller-manager").display()),
        format!("--authorization-kubeconfig={}", kubeconfig_of(layout, "kube-controller-manager").display()),
        format!("--service-account-private-key-file={}", pki("service-account.key")),
        format!("--root-ca-file={}", pki("ca.crt")),
        format!("--cluster-signing-cert-file={}", pki("ca.crt")),
        format!("--cluster-signing-key-file={}", pki("ca.key")),
        "--use-service-account-credentials".to_owned(),
        "--leader-elect=false".to_owned(),
        // Four of a kubelet's reports; the default of 50 s would make a test of a dead node as slow.
        "--node-monitor-grace-period=12s".to_owned(),
        // What a test tells an autoscaler shows soon; by default it looks every 15 s, and for 5 minutes back.
        "--horizontal-pod-autoscaler-sync-period=2s".to_owned(),
        "--horizontal-pod-autoscaler-downscale-stabilization=2s".to_owned(),
        "--kube-api-qps=200".to_owned(),
        "--kube-api-burst=400".to_owned(),
    ];
    process::start(layout, "cp/kube-controller-manager", CONTROL_PLANE, &controllers)?;
    let scheduler = [
        "kube-scheduler".to_owned(),
        format!("--kubeconfig={}", kubeconfig_of(layout, "kube-scheduler").display()),
        format!("--authentication-kubeconfig={}", kubeconfig_of(layout, "kube-scheduler").display()),
        format!("--authorization-kubeconfig={}", kubeconfig_of(layout, "kube-scheduler").display()),
        "--leader-elect=false".to_owned(),
        "--kube-api-qps=200".to_owned(),
        "--kube-api-burst=400".to_owned(),
    ];
    process::start(layout, "cp/kube-scheduler", CONTROL_PLANE, &scheduler)
}

/// CoreDNS, and volumes for claims.
pub(super) fn add_addons(layout: &Layout, nodes: u32) -> Result<()> {
    let replicas = nodes.min(2).to_string();
    let dns = DNS_IP.to_string();
    let mut text = fill("addons.yaml", &[("DNS_REPLICAS", &replicas), ("COREDNS", COREDNS), ("DNS_IP", &dns)])?;
    let state = layout.state().display().to_string();
    for number in 1..=VOLUMES {
        let name = format!("volume-{number}");
        let directory = layout.file("volumes").join(&name);
        fs::create_dir(&directory)?;
        chown(&directory, Some(USER), Some(USER))?;
        text.push_str(&fill("volume.yaml", &[("VOLUME", &name), ("STATE", &state)])?);
    }
    step("adding DNS and volumes", || apply(layout, &text))
}

fn apply(layout: &Layout, text: &str) -> Result<()> {
    let mut kubectl = layout.kubectl();
    kubectl.args(["create", "-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = kubectl.spawn().context("could not start kubectl")?;
    child.stdin.take().context("its stdin is a pipe")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("kubectl create failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

pub(super) fn wait_for_dns(layout: &Layout) -> Result<()> {
    let waited = layout
        .kubectl()
        .args(["-n", "kube-system", "rollout", "status", "deployment/coredns"])
        .arg(format!("--timeout={}s", DNS_WITHIN.as_secs()))
        .output()?;
    if !waited.status.success() {
        bail!("CoreDNS did not become ready: {}", String::from_utf8_lossy(&waited.stderr).trim());
    }
    Ok(())
}

/// Addresses that kube-proxy takes for pods'.
pub(super) fn pod_cidr() -> &'static str {
    POD_CIDR
}
