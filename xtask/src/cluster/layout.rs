//! Names, addresses and places of the test cluster. Whatever bears one of these names is the cluster's own.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{client, in_namespace, tools};

/// Everything of the running cluster. Short, because sockets lie below it.
const STATE: &str = "/var/lib/bellhop-cluster";
/// The cluster's cgroup: a process below it is the cluster's.
pub(crate) const CGROUP: &str = "bellhop-cluster";
/// Network namespaces begin with this.
pub(super) const NAMESPACE: &str = "bellhop-";
/// The control plane's namespace, with the bridge that joins all.
pub(super) const CONTROL_PLANE: &str = "bellhop-cp";
/// Where kubectl, helm and tests run.
pub(super) const CLIENT: &str = "bellhop-client";

/// The control plane's address on the bridge.
pub(super) const CONTROL_PLANE_IP: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
/// The client's address on the bridge.
pub(super) const CLIENT_IP: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 254);
/// Addresses of Services.
pub(super) const SERVICE_CIDR: &str = "10.96.0.0/16";
/// Addresses of pods; node i has 10.244.i.0/24 of them.
pub(super) const POD_CIDR: &str = "10.244.0.0/16";
/// The `kubernetes` Service.
pub(super) const API_SERVICE_IP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
/// The DNS Service.
pub(super) const DNS_IP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

/// The image that holds a pod's namespaces open.
pub(super) const PAUSE: &str = "testcluster.bellhop.dev/pause:1";
/// The image of the DNS pods.
pub(super) const COREDNS: &str = "testcluster.bellhop.dev/coredns:1";
/// The image of the pods that test the cluster itself.
pub(crate) const PROBE: &str = "testcluster.bellhop.dev/probe:1";
/// The image of the pod that tells autoscalers what a test says.
pub(super) const FIGURES: &str = "testcluster.bellhop.dev/figures:1";

/// Where the cluster of this machine keeps its things; or the way to somebody else's.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    state: PathBuf,
    /// What KUBECONFIG says, for a cluster that is not ours.
    theirs: Option<OsString>,
}

impl Layout {
    /// There is one test cluster per machine.
    pub(crate) fn of_this_machine() -> Layout {
        Layout { state: PathBuf::from(STATE), theirs: None }
    }

    /// A cluster that somebody has, and into whose namespaces nobody enters from here.
    pub(super) fn of_kubeconfig(kubeconfig: OsString) -> Layout {
        Layout { theirs: Some(kubeconfig), ..Layout::of_this_machine() }
    }

    /// Whether it is not the cluster of this machine.
    pub(super) fn is_theirs(&self) -> bool {
        self.theirs.is_some()
    }

    /// A connection from where kubectl runs.
    pub(super) fn connect(&self, address: SocketAddr) -> Result<TcpStream> {
        if self.is_theirs() {
            return TcpStream::connect(address).with_context(|| format!("could not reach {address}"));
        }
        client::connect(address)
    }

    /// The whole directory.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// Beside the state, because it outlives it.
    pub(super) fn lock(&self) -> PathBuf {
        PathBuf::from("/run/lock/bellhop-cluster.lock")
    }

    /// Held by whoever tries something on the cluster.
    pub(super) fn user_lock(&self) -> PathBuf {
        PathBuf::from("/run/lock/bellhop-cluster-user.lock")
    }

    /// A file of the cluster.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// Of the cluster's administrator; reaches the API server from the client's namespace.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// One file per component.
    pub(crate) fn logs(&self) -> PathBuf {
        self.file("log")
    }

    /// First in every component's PATH.
    pub(super) fn bin(&self) -> PathBuf {
        self.file("bin")
    }

    /// Keys and certificates.
    pub(super) fn pki(&self, name: &str) -> PathBuf {
        self.file("pki").join(name)
    }

    /// A node's own directory.
    pub(super) fn node_dir(&self, node: Node) -> PathBuf {
        self.file(&node.name())
    }

    /// The socket of a node's container runtime.
    pub(super) fn runtime_socket(&self, node: Node) -> PathBuf {
        self.node_dir(node).join("containerd.sock")
    }

    /// The nodes that were made.
    pub(super) fn nodes(&self) -> Vec<Node> {
        (1..=super::NODES_AT_MOST).map(Node).filter(|node| self.node_dir(*node).is_dir()).collect()
    }

    /// Makes the directories.
    pub(super) fn create(&self, built: &tools::Built) -> Result<()> {
        for name in ["pki", "log", "components", "bin", "volumes"] {
            let path = self.file(name);
            fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        }
        for name in COMPONENTS {
            symlink(built.kubernetes.join("kubernetes"), self.bin().join(name))?;
        }
        Ok(())
    }

    /// The cluster's own tools come first.
    pub(super) fn path(&self) -> String {
        format!("{}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", self.bin().display())
    }

    /// A command in the client's namespace, with KUBECONFIG set and the cluster's kubectl first in its PATH. With a cluster
    /// of somebody else, just a command.
    pub(crate) fn inside(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        if let Some(kubeconfig) = &self.theirs {
            let mut command = Command::new("env");
            command.arg(format!("PATH={}:{path}", tools::bin_dir().display())).arg(program);
            command.env("KUBECONFIG", kubeconfig);
            return command;
        }
        let mut command = in_namespace(CLIENT, "env");
        command
            .arg(format!("PATH={}:{}:{path}", self.bin().display(), tools::bin_dir().display()))
            .arg(format!("KUBECONFIG={}", self.kubeconfig().display()))
            .arg(format!("KUBECACHEDIR={}", self.file("kubectl-cache").display()))
            .arg(program);
        command
    }

    /// The administrator's kubectl.
    pub(crate) fn kubectl(&self) -> Command {
        self.inside("kubectl")
    }
}

/// What the one binary can be.
const COMPONENTS: [&str; 7] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"];

/// A node by its number, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node(pub(super) u32);

impl Node {
    pub(super) fn name(self) -> String {
        format!("n{}", self.0)
    }

    pub(super) fn namespace(self) -> String {
        format!("{NAMESPACE}{}", self.name())
    }

    pub(super) fn ip(self) -> Ipv4Addr {
        let [a, b, c, _] = CONTROL_PLANE_IP.octets();
        Ipv4Addr::new(a, b, c, u8::try_from(10 + self.0).expect("there are few nodes"))
    }

    pub(super) fn pod_cidr(self) -> String {
        format!("10.244.{}.0/24", self.0)
    }
}

/// The file that names a network namespace.
pub(super) fn namespace_file(namespace: &str) -> PathBuf {
    Path::new("/run/netns").join(namespace)
}

/// A template of deploy/testcluster with its `@NAMES@` filled in.
///
/// # Errors
/// If it cannot be read. A name without a value is a fault of ours.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> Result<String> {
    let path = crate::root().join("deploy/testcluster").join(template);
    let mut text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    for (name, value) in values {
        text = text.replace(&format!("@{name}@"), value);
    }
    let left = text
        .split('@')
        .nth(1)
        .filter(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    assert!(left.is_none(), "{template} has a name without a value: {left:?}");
    Ok(text)
}
