//! Who may reach what, computed from the NetworkPolicies that were rendered.
//!
//! The test cluster has nothing that enforces them, so this is what is known of them: that they say what they should.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::rendered::Rendered;

/// A pod, or something outside, as policies see it.
struct Place {
    name: &'static str,
    /// In the release's namespace; only there its policies apply.
    inside: bool,
    /// One of the release's pods: a row or a column of its own.
    ours: bool,
    labels: Value,
    namespace_labels: Value,
    /// Its ports by name.
    ports: Vec<(&'static str, u16)>,
}

/// Rows of the table: who asks.
fn places() -> Vec<Place> {
    let own = |component: &'static str, ports: &[(&'static str, u16)]| Place {
        name: component,
        inside: true,
        ours: true,
        labels: json!({
            "app.kubernetes.io/name": "bellhop",
            "app.kubernetes.io/instance": super::RELEASE,
            "app.kubernetes.io/component": component,
        }),
        namespace_labels: json!({}),
        ports: ports.to_vec(),
    };
    let other = |name: &'static str, inside: bool, namespace_labels: Value, ports: &[(&'static str, u16)]| Place {
        name,
        inside,
        ours: false,
        labels: json!({ "app": name }),
        namespace_labels,
        ports: ports.to_vec(),
    };
    vec![
        own("gateway", &[("http", 8080), ("private", 8083)]),
        own("lobby", &[("http", 8081), ("private", 8082)]),
        own("room", &[("game", 7777), ("private", 8084)]),
        Place {
            name: "small-room",
            labels: json!({
                "app.kubernetes.io/name": "bellhop",
                "app.kubernetes.io/instance": super::RELEASE,
                "app.kubernetes.io/component": "room",
                "bellhop.dev/fleet": "small",
            }),
            ..own("room", &[("game", 7777), ("private", 8084)])
        },
        own("test", &[]),
        other("neighbour", true, json!({}), &[("http", 80)]),
        other("prometheus", false, json!({ "name": "monitoring" }), &[("http", 9090)]),
        other("models", false, json!({ "name": "models" }), &[("http", 8000)]),
        other("internet", false, json!({}), &[("http", 80), ("https", 443)]),
        other("api-server", false, json!({}), &[("https", 443)]),
        other("dns", false, json!({}), &[("dns", 53)]),
    ]
}

/// What may reach what of the release, and what it may reach, a line for each: `gateway: lobby:http room:game dns:dns`.
///
/// # Errors
/// If a policy uses what is not understood here: it would be judged wrongly.
pub(super) fn table(rendered: &Rendered) -> Result<String> {
    let policies: Vec<&Value> = rendered.of_kind("NetworkPolicy").collect();
    let places = places();
    let mut table = String::new();
    for from in &places {
        write!(table, "{}:", from.name)?;
        for to in places.iter().filter(|to| to.name != from.name && (from.ours || to.ours)) {
            for port in &to.ports {
                let leaves = allowed(&policies, "egress", from, to, *port)?;
                if leaves && allowed(&policies, "ingress", to, from, *port)? {
                    write!(table, " {}:{}", to.name, port.0)?;
                }
            }
        }
        table.push('\n');
    }
    Ok(table)
}

/// Whether the policies that select `pod` let it exchange with `other` on a port, in a direction.
fn allowed(policies: &[&Value], way: &str, pod: &Place, other: &Place, port: (&str, u16)) -> Result<bool> {
    if !pod.inside {
        return Ok(true);
    }
    let kind = if way == "ingress" { "Ingress" } else { "Egress" };
    let mut selected = false;
    for policy in policies {
        let spec = &policy["spec"];
        let types = spec["policyTypes"].as_array().context("a policy names its types")?;
        if !types.contains(&json!(kind)) || !selects(&spec["podSelector"], &pod.labels)? {
            continue;
        }
        selected = true;
        for rule in spec[way].as_array().into_iter().flatten() {
            if peers_match(rule, way, other)? && ports_match(rule, port) {
                return Ok(true);
            }
        }
    }
    Ok(!selected)
}

fn peers_match(rule: &Value, way: &str, other: &Place) -> Result<bool> {
    let peers = &rule[if way == "ingress" { "from" } else { "to" }];
    let Some(peers) = peers.as_array().filter(|peers| !peers.is_empty()) else { return Ok(true) };
    for peer in peers {
        let known = ["podSelector", "namespaceSelector"];
        let unknown = peer.as_object().context("a peer")?.keys().find(|key| !known.contains(&key.as_str()));
        ensure!(unknown.is_none(), "this table does not understand a peer with {unknown:?}");
        let selector = &peer["namespaceSelector"];
        let namespace = if selector.is_null() { other.inside } else { selects(selector, &other.namespace_labels)? };
        let pod = peer["podSelector"].is_null() || selects(&peer["podSelector"], &other.labels)?;
        if namespace && pod {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ports_match(rule: &Value, (name, number): (&str, u16)) -> bool {
    let Some(ports) = rule["ports"].as_array().filter(|ports| !ports.is_empty()) else { return true };
    ports.iter().any(|port| port["port"] == name || port["port"] == number)
}

fn selects(selector: &Value, labels: &Value) -> Result<bool> {
    ensure!(selector["matchExpressions"].is_null(), "this table does not understand matchExpressions");
    let wanted = selector["matchLabels"].as_object();
    Ok(wanted.is_none_or(|wanted| wanted.iter().all(|(key, value)| labels[key] == *value)))
}
