//! `cluster/gateway-sockets`: how many players one core of a gateway carries, each with 20 frames and 20 inputs a second.
//!
//! The gateway has one core, and rooms and players have another one. The same traffic goes straight from rooms to players
//! in the same run: what the gateway adds is the difference.

use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bellhop_proto::tokens::{Key, Routing, SUBPROTOCOL, SeatClaim, TOKEN_PREFIX, seal_routing, seal_seat};
use hdrhistogram::Histogram;
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::local::free_port;

/// What a gateway may add at the 99th percentile.
const ADDED_AT_MOST: Duration = Duration::from_millis(5);
/// Players more from one try to the next.
const STEP: usize = 250;
/// So often it must not be too much: something else may have had the core for a moment.
const TRIES: u32 = 2;
/// More than a core can.
const PLAYERS_AT_MOST: usize = 8_000;
/// Players of one room, who are sent to in one go.
const PER_ROOM: usize = 8;
/// 20 Hz.
const TICK: Duration = Duration::from_millis(50);
/// Ticks before those that are measured, and those.
const WARM_UP: u32 = 20;
const MEASURED: u32 = 80;
/// A tick's frame of tanks has 22 bytes, with everything around it.
const FRAME: usize = 40;
/// The frame of an input.
const INPUT: usize = 16;
/// How long the gateway may take to listen.
const START_WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a head, at most.
const HEAD: usize = 4 * 1024;

/// What a gateway carries.
#[derive(Debug, Default, Clone, Copy)]
pub struct Carried {
    /// With no more than [`ADDED_AT_MOST`] added.
    pub players: usize,
    /// How much of its core it takes for that. Much less than 1: those who measure were at their end sooner than it.
    pub busy: f64,
}

/// One try, for whoever wants to follow.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// How many.
    pub players: usize,
    /// p99 of frames through the gateway, in milliseconds.
    pub through_ms: f64,
    /// The same past it.
    pub straight_ms: f64,
    /// How much of its core the gateway took.
    pub busy: f64,
}

/// The largest number of players that it carries. Each try is told to `told`.
///
/// # Errors
/// If the gateway does not start, there is only one core, or a connection breaks.
pub fn most(mut told: impl FnMut(Try)) -> Result<Carried> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores >= 2, "the gateway needs one core and its players another: there is one");
    raise_file_limit()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let rooms = TcpListener::bind("127.0.0.1:0").await?;
        let at = rooms.local_addr()?;
        let gateway = Gateway::start()?;
        on_core(1)?;
        gateway.ready().await?;
        let request = gateway.request(at);
        let mut carried = Carried::default();
        for players in (STEP..=PLAYERS_AT_MOST).step_by(STEP) {
            let mut fits = false;
            for _ in 0..TRIES {
                let (straight_ms, _) = play(players, &rooms, at, &request, &gateway).await?;
                let (through_ms, busy) = play(players, &rooms, gateway.at, &request, &gateway).await?;
                told(Try { players, through_ms, straight_ms, busy });
                if through_ms - straight_ms <= ADDED_AT_MOST.as_secs_f64() * 1e3 {
                    carried = Carried { players, busy };
                    fits = true;
                    break;
                }
            }
            if !fits {
                break;
            }
        }
        Ok(carried)
    })
}

/// This thread, and what it starts, run on this core only.
fn on_core(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("could not keep to core {core}"))
}

/// Two sockets here for each player, and four in the gateway's and our way.
fn raise_file_limit() -> Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raising the limit of open files")
}

/// A gateway of its own, on the first core.
struct Gateway {
    process: Child,
    at: SocketAddr,
    key: Key,
    _data: tempfile::TempDir,
}

impl Gateway {
    fn start() -> Result<Gateway> {
        let data = tempfile::tempdir()?;
        let key = Key::generate();
        let file = data.path().join("gateway.key");
        fs::write(&file, key.as_bytes())?;
        let at = free_port()?;
        on_core(0)?;
        let mut command = Command::new(std::env::current_exe()?.with_file_name("bellhop-gateway"));
        command.args(["--listen", &at.to_string(), "--private-listen", "off", "--lobby", "http://127.0.0.1:9"]);
        command.arg("--max-connections-per-ip").arg(PLAYERS_AT_MOST.to_string()).arg("--key-file").arg(file);
        let process = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().context("starting the gateway")?;
        Ok(Gateway { process, at, key, _data: data })
    }

    /// CPU time of all of its threads.
    fn cpu(&self) -> Result<Duration> {
        let mut nanos = 0_u64;
        for task in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let times = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += times.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).context("schedstat")?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// How much of its core it takes between two moments.
    async fn busy(&self, from: Instant, until: Instant) -> Result<f64> {
        tokio::time::sleep_until(from.into()).await;
        let (begun, before) = (Instant::now(), self.cpu()?);
        tokio::time::sleep_until(until.into()).await;
        Ok((self.cpu()? - before).as_secs_f64() / begun.elapsed().as_secs_f64())
    }

