//! Rooms as processes of this machine.
//!
//! A room outlives the lobby: own session, log to a file, nobody kills it on the way out. After a restart it is no
//! child any more; its record says which process it is.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use lobby_core::{ClusterNews, Input, Name, RoomEnd, RoomId};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use tokio::io::AsyncWriteExt;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::record::{self, Record};
use crate::drive::inbox::Report;
use crate::drive::{ClusterOrder, Core};
use crate::keys::{DataDir, random_token};

/// Logs of rooms that have ended, kept for whoever wants to know why.
const LOGS_KEPT: usize = 64;
/// A room's log is emptied beyond this; rooms say little.
const LOG_BYTES: u64 = 16 << 20;
/// How often logs are looked at.
const TIDY_EVERY: Duration = Duration::from_secs(60);
/// A room takes its secret within this, or its start has failed.
const SECRET_WITHIN: Duration = Duration::from_secs(5);

/// How rooms are started.
#[derive(Debug, Clone)]
pub(crate) struct Processes {
    pub(crate) command: PathBuf,
    /// The lobby's private port, as rooms reach it.
    pub(crate) lobby: String,
    pub(crate) bundles: Option<PathBuf>,
    /// The settings' file, which may name a language model for games to ask.
    pub(crate) config: Option<PathBuf>,
    pub(crate) data: Arc<DataDir>,
}

struct Ended {
    room: RoomId,
    how: RoomEnd,
    detail: String,
}

