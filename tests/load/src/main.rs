//! Bots that play through the players' doors, and the benchmarks.

use std::io::Write;

use anyhow::Result;
use bellhop_load::bench;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bellhop-load", about = "Bots and benchmarks")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run benchmarks.
    Bench {
        /// The name, or the beginning of several names. All, if there is none.
        name: Option<String>,
        /// One JSON object per figure, and nothing else, on stdout.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> Result<()> {
    match Args::parse().command {
        Command::Bench { name, json } => {
            let mut out = std::io::stdout();
            let mut written = Ok(());
            bench::run(name.as_deref(), &mut |figure| {
                let line = if json {
                    serde_json::to_string(&figure).expect("a figure is plain data")
                } else {
                    format!("{:40} {:>14.3} {}", figure.name, figure.value, figure.unit)
                };
                written = writeln!(out, "{line}").and_then(|()| out.flush());
            })?;
            Ok(written?)
        }
    }
}
