//! `cargo xtask cluster`: a real Kubernetes cluster on this machine, without an image registry.
//!
//! Every node is a kubelet and a containerd in a network namespace of its own; what was found out on the way
//! stands in deploy/testcluster/README.md.

mod autoscaler;
pub(crate) mod bench;
mod client;
mod control_plane;
mod faults;
mod games;
mod images;
mod layout;
mod leftovers;
mod native;
mod network;
mod node;
mod pki;
mod process;
mod readme;
mod release;
mod release_images;
mod rooms;
mod theirs;
mod tools;
mod trial;
mod troubles;

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

pub(crate) use images::load;
use layout::Layout;
pub(crate) use tools::{Tool, downloaded, installed, module_directory};
pub(crate) use trial::{break_it, run as try_out};

use crate::steps::step;

/// Nodes of a cluster nobody counted for: two, so that what crosses nodes is tried.
const NODES: u32 = 2;
/// A node costs some 150 MB; for more than these there are kwok's.
const NODES_AT_MOST: u32 = 20;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Start a cluster, after removing what an earlier one left.
    Up {
        /// How many nodes.
        #[arg(long, default_value_t = NODES, value_parser = clap::value_parser!(u32).range(1..=i64::from(NODES_AT_MOST)))]
        nodes: u32,
    },
    /// Remove the cluster and everything it made on this machine.
    Down,
    /// Say what runs, and how to reach it.
    Status,
    /// Run a command where the cluster can be reached, with KUBECONFIG set: `cargo xtask cluster run kubectl get pods`.
    Run {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Carry connections from a port of this machine to a Service, so that its browsers reach it.
    Forward {
        /// NAMESPACE/SERVICE:PORT
        service: String,
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
    },
    /// Build a tool of the tests into the cache and print where it lies.
    Tool {
        /// Which one.
        #[arg(value_enum)]
        name: Tool,
    },
    /// Put an image archive (OCI's or Docker's) into every node's store.
    Load {
        /// The archive.
        archive: PathBuf,
    },
    /// Kill a component with SIGKILL, for example `n1/kubelet` or `cp/kube-apiserver`.
    Kill {
        /// Its name, as `status` shows it.
        component: String,
    },
    /// Start a component that was killed.
    Start {
        /// Its name, as `status` shows it.
        component: String,
    },
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if let Action::Tool { name } = &args.action {
        return writeln!(std::io::stdout(), "{}", installed(*name)?.display()).context("writing the path");
    }
    may_run()?;
    let layout = Layout::of_this_machine();
    match &args.action {
        Action::Up { nodes } => {
            // Whoever tries things on the cluster is not to lose it meanwhile.
            let _mine = only_one(&layout.user_lock(), "whoever uses the cluster to be done with it")?;
            up(&layout, *nodes)?;
            status(&layout)
        }
        Action::Down => down(&layout),
        Action::Status => status(&layout),
        Action::Run { command } => run_inside(&layout, command),
        Action::Forward { service, listen } => client::forward(&layout, service, *listen),
        Action::Load { archive } => load(archive),
        Action::Kill { component } => process::kill(&layout, component),
        Action::Start { component } => process::start_again(&layout, component),
        Action::Tool { .. } => Ok(()),
    }
}

/// Starts a cluster of `nodes` nodes and waits until pods can be made on each of them.
///
/// # Errors
/// If a tool cannot be had, or a part of the cluster does not come up within its time.
pub(crate) fn up(layout: &Layout, nodes: u32) -> Result<()> {
    let started = Instant::now();
    may_run()?;
    let _alone = only_one(&layout.lock(), "another `cargo xtask cluster` to finish")?;
    let built = tools::build_cluster()?;
    tools::debian_packages()?;
    step("removing what an earlier cluster left", || leftovers::remove(layout))?;
    layout.create(&built)?;
    leftovers::keep_settings(layout)?;
    let outcome = assemble(layout, &built, nodes);
    if outcome.is_err() {
        eprintln!("the logs are in {}; `cargo xtask cluster down` removes what is there", layout.logs().display());
    }
    outcome?;
    eprintln!("the cluster is up after {:.1} s", started.elapsed().as_secs_f32());
    Ok(())
}

