//! `cargo xtask bench`: the benchmarks, in release mode.

use anyhow::Result;

use crate::assemble::{cargo, target};
use crate::steps::{loudly, quietly, step};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The benchmark's name, or the beginning of several names. All, if there is none.
    name: Option<String>,
    /// One JSON object per figure on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    step("building the benchmarks", || {
        let mut build = cargo();
        build.args(["build", "--quiet", "--release"]);
        for package in ["bellhop-load", "bellhop-lobby", "bellhop-gateway", "bellhop-room"] {
            build.args(["--package", package]);
        }
        quietly(&mut build)
    })?;
    let mut bench = std::process::Command::new(target().join("release/bellhop-load"));
    bench.arg("bench").args(&args.name);
    if args.json {
        bench.arg("--json");
    }
    loudly(&mut bench)
}
