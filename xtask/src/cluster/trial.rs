//! `cargo xtask test --tier cluster`: whether the cluster is what the tests on it take it for.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::client;
use super::layout::{Layout, PROBE, fill};
use super::process::{self, wait_for};
use super::{NODES, control_plane, release, theirs};
use crate::root;
use crate::steps::step;

const NAMESPACE: &str = "trial";
/// Everything here takes a second or two; a busy machine may take long.
const PATIENCE: Duration = Duration::from_secs(90);
/// Enough calls of a Service to reach both of its pods; to miss one has a chance of 2^-39.
const CALLS: usize = 40;

/// Of each fault, in the tier that is about them.
const ROUNDS: u32 = 5;

/// Brings a cluster up, tries it and the release on it, and takes it down again. `keep`: leaves it up if something failed.
/// With KUBECONFIG set, tries the release on that cluster instead, with images from this registry.
///
/// # Errors
/// If something is not as it should be.
pub(crate) fn run(keep: bool, registry: Option<&str>) -> Result<()> {
    if let Some(kubeconfig) = std::env::var_os("KUBECONFIG").filter(|kubeconfig| !kubeconfig.is_empty()) {
        return theirs::try_it(&Layout::of_kubeconfig(kubeconfig), registry);
    }
    ensure!(registry.is_none(), "--registry is for a cluster of your own: set KUBECONFIG to the way to it");
    on_a_cluster(keep, |layout, images| try_it(layout).and_then(|()| release::try_it(layout, images)))
}

/// Breaks everything on a cluster under load. `keep`: leaves it up if something failed.
///
/// # Errors
/// Every promise that was broken.
pub(crate) fn break_it(keep: bool) -> Result<()> {
    on_a_cluster(keep, |layout, images| release::break_it(layout, images, ROUNDS))
}

fn on_a_cluster(keep: bool, work: impl FnOnce(&Layout, &[PathBuf]) -> Result<()>) -> Result<()> {
    super::may_run()?;
    let layout = Layout::of_this_machine();
    let images = release::build()?;
    let _mine = super::only_one(&layout.user_lock(), "whoever uses the cluster to be done with it")?;
    let outcome = super::up(&layout, NODES).and_then(|()| work(&layout, &images));
    if outcome.is_err() {
        let report = root().join("artifacts/cluster.txt");
        match tell_all(&layout, &report) {
            Ok(()) => eprintln!("what was there then: {}", report.display()),
            Err(error) => eprintln!("could not write down what was there then: {error:#}"),
        }
        if keep {
            eprintln!("the cluster is left up to be looked at: `cargo xtask cluster status`, then `down`");
            return outcome;
        }
    }
    outcome.and(super::down(&layout))
}

/// Writes down what somebody wants to see who was not there.
fn tell_all(layout: &Layout, report: &Path) -> Result<()> {
    let mut text = String::new();
    for args in [
        &["get", "nodes,pods,roomfleets,statefulsets,deployments,jobs", "-A", "-o", "wide"][..],
        &["get", "events", "-A", "--sort-by=.lastTimestamp"],
        &["describe", "roomfleets", "-A"],
        &[
            "-n",
            release::NAMESPACE,
            "logs",
            "--prefix",
            "--all-containers",
            "--tail=300",
            "-l",
            "app.kubernetes.io/name=bellhop",
        ],
    ] {
        let said = kubectl(layout, args, None).unwrap_or_else(|error| format!("{error:#}"));
        text.push_str(&format!("$ kubectl {}\n{said}\n\n", args.join(" ")));
    }
    fs::create_dir_all(root().join("artifacts"))?;
    fs::write(report, text).context("writing the report")
}

