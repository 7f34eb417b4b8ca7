//! `cargo xtask play`: everything on this machine, from one command.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

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
    /// Play this game in a room of its own, with the settings in its bellhop.toml. What is changed in its directory is built
    /// and in play when it is saved.
    #[arg(long)]
    game: Option<String>,
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
/// How often the sources of the game that is worked on are.
const LOOK_AT_SOURCES_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut data = root().join(&args.data);
    let mut place = Place::at(args.host, args.port, &data);
    place.config = args.config.clone();
    let home = args.game.as_deref().map(|game| assemble::home(&root(), game)).transpose()?;
    if let (Some(game), Some(home)) = (&args.game, &home) {
        data.push(game);
        place.data.clone_from(&data);
        place.config.get_or_insert_with(|| home.join("bellhop.toml"));
        place.accept_changed_rules = true;
    }
    place.check()?;
    let interrupts = interrupts()?;
    let build = || match &args.game {
        Some(game) => assemble::build_game(game, args.release),
        None => assemble::build_all(args.release),
    };
    let built = build()?;
    let mut workshop = home.map(|home| Workshop { home, built: SystemTime::now(), looked: Instant::now() });
    let mut stack = step("starting lobby and gateway", || Stack::start(&place, &built))?;
    eprintln!("\n  Play at {}\n\n  Logs and data: {}   Ctrl-C ends it.\n", place.url(), data.display());
    let mut bots = (args.bots > 0).then(|| start_bots(args.bots, &place, &built)).transpose()?;
    while interrupts.load(Ordering::Relaxed) == 0 {
        for news in stack.look()? {
            eprintln!("{news}");
        }
        if let Some(workshop) = &mut workshop
            && workshop.has_news()?
        {
            match build() {
                Ok(_) => {
                    let ended = replace_rooms(&data)?;
                    eprintln!("built anew; {ended} rooms are replaced, and their matches go on");
                }
                Err(error) => eprintln!("{error:#}\nThe game goes on as it was built before."),
            }
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

/// A game that is worked on while it is played.
struct Workshop {
    home: PathBuf,
    /// What was written after this is not built yet.
    built: SystemTime,
    looked: Instant,
}

impl Workshop {
    /// Whether something was saved since it was asked last.
    fn has_news(&mut self) -> Result<bool> {
        if self.looked.elapsed() < LOOK_AT_SOURCES_EVERY {
            return Ok(false);
        }
        self.looked = Instant::now();
        let asked = SystemTime::now();
        let news = assemble::newest(&self.home)? > self.built;
        if news {
            self.built = asked;
        }
        Ok(news)
    }
}

/// Ends the rooms of this data directory, so that the lobby starts others from the new program, which take their matches
/// over. How many there were.
fn replace_rooms(data: &Path) -> Result<usize> {
    let mut ended = 0;
    for entry in std::fs::read_dir(data.join("rooms")).context("looking for the rooms")? {
        let path = entry?.path();
        if path.extension().is_none_or(|kind| kind != "pid") {
            continue;
        }
        // As the lobby wrote it; it may be removed while we look.
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap_or_default()).unwrap_or_default();
        let Some(pid) = record["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()) else { continue };
        // Another process may have the number by now.
        let name = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if name.contains("--room") && kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
            ended += 1;
        }
    }
    Ok(ended)
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