fn assemble(layout: &Layout, built: &tools::Built, nodes: u32) -> Result<()> {
    step("making keys and certificates", || pki::make(layout, nodes))?;
    step("making the network of its namespaces", || network::make(layout, nodes))?;
    let archives = step("packing the images of its own pods", || images::pack_own(built))?;
    control_plane::start(layout)?;
    step("starting a container runtime per node", || node::start_runtimes(layout, nodes, &archives))?;
    step("waiting for the API server", || control_plane::wait_for_api(layout))?;
    control_plane::start_controllers(layout)?;
    node::start_agents(layout, nodes)?;
    step("waiting for the nodes", || node::wait_ready(layout, nodes))?;
    control_plane::add_addons(layout, nodes)?;
    step("waiting for DNS", || control_plane::wait_for_dns(layout))
}

/// Removes the cluster.
///
/// # Errors
/// If something of it cannot be removed; it is named.
pub(crate) fn down(layout: &Layout) -> Result<()> {
    may_run()?;
    let _alone = only_one(&layout.lock(), "another `cargo xtask cluster` to finish")?;
    step("removing the cluster", || leftovers::remove(layout))
}

fn status(layout: &Layout) -> Result<()> {
    let mut out = std::io::stdout().lock();
    if !layout.kubeconfig().exists() {
        writeln!(out, "no cluster is up; start one with `cargo xtask cluster up`")?;
        return Ok(());
    }
    for component in process::all(layout)? {
        let state = if component.is_alive() { "runs" } else { "does not run" };
        writeln!(out, "{:<28} {state}, pid {}", component.name, component.pid)?;
    }
    let nodes = layout.kubectl().args(["get", "nodes", "-o", "wide", "--request-timeout=5s"]).output()?;
    out.write_all(&nodes.stdout)?;
    out.write_all(&nodes.stderr)?;
    writeln!(out, "kubeconfig  {}", layout.kubeconfig().display())?;
    writeln!(out, "logs        {}", layout.logs().display())?;
    writeln!(out, "reach it    cargo xtask cluster run kubectl get pods -A")?;
    writeln!(
        out,
        "or          nsenter --net={} env KUBECONFIG={} {} get pods -A",
        layout::namespace_file(layout::CLIENT).display(),
        layout.kubeconfig().display(),
        layout.bin().join("kubectl").display()
    )?;
    Ok(())
}

fn run_inside(layout: &Layout, command: &[String]) -> Result<()> {
    if !layout.kubeconfig().exists() {
        bail!("no cluster is up: start one with `cargo xtask cluster up`");
    }
    let (program, args) = command.split_first().context("a command to run")?;
    let status = layout.inside(program).args(args).status().with_context(|| format!("could not start {program}"))?;
    if !status.success() {
        // What it had to say, it has said.
        std::process::exit(status.code().unwrap_or(1));
    }
    Ok(())
}

/// One clear sentence for a machine on which this cannot work.
///
/// # Errors
/// That sentence.
pub(crate) fn may_run() -> Result<()> {
    if !cfg!(target_os = "linux") {
        bail!("the test cluster needs Linux: its nodes are network namespaces");
    }
    if !nix::unistd::geteuid().is_root() {
        bail!("the test cluster needs root, because it makes network namespaces and mounts: run this as root");
    }
    Ok(())
}

/// Held while the cluster is changed or used, so that two commands do not pull at it at once.
fn only_one(path: &Path, waits_for: &str) -> Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = File::create(path).with_context(|| format!("opening {}", path.display()))?;
    if file.try_lock().is_err() {
        step(&format!("waiting for {waits_for}"), || Ok(file.lock()?))?;
    }
    Ok(file)
}

/// A command in the network namespace `namespace`.
fn in_namespace(namespace: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net={}", layout::namespace_file(namespace).display())).arg("--").arg(program);
    command
}