fn try_it(layout: &Layout) -> Result<()> {
    let manifest = fill("trial.yaml", &[("NAMESPACE", NAMESPACE), ("PROBE", PROBE)])?;
    step("a pod on each node, under the restricted level", || {
        kubectl(layout, &["apply", "-f", "-"], Some(&manifest))?;
        let within = format!("--timeout={}s", PATIENCE.as_secs());
        kubectl(layout, &["-n", NAMESPACE, "rollout", "status", "daemonset/probe", &within], None).map(drop)
    })?;
    step("a pod that asks for more is refused", || refuses_privileges(layout))?;
    let pods = pods(layout)?;
    let nodes: BTreeSet<_> = pods.iter().map(|pod| pod.node.as_str()).collect();
    ensure!(nodes.len() == NODES as usize, "the pods run on {nodes:?} only");
    step("names, from every pod", || pods.iter().try_for_each(|pod| knows_names(layout, pod)))?;
    step("a Service, from every pod and from the client", || service_reaches_all(layout, &pods))?;
    step("a claim gets a volume", || claim_is_bound(layout))?;
    step("a token for an audience of one's own", || token_is_proved(layout, &pods))?;
    step("an API server and a kubelet that are killed come back", || survives_kills(layout))?;
    step("pods are still reached", || service_reaches_all(layout, &self::pods(layout)?))
}

struct Pod {
    name: String,
    uid: String,
    node: String,
    ip: String,
}

fn pods(layout: &Layout) -> Result<Vec<Pod>> {
    let columns = "custom-columns=:metadata.name,:metadata.uid,:spec.nodeName,:status.podIP";
    let text = kubectl(layout, &["-n", NAMESPACE, "get", "pods", "-o", columns], None)?;
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let mut words = line.split_whitespace().map(str::to_owned);
            let mut word = || words.next().with_context(|| format!("a column is missing in `{line}`"));
            Ok(Pod { name: word()?, uid: word()?, node: word()?, ip: word()? })
        })
        .collect()
}

fn refuses_privileges(layout: &Layout) -> Result<()> {
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: root, namespace: {NAMESPACE}}}, \
         spec: {{hostNetwork: true, containers: [{{name: root, image: {PROBE}}}]}}}}"
    );
    match kubectl(layout, &["apply", "--dry-run=server", "-f", "-"], Some(&pod)) {
        Ok(_) => bail!("a pod in the host's network was accepted"),
        Err(error) => {
            ensure!(error.to_string().contains("PodSecurity \"restricted"), "refused for another reason: {error:#}");
            Ok(())
        }
    }
}

fn knows_names(layout: &Layout, pod: &Pod) -> Result<()> {
    let service =
        kubectl(layout, &["-n", NAMESPACE, "get", "service", "probe", "-o", "jsonpath={.spec.clusterIP}"], None)?;
    for (name, address) in [
        (format!("probe.{NAMESPACE}.svc.cluster.local"), service.as_str()),
        ("probe".to_owned(), &service),
        ("kubernetes.default".to_owned(), "10.96.0.1"),
    ] {
        let found =
            ask(&pod.ip, 8080, &format!("/lookup?{name}")).with_context(|| format!("{name} on {}", pod.node))?;
        ensure!(found == address, "{name} is {found} for the pod on {}, and should be {address}", pod.node);
    }
    Ok(())
}

fn service_reaches_all(layout: &Layout, pods: &[Pod]) -> Result<()> {
    let everyone: BTreeSet<_> = pods.iter().map(|pod| format!("{} {}", pod.name, pod.node)).collect();
    let service =
        kubectl(layout, &["-n", NAMESPACE, "get", "service", "probe", "-o", "jsonpath={.spec.clusterIP}"], None)?;
    let seen = |call: &dyn Fn() -> Result<String>| (0..CALLS).map(|_| call()).collect::<Result<BTreeSet<_>>>();
    // A node hears of a pod that has become ready a moment after it has.
    wait_for("the client to reach every pod through the Service", PATIENCE, || {
        Ok(seen(&|| ask(&service, 80, "/"))? == everyone)
    })?;
    pods.iter().try_for_each(|pod| {
        wait_for(&format!("the pod on {} to reach every pod through the Service", pod.node), PATIENCE, || {
            Ok(seen(&|| ask(&pod.ip, 8080, "/fetch?http://probe"))? == everyone)
        })
    })
}

