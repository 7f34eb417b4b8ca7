//! `cargo xtask test`: everything, in tiers that can be named.

mod architecture;
mod dependencies;
#[cfg(test)]
mod guide;
mod walk;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::assemble::{self, cargo};
use crate::stack::{Place, Stack};
use crate::steps::{loudly, quietly, step};
use crate::{chart, cluster, codegen, compose, needs, root};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these tiers, in the order in which they always run.
    #[arg(long, value_enum)]
    tier: Vec<Tier>,
    /// Leave the cluster up if something failed on it, to be looked at.
    #[arg(long)]
    keep_cluster: bool,
    /// With KUBECONFIG set, for the tier `cluster`: where that cluster finds the images, if they are not in its nodes.
    #[arg(long)]
    registry: Option<String>,
}

/// What can be run by name.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tier {
    /// Format, lints, generated code, docs.
    Check,
    /// Unit and property tests, and the processes over real sockets.
    Unit,
    /// Both cores on a false network, from seeds.
    Sim,
    /// How many instructions the hot paths take, which must not grow. Needs valgrind.
    Instructions,
    /// The whole system in a real Chromium.
    Browser,
    /// docs/writing-a-game.md, walked in a copy of the repository, and what it makes played in a real Chromium. Runs only
    /// when it is named.
    Guide,
    /// The Helm chart: what it renders, what it refuses, and what may reach what.
    Chart,
    /// The images, and deploy/compose.yaml with them. Needs root, and runs only when it is named.
    Images,
    /// The chart on a real Kubernetes cluster on this machine. Needs Linux, root and Go.
    Cluster,
    /// Everything that may break, five times each under load, on such a cluster. Runs only when it is named.
    Faults,
}

/// What runs when no tier is named.
const USUAL: [Tier; 7] =
    [Tier::Check, Tier::Unit, Tier::Sim, Tier::Instructions, Tier::Browser, Tier::Chart, Tier::Cluster];

const SIMULATION: &str = "bellhop-sim";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.tier.is_empty() {
        // Not after everything else has run.
        cluster::may_run().context("name the tiers you want with --tier, to leave `cluster` out")?;
    }
    for tier in Tier::value_variants() {
        let tier = *tier;
        let wanted = if args.tier.is_empty() { USUAL.contains(&tier) } else { args.tier.contains(&tier) };
        if !wanted {
            continue;
        }
        let started = Instant::now();
        match tier {
            Tier::Check => check()?,
            Tier::Unit => unit()?,
            Tier::Sim => sim()?,
            Tier::Instructions => instructions()?,
            Tier::Browser => browser()?,
            Tier::Guide => walk::guide()?,
            Tier::Chart => chart::check()?,
            Tier::Images => compose::try_out()?,
            Tier::Cluster => cluster::try_out(args.keep_cluster, args.registry.as_deref())?,
            Tier::Faults => cluster::break_it(args.keep_cluster)?,
        }
        let name = tier.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        eprintln!("tier {name}: passed in {:.0} s", started.elapsed().as_secs_f32());
    }
    Ok(())
}

fn check() -> Result<()> {
    let root = root();
    step("format", || quietly(cargo().args(["fmt", "--all", "--check"])))?;
    step("paths in ARCHITECTURE.md", || architecture::names_what_exists(&root))?;
    step("dependencies", dependencies::are_sound)?;
    step("spelling", || quietly(Command::new(needs::typos()?).arg("--format=brief").current_dir(&root)))?;
    step("generated code", || generated_code_is_fresh(&root))?;
    step("lints", || {
        quietly(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("docs", || {
        // For those who work on it: private items too.
        let mut docs = cargo();
        docs.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"]);
        quietly(docs.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links"))
    })?;
    needs::node_packages(&root)?;
    step("types of the page", || quietly(Command::new("npm").args(["run", "--silent", "check"]).current_dir(&root)))
}

fn generated_code_is_fresh(root: &Path) -> Result<()> {
    let fresh = tempfile::tempdir()?;
    codegen::generate(root, fresh.path())?;
    for entry in fs::read_dir(fresh.path())? {
        let entry = entry?;
        let committed = root.join("proto/src/gen").join(entry.file_name());
        if fs::read(entry.path())? != fs::read(&committed).unwrap_or_default() {
            bail!("{} is stale: run `cargo xtask codegen` and commit", committed.display());
        }
    }
    Ok(())
}

fn unit() -> Result<()> {
    // The tests start the real processes.
    assemble::binaries(false)?;
    needs::python(&root())?;
    // For a network of its own, in which ways are slow and lose packets.
    needs::debian_packages(&[("iproute2", "ip")])?;
    tests(&["--workspace", "--exclude", SIMULATION, "--lib", "--bins", "--tests", "--examples"])
}

fn sim() -> Result<()> {
    // By its target, not its package: with the features that the other tests have built everything with.
    tests(&["--workspace", "--test", "seeds"])
}

fn instructions() -> Result<()> {
    needs::debian_packages(&[("valgrind", "valgrind")])?;
    let runner = needs::gungraun_runner()?;
    let mut bench = cargo();
    bench.args(["bench", "--quiet", "--package", "bellhop-cost", "--bench", "instructions"]);
    loudly(bench.env("GUNGRAUN_RUNNER", runner))
}

/// Runs tests with nextest where it is there, and with cargo's own runner where not.
fn tests(which: &[&str]) -> Result<()> {
    let nextest = cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    let mut command = cargo();
    if nextest {
        command.args(["nextest", "run", "--no-fail-fast"]).args(which);
    } else {
        command.args(["test", "--quiet", "--no-fail-fast"]).args(which);
    }
    loudly(&mut command)
}

fn browser() -> Result<()> {
    in_chromium(&["test"])
}

/// Runs a script of tests/e2e, given with its arguments, against a lobby and a gateway of its own, in a real Chromium.
///
/// # Errors
/// If something cannot be built or started, or the script fails.
pub(crate) fn in_chromium(script: &[&str]) -> Result<()> {
    needs::chromium()?;
    let built = assemble::build_all(false)?;
    let root = root();
    let data = tempfile::tempdir().context("a directory for the test's data")?;
    let mut place = Place::free(data.path())?;
    place.config = Some(root.join("tests/e2e/bellhop.toml"));
    let frames = data.path().join("frames");
    step("a match for the browser's client", || {
        quietly(Command::new(built.bin.join("bellhop-load")).args(["frames", "--out"]).arg(&frames))
    })?;
    let stack = step("starting lobby and gateway", || Stack::start(&place, &built))?;
    let artifacts = root.join("artifacts");
    fs::create_dir_all(&artifacts)?;
    let tested = loudly(
        Command::new("npm")
            .args(["run", "--silent", "--workspace", "tests/e2e"])
            .args(script)
            .current_dir(&root)
            .env("BASE_URL", place.url())
            .env("PRIVATE", place.private.to_string())
            .env("DATA_DIR", data.path())
            .env("BUNDLES", &built.bundles)
            .env("FRAMES", &frames)
            .env("CHROMIUM", needs::CHROMIUM)
            .env("ARTIFACTS", &artifacts),
    );
    if tested.is_err() {
        for log in ["lobby.log", "gateway.log"] {
            let _kept = fs::copy(data.path().join(log), artifacts.join(log));
        }
        eprintln!("screenshots and logs: {}", artifacts.display());
    }
    let stopped = stack.drain(Duration::ZERO, || false);
    tested.and(stopped)
}
