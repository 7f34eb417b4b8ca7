//! `cargo xtask play`: everything on this machine, from one command.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal};

use crate::assemble;
use crate::root;
use crate::stack::{Place, Stack};
use crate::steps::step;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The page's port; the three after it serve the parts behind it.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address of the page. 0.0.0.0 lets others on your network in.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Where journal, keys and logs are kept: players, ratings and running matches survive in it.
    #[arg(long, default_value = ".bellhop")]
    data: PathBuf,
    /// Settings: queues, fleets, limits. `bellhop.toml` in the repository documents every key.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Fill the lobby with this many bots.
    #[arg(long, default_value_t = 0)]
    bots: u32,
    /// How long matches may go on after Ctrl-C, in seconds.
    #[arg(long, default_value_t = 5)]
    drain_seconds: u64,
    /// Optimised binaries: a longer first build, for many players.
    #[arg(long)]
    release: bool,
}

/// How often the processes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn run(args: &Args) -> Result<()> {
    let data = root().join(&args.data);
    let mut place = Place::at(args.host, args.port, &data);
    place.config = args.config.clone();
    place.check()?;
    let interrupts = interrupts()?;
    let built = assemble::build_all(args.release)?;
    let mut stack = step("starting lobby and gateway", || Stack::start(&place, &built))?;
    eprintln!("\n  Play at {}\n\n  Logs and data: {}   Ctrl-C ends it.\n", place.url(), data.display());
    let mut bots = (args.bots > 0).then(|| start_bots(args.bots, &place, &built)).transpose()?;
    while interrupts.load(Ordering::Relaxed) == 0 {
        for news in stack.look()? {
            eprintln!("{news}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
    if let Some(bots) = &mut bots {
        let _gone_already = bots.kill();
        let _reaped = bots.wait();
    }
    let within = Duration::from_secs(args.drain_seconds);
    step("letting matches finish (Ctrl-C again stops them)", || {
        stack.drain(within, || interrupts.load(Ordering::Relaxed) > 1)
    })
}

/// Counts SIGINT and SIGTERM from now on, instead of dying of them.
fn interrupts() -> Result<Arc<AtomicUsize>> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().context("blocking the signals")?;
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        while signals.wait().is_ok() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    })?;
    Ok(count)
}

fn start_bots(count: u32, place: &Place, built: &assemble::Built) -> Result<Child> {
    Command::new(built.bin.join("bellhop-load"))
        .args(["bots", "--count", &count.to_string(), "--url", &place.url()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("could not start the bots")
}