impl Processes {
    /// Carries out orders until told to stop. Rooms go on.
    pub(crate) async fn run(
        self,
        core: Core,
        mut orders: mpsc::Receiver<ClusterOrder>,
        stop: CancellationToken,
    ) -> Result<()> {
        let mut alive: HashMap<RoomId, OwnedFd> = HashMap::new();
        let mut watched: JoinSet<Ended> = JoinSet::new();
        self.adopt(&mut alive, &mut watched).context("could not look for rooms of an earlier start")?;
        let mut tidy = tokio::time::interval(TIDY_EVERY);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = watched.join_next() => {
                    let Ok(Ended { room, how, detail }) = ended else { continue };
                    alive.remove(&room);
                    let _gone_already = fs::remove_file(self.record(room));
                    info!(%room, ?how, detail, "room has ended");
                    self.report(&core, ClusterNews::Exited { room, how, detail: detail.into() }).await;
                }
                Some(order) = orders.recv() => match order {
                    ClusterOrder::Start { room, .. } if alive.contains_key(&room) => {}
                    ClusterOrder::Start { room, fleet } => match self.start(&core, room, &fleet, &mut watched).await {
                        Ok(handle) => drop(alive.insert(room, handle)),
                        Err(error) => {
                            let detail = format!("{error:#}");
                            warn!(%room, %fleet, detail, "could not start the room");
                            let how = RoomEnd::NotStarted;
                            self.report(&core, ClusterNews::Exited { room, how, detail: detail.into() }).await;
                        }
                    },
                    ClusterOrder::Kill { room } => self.kill(&core, room, &alive).await,
                },
                _ = tidy.tick() => self.tidy(&alive),
            }
        }
        // The core ends after its last order. A room that it wants dead must not be left behind, and none is born.
        while let Some(order) = orders.recv().await {
            match order {
                ClusterOrder::Start { .. } => {}
                ClusterOrder::Kill { room } => self.kill(&core, room, &alive).await,
            }
        }
        Ok(())
    }

    /// Tells the core. False: it has stopped, and everything stops with it.
    async fn report(&self, core: &Core, news: ClusterNews) -> bool {
        core.report(Report::Input(Input::Cluster(news))).await.is_ok()
    }

    async fn start(&self, core: &Core, room: RoomId, fleet: &Name, watched: &mut JoinSet<Ended>) -> Result<OwnedFd> {
        let secret = random_token();
        let hash = *blake3::hash(secret.as_bytes()).as_bytes();
        ensure!(self.report(core, ClusterNews::Credential { room, hash }).await, "the lobby stops");

        let settings = core.settings.load();
        let recycles = settings.fleets.iter().find(|known| known.name == *fleet).is_none_or(|fleet| fleet.recycle);
        let log =
            OpenOptions::new().create(true).append(true).open(self.log(room)).context("could not open its log")?;
        let errors = log.try_clone().context("could not open its log")?;
        let mut command = CommandWrap::with_new(&self.command, |command| {
            command.args(["--lobby", &self.lobby, "--fleet", fleet, "--room", &room.to_string()]);
            command.args(["--bind", "127.0.0.1:0", "--secret-stdin"]);
            if !recycles {
                command.args(["--recycle", "never"]);
            }
            if let Some(bundles) = &self.bundles {
                command.arg("--bundles").arg(bundles);
            }
            command.args(self.config.as_deref().map(crate::config::room_flags).unwrap_or_default());
            command.stdin(Stdio::piped()).stdout(log).stderr(errors);
        });
        let spawned = command.wrap(ProcessSession).spawn();
        let mut child = spawned.with_context(|| format!("could not run {}", self.command.display()))?;
        let record = child.id().map(Record::of).transpose()?.context("it ended at once")?;
        record.write(&self.record(room)).context("could not write down which process it is")?;
        let handle = record.open().context("it ended at once")?;

        let mut stdin = child.stdin().take().context("it has no input")?;
        let line = format!("{secret}\n");
        let passed = tokio::time::timeout(SECRET_WITHIN, async {
            stdin.write_all(line.as_bytes()).await?;
            stdin.shutdown().await
        });
        passed.await.context("it did not take its secret in time")?.context("it did not take its secret")?;
        info!(%room, %fleet, "room is started");
        watched.spawn(wait_for_child(room, child));
        Ok(handle)
    }

    /// The core is told that it has ended when it has.
    async fn kill(&self, core: &Core, room: RoomId, alive: &HashMap<RoomId, OwnedFd>) {
        match alive.get(&room) {
            Some(handle) => match record::kill(handle) {
                Ok(()) => info!(%room, "room is killed"),
                Err(error) => warn!(%room, %error, "could not kill the room"),
            },
            None => {
                let news = ClusterNews::Exited { room, how: RoomEnd::Released, detail: "it was not running".into() };
                self.report(core, news).await;
            }
        }
    }

    /// Finds the rooms of an earlier start. Those that have ended meanwhile are reported like any other.
    fn adopt(&self, alive: &mut HashMap<RoomId, OwnedFd>, watched: &mut JoinSet<Ended>) -> io::Result<()> {
        for entry in fs::read_dir(self.data.path("rooms"))? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "pid") {
                continue;
            }
            let Some(room) = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok()) else {
                continue;
            };
            match Record::read(&path).and_then(|record| record.open()) {
                Some(handle) => {
                    let watch = handle.try_clone()?;
                    alive.insert(room, handle);
                    watched.spawn(wait_for_handle(room, watch));
                }
                None => {
                    let detail = "it ended while the lobby was down".to_owned();
                    watched.spawn(async move { Ended { room, how: RoomEnd::Exited, detail } });
                }
            }
        }
        Ok(())
    }

    fn record(&self, room: RoomId) -> PathBuf {
        self.data.path(&format!("rooms/{room}.pid"))
    }

    fn log(&self, room: RoomId) -> PathBuf {
        self.data.path(&format!("rooms/{room}.log"))
    }

    /// Keeps the logs of the living short and those of the dead few.
    fn tidy(&self, alive: &HashMap<RoomId, OwnedFd>) {
        if let Err(error) = self.try_tidy(alive) {
            warn!(%error, "could not tidy up among the rooms' logs");
        }
    }

    fn try_tidy(&self, alive: &HashMap<RoomId, OwnedFd>) -> io::Result<()> {
        let mut dead: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(self.data.path("rooms"))? {
            let entry = entry?;
            let path = entry.path();
            if path.extension().is_none_or(|extension| extension != "log") {
                continue;
            }
            let metadata = entry.metadata()?;
            let room = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if room.is_some_and(|room: RoomId| alive.contains_key(&room)) {
                if metadata.len() > LOG_BYTES {
                    // Opened to append by its writer, who goes on at the new end.
                    File::options().write(true).open(&path)?.set_len(0)?;
                }
            } else {
                dead.push((metadata.modified()?, path));
            }
        }
        dead.sort();
        let too_many = dead.len().saturating_sub(LOGS_KEPT);
        dead[..too_many].iter().try_for_each(|(_, path)| fs::remove_file(path))
    }
}

async fn wait_for_child(room: RoomId, mut child: Box<dyn ChildWrapper>) -> Ended {
    match child.wait().await {
        Ok(status) if status.success() => Ended { room, how: RoomEnd::Exited, detail: status.to_string() },
        Ok(status) => Ended { room, how: RoomEnd::Crashed, detail: status.to_string() },
        Err(error) => Ended { room, how: RoomEnd::Crashed, detail: error.to_string() },
    }
}

/// Not our child: how it ended, only its parent is told.
async fn wait_for_handle(room: RoomId, handle: OwnedFd) -> Ended {
    #[expect(deprecated, reason = "its successor is unsafe; an owned descriptor that is never taken out is sound")]
    let watched = AsyncFd::new(handle);
    let detail = match watched {
        Ok(handle) => match handle.readable().await {
            Ok(_) => "it ended; it was started before the lobby was".to_owned(),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    Ended { room, how: RoomEnd::Exited, detail }
}
