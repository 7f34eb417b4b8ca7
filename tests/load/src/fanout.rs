//! `room/fanout`: frames that a room sends per second of CPU, as a share of a plain loop around `send()`.
//!
//! A real room hosts a game whose whole state changes with every step, with a real client in each seat. All CPU time
//! of the room counts: the match thread, and the thread that reads acknowledgements and talks to the lobby. Before
//! and after it, a thread sends as many bytes to as many sockets at the same pace and does nothing else.

pub(crate) mod clients;
mod floor;
pub mod game;
pub(crate) mod lobby;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bellhop_proto::tokens::Key;
use bellhop_room::{Proof, RoomProcess, Settings, Stop};
use clap::Parser as _;

use crate::bench::{Bench, Report};

/// The benchmark.
pub const BENCH: Bench = Bench {
    name: "room/fanout",
    about: "frames a room sends per second of CPU, as a share of a blocking send() loop (>= 0.5)",
    run,
};

/// As many as a match may have seats.
const SOCKETS: u16 = 256;
/// The pace of the fastest games.
const RATE_HZ: u32 = 60;
/// A frame of the tanks game with 16 players has some 60 bytes, a busy one 100.
const BODY_BYTES: usize = 100;
/// What goes around it: the socket's header, the private prefix, the header of the state and the length of the list.
const AROUND_BYTES: usize = 5;
/// Before the measurement.
const WARM_UP: Duration = Duration::from_secs(2);
/// Frames that the room may skip because the clients, which share the processor with it, did not keep up.
const MOST_SKIPPED: f64 = 0.1;
/// The measurement itself.
const MEASURED: Duration = Duration::from_secs(8);

fn run(report: &mut Report<'_>) -> Result<()> {
    let peers = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = std::thread::scope(|scope| -> Result<(floor::Floor, Room, floor::Floor)> {
        let stop = tokio_util::sync::CancellationToken::new();
        let handle = peers.handle().clone();
        let driving = stop.clone();
        // All sockets but those under test are served by this one thread.
        scope.spawn(move || peers.block_on(driving.cancelled()));
        let _stop = stop.drop_guard();
        let bytes = BODY_BYTES + AROUND_BYTES;
        let before = floor::measure(&handle, SOCKETS, bytes, RATE_HZ, MEASURED / 2)?;
        let room = measure_room(&handle)?;
        let after = floor::measure(&handle, SOCKETS, bytes, RATE_HZ, MEASURED / 2)?;
        Ok((before, room, after))
    });
    let (before, room, after) = measured?;
    let floor_us = (before.cpu + after.cpu).as_secs_f64() * 1e6 / (before.sends + after.sends) as f64;
    let room_us = room.cpu.as_secs_f64() * 1e6 / room.frames as f64;
    let share = room.skipped as f64 / (room.skipped + room.frames) as f64;
    ensure!(share < MOST_SKIPPED, "{:.0} % of the frames were not sent: the machine is too busy", share * 100.0);
    report.headline(floor_us / room_us, "ratio");
    report.further("floor", floor_us, "us");
    report.further("frame", room_us, "us");
    report.further("match-thread", room.match_cpu.as_secs_f64() * 1e6 / room.frames as f64, "us");
    report.further("bytes", room.bytes as f64 / room.frames as f64, "B");
    Ok(())
}

/// What the room did while it was measured.
struct Room {
    frames: u64,
    bytes: u64,
    skipped: u64,
    cpu: Duration,
    match_cpu: Duration,
}

fn measure_room(peers: &tokio::runtime::Handle) -> Result<Room> {
    let key = Key::generate();
    let (lobby, running) = peers.block_on(lobby::start(key, lobby::host("fan", "null", SOCKETS)))?;
    let (send, receive) = std::sync::mpsc::channel();
    let stop = Stop::default();
    let asked = stop.clone();
    let io = std::thread::Builder::new().name(IO_THREAD.into()).spawn(move || run_room(lobby, asked, send))?;
    let (door, metrics) = receive.recv().context("the room did not start")?;
    let tokens = peers.block_on(running).context("the false lobby")??;
    peers.block_on(clients::join(door, tokens))?;
    std::thread::sleep(WARM_UP);
    let before = Sample::take(peers, metrics)?;
    std::thread::sleep(MEASURED);
    let after = Sample::take(peers, metrics)?;
    stop.stop.cancel();
    io.join().map_err(|_| anyhow::anyhow!("the room failed"))??;
    Ok(Room {
        frames: after.frames - before.frames,
        bytes: after.bytes - before.bytes,
        skipped: after.skipped - before.skipped,
        cpu: after.io + after.matched - before.io - before.matched,
        match_cpu: after.matched - before.matched,
    })
}

const IO_THREAD: &str = "room-io";
const MATCH_THREAD: &str = "match";

fn run_room(lobby: SocketAddr, stop: Stop, started: std::sync::mpsc::Sender<(SocketAddr, SocketAddr)>) -> Result<()> {
    let lobby = format!("http://{lobby}");
    let flags = ["room", "--secret-stdin", "--room", "r-1", "--private-listen", "127.0.0.1:0", "--lobby", &lobby];
    let settings = Settings::try_parse_from(flags)?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let games = [bellhop_room::game::<game::Fan>()];
        let room = RoomProcess::bind(settings, Proof::Secret("bench".into()), &games).await?;
        let metrics = room.private_address().context("the private port")?;
        started.send((room.address(), metrics))?;
        room.run(stop).await?;
        Ok(())
    })
}

/// Counters of the room and CPU time of its threads, at one moment.
struct Sample {
    frames: u64,
    bytes: u64,
    skipped: u64,
    io: Duration,
    matched: Duration,
}

impl Sample {
    fn take(peers: &tokio::runtime::Handle, metrics: SocketAddr) -> Result<Sample> {
        let text = peers.block_on(clients::get(metrics, "/metrics"))?;
        let count = |name: &str| -> Result<u64> {
            let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
            found.with_context(|| format!("the room does not tell {name}"))
        };
        Ok(Sample {
            frames: count("room_frames_total")?,
            bytes: count("room_sent_bytes_total")?,
            skipped: count("room_skipped_total")?,
            io: thread_cpu(IO_THREAD)?,
            matched: thread_cpu(MATCH_THREAD)?,
        })
    }
}

/// CPU time of a thread of this process, by its name.
fn thread_cpu(name: &str) -> Result<Duration> {
    for task in std::fs::read_dir("/proc/self/task")? {
        let path = task?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim() == name {
            let times = std::fs::read_to_string(path.join("schedstat"))?;
            let on_cpu = times.split(' ').next().and_then(|nanos| nanos.parse().ok());
            return on_cpu.map(Duration::from_nanos).context("schedstat has another form than expected");
        }
    }
    anyhow::bail!("there is no thread {name}")
}
