//! `room/tanks`: what a busy evening of Tanks costs the rooms.
//!
//! 25 real rooms with 16 bots each, all on this machine: a lobby places them, and the bots play over real sockets. The
//! CPU time of the room processes counts, all their threads, and nothing else. In the same run bare loops, one for each
//! room, receive and send as many messages of the same size on as many sockets: that is the floor.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, Report};
use crate::bots::{Life, Plan, Pulse};
use crate::doors::channel;
use crate::local::Local;

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/tanks",
    about: "ms of room CPU per client-second, 25 rooms x 16 bots at 20 Hz; floor-ratio <= 1.3, gap jitter p99 <= 5 ms",
    run,
};

const ROOMS: u32 = 25;
const SEATS: u32 = 16;
const RATE_HZ: u32 = 20;
/// Bytes of an input with its header; what the floor receives.
const INPUT_BYTES: usize = 14;
/// Bytes of a frame's header.
const HEADER_BYTES: usize = 2;
/// Longest until all are seated.
const SEATED_WITHIN: Duration = Duration::from_secs(120);
/// Before the measurement.
const WARM_UP: Duration = Duration::from_secs(5);
/// The measurement itself.
const MEASURED: Duration = Duration::from_secs(20);
const FLOOR_MEASURED: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_millis(100);

const CONFIG: &str = r#"
[[fleet]]
name = "default"
games = ["tanks"]
min_ready = 4
max_rooms = 32

[[queue]]
name = "tanks"
game = "tanks"
min_players = 16
max_players = 16
window = { anybody = true }
config = { seconds = 3600 }
"#;

fn run(report: &mut Report<'_>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(measure())?;
    let clients = f64::from(ROOMS * SEATS);
    let per_client = |cpu: Duration, during: Duration| cpu.as_secs_f64() * 1e3 / during.as_secs_f64() / clients;
    let cost = per_client(measured.cpu, measured.during);
    let frame = measured.bytes_per_frame.round() as usize + HEADER_BYTES;
    let floor = per_client(floor(frame)?, FLOOR_MEASURED);
    report.headline(cost, "ms");
    report.further("floor", floor, "ms");
    report.further("floor-ratio", cost / floor, "");
    report.further("rss", measured.rss as f64 / f64::from(ROOMS) / f64::from(1 << 20), "MiB");
    report.further("bytes", measured.bytes_per_frame, "B");
    let mut figures = |name: &str, values: &mut Vec<u32>| {
        values.sort_unstable();
        for percent in [50, 99] {
            let at = values.len().saturating_sub(1) * percent / 100;
            let value = values.get(at).copied().unwrap_or_default();
            report.further(&format!("{name}-p{percent}"), f64::from(value) / 1e3, "ms");
        }
    };
    let (mut gaps, mut acks) = (measured.gaps, measured.acks);
    figures("gap", &mut gaps);
    figures("ack", &mut acks);
    report.further("overruns", measured.overruns as f64, "");
    Ok(())
}

struct Measured {
    cpu: Duration,
    during: Duration,
    rss: u64,
    bytes_per_frame: f64,
    gaps: Vec<u32>,
    acks: Vec<u32>,
    overruns: u64,
}

