//! The floor: one thread, plain blocking `send()` to every socket, at absolute deadlines.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::AsyncReadExt as _;

/// What it took.
pub(super) struct Floor {
    pub(super) sends: u64,
    pub(super) cpu: Duration,
}

pub(super) fn measure(
    peers: &tokio::runtime::Handle,
    sockets: u16,
    bytes: usize,
    rate_hz: u32,
    during: Duration,
) -> Result<Floor> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut streams = Vec::new();
    for _ in 0..sockets {
        let peer = TcpStream::connect(listener.local_addr()?)?;
        peer.set_nonblocking(true)?;
        streams.push(listener.accept()?.0);
        streams.last().context("just accepted")?.set_nodelay(true)?;
        peers.spawn(drain(peer));
    }
    let payload = vec![7; bytes];
    let sender =
        std::thread::Builder::new().name("floor".into()).spawn(move || send(streams, &payload, rate_hz, during))?;
    sender.join().map_err(|_| anyhow::anyhow!("the sender failed"))?
}

async fn drain(peer: TcpStream) -> Result<()> {
    let mut peer = tokio::net::TcpStream::from_std(peer)?;
    let mut buffer = [0; 4096];
    while peer.read(&mut buffer).await? > 0 {}
    Ok(())
}

fn send(mut streams: Vec<TcpStream>, payload: &[u8], rate_hz: u32, during: Duration) -> Result<Floor> {
    let began = Instant::now();
    let cpu = thread_cpu();
    let mut sends = 0;
    for step in 1.. {
        let due = Duration::from_secs(step) / rate_hz;
        if due > during {
            break;
        }
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        for stream in &mut streams {
            stream.write_all(payload)?;
            sends += 1;
        }
    }
    Ok(Floor { sends, cpu: thread_cpu() - cpu })
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