    async fn ready(&self) -> Result<()> {
        let until = Instant::now() + START_WITHIN;
        while TcpStream::connect(self.at).await.is_err() {
            ensure!(Instant::now() < until, "the gateway does not listen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// What opens a game socket: all players sit on the same seat, for no room is there that looks.
    fn request(&self, rooms: SocketAddr) -> String {
        let room = "r-1".to_owned();
        let routing = seal_routing(&self.key, &Routing { room: room.clone(), address: rooms.to_string() });
        let claim = SeatClaim {
            epoch: 1,
            match_id: "m-1".into(),
            player_id: "p-1".into(),
            seat: 0,
            expires_ms: u64::MAX,
            nonce: 1,
            resume: false,
        };
        let token = seal_seat(&self.key, &routing, &claim);
        format!(
            "GET /rooms/{room} HTTP/1.1\r\nhost: bellhop\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\
             sec-websocket-protocol: {SUBPROTOCOL}, {TOKEN_PREFIX}{token}\r\n\r\n"
        )
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _gone_already = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// Opens all sockets to `at`, plays on them, and says how long frames took at the 99th percentile, in milliseconds, and
/// how much of its core the gateway took meanwhile.
async fn play(
    players: usize,
    rooms: &TcpListener,
    at: SocketAddr,
    request: &str,
    gateway: &Gateway,
) -> Result<(f64, f64)> {
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..players {
        let opened = tokio::try_join!(accept(rooms), open(at, request))?;
        theirs.push(opened.0);
        ours.push(opened.1);
    }
    let begun = Instant::now();
    let (sender, mut took) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    while !theirs.is_empty() {
        let many = PER_ROOM.min(theirs.len());
        let (inputs, down) = split(theirs.split_off(theirs.len() - many));
        let (frames, up) = split(ours.split_off(ours.len() - many));
        // Rooms tick at moments of their own, and so do players.
        let phase = |golden: f64| TICK.mul_f64((theirs.len() as f64 * golden).fract());
        tasks.spawn(send::<FRAME>(down, begun + phase(0.618)));
        tasks.spawn(send::<INPUT>(up, begun + phase(0.382)));
        for socket in frames {
            tasks.spawn(receive::<FRAME>(socket, Some(sender.clone())));
        }
        for socket in inputs {
            tasks.spawn(receive::<INPUT>(socket, None));
        }
    }
    drop(sender);
    let mut all = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
    let added = async {
        while let Some(one) = took.recv().await {
            all.add(&one)?;
        }
        Ok(())
    };
    let (_, busy) = tokio::try_join!(added, gateway.busy(begun + TICK * WARM_UP, begun + TICK * (WARM_UP + MEASURED)))?;
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    Ok((all.value_at_quantile(0.99) as f64 / 1e3, busy))
}

/// Reading halves and writing halves.
fn split(sockets: Vec<TcpStream>) -> (Vec<OwnedReadHalf>, Vec<OwnedWriteHalf>) {
    sockets.into_iter().map(TcpStream::into_split).unzip()
}

/// The room's side of one handshake.
async fn accept(rooms: &TcpListener) -> Result<TcpStream> {
    let (mut socket, _) = rooms.accept().await?;
    socket.set_nodelay(true)?;
    head(&mut socket).await.context("asking for a seat")?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).await?;
    Ok(socket)
}

/// The player's side.
async fn open(at: SocketAddr, request: &str) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(at).await?;
    socket.set_nodelay(true)?;
    socket.write_all(request.as_bytes()).await?;
    let answer = head(&mut socket).await.context("being answered")?;
    ensure!(answer.contains(" 101 "), "no seat was opened: {answer}");
    Ok(socket)
}

/// Reads to the end of a head, and not further.
async fn head(socket: &mut TcpStream) -> Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(head.len() < HEAD, "a head of more than {HEAD} bytes");
        head.push(socket.read_u8().await?);
    }
    Ok(String::from_utf8(head)?)
}

/// Sends a message to all of these in every tick, each with the moment in which it was sent.
async fn send<const BYTES: usize>(mut to: Vec<OwnedWriteHalf>, first: Instant) -> Result<()> {
    let mut ticks = tokio::time::interval_at(first.into(), TICK);
    for _ in 0..WARM_UP + MEASURED {
        ticks.tick().await;
        for socket in &mut to {
            let mut message = [0; BYTES];
            message[..8].copy_from_slice(&now_us().to_le_bytes());
            socket.write_all(&message).await.context("sending")?;
        }
    }
    // Not closed before all has been read on the other side.
    tokio::time::sleep(TICK * WARM_UP).await;
    Ok(())
}

/// Takes what was sent to one socket, and tells how long each message took.
async fn receive<const BYTES: usize>(
    mut from: OwnedReadHalf,
    took: Option<mpsc::UnboundedSender<Histogram<u64>>>,
) -> Result<()> {
    let mut seen = Histogram::<u64>::new_with_bounds(1, 60_000_000, 2)?;
    let mut message = [0; BYTES];
    for number in 0..WARM_UP + MEASURED {
        from.read_exact(&mut message).await.context("receiving")?;
        let (sent, _) = message.split_first_chunk().context("a message has a moment")?;
        if number >= WARM_UP {
            seen.saturating_record(now_us() - u64::from_le_bytes(*sent));
        }
    }
    if let Some(took) = took {
        let _nobody_asks = took.send(seen);
    }
    Ok(())
}

/// Microseconds since the process first asked.
fn now_us() -> u64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    u64::try_from(BEGUN.get_or_init(Instant::now).elapsed().as_micros()).unwrap_or(u64::MAX)
}
