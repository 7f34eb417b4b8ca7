//! A node: a container runtime, a kubelet and a kube-proxy in a network namespace of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::control_plane::pod_cidr;
use super::layout::{API_SERVICE_IP, CGROUP, DNS_IP, Layout, Node, PAUSE, fill};
use super::pki::kubeconfig_of;
use super::process::{self, cgroup_hierarchies, is_cgroup_v2, wait_for};
use crate::steps::quietly;

/// It takes a second; a busy machine may take long.
const RUNTIME_WITHIN: Duration = Duration::from_secs(60);
/// A kubelet is ready some 3 s after its start.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// The cgroup controllers without which a kubelet does not start.
const NEEDED: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];

/// The container runtimes, each with the images of the cluster's own pods.
pub(super) fn start_runtimes(layout: &Layout, nodes: u32, archives: &[PathBuf]) -> Result<()> {
    for node in (1..=nodes).map(Node) {
        prepare(layout, node)?;
        let config = layout.node_dir(node).join("containerd.toml");
        let argv = ["containerd".to_owned(), "-c".to_owned(), config.display().to_string()];
        process::start(layout, &format!("{}/containerd", node.name()), &node.namespace(), &argv)?;
    }
    on_all(layout, |socket| {
        wait_for("a container runtime", RUNTIME_WITHIN, || Ok(ctr(socket).arg("version").output()?.status.success()))?;
        archives.iter().try_for_each(|archive| import(socket, archive))
    })
}

/// Kubelets and kube-proxies; does not wait for them.
pub(super) fn start_agents(layout: &Layout, nodes: u32) -> Result<()> {
    for node in (1..=nodes).map(Node) {
        let name = node.name();
        let dir = layout.node_dir(node);
        let kubelet = [
            "kubelet".to_owned(),
            format!("--config={}", dir.join("kubelet.yaml").display()),
            format!("--kubeconfig={}", kubeconfig_of(layout, &name).display()),
            format!("--hostname-override={name}"),
            format!("--root-dir={}", dir.join("kubelet").display()),
            format!("--cert-dir={}", dir.join("kubelet-pki").display()),
            format!("--node-ip={}", node.ip()),
        ];
        process::start(layout, &format!("{name}/kubelet"), &node.namespace(), &kubelet)?;
        let proxy = [
            "kube-proxy".to_owned(),
            format!("--kubeconfig={}", kubeconfig_of(layout, "kube-proxy").display()),
            format!("--hostname-override={name}"),
            format!("--cluster-cidr={}", pod_cidr()),
            "--proxy-mode=iptables".to_owned(),
            // The limit belongs to the whole machine.
            "--conntrack-max-per-core=0".to_owned(),
        ];
        process::start(layout, &format!("{name}/kube-proxy"), &node.namespace(), &proxy)?;
    }
    Ok(())
}

pub(super) fn wait_ready(layout: &Layout, nodes: u32) -> Result<()> {
    let is_ready =
        r#"jsonpath={range .items[*]}{range .status.conditions[?(@.type=="Ready")]}{.status}{"\n"}{end}{end}"#;
    wait_for("the nodes to be ready", READY_WITHIN, || {
        // Every kubelet of the machine listens on /var/lib/kubelet/device-plugins/kubelet.sock for a moment's work, and
        // nobody can choose another place: of two that come at once, one ends. It is started again.
        for node in layout.nodes() {
            process::start_if_dead(layout, &format!("{}/kubelet", node.name()))?;
        }
        let asked = layout.kubectl().args(["get", "nodes", "--request-timeout=5s", "-o", is_ready]).output()?;
        let ready = String::from_utf8_lossy(&asked.stdout).lines().filter(|line| *line == "True").count();
        Ok(ready == usize::try_from(nodes)?)
    })?;
    // A pod that asks for a Service before its node has the rules for it waits out a timeout of half a minute: the
    // kernel remembers the connection as one without a rule.
    let service = format!("-d {API_SERVICE_IP}/32");
    wait_for("the nodes to have rules for Services", READY_WITHIN, || {
        for node in layout.nodes() {
            let rules = layout.bin().join("iptables-save");
            let rules = super::in_namespace(&node.namespace(), rules).args(["-t", "nat"]).output()?;
            if !String::from_utf8_lossy(&rules.stdout).contains(&service) {
                return Ok(false);
            }
        }
        Ok(true)
    })
}

