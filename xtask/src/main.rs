//! Every command of the repository.

mod assemble;
mod bench;
mod chart;
mod cluster;
mod codegen;
mod compose;
mod image;
mod needs;
mod new_game;
mod play;
mod stack;
mod steps;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Every command of the repository")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build what is missing, start everything on this machine and print one URL. Ctrl-C ends it.
    Play(play::Args),
    /// Check and test everything, or the named tiers.
    Test(test::Args),
    /// Begin a game of your own in games/NAME: rules, page, room and tests, complete and small.
    NewGame(new_game::Args),
    /// Run benchmarks in release mode.
    Bench(bench::Args),
    /// A room under churn for half an hour, or as long as is said: its memory and its open files must not grow.
    Soak(bench::Soak),
    /// Build the binaries, the games' bundles and the page.
    Build(assemble::Args),
    /// A real Kubernetes cluster on this machine, for the tests.
    Cluster(cluster::Args),
    /// Build the container images, without a registry.
    Image(image::Args),
    /// Generate proto/src/gen from the .proto files, and the chart's README from the comments of its values.
    Codegen,
}

/// The repository. Cargo says where it lies when it runs this; what it said at build time holds for another clone where
/// clones share a target directory.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).parent().expect("xtask lies in the repository").to_owned()
}

fn run() -> Result<()> {
    match Args::parse().command {
        Command::Play(args) => play::run(&args),
        Command::Test(args) => test::run(&args),
        Command::NewGame(args) => new_game::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Soak(args) => bench::soak(&args),
        Command::Build(args) => assemble::build(&args).map(drop),
        Command::Cluster(args) => cluster::run(&args),
        Command::Image(args) => image::run(&args),
        Command::Codegen => {
            let chart = root().join("helm/bellhop");
            std::fs::write(chart.join("README.md"), chart::readme::generate(&chart)?)?;
            codegen::generate(&root(), &root().join("proto/src/gen"))
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
