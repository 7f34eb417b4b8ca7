//! The cluster's network: one bridge in the control plane's namespace; the nodes and the client hang off it. The
//! host's own namespace gets no address, no route and no rule.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::layout::{CLIENT, CLIENT_IP, CONTROL_PLANE, CONTROL_PLANE_IP, Layout, Node, SERVICE_CIDR};
use crate::steps::quietly;

const BRIDGE: &str = "br0";

pub(super) fn make(layout: &Layout, nodes: u32) -> Result<()> {
    let nodes: Vec<_> = (1..=nodes).map(Node).collect();
    namespace(CONTROL_PLANE)?;
    ip(CONTROL_PLANE, &format!("link add {BRIDGE} type bridge"))?;
    ip(CONTROL_PLANE, &format!("addr add {CONTROL_PLANE_IP}/24 dev {BRIDGE}"))?;
    ip(CONTROL_PLANE, &format!("link set {BRIDGE} up"))?;

    namespace(CLIENT)?;
    attach(CLIENT, "client", &CLIENT_IP.to_string())?;
    for node in &nodes {
        namespace(&node.namespace())?;
        attach(&node.namespace(), &node.name(), &node.ip().to_string())?;
        // A pod's way out of its node, and the kubelet's to the others; nothing leads out of the bridge.
        ip(&node.namespace(), &format!("route add default via {CONTROL_PLANE_IP}"))?;
        quietly(super::in_namespace(&node.namespace(), "sysctl").args(["-qw", "net.ipv4.ip_forward=1"]))?;
    }
    for place in nodes.iter().map(|node| node.namespace()).chain([CONTROL_PLANE.to_owned(), CLIENT.to_owned()]) {
        for node in nodes.iter().filter(|node| node.namespace() != place) {
            ip(&place, &format!("route add {} via {}", node.pod_cidr(), node.ip()))?;
        }
    }
    // Who is no node has no rules for Services: the first node's, which stay when its processes die, do it for him.
    for place in [CONTROL_PLANE, CLIENT] {
        ip(place, &format!("route add {SERVICE_CIDR} via {}", Node(1).ip()))?;
    }
    packet_filter(layout)
}

fn namespace(name: &str) -> Result<()> {
    quietly(Command::new("ip").args(["netns", "add", name]))?;
    ip(name, "link set lo up")
}

/// Joins a namespace to the bridge.
fn attach(namespace: &str, port: &str, address: &str) -> Result<()> {
    ip(CONTROL_PLANE, &format!("link add {port} type veth peer name eth0 netns {namespace}"))?;
    ip(CONTROL_PLANE, &format!("link set {port} master {BRIDGE} up"))?;
    ip(namespace, &format!("addr add {address}/24 dev eth0"))?;
    ip(namespace, "link set eth0 up")
}

fn ip(namespace: &str, what: &str) -> Result<()> {
    quietly(Command::new("ip").args(["-n", namespace]).args(what.split(' ')))
}

/// Gives the components the flavour of iptables that this kernel has: Debian's default needs nf_tables, which small
/// kernels lack.
fn packet_filter(layout: &Layout) -> Result<()> {
    let works = super::in_namespace(&Node(1).namespace(), "/usr/sbin/xtables-nft-multi")
        .args(["iptables", "-w", "-t", "nat", "-L", "-n"])
        .output()
        .is_ok_and(|output| output.status.success());
    let program = if works { "xtables-nft-multi" } else { "xtables-legacy-multi" };
    for name in
        ["iptables", "ip6tables"].iter().flat_map(|name| ["", "-save", "-restore"].map(|verb| format!("{name}{verb}")))
    {
        std::os::unix::fs::symlink(Path::new("/usr/sbin").join(program), layout.bin().join(&name))
            .with_context(|| format!("linking {name}"))?;
    }
    Ok(())
}