async fn measure() -> Result<Measured> {
    let local = Local::started(CONFIG).await?;
    let lobby = local.lobby_pid().context("the lobby runs")?;
    let channel = channel(&local.gateway_url())?;
    let pulse = Arc::new(Pulse::default());
    let stop = CancellationToken::new();
    let mut bots = tokio::task::JoinSet::new();
    for seed in 0..ROOMS * SEATS {
        let plan = Plan {
            queue: "tanks".into(),
            name: String::new(),
            seed: u64::from(seed),
            reaction_ms: 0.0,
            matches: 1,
            record: None,
            pulse: Some(Arc::clone(&pulse)),
        };
        let (channel, stop) = (channel.clone(), stop.clone());
        bots.spawn(async move { Life::begin(channel, plan).await?.live(&stop).await });
    }
    let until = Instant::now() + SEATED_WITHIN;
    while take(&pulse.gaps)?.len() < (ROOMS * SEATS * RATE_HZ) as usize / 4 {
        ensure!(Instant::now() < until, "not everybody is seated after {} s", SEATED_WITHIN.as_secs());
        if let Some(ended) = bots.try_join_next() {
            ended??;
        }
        tokio::time::sleep(LOOK_EVERY * 5).await;
    }
    tokio::time::sleep(WARM_UP).await;
    // What came while the others were being seated says nothing.
    drop((take(&pulse.gaps)?, take(&pulse.acks)?));
    let (cpu, bytes, began) = (rooms_cpu(lobby)?, pulse.state_bytes.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(MEASURED).await;
    let during = began.elapsed();
    let (gaps, acks) = (take(&pulse.gaps)?, take(&pulse.acks)?);
    let used = rooms_cpu(lobby)?.checked_sub(cpu).context("a room ended")?;
    let bytes = pulse.state_bytes.load(Ordering::Relaxed) - bytes;
    // A frame that did not come at all shows as a gap of twice the time: the room dropped steps.
    let overruns = gaps.iter().filter(|gap| **gap > 2 * 1_000_000 / RATE_HZ).count() as u64;
    bots.abort_all();
    Ok(Measured {
        cpu: used,
        during,
        rss: rooms(lobby)?.into_iter().map(rss).sum(),
        bytes_per_frame: bytes as f64 / gaps.len().max(1) as f64,
        gaps,
        acks,
        overruns,
    })
}

fn take(values: &std::sync::Mutex<Vec<u32>>) -> Result<Vec<u32>> {
    Ok(std::mem::take(&mut *values.lock().map_err(|_| anyhow::anyhow!("a bot failed"))?))
}

/// The lobby's children.
fn rooms(lobby: u32) -> Result<Vec<u32>> {
    let mut rooms = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that just ended is none.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let parent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        if parent == Some(lobby) {
            rooms.push(pid);
        }
    }
    ensure!(!rooms.is_empty(), "the lobby has no rooms");
    Ok(rooms)
}

/// CPU time of all threads of all rooms.
fn rooms_cpu(lobby: u32) -> Result<Duration> {
    let mut nanos = 0_u64;
    for pid in rooms(lobby)? {
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let times = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += times.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).context("schedstat")?;
        }
    }
    Ok(Duration::from_nanos(nanos))
}

fn rss(pid: u32) -> u64 {
    let pages = fs::read_to_string(format!("/proc/{pid}/statm")).ok();
    let resident = pages.and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
    resident.unwrap_or_default() * rustix::param::page_size() as u64
}

/// CPU time of threads that do nothing but receive what came from each socket and send a frame to it. Each has the sockets
/// of one room, and as with rooms they do not all wake at once.
fn floor(frame: usize) -> Result<Duration> {
    let peers = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = CancellationToken::new();
    let handle = peers.handle().clone();
    std::thread::scope(|scope| {
        let driving = stop.clone();
        scope.spawn(move || peers.block_on(driving.cancelled()));
        let _stop = stop.drop_guard();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let mut rooms = Vec::new();
        for _ in 0..ROOMS {
            let mut streams = Vec::new();
            for _ in 0..SEATS {
                let peer = TcpStream::connect(listener.local_addr()?)?;
                let stream = listener.accept()?.0;
                for end in [&peer, &stream] {
                    end.set_nonblocking(true)?;
                    end.set_nodelay(true)?;
                }
                handle.spawn(play(peer, frame));
                streams.push(stream);
            }
            rooms.push(streams);
        }
        let begin = Instant::now();
        let turn = Duration::from_secs(1) / RATE_HZ;
        let loops: Vec<_> = (0..)
            .zip(rooms)
            .map(|(number, streams)| scope.spawn(move || echo(streams, frame, begin + turn * number / ROOMS)))
            .collect();
        loops.into_iter().map(|each| each.join().map_err(|_| anyhow::anyhow!("a loop failed"))?).sum()
    })
}

fn echo(mut streams: Vec<TcpStream>, frame: usize, begin: Instant) -> Result<Duration> {
    let (payload, mut buffer) = (vec![7; frame], [0; 256]);
    let time = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    let cpu = time();
    for turn in 1..=FLOOR_MEASURED.as_secs() as u32 * RATE_HZ {
        let due = begin + Duration::from_secs(1) * turn / RATE_HZ;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for stream in &mut streams {
            match stream.read(&mut buffer) {
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            stream.write_all(&payload)?;
        }
    }
    Ok(time() - cpu)
}

/// Answers every frame with an input.
async fn play(peer: TcpStream, frame: usize) -> Result<()> {
    let mut peer = tokio::net::TcpStream::from_std(peer)?;
    let mut buffer = vec![0; frame];
    loop {
        peer.read_exact(&mut buffer).await?;
        peer.write_all(&[3; INPUT_BYTES]).await?;
    }
}