/// Puts an image archive into every node's store.
pub(super) fn import_everywhere(layout: &Layout, archive: &Path) -> Result<()> {
    on_all(layout, |socket| import(socket, archive))
}

/// Gives an image a second name on every node.
pub(super) fn tag_everywhere(layout: &Layout, reference: &str, other: &str) -> Result<()> {
    on_all(layout, |socket| quietly(ctr(socket).args(["images", "tag", "--force", reference, other])))
}

fn on_all(layout: &Layout, work: impl Fn(&Path) -> Result<()> + Sync) -> Result<()> {
    thread::scope(|scope| {
        let work = &work;
        let tasks: Vec<_> = layout
            .nodes()
            .into_iter()
            .map(|node| {
                let socket = layout.runtime_socket(node);
                scope.spawn(move || work(&socket).with_context(|| format!("node {}", node.name())))
            })
            .collect();
        tasks.into_iter().try_for_each(|task| task.join().map_err(|_| anyhow!("a task panicked"))?)
    })
}

fn ctr(socket: &Path) -> Command {
    let mut ctr = Command::new("ctr");
    ctr.arg("--address").arg(socket).args(["--namespace", "k8s.io"]);
    ctr
}

fn import(socket: &Path, archive: &Path) -> Result<()> {
    quietly(ctr(socket).args(["images", "import"]).arg(archive))
}

/// Directories, settings and cgroups.
fn prepare(layout: &Layout, node: Node) -> Result<()> {
    let dir = layout.node_dir(node);
    fs::create_dir_all(dir.join("cni"))?;
    let state = layout.state().display().to_string();
    let node_dir = dir.display().to_string();
    let (name, cidr, dns) = (node.name(), node.pod_cidr(), DNS_IP.to_string());
    let values = [
        ("STATE", state.as_str()),
        ("NODE_DIR", &node_dir),
        ("NODE", &name),
        ("POD_CIDR", &cidr),
        ("DNS_IP", &dns),
        ("CGROUP", CGROUP),
        ("PAUSE", PAUSE),
    ];
    for (template, made) in [
        ("containerd.toml", "containerd.toml"),
        ("cni.conflist", "cni/10-pods.conflist"),
        ("kubelet.yaml", "kubelet.yaml"),
    ] {
        fs::write(dir.join(made), fill(template, &values)?)?;
    }
    for hierarchy in cgroup_hierarchies()? {
        make_cgroup(&hierarchy, &name)?;
    }
    Ok(())
}

/// The cgroup below which a kubelet keeps its pods.
fn make_cgroup(hierarchy: &Path, name: &str) -> Result<()> {
    let ours = hierarchy.join(CGROUP);
    let nodes = ours.join(name);
    fs::create_dir_all(&nodes).with_context(|| format!("making {}", nodes.display()))?;
    if is_cgroup_v2() {
        // Controllers are handed down level by level; one that the machine does not hand down is missing for all.
        for level in [hierarchy, &ours] {
            let controllers = fs::read_to_string(level.join("cgroup.controllers"))?;
            for controller in controllers.split_whitespace() {
                let _not_to_be_had = fs::write(level.join("cgroup.subtree_control"), format!("+{controller}"));
            }
        }
        let there = fs::read_to_string(nodes.join("cgroup.controllers"))?;
        let missing: Vec<_> =
            NEEDED.into_iter().filter(|name| !there.split_whitespace().any(|have| have == *name)).collect();
        if !missing.is_empty() {
            bail!(
                "{} does not hand down the cgroup controllers {}: a kubelet needs them (inside a container, its processes have to leave its topmost cgroup)",
                hierarchy.display(),
                missing.join(", ")
            );
        }
    } else if hierarchy.join("cpuset.cpus").exists() {
        // Under version 1 a new cpuset is empty, and takes no process before it was filled.
        for level in [&ours, &nodes] {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                fs::write(level.join(file), fs::read_to_string(hierarchy.join(file))?)?;
            }
        }
    }
    Ok(())
}
