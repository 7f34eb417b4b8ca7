//! A lobby, and where wanted a gateway, as processes on this machine, for tests and benchmarks.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a process may take to listen.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The directory of the built programs: beside a benchmark, above a test.
///
/// # Errors
/// If `bellhop-lobby` is in neither: `cargo xtask test` and `bench` build it.
pub fn programs() -> Result<PathBuf> {
    let us = std::env::current_exe()?;
    us.ancestors()
        .skip(1)
        .take(2)
        .find(|dir| dir.join("bellhop-lobby").exists())
        .map(Path::to_owned)
        .context("bellhop-lobby is not built: run this by `cargo xtask`")
}

/// A port that is free now.
///
/// # Errors
/// If there is none.
pub fn free_port() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").context("looking for a free port")?.local_addr()?)
}

/// Whether the process with this private port says that it is ready.
async fn says_ready(private: SocketAddr) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(private).await?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\nhost: bellhop\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    asked.await.is_ok_and(|answer| answer.split_whitespace().nth(1) == Some("200"))
}

/// A process that is killed when dropped.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// A lobby of its own in a directory of its own. When it is dropped, nothing of it runs on.
#[derive(Debug)]
pub struct Local {
    lobby: Option<Process>,
    gateway: Option<Process>,
    data: tempfile::TempDir,
    public: SocketAddr,
    private: SocketAddr,
    gateway_at: SocketAddr,
    gateway_private: SocketAddr,
}

impl Drop for Local {
    fn drop(&mut self) {
        // First: it would start the rooms anew.
        self.lobby = None;
        let _none_were_started = self.kill_rooms();
    }
}

/// The process that a lobby wrote down.
fn recorded(path: &Path) -> Result<Pid> {
    let record = fs::read(path).context("which process the room is")?;
    let record: serde_json::Value = serde_json::from_slice(&record)?;
    let pid = record["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
    pid.and_then(Pid::from_raw).context("the room's process has a number")
}

impl Local {
    /// A place for a lobby with this `bellhop.toml`; nothing runs yet.
    ///
    /// # Errors
    /// If there is no free port, or the disk cannot be written.
    pub fn new(config: &str) -> Result<Local> {
        // On the disk of the programs: a journal in memory would measure nothing.
        let data = tempfile::Builder::new().prefix("bellhop-").tempdir_in(programs()?)?;
        fs::write(data.path().join("bellhop.toml"), config)?;
        Ok(Local {
            lobby: None,
            gateway: None,
            public: free_port()?,
            private: free_port()?,
            gateway_at: free_port()?,
            gateway_private: free_port()?,
            data,
        })
    }

    /// The same with a gateway and a lobby that listen.
    ///
    /// # Errors
    /// As [`Local::new`] and [`Local::ready`].
    pub async fn started(config: &str) -> Result<Local> {
        let mut local = Local::new(config)?;
        local.start_gateway()?;
        local.start_lobby()?;
        local.ready().await?;
        Ok(local)
    }

    /// Its directory.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// The lobby's doors for players.
    pub fn public_url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Rooms and operations.
    pub fn private_url(&self) -> String {
        format!("http://{}", self.private)
    }

    /// What players use where there is a gateway.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway_at)
    }

    /// Starts the lobby, without waiting for it.
    ///
    /// # Errors
    /// If the program is not there.
    pub fn start_lobby(&mut self) -> Result<()> {
        let mut command = Command::new(programs()?.join("bellhop-lobby"));
        command.arg("--data").arg(self.data()).arg("--config").arg(self.data().join("bellhop.toml")).args([
            "--listen",
            &self.public.to_string(),
            "--private-listen",
            &self.private.to_string(),
        ]);
        self.lobby = Some(self.spawn(command, "lobby.log")?);
        Ok(())
    }

    /// Starts a gateway before the lobby.
    ///
    /// # Errors
    /// If the program is not there.
    pub fn start_gateway(&mut self) -> Result<()> {
        let mut command = Command::new(programs()?.join("bellhop-gateway"));
        command
            .args(["--listen", &self.gateway_at.to_string(), "--private-listen", &self.gateway_private.to_string()])
            .args(["--lobby", &self.public_url(), "--key-file"])
            .arg(self.data().join("keys/gateway.key"));
        self.gateway = Some(self.spawn(command, "gateway.log")?);
        Ok(())
    }

    fn spawn(&self, mut command: Command, log: &str) -> Result<Process> {
        let log = File::options().create(true).append(true).open(self.data().join(log))?;
        let child = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        child.map(Process).with_context(|| format!("starting {}", command.get_program().display()))
    }

    /// Waits until everything that was started listens.
    ///
    /// # Errors
    /// If a process ends, with the end of its log, or does not listen in time.
    pub async fn ready(&mut self) -> Result<()> {
        let until = Instant::now() + START_WITHIN;
        let mut waiting = Vec::new();
        waiting.extend(self.lobby.is_some().then_some(self.private));
        waiting.extend(self.gateway.is_some().then_some(self.gateway_private));
        for address in waiting {
            while !says_ready(address).await {
                for (process, log) in [(&mut self.lobby, "lobby.log"), (&mut self.gateway, "gateway.log")] {
                    if let Some(Process(child)) = process
                        && let Some(status) = child.try_wait()?
                    {
                        let log = fs::read_to_string(self.data.path().join(log)).unwrap_or_default();
                        bail!("a process ended at once ({status}):\n{log}");
                    }
                }
                if Instant::now() > until {
                    bail!("nothing was ready at {address} within {} s", START_WITHIN.as_secs());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }

    /// The process of the lobby, whose children the rooms are.
    pub fn lobby_pid(&self) -> Option<u32> {
        self.lobby.as_ref().map(|process| process.0.id())
    }

    /// The process of a room.
    ///
    /// # Errors
    /// If the lobby does not know it.
    pub fn room_pid(&self, room: &str) -> Result<Pid> {
        recorded(&self.data().join(format!("rooms/{room}.pid")))
    }

    /// A lobby that is killed leaves its rooms behind, with a result that they keep for the next one for an hour.
    fn kill_rooms(&self) -> Result<()> {
        for record in fs::read_dir(self.data().join("rooms"))? {
            let Ok(pid) = recorded(&record?.path()) else { continue };
            // One that ended long ago may have left its number to somebody else.
            let program = fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero())).unwrap_or_default();
            if program.starts_with(programs()?) {
                let _gone_already = kill_process(pid, Signal::KILL);
            }
        }
        Ok(())
    }

    /// Sends a signal to a room's process.
    ///
    /// # Errors
    /// If there is no such process.
    pub fn signal_room(&self, room: &str, signal: Signal) -> Result<()> {
        kill_process(self.room_pid(room)?, signal).with_context(|| format!("{room} is no more"))
    }

    /// Kills the lobby with SIGKILL.
    ///
    /// # Errors
    /// If it is not running.
    pub fn kill_lobby(&mut self) -> Result<ExitStatus> {
        let Process(child) = self.lobby.as_mut().context("the lobby was never started")?;
        child.kill().context("killing the lobby")?;
        let status = child.wait()?;
        self.lobby = None;
        Ok(status)
    }

    /// Kills the gateway with SIGKILL.
    ///
    /// # Errors
    /// If it is not running.
    pub fn kill_gateway(&mut self) -> Result<ExitStatus> {
        let Process(child) = self.gateway.as_mut().context("the gateway was never started")?;
        child.kill().context("killing the gateway")?;
        let status = child.wait()?;
        self.gateway = None;
        Ok(status)
    }
}
