//! `cargo xtask bench`: the benchmarks, in release mode.

use std::io::Write;

use anyhow::Result;

use crate::assemble::{cargo, target};
use crate::cluster::bench as cluster;
use crate::steps::{loudly, quietly, step};
use crate::test;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The benchmark's name, or the beginning of several names. All but those on the test cluster (`cluster`), if there is none.
    name: Option<String>,
    /// One JSON object per figure on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How long.
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
}

pub(crate) fn soak(args: &Soak) -> Result<()> {
    build()?;
    let mut soak = std::process::Command::new(target().join("release/bellhop-load"));
    loudly(soak.args(["soak", "--minutes", &args.minutes.to_string()]))
}

pub(crate) fn run(args: &Args) -> Result<()> {
    match args.name.as_deref() {
        // By name only: they need root, and take longer than all others together.
        Some(name) if cluster::is_here(name) => on_the_cluster(args),
        Some(name) if name.starts_with(PAGE) => of_the_page(args),
        Some(_) => local(args),
        None => local(args).and_then(|()| of_the_page(args)),
    }
}

/// How the names of the page's figures begin: they are measured all at once.
const PAGE: &str = "page";

/// What a browser loads is built as for everybody; how fast the lobby behind it is does not matter.
fn of_the_page(args: &Args) -> Result<()> {
    test::in_chromium(if args.json { &["bench", "--", "--json"] } else { &["bench"] })
}

fn on_the_cluster(args: &Args) -> Result<()> {
    let mut out = std::io::stdout();
    let mut written = Ok(());
    cluster::run(args.name.as_deref(), &mut |cluster::Figure { name, value, unit }| {
        let line = match args.json {
            true => serde_json::json!({ "name": name, "value": value, "unit": unit }).to_string(),
            false => format!("{name:40} {value:>14.3} {unit}"),
        };
        written = writeln!(out, "{line}").and_then(|()| out.flush());
    })?;
    Ok(written?)
}

fn build() -> Result<()> {
    step("building the benchmarks", || {
        let mut build = cargo();
        build.args(["build", "--quiet", "--release"]);
        for package in ["bellhop-load", "bellhop-lobby", "bellhop-gateway", "bellhop-room"] {
            build.args(["--package", package]);
        }
        quietly(&mut build)
    })
}

fn local(args: &Args) -> Result<()> {
    build()?;
    let mut bench = std::process::Command::new(target().join("release/bellhop-load"));
    bench.arg("bench").args(&args.name);
    if args.json {
        bench.arg("--json");
    }
    loudly(&mut bench)
}
