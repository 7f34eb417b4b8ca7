//! A way over which real sockets go: a TCP proxy in this process that is slow, loses packets and falls silent.
//!
//! What it shows is what TCP shows: late, never lost, never out of order.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use bellhop_game::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::link::Way;

/// Pieces that may be on the way in one direction; the sender waits with more. A room sends some 60 a second.
const MOST_ON_THE_WAY: usize = 256;
/// Read at once.
const PIECE_BYTES: usize = 4 * 1024;

/// The way to one address.
#[derive(Debug)]
pub struct Road {
    /// Where it begins.
    pub at: SocketAddr,
    silent_until: Arc<Mutex<Instant>>,
    loses: Arc<AtomicBool>,
    carrying: JoinHandle<()>,
}

impl Road {
    /// Opens a way to an address; `seed` decides what is lost.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn to(target: SocketAddr, way: Way, seed: u64) -> Result<Road> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let at = listener.local_addr()?;
        let silent_until = Arc::new(Mutex::new(Instant::now()));
        let loses = Arc::new(AtomicBool::new(way.loses_one_in > 0));
        let (silence, losing) = (Arc::clone(&silent_until), Arc::clone(&loses));
        let carrying = tokio::spawn(async move {
            let mut both_ways = JoinSet::new();
            let mut seeds = Rng::new(seed);
            while let Ok((here, _)) = listener.accept().await {
                let Ok(there) = TcpStream::connect(target).await else { continue };
                drop((here.set_nodelay(true), there.set_nodelay(true)));
                let (from_here, to_here) = here.into_split();
                let (from_there, to_there) = there.into_split();
                for (from, to) in [(from_here, to_there), (from_there, to_here)] {
                    let toll = Toll {
                        way,
                        rng: Rng::new(seeds.bits()),
                        silence: Arc::clone(&silence),
                        loses: Arc::clone(&losing),
                    };
                    let (send, receive) = mpsc::channel(MOST_ON_THE_WAY);
                    both_ways.spawn(set_out(from, send, toll));
                    both_ways.spawn(arrive(to, receive));
                }
            }
        });
        Ok(Road { at, silent_until, loses, carrying })
    }

    /// From now on nothing gets through for so long, in either direction, and nobody is told.
    pub fn falls_silent(&self, during: Duration) {
        *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + during;
    }

    /// From now on nothing is lost.
    pub fn heals(&self) {
        self.loses.store(false, Ordering::Relaxed);
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

/// When a piece that sets out now arrives.
struct Toll {
    way: Way,
    rng: Rng,
    silence: Arc<Mutex<Instant>>,
    loses: Arc<AtomicBool>,
}

impl Toll {
    fn arrives(&mut self) -> Instant {
        let ms = |ms: f64| Duration::from_secs_f64(ms / 1e3);
        let now = Instant::now();
        let silent_until = *self.silence.lock().unwrap_or_else(PoisonError::into_inner);
        if now < silent_until {
            return silent_until + ms(self.way.retransmission_ms());
        }
        let loses_one_in = if self.loses.load(Ordering::Relaxed) { self.way.loses_one_in } else { 0 };
        now + ms(Way { loses_one_in, ..self.way }.takes_ms(&mut self.rng))
    }
}

async fn set_out(mut from: OwnedReadHalf, to: mpsc::Sender<(Instant, Vec<u8>)>, mut toll: Toll) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let read = from.read_buf(&mut piece).await;
        if !read.is_ok_and(|bytes| bytes > 0) || to.send((toll.arrives(), piece)).await.is_err() {
            return;
        }
    }
}

/// In order: what was sent earlier and comes later holds up what follows it.
async fn arrive(mut to: OwnedWriteHalf, mut pieces: mpsc::Receiver<(Instant, Vec<u8>)>) {
    while let Some((arrives, piece)) = pieces.recv().await {
        tokio::time::sleep_until(arrives.into()).await;
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sent_arrives_whole_in_order_and_late() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let way = Way { round_trip_ms: 40.0, loses_one_in: 5 };
        let road = Road::to(listener.local_addr().unwrap(), way, 1).await.unwrap();
        let mut sender = TcpStream::connect(road.at).await.unwrap();
        let (mut receiver, _) = listener.accept().await.unwrap();
        let sent: Vec<u8> = (0..50_000_u32).map(|at| (at % 251) as u8).collect();
        let begun = Instant::now();
        road.falls_silent(Duration::from_millis(100));
        let (_, all) = tokio::join!(
            async {
                sender.write_all(&sent).await.unwrap();
                sender.shutdown().await.unwrap();
            },
            async {
                let mut all = Vec::new();
                receiver.read_to_end(&mut all).await.unwrap();
                all
            }
        );
        assert!(all == sent, "{} of {} bytes", all.len(), sent.len());
        assert!(begun.elapsed() >= Duration::from_millis(100), "{:?}", begun.elapsed());
    }
}