fn claim_is_bound(layout: &Layout) -> Result<()> {
    wait_for("the claim to be bound", PATIENCE, || {
        let phase = kubectl(layout, &["-n", NAMESPACE, "get", "pvc", "claim", "-o", "jsonpath={.status.phase}"], None)?;
        Ok(phase == "Bound")
    })
}

/// What rooms will prove themselves with: a token bound to a pod, for an audience that is not the API server's.
fn token_is_proved(layout: &Layout, pods: &[Pod]) -> Result<()> {
    let pod = pods.first().context("a pod")?;
    let mut create = vec!["-n", NAMESPACE, "create", "token", "probe", "--audience=bellhop"];
    create.extend(["--bound-object-kind=Pod", "--bound-object-name", &pod.name, "--bound-object-uid", &pod.uid]);
    let token = kubectl(layout, &create, None)?;
    let review = |audience: &str| {
        let review = format!(
            "{{apiVersion: authentication.k8s.io/v1, kind: TokenReview, \
             spec: {{token: {}, audiences: [{audience}]}}}}",
            token.trim()
        );
        kubectl(layout, &["create", "-o", "jsonpath={.status}", "-f", "-"], Some(&review))
    };
    let status = review("bellhop")?;
    ensure!(status.contains(r#""authenticated":true"#), "a good token was not accepted: {status}");
    ensure!(status.contains(&pod.uid), "the review does not name the pod {}: {status}", pod.uid);
    let status = review("somebody-else")?;
    ensure!(!status.contains(r#""authenticated":true"#), "a token for another audience was accepted: {status}");
    Ok(())
}

fn survives_kills(layout: &Layout) -> Result<()> {
    for component in ["cp/kube-apiserver", "n2/kubelet"] {
        process::kill(layout, component)?;
        process::start_again(layout, component)?;
    }
    control_plane::wait_for_api(layout)?;
    // A pod that only the new kubelet can start.
    kubectl(layout, &["-n", NAMESPACE, "delete", "pod", "--field-selector=spec.nodeName=n2", "--wait=true"], None)?;
    wait_for("a new pod on n2", PATIENCE, || {
        let status = "jsonpath={.status.numberReady} {.status.desiredNumberScheduled}";
        let counts = kubectl(layout, &["-n", NAMESPACE, "get", "daemonset", "probe", "-o", status], None)?;
        Ok(counts == format!("{NODES} {NODES}"))
    })
}

/// What kubectl answers; an error, where it fails.
pub(super) fn kubectl(layout: &Layout, args: &[&str], stdin: Option<&str>) -> Result<String> {
    let mut kubectl: Command = layout.kubectl();
    kubectl.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = kubectl.spawn().context("could not start kubectl")?;
    let mut pipe = child.stdin.take().context("its stdin is a pipe")?;
    pipe.write_all(stdin.unwrap_or_default().as_bytes())?;
    drop(pipe);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("`kubectl {}` failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A GET from the client's namespace; the body of a 200.
pub(super) fn ask(host: &str, port: u16, path: &str) -> Result<String> {
    let address = SocketAddr::new(host.parse().with_context(|| format!("{host} is no address"))?, port);
    ask_over(client::connect(address)?, path)
}

/// The same over a connection.
pub(super) fn ask_over(mut socket: TcpStream, path: &str) -> Result<String> {
    let address = socket.peer_addr()?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(socket, "GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).with_context(|| format!("asking {address}{path}"))?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the answer has no end of its head")?;
    ensure!(head.split(' ').nth(1) == Some("200"), "{address}{path} answers {head}: {body}");
    Ok(body.trim().to_owned())
}
