//! Lobby and gateway as processes on this machine, started, watched and stopped together.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bellhop_proto::v1::StopLobbyRequest;
use bellhop_proto::v1::operations_client::OperationsClient;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::assemble::Built;

/// How long lobby and gateway may take from start to ready. A journal of a million events replays in less.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Wait before a process that died is started again; doubles up to [`RESTART_AT_MOST`].
const RESTART_FIRST: Duration = Duration::from_millis(100);
/// Longest wait before a process that died is started again.
const RESTART_AT_MOST: Duration = Duration::from_secs(5);

/// Where a stack listens and keeps its things.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The public port.
    pub(crate) gateway: SocketAddr,
    /// The gateway's metrics and health.
    pub(crate) gateway_private: SocketAddr,
    /// The lobby's doors for players, behind the gateway.
    pub(crate) lobby: SocketAddr,
    /// Rooms, operations, metrics, health.
    pub(crate) private: SocketAddr,
    /// Journal, keys, logs.
    pub(crate) data: PathBuf,
    /// A settings file, where there is one.
    pub(crate) config: Option<PathBuf>,
    /// Matches go on in rooms whose rules were changed meanwhile.
    pub(crate) accept_changed_rules: bool,
}

impl Place {
    /// Four ports in a row, from `port` on, on the loopback address; the public one on `host`.
    pub(crate) fn at(host: std::net::IpAddr, port: u16, data: &Path) -> Place {
        let local = |offset| SocketAddr::from(([127, 0, 0, 1], port + offset));
        Place {
            gateway: SocketAddr::new(host, port),
            lobby: local(1),
            private: local(2),
            gateway_private: local(3),
            data: data.to_owned(),
            config: None,
            accept_changed_rules: false,
        }
    }

    /// Ports that are free now.
    pub(crate) fn free(data: &Path) -> Result<Place> {
        let mut held = Vec::new();
        let mut next = || -> Result<SocketAddr> {
            let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
            let address = listener.local_addr()?;
            held.push(listener);
            Ok(address)
        };
        Ok(Place {
            gateway: next()?,
            lobby: next()?,
            private: next()?,
            gateway_private: next()?,
            data: data.to_owned(),
            config: None,
            accept_changed_rules: false,
        })
    }

    /// What a player types.
    pub(crate) fn url(&self) -> String {
        if self.gateway.ip().is_unspecified() {
            format!("http://localhost:{}", self.gateway.port())
        } else {
            format!("http://{}", self.gateway)
        }
    }

    /// # Errors
    /// One clear sentence for a port that is taken or a directory that cannot be written.
    pub(crate) fn check(&self) -> Result<()> {
        for (address, whose) in [
            (self.gateway, "the page"),
            (self.lobby, "the lobby"),
            (self.private, "the lobby's private side"),
            (self.gateway_private, "the gateway's private side"),
        ] {
            if let Err(error) = TcpListener::bind(address) {
                bail!(
                    "port {} for {whose} is taken ({error}): stop what listens there, or choose four others with --port",
                    address.port()
                );
            }
        }
        let writable = fs::create_dir_all(&self.data).and_then(|()| tempfile::tempfile_in(&self.data));
        if let Err(error) = writable {
            bail!("the data directory {} cannot be written ({error}): choose another with --data", self.data.display());
        }
        Ok(())
    }
}

/// A process that is started again when it dies.
struct Kept {
    name: &'static str,
    command: Command,
    child: Child,
    restart_after: Duration,
    started: Instant,
    due: Option<Instant>,
}

impl Kept {
    fn start(name: &'static str, mut command: Command) -> Result<Kept> {
        let child = command.spawn().with_context(|| format!("could not start the {name}"))?;
        Ok(Kept { name, command, child, restart_after: RESTART_FIRST, started: Instant::now(), due: None })
    }

    /// Looks once. Says what happened, where something did.
    fn look(&mut self) -> Result<Option<String>> {
        if let Some(due) = self.due {
            if Instant::now() >= due {
                self.child = self.command.spawn().with_context(|| format!("could not restart the {}", self.name))?;
                self.started = Instant::now();
                self.due = None;
            }
            return Ok(None);
        }
        let Some(status) = self.child.try_wait()? else { return Ok(None) };
        if self.started.elapsed() > RESTART_AT_MOST {
            self.restart_after = RESTART_FIRST;
        }
        let after = self.restart_after;
        self.restart_after = (after * 2).min(RESTART_AT_MOST);
        self.due = Some(Instant::now() + after);
        Ok(Some(format!("the {} ended ({status}); starting it again", self.name)))
    }

    fn stop(&mut self, within: Duration) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let _gone_already = kill(pid, Signal::SIGTERM);
        let until = Instant::now() + within;
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Lobby and gateway; rooms are the lobby's.
pub(crate) struct Stack {
    place: Place,
    lobby: Kept,
    gateway: Kept,
}

impl Stack {
    /// Starts both and waits until they are ready.
    ///
    /// # Errors
    /// If one cannot start, or ends before it is ready: then the end of its log is shown.
    pub(crate) fn start(place: &Place, built: &Built) -> Result<Stack> {
        fs::create_dir_all(&place.data)?;
        let mut lobby = process(&built.bin.join("bellhop-lobby"), &place.data.join("lobby.log"))?;
        lobby
            .arg("--data")
            .arg(&place.data)
            .arg("--listen")
            .arg(place.lobby.to_string())
            .arg("--private-listen")
            .arg(place.private.to_string())
            .arg("--page")
            .arg(&built.page)
            .arg("--bundles")
            .arg(&built.bundles)
            .arg("--room-command")
            .arg(&built.room);
        if let Some(config) = &place.config {
            lobby.arg("--config").arg(config);
        }
        if place.accept_changed_rules {
            // Its rooms inherit it.
            lobby.env("BELLHOP_ROOM_CHANGED_RULES", "accept");
        }
        let mut gateway = process(&built.bin.join("bellhop-gateway"), &place.data.join("gateway.log"))?;
        gateway
            .arg("--listen")
            .arg(place.gateway.to_string())
            .arg("--private-listen")
            .arg(place.gateway_private.to_string())
            .arg("--lobby")
            .arg(format!("http://{}", place.lobby))
            .arg("--key-file")
            .arg(place.data.join("keys/gateway.key"));
        let mut stack = Stack {
            place: place.clone(),
            lobby: Kept::start("lobby", lobby)?,
            gateway: Kept::start("gateway", gateway)?,
        };
        let ready = stack.wait_ready();
        if ready.is_err() {
            stack.kill();
        }
        ready.map(|()| stack)
    }

    fn wait_ready(&mut self) -> Result<()> {
        let until = Instant::now() + READY_WITHIN;
        let mut waiting = vec![("lobby", self.place.private), ("gateway", self.place.gateway_private)];
        while !waiting.is_empty() {
            waiting.retain(|(_, address)| !is_ready(*address));
            for kept in [&mut self.lobby, &mut self.gateway] {
                if let Some(status) = kept.child.try_wait()? {
                    let log = self.place.data.join(format!("{}.log", kept.name));
                    bail!("the {} ended at once ({status}):\n{}", kept.name, tail(&log));
                }
            }
            if Instant::now() > until {
                let names: Vec<_> = waiting.iter().map(|(name, _)| *name).collect();
                bail!(
                    "not ready within {} s: {}; the logs are in {}",
                    READY_WITHIN.as_secs(),
                    names.join(", "),
                    self.place.data.display()
                );
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Looks at both once and starts again what died. Says what happened.
    pub(crate) fn look(&mut self) -> Result<Vec<String>> {
        let mut news = Vec::new();
        for kept in [&mut self.lobby, &mut self.gateway] {
            news.extend(kept.look()?);
        }
        Ok(news)
    }

    /// Lets running matches go on for at most `within`, then stops rooms, lobby and gateway. `hurry` is asked
    /// again and again whether to stop at once.
    pub(crate) fn drain(mut self, within: Duration, mut hurry: impl FnMut() -> bool) -> Result<()> {
        let asked = self.ask_to_drain(within);
        if let Err(error) = &asked {
            eprintln!("could not ask the lobby to drain: {error:#}");
        }
        let until = Instant::now() + within + Duration::from_secs(5);
        let mut hurried = false;
        while asked.is_ok() && Instant::now() < until {
            if matches!(self.lobby.child.try_wait(), Ok(Some(_))) {
                break;
            }
            if !hurried && hurry() {
                hurried = true;
                self.ask_to_drain(Duration::ZERO)?;
            }
            std::thread::sleep(LOOK_EVERY);
        }
        self.lobby.stop(Duration::from_secs(5));
        self.gateway.stop(Duration::from_secs(2));
        asked
    }

    fn ask_to_drain(&self, within: Duration) -> Result<()> {
        let token =
            fs::read_to_string(self.place.data.join("keys/operator.token")).context("reading the operator token")?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut operations = OperationsClient::connect(format!("http://{}", self.place.private)).await?;
            let within_seconds = u32::try_from(within.as_secs()).unwrap_or(u32::MAX);
            let mut request = tonic::Request::new(StopLobbyRequest { rooms_too: true, within_seconds });
            request.set_timeout(Duration::from_secs(5));
            request.metadata_mut().insert("authorization", format!("Bearer {}", token.trim()).parse()?);
            operations.stop_lobby(request).await?;
            Ok(())
        })
    }

    fn kill(&mut self) {
        self.lobby.stop(Duration::from_secs(2));
        self.gateway.stop(Duration::from_secs(2));
    }
}

/// A process in a group of its own, so that Ctrl-C reaches only us.
fn process(program: &Path, log: &Path) -> Result<Command> {
    let log =
        File::options().create(true).append(true).open(log).with_context(|| format!("opening {}", log.display()))?;
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
    Ok(command)
}

/// Whether `/readyz` answers 200.
fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        write!(socket, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        socket.read_exact(&mut head)?;
        Ok(&head == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
